#pragma once

// The process at the other end; only spawner.c uses it.

#include "worker/exec/spawner.h"

// Serves until the worker's end of `socket` is closed, then ends the process.
_Noreturn void spawner_process_main(int socket, char *const *program,
                                    const struct spawner_limits *limits);
