#pragma once

// Unique keys that are held: from the hash of a key within its tenant and queue to the job that
// holds it. A key is given back when its holder has ended, at a fixed moment, or at the later of
// both. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/heap.h"
#include "lib/base/index.h"

#define UNIQUES_NONE UINT32_MAX

struct unique {
    struct unique_row row;
    uint32_t place; // among the timed ones; UNIQUES_NONE while its holder's end is waited for
    uint32_t next_free;
};

struct uniques {
    struct unique *items;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint32_t count;
    uint64_t seed;
    struct index by_hash;
    struct index by_no;
    struct heap timed; // by `until`
};

size_t uniques_size(uint32_t cap);
// `memory` is uniques_size(cap) bytes, aligned to 16; `uniques` stays where it is.
void uniques_init(struct uniques *uniques, void *memory, uint32_t cap, uint64_t seed);

bool uniques_has_room(const struct uniques *uniques);
// The key with this hash, or UNIQUES_NONE when nobody holds it.
uint32_t uniques_find(const struct uniques *uniques, const struct id *hash);
// The key that job `no` holds, or UNIQUES_NONE.
uint32_t uniques_of(const struct uniques *uniques, uint64_t no);
// Borrowed until the key is given back.
const struct unique_row *uniques_at(const struct uniques *uniques, uint32_t unique);

// There is room, nobody holds the key and the job holds none. It is held until something.
void uniques_hold(struct uniques *uniques, const struct unique_row *row);
//   ERR_FULL, ERR_DAMAGED
MUST_USE err uniques_load(struct uniques *uniques, const struct unique_row *row);

// Its holder has ended. True when the key is free now; its place must not be used again.
bool uniques_end(struct uniques *uniques, uint32_t unique, when_ms now);
// Its holder, which had ended, lives again: the key waits for its end once more.
void uniques_resume(struct uniques *uniques, uint32_t unique);
// The moment of a key has come that waits for nothing else. It is free.
void uniques_pass(struct uniques *uniques, uint32_t unique);

// Of the keys that only wait for their moment: the one whose comes first, or UNIQUES_NONE. The
// others are given back by the end of their holder.
uint32_t uniques_first(const struct uniques *uniques);
// That moment, or WHEN_NEVER.
when_ms uniques_deadline(const struct uniques *uniques);
