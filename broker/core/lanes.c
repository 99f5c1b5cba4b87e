// The table of lanes.

#include "broker/core/lanes.h"

#include "lib/base/prng.h"

static_assert(MSG_NAME_LEN_MAX <= UINT8_MAX, "lengths of names are kept in one byte");

static size_t items_size(uint32_t cap)
{
    // Rounded up so that the index behind it is aligned.
    return ((size_t)cap * sizeof(struct lane) + 15) / 16 * 16;
}

size_t lanes_size(uint32_t cap)
{
    return items_size(cap) + index_size(cap);
}

void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, uint64_t seed)
{
    CHECK(cap <= UINT16_MAX);
    *lanes = (struct lanes){.items = memory, .cap = cap, .seed = seed};
    index_init(&lanes->by_name, (uint8_t *)memory + items_size(cap), cap);
}

static uint64_t hash_of(const struct lanes *lanes, struct slice queue, struct slice type)
{
    uint64_t hash = lanes->seed;
    for (size_t i = 0; i < queue.len; i++)
        hash = (hash ^ queue.data[i]) * 0x100000001b3u;
    hash = prng_mix(hash);
    for (size_t i = 0; i < type.len; i++)
        hash = (hash ^ type.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

uint32_t lanes_find(const struct lanes *lanes, struct slice queue, struct slice type)
{
    uint32_t at = index_first(&lanes->by_name, hash_of(lanes, queue, type));
    for (; at != INDEX_NONE; at = index_next(&lanes->by_name, at)) {
        struct lane_row row = lanes_row(lanes, at);
        if (slice_equal(row.queue, queue) && slice_equal(row.type, type))
            return at;
    }
    return LANES_NONE;
}

static void fill(struct lanes *lanes, uint32_t no, struct slice queue, struct slice type)
{
    CHECK(queue.len > 0 && queue.len <= MSG_NAME_LEN_MAX);
    CHECK(type.len > 0 && type.len <= MSG_NAME_LEN_MAX);
    struct lane *lane = &lanes->items[no];
    CHECK(!lane->is_used);
    *lane = (struct lane){
        .is_used = true, .queue_len = (uint8_t)queue.len, .type_len = (uint8_t)type.len};
    memcpy(lane->queue, queue.data, queue.len);
    memcpy(lane->type, type.data, type.len);
    index_add(&lanes->by_name, no, hash_of(lanes, queue, type));
}

uint32_t lanes_add(struct lanes *lanes, struct slice queue, struct slice type)
{
    CHECK(lanes_has_room(lanes));
    uint32_t no = lanes->count++;
    fill(lanes, no, queue, type);
    return no;
}

bool lanes_has_room(const struct lanes *lanes)
{
    return lanes->count < lanes->cap;
}

err lanes_load(struct lanes *lanes, const struct lane_row *row)
{
    if (row->no >= lanes->cap)
        return ERR_FULL;
    if (row->no != lanes->count || row->queue.len == 0 || row->queue.len > MSG_NAME_LEN_MAX ||
        row->type.len == 0 || row->type.len > MSG_NAME_LEN_MAX)
        return ERR_DAMAGED;
    lanes->count++;
    fill(lanes, row->no, row->queue, row->type);
    return OK;
}

struct lane_row lanes_row(const struct lanes *lanes, uint32_t lane)
{
    CHECK(lane < lanes->count);
    const struct lane *item = &lanes->items[lane];
    return (struct lane_row){.no = (uint16_t)lane,
                             .queue = slice_of(item->queue, item->queue_len),
                             .type = slice_of(item->type, item->type_len)};
}
