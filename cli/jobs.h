#pragma once

// `weft jobs`: many at once, by filter.

#include "lib/sys/config.h"

extern const struct config_table jobs_list_table;
extern const struct config_table jobs_items_table;

int jobs_main(int argc, char **argv);
// `weft batch items`.
int jobs_items_main(int argc, char **argv);
