#pragma once

// `weft operations list` and `weft operations show`: acts on many, while they go on and afterwards.

#include "cli/command.h"

extern const struct config_table many_list_table;
extern const struct config_table many_list_show_table;

int many_list_main(int argc, char **argv);
