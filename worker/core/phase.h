#pragma once

// The worker's way from serving to leaving. Pure. Not thread-safe.
//
//              quiet            stop              grace is over          nothing is held
//   SERVING ─────────▶ QUIET ─────────▶ DRAINING ───────────────▶ STOPPING ─────────────┐
//      │                                  ▲  │                        ▲                 ▼
//      └──────────────── stop ────────────┘  │  stop again: at once   │              LEAVING ─▶ GONE
//                                            ├────────────────────────┘                 ▲
//                                            └──────────── nothing is held ─────────────┘
//
// Leaving waits until the broker has answered every outcome, or for PHASE_LEAVE_MS: the journal
// keeps what was not answered.

#include "lib/base/err.h"
#include "lib/base/when.h"

enum phase_state {
    PHASE_SERVING,
    PHASE_QUIET,
    PHASE_DRAINING,
    PHASE_STOPPING,
    PHASE_LEAVING,
    PHASE_GONE,
};
enum { PHASE_STATES = 6, PHASE_LEAVE_MS = 5000 };

struct phase {
    enum phase_state state;
    when_ms grace_ms;
    when_ms until; // of PHASE_DRAINING and PHASE_LEAVING
};

// No further jobs are taken. True when that is new.
bool phase_quiet(struct phase *phase);
bool phase_is_quiet(const struct phase *phase);

enum phase_order {
    PHASE_ORDER_NONE,
    PHASE_ORDER_TERM, // interrupt all handlers
    PHASE_ORDER_KILL, // kill all handlers
};

// The worker has been told to stop; the second time, at once.
enum phase_order phase_stop(struct phase *phase, when_ms now);

struct phase_load {
    uint32_t held_count;      // jobs in slots
    uint32_t unsettled_count; // outcomes without an answer
};
// Moves on when it is time.
enum phase_order phase_tick(struct phase *phase, when_ms now, const struct phase_load *load);
// When phase_tick() has something to do by time alone, or WHEN_NEVER.
when_ms phase_next(const struct phase *phase);
