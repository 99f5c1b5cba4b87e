#pragma once

// What the core is not asked about jobs that are submitted: fields, ids, fingerprints.

#include "broker/core/core.h"
#include "proto/msg.h"

// The job's queue, "default" when none is given.
struct slice submission_queue(const struct msg_submit_job *job);
// Fills in what the core wants to know of a job beside its fields: fingerprint, hashes of its keys,
// queue. It has been judged.
void submission_complete(struct msg_submit_job *job);

// Judges each job by itself, and completes it or writes why it is refused.
void submission_judge(const struct core *core, when_ms now, struct msg_submit *submit);
// Refuses all of them, for want of disk space.
void submission_close(struct msg_submit *submit);
