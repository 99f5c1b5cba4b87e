// The table of leases.

#include "broker/core/leases.h"

#include "lib/base/prng.h"

static size_t items_bytes(const struct limits *limits)
{
    return ((size_t)limits->lease_count_max * sizeof(struct lease) + 15) / 16 * 16;
}

static size_t heap_bytes(const struct limits *limits)
{
    return ((size_t)limits->lease_count_max * sizeof(struct heap_entry) + 15) / 16 * 16;
}

size_t leases_size(const struct limits *limits)
{
    return items_bytes(limits) + heap_bytes(limits) + index_size(limits->lease_count_max);
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct lease *items = ctx;
    items[item].place = place;
}

void leases_init(struct leases *leases, void *memory, const struct limits *limits)
{
    uint8_t *room = memory;
    *leases = (struct leases){.items = memory, .cap = limits->lease_count_max, .free = LEASES_NONE};
    leases->ends =
        (struct heap){.entries = (struct heap_entry *)(void *)(room + items_bytes(limits)),
                      .cap = leases->cap,
                      .moved = moved,
                      .ctx = leases->items};
    index_init(&leases->by_token, room + items_bytes(limits) + heap_bytes(limits), leases->cap);
}

bool leases_has_room(const struct leases *leases)
{
    return leases->count < leases->cap;
}

uint32_t leases_add(struct leases *leases, const struct lease *lease, uint32_t *list)
{
    CHECK(leases_has_room(leases));
    uint32_t no = leases->free;
    if (no == LEASES_NONE)
        no = leases->used++;
    else
        leases->free = leases->items[no].next;
    leases->count++;
    struct lease *item = &leases->items[no];
    *item = *lease;
    item->is_live = true;
    item->prev = LEASES_NONE;
    item->next = *list;
    if (*list != LEASES_NONE)
        leases->items[*list].prev = no;
    *list = no;
    index_add(&leases->by_token, no, prng_mix(lease->token));
    err pushed = heap_push(
        &leases->ends, (struct heap_entry){.key = item->ends_at, .tie = item->token, .item = no});
    CHECK(pushed == OK);
    return no;
}

void leases_drop(struct leases *leases, uint32_t no, uint32_t *list)
{
    struct lease *item = leases_at(leases, no);
    if (item->is_live)
        leases_pass(leases, no);
    index_drop(&leases->by_token, no, prng_mix(item->token));
    if (item->prev == LEASES_NONE) {
        CHECK(*list == no);
        *list = item->next;
    } else {
        leases->items[item->prev].next = item->next;
    }
    if (item->next != LEASES_NONE)
        leases->items[item->next].prev = item->prev;
    *item = (struct lease){.next = leases->free};
    leases->free = no;
    leases->count--;
}

void leases_pass(struct leases *leases, uint32_t no)
{
    struct lease *item = leases_at(leases, no);
    CHECK(item->is_live);
    item->is_live = false;
    struct heap_entry removed = heap_remove(&leases->ends, item->place);
    CHECK(removed.item == no);
}

void leases_renew(struct leases *leases, uint32_t no, when_ms mono)
{
    struct lease *item = leases_at(leases, no);
    CHECK(item->is_live);
    // A lease lasts at least its time: a renewal never shortens it.
    when_ms ends_at = when_after(mono, item->lease_ms);
    item->is_held_back = item->cap_at != 0 && ends_at > item->cap_at;
    if (item->is_held_back)
        ends_at = item->cap_at;
    if (ends_at <= item->ends_at)
        return;
    item->ends_at = ends_at;
    heap_rekey(&leases->ends, item->place, item->ends_at);
}

void leases_cancel(struct leases *leases, uint32_t no, when_ms mono)
{
    struct lease *item = leases_at(leases, no);
    CHECK(item->is_live);
    when_ms cap_at = when_after(mono, item->lease_ms);
    item->is_cancelled = true;
    if (item->cap_at == 0 || cap_at < item->cap_at)
        item->cap_at = cap_at;
}

void leases_extend(struct leases *leases, uint32_t no, when_ms span_ms)
{
    struct lease *item = leases_at(leases, no);
    CHECK(item->is_live && span_ms > 0);
    // Whoever is told to stop gets no more time.
    if (item->is_cancelled || item->cap_at == 0)
        return;
    item->cap_at = when_after(item->cap_at, span_ms);
    item->is_held_back = false;
}

uint32_t leases_find(const struct leases *leases, uint64_t token)
{
    uint32_t no = index_first(&leases->by_token, prng_mix(token));
    while (no != INDEX_NONE && leases->items[no].token != token)
        no = index_next(&leases->by_token, no);
    return no;
}

struct lease *leases_at(const struct leases *leases, uint32_t no)
{
    CHECK(no < leases->used && leases->items[no].token != 0);
    return &leases->items[no];
}

uint32_t leases_first_end(const struct leases *leases)
{
    const struct heap_entry *first = heap_peek(&leases->ends);
    return first != NULL ? first->item : LEASES_NONE;
}
