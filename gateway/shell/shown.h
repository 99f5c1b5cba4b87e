#pragma once

// The state of a job or a batch as the broker told it: what it says in short, and as a body. `now`
// is the broker's. Any thread.

#include "gateway/core/out.h"
#include "gateway/shell/ask.h"

// Of an answer to ASK_STATUS or ASK_BATCH.
struct shown {
    err error; // ERR_GONE for a job of which only its tombstone is left
    uint32_t version;
    bool is_final;     // no later change but removal
    uint32_t again_ms; // when to ask again; 0 for a job that has ended
};
struct shown shown_of(const struct ask_result *result, when_ms now);

// The body, with `again_ms` unless that is 0, in memory that shown_free() gives back; the result of an error is not asked for.
//   ERR_NO_MEMORY
MUST_USE err shown_put(const struct ask_result *result, enum out_format format, when_ms now,
                       uint32_t again_ms, struct out *out_body);
void shown_free(struct out *body);
