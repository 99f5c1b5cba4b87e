#pragma once

// The body of a webhook: what happened, when, and the job or batch as GET would show it. Pure.
//
//   {"type":"job.succeeded","timestamp":"2026-…Z","data":{"job_id":…,"status":…,"result":…},
//    "traceparent":"00-…"}

#include "gateway/core/out.h"
#include "lib/base/when.h"

struct notice {
    struct slice event; // "job.succeeded"
    when_ms at;
    struct slice data;        // a JSON object that has been judged; empty: {}
    struct slice traceparent; // empty: none
};

// Bytes that its body may need at the most.
size_t notice_room(const struct notice *notice);
void notice_put(struct out *out, const struct notice *notice);
