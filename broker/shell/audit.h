#pragma once

// The verb `weft audit`: one whole round over the directory of a broker that does not run.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code; docs/cli.md has the table.
int audit_main(int argc, char **argv);

extern const struct config_table audit_table;
