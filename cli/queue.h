#pragma once

// weft queue list, show, set, pause, resume, drain.

#include "lib/sys/config.h"

int queue_main(int argc, char **argv);

extern const struct config_table queue_list_table;
extern const struct config_table queue_show_table;
extern const struct config_table queue_set_table;
extern const struct config_table queue_pause_table;
extern const struct config_table queue_resume_table;
extern const struct config_table queue_drain_table;
