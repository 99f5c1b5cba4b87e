#pragma once

// Work over plain HTTP: what a pull worker asks for and says, and what it is told. Pure.

#include "gateway/core/answer.h"
#include "gateway/core/doc.h"
#include "gateway/core/submit.h"
#include "proto/msg.h"

enum {
    LEASE_JOBS_MAX = 64, // in one answer
    LEASE_WAIT_MS_MAX = 60000,
    LEASE_LINES_MAX = 256, // of a log, in one request
};

// Which jobs it takes.
struct lease_wish {
    struct slice types[MSG_TYPES_MAX];
    uint32_t type_count;
    struct slice queues[MSG_TYPES_MAX]; // none: every queue
    uint32_t queue_count;
    uint32_t max;    // 1 … LEASE_JOBS_MAX
    when_ms wait_ms; // at most LEASE_WAIT_MS_MAX
};
// Texts borrow from the object and the arena. After an error `out_fault` has a sentence.
//   ERR_MALFORMED, ERR_BAD_FIELD, ERR_TOO_LARGE as submit_read()
MUST_USE err lease_read_wish(struct doc_value object, const struct doc_room *room,
                             struct lease_wish *out_wish, struct submit_fault *out_fault);

// What follows the colon.
enum lease_verb {
    LEASE_NONE = 0,
    LEASE_FINISH,
    LEASE_FAIL,
    LEASE_RELEASE,
    LEASE_RENEW,
    LEASE_PROGRESS
};

// What it says of one job.
struct lease_word {
    uint64_t token;
    struct msg_finish_job finish; // FINISH, FAIL, RELEASE
    struct msg_progress progress; // RENEW, PROGRESS
    bool has_progress;
    struct slice lines[LEASE_LINES_MAX]; // RENEW, PROGRESS
    uint32_t line_count;
};
// The same rules; a token is required. `job_id` goes where a job is named.
MUST_USE err lease_read_word(struct doc_value object, enum lease_verb verb,
                             const struct doc_room *room, struct lease_word *out_word,
                             struct submit_fault *out_fault);

// A job in the answer, with its payload as it may stand there.
void lease_put_job(struct out *out, const struct msg_job *job, const struct answer_result *payload);
// Around the jobs: how long their leases last, how often they should be renewed.
struct lease_terms {
    uint32_t lease_ms, renew_ms;
};
void lease_put_begin(struct out *out, const struct lease_terms *terms);
void lease_put_end(struct out *out);
// After a word that was taken.
void lease_put_taken(struct out *out, const struct id *job_id, const struct lease_terms *terms,
                     bool is_cancelled);
