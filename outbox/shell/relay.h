#pragma once

// The relay: rows of the user's outbox become jobs, and go when their job is stored. Whatever dies in
// between, and whenever, the same row asks for the same job again. Not thread-safe.

#include "lib/base/when.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum relay_code {
    RELAY_DONE = 0,    // told to stop; once: no open row is left
    RELAY_REFUSED = 1, // once: the same, and some rows were refused; or there is no outbox
    RELAY_UNKNOWN = 4, // once: broker or database did not answer, or took nothing, for so long
};

struct relay_options {
    const char *database;
    const char *broker;
    const char *tenant;
    const struct link_curve *curve; // NULL: in the clear
    const char *stats;              // file to keep the counters in, or NULL
    when_ms poll_ms;
    when_ms give_up_ms; // of `once`: without any progress
    bool once;
};

// Can options.database be read at all? Nothing is opened.
bool relay_is_database(const char *database);
// Runs until it is told to stop, or of `once` until no open row is left. An enum relay_code.
int relay_run(const struct relay_options *options);

// What users run once in their database; `len` bytes, no zero behind them.
struct relay_schema {
    const char *kind; // "postgresql", "sqlite"
    const uint8_t *text;
    const size_t *len;
};
// NULL when there is none of this kind.
const struct relay_schema *relay_schema(const char *kind);
