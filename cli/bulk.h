#pragma once

// `weft push --bulk`: the records of POST /v1/batches, one JSON object a line, over the ZeroMQ door.

#include "lib/sys/config.h"

enum {
    BULK_JOBS_MAX = 256,                      // in one message
    BULK_MESSAGE_BYTES_MAX = 4 * 1024 * 1024, // of payloads in one message
    BULK_FILE_BYTES_MAX = 64 * 1024 * 1024,
    BULK_REJECTIONS_MAX = 10000, // in the JSON answer; all are told on standard error
};

// With the settings of `weft push`. The exit code; refused lines are told on standard error.
int bulk_push(const struct config *config);
