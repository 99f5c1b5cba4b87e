#pragma once

// `weft job cancel`, `weft job retry`, `weft job run-now`, `weft job delete`: what is to be done with one job.

#include "lib/sys/config.h"

// `argv` begins after the verb. The exit codes are those of command.h.
int act_cancel_main(int argc, char **argv);
int act_retry_main(int argc, char **argv);
int act_run_now_main(int argc, char **argv);
int act_delete_main(int argc, char **argv);
// `weft workers quiet`, `weft workers stop`; `argv` begins after `workers`.
int act_workers_main(int argc, char **argv);

#define ACT_JOB_TABLES &act_cancel_table, &act_retry_table, &act_run_now_table, &act_delete_table

extern const struct config_table act_cancel_table;
extern const struct config_table act_retry_table;
extern const struct config_table act_run_now_table;
extern const struct config_table act_delete_table;
extern const struct config_table act_quiet_table;
extern const struct config_table act_stop_table;
