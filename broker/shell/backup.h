#pragma once

// The verb `weft backup`: a copy of a broker's directory, which may go on working.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code; docs/cli.md has the table.
int backup_main(int argc, char **argv);

extern const struct config_table backup_table;
