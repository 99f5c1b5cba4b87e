#pragma once

// `weft outbox`: rows of the user's own database become jobs. `weft outbox schema`: what is to be run
// in that database before.

#include "lib/sys/config.h"

extern const struct config_table outbox_table;
extern const struct config_table outbox_schema_table;

#define OUTBOX_TABLES &outbox_table, &outbox_schema_table

int outbox_main(int argc, char **argv);
