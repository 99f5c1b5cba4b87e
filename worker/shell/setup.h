#pragma once

// The worker's settings, in the form in which it needs them.

#include "lib/link/curve.h"
#include "proto/msg.h"
#include "worker/exec/spawner.h"

#include <limits.h>

struct setup {
    struct config config;
    struct slice types[MSG_TYPES_MAX];
    uint32_t type_count;
    struct slice queues[MSG_TYPES_MAX];
    uint32_t queue_count;
    struct slice tenant;
    const char *broker;
    struct link_curve curve; // when has_curve
    bool has_curve;
    const char *stats; // path, or NULL
    char name[128];
    char data[PATH_MAX];
    uint32_t slot_count;       // -c and what comes in advance
    uint32_t run_count;        // -c
    uint32_t simulation_count; // dry runs at once, beside them
    struct spawner_limits limits;
    uint32_t grace_ms;
    uint32_t kill_after_ms;
    bool is_lines;
    char *const *program;    // argv of the handlers, ended by NULL; or NULL: `url`
    const char *url;         // of the service that gets the jobs, or NULL
    const char *secret_file; // that signs them; NULL: the one in `data`
    const char *ca_file;     // PEM: who may certify the service; NULL: those of the system
};

extern const struct config_table setup_table;

// `argv` begins after the verb.
//   ERR_BAD_FIELD   setup->config.problem says it in a sentence
MUST_USE err setup_read(struct setup *setup, int argc, char **argv);
void setup_deinit(struct setup *setup);
