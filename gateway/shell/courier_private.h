#pragma once

// What the courier's face and its thread share. Included by gateway/shell/courier*.c only.

#include "gateway/shell/courier.h"
#include "gateway/shell/parcel.h"
#include "lib/link/curve.h"
#include "lib/peer/absence.h"
#include "lib/peer/peer.h"
#include "lib/sys/wake.h"

#include <pthread.h>
#include <stdatomic.h>

struct courier {
    pthread_t thread;
    struct wake wake;
    char *endpoint;
    const struct link_curve *curve;
    err refusal; // of the last handshake, as the log has it
    struct link_context *context;
    struct link *link;
    uint32_t connection_count;
    bool is_connected;
    struct peer peer;
    struct absence absence; // of the broker
    atomic_bool spools;
    void *peer_memory;
    uint64_t session;
    struct arena arena;        // for coding one message
    struct ask_line questions; // of status, and acts; not sent yet
    struct ask_line urgent;    // jobs of single requests
    struct ask_line bulk;      // jobs of bulk requests
    struct parcels parcels;
    pthread_mutex_t lock; // `arrivals`, is_rung, is_closing
    struct ask_line arrivals;
    bool is_rung; // for them
    courier_returned *returned;
    void *returned_ctx;
    bool is_closing;
    when_ms stop_at; // when closing
    bool is_stopped; // the thread has ended
    _Atomic bool is_ready;
    _Atomic uint64_t messages_sent;
    _Atomic uint64_t jobs_sent;
    _Atomic uint64_t messages_repeated;
    _Atomic uint64_t welcomes;
    _Atomic uint64_t lineage;
    _Atomic uint64_t unsent;       // questions that found no broker
    _Atomic uint64_t unsent_later; // of them, those that have waited for one
};

// --- courier_loop.c ---

// The thread, until it is told to stop and nothing is worth waiting for.
void *courier_loop_run(void *courier);
// Errors of link_open().
MUST_USE err courier_loop_connect(struct courier *courier);
// After the thread: whoever still waits for an answer is told that there is none.
void courier_loop_end(struct courier *courier);
