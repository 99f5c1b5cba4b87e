#pragma once

// Handlers that outlived their worker. That takes two deaths at once, the worker's and the
// spawner's: then the kernel kills the handlers themselves, but not what they started. Every
// handler carries WEFT_SESSION in its environment, a random number of its worker's start, and
// passes it on; so whatever carries the session of a worker that is dead is known for certain.
// A handler that lost its environment is known by process id and start time together.

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEFTOVER_VARIABLE "WEFT_SESSION"

// Kills every process whose environment names this session. Returns how many.
uint32_t leftover_kill_session(uint64_t session);

// Kills the process group of `pid` if `pid` is still the process that was started at that moment.
bool leftover_kill_group(pid_t pid, uint64_t start_ticks);
