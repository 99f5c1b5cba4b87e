// The table of endpoints, and who of them wants a job.

#include "broker/core/endpoints.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/base/prng.h"
#include "proto/labels.h"

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t endpoints_size(uint32_t cap)
{
    return round16((size_t)cap * sizeof(struct endpoint)) +
           round16((size_t)cap * sizeof(struct endpoint_group)) + index_size(cap);
}

void endpoints_init(struct endpoints *endpoints, void *memory, uint32_t cap, uint64_t seed)
{
    uint8_t *at = memory;
    *endpoints = (struct endpoints){.items = memory,
                                    .cap = cap,
                                    .free = ENDPOINTS_NONE,
                                    .group_free = ENDPOINTS_NONE,
                                    .seed = seed};
    at += round16((size_t)cap * sizeof(struct endpoint));
    endpoints->groups = (struct endpoint_group *)(void *)at;
    at += round16((size_t)cap * sizeof(struct endpoint_group));
    index_init(&endpoints->by_tenant, at, cap);
}

// --- groups ---

static uint64_t hash_of(const struct endpoints *endpoints, struct slice tenant)
{
    uint64_t hash = endpoints->seed;
    for (size_t i = 0; i < tenant.len; i++)
        hash = (hash ^ tenant.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

static struct slice tenant_of(const struct endpoint_group *group)
{
    return slice_of(group->tenant, group->tenant_len);
}

static uint32_t group_of(const struct endpoints *endpoints, struct slice tenant)
{
    if (endpoints->count == 0)
        return ENDPOINTS_NONE; // as most brokers have it
    struct slice name = origin_tenant(tenant);
    uint32_t at = index_first(&endpoints->by_tenant, hash_of(endpoints, name));
    while (at != INDEX_NONE && !slice_equal(tenant_of(&endpoints->groups[at]), name))
        at = index_next(&endpoints->by_tenant, at);
    return at;
}

static uint32_t add_group(struct endpoints *endpoints, struct slice name)
{
    uint32_t at = endpoints->group_free;
    if (at == ENDPOINTS_NONE)
        at = endpoints->group_used++;
    else
        endpoints->group_free = endpoints->groups[at].next_free;
    CHECK(at < endpoints->cap && name.len > 0 && name.len <= MSG_NAME_LEN_MAX);
    struct endpoint_group *group = &endpoints->groups[at];
    *group = (struct endpoint_group){.tenant_len = (uint8_t)name.len};
    memcpy(group->tenant, name.data, name.len);
    index_add(&endpoints->by_tenant, at, hash_of(endpoints, name));
    return at;
}

static uint32_t progress_count(const struct endpoints *endpoints,
                               const struct endpoint_group *group)
{
    uint32_t count = 0;
    for (uint32_t i = 0; group->count > 0 && i < ENDPOINTS_OF_TENANT_MAX; i++)
        count += group->members[i] != 0 &&
                 (endpoints->items[group->members[i] - 1].row.given.events & WEBHOOK_PROGRESS) != 0;
    return count;
}

static void find_most(struct endpoints *endpoints)
{
    endpoints->most = 0;
    endpoints->progress_most = 0;
    for (uint32_t i = 0; i < endpoints->group_used; i++) {
        const struct endpoint_group *group = &endpoints->groups[i];
        uint32_t progress = progress_count(endpoints, group);
        endpoints->most = group->count > endpoints->most ? group->count : endpoints->most;
        if (progress > endpoints->progress_most)
            endpoints->progress_most = progress;
    }
}

static void leave_group(struct endpoints *endpoints, uint32_t at, uint32_t place)
{
    struct endpoint_group *group = &endpoints->groups[at];
    group->members[place] = 0;
    if (--group->count > 0)
        return;
    index_drop(&endpoints->by_tenant, at, hash_of(endpoints, tenant_of(group)));
    *group = (struct endpoint_group){.next_free = endpoints->group_free};
    endpoints->group_free = at;
}

// --- the table ---

uint32_t endpoints_find(const struct endpoints *endpoints, struct slice tenant, struct slice id)
{
    uint32_t at = group_of(endpoints, tenant);
    for (uint32_t i = 0; at != ENDPOINTS_NONE && i < ENDPOINTS_OF_TENANT_MAX; i++) {
        uint32_t member = endpoints->groups[at].members[i];
        if (member != 0 && slice_equal(endpoints->items[member - 1].row.given.webhook_id, id))
            return member - 1;
    }
    return ENDPOINTS_NONE;
}

uint32_t endpoints_told(const struct endpoints *endpoints, struct slice tenant, uint32_t place,
                        uint64_t job_no)
{
    CHECK(place < ENDPOINTS_OF_TENANT_MAX);
    uint32_t at = group_of(endpoints, tenant);
    uint32_t member = at != ENDPOINTS_NONE ? endpoints->groups[at].members[place] : 0;
    if (member == 0 || endpoints->items[member - 1].row.since_no > job_no)
        return ENDPOINTS_NONE;
    return member - 1;
}

const struct endpoint_row *endpoints_at(const struct endpoints *endpoints, uint32_t no)
{
    CHECK(no < endpoints->used && endpoints->items[no].is_used);
    return &endpoints->items[no].row;
}

const char *endpoints_refusal(const struct endpoints *endpoints, struct slice tenant)
{
    uint32_t at = group_of(endpoints, tenant);
    if (at != ENDPOINTS_NONE && endpoints->groups[at].count == ENDPOINTS_OF_TENANT_MAX)
        return "a tenant has at most 12 webhook endpoints; delete one";
    if (endpoints->count == endpoints->cap)
        return "endpoint_count_max: too many webhook endpoints; delete one";
    return NULL;
}

static struct slice keep(uint8_t **at, struct slice text)
{
    uint8_t *copy = *at;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    *at += text.len;
    return slice_of(copy, text.len);
}

static size_t text_len(const struct endpoint_row *row)
{
    const struct msg_webhook *given = &row->given;
    return row->tenant.len + given->webhook_id.len + given->url.len + given->types.len +
           given->tags.len + given->headers.len + row->secret.len + row->secret_before.len +
           row->reason.len;
}

// `room` is none of the row's own.
static struct endpoint_row copy_to(const struct endpoint_row *row, uint8_t *room)
{
    CHECK(text_len(row) <= ENDPOINTS_TEXT_LEN_MAX);
    uint8_t *at = room;
    struct endpoint_row copy = *row;
    copy.tenant = keep(&at, row->tenant);
    copy.given.webhook_id = keep(&at, row->given.webhook_id);
    copy.given.url = keep(&at, row->given.url);
    copy.given.types = keep(&at, row->given.types);
    copy.given.tags = keep(&at, row->given.tags);
    copy.given.headers = keep(&at, row->given.headers);
    copy.secret = keep(&at, row->secret);
    copy.secret_before = keep(&at, row->secret_before);
    copy.reason = keep(&at, row->reason);
    return copy;
}

struct endpoint_row endpoints_copy(const struct endpoint_row *row, struct arena *arena)
{
    uint8_t *room = arena_take(arena, text_len(row));
    CHECK(room != NULL);
    return copy_to(row, room);
}

// It is not known, there is room for it, and its place is free.
static uint32_t add_at(struct endpoints *endpoints, const struct endpoint_row *row)
{
    uint32_t group = group_of(endpoints, row->tenant);
    if (group == ENDPOINTS_NONE)
        group = add_group(endpoints, origin_tenant(row->tenant));
    uint32_t no = endpoints->free;
    if (no == ENDPOINTS_NONE)
        no = endpoints->used++;
    else
        endpoints->free = endpoints->items[no].next_free;
    struct endpoint *endpoint = &endpoints->items[no];
    CHECK(no < endpoints->cap && !endpoint->is_used);
    CHECK(endpoints->groups[group].members[row->place] == 0);
    endpoint->is_used = true;
    endpoint->row = copy_to(row, endpoint->text);
    endpoints->groups[group].members[row->place] = no + 1;
    endpoints->groups[group].count++;
    endpoints->count++;
    find_most(endpoints);
    return no;
}

uint32_t endpoints_add(struct endpoints *endpoints, const struct endpoint_row *row)
{
    CHECK(endpoints_refusal(endpoints, row->tenant) == NULL);
    CHECK(endpoints_find(endpoints, row->tenant, row->given.webhook_id) == ENDPOINTS_NONE);
    struct endpoint_row placed = *row;
    uint32_t group = group_of(endpoints, row->tenant);
    placed.place = 0;
    while (group != ENDPOINTS_NONE && endpoints->groups[group].members[placed.place] != 0)
        placed.place++;
    return add_at(endpoints, &placed);
}

void endpoints_put(struct endpoints *endpoints, uint32_t no, const struct endpoint_row *row)
{
    const struct endpoint_row *before = endpoints_at(endpoints, no);
    CHECK(row->place == before->place && row->since_no == before->since_no);
    CHECK(slice_equal(row->given.webhook_id, before->given.webhook_id));
    endpoints->items[no].row = copy_to(row, endpoints->items[no].text);
    find_most(endpoints);
}

void endpoints_drop(struct endpoints *endpoints, uint32_t no)
{
    const struct endpoint_row *row = endpoints_at(endpoints, no);
    leave_group(endpoints, group_of(endpoints, row->tenant), row->place);
    endpoints->items[no].is_used = false;
    endpoints->items[no].row = (struct endpoint_row){0};
    endpoints->items[no].next_free = endpoints->free;
    endpoints->free = no;
    endpoints->count--;
    find_most(endpoints);
}

// --- who wants a job ---

// Is one of the names between commas so? Nothing given: all are.
static bool names_one(struct slice list, bool (*is_so)(struct slice of, struct slice name),
                      struct slice of)
{
    size_t from = 0;
    for (size_t at = 0; at <= list.len && list.len > 0; at++) {
        if (at < list.len && list.data[at] != ',')
            continue;
        if (is_so(of, slice_of(list.data + from, at - from)))
            return true;
        from = at + 1;
    }
    return list.len == 0;
}

static bool is_type(struct slice type, struct slice name)
{
    return slice_equal(type, name);
}

uint16_t endpoints_wanting(const struct endpoints *endpoints, const struct msg_submit_job *job,
                           uint32_t events)
{
    // A delivery is told to nobody, or there would be no end of it.
    uint32_t at = ENDPOINTS_NONE;
    if (!msg_hook_is_reserved(job->queue))
        at = group_of(endpoints, job->tenant);
    unsigned wanting = 0;
    for (uint32_t i = 0; at != ENDPOINTS_NONE && i < ENDPOINTS_OF_TENANT_MAX; i++) {
        uint32_t member = endpoints->groups[at].members[i];
        if (member == 0)
            continue;
        const struct msg_webhook *given = &endpoints->items[member - 1].row.given;
        if ((given->events & events) != 0 && names_one(given->types, is_type, job->type) &&
            names_one(given->tags, labels_has_tag, job->labels))
            wanting |= 1u << i;
    }
    return (uint16_t)wanting;
}

uint32_t endpoints_hearing(const struct endpoints *endpoints, struct slice tenant, uint32_t events)
{
    uint32_t at = group_of(endpoints, tenant);
    uint32_t count = 0;
    for (uint32_t i = 0; at != ENDPOINTS_NONE && i < ENDPOINTS_OF_TENANT_MAX; i++) {
        uint32_t member = endpoints->groups[at].members[i];
        count += member != 0 && (endpoints->items[member - 1].row.given.events & events) != 0;
    }
    return count;
}

// --- loading ---

static bool is_name(struct slice name)
{
    return name.len > 0 && name.len <= MSG_NAME_LEN_MAX;
}

err endpoints_load(struct endpoints *endpoints, const struct endpoint_row *row)
{
    if (!is_name(row->given.webhook_id) || row->tenant.len > MSG_NAME_LEN_MAX ||
        row->place >= ENDPOINTS_OF_TENANT_MAX || row->secret.len == 0 ||
        text_len(row) > ENDPOINTS_TEXT_LEN_MAX ||
        endpoints_find(endpoints, row->tenant, row->given.webhook_id) != ENDPOINTS_NONE)
        return ERR_DAMAGED;
    uint32_t group = group_of(endpoints, row->tenant);
    if (group != ENDPOINTS_NONE && endpoints->groups[group].members[row->place] != 0)
        return ERR_DAMAGED;
    if (endpoints->count == endpoints->cap)
        return ERR_FULL;
    (void)add_at(endpoints, row);
    return OK;
}
