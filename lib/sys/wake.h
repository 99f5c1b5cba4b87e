#pragma once

// A bell between threads (eventfd): the sleeper waits for wake.fd to become readable. Rings that
// were not heard yet count as one.

#include "lib/base/err.h"

struct wake {
    int fd;
};

// ERR_SYSTEM   errno is kept
MUST_USE err wake_open(struct wake *out_wake);
void wake_close(struct wake *wake);

// Any thread, also from a signal handler.
void wake_ring(const struct wake *wake);
// By the sleeper, before it looks for work: a later ring is then never lost.
void wake_clear(const struct wake *wake);
