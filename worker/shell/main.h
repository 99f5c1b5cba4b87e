#pragma once

// The worker as a program: `weft worker TYPE [flags] -- program [arguments]`.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code: 0 when it was told to stop, 1 when it could
// not start or go on, 64 for wrong flags, 69 when there was no program to run. To be called before
// the process has any thread.
int worker_main(int argc, char **argv);

// Its settings.
extern const struct config_table *const worker_table;
