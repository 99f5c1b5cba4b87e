// Schedules: one job for each moment, none before its time, none at or before the last, none
// beside an unfinished one that forbids it, and each that made none had a cause.

#include "broker/core/due.h"
#include "tests/sim/sim.h"

static uint32_t number_of(struct slice name)
{
    for (uint32_t i = 0; i < SIM_SCHEDULES; i++)
        if (slice_is_text(name, sim_schedule_names[i]))
            return i;
    sim_fail("an entry of a schedule nobody knows");
}

static void drop_held(struct seen_schedule *seen)
{
    seen->skipped += seen->held_at != 0;
    seen->held_at = 0;
}

static void note_change(struct sim *sim, const struct entry *entry)
{
    const struct msg_schedule_set *set = entry->schedule.set;
    struct seen_schedule *seen = &sim->watch.schedules[number_of(set->given.schedule_id)];
    SIM_EXPECT(!set->dry_run, "a dry run changes nothing");
    drop_held(seen);
    if (set->act == SCHEDULE_SET) {
        seen->given = &set->given;
        seen->is_paused = set->given.paused;
    } else if (set->act == SCHEDULE_DELETE) {
        watch_seen(SEEN_SCHEDULE_DELETED);
        *seen = (struct seen_schedule){0};
    } else {
        seen->is_paused = set->act == SCHEDULE_PAUSE;
        watch_seen(SEEN_SCHEDULE_PAUSED);
    }
    // What passed before is over.
    if (set->act != SCHEDULE_PAUSE && entry->at > seen->decided_at)
        seen->decided_at = entry->at;
}

// Is the job of the moment before unfinished?
static bool is_busy(struct sim *sim, const struct seen_schedule *seen)
{
    if (id_is_zero(&seen->last_job))
        return false;
    enum job_state state = watch_state_of(sim, &seen->last_job)->state;
    return state != JOB_NONE && state != JOB_REMOVED && !job_is_done(state);
}

static const struct entry *submitted_in(const struct effects *fx, const struct id *id)
{
    for (uint32_t i = 0; i < fx->entry_count; i++)
        if (fx->entries[i].kind == ENTRY_SUBMIT && id_equal(&fx->entries[i].job_id, id))
            return &fx->entries[i];
    return NULL;
}

// The step is over: the job of the moment before has gone, or is asked to.
static void check_replaced(struct sim *sim, struct seen_schedule *seen)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    uint32_t slot = jobs_find(jobs, &seen->last_job);
    SIM_EXPECT(slot != JOBS_NONE, "an unfinished job is in memory");
    const struct job *job = jobs_at(jobs, slot);
    SIM_EXPECT(job->state == JOB_CANCELLED || job->cancel == CANCEL_REQUESTED,
               "a job that is replaced is cancelled in the same step");
    watch_seen(job->state == JOB_CANCELLED ? SEEN_MOMENT_REPLACED : SEEN_MOMENT_REPLACED_RUNNING);
    seen->replaced = seen->last_job;
}

bool watch_schedule_replaced(struct sim *sim, const struct entry *entry)
{
    static const char kind[] = "schedule:";
    size_t len = sizeof kind - 1;
    if (entry->actor.len <= len || memcmp(entry->actor.data, kind, len) != 0)
        return false;
    uint8_t room[SCHEDULES_NAME_LEN_MAX];
    struct slice other = slice_of_text(SIM_TENANT);
    struct slice tenant = watch_tenant_owns(sim, other, &entry->job_id) ? other : (struct slice){0};
    struct slice id = slice_of(entry->actor.data + len, entry->actor.len - len);
    struct slice name = schedules_name(tenant, id, room);
    struct seen_schedule *seen = &sim->watch.schedules[number_of(name)];
    SIM_EXPECT(id_equal(&seen->replaced, &entry->job_id),
               "a schedule cancels a job only when another one replaces it");
    SIM_EXPECT(slice_is_text(entry->reason, "replaced by the next moment"),
               "a job that is replaced tells it");
    seen->replaced = (struct id){0};
    watch_state_of(sim, &entry->job_id)->is_cancel_asked = true;
    return true;
}

static void check_fired(struct sim *sim, struct seen_schedule *seen, const struct entry *entry,
                        const struct effects *fx, bool was_busy)
{
    when_ms moment = entry->moment.moment;
    struct id expected = schedule_job_id(entry->moment.schedule, moment);
    SIM_EXPECT(id_equal(&entry->job_id, &expected), "a moment's job has the moment's id");
    const struct entry *submitted = submitted_in(fx, &entry->job_id);
    SIM_EXPECT(submitted != NULL, "a moment's job is accepted in the same batch");
    SIM_EXPECT(submitted->submit.due_at >= moment &&
                   submitted->submit.due_at <= entry->at + (when_ms)seen->given->jitter_ms,
               "a moment's job is due at its moment and its jitter");
    bool replaces = seen->given->overlap == OVERLAP_REPLACE;
    SIM_EXPECT(seen->given->overlap == OVERLAP_ALLOW || replaces || !was_busy,
               "no job beside an unfinished one that forbids it");
    if (replaces && was_busy)
        check_replaced(sim, seen);
    seen->last_job = entry->job_id;
    seen->fired++;
    watch_seen(SEEN_MOMENT);
}

static void check_time(struct sim *sim, struct seen_schedule *seen, const struct entry *entry,
                       bool is_held)
{
    when_ms moment = entry->moment.moment;
    SIM_EXPECT(seen->given != NULL && !seen->is_paused, "a schedule that rests makes no jobs");
    SIM_EXPECT(moment <= sim->now.store, "no moment is decided before its time");
    if (is_held)
        return;
    SIM_EXPECT(moment > seen->decided_at, "no moment is decided at or before the last");
    struct cron cron = schedule_cron(seen->given);
    SIM_EXPECT(cron_next(&cron, schedule_zone(), moment - 1) == moment,
               "a moment is one of its expression");
    seen->decided_at = moment;
}

static void check_moment(struct sim *sim, const struct entry *entry, const struct effects *fx)
{
    struct seen_schedule *seen = &sim->watch.schedules[number_of(entry->moment.schedule)];
    bool is_held = seen->held_at != 0 && seen->held_at == entry->moment.moment;
    bool was_busy = is_busy(sim, seen);
    bool waits = seen->held_at != 0;
    check_time(sim, seen, entry, is_held);
    if (is_held)
        seen->held_at = 0;
    switch ((enum moment_verdict)entry->moment.verdict) {
    case MOMENT_FIRED: check_fired(sim, seen, entry, fx, was_busy); return;
    case MOMENT_HELD:
        SIM_EXPECT(seen->given->overlap == OVERLAP_QUEUE && was_busy && !waits,
                   "one moment waits, behind an unfinished job");
        seen->held_at = entry->moment.moment;
        watch_seen(SEEN_MOMENT_HELD);
        return;
    case MOMENT_SKIPPED:
        SIM_EXPECT(
            (seen->given->overlap == OVERLAP_SKIP || seen->given->overlap == OVERLAP_QUEUE) &&
                (was_busy || waits),
            "a moment is skipped for an unfinished job only");
        seen->skipped++;
        watch_seen(SEEN_MOMENT_SKIPPED);
        return;
    }
    sim_fail("a verdict nobody knows");
}

// The core's own row tells the same.
static void compare(const struct sim *sim, struct slice name)
{
    const struct seen_schedule *seen = &sim->watch.schedules[number_of(name)];
    struct schedule_row row;
    bool is_there = core_schedule(sim->shell.core, name, &row);
    SIM_EXPECT(is_there == (seen->given != NULL), "a schedule is there exactly after it was set");
    SIM_EXPECT(!is_there ||
                   (row.state.held_at == seen->held_at && row.state.fired_count == seen->fired &&
                    row.state.skipped_count == seen->skipped),
               "a schedule counts its moments");
}

void watch_schedule(struct sim *sim, const struct entry *entry, const struct effects *fx)
{
    if (entry->kind == ENTRY_SCHEDULE)
        note_change(sim, entry);
    else
        check_moment(sim, entry, fx);
    compare(sim, entry->kind == ENTRY_SCHEDULE ? entry->schedule.set->given.schedule_id
                                               : entry->moment.schedule);
}

void watch_schedule_start(struct sim *sim)
{
    for (uint32_t no = 0; no < SIM_SCHEDULES; no++) {
        const struct sim_schedule *stored = &sim->store.schedules[no];
        const struct msg_schedule_state *state = &stored->row.state;
        sim->watch.schedules[no] = (struct seen_schedule){
            .given = stored->given,
            .is_paused = stored->row.is_paused,
            .decided_at = state->last_at > state->since_at ? state->last_at : state->since_at,
            .held_at = state->held_at,
            .last_job = state->last_job_id,
            .fired = state->fired_count,
            .skipped = state->skipped_count};
    }
}
