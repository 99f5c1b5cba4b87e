#pragma once

// Which settings of a queue or type a command means: those of its flags, which are set, and those of
// --unset, which are taken away.

#include "lib/sys/config.h"
#include "proto/msg_queue.h"

struct named_setting {
    const char *key;
    uint32_t bits; // what it is to the broker
};

struct named_settings {
    const char *program; // who complains
    const char *hint;    // what could be said, when nothing is
    const struct named_setting *items;
    unsigned count;
    uint32_t all; // of all of them together: --unset all
};

#define NAMED_DEFAULTS                                                                             \
    {"timeout", 1u << QUEUE_TIMEOUT}, {"max-attempts", 1u << QUEUE_MAX_ATTEMPTS},                  \
        {"max-crashes", 1u << QUEUE_MAX_CRASHES}, {"retry-first", 1u << QUEUE_RETRY_FIRST},        \
        {"retry-longest", 1u << QUEUE_RETRY_LONGEST}, {"retry-factor", 1u << QUEUE_RETRY_FACTOR},  \
        {"retry-within", 1u << QUEUE_RETRY_WITHIN},                                                \
    {                                                                                              \
        "keep", 1u << QUEUE_KEEP                                                                   \
    }

// Their bits; 0 after a complaint: nothing is named, or one is set and taken away.
uint32_t named_read(const struct config *config, const struct named_settings *settings);
