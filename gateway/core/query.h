#pragma once

// What follows the question mark. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

enum query_name { QUERY_WAIT, QUERY_VERSION, QUERY_MODE };
enum { QUERY_NAMES = 3, QUERY_FAULT_LEN = 128, QUERY_WAIT_MS_MAX = 60000 };

struct query {
    bool has[QUERY_NAMES];
    when_ms wait;     // QUERY_WAIT: at most QUERY_WAIT_MS_MAX
    uint32_t version; // QUERY_VERSION: the newest the client has seen
};

// Reads `text`, which may give the names whose bits (1u << name) are set in `allowed`, each once.
//   ERR_BAD_FIELD     an unknown name, a name given twice, or a value that is not allowed
//   ERR_UNSUPPORTED   of the contract, but not done by this version
// After an error `out_fault` has a sentence.
MUST_USE err query_read(struct slice text, uint32_t allowed, struct query *out_query,
                        char out_fault[QUERY_FAULT_LEN]);

// A version out of an If-None-Match header: "7" in quotes, perhaps after W/. False: none that we
// could have given.
bool query_etag(struct slice header, uint32_t *out_version);
