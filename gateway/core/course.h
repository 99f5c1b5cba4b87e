#pragma once

// What decides a job's course, of one job or as defaults: its timeout, its retries, how long it is
// kept. How that is told. Pure.

#include "gateway/core/out.h"
#include "proto/msg.h"

// "30s"; nothing when it is 0.
void course_put_span(struct out *out, const char *name, uint64_t ms);
// 1500 is 1.5: in JSON its digits, in MessagePack a float64. At most 999,999,999.
void course_put_milli(struct out *out, const char *name, uint32_t milli);
// "retry": {…}, with what is given; nothing when nothing is.
void course_put_retry(struct out *out, const struct msg_defaults *given);
