#pragma once

// Keeps a receiver that is ill from being asked again and again. Pure.
//
//               BREAKER_FAULTS in a row                the pause is over
//   ─▶ BREAKER_CLOSED ───────────────▶ BREAKER_OPEN ──────────────────▶ BREAKER_HALF
//            ▲                              ▲            (one probe)       │   │
//            │                              └────── the probe fails ───────┘   │
//            └───────────────────────── the probe succeeds ────────────────────┘
//
// Each failed probe doubles the pause.

#include "lib/base/when.h"

#include <stdbool.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF };

enum {
    BREAKER_FAULTS = 5,
    BREAKER_PAUSE_FIRST_MS = 15 * 1000,
    BREAKER_PAUSE_LONGEST_MS = 10 * 60 * 1000,
};

// All zero: closed.
struct breaker {
    enum breaker_state state;
    uint32_t fault_count; // in a row
    uint32_t pause_ms;    // the last one
    when_ms until;        // of OPEN
};

// May something be sent now? While half open only one thing is.
bool breaker_lets(const struct breaker *breaker, when_ms now);
// Something is sent, which breaker_lets() has allowed.
void breaker_begin(struct breaker *breaker, when_ms now);
// It ended.
void breaker_end(struct breaker *breaker, when_ms now, bool is_fault);
// It ended without having told anything: another one may probe.
void breaker_void(struct breaker *breaker, when_ms now);
// How long nothing will be let through by time alone: 0 when closed.
when_ms breaker_wait_ms(const struct breaker *breaker, when_ms now);
