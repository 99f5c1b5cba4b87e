#pragma once

// The sender of webhooks as a program: `weft notify`.

#include "lib/sys/config.h"

// `argv` begins after the verb. Returns the exit code: 0 when it was told to stop, 1 when it could
// not start or go on, 64 for wrong flags.
int notify_main(int argc, char **argv);

// Its settings.
extern const struct config_table *const notify_table;
