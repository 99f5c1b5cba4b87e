#pragma once

// The gateway's own record of the idempotency keys it has answered: id → fingerprint and answer,
// in LMDB. It is looked at while no broker answers: a repeated submission that is known to be
// stored can then still be told so, and one that contradicts it refused. Written lazily, by a
// thread of its own, after the broker's answer; losing the last seconds of it loses nothing but
// that convenience.

#include "lib/base/err.h"
#include "lib/base/id.h"

struct keys;

enum keys_kind { KEYS_JOB = 1, KEYS_BATCH = 2 };

struct keys_note {
    struct id id; // of the job, or of the batch
    enum keys_kind kind;
    uint64_t fingerprint;
    uint64_t lineage; // of the broker's store that holds it
    uint8_t state;    // enum job_state, as answered
    uint32_t count;   // records of a batch that are stored; 0: not known
    when_ms created_at;
    when_ms dedup_until; // the note is of no use later
};

struct keys_options {
    const char *dir;
    uint32_t key_count_max; // beyond it the oldest notes go
    uint64_t map_bytes_max;
};

//   ERR_LOCKED, ERR_UNSUPPORTED, ERR_DISK, ERR_DAMAGED, ERR_NO_MEMORY, ERR_SYSTEM
// After an error `out_why` has a sentence with the fix.
MUST_USE err keys_open(const struct keys_options *options, struct keys **out_keys,
                       const char **out_why);
// Writes what is waiting and ends. NULL is allowed.
void keys_close(struct keys *keys);

// Remembers; what does not fit into the waiting room is dropped. Any thread.
void keys_put(struct keys *keys, const struct keys_note *note);

// What is known of this id, waiting notes not included. Any thread.
//   ERR_NOT_FOUND   nothing, or its time is over at `wall`
MUST_USE err keys_find(struct keys *keys, const struct id *id, when_ms wall,
                       struct keys_note *out_note);

struct keys_figures {
    uint64_t count; // on disk
    uint64_t written;
    uint64_t dropped; // not remembered, because too many were waiting
};
void keys_figures(const struct keys *keys, struct keys_figures *out_figures);
