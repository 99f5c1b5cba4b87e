// The table of batches.

#include "broker/core/batches.h"

static size_t items_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct batch) + 15) / 16 * 16;
}

static size_t changed_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(uint32_t) + 15) / 16 * 16;
}

size_t batches_size(uint32_t cap)
{
    return items_size(cap) + changed_size(cap) + index_size(cap);
}

void batches_init(struct batches *batches, void *memory, uint32_t cap, uint64_t seed)
{
    uint8_t *room = memory;
    *batches = (struct batches){.items = memory,
                                .changed = (uint32_t *)(void *)(room + items_size(cap)),
                                .cap = cap,
                                .free = BATCHES_NONE,
                                .seed = seed};
    index_init(&batches->by_id, room + items_size(cap) + changed_size(cap), cap);
}

uint32_t batches_find(const struct batches *batches, const struct id *id)
{
    uint32_t at = index_first(&batches->by_id, id_hash(id, batches->seed));
    while (at != INDEX_NONE && !id_equal(&batches->items[at].id, id))
        at = index_next(&batches->by_id, at);
    return at;
}

bool batches_is_known(const struct batches *batches, uint32_t batch)
{
    return batch < batches->used && batches->items[batch].is_used;
}

bool batches_has_room(const struct batches *batches)
{
    return batches->count < batches->cap;
}

static void fill(struct batches *batches, uint32_t no, const struct id *id, when_ms created_at)
{
    batches->items[no] = (struct batch){.id = *id, .created_at = created_at, .is_used = true};
    batches->count++;
    index_add(&batches->by_id, no, id_hash(id, batches->seed));
}

uint32_t batches_add(struct batches *batches, const struct id *id, when_ms created_at)
{
    CHECK(batches_has_room(batches));
    uint32_t no = batches->free;
    if (no == BATCHES_NONE)
        no = batches->used++;
    else
        batches->free = batches->items[no].next_free;
    fill(batches, no, id, created_at);
    return no;
}

static void make_free(struct batches *batches, uint32_t no)
{
    batches->items[no] = (struct batch){.next_free = batches->free};
    batches->free = no;
}

err batches_load(struct batches *batches, const struct batch_row *row)
{
    if (row->no >= batches->cap)
        return ERR_FULL;
    if (row->no < batches->used || batches_find(batches, &row->id) != BATCHES_NONE)
        return ERR_DAMAGED;
    while (batches->used < row->no)
        make_free(batches, batches->used++);
    batches->used++;
    fill(batches, row->no, &row->id, row->created_at);
    struct batch *batch = &batches->items[row->no];
    batch->version = row->version;
    memcpy(batch->counts, row->counts, sizeof batch->counts);
    return OK;
}

void batches_count(struct batches *batches, uint32_t batch_no, enum job_state from,
                   enum job_state to)
{
    CHECK(batches_is_known(batches, batch_no));
    struct batch *batch = &batches->items[batch_no];
    CHECK_IMPLIES(from != JOB_NONE, batch->counts[from] > 0);
    if (from != JOB_NONE)
        batch->counts[from]--;
    batch->counts[to]++;
    if (!batch->is_changed) {
        batch->is_changed = true;
        batch->version++;
        CHECK(batches->changed_count < batches->cap);
        batches->changed[batches->changed_count++] = batch_no;
    }
}

static bool is_over(const struct batch *batch)
{
    for (unsigned state = 0; state < JOB_REMOVED; state++)
        if (batch->counts[state] > 0)
            return false;
    return true;
}

bool batches_collect(struct batches *batches, struct batch_row *out_row, bool *out_is_over)
{
    if (batches->changed_count == 0)
        return false;
    uint32_t no = batches->changed[--batches->changed_count];
    struct batch *batch = &batches->items[no];
    batch->is_changed = false;
    *out_row = (struct batch_row){
        .id = batch->id, .no = no, .version = batch->version, .created_at = batch->created_at};
    memcpy(out_row->counts, batch->counts, sizeof out_row->counts);
    *out_is_over = is_over(batch);
    if (*out_is_over) {
        index_drop(&batches->by_id, no, id_hash(&batch->id, batches->seed));
        batches->count--;
        make_free(batches, no);
    }
    return true;
}
