#pragma once

// The settings by which a peer speaks CURVE to its broker: the same two flags of every program that
// connects.

#include "lib/link/link.h"
#include "lib/sys/config.h"

#define CURVE_KEYS                                                                                 \
    {.key = "curve-key",                                                                           \
     .type = CONFIG_STRING,                                                                        \
     .help = "file of this peer's secret key, made by 'weft key new'; none: in the clear"},        \
    {                                                                                              \
        .key = "curve-server", .type = CONFIG_STRING,                                              \
        .help = "the broker's public key, or a file with it (broker.pub)"                          \
    }

enum { CURVE_PROBLEM_LEN = 384 };

// From settings with CURVE_KEYS. *out_curve is filled when both are given; false in
// *out_is_on: neither is.
//   ERR_BAD_FIELD   `out_problem` is a sentence
MUST_USE err curve_read(const struct config *config, struct link_curve *out_curve, bool *out_is_on,
                        char out_problem[CURVE_PROBLEM_LEN]);

// The same from texts; NULL: not given.
MUST_USE err curve_load(const char *key, const char *server, struct link_curve *out_curve,
                        bool *out_is_on, char out_problem[CURVE_PROBLEM_LEN]);

// The tenant of settings with CURVE_KEYS and "tenant": as given, else that of the key's certificate,
// else the default. Lives until the next call; main thread.
const char *curve_tenant(const struct config *config);

// What is the matter and what helps when link_refusal() is not OK, of a side that connects with
// `curve` (NULL: in the clear): half a sentence. Static.
const char *curve_fix(err refusal, const struct link_curve *curve);
