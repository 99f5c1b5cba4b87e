#pragma once

// Statuses of jobs, read through a cache of those that have ended. Only what cannot change but by
// removal is kept (succeeded, cancelled, expired; never dead), with its result when it is small.
//
// What is kept is believed as long as the broker's stream of removals says nothing else:
//
//               saved place proven, or the stream begun          all removals heard of, lately
//     UNKNOWN ───────────────────────────────────────▶ KNOWN ◀──────────────────────────▶ FRESH
//        ▲                                               │   TRUST_MS without an answer
//        └────────── a gap: everything is dropped ───────┘
//
// KNOWN statuses are put in; only FRESH ones are told. A job that was removed is told for at most
// TRUST_MS longer, whatever happens to the line or to this process: the age of what is known is
// counted from when the broker was asked.
//
// At most one question without waiting is under way for each job of a tenant; who asks meanwhile
// shares the next one, or the end if that is the answer.

#include "gateway/shell/ask.h"
#include "gateway/store/cache.h"

struct courier;
struct statuses;

enum {
    STATUSES_TRUST_MS = 2000,
    STATUSES_BYTES_MAX = 512 * 1024 * 1024, // of all that is kept
};

struct statuses_options {
    struct courier *courier;
    const char *dir;    // of the cache
    uint32_t count_max; // 0: nothing is kept
};

// Errors as of cache_open().
MUST_USE err statuses_open(const struct statuses_options *options, struct statuses **out_statuses,
                           const char **out_why);
// The courier has stopped: nothing is under way. NULL is allowed.
void statuses_close(struct statuses *statuses);

// As courier_put() of an ASK_STATUS; `done` may be called before this returns, in this thread.
void statuses_put(struct statuses *statuses, struct ask *ask);
// The job has been removed, or its id is used anew: what is known of it is forgotten at once.
void statuses_forget(struct statuses *statuses, const struct id *id);

struct statuses_figures {
    uint64_t hits;
    uint64_t misses; // questions to the broker
    uint64_t shared; // answered by another one's question
    uint64_t gaps;
    uint64_t removals; // heard of
    bool is_fresh;
    struct cache_figures cache;
};
void statuses_figures(struct statuses *statuses, struct statuses_figures *out_figures);
