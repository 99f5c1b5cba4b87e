#pragma once

// Signals as a descriptor. Called in main before any thread is started, so that every thread
// inherits the mask.

#include "lib/base/err.h"

// Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD and gives a non-blocking descriptor that is readable
// when one of them is waiting; ignores SIGPIPE.
//   ERR_SYSTEM   errno is kept
MUST_USE err signal_open(int *out_fd);
void signal_close(int fd);

// `line`, static and with its newline, is written to standard error before the process dies of
// SIGBUS or SIGSEGV.
void signal_last_words(const char *line);

// The next waiting signal, or 0 when there is none. One SIGCHLD may stand for several children.
int signal_take(int fd);

// Undoes the mask and the ignored signals: in a child between fork and exec, as a program expects
// to find them. Async-signal-safe.
void signal_reset(void);
