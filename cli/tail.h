#pragma once

// weft tail: what happens to jobs, as it happens.

#include "lib/sys/config.h"

extern const struct config_table tail_table;

int tail_main(int argc, char **argv);
