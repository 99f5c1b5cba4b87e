#pragma once

// Batches: how many members are in which state. A batch is open until it is sealed; a new member
// opens it again. It finishes once: when it is sealed and no member is unfinished for the first
// time. It lives as long as it is open or one of its members is not removed, and one with a
// fingerprint until its id is free again, too, so that nobody makes another of it before. Pure. Not
// thread-safe.

#include "broker/core/row.h"
#include "lib/base/heap.h"
#include "lib/base/index.h"

#define BATCHES_NONE UINT32_MAX

struct batch {
    struct batch_row row; // but for its number
    when_ms joined_at;    // open: when its last member joined, or the broker has started
    uint32_t next;        // of the open ones, by joined_at; or of the free ones
    uint32_t prev;
    uint32_t place; // among those that rest; BATCHES_NONE: it does not
    bool is_used;
    bool is_changed; // in the list of changes of this batch of commands
    bool is_free;    // its time is over: it goes, unless somebody joins
};

struct batches {
    struct batch *items;
    uint32_t *changed; // numbers of the changed ones
    uint32_t changed_count;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint32_t count;
    uint32_t open_first, open_last;
    uint32_t open_count;
    struct heap resting; // only their ids are left, by when these are free
    uint64_t seed;
    struct index by_id;
};

size_t batches_size(uint32_t cap);
// `memory` is batches_size(cap) bytes, aligned to 16.
void batches_init(struct batches *batches, void *memory, uint32_t cap, uint64_t seed);

// Two tenants may have the same id, for batches of their own.
uint32_t batches_find(const struct batches *batches, struct slice tenant, const struct id *id);
// True when `batch` was added or loaded and is not over since.
bool batches_is_known(const struct batches *batches, uint32_t batch);
const struct batch *batches_at(const struct batches *batches, uint32_t batch);
// Is there one of this tenant, which is not the default one?  O(batches)
bool batches_has_tenant(const struct batches *batches, struct slice tenant);
bool batches_has_room(const struct batches *batches);
// The tenant's name must live as long as the batch. `fingerprint` is of all that it is made of, 0: not
// told.
uint32_t batches_add(struct batches *batches, const struct id *id, struct slice tenant,
                     uint64_t fingerprint, when_ms created_at);
//   ERR_FULL, ERR_DAMAGED
MUST_USE err batches_load(struct batches *batches, const struct batch_row *row);
// After loading: those that are open have all the time from now on.
void batches_loaded(struct batches *batches, when_ms now);

// Is a batch with `fingerprint` made of something else than what says `other`?
bool batches_differ(uint64_t fingerprint, uint64_t other);

// Who becomes a member, by a batches_count() that follows.
struct batch_member {
    uint64_t job_no;
    when_ms joined_at;
    when_ms dedup_until; // its id is taken until then
};
void batches_join(struct batches *batches, uint32_t batch, const struct batch_member *member);
// A member of `batch` went from one state to another (JOB_NONE: it has just joined). True when the
// batch is sealed and no member is unfinished.
bool batches_count(struct batches *batches, uint32_t batch, enum job_state from, enum job_state to,
                   when_ms at);
// Nobody else is expected. The batch is open. True as for batches_count().
bool batches_seal(struct batches *batches, uint32_t batch, when_ms at);
// The open one whose last member joined first, or BATCHES_NONE.
uint32_t batches_first_open(const struct batches *batches);
// The one without members whose id is free first, or BATCHES_NONE.
uint32_t batches_first_free(const struct batches *batches);
// That one's id is free: it goes.
void batches_free(struct batches *batches, uint32_t batch);
// Sealed, and no member is unfinished.
bool batches_row_has_ended(const struct batch_row *row);

// The rows of the changed batches, one by one, until false. A batch whose members are all
// removed, and whose id is free, is dropped: out_is_over is then true.
bool batches_collect(struct batches *batches, struct batch_row *out_row, bool *out_is_over);
