#pragma once

// Questions about a job, its timeline and log, a batch, an act on many, and lists of them, answered by the
// reader thread from its snapshot.

#include "broker/shell/watch.h"
#include "broker/store/store.h"

// The reader's room for answers.
struct readers_jobs {
    struct msg_listed_job *listed;     // MSG_LISTED_MAX
    struct msg_timeline_event *events; // STORE_EVENTS_ROOM
    struct msg_log_line *lines;        // MSG_LOG_LINES_MAX
};
// ERR_NO_MEMORY; deinit takes a zeroed one
MUST_USE err readers_jobs_init(struct readers_jobs *jobs);
void readers_jobs_deinit(struct readers_jobs *jobs);

// The answer borrows from the question, the view, the room and the arena, which must be empty. What cannot
// be read is told as its error. False: it is none yet for somebody who waits for a change.
bool readers_jobs_answer(struct readers_jobs *jobs, const struct watch_question *question,
                         struct store_view *view, struct arena *arena, struct msg *out_msg);
