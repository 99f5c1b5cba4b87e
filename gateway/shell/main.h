#pragma once

// The gateway as a program: `weft gateway [flags]`.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code when the gateway has been told to stop, 0,
// or could not start, 1; 64 for wrong flags.
int gateway_main(int argc, char **argv);

// Its settings.
extern const struct config_table *const gateway_table;
