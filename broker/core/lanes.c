// The table of lanes.

#include "broker/core/lanes.h"

#include "lib/base/check.h"

size_t lanes_size(uint32_t cap)
{
    return names_size(cap);
}

void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, const struct queues *queues,
                uint64_t seed)
{
    names_init(&lanes->types, memory, cap, seed);
    lanes->queues = queues;
}

uint32_t lanes_count(const struct lanes *lanes)
{
    return lanes->types.count;
}

uint32_t lanes_find(const struct lanes *lanes, uint32_t queue, struct slice type)
{
    return names_find(&lanes->types, (uint16_t)queue, type);
}

uint32_t lanes_add(struct lanes *lanes, uint32_t queue, struct slice type)
{
    CHECK(queue < lanes->queues->names.count);
    return names_add(&lanes->types, (uint16_t)queue, type);
}

bool lanes_has_room(const struct lanes *lanes)
{
    return names_has_room(&lanes->types);
}

err lanes_load(struct lanes *lanes, uint32_t queue, const struct lane_row *row)
{
    if (row->no >= lanes->types.cap)
        return ERR_FULL;
    if (row->no != lanes_count(lanes) || row->type.len == 0 || row->type.len > MSG_NAME_LEN_MAX)
        return ERR_DAMAGED;
    if (lanes_find(lanes, queue, row->type) != LANES_NONE)
        return ERR_DAMAGED;
    (void)lanes_add(lanes, queue, row->type);
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
