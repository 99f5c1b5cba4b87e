// What a job would meet, were it accepted now. Told by a dry run, which changes nothing.

#include "broker/core/core_private.h"

bool forecast_waits(const struct core *core, const struct proposal *proposal)
{
    const struct msg_submit_job *job = proposal->job;
    if (ledger_must_wait(&core->ledger, job))
        return true;
    for (uint32_t i = 0; i < job->after.count && proposal->trial != NULL; i++)
        if (atomic_has_record(proposal->trial, &job->after.items[i]))
            return true;
    return false;
}

// Of a queued one. LANES_NONE: nobody is known to take jobs of a queue and type that no job has
// named yet; it is found out when the first one comes.
static enum waiting_on queued(const struct core *core, uint32_t queue, uint32_t lane,
                              uint64_t key_hash)
{
    if (queue != QUEUES_NONE &&
        (queues_peek(&core->ledger.queues, queue)->paused & DIRECTION_OUT) != 0)
        return WAITING_PAUSED;
    if (lane == LANES_NONE)
        return WAITING_NONE;
    if (strands_is_at_limit(&core->strands, queue, key_hash))
        return WAITING_KEY_BUSY;
    if (!workers_is_open(&core->workers, lane))
        return WAITING_NO_WORKER;
    if (rate_is_queue_full(core, queue))
        return WAITING_QUEUE_BUSY;
    if (gates_is_shut(&core->gates, queue))
        return WAITING_RATE_LIMITED;
    bool is_free = workers_next(&core->workers, lane) != WORKERS_NONE;
    return is_free && leases_has_room(&core->leases) ? WAITING_NONE : WAITING_NO_CREDIT;
}

// When it would start, by store time; 0: nobody can tell. Those that wait are all before it.
static when_ms start_of(const struct core *core, struct now now, uint32_t lane,
                        const struct msg_forecast *forecast)
{
    when_ms wait = WHEN_NEVER;
    switch (forecast->waiting_on) {
    case WAITING_SCHEDULED: return forecast->due_at;
    case WAITING_NONE:
        if (forecast->ahead == 0)
            return forecast->due_at;
        break;
    case WAITING_NO_CREDIT:
    case WAITING_QUEUE_BUSY:
    case WAITING_RATE_LIMITED: break;
    case WAITING_KEY_BUSY: // its key has a pace of its own
    case WAITING_NO_WORKER:
    case WAITING_PAUSED:
    case WAITING_BACKOFF:
    case WAITING_DEPENDENCY: return 0;
    }
    if (lane != LANES_NONE)
        wait = paces_wait_ms(&core->paces, lane, (uint64_t)forecast->ahead + 1, now.mono);
    return wait == WHEN_NEVER ? 0 : when_after(now.store, wait);
}

static struct msg_defaults course_of(const struct policy *policy)
{
    return (struct msg_defaults){.timeout_ms = policy->timeout_ms,
                                 .max_attempts = policy->max_attempts,
                                 .max_crashes = policy->max_crashes,
                                 .retry_first_ms = policy->retry_first_ms,
                                 .retry_longest_ms = policy->retry_longest_ms,
                                 .retry_factor_milli = policy->retry_factor_milli,
                                 .retry_within_s = policy->retry_within_s,
                                 .keep_s = policy->keep_s};
}

struct msg_forecast forecast_of(const struct core *core, struct now now,
                                const struct proposal *proposal)
{
    const struct msg_submit_job *job = proposal->job;
    const struct queues *queues = &core->ledger.queues;
    uint32_t queue = queues_find(queues, (struct queue_name){job->tenant, job->queue});
    uint32_t lane =
        queue == QUEUES_NONE ? LANES_NONE : lanes_find(&core->ledger.lanes, queue, job->type);
    struct msg_forecast forecast = {.due_at = submit_due_at(job, now.store),
                                    .ahead = lane == LANES_NONE ? 0 : wait_count(core, lane),
                                    .course = course_of(&proposal->policy)};
    if (queue != QUEUES_NONE) {
        const struct queue_row *row = queues_peek(queues, queue);
        forecast.paused = (enum direction)row->paused;
        forecast.open_left = row->settings.open_max > 0 ? queues_room(queues, queue) : 0;
    }
    if (queue_quota(core, job) > 0)
        forecast.quota_left = queue_quota_left(core, job);
    if (forecast_waits(core, proposal))
        forecast.waiting_on = WAITING_DEPENDENCY;
    else if (forecast.due_at > now.store)
        forecast.waiting_on = WAITING_SCHEDULED;
    else
        forecast.waiting_on = queued(core, queue, lane, job->key_hash);
    forecast.starts_at = start_of(core, now, lane, &forecast);
    return forecast;
}
