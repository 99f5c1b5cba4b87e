#pragma once

// `weft job show` and `weft batch show`.

#include "lib/sys/config.h"

// `argv` begins after the first word. The exit codes are those of command.h.
int show_job_main(int argc, char **argv);
int show_batch_main(int argc, char **argv);

extern const struct config_table show_job_table;
extern const struct config_table show_batch_table;
