// The table of batches.

#include "broker/core/batches.h"

#include "lib/base/origin.h"

static size_t items_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct batch) + 15) / 16 * 16;
}

static size_t changed_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(uint32_t) + 15) / 16 * 16;
}

static size_t resting_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct heap_entry) + 15) / 16 * 16;
}

size_t batches_size(uint32_t cap)
{
    return items_size(cap) + changed_size(cap) + resting_size(cap) + index_size(cap);
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct batches *batches = ctx;
    batches->items[item].place = place;
}

void batches_init(struct batches *batches, void *memory, uint32_t cap, uint64_t seed)
{
    uint8_t *room = memory;
    *batches = (struct batches){.items = memory,
                                .changed = (uint32_t *)(void *)(room + items_size(cap)),
                                .cap = cap,
                                .free = BATCHES_NONE,
                                .open_first = BATCHES_NONE,
                                .open_last = BATCHES_NONE,
                                .seed = seed};
    room += items_size(cap) + changed_size(cap);
    batches->resting =
        (struct heap){.entries = (void *)room, .cap = cap, .moved = moved, .ctx = batches};
    index_init(&batches->by_id, room + resting_size(cap), cap);
}

static bool is_named(const struct batch_row *row, struct slice tenant, const struct id *id)
{
    return id_equal(&row->id, id) && origin_is_tenant(row->tenant, tenant);
}

uint32_t batches_find(const struct batches *batches, struct slice tenant, const struct id *id)
{
    uint32_t at = index_first(&batches->by_id, id_hash(id, batches->seed));
    while (at != INDEX_NONE && !is_named(&batches->items[at].row, tenant, id))
        at = index_next(&batches->by_id, at);
    return at;
}

bool batches_is_known(const struct batches *batches, uint32_t batch)
{
    return batch < batches->used && batches->items[batch].is_used;
}

const struct batch *batches_at(const struct batches *batches, uint32_t batch)
{
    CHECK(batches_is_known(batches, batch));
    return &batches->items[batch];
}

bool batches_has_tenant(const struct batches *batches, struct slice tenant)
{
    for (uint32_t no = 0; no < batches->used; no++)
        if (batches_is_known(batches, no) && slice_equal(batches->items[no].row.tenant, tenant))
            return true;
    return false;
}

bool batches_has_room(const struct batches *batches)
{
    return batches->count < batches->cap;
}

// --- the open ones, in the order of their last members ---

static void enter_open(struct batches *batches, uint32_t no)
{
    struct batch *batch = &batches->items[no];
    batch->prev = batches->open_last;
    batch->next = BATCHES_NONE;
    if (batches->open_last == BATCHES_NONE)
        batches->open_first = no;
    else
        batches->items[batches->open_last].next = no;
    batches->open_last = no;
    batches->open_count++;
}

static void leave_open(struct batches *batches, uint32_t no)
{
    const struct batch *batch = &batches->items[no];
    if (batch->prev == BATCHES_NONE)
        batches->open_first = batch->next;
    else
        batches->items[batch->prev].next = batch->next;
    if (batch->next == BATCHES_NONE)
        batches->open_last = batch->prev;
    else
        batches->items[batch->next].prev = batch->prev;
    CHECK(batches->open_count > 0);
    batches->open_count--;
}

uint32_t batches_first_open(const struct batches *batches)
{
    return batches->open_first;
}

// --- those of which only the id is left ---

static bool has_no_member(const struct batch_row *row)
{
    for (unsigned state = 0; state < JOB_REMOVED; state++)
        if (row->counts[state] > 0)
            return false;
    return row->sealed_at != 0;
}

static void enter_resting(struct batches *batches, uint32_t no)
{
    when_ms until = batches->items[no].row.dedup_until;
    err pushed =
        heap_push(&batches->resting, (struct heap_entry){.key = until, .tie = no, .item = no});
    CHECK(pushed == OK);
}

static void leave_resting(struct batches *batches, uint32_t no)
{
    struct batch *batch = &batches->items[no];
    if (batch->place != BATCHES_NONE)
        (void)heap_remove(&batches->resting, batch->place);
    batch->place = BATCHES_NONE;
}

uint32_t batches_first_free(const struct batches *batches)
{
    const struct heap_entry *first = heap_peek(&batches->resting);
    return first == NULL ? BATCHES_NONE : first->item;
}

// --- coming and going ---

static struct batch *fill(struct batches *batches, uint32_t no, const struct batch_row *row)
{
    batches->items[no] = (struct batch){.row = *row, .place = BATCHES_NONE, .is_used = true};
    batches->count++;
    index_add(&batches->by_id, no, id_hash(&row->id, batches->seed));
    if (row->sealed_at == 0)
        enter_open(batches, no);
    return &batches->items[no];
}

uint32_t batches_add(struct batches *batches, const struct id *id, struct slice tenant,
                     uint64_t fingerprint, when_ms created_at)
{
    CHECK(batches_has_room(batches));
    uint32_t no = batches->free;
    if (no == BATCHES_NONE)
        no = batches->used++;
    else
        batches->free = batches->items[no].next;
    struct batch_row row = {
        .id = *id, .no = no, .fingerprint = fingerprint, .created_at = created_at};
    // The default one's has no name, so that its row takes no bytes more.
    if (!origin_is_tenant(tenant, (struct slice){0}))
        row.tenant = tenant;
    fill(batches, no, &row)->joined_at = created_at;
    return no;
}

static void make_free(struct batches *batches, uint32_t no)
{
    batches->items[no] = (struct batch){.next = batches->free, .place = BATCHES_NONE};
    batches->free = no;
}

err batches_load(struct batches *batches, const struct batch_row *row)
{
    if (row->no >= batches->cap)
        return ERR_FULL;
    if (row->no < batches->used || batches_find(batches, row->tenant, &row->id) != BATCHES_NONE)
        return ERR_DAMAGED;
    while (batches->used < row->no)
        make_free(batches, batches->used++);
    batches->used++;
    (void)fill(batches, row->no, row);
    if (has_no_member(row))
        enter_resting(batches, row->no);
    return OK;
}

void batches_loaded(struct batches *batches, when_ms now)
{
    for (uint32_t no = batches->open_first; no != BATCHES_NONE; no = batches->items[no].next)
        batches->items[no].joined_at = now;
}

// --- members ---

static void mark(struct batches *batches, uint32_t no)
{
    struct batch *batch = &batches->items[no];
    if (batch->is_changed)
        return;
    batch->is_changed = true;
    batch->row.version++;
    CHECK(batches->changed_count < batches->cap);
    batches->changed[batches->changed_count++] = no;
}

bool batches_row_has_ended(const struct batch_row *row)
{
    return row->sealed_at != 0 && row->counts[JOB_SCHEDULED] == 0 && row->counts[JOB_QUEUED] == 0 &&
           row->counts[JOB_RUNNING] == 0 && row->counts[JOB_RETRYING] == 0;
}

// The first end is the one that counts.
static bool note_end(struct batch_row *row, when_ms at)
{
    if (!batches_row_has_ended(row))
        return false;
    if (row->finished_at == 0)
        row->finished_at = at;
    return true;
}

bool batches_differ(uint64_t fingerprint, uint64_t other)
{
    return fingerprint != 0 && other != 0 && fingerprint != other;
}

void batches_join(struct batches *batches, uint32_t no, const struct batch_member *member)
{
    CHECK(batches_is_known(batches, no));
    struct batch *batch = &batches->items[no];
    struct batch_row *row = &batch->row;
    CHECK(member->job_no > row->last_no);
    // Batches of older stores do not know.
    if (row->first_no == 0)
        row->first_no = row->version == 0 ? member->job_no : 1;
    row->last_no = member->job_no;
    if (row->fingerprint != 0 && row->dedup_until < member->dedup_until)
        row->dedup_until = member->dedup_until;
    leave_resting(batches, no);
    batch->is_free = false;
    batch->joined_at = member->joined_at;
    if (batch->row.sealed_at == 0)
        leave_open(batches, no);
    batch->row.sealed_at = 0;
    enter_open(batches, no);
}

bool batches_count(struct batches *batches, uint32_t no, enum job_state from, enum job_state to,
                   when_ms at)
{
    CHECK(batches_is_known(batches, no));
    struct batch_row *row = &batches->items[no].row;
    CHECK_IMPLIES(from != JOB_NONE, row->counts[from] > 0);
    if (from != JOB_NONE)
        row->counts[from]--;
    row->counts[to]++;
    if (to == JOB_REMOVED && from != JOB_SUCCEEDED)
        row->failed_removed++;
    mark(batches, no);
    return note_end(row, at);
}

bool batches_seal(struct batches *batches, uint32_t no, when_ms at)
{
    CHECK(batches_is_known(batches, no));
    struct batch_row *row = &batches->items[no].row;
    CHECK(row->sealed_at == 0 && at > 0);
    leave_open(batches, no);
    row->sealed_at = at;
    mark(batches, no);
    return note_end(row, at);
}

void batches_free(struct batches *batches, uint32_t no)
{
    CHECK(batches_is_known(batches, no) && batches->items[no].place != BATCHES_NONE);
    leave_resting(batches, no);
    batches->items[no].is_free = true;
    mark(batches, no);
}

static bool is_over(const struct batch *batch)
{
    return has_no_member(&batch->row) && (batch->row.fingerprint == 0 || batch->is_free);
}

bool batches_collect(struct batches *batches, struct batch_row *out_row, bool *out_is_over)
{
    if (batches->changed_count == 0)
        return false;
    uint32_t no = batches->changed[--batches->changed_count];
    struct batch *batch = &batches->items[no];
    batch->is_changed = false;
    *out_row = batch->row;
    *out_is_over = is_over(batch);
    if (!*out_is_over && has_no_member(&batch->row) && batch->place == BATCHES_NONE)
        enter_resting(batches, no);
    if (*out_is_over) {
        index_drop(&batches->by_id, no, id_hash(&batch->row.id, batches->seed));
        batches->count--;
        make_free(batches, no);
    }
    return true;
}
