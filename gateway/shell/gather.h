#pragma once

// Which of the jobs that wait travel in the next message: those of one tenant, as a message has one.
// The oldest question decides whose turn it is, so no tenant waits for another's to end.

#include "gateway/shell/ask.h"

enum {
    GATHER_JOBS_MAX = 256,              // in one message
    GATHER_BYTES_MAX = 4 * 1024 * 1024, // of payloads in one message
    GATHER_LOOK_MAX = 1024,             // questions that are looked at for it
};

// Takes them out of `urgent`, then out of `bulk`, which are not both empty, and puts them at the end
// of `asks`. The message's jobs lie in `jobs`, those of an atomic question where it has them.
struct msg gather_jobs(struct ask_line *urgent, struct ask_line *bulk, struct ask_line *asks,
                       struct msg_submit_job jobs[GATHER_JOBS_MAX]);

// Each question of `asks`, which have `job_count` jobs together, is told of its own and taken out.
// ERR_TIMEOUT when the answer is one to something else.
void gather_answer(struct ask_line *asks, uint32_t job_count, const struct msg_submitted *answer);
