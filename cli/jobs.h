#pragma once

// `weft jobs`: many at once, by filter.

#include "lib/sys/config.h"
#include "proto/msg.h"

extern const struct config_table jobs_list_table;
extern const struct config_table jobs_items_table;
extern const struct config_table jobs_deliveries_table;
extern const struct config_table jobs_batch_deliveries_table;
extern const struct config_table jobs_dead_table;

#define JOBS_TABLES                                                                                \
    &jobs_list_table, &jobs_items_table, &jobs_deliveries_table, &jobs_batch_deliveries_table,     \
        &jobs_dead_table

// The filter of the flags --status, --queue, --type, --created-after, --created-before; without
// --status. False after a complaint.
bool jobs_read_filter(const struct config *config, struct msg_list *list);
bool jobs_read_names(const struct config *config, struct msg_list *list);

int jobs_main(int argc, char **argv);
// `weft batch items`.
int jobs_items_main(int argc, char **argv);
int jobs_deliveries_main(int argc, char **argv);
int jobs_batch_deliveries_main(int argc, char **argv);
// `weft dead list`.
int jobs_dead_main(int argc, char **argv);
