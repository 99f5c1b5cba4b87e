#pragma once

// Names that got numbers: each is kept once, under the number of what it belongs to. Pure. Not
// thread-safe. Borrowed names stay valid until they were dropped and names_reuse() was called.

#include "lib/base/index.h"
#include "lib/base/slice.h"
#include "proto/msg.h"

#define NAMES_NONE UINT32_MAX

struct name {
    uint16_t scope; // the number of the tenant or queue it belongs to; links unused ones
    uint8_t len;    // 0: not used
    uint8_t text[MSG_NAME_LEN_MAX];
};

struct names {
    struct name *items;
    uint32_t cap;
    uint32_t count;            // numbers so far are 0 … count - 1, some of them not used
    uint32_t free, free_count; // numbers that may be given again
    uint32_t dropped;          // those that may not yet
    uint64_t seed;
    struct index by_name;
    uint32_t *last_found; // where a look begins: jobs come in rows of one tenant, queue and type
};

size_t names_size(uint32_t cap);
// `memory` is names_size(cap) bytes, aligned to 16.
void names_init(struct names *names, void *memory, uint32_t cap, uint64_t seed);

// NAMES_NONE when it is not known.
uint32_t names_find(const struct names *names, uint16_t scope, struct slice name);
bool names_is_known(const struct names *names, uint32_t no);
// How many more there may be.
uint32_t names_room(const struct names *names);
// There is room and it is not known; it is 1 … MSG_NAME_LEN_MAX long.
uint32_t names_add(struct names *names, uint16_t scope, struct slice name);
// While loading: at a number that is not below any before it; those left out may be given.
void names_add_at(struct names *names, uint32_t no, uint16_t scope, struct slice name);
// Its number is not given again before names_reuse(), nor is its text touched.
void names_drop(struct names *names, uint32_t no);
void names_reuse(struct names *names);
struct slice names_at(const struct names *names, uint32_t no);
uint16_t names_scope(const struct names *names, uint32_t no);
