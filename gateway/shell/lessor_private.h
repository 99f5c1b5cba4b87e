#pragma once

// What the files of the lessor's thread share. Included by gateway/shell/lessor*.c only.

#include "gateway/shell/lessor.h"
#include "lib/link/link.h"
#include "lib/peer/peer.h"
#include "proto/msg.h"

#include <pthread.h>

struct wake;

// Unanswered at once, of one set.
enum { LESSOR_PARCELS_MAX = 4096, LESSOR_DEADLINE_MS = 10000 };

// A message under way.
struct lessor_parcel {
    struct lessor_parcel *next;
    struct lessor_ask *ask; // NULL: nobody waits for the answer
    enum msg_kind kind;
    struct msg_held held;
    bool was_sent;
    uint64_t corr;
    size_t envelope_len, block_len;
    uint8_t *bytes; // the same at every repetition
};

struct lessor_held {
    struct msg_held held;
    when_ms until; // renewed no more, its lease has passed
};

// One set.
struct lessor_pool {
    struct slice tenant; // these point into `names`
    struct slice types[MSG_TYPES_MAX];
    uint32_t type_count;
    struct slice queues[MSG_TYPES_MAX];
    uint32_t queue_count;
    uint8_t *names;
    struct id worker_id;
    uint64_t session;
    struct link *link;
    uint32_t connection_count;
    struct peer peer;
    void *peer_memory;
    struct lessor_parcel *parcels;
    struct lessor_ask *first; // questions that wait for jobs, oldest first
    struct lessor_ask *last;
    struct lessor_held held[LESSOR_HELD_MAX];
    uint32_t held_count;
    uint32_t slots;    // as last told …
    bool is_ready_due; // … or not since the last WELCOME
    struct lease_terms terms;
    when_ms beat_at;
    when_ms used_at;
};

struct lessor {
    pthread_t thread;
    struct wake *wake;
    char *endpoint;
    const struct link_curve *curve;
    struct link_context *context;
    struct arena in, out;
    struct lessor_pool *pools[LESSOR_POOLS_MAX];
    pthread_mutex_t lock; // arrivals, is_closing
    struct lessor_ask *arrivals;
    struct lessor_ask *arrivals_last;
    bool is_closing;
    bool is_stopped;
};

// --- lessor_pool.c ---

// The set of a question, made when it is new; NULL when there is no place for it. Of a word: that which
// has the job, NULL when none has.
struct lessor_pool *lessor_pool_for(struct lessor *lessor, const struct lessor_ask *ask);
void lessor_pool_free(struct lessor *lessor, uint32_t place);
// A question enters, or a word goes out.
void lessor_pool_take(struct lessor *lessor, struct lessor_pool *pool, struct lessor_ask *ask,
                      when_ms now);
// All that time and the connection want; then all that has arrived.
void lessor_pool_turn(struct lessor *lessor, struct lessor_pool *pool, when_ms now);
// It leaves: its jobs in hand are named, and what is on its way to it goes back at once. Waits for a
// sign that the broker has heard of it, until then at most.
void lessor_pool_bye(struct lessor *lessor, struct lessor_pool *pool, when_ms until);

// --- lessor_parcel.c ---

// Sends a request. An error is the asker's to hear; without one nothing is lost that time does not
// mend.
err lessor_parcel_ask(struct lessor *lessor, struct lessor_pool *pool, struct msg *msg,
                      struct lessor_parcel given, when_ms now);
// Once more, or for the first time.
MUST_USE err lessor_parcel_send(struct lessor_pool *pool, struct lessor_parcel *parcel);
// What is not kept.
MUST_USE err lessor_parcel_once(struct lessor *lessor, struct lessor_pool *pool,
                                const struct msg *msg);
// Off the set's list; the caller has it.
struct lessor_parcel *lessor_parcel_take(struct lessor_pool *pool, struct lessor_parcel *parcel);
void lessor_parcel_free(struct lessor_parcel *parcel);
