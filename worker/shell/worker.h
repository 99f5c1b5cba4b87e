#pragma once

// `weft worker`: a duty (worker/duty) whose jobs are run by processes, owned by its only thread.
// round.c runs it, crew.c knows the handlers. docs/worker.md draws the life of a job in here.

#include "worker/core/backoff.h"
#include "worker/duty/duty.h"
#include "worker/duty/home.h"
#include "worker/exec/spawner.h"
#include "worker/journal/running.h"
#include "worker/shell/handler.h"
#include "worker/shell/setup.h"
#include "worker/shell/signals.h"

enum {
    WORKER_EXIT_UNAVAILABLE = 69, // EX_UNAVAILABLE: there was no program to run
};

// What belongs to the slot of the same number.
struct place {
    struct handler handler;
    struct backoff backoff; // --lines
    bool is_dying;          // --lines: it has been killed and its words do not count
    int signal_due;         // not yet taken by the spawner, or 0
    struct running_process process;
};

struct pusher;

struct worker {
    struct duty duty; // jobs, outcomes and the conversation
    struct setup *setup;
    struct home *home;
    struct journal *journal;
    struct place *places;  // one for each slot
    struct pusher *pusher; // with --http; then nothing below is a process
    struct spawner spawner;
    struct running running;
    uint64_t run_count; // numbers of runs
    bool is_congested;  // the spawner's socket was full
    struct signals signals;
    int epoll;
    int exit_code;
};
