#pragma once

// `weft token new|list|revoke|limit`: who may use the gateway's door. They change the list in a directory,
// which gateways look at with every request: no gateway needs to run, and none to be restarted.

#include "lib/sys/config.h"

int token_main(int argc, char **argv);

extern const struct config_table token_new_table;
extern const struct config_table token_list_table;
extern const struct config_table token_revoke_table;
extern const struct config_table token_limit_table;

#define TOKEN_TABLES &token_new_table, &token_list_table, &token_revoke_table, &token_limit_table
