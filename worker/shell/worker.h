#pragma once

// Everything one worker is made of, owned by its only thread. round.c runs it; crew.c knows the
// handlers, talk.c the broker. docs/worker.md draws the life of a job in here.

#include "lib/base/arena.h"
#include "lib/link/link.h"
#include "lib/peer/absence.h"
#include "lib/peer/peer.h"
#include "worker/core/backoff.h"
#include "worker/core/outbox.h"
#include "worker/core/phase.h"
#include "worker/core/renewal.h"
#include "worker/core/slots.h"
#include "worker/exec/spawner.h"
#include "worker/journal/journal.h"
#include "worker/journal/running.h"
#include "worker/shell/handler.h"
#include "worker/shell/home.h"
#include "worker/shell/setup.h"
#include "worker/shell/signals.h"
#include "worker/shell/stats.h"

enum {
    WORKER_FINISHES_MAX = 32, // unanswered FINISH messages
    WORKER_ASKS_MAX = WORKER_FINISHES_MAX + 1,
    WORKER_EXIT_UNAVAILABLE = 69, // EX_UNAVAILABLE: there was no program to run
};

// What belongs to the slot of the same number.
struct place {
    struct handler handler;
    struct msg_job job; // borrowed from `job_memory`
    void *job_memory;
    when_ms begun_at;
    struct backoff backoff; // --lines
    bool is_dying;          // --lines: it has been killed and its words do not count
    int signal_due;         // not yet taken by the spawner, or 0
    struct running_process process;
};

// One FINISH on its way, kept as it was sent until it is answered.
struct finish {
    uint64_t batch; // 0: the place is free
    uint64_t corr;
    uint8_t *bytes; // envelope, then block
    size_t envelope_len;
    size_t block_len;
};

struct worker {
    struct setup *setup;
    struct home *home;
    uint64_t session;
    when_ms now; // monotonic, read once per round

    struct slots slots;
    struct place *places; // one for each slot
    struct joblog *logs;  // the same
    struct spawner spawner;
    struct running running;
    uint64_t run_count; // numbers of runs
    bool is_congested;  // the spawner's socket was full

    struct journal *journal;
    struct outbox outbox;
    when_ms clear_at; // settled outcomes leave the journal, or WHEN_NEVER
    when_ms tell_at;  // held outcomes are told again, or WHEN_NEVER

    struct link_context *context;
    struct link *link;
    uint32_t connection_count;
    struct peer peer;
    struct absence absence; // of the broker
    struct renewal renewal;
    struct renewal_room *renewal_room;
    uint64_t renew_corr; // of the last RENEW, or 0 when it is answered
    struct finish finishes[WORKER_FINISHES_MAX];
    uint64_t batch_count;
    bool ready_due;     // READY must be said (again)
    enum drain drain;   // what the broker wants of this worker …
    enum drain drained; // … and what has been done of it
    bool is_introduced; // the line on stdout has been printed
    struct arena decoding;
    struct arena encoding;

    struct phase phase;
    struct stats stats;
    struct signals signals;
    int epoll;
    int exit_code;
};
