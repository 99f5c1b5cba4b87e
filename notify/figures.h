#pragma once

// What the sender tells about itself: /metrics in Prometheus' text format, /livez, /readyz. The loop
// counts, the server's thread prints. docs/metrics.md lists every figure.

#include "lib/base/err.h"
#include "lib/base/when.h"

#include <stdbool.h>

struct figures;

enum figures_gauge {
    FIGURES_HELD,    // deliveries in hand
    FIGURES_SENDING, // of them under way to a receiver
    FIGURES_BYTES,   // of bodies in memory
    FIGURES_ILL,     // receivers whose breaker is not closed
    FIGURES_GAUGES
};

// `endpoint` NULL: no door is opened.
//   ERR_BAD_FIELD, ERR_ADDRESS_IN_USE, ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err figures_open(const char *endpoint, struct figures **out_figures);
void figures_close(struct figures *figures); // NULL is fine
// "127.0.0.1:41234", or NULL without a door.
const char *figures_endpoint(const struct figures *figures);

// What /readyz says from now on.
void figures_set_ready(struct figures *figures, bool is_ready);
void figures_set(struct figures *figures, enum figures_gauge gauge, uint64_t value);
// An attempt has ended: `word` as verdict.h has it, or "snoozed"; `ms` after it began.
void figures_count(struct figures *figures, const char *word, when_ms ms);
