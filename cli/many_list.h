#pragma once

// `weft operations list|show|cancel`: acts on many, while they go on and afterwards.

#include "cli/command.h"

extern const struct config_table many_list_table;
extern const struct config_table many_list_show_table;
extern const struct config_table many_list_cancel_table;

int many_list_main(int argc, char **argv);
