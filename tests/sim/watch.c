// Situations reached, and what must hold at a start and at the end.

#include "tests/sim/fair.h"

uint64_t sim_situations[SEEN_COUNT];
uint64_t sim_edges[JOB_STATES][JOB_EVENTS];

void watch_seen(enum sim_situation situation)
{
    sim_situations[situation] += sim_now->is_counted;
}

void watch_end(const struct sim *sim)
{
    uint32_t counts[64][JOB_STATES] = {{0}};
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no != 0 && row->batch > 0)
            counts[row->batch - 1][row->state]++;
    }
    for (uint32_t no = 0; no < 64; no++)
        for (unsigned state = JOB_SCHEDULED; sim->store.has_batch[no] && state < JOB_REMOVED;
             state++)
            SIM_EXPECT(counts[no][state] == sim->store.batches[no].counts[state],
                       "a batch counts its members");
}

static void note_state(struct sim *sim, const struct job_row *row)
{
    struct seen_state *seen = watch_state_of(sim, &row->id);
    seen->state = row->state;
    seen->is_cancel_asked = row->cancel == CANCEL_REQUESTED;
    seen->is_url_gone = row->endpoint == JOB_URL_GONE;
}

void watch_start(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.job_count; i++) {
        const struct seen_job *seen = &sim->watch.jobs[i];
        SIM_EXPECT(seen->dedup_until <= sim->now.store ||
                       model_find(&sim->store, &seen->id) != NULL,
                   "what was acknowledged is there after a restart");
    }
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        sim->watch.grants[i].is_out = false;
        sim->watch.grants[i].has_passed = false;
        // Leases count in full from a start.
        sim->watch.grants[i].safe_until = sim->now.mono + SIM_LEASE_MS;
    }
    watch_act_start(sim);
    watch_tenant_start(sim);
    memset(sim->watch.slots, 0, sizeof sim->watch.slots);
    // Nothing of it is stored: a worker that has heard it says so in READY.
    memset(sim->watch.drained, 0, sizeof sim->watch.drained);
    // What was not durable never happened.
    sim->watch.state_count = 0;
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++)
        if (sim->store.rows[no].no != 0)
            note_state(sim, &sim->store.rows[no]);
    watch_queue_start(sim);
    watch_endpoint_start(sim);
    watch_batch_start(sim);
    watch_unique_start(sim);
    watch_schedule_start(sim);
    watch_operation_start(sim);
    watch_child_start(sim);
    telling_start(sim);
    watch_waiting_start(sim);
    watch_limits_start(sim);
    watch_fair_start(sim);
    core_audit(sim->shell.core);
}
