#pragma once

// What is said of workers to whoever lists them. Pure.

#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg_limits.h"
#include "proto/msg_words.h"

#include <stdbool.h>

struct msg_worker_list {
    uint64_t cursor; // 0: from the beginning
    uint32_t limit;  // 0: MSG_WORKERS_MAX
};

// Types and queues are separated by commas; no queues: all.
enum { MSG_WORKER_NAMES_LEN_MAX = MSG_TYPES_MAX * (MSG_NAME_LEN_MAX + 1) };
struct msg_worker_line {
    struct id worker_id;
    struct slice name;
    struct slice types;
    struct slice queues;
    uint32_t slots;
    uint32_t running;
    bool connected;
    bool quiet;
    enum drain drain;
    when_ms since_at;
};

struct msg_worker_listed {
    const struct msg_worker_line *workers;
    uint32_t count;
    uint64_t cursor; // 0: there is no more
};
