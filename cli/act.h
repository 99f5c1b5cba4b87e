#pragma once

// `weft job cancel`: what is to be done with one job.

#include "lib/sys/config.h"

// `argv` begins after the verb. The exit codes are those of command.h.
int act_cancel_main(int argc, char **argv);

extern const struct config_table act_cancel_table;
