#pragma once

// Values by id, bounded, in LMDB: read through memory's index, written lazily by a thread of its
// own, the oldest gone first. What it means that one is here, and for how long it may be believed,
// is the owner's to know (gateway/shell/statuses.h); the cache keeps beside them how far the owner
// had heard of removals, in the same transactions, so that after a crash whatever has come back is
// at most as old as that place says. Any thread.
//
//   numbers  u64, in the order in which they were put → value record
//   meta     1                                        → place record

#include "gateway/core/feed.h"
#include "lib/base/err.h"
#include "lib/base/id.h"

struct cache;

enum {
    CACHE_VALUE_LEN_MAX = 64 * 1024, // larger ones are not kept
    CACHE_WAITING_MAX = 1024,        // values in memory that are not written yet …
    CACHE_WAITING_BYTES_MAX = 8 * 1024 * 1024,
};

struct cache_options {
    const char *dir;
    uint32_t count_max; // values
    uint64_t bytes_max; // of all together
};

//   ERR_LOCKED, ERR_UNSUPPORTED, ERR_DISK, ERR_DAMAGED, ERR_NO_MEMORY, ERR_SYSTEM
// After an error `out_why` has a sentence with the fix.
MUST_USE err cache_open(const struct cache_options *options, struct cache **out_cache,
                        const char **out_why);
// Writes what is waiting, and the place. NULL is allowed.
void cache_close(struct cache *cache);

// How far removals had been heard of when this was written; epoch 0: nothing is known.
struct msg_place cache_place(struct cache *cache);
// All that was removed up to here has been dropped.
void cache_set_place(struct cache *cache, const struct msg_place *place);

// Instead of a former value of this id. One that is too large, or for which there is no room among
// those that wait to be written, is not kept.
void cache_put(struct cache *cache, const struct id *id, struct slice value, when_ms expires_at);
// From the return on it is not found.
void cache_drop(struct cache *cache, const struct id *id);
void cache_drop_all(struct cache *cache);

bool cache_has(struct cache *cache, const struct id *id);

// A copy for the caller to free.
//   ERR_NOT_FOUND   there is none, or its time is over at `wall`
//   ERR_NO_MEMORY
MUST_USE err cache_get(struct cache *cache, const struct id *id, when_ms wall, uint8_t **out_value,
                       size_t *out_len);

struct cache_figures {
    uint64_t count;
    uint64_t bytes;
    uint64_t written;
    uint64_t refused; // not kept, for want of room
    uint64_t evicted; // the oldest, for want of room
};
void cache_figures(struct cache *cache, struct cache_figures *out_figures);
