// Sharing: no key has more jobs running than its limit, and lines are kept. Looked at from the
// jobs alone, never from the dispatcher's tables.

#include "tests/sim/sim.h"

static const struct job *job_at(const struct sim *sim, uint32_t slot)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    if (!jobs_is_taken(jobs, slot) || !jobs_at(jobs, slot)->is_bound)
        return NULL;
    return jobs_at(jobs, slot);
}

static const struct bond *bond_of(const struct sim *sim, uint32_t slot)
{
    return &sim->shell.core->ledger.bonds[slot];
}

static bool share_key(const struct sim *sim, uint32_t a, uint32_t b)
{
    const struct lanes *lanes = &sim->shell.core->ledger.lanes;
    return bond_of(sim, a)->key_hash == bond_of(sim, b)->key_hash &&
           lanes_queue(lanes, job_at(sim, a)->lane) == lanes_queue(lanes, job_at(sim, b)->lane);
}

static uint64_t place_of(const struct sim *sim, uint32_t slot)
{
    uint64_t rank = bond_of(sim, slot)->rank;
    return rank != 0 ? rank : 2 * job_at(sim, slot)->no;
}

// Dead jobs that live again before another is accepted share their place, and go by number.
static bool is_behind(const struct sim *sim, uint32_t other, uint32_t slot)
{
    uint64_t a = place_of(sim, other);
    uint64_t b = place_of(sim, slot);
    return a != b ? a > b : job_at(sim, other)->no > job_at(sim, slot)->no;
}

static enum job_state state_of(const struct sim *sim, uint32_t slot, const uint8_t *states)
{
    return states != NULL ? (enum job_state)states[slot] : (enum job_state)job_at(sim, slot)->state;
}

// Does it stand in its line, so that nobody behind it may start?
static bool blocks(const struct sim *sim, uint32_t slot, const uint8_t *states)
{
    const struct job *job = job_at(sim, slot);
    enum job_state state = state_of(sim, slot, states);
    bool was_granted = ledger_past(&sim->shell.core->ledger, job)->token != 0;
    if (bond_of(sim, slot)->order == ORDER_NONE)
        return false;
    if (state == JOB_QUEUED)
        return true;
    return bond_of(sim, slot)->order == ORDER_FIFO &&
           (state == JOB_RETRYING || (state == JOB_SCHEDULED && was_granted));
}

static uint32_t limit_of(const struct sim *sim, uint32_t slot)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t queue = lanes_queue(&ledger->lanes, job_at(sim, slot)->lane);
    uint32_t limit = queues_peek(&ledger->queues, queue)->settings.key_running_max;
    return limit > 0 ? limit : sim->limits.key_running_max;
}

struct running {
    uint32_t count;
    uint32_t in_line; // of these
};

static struct running running_of(const struct sim *sim, uint32_t slot, const uint8_t *states)
{
    struct running running = {0};
    for (uint32_t other = 0; other < sim->shell.core->ledger.jobs.used; other++) {
        if (job_at(sim, other) == NULL || state_of(sim, other, states) != JOB_RUNNING ||
            !share_key(sim, slot, other))
            continue;
        running.count++;
        running.in_line += bond_of(sim, other)->order != ORDER_NONE;
    }
    return running;
}

static void check_running(const struct sim *sim, uint32_t slot)
{
    struct running running = running_of(sim, slot, NULL);
    SIM_EXPECT(running.count <= limit_of(sim, slot),
               "never more running jobs of a key than its limit");
    SIM_EXPECT(running.in_line <= 1, "one job of a line runs at once");
}

static bool is_first(const struct sim *sim, uint32_t slot, const uint8_t *states)
{
    for (uint32_t other = 0; other < sim->shell.core->ledger.jobs.used; other++)
        if (other != slot && job_at(sim, other) != NULL && share_key(sim, slot, other) &&
            blocks(sim, other, states) && !is_behind(sim, other, slot))
            return false;
    return true;
}

bool watch_share_is_busy(const struct sim *sim, uint32_t slot, const uint8_t *states)
{
    struct running running = running_of(sim, slot, states);
    if (running.count >= limit_of(sim, slot))
        return true;
    return bond_of(sim, slot)->order != ORDER_NONE &&
           (running.in_line > 0 || !is_first(sim, slot, states));
}

static void note_busy(const struct sim *sim)
{
    for (uint32_t slot = 0; slot < sim->shell.core->ledger.jobs.used; slot++) {
        const struct job *job = job_at(sim, slot);
        if (job != NULL && job->state == JOB_QUEUED &&
            strands_is_busy(&sim->shell.core->strands, slot))
            watch_seen(SEEN_KEY_BUSY);
        if (job != NULL && job->state == JOB_RETRYING && blocks(sim, slot, NULL))
            watch_seen(SEEN_LINE_BLOCKED);
    }
}

void watch_share(struct sim *sim, const struct effects *fx, uint32_t first_entry)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        uint32_t slot = jobs_find(jobs, &fx->entries[i].job_id);
        if (fx->entries[i].kind != ENTRY_GRANT || slot == JOBS_NONE || job_at(sim, slot) == NULL)
            continue;
        check_running(sim, slot);
        if (bond_of(sim, slot)->order != ORDER_NONE)
            SIM_EXPECT(is_first(sim, slot, NULL),
                       "a job of a line starts only when it is the first");
    }
    note_busy(sim);
}
