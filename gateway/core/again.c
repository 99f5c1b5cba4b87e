// An eighth of what has passed.

#include "gateway/core/again.h"

#include "gateway/core/answer.h"

enum { PART = 8 };

static uint32_t within(when_ms span)
{
    enum { SECOND_MS = 1000 };
    span = when_min(span > AGAIN_MIN_MS ? span : AGAIN_MIN_MS, AGAIN_MAX_MS);
    return (uint32_t)((span + SECOND_MS - 1) / SECOND_MS * SECOND_MS);
}

static uint32_t since(when_ms began, when_ms now)
{
    return within(now > began ? (now - began) / PART : 0);
}

static uint32_t by_state(enum job_state state, when_ms began, when_ms due_at, when_ms now)
{
    bool waits = (state == JOB_SCHEDULED || state == JOB_RETRYING) && due_at > now;
    if (waits)
        return within(due_at - now);
    return since(due_at > began ? due_at : began, now);
}

uint32_t again_job(const struct msg_status_is *status, when_ms now)
{
    if (status->state != JOB_RUNNING)
        return by_state(status->state, status->created_at, status->due_at, now);
    uint32_t span = since(status->started_at, now);
    // Its attempt ends then, whatever becomes of it.
    if (status->deadline_at > now)
        span = (uint32_t)when_min(span, within(status->deadline_at - now));
    return span;
}

uint32_t again_submitted(const struct msg_submit_job *job, const struct msg_submitted_job *said,
                         when_ms now)
{
    when_ms due_at = job->run_at;
    if (job->delay_ms > 0)
        due_at = when_after(said->created_at, (when_ms)job->delay_ms);
    return by_state(said->state, said->created_at, due_at, now);
}

uint32_t again_batch(const struct msg_batch_status_is *batch, when_ms now)
{
    uint64_t done = answer_batch_ended(batch);
    uint64_t total = answer_batch_total(batch);
    uint64_t span = now > batch->created_at ? (uint64_t)(now - batch->created_at) : 0;
    if (done == 0 || done == total)
        return since(batch->created_at, now);
    uint64_t left = (total - done) * span / done;
    return within(left < AGAIN_MAX_MS ? (when_ms)left : AGAIN_MAX_MS);
}
