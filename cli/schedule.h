#pragma once

// weft schedule set, show, list, delete, pause, resume, next.

#include "lib/sys/config.h"

int schedule_main(int argc, char **argv);

extern const struct config_table schedule_set_table;
extern const struct config_table schedule_show_table;
extern const struct config_table schedule_list_table;
extern const struct config_table schedule_delete_table;
extern const struct config_table schedule_pause_table;
extern const struct config_table schedule_resume_table;
extern const struct config_table schedule_next_table;
