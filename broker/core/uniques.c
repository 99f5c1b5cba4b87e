// The table of unique keys: two indexes and a heap of moments.

#include "broker/core/uniques.h"

#include "lib/base/prng.h"

static_assert(sizeof(struct unique) % 8 == 0, "the indexes behind the items are aligned");

static size_t items_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct unique) + 15) / 16 * 16;
}

static size_t timed_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct heap_entry) + 15) / 16 * 16;
}

static size_t links_size(uint32_t cap)
{
    return (index_size(cap) + 15) / 16 * 16;
}

size_t uniques_size(uint32_t cap)
{
    return items_size(cap) + timed_size(cap) + 2 * links_size(cap);
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct uniques *uniques = ctx;
    uniques->items[item].place = place;
}

void uniques_init(struct uniques *uniques, void *memory, uint32_t cap, uint64_t seed)
{
    uint8_t *room = memory;
    *uniques = (struct uniques){.items = memory, .cap = cap, .free = UNIQUES_NONE, .seed = seed};
    room += items_size(cap);
    uniques->timed =
        (struct heap){.entries = (void *)room, .cap = cap, .moved = moved, .ctx = uniques};
    room += timed_size(cap);
    index_init(&uniques->by_hash, room, cap);
    index_init(&uniques->by_no, room + links_size(cap), cap);
}

bool uniques_has_room(const struct uniques *uniques)
{
    return uniques->count < uniques->cap;
}

static uint64_t no_hash(const struct uniques *uniques, uint64_t no)
{
    return prng_mix(no ^ uniques->seed);
}

uint32_t uniques_find(const struct uniques *uniques, const struct id *hash)
{
    uint32_t at = index_first(&uniques->by_hash, id_hash(hash, uniques->seed));
    while (at != INDEX_NONE && !id_equal(&uniques->items[at].row.hash, hash))
        at = index_next(&uniques->by_hash, at);
    return at;
}

uint32_t uniques_of(const struct uniques *uniques, uint64_t no)
{
    uint32_t at = index_first(&uniques->by_no, no_hash(uniques, no));
    while (at != INDEX_NONE && uniques->items[at].row.no != no)
        at = index_next(&uniques->by_no, at);
    return at;
}

const struct unique_row *uniques_at(const struct uniques *uniques, uint32_t unique)
{
    CHECK(unique < uniques->used && uniques->items[unique].row.no != 0);
    return &uniques->items[unique].row;
}

static void wait_for_moment(struct uniques *uniques, uint32_t at)
{
    const struct unique_row *row = &uniques->items[at].row;
    err pushed = heap_push(&uniques->timed,
                           (struct heap_entry){.key = row->until, .tie = row->no, .item = at});
    CHECK(pushed == OK);
}

void uniques_hold(struct uniques *uniques, const struct unique_row *row)
{
    CHECK(uniques_has_room(uniques));
    CHECK(row->no != 0 && (row->waits_end || row->until != 0));
    CHECK(uniques_find(uniques, &row->hash) == UNIQUES_NONE);
    uint32_t at = uniques->free;
    if (at == UNIQUES_NONE)
        at = uniques->used++;
    else
        uniques->free = uniques->items[at].next_free;
    uniques->items[at] = (struct unique){.row = *row, .place = UNIQUES_NONE};
    uniques->count++;
    index_add(&uniques->by_hash, at, id_hash(&row->hash, uniques->seed));
    index_add(&uniques->by_no, at, no_hash(uniques, row->no));
    if (!row->waits_end)
        wait_for_moment(uniques, at);
}

err uniques_load(struct uniques *uniques, const struct unique_row *row)
{
    if (!uniques_has_room(uniques))
        return ERR_FULL;
    if (row->no == 0 || (!row->waits_end && row->until == 0) ||
        uniques_find(uniques, &row->hash) != UNIQUES_NONE ||
        uniques_of(uniques, row->no) != UNIQUES_NONE)
        return ERR_DAMAGED;
    uniques_hold(uniques, row);
    return OK;
}

static void give_back(struct uniques *uniques, uint32_t at)
{
    struct unique *unique = &uniques->items[at];
    CHECK(unique->place == UNIQUES_NONE);
    index_drop(&uniques->by_hash, at, id_hash(&unique->row.hash, uniques->seed));
    index_drop(&uniques->by_no, at, no_hash(uniques, unique->row.no));
    *unique = (struct unique){.next_free = uniques->free};
    uniques->free = at;
    uniques->count--;
}

bool uniques_end(struct uniques *uniques, uint32_t at, when_ms now)
{
    struct unique *unique = &uniques->items[at];
    CHECK(unique->row.no != 0);
    if (unique->row.until > now) {
        if (unique->row.waits_end)
            wait_for_moment(uniques, at);
        unique->row.waits_end = false;
        return false;
    }
    // One that only waited for its moment is given back by uniques_pass().
    if (!unique->row.waits_end)
        return false;
    give_back(uniques, at);
    return true;
}

static void forget_moment(struct uniques *uniques, struct unique *unique)
{
    CHECK(unique->row.no != 0 && !unique->row.waits_end);
    (void)heap_remove(&uniques->timed, unique->place);
    unique->place = UNIQUES_NONE;
}

void uniques_resume(struct uniques *uniques, uint32_t at)
{
    forget_moment(uniques, &uniques->items[at]);
    uniques->items[at].row.waits_end = true;
}

void uniques_pass(struct uniques *uniques, uint32_t at)
{
    forget_moment(uniques, &uniques->items[at]);
    give_back(uniques, at);
}

uint32_t uniques_first(const struct uniques *uniques)
{
    const struct heap_entry *first = heap_peek(&uniques->timed);
    return first != NULL ? first->item : UNIQUES_NONE;
}

when_ms uniques_deadline(const struct uniques *uniques)
{
    const struct heap_entry *first = heap_peek(&uniques->timed);
    return first != NULL ? first->key : WHEN_NEVER;
}
