#pragma once

// The Majordomo front: a process that speaks Majordomo on one side and is a plain Weft client and
// worker on the other. It keeps nothing: what is durable is the broker's.

#include "lib/link/link.h"

#include <stdint.h>

enum {
    FRONT_REQUESTS_MAX = 1024, // clients that wait for an answer
    FRONT_FRAME_BYTES_MAX = 1024 * 1024,
};

struct front_options {
    const char *listen;
    const char *broker;
    const char *tenant;
    const struct link_curve *curve; // to the broker; NULL: in the clear
    when_ms heartbeat_ms;
    when_ms ttl_ms;     // of a plain request: not started by then, it expires
    when_ms keep_ms;    // of a plain request after its end
    when_ms titanic_ms; // of a Titanic request after its end, unless it is closed
};

// Runs until it is told to stop: 0; 1 when it cannot start.
int front_run(const struct front_options *options);
