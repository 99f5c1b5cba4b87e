// Schedules: what clients ask of them, and the shell's part, which works out what is due from
// what is settled and proposes it, sometimes twice, sometimes wrongly.

#include "broker/core/due.h"
#include "tests/sim/sim.h"

const char *const sim_schedule_names[SIM_SCHEDULES] = {"s0", "s1", "s2", SIM_TENANT "/s0"};

// The simulated year begins in January 2027; this zone is half an hour ahead an hour later.
const struct zone *schedule_zone(void)
{
    static struct zone zone;
    static bool is_made;
    if (!is_made) {
        err e = zone_of_rule(slice_of_text("AAA0BBB-0:30,J15/9,J16/9"), &zone);
        SIM_EXPECT(e == OK, "a rule is read");
        is_made = true;
    }
    return &zone;
}

struct cron schedule_cron(const struct msg_schedule *given)
{
    struct cron cron;
    struct cron_problem problem;
    err e = cron_parse(given->cron, &cron, &problem);
    SIM_EXPECT(e == OK, "a stored expression can be read");
    return cron;
}

struct id schedule_job_id(struct slice name, when_ms moment)
{
    uint8_t hash[16];
    uint64_t a = prng_mix((uint64_t)moment ^ name.data[1]);
    memcpy(hash, &a, 8);
    a = prng_mix(a);
    memcpy(hash + 8, &a, 8);
    return id_v8(9, hash);
}

// --- clients ---

static struct msg_schedule_set new_set(struct sim *sim, struct msg_submit_job *job)
{
    static const char *const crons[] = {"* * * * *", "*/2 * * * *", "1-59/3 * * * *"};
    static const char *const types[] = {"a", "b", "c"};
    *job = (struct msg_submit_job){.queue = slice_of_text("default"),
                                   .type = slice_of_text(types[world_below(sim, 3)]),
                                   .priority = MSG_PRIORITY_NOT_GIVEN,
                                   .max_attempts = 1,
                                   .retry_first_ms = 200};
    struct msg_schedule given = {
        .cron = slice_of_text(crons[world_below(sim, 3)]),
        .overlap = OVERLAP_SKIP + (enum overlap)world_below(sim, 4),
        .catch_up = CATCH_UP_NONE + (enum catch_up)world_below(sim, 3),
        .jitter_ms = world_chance(sim, 30) ? world_below(sim, 3000) : 0,
        .jobs = job,
        .job_count = 1,
    };
    // Few different ones, so that the same is said again.
    given.fingerprint = 1 + (uint64_t)given.overlap * 100 + (uint64_t)given.catch_up * 10 +
                        given.cron.len + given.jitter_ms * 1000;
    return (struct msg_schedule_set){.act = SCHEDULE_SET, .given = given};
}

void schedule_turn(struct sim *sim, uint32_t client)
{
    static const enum schedule_act acts[] = {SCHEDULE_PAUSE, SCHEDULE_RESUME, SCHEDULE_RESUME,
                                             SCHEDULE_DELETE};
    if (!sim->has_schedules || !plan_optional(sim, 2))
        return;
    struct msg_submit_job job;
    struct msg_schedule_set set = new_set(sim, &job);
    if (world_chance(sim, 50)) {
        set = (struct msg_schedule_set){.act = acts[world_below(sim, 4)]};
    } else {
        set.dry_run = world_chance(sim, 10);
        set.given.paused = world_chance(sim, 10);
    }
    // The last one is of the other tenant, as intake would write it.
    uint64_t no =
        client == SIM_CLIENTS - 1 ? SIM_SCHEDULES - 1 : world_below(sim, SIM_SCHEDULES - 1);
    set.given.schedule_id = slice_of_text(sim_schedule_names[no]);
    world_send(
        sim, sim->clients[client].peer, true,
        &(struct msg){.kind = MSG_SCHEDULE_SET, .corr = ++sim->corr_next, .schedule_set = set});
}

// --- the shell ---

static void *keep(struct sim *sim, const void *value, size_t size)
{
    void *kept = arena_take(&sim->arena, size);
    SIM_EXPECT(kept != NULL, "the simulator's arena is too small");
    memcpy(kept, value, size);
    return kept;
}

static const struct msg_submit_job *job_at(struct sim *sim, const struct msg_schedule *given,
                                           when_ms moment)
{
    struct msg_submit_job job = given->jobs[0];
    job.job_id = schedule_job_id(given->schedule_id, moment);
    job.fingerprint = given->fingerprint;
    if (given->jitter_ms > 0)
        job.run_at = moment + (when_ms)due_jitter_ms(given->schedule_id, moment, given->jitter_ms);
    return keep(sim, &job, sizeof job);
}

// False when the batch has no room, or the core found some table full.
static bool propose(struct sim *sim, struct sim_batch *batch, const struct sim_schedule *schedule,
                    when_ms at, bool is_held)
{
    struct schedule_moment moment = {.schedule = schedule->given->schedule_id,
                                     .generation = schedule->row.state.generation,
                                     .fingerprint = schedule->row.fingerprint,
                                     .at = at,
                                     .is_held = is_held,
                                     .job = job_at(sim, schedule->given, at)};
    struct command command = {.kind = COMMAND_MOMENT, .moment = keep(sim, &moment, sizeof moment)};
    if (!shell_fits(&sim->shell, batch, &command))
        return false;
    shell_decide(sim, batch, &command);
    if (plan_optional(sim, 10) && shell_fits(&sim->shell, batch, &command)) {
        watch_seen(SEEN_MOMENT_TWICE);
        shell_decide(sim, batch, &command);
    }
    struct schedule_row row;
    bool is_known = core_schedule(sim->shell.core, moment.schedule, &row);
    bool is_newer = !is_known || row.is_paused || row.fingerprint != moment.fingerprint ||
                    row.state.generation != moment.generation;
    if (!is_held && !is_newer && row.state.last_at < at) {
        watch_seen(SEEN_MOMENT_FULL);
        return false;
    }
    return true;
}

// What should be due, worked out the long way.
static void check_due(const struct due_question *question, const struct due *due)
{
    uint32_t all = 0;
    when_ms latest = 0;
    when_ms at = cron_next(question->cron, question->zone, question->after);
    for (; at <= question->now; at = cron_next(question->cron, question->zone, at)) {
        latest = at;
        all++;
    }
    uint32_t wanted = all < 1 ? all : 1;
    if (question->catch_up == CATCH_UP_ALL)
        wanted = all < MSG_CATCH_UP_MAX ? all : MSG_CATCH_UP_MAX;
    if (question->catch_up == CATCH_UP_NONE && question->now - latest > DUE_LATE_MS)
        wanted = 0;
    SIM_EXPECT(due->count == wanted, "as many moments are made up for as the schedule says");
    SIM_EXPECT(wanted == 0 || due->moments[wanted - 1] == latest, "the latest moment is due");
    SIM_EXPECT(due->next_at == at, "the next moment is known");
    if (wanted > 1)
        watch_seen(SEEN_MOMENT_CAUGHT_UP);
    if (wanted < all)
        watch_seen(SEEN_MOMENT_DROPPED);
}

static when_ms decided_at(const struct sim *sim, uint32_t no)
{
    const struct msg_schedule_state *state = &sim->store.schedules[no].row.state;
    when_ms at = state->last_at > state->since_at ? state->last_at : state->since_at;
    return at > sim->shell.proposed_at[no] ? at : sim->shell.proposed_at[no];
}

// The same until the next moment, unless lateness counts.
static bool is_still_due(const struct sim *sim, const struct sim_due *known,
                         const struct msg_schedule *given, when_ms after)
{
    return known->given == given && known->after == after && sim->now.store < known->due.next_at &&
           (known->due.count == 0 || given->catch_up != CATCH_UP_NONE);
}

static const struct due *find_due(struct sim *sim, uint32_t no)
{
    const struct msg_schedule *given = sim->store.schedules[no].given;
    struct sim_due *known = &sim->shell.due[no];
    when_ms after = decided_at(sim, no);
    if (is_still_due(sim, known, given, after))
        return &known->due;
    struct cron cron = schedule_cron(given);
    const struct due_question question = {.cron = &cron,
                                          .zone = schedule_zone(),
                                          .catch_up = given->catch_up,
                                          .after = after,
                                          .now = sim->now.store};
    known->given = given;
    known->after = after;
    due_find(&question, &known->due);
    check_due(&question, &known->due);
    return &known->due;
}

static void propose_due(struct sim *sim, struct sim_batch *batch, uint32_t no)
{
    const struct due *due = find_due(sim, no);
    for (uint32_t i = 0; i < due->count; i++) {
        if (!propose(sim, batch, &sim->store.schedules[no], due->moments[i], false))
            return;
        sim->shell.proposed_at[no] = due->moments[i];
    }
}

// What a shell must never say, and the core must see through.
static void propose_wrongly(struct sim *sim, struct sim_batch *batch, uint32_t no)
{
    struct sim_schedule schedule = sim->store.schedules[no];
    when_ms at = schedule.row.state.last_at;
    if (world_chance(sim, 30))
        at = sim->now.store / 60000 * 60000 + 60000; // too early
    if (world_chance(sim, 30))
        schedule.row.state.generation--;
    if (at > 0)
        (void)propose(sim, batch, keep(sim, &schedule, sizeof schedule), at, world_chance(sim, 20));
}

void schedule_propose(struct sim *sim, struct sim_batch *batch)
{
    for (uint32_t no = 0; no < SIM_SCHEDULES; no++) {
        const struct sim_schedule *schedule = &sim->store.schedules[no];
        if (schedule->given == NULL)
            continue;
        if (plan_optional(sim, 1))
            propose_wrongly(sim, batch, no);
        if (schedule->row.state.held_at != 0)
            (void)propose(sim, batch, schedule, schedule->row.state.held_at, true);
        // After the faults time stands still for schedules, so that there is an end.
        if (!schedule->row.is_paused && !sim->is_healed)
            propose_due(sim, batch, no);
    }
}

bool schedule_is_held(const struct sim *sim)
{
    // Lanes are never given back: such a moment may wait for ever.
    if (sim->watch.was_full_lanes ||
        lanes_count(&sim->shell.core->ledger.lanes) == sim->limits.lane_count_max)
        return false;
    for (uint32_t no = 0; no < SIM_SCHEDULES; no++)
        if (sim->store.schedules[no].row.state.held_at != 0)
            return true;
    return false;
}
