#pragma once

// weft queue list, show, set.

#include "lib/sys/config.h"

int queue_main(int argc, char **argv);

extern const struct config_table queue_list_table;
extern const struct config_table queue_show_table;
extern const struct config_table queue_set_table;
