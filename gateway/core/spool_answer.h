#pragma once

// What is told of jobs in the spool, and of its books. Pure.

#include "gateway/core/out.h"
#include "gateway/core/spool_account.h"
#include "gateway/core/webhook.h"
#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/when.h"

struct spool_told {
    struct id id;
    struct slice type;  // empty: what was stored cannot be read, nor its queue
    struct slice queue; // empty: "default"
    when_ms spooled_at;
    err error; // of a refusal; OK: it waits
    when_ms refused_at;
    struct slice detail;
    const struct webhook_secret *secret; // told to who has submitted it; NULL: not told
};

// The answer to a submission that was spooled, to a question about the job, and its place in a list
// (answer_listed_begin() and answer_listed_end() stand around those).
void spool_answer_job(struct out *out, const struct spool_told *told);

void spool_answer_books(struct out *out, const struct spool_account *books, uint64_t bytes_max);
