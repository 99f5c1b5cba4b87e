#pragma once

// POST /v1/batches: reads the records of a whole body, submits the good ones in pieces, answers
// with a verdict for each bad one. One thread, so that a long body does not stop the HTTP threads.

#include "lib/base/err.h"
#include "lib/http/http.h"

struct bulk;
struct gateway;

enum {
    BULK_RECORDS_MAX = 10000,
    BULK_BODY_LEN_MAX = 64 * 1024 * 1024,
    BULK_LOADS_MAX = 64, // not answered yet: their records take up to 5 MiB each beside the body
    // A batch's key leaves room for "#10000" behind it.
    BULK_KEY_LEN_MAX = 255 - 6,
};

// ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err bulk_open(const struct gateway *gateway, struct bulk **out_bulk);
// Ends the thread after the requests at hand; those that wait are answered with 503. After the
// courier has been closed. NULL is allowed.
void bulk_close(struct bulk *bulk);

// Answers the request, now or later.
void bulk_take(struct bulk *bulk, struct http_request *request);
