#pragma once

// Errors as clients see them: RFC 9457 problem details. Pure.

#include "gateway/core/out.h"
#include "lib/base/err.h"
#include "lib/base/id.h"
#include "proto/msg.h"

#define PROBLEM_TYPE_JSON "application/problem+json"

struct problem {
    err error;
    unsigned status;         // 0: the error's own
    struct slice detail;     // what was wrong with this request; may be empty
    const char *fix;         // what to do; NULL: the error's own
    struct id holder_id;     // the job that holds the key; zero: not told
    struct slice violations; // ERR_SCHEMA: an array in the format of the answer; may be empty
};

unsigned problem_status(const struct problem *problem);

// The job that stands in the way of `job`, or the zero id: as `said` tells it (NULL: nothing was said), and of a key
// that is used the one that has it. Its id follows from tenant, queue and key.
struct id problem_holder(err e, const struct msg_submit_job *job,
                         const struct msg_submitted_job *said);

// The members, without the braces: type, title, status, detail, code, fix.
void problem_put(struct out *out, const struct problem *problem);

// A whole JSON text in `room`; what does not fit leaves the violations out, then the detail.
struct slice problem_text(const struct problem *problem, uint8_t *room, size_t room_len);
