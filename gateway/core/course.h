#pragma once

// What decides a job's course, of one job or as defaults: its timeout, its retries, how long it is
// kept. How that is told. Pure.

#include "gateway/core/out.h"
#include "proto/msg.h"

// "30s"; nothing when it is 0.
void course_put_span(struct out *out, const char *name, uint64_t ms);
// "retry": {…}, with what is given; nothing when nothing is.
void course_put_retry(struct out *out, const struct msg_defaults *given);
