#pragma once

// The verb `weft restore`: a broker's directory out of a backup, or out of the directory of a stopped
// broker that was copied by hand.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code; docs/cli.md has the table.
int restore_main(int argc, char **argv);

extern const struct config_table restore_table;
