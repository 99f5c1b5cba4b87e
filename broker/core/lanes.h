#pragma once

// The (queue, type) pairs that jobs have named: each gets a number that rows carry. Pure. Not
// thread-safe. Borrowed names stay valid for the table's life.

#include "broker/core/row.h"
#include "lib/base/index.h"

#define LANES_NONE UINT32_MAX

struct lane {
    bool is_used;
    uint8_t queue_len;
    uint8_t type_len;
    uint8_t queue[MSG_NAME_LEN_MAX];
    uint8_t type[MSG_NAME_LEN_MAX];
};

struct lanes {
    struct lane *items;
    uint32_t cap;
    uint32_t count; // numbers are given in order: 0 … count - 1
    uint64_t seed;
    struct index by_name;
};

size_t lanes_size(uint32_t cap);
// `memory` is lanes_size(cap) zeroed bytes, aligned to 16.
void lanes_init(struct lanes *lanes, void *memory, uint32_t cap, uint64_t seed);

// LANES_NONE when the pair is not known.
uint32_t lanes_find(const struct lanes *lanes, struct slice queue, struct slice type);
// There is room and the pair is not known; both names are 1 … MSG_NAME_LEN_MAX long.
uint32_t lanes_add(struct lanes *lanes, struct slice queue, struct slice type);
bool lanes_has_room(const struct lanes *lanes);
// Puts a stored lane back under its number.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err lanes_load(struct lanes *lanes, const struct lane_row *row);
struct lane_row lanes_row(const struct lanes *lanes, uint32_t lane);
