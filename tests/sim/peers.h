#pragma once

// A worker of the simulator, and what it holds.

#include "lib/base/when.h"
#include "proto/msg.h"

enum { SIM_HELD = 16 };

struct held {
    struct id job_id;
    uint64_t token;
    struct msg_finish_job finish; // decided when it starts
    when_ms done_at;
    when_ms repeat_at;
    bool is_done; // FINISH is to be said until answered
    bool is_deaf; // does not listen to cancels
    uint32_t extend_ms;
    // Lines of its log, numbered on from `log_from`.
    uint32_t log_from;
    uint32_t log_said; // that there are
    uint32_t log_sent; // in the last RENEW
    uint32_t log_told; // known to be stored
};

// A dry run that waits for a worker.
struct seen_try {
    uint64_t no; // of SIMULATE
    uint64_t corr;
    uint32_t client; // peer
    uint32_t worker;
    when_ms by; // told by then, as far as the broker is alive
};

// What a batch holds before a step.
struct sim_effects_mark {
    uint32_t send_count, write_count, entry_count;
};

// A dry run that a worker was asked about.
struct sim_tried {
    uint64_t no; // 0: none
    when_ms answer_at;
};

struct sim_worker {
    struct id id;
    struct slice tenant; // lives for ever
    uint64_t session;
    uint32_t peer;
    bool is_known;
    when_ms hello_at;
    when_ms renew_at;
    when_ms ready_at;
    uint64_t ready_corr;
    bool is_ready; // its READY was answered
    when_ms paused_until;
    when_ms leave_at; // told to stop: when a new session begins; 0: not
    uint32_t slots;
    struct held held[SIM_HELD];
    uint32_t held_count;
    uint64_t renew_corr; // of the last RENEW
    struct sim_tried tried[SIM_SIMULATIONS];
};
