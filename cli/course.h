#pragma once

// Defaults for jobs, as flags: of a queue, of a type. Not thread-safe.

#include "lib/sys/config.h"
#include "proto/check.h"

#define COURSE_KEYS                                                                                \
    {.key = "retry-within",                                                                        \
     .type = CONFIG_DURATION,                                                                      \
     .min = 1000,                                                                                  \
     .max = (int64_t)CHECK_KEEP_S_MAX * 1000,                                                      \
     .help = "no attempt begins later than this"},                                                 \
        {.key = "retry-first",                                                                     \
         .type = CONFIG_DURATION,                                                                  \
         .min = 1,                                                                                 \
         .max = CHECK_RETRY_MS_MAX,                                                                \
         .help = "pause after the first error"},                                                   \
        {.key = "retry-longest",                                                                   \
         .type = CONFIG_DURATION,                                                                  \
         .min = 1,                                                                                 \
         .max = CHECK_RETRY_MS_MAX,                                                                \
         .help = "the longest pause"},                                                             \
        {.key = "retry-factor",                                                                    \
         .type = CONFIG_INTEGER,                                                                   \
         .min = 1,                                                                                 \
         .max = CHECK_FACTOR_MILLI_MAX / 1000,                                                     \
         .help = "each pause is so many times the one before"},                                    \
        {.key = "timeout",                                                                         \
         .type = CONFIG_DURATION,                                                                  \
         .min = 1,                                                                                 \
         .max = CHECK_TIMEOUT_MS_MAX,                                                              \
         .help = "run time of one attempt"},                                                       \
        {.key = "max-attempts",                                                                    \
         .type = CONFIG_INTEGER,                                                                   \
         .min = 1,                                                                                 \
         .max = CHECK_ATTEMPTS_MAX,                                                                \
         .help = "dead after so many errors"},                                                     \
        {.key = "max-crashes",                                                                     \
         .type = CONFIG_INTEGER,                                                                   \
         .min = 1,                                                                                 \
         .max = CHECK_CRASHES_MAX,                                                                 \
         .help = "dead after so many crashes"},                                                    \
    {                                                                                              \
        .key = "keep", .type = CONFIG_DURATION, .min = 1000,                                       \
        .max = (int64_t)CHECK_KEEP_S_MAX * 1000,                                                   \
        .help = "how long status and result stay after the end"                                    \
    }

// What the flags say; the rest is 0.
struct msg_defaults course_given(const struct config *config);
