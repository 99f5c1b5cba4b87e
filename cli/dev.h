#pragma once

// `weft dev`: a broker and a gateway on this machine, kept running.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns 0 after a stop by SIGTERM, SIGINT or SIGHUP; 1 when the
// doors could not be opened; 64 for wrong flags.
int dev_main(int argc, char **argv);
extern const struct config_table dev_table;
