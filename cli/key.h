#pragma once

// `weft key new|allow|list|revoke|limit`: who may use the broker's doors. They change a directory,
// which the broker notices at once: it needs not to run, and not to be restarted.

#include "lib/sys/config.h"

int key_main(int argc, char **argv);

extern const struct config_table key_new_table;
extern const struct config_table key_allow_table;
extern const struct config_table key_list_table;
extern const struct config_table key_revoke_table;
extern const struct config_table key_limit_table;

#define KEY_TABLES                                                                                 \
    &key_new_table, &key_allow_table, &key_list_table, &key_revoke_table, &key_limit_table
