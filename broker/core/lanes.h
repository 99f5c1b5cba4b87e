#pragma once

// The (queue, type) pairs that jobs have named: each gets a number that rows carry, and keeps it
// until no row carries it any more. Pure. Not thread-safe. Borrowed names stay valid until the batch
// that drops their lane is settled.

#include "broker/core/names.h"
#include "broker/core/queues.h"
#include "broker/core/row.h"

#define LANES_NONE UINT32_MAX

struct lanes {
    struct names types; // each under its queue; a name's number is its lane's
    const struct queues *queues;
    uint64_t
        *accepted_in; // the batch that accepted the last job of the lane; 0: none since the start
    uint64_t dropped_in; // the last batch that dropped one; 0: all of these may be given again
    uint64_t changes;    // lanes ever added and dropped
};

size_t lanes_size(uint32_t cap);
// `memory` is lanes_size(cap) bytes, aligned to 16; `queues` must live as long.
void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, const struct queues *queues,
                uint64_t seed);

// Numbers are 0 … count - 1; not all of them are known.
uint32_t lanes_count(const struct lanes *lanes);
bool lanes_is_known(const struct lanes *lanes, uint32_t lane);
// LANES_NONE when the pair is not known.
uint32_t lanes_find(const struct lanes *lanes, uint32_t queue, struct slice type);
// There is room and the pair is not known; the type is 1 … MSG_NAME_LEN_MAX long.
uint32_t lanes_add(struct lanes *lanes, uint32_t queue, struct slice type);
// How many more there may be.
uint32_t lanes_room(const struct lanes *lanes);
// `batch` accepts a job of it.
void lanes_accept(struct lanes *lanes, uint32_t lane, uint64_t batch);
uint64_t lanes_accepted_in(const struct lanes *lanes, uint32_t lane);
// No row carries its number any more. Others get it when `batch` is settled.
void lanes_drop(struct lanes *lanes, uint32_t lane, uint64_t batch);
void lanes_settled(struct lanes *lanes, uint64_t batch);
// Puts a stored lane back under its number; its queue is known.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err lanes_load(struct lanes *lanes, uint32_t queue, const struct lane_row *row);
struct lane_row lanes_row(const struct lanes *lanes, uint32_t lane);
uint32_t lanes_queue(const struct lanes *lanes, uint32_t lane);
