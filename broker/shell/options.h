#pragma once

// The broker's settings: one table for flags, WEFT_* variables and the file (lib/sys/config.h),
// read once at the start.

#include "broker/core/limits.h"
#include "lib/sys/config.h"

struct options {
    struct config config; // the texts below borrow from it
    const char *zmq;      // where clients, gateways and workers connect
    const char *pub;      // where the tail of all transitions is published
    const char *keys;     // directory of CURVE keys, or NULL: in the clear
    const char *metrics;  // HOST:PORT, or NULL
    const char *data;
    uint64_t map_bytes_max;
    uint64_t ahead_bytes;
    bool allow_unsafe_place;
    bool accept_clock_jump;
    when_ms audit_every_ms; // 0: never
    uint32_t watch_count_max;
    uint32_t event_count_max;
    uint32_t event_watch_count_max;
    struct limits limits;
};

// `argv` begins after the verb. `options` may not move while it is used. After an error, or when
// help was asked for, only options->config counts. options_deinit() in every case.
//   ERR_BAD_FIELD   see options->config.problem
MUST_USE err options_read(struct options *options, int argc, char *const *argv);
void options_deinit(struct options *options);

extern const struct config_table options_table;
