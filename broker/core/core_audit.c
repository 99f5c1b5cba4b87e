// The auditor of memory: every index must agree with the jobs. O(jobs).

#include "broker/core/core_private.h"

struct census {
    uint64_t by_state[JOB_STATES];
    uint64_t waiting_delayed;
    uint64_t with_past;
};

static void audit_job(const struct core *core, uint32_t slot, struct census *census)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    const struct past *past = ledger_past(&core->ledger, job);
    census->by_state[job->state]++;
    census->with_past += job->past != PASTS_NONE;
    CHECK(jobs_find(&core->ledger.jobs, &job->id) == slot);
    CHECK(job->no < core->ledger.row.job_no_next);
    CHECK(policies_is_known(&core->ledger.policies, job->policy));
    CHECK(job->lane < core->ledger.lanes.count);
    if (job->state == JOB_SCHEDULED || job->state == JOB_RETRYING)
        census->waiting_delayed++;
    CHECK_IMPLIES(job->state == JOB_RUNNING, job->token_use == TOKEN_OPEN);
    CHECK_IMPLIES(!job_is_done(job->state) && job->token_use == TOKEN_OPEN,
                  job->state == JOB_RUNNING);
    if (job->state == JOB_RUNNING) {
        // No job is ownerless: its lease is live and leads back to it.
        uint32_t lease = leases_find(&core->leases, past->token);
        CHECK(lease != LEASES_NONE && leases_at(&core->leases, lease)->is_live);
        CHECK(leases_at(&core->leases, lease)->slot == slot);
        CHECK(!id_is_zero(&past->worker));
    }
}

static void audit_worker(const struct core *core, uint32_t no, uint64_t *live_count)
{
    const struct worker *worker = workers_at(&core->workers, no);
    uint32_t count = 0;
    uint64_t bytes = 0;
    uint32_t at = worker->leases;
    for (; at != LEASES_NONE; at = leases_at(&core->leases, at)->next) {
        const struct lease *lease = leases_at(&core->leases, at);
        CHECK(lease->worker == no);
        count++;
        bytes += lease->body_len;
        *live_count += lease->is_live;
    }
    CHECK(count == worker->out_count && bytes == worker->out_bytes);
    CHECK_IMPLIES(worker->in_rings, count < worker->slots && worker->peer != WORKERS_NONE);
}

// The ended jobs in memory are those that wait for their batch, no others.
static uint64_t ended_count(const struct census *census)
{
    return census->by_state[JOB_SUCCEEDED] + census->by_state[JOB_DEAD] +
           census->by_state[JOB_CANCELLED] + census->by_state[JOB_EXPIRED];
}

static void audit_law(const struct core *core)
{
    uint64_t sum = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        sum += core->ledger.row.counts[state];
    CHECK(sum == core->ledger.row.accepted);
}

void core_audit(const struct core *core)
{
    struct census census = {0};
    for (uint32_t slot = 0; slot < core->ledger.jobs.used; slot++)
        if (jobs_is_taken(&core->ledger.jobs, slot))
            audit_job(core, slot, &census);
    const uint64_t *counts = core->ledger.row.counts;
    CHECK(census.by_state[JOB_SCHEDULED] == counts[JOB_SCHEDULED]);
    CHECK(census.by_state[JOB_QUEUED] == counts[JOB_QUEUED]);
    CHECK(census.by_state[JOB_RUNNING] == counts[JOB_RUNNING]);
    CHECK(census.by_state[JOB_RETRYING] == counts[JOB_RETRYING]);
    CHECK(ended_count(&census) == core->ledger.leaver_end - core->ledger.leaver_first);
    CHECK(census.waiting_delayed == core->delayed.heap.count);
    CHECK(census.with_past == core->ledger.pasts.count);
    uint64_t ready = 0;
    for (uint32_t lane = 0; lane < core->ledger.lanes.count; lane++)
        ready += ready_count(&core->ready, lane);
    CHECK(ready == counts[JOB_QUEUED]);
    uint64_t live = 0;
    for (uint32_t no = 0; no < core->workers.used; no++)
        if (core->workers.items[no].is_used)
            audit_worker(core, no, &live);
    CHECK(live == core->leases.ends.count && live == counts[JOB_RUNNING]);
    audit_law(core);
}
