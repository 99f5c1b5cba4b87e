#pragma once

// weft type list, show, set.

#include "lib/sys/config.h"

int type_main(int argc, char **argv);

extern const struct config_table type_list_table;
extern const struct config_table type_show_table;
extern const struct config_table type_set_table;
