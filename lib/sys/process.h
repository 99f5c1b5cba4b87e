#pragma once

// What the system knows about processes.

#include "lib/base/err.h"

#include <sys/types.h>

// The calling process gets SIGKILL when the thread that started it ends. In a child between fork
// and exec; `parent` is the parent's id, asked before the fork, so that a parent which died
// meanwhile is noticed: then false, and the child leaves.
bool process_die_with(pid_t parent);

// Names the calling thread for ps and top; at most 15 bytes are kept.
void process_name(const char *name);

// The calling thread lets others go first when they want the processor; it still gets some, for
// others may wait for what it holds.
void process_stand_back(void);

// When `pid` was started, in clock ticks since the machine's start. Together with the id it names
// a process for ever.
//   ERR_NOT_FOUND   no such process
MUST_USE err process_start(pid_t pid, uint64_t *out_ticks);
