#pragma once

// `weft job timeline` and `weft job log`: what has happened to a job, and what its handlers wrote.

#include "lib/sys/config.h"

// `argv` begins after the verb. The exit codes are those of command.h.
int history_timeline_main(int argc, char **argv);
int history_log_main(int argc, char **argv);

extern const struct config_table history_timeline_table;
extern const struct config_table history_log_table;
