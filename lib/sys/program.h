#pragma once

// What every long-running program does first: the level of its log, failpoints, signals. Main
// thread, before any other.

#include "lib/sys/config.h"

// `config` has a key "log-level". The descriptor gives the signals that lib/sys/signal.h names.
//   ERR_BAD_FIELD   the level, or WEFT_FAILPOINT, cannot be read
//   ERR_SYSTEM      the kernel gives no descriptor
MUST_USE err program_begin(const struct config *config, int *out_signal_fd);

// Why the door of `flag` could not be opened, and what helps; errno as it was then. Lives until the
// next call.
const char *program_door_problem(const char *flag, const char *endpoint, err e);
