// Webhook endpoints: how each stands, and who of them hears of a job, follows from the entries alone,
// and that is how the core has it, before and after a crash.

#include "lib/base/origin.h"
#include "proto/labels.h"
#include "tests/sim/sim.h"

static struct seen_endpoint *seen(struct sim *sim, struct slice tenant, struct slice id)
{
    struct seen_endpoint *free = NULL;
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++) {
        struct seen_endpoint *at = &sim->watch.endpoints[i];
        if (at->generation == 0)
            free = at;
        else if (slice_equal(at->tenant, origin_tenant(tenant)) &&
                 slice_equal(at->given.webhook_id, id))
            return at;
    }
    SIM_EXPECT(free != NULL, "no more endpoints are made than there is room for");
    return free;
}

static void rotate(struct seen_endpoint *endpoint, const struct msg_webhook_set *set, when_ms at)
{
    bool overlaps = set->overlap_s > 0;
    endpoint->secret_before = overlaps ? endpoint->secret : (struct slice){0};
    endpoint->before_until = overlaps ? at + (when_ms)set->overlap_s * 1000 : 0;
    endpoint->secret = set->secret;
}

// `job_no` is the number that the next accepted job gets.
static void note(struct sim *sim, const struct entry *entry, uint64_t job_no)
{
    const struct msg_webhook_set *set = entry->endpoint.set;
    struct seen_endpoint *endpoint = seen(sim, set->tenant, set->given.webhook_id);
    if (endpoint->generation == 0) {
        SIM_EXPECT(set->act == WEBHOOK_SET, "only an endpoint that is there is changed");
        *endpoint = (struct seen_endpoint){.tenant = origin_tenant(set->tenant),
                                           .secret = set->secret,
                                           .since_no = job_no,
                                           .birth = ++sim->watch.endpoint_births};
    }
    SIM_EXPECT(set->act != WEBHOOK_DISABLE || set->given.url.len == 0 ||
                   slice_equal(set->given.url, endpoint->given.url),
               "an endpoint is not switched off for what it was");
    endpoint->generation++;
    if (set->act == WEBHOOK_SET)
        endpoint->given = set->given;
    else if (set->act == WEBHOOK_ROTATE)
        rotate(endpoint, set, entry->at);
    else if (set->act == WEBHOOK_DELETE)
        *endpoint = (struct seen_endpoint){0};
    else {
        endpoint->is_disabled = set->act == WEBHOOK_DISABLE;
        endpoint->reason = endpoint->is_disabled ? set->reason : (struct slice){0};
    }
}

static bool is_same(const struct seen_endpoint *endpoint, const struct endpoint_row *row)
{
    const struct msg_webhook *given = &endpoint->given;
    return slice_equal(given->url, row->given.url) && slice_equal(given->types, row->given.types) &&
           slice_equal(given->tags, row->given.tags) &&
           slice_equal(given->headers, row->given.headers) && given->events == row->given.events &&
           slice_equal(endpoint->secret, row->secret) &&
           slice_equal(endpoint->secret_before, row->secret_before) &&
           slice_equal(endpoint->reason, row->reason) && endpoint->since_no == row->since_no &&
           endpoint->before_until == row->before_until && endpoint->generation == row->generation &&
           endpoint->is_disabled == row->is_disabled;
}

// No two of a tenant have one place, and each is where a job would look for it.
static void check_place(const struct endpoints *endpoints, uint32_t no)
{
    const struct endpoint_row *row = endpoints_at(endpoints, no);
    SIM_EXPECT(endpoints_told(endpoints, row->tenant, row->place, row->since_no) == no,
               "an endpoint is found at its place");
}

static void check_all(const struct sim *sim)
{
    const struct endpoints *endpoints = &sim->shell.core->ledger.endpoints;
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++) {
        const struct seen_endpoint *endpoint = &sim->watch.endpoints[i];
        if (endpoint->generation == 0)
            continue;
        uint32_t no = endpoints_find(endpoints, endpoint->tenant, endpoint->given.webhook_id);
        SIM_EXPECT(no != ENDPOINTS_NONE && is_same(endpoint, endpoints_at(endpoints, no)),
                   "an endpoint is as the entries have made it");
        check_place(endpoints, no);
        count++;
    }
    SIM_EXPECT(endpoints->count == count, "there is no endpoint that no entry has made");
}

// Names of one letter, between commas.
static bool lists(struct slice list, struct slice name)
{
    return list.len == 0 || memchr(list.data, name.data[0], list.len) != NULL;
}

static bool has_tag(struct slice list, struct slice labels)
{
    for (size_t i = 0; i < list.len; i += 2)
        if (labels_has_tag(labels, slice_of(list.data + i, 1)))
            return true;
    return list.len == 0;
}

struct seen_hearers watch_endpoint_wanting(const struct sim *sim, const struct msg_submit_job *job,
                                           uint32_t events)
{
    struct seen_hearers hearers = {0};
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++) {
        const struct seen_endpoint *at = &sim->watch.endpoints[i];
        const struct msg_webhook *given = &at->given;
        if (at->generation != 0 && origin_is_tenant(at->tenant, job->tenant) &&
            (given->events & events) != 0 && lists(given->types, job->type) &&
            has_tag(given->tags, job->labels))
            hearers.births[hearers.count++] = at->birth;
    }
    return hearers;
}

const struct seen_endpoint *watch_endpoint_of(const struct sim *sim, uint32_t birth)
{
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++)
        if (sim->watch.endpoints[i].generation != 0 && sim->watch.endpoints[i].birth == birth)
            return &sim->watch.endpoints[i];
    return NULL;
}

uint32_t watch_endpoint_named(const struct sim *sim, struct slice tenant, struct slice id)
{
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++) {
        const struct seen_endpoint *at = &sim->watch.endpoints[i];
        if (at->generation != 0 && origin_is_tenant(at->tenant, tenant) &&
            slice_equal(at->given.webhook_id, id))
            return at->birth;
    }
    return 0;
}

// --- what waited for a former url ---

static const struct msg_operate *freeing(const struct entry *entry, const struct effects *fx)
{
    bool is_last = entry + 1 == fx->entries + fx->entry_count;
    return !is_last && entry[1].kind == ENTRY_OPERATE ? entry[1].operate.asked : NULL;
}

static bool waits(const struct sim *sim, struct slice tenant)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    for (uint32_t slot = 0; slot < ledger->jobs.used; slot++) {
        if (!jobs_is_taken(&ledger->jobs, slot))
            continue;
        const struct job *job = jobs_at(&ledger->jobs, slot);
        struct lane_row lane = lanes_row(&ledger->lanes, job->lane);
        if ((job->state == JOB_RETRYING || job->state == JOB_SCHEDULED) &&
            slice_is_text(lane.queue, HOOK_QUEUE) && origin_is_tenant(lane.tenant, tenant))
            return true;
    }
    return false;
}

static bool is_crowded(const struct sim *sim)
{
    const struct operations *operations = &sim->shell.core->ledger.operations;
    return !operations_has_room(operations) &&
           operations_oldest(operations, sim->now.store - LIMITS_OPERATION_KEPT_MS) ==
               OPERATIONS_NONE;
}

// In the same batch as the change, and with nothing else.
static void check_freeing(const struct sim *sim, const struct msg_webhook_set *set,
                          const struct msg_operate *act, bool is_moved)
{
    char tag[MSG_TAG_LEN_MAX + 1];
    (void)snprintf(tag, sizeof tag, "endpoint:%.*s", (int)set->given.webhook_id.len,
                   (const char *)set->given.webhook_id.data);
    if (act == NULL) {
        SIM_EXPECT(!is_moved || !waits(sim, set->tenant) || is_crowded(sim),
                   "what waited for a former url is run when there is another one");
        return;
    }
    SIM_EXPECT(is_moved && act->kind == ACT_RUN_NOW && slice_is_text(act->filter.tag, tag) &&
                   slice_is_text(act->filter.queue, HOOK_QUEUE) &&
                   origin_is_tenant(act->tenant, set->tenant),
               "only what waited for the former url is run");
    watch_seen(SEEN_ENDPOINT_MOVED);
}

// One that is off would only let them die.
static bool moves(struct sim *sim, const struct msg_webhook_set *set)
{
    const struct seen_endpoint *before = seen(sim, set->tenant, set->given.webhook_id);
    return set->act == WEBHOOK_SET && before->generation != 0 && !before->is_disabled &&
           before->given.url.len > 0 && set->given.url.len > 0 &&
           !slice_equal(before->given.url, set->given.url);
}

bool watch_endpoint_frees(struct sim *sim, const struct id *job_id)
{
    struct slice other = slice_of_text(SIM_TENANT);
    struct slice tenant = watch_tenant_owns(sim, other, job_id) ? other : (struct slice){0};
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++) {
        const struct operation_row *row = &sim->watch.operations[i].row;
        bool is_of_hooks = row->filter.tag.len > strlen(HOOK_TAG) && row->kind == ACT_RUN_NOW;
        if (is_of_hooks && !operations_is_over(row) && origin_is_tenant(row->tenant, tenant))
            return true;
    }
    return false;
}

void watch_endpoint_entry(struct sim *sim, const struct entry *entry, const struct effects *fx)
{
    check_freeing(sim, entry->endpoint.set, freeing(entry, fx), moves(sim, entry->endpoint.set));
    note(sim, entry, sim->shell.core->ledger.row.job_no_next);
    check_all(sim);
    if (entry->endpoint.set->act == WEBHOOK_ROTATE)
        watch_seen(SEEN_ENDPOINT_ROTATED);
    if (entry->endpoint.set->act == WEBHOOK_DISABLE && entry->endpoint.set->given.url.len > 0)
        watch_seen(SEEN_ENDPOINT_GONE);
    if (entry->endpoint.set->act == WEBHOOK_DELETE)
        watch_seen(SEEN_ENDPOINT_DELETED);
}

// What was not durable never happened.
void watch_endpoint_start(struct sim *sim)
{
    uint64_t job_no = 1;
    memset(sim->watch.endpoints, 0, sizeof sim->watch.endpoints);
    sim->watch.endpoint_births = 0;
    for (uint32_t i = 0; i < sim->log_count; i++) {
        hook_restore(sim, &sim->log[i]);
        job_no += sim->log[i].kind == ENTRY_SUBMIT;
        if (sim->log[i].kind == ENTRY_ENDPOINT)
            note(sim, &sim->log[i], job_no);
    }
    check_all(sim);
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++)
        if (sim->watch.endpoints[i].is_disabled)
            watch_seen(SEEN_ENDPOINT_LOADED);
}
