#pragma once

// `weft push` and `weft run`: one job, or a file of jobs, over the ZeroMQ door.

#include "lib/sys/config.h"

// `argv` begins after the verb. The exit codes are those of command.h.
int push_main(int argc, char **argv);
// Follows the job to its end; result on standard output.
int push_run_main(int argc, char **argv);

extern const struct config_table push_table;
extern const struct config_table push_run_table;
