// What holds a queue or a key up although its jobs could start: a pause, as many running as it may
// have, or a rate that is used up. Looked at when a job would start, so that nothing else has to.

#include "broker/core/core_private.h"

static uint32_t queue_of(const struct core *core, uint32_t slot)
{
    return lanes_queue(&core->ledger.lanes, jobs_at(&core->ledger.jobs, slot)->lane);
}

static const struct msg_queue_settings *settings_of(const struct core *core, uint32_t queue)
{
    return &queues_peek(&core->ledger.queues, queue)->settings;
}

// --- queues ---

bool rate_is_queue_full(const struct core *core, uint32_t queue)
{
    const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
    uint32_t limit = row->settings.running_max;
    return limit > 0 && row->counts[JOB_RUNNING] >= limit;
}

static bool is_closed(const struct core *core, uint32_t queue)
{
    bool is_paused = (queues_peek(&core->ledger.queues, queue)->paused & DIRECTION_OUT) != 0;
    return is_paused || rate_is_queue_full(core, queue) || gates_is_shut(&core->gates, queue);
}

void rate_close(struct core *core, uint32_t queue)
{
    share_close(&core->share, queue, is_closed(core, queue));
}

bool rate_has(const struct core *core, uint32_t queue)
{
    return share_is_closed(&core->share, queue) == is_closed(core, queue);
}

// Somebody will open a shut key, and look at one that is kept without jobs.
bool rate_has_key(const struct core *core, uint32_t key)
{
    const struct strand_key *at = strands_at(&core->strands, key);
    bool needs_moment = at->is_shut || (at->is_kept && at->jobs == 0);
    return !needs_moment || gates_is_shut(&core->gates, gates_key(&core->gates, key));
}

void rate_count(struct core *core, uint32_t slot)
{
    uint32_t queue = queue_of(core, slot);
    if (settings_of(core, queue)->running_max > 0)
        rate_close(core, queue);
}

void rate_obey(struct core *core, uint32_t queue)
{
    gates_open(&core->gates, queue);
    rate_close(core, queue);
    strands_obey(&core->strands, queue);
    wait_touched(core);
}

// --- buckets ---

static struct gates_toll queue_toll(const struct core *core, struct now now, uint32_t queue,
                                    uint32_t cost)
{
    return (struct gates_toll){
        .item = queue, .cost = cost, .rate = settings_of(core, queue)->rate, .now = now.mono};
}

static struct gates_toll key_toll(const struct core *core, struct now now, uint32_t key,
                                  uint32_t cost)
{
    uint32_t queue = strands_at(&core->strands, key)->queue;
    return (struct gates_toll){.item = gates_key(&core->gates, key),
                               .cost = cost,
                               .rate = settings_of(core, queue)->key_rate,
                               .now = now.mono};
}

static bool has_key_rate(const struct core *core, uint32_t slot)
{
    return jobs_at(&core->ledger.jobs, slot)->is_bound &&
           settings_of(core, queue_of(core, slot))->key_rate.count > 0;
}

static bool key_allows(struct core *core, struct now now, uint32_t slot)
{
    uint32_t key = strands_key(&core->strands, slot);
    struct gates_toll toll = key_toll(core, now, key, ledger_cost(&core->ledger, slot));
    when_ms opens_at = gates_wait(&core->gates, &toll);
    if (opens_at == 0)
        return true;
    gates_shut(&core->gates, toll.item, opens_at);
    strands_keep(&core->strands, key);
    strands_shut(&core->strands, key, true);
    wait_touched(core);
    return false;
}

static bool queue_allows(struct core *core, struct now now, uint32_t slot)
{
    uint32_t queue = queue_of(core, slot);
    struct gates_toll toll = queue_toll(core, now, queue, ledger_cost(&core->ledger, slot));
    when_ms opens_at = gates_wait(&core->gates, &toll);
    if (opens_at == 0)
        return true;
    gates_shut(&core->gates, queue, opens_at);
    rate_close(core, queue);
    return false;
}

bool rate_allows(struct core *core, struct now now, uint32_t slot)
{
    // A key that has to wait leaves the queue to others.
    if (has_key_rate(core, slot) && !key_allows(core, now, slot))
        return false;
    return settings_of(core, queue_of(core, slot))->rate.count == 0 ||
           queue_allows(core, now, slot);
}

void rate_pay(struct core *core, struct now now, uint32_t slot)
{
    uint32_t queue = queue_of(core, slot);
    if (settings_of(core, queue)->rate.count > 0) {
        struct gates_toll toll = queue_toll(core, now, queue, ledger_cost(&core->ledger, slot));
        gates_pay(&core->gates, &toll);
    }
    if (!has_key_rate(core, slot))
        return;
    uint32_t key = strands_key(&core->strands, slot);
    struct gates_toll toll = key_toll(core, now, key, ledger_cost(&core->ledger, slot));
    gates_pay(&core->gates, &toll);
    strands_keep(&core->strands, key); // or the next job with it would find a full bucket
}

// A key without jobs stays until its bucket is full: then a new one is no different.
void rate_idle(struct core *core, struct now now, uint32_t key)
{
    struct gates_toll toll = key_toll(core, now, key, 1);
    when_ms full_at = toll.rate.count > 0 ? gates_full(&core->gates, &toll) : 0;
    if (full_at > 0) {
        gates_shut(&core->gates, toll.item, full_at);
        return;
    }
    gates_forget(&core->gates, toll.item);
    bool is_gone = strands_forget(&core->strands, key);
    CHECK(is_gone);
}

static void open_key(struct core *core, struct now now, uint32_t key)
{
    if (strands_at(&core->strands, key)->jobs == 0) {
        rate_idle(core, now, key);
        return;
    }
    strands_shut(&core->strands, key, false);
    wait_touched(core);
}

void rate_open(struct core *core, struct now now)
{
    uint32_t item = gates_take(&core->gates, now.mono);
    for (; item != GATES_NONE; item = gates_take(&core->gates, now.mono)) {
        if (item < core->gates.queue_cap)
            rate_close(core, item);
        else
            open_key(core, now, item - core->gates.queue_cap);
    }
}

bool rate_holds(const struct core *core, uint32_t slot)
{
    if (gates_is_shut(&core->gates, queue_of(core, slot)))
        return true;
    return jobs_at(&core->ledger.jobs, slot)->is_bound &&
           strands_at(&core->strands, strands_key(&core->strands, slot))->is_shut;
}
