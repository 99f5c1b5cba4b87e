#pragma once

// The gateway's settings: flags, WEFT_* variables, file. Read once, at the start.

#include "lib/base/err.h"
#include "lib/link/curve.h"

struct settings {
    struct config config;
    const char *http;        // ADDRESS:PORT
    const char *hosts;       // names by which it may be asked besides this machine's; NULL: none
    const char *certificate; // PEM; NULL: no TLS
    const char *key;         // PEM
    const char *broker;      // tcp://…
    struct link_curve curve; // when has_curve
    bool has_curve;
    const char *data;                // directory
    const char *webhook_key;         // file
    char *tokens;                    // directory of the list of tokens
    char *cache;                     // directory of the statuses of finished jobs
    char *spool;                     // directory of the spool
    uint64_t spool_bytes_max;        // 0: it takes nothing
    uint64_t spool_tenant_bytes_max; // 0: all there is
    bool drains;                     // only to empty the spool
    uint32_t thread_count;
    uint32_t connection_count_max;
    uint32_t idle_ms, head_ms, body_ms;
    uint64_t buffered_bytes_max;
    uint32_t key_count_max;
    uint32_t cache_count_max;
};

extern const struct config_table settings_table;

// Call settings_deinit() also after an error.
//   ERR_BAD_FIELD   see settings->config.problem
MUST_USE err settings_read(struct settings *settings, int argc, char **argv);
void settings_deinit(struct settings *settings);
