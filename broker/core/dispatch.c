// Station dispatch: waiting jobs go to workers with credit. Whose turn it is, share.h tells;
// workers take turns too.

#include "broker/core/core_private.h"

// The worker whose turn it is and whom the job fits, or WORKERS_NONE.
static uint32_t taker_of(struct core *core, uint32_t lane, uint32_t body_len)
{
    for (;;) {
        uint32_t worker = workers_next(&core->workers, lane);
        if (worker == WORKERS_NONE || workers_fits(&core->workers, worker, body_len))
            return worker;
        // It leaves the ring, so this ends.
        workers_stall(&core->workers, worker);
    }
}

// A lease lasts at least its time, however short its attempt.
static when_ms bound_of(const struct core *core, struct now now, const struct job *job)
{
    when_ms bound = lease_bound_ms(core, job);
    return when_after(now.mono, bound > core->limits.lease_ms ? bound : core->limits.lease_ms);
}

static void hold(struct core *core, struct now now, uint32_t slot, uint32_t worker_no)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    struct worker *worker = workers_at(&core->workers, worker_no);
    leases_add(&core->leases,
               &(struct lease){.job_id = job->id,
                               .token = ledger_past(&core->ledger, job)->token,
                               .ends_at = when_after(now.mono, core->limits.lease_ms),
                               .cap_at = bound_of(core, now, job),
                               .slot = slot,
                               .worker = worker_no,
                               .body_len = job->body_len,
                               .lease_ms = core->limits.lease_ms},
               &worker->leases);
    workers_out(&core->workers, worker_no, job->lane, job->body_len);
}

static void send(struct core *core, uint32_t slot, uint32_t worker_no, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    const struct past *past = ledger_past(&core->ledger, job);
    struct lane_row lane = lanes_row(&core->ledger.lanes, job->lane);
    struct grant_send *grant = effects_grant(fx, workers_at(&core->workers, worker_no)->peer);
    grant->job_no = job->no;
    grant->job =
        (struct msg_job){.job_id = job->id,
                         .token = past->token,
                         .type = lane.type,
                         .queue = lane.queue,
                         .attempt = 1u + past->errors + past->crashes,
                         .timeout_ms = policies_at(&core->ledger.policies, job->policy)->timeout_ms,
                         .generation = job->no,
                         .log_count = past->log_count};
    const struct msg_submit_job *body = effects_body(fx, job->no);
    if (body == NULL)
        return;
    grant->has_body = true;
    grant->job.payload = body->payload;
    grant->job.traceparent = body->traceparent;
    grant->job.after = body->after;
    grant->job.labels = body->labels;
}

static void grant(struct core *core, struct now now, uint32_t slot, uint32_t worker_no,
                  struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    uint32_t lane = job->lane;
    rate_pay(core, now, slot);
    paces_start(&core->paces, lane, now.mono, wait_count(core, lane) == 1);
    wait_leave(core, slot);
    share_serve(&core->share, lane);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_GRANT,
                                 .at = now.store,
                                 .job_id = job->id,
                                 .slot = slot,
                                 .grant = {.worker = workers_at(&core->workers, worker_no)->id,
                                           .lease_ms = core->limits.lease_ms}},
                 fx);
    hold(core, now, slot, worker_no);
    wait_run(core, slot);
    progress_grant(core, slot);
    send(core, slot, worker_no, fx);
    core->figures.granted++;
}

// A job that is late for its start ends instead, and a delivery that nobody needs any more; ticks, which
// end it too, are no faster than this.
static void start(struct core *core, struct now now, uint32_t slot, uint32_t worker,
                  struct effects *fx)
{
    if (!jobs_at(&core->ledger.jobs, slot)->is_changed)
        fx->load++;
    if (expire_at(core, slot) <= now.store) {
        uint32_t told[LEDGER_TOLD_MAX];
        fx->load += ledger_told(&core->ledger, slot, JOB_EXPIRED, told);
        expire_job(core, now, slot, fx);
    } else if (progress_is_void(core, slot)) {
        progress_drop(core, now, slot, fx);
    } else {
        grant(core, now, slot, worker, fx);
    }
}

static bool has_room(const struct core *core, const struct effects *fx)
{
    // One that ends instead of starting may bring deliveries.
    uint32_t most = 1 + ledger_places_most(&core->ledger);
    return most <= fx->changed_cap - fx->load && fx->grant_count < fx->grant_cap &&
           leases_has_room(&core->leases);
}

// Lanes that nobody took jobs of, and now somebody does.
static void unpark(struct core *core)
{
    uint32_t lane = workers_take_woken(&core->workers);
    for (; lane != WORKERS_NONE; lane = workers_take_woken(&core->workers))
        if (lanes_is_known(&core->ledger.lanes, lane))
            share_unpark(&core->share, lane);
}

void dispatch_run(struct core *core, struct now now, struct effects *fx)
{
    core->has_more = false;
    workers_match_lanes(&core->workers);
    unpark(core);
    rate_open(core, now);
    // Each round starts or ends a job, parks a lane or shuts a key or queue, so this ends.
    for (;;) {
        uint32_t lane = share_next(&core->share);
        if (lane == SHARE_NONE)
            return;
        uint32_t slot = wait_first(core, lane);
        uint32_t worker = taker_of(core, lane, jobs_at(&core->ledger.jobs, slot)->body_len);
        if (worker == WORKERS_NONE) {
            share_park(&core->share, lane);
        } else if (has_room(core, fx)) {
            if (rate_allows(core, now, slot))
                start(core, now, slot, worker, fx);
        } else {
            // Another batch has room, but as many leases: those end by a command.
            core->has_more = leases_has_room(&core->leases);
            return;
        }
    }
}
