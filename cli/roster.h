#pragma once

// `weft workers list`.

#include "cli/command.h"

extern const struct config_table roster_table;

int roster_main(int argc, char **argv);
