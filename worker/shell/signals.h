#pragma once

// The signals that a worker understands, each as a descriptor to wait for: those of
// lib/sys/signal.h, and besides SIGTSTP, SIGUSR1 and SIGUSR2.

#include "lib/base/err.h"

struct signals {
    int usual;
    int more;
};

// Before any thread is started.
//   ERR_SYSTEM   errno is kept
MUST_USE err signals_open(struct signals *out_signals);
void signals_close(struct signals *signals);
// The next waiting signal, or 0.
int signals_take(struct signals *signals);
