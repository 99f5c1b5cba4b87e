#pragma once

// Errors as clients see them: RFC 9457 problem details. Pure.

#include "gateway/core/out.h"
#include "lib/base/err.h"
#include "lib/base/id.h"

#define PROBLEM_TYPE_JSON "application/problem+json"

struct problem {
    err error;
    unsigned status;         // 0: the error's own
    struct slice detail;     // what was wrong with this request; may be empty
    const char *fix;         // what to do; NULL: the error's own
    struct id holder_id;     // ERR_UNIQUE: the job that holds the key; zero: not told
    struct slice violations; // ERR_SCHEMA: an array in the format of the answer; may be empty
};

unsigned problem_status(const struct problem *problem);

// The members, without the braces: type, title, status, detail, code, fix.
void problem_put(struct out *out, const struct problem *problem);

// A whole JSON text in `room`; what does not fit leaves the violations out, then the detail.
struct slice problem_text(const struct problem *problem, uint8_t *room, size_t room_len);
