#pragma once

// The broker as a program: `weft broker [flags]`.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code when the broker has been told to stop, 0,
// or could not start, 1; 64 for wrong flags. After a failed commit the process ends by itself.
int broker_main(int argc, char **argv);

// Its settings.
extern const struct config_table *const broker_table;
