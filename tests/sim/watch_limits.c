// Limits of queues and rates, from what was started alone: never more at once, and within any time
// never more than the bucket holds and gets. What is set, the ledger says.

#include "tests/sim/sim.h"

static const struct msg_queue_settings *settings_of(const struct sim *sim, uint32_t queue)
{
    return &queues_peek(&sim->shell.core->ledger.queues, queue)->settings;
}

static uint32_t queue_of(const struct sim *sim, uint32_t slot)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    return lanes_queue(&ledger->lanes, jobs_at(&ledger->jobs, slot)->lane);
}

static uint32_t running_in(const struct sim *sim, uint32_t queue)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < jobs->used; slot++)
        count += jobs_is_taken(jobs, slot) && jobs_at(jobs, slot)->state == JOB_RUNNING &&
                 queue_of(sim, slot) == queue;
    return count;
}

bool watch_limits_is_full(const struct sim *sim, uint32_t slot)
{
    uint32_t queue = queue_of(sim, slot);
    uint32_t limit = settings_of(sim, queue)->running_max;
    return limit > 0 && running_in(sim, queue) >= limit;
}

bool watch_limits_has_rate(const struct sim *sim, uint32_t slot)
{
    const struct msg_queue_settings *settings = settings_of(sim, queue_of(sim, slot));
    bool is_bound = jobs_at(&sim->shell.core->ledger.jobs, slot)->is_bound;
    return settings->rate.count > 0 || (is_bound && settings->key_rate.count > 0);
}

// As the client wanted it.
static uint32_t cost_of(const struct sim *sim, const struct id *id)
{
    for (uint32_t i = sim->intent_count; i-- > 0;)
        if (id_equal(&sim->intents[i].job.job_id, id) && !sim->intents[i].is_impostor)
            return sim->intents[i].job.cost > 0 ? sim->intents[i].job.cost : 1;
    return 1; // a schedule's
}

static uint64_t key_of(const struct sim *sim, uint32_t slot)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    return jobs_at(&ledger->jobs, slot)->is_bound ? ledger->bonds[slot].key_hash : 0;
}

// Of the queue, or of one key, since the rate was set; the newest one first.
static void check_rate(const struct sim *sim, const struct seen_start *newest, struct msg_rate rate,
                       bool is_of_key)
{
    const struct watch *watch = &sim->watch;
    const struct seen_limits *limits = &watch->limits[newest->queue];
    when_ms since = is_of_key ? limits->key_since : limits->since;
    uint64_t sum = 0;
    for (uint32_t i = watch->start_count; i-- > 0 && watch->starts[i].at >= since;) {
        const struct seen_start *start = &watch->starts[i];
        if (start->queue != newest->queue || (is_of_key && start->key_hash != newest->key_hash))
            continue;
        sum += start->cost < rate.count ? start->cost : rate.count;
        SIM_EXPECT(sum * rate.per_ms <=
                       rate.count * ((uint64_t)(newest->at - start->at) + rate.per_ms),
                   "a rate is never passed");
    }
    // Buckets are empty at the start.
    uint64_t life = (uint64_t)(newest->at - watch->started_at);
    SIM_EXPECT(since > watch->started_at || sum * rate.per_ms <= rate.count * life,
               "a start of the broker gives nothing away");
}

static void note_start(struct sim *sim, uint32_t slot, const struct id *id)
{
    struct watch *watch = &sim->watch;
    SIM_EXPECT(watch->start_count < SIM_JOBS * 4, "room for starts");
    struct seen_start *start = &watch->starts[watch->start_count++];
    *start = (struct seen_start){.at = sim->now.mono,
                                 .queue = queue_of(sim, slot),
                                 .key_hash = key_of(sim, slot),
                                 .cost = cost_of(sim, id)};
    const struct msg_queue_settings *settings = settings_of(sim, start->queue);
    uint32_t limit = settings->running_max;
    SIM_EXPECT(limit == 0 || running_in(sim, start->queue) <= limit,
               "never more running jobs of a queue than its limit");
    if (settings->rate.count > 0)
        check_rate(sim, start, settings->rate, false);
    if (settings->key_rate.count > 0 && start->key_hash != 0)
        check_rate(sim, start, settings->key_rate, true);
}

static bool is_same(struct msg_rate a, struct msg_rate b)
{
    return a.count == b.count && a.per_ms == b.per_ms;
}

static void note_settings(struct sim *sim)
{
    const struct queues *queues = &sim->shell.core->ledger.queues;
    SIM_EXPECT(queues_count(queues) <= SIM_QUEUES, "room for queues");
    for (uint32_t queue = 0; queue < queues_count(queues); queue++) {
        if (!queues_is_known(queues, queue))
            continue;
        const struct msg_queue_settings *settings = settings_of(sim, queue);
        struct seen_limits *seen = &sim->watch.limits[queue];
        if (!is_same(seen->rate, settings->rate))
            *seen = (struct seen_limits){.rate = settings->rate,
                                         .since = sim->now.mono + 1,
                                         .key_rate = seen->key_rate,
                                         .key_since = seen->key_since};
        if (!is_same(seen->key_rate, settings->key_rate)) {
            seen->key_rate = settings->key_rate;
            seen->key_since = sim->now.mono + 1;
        }
    }
}

void watch_limits(struct sim *sim, const struct effects *fx, uint32_t first_entry)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    note_settings(sim);
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        if (entry->kind == ENTRY_GRANT)
            note_start(sim, jobs_find(jobs, &entry->job_id), &entry->job_id);
    }
}

void watch_limits_start(struct sim *sim)
{
    struct watch *watch = &sim->watch;
    watch->start_count = 0;
    watch->started_at = sim->now.mono;
    memset(watch->limits, 0, sizeof watch->limits);
    const struct queues *queues = &sim->shell.core->ledger.queues;
    for (uint32_t queue = 0; queue < queues_count(queues); queue++)
        if (queues_is_known(queues, queue))
            watch->limits[queue] =
                (struct seen_limits){.rate = settings_of(sim, queue)->rate,
                                     .key_rate = settings_of(sim, queue)->key_rate};
}
