#pragma once

// Schedules over HTTP: the object a client puts, and the answers. docs/schedules.md is the user's
// page. Pure.

#include "gateway/core/answer.h"
#include "gateway/core/submit.h"

// A schedule with room for its job.
struct schedule_put {
    struct msg_schedule given; // its id is the caller's; jobs points to `job`
    struct msg_submit_job job;
};

// Reads the object; the broker judges what the fields say. Everything borrows from the object's
// bytes and the arena. `out_put` is untouched on error. Errors of submit_read().
MUST_USE err schedule_read(struct doc_value object, const struct doc_room *room,
                           struct schedule_put *out_put, struct submit_fault *out_fault);

// 200: the schedule as it stands. `payload` is its job's, as values of this format may stand there.
void schedule_answer(struct out *out, const struct msg_schedule_status_is *is,
                     const struct answer_result *payload, bool is_dry_run);

// 200: a page of them, and the cursor of the next.
void schedule_answer_list(struct out *out, const struct msg_schedule_listed *listed);
