#pragma once

// Acts on many jobs: `weft jobs cancel|retry|run-now|delete`, `weft dead list|retry|purge`, `weft queue purge`,
// `weft batch cancel|retry|run-now`.

#include "lib/sys/config.h"

extern const struct config_table many_cancel_table;
extern const struct config_table many_retry_table;
extern const struct config_table many_run_now_table;
extern const struct config_table many_delete_table;
extern const struct config_table many_dead_retry_table;
extern const struct config_table many_dead_purge_table;
extern const struct config_table many_purge_table;
extern const struct config_table many_batch_cancel_table;
extern const struct config_table many_batch_retry_table;
extern const struct config_table many_batch_run_now_table;

int many_cancel_main(int argc, char **argv);
int many_retry_main(int argc, char **argv);
int many_run_now_main(int argc, char **argv);
int many_delete_main(int argc, char **argv);
int many_purge_main(int argc, char **argv);
int many_batch_cancel_main(int argc, char **argv);
int many_batch_retry_main(int argc, char **argv);
int many_batch_run_now_main(int argc, char **argv);
int many_dead_main(int argc, char **argv);
