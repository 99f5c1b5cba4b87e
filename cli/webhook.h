#pragma once

// weft webhook set, list, show, rotate, enable, disable, test, delete, key.

#include "lib/sys/config.h"

int webhook_main(int argc, char **argv);

extern const struct config_table webhook_set_table;
extern const struct config_table webhook_list_table;
extern const struct config_table webhook_show_table;
extern const struct config_table webhook_rotate_table;
extern const struct config_table webhook_enable_table;
extern const struct config_table webhook_disable_table;
extern const struct config_table webhook_test_table;
extern const struct config_table webhook_delete_table;
extern const struct config_table webhook_key_table;

#define WEBHOOK_TABLES                                                                             \
    &webhook_set_table, &webhook_list_table, &webhook_show_table, &webhook_rotate_table,           \
        &webhook_enable_table, &webhook_disable_table, &webhook_test_table, &webhook_delete_table, \
        &webhook_key_table
