#pragma once

// Names that got numbers: each is kept once, under the number of what it belongs to, and for the
// life of the table. Pure. Not thread-safe. Borrowed names stay valid as long.

#include "lib/base/index.h"
#include "lib/base/slice.h"
#include "proto/msg.h"

#define NAMES_NONE UINT32_MAX

struct name {
    uint16_t scope; // the number of the tenant or queue it belongs to
    uint8_t len;    // 0: not used
    uint8_t text[MSG_NAME_LEN_MAX];
};

struct names {
    struct name *items;
    uint32_t cap;
    uint32_t count; // numbers are given in order: 0 … count - 1
    uint64_t seed;
    struct index by_name;
};

size_t names_size(uint32_t cap);
// `memory` is names_size(cap) bytes, aligned to 16.
void names_init(struct names *names, void *memory, uint32_t cap, uint64_t seed);

// NAMES_NONE when it is not known.
uint32_t names_find(const struct names *names, uint16_t scope, struct slice name);
bool names_has_room(const struct names *names);
// There is room and it is not known; it is 1 … MSG_NAME_LEN_MAX long.
uint32_t names_add(struct names *names, uint16_t scope, struct slice name);
struct slice names_at(const struct names *names, uint32_t no);
uint16_t names_scope(const struct names *names, uint32_t no);
