#pragma once

// When it is worth asking again: Retry-After of what has not ended. A job that waits for its moment is
// told that moment; of another, what it has waited or run so far is the measure of what is to come, so
// that whoever does as told learns of the end by an eighth of that time later at most. From AGAIN_MIN_MS
// to AGAIN_MAX_MS, as somebody may cancel it meanwhile, in whole seconds. Pure; `now` is the broker's.

#include "proto/msg.h"

enum { AGAIN_MIN_MS = 1000, AGAIN_MAX_MS = 60000 };

// Of a job that has not ended.
uint32_t again_job(const struct msg_status_is *status, when_ms now);
// Of one that was stored just now, or replayed.
uint32_t again_submitted(const struct msg_submit_job *job, const struct msg_submitted_job *said,
                         when_ms now);
// Of a batch that has not finished.
uint32_t again_batch(const struct msg_batch_status_is *batch, when_ms now);
