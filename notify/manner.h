#pragma once

// The sender's settings, in the form in which it needs them.

#include "gateway/hooks/core/receivers.h"
#include "lib/link/curve.h"
#include "lib/post/core/target.h"

enum { MANNER_RANGES_MAX = 16 };

struct manner {
    struct config config;
    const char *broker;
    struct link_curve curve; // when has_curve
    bool has_curve;
    const char *data;
    const char *metrics; // NULL: no door
    const char *key_file;
    const char *ca_file; // NULL: those of the system
    uint32_t slot_count;
    uint32_t grace_ms;
    uint32_t timeout_ms;
    uint64_t buffered_bytes_max;
    struct receivers_rules receivers;
    struct target_rules rules;
    struct address_range ranges[MANNER_RANGES_MAX];
};

extern const struct config_table manner_table;

// `argv` begins after the verb. `manner` must stay where it is.
//   ERR_BAD_FIELD   manner->config.problem says it in a sentence
MUST_USE err manner_read(struct manner *manner, int argc, char **argv);
void manner_deinit(struct manner *manner);
