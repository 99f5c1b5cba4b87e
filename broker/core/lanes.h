#pragma once

// The (queue, type) pairs that jobs have named: each gets a number that rows carry. Pure. Not
// thread-safe. Borrowed names stay valid for the table's life.

#include "broker/core/names.h"
#include "broker/core/queues.h"
#include "broker/core/row.h"

#define LANES_NONE UINT32_MAX

struct lanes {
    struct names types; // each under its queue; a name's number is its lane's
    const struct queues *queues;
};

size_t lanes_size(uint32_t cap);
// `memory` is lanes_size(cap) bytes, aligned to 16; `queues` must live as long.
void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, const struct queues *queues,
                uint64_t seed);

// Numbers are given in order: 0 … count - 1.
uint32_t lanes_count(const struct lanes *lanes);
// LANES_NONE when the pair is not known.
uint32_t lanes_find(const struct lanes *lanes, uint32_t queue, struct slice type);
// There is room and the pair is not known; the type is 1 … MSG_NAME_LEN_MAX long.
uint32_t lanes_add(struct lanes *lanes, uint32_t queue, struct slice type);
bool lanes_has_room(const struct lanes *lanes);
// Puts a stored lane back under its number; its queue is known.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err lanes_load(struct lanes *lanes, uint32_t queue, const struct lane_row *row);
struct lane_row lanes_row(const struct lanes *lanes, uint32_t lane);
uint32_t lanes_queue(const struct lanes *lanes, uint32_t lane);
