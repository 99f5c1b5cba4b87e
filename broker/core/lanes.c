// The table of lanes.

#include "broker/core/lanes.h"

#include "lib/base/check.h"

size_t lanes_size(uint32_t cap)
{
    return names_size(cap) + ((size_t)cap * sizeof(uint64_t) + 15) / 16 * 16;
}

void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, const struct queues *queues,
                uint64_t seed)
{
    *lanes = (struct lanes){.queues = queues};
    names_init(&lanes->types, memory, cap, seed);
    lanes->accepted_in = (uint64_t *)(void *)((uint8_t *)memory + names_size(cap));
}

uint32_t lanes_count(const struct lanes *lanes)
{
    return lanes->types.count;
}

bool lanes_is_known(const struct lanes *lanes, uint32_t lane)
{
    return names_is_known(&lanes->types, lane);
}

uint32_t lanes_find(const struct lanes *lanes, uint32_t queue, struct slice type)
{
    return names_find(&lanes->types, (uint16_t)queue, type);
}

uint32_t lanes_add(struct lanes *lanes, uint32_t queue, struct slice type)
{
    CHECK(queue < lanes->queues->names.count);
    lanes->changes++;
    return names_add(&lanes->types, (uint16_t)queue, type);
}

uint32_t lanes_room(const struct lanes *lanes)
{
    return names_room(&lanes->types);
}

void lanes_accept(struct lanes *lanes, uint32_t lane, uint64_t batch)
{
    lanes->accepted_in[lane] = batch;
}

uint64_t lanes_accepted_in(const struct lanes *lanes, uint32_t lane)
{
    return lanes->accepted_in[lane];
}

void lanes_drop(struct lanes *lanes, uint32_t lane, uint64_t batch)
{
    names_drop(&lanes->types, lane);
    lanes->dropped_in = batch;
    lanes->changes++;
}

void lanes_settled(struct lanes *lanes, uint64_t batch)
{
    if (lanes->dropped_in == 0 || lanes->dropped_in > batch)
        return;
    names_reuse(&lanes->types);
    lanes->dropped_in = 0;
}

err lanes_load(struct lanes *lanes, uint32_t queue, const struct lane_row *row)
{
    if (row->no >= lanes->types.cap)
        return ERR_FULL;
    if (row->no < lanes_count(lanes) || row->type.len == 0 || row->type.len > MSG_NAME_LEN_MAX)
        return ERR_DAMAGED;
    if (lanes_find(lanes, queue, row->type) != LANES_NONE)
        return ERR_DAMAGED;
    names_add_at(&lanes->types, row->no, (uint16_t)queue, row->type);
    lanes->changes++;
    return OK;
}

struct lane_row lanes_row(const struct lanes *lanes, uint32_t lane)
{
    struct queue_name name = queues_name(lanes->queues, lanes_queue(lanes, lane));
    return (struct lane_row){.no = (uint16_t)lane,
                             .queue_no = queues_peek(lanes->queues, lanes_queue(lanes, lane))->no,
                             .tenant = name.tenant,
                             .queue = name.queue,
                             .type = names_at(&lanes->types, lane)};
}

uint32_t lanes_queue(const struct lanes *lanes, uint32_t lane)
{
    return names_scope(&lanes->types, lane);
}
