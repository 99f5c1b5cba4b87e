// Workers: they run jobs, renew, fall silent, leave, crash with and without a journal, and say
// things twice.

#include "tests/sim/sim.h"

static void new_session(struct sim *sim, struct sim_worker *worker)
{
    worker->session = prng_next(&sim->prng) | 1;
    worker->peer = world_new_peer(sim);
    worker->is_known = false;
    worker->is_ready = false;
    memset(worker->tried, 0, sizeof worker->tried);
    worker->leave_at = 0;
    worker->hello_at = 0;
}

void worker_init(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *worker = &sim->workers[i];
        *worker = (struct sim_worker){.slots = 1 + (uint32_t)world_below(sim, 4)};
        worker->id.bytes[0] = (uint8_t)(i + 1);
        if (i == SIM_NOTIFIER - 1)
            worker->tenant = slice_of_text(SIM_TENANT);
        new_session(sim, worker);
    }
}

static struct msg_held_list held_list(struct sim_worker *worker, struct msg_held *room)
{
    for (uint32_t i = 0; i < worker->held_count; i++)
        room[i] =
            (struct msg_held){.job_id = worker->held[i].job_id, .token = worker->held[i].token};
    return (struct msg_held_list){.items = room, .count = worker->held_count};
}

static bool is_notifier(const struct sim *sim, const struct sim_worker *worker)
{
    return worker == &sim->workers[SIM_NOTIFIER];
}

static void say_hello(struct sim *sim, struct sim_worker *worker)
{
    if (sim->now.mono < worker->hello_at || !plan_usual(sim))
        return;
    worker->hello_at = sim->now.mono + 400;
    struct msg_held room[SIM_HELD];
    world_send(
        sim, worker->peer, true,
        &(struct msg){.kind = MSG_HELLO,
                      .corr = ++sim->corr_next,
                      .hello = {.role = is_notifier(sim, worker) ? ROLE_NOTIFIER : ROLE_WORKER,
                                .name = slice_of_text("sim"),
                                .worker_id = worker->id,
                                .session = worker->session,
                                .running = held_list(worker, room)}});
}

static void say_ready(struct sim *sim, struct sim_worker *worker)
{
    static const struct slice types[] = {{.data = (const uint8_t *)"a", .len = 1},
                                         {.data = (const uint8_t *)"b", .len = 1},
                                         {.data = (const uint8_t *)"c", .len = 1}};
    static const struct slice hooks[] = {{.data = (const uint8_t *)HOOK_TYPE, .len = 7},
                                         {.data = (const uint8_t *)HOOK_QUEUE, .len = 13}};
    bool is_hook = is_notifier(sim, worker);
    worker->ready_at = sim->now.mono + 300;
    worker->ready_corr = ++sim->corr_next;
    world_send(sim, worker->peer, true,
               &(struct msg){.kind = MSG_READY,
                             .corr = worker->ready_corr,
                             .ready = {.types = is_hook ? hooks : types,
                                       .type_count = is_hook                      ? 1
                                                     : worker == &sim->workers[1] ? 2
                                                                                  : 3,
                                       .queues = hooks + 1,
                                       .queue_count = is_hook,
                                       .slots = worker->slots,
                                       .simulates = types,
                                       .simulate_count = 2,
                                       .simulation_slots =
                                           plan_optional(sim, 80)
                                               ? 1 + (uint32_t)world_below(sim, SIM_SIMULATIONS)
                                               : 0,
                                       .slot_bytes = plan_optional(sim, 30) ? 60 : 0,
                                       .quiet = worker->leave_at != 0}});
}

// What a handler asks for only grows.
static uint32_t more_time(struct sim *sim, struct held *held)
{
    if (plan_optional(sim, 30))
        held->extend_ms += (uint32_t)world_below(sim, 800);
    return held->extend_ms;
}

enum { SIM_LINES = 64 };

// The lines that are not known to be stored. Each names its attempt and its place in it.
static struct msg_log_line *put_lines(const struct held *held, struct msg_log_line *to)
{
    static char texts[SIM_LINES][48];
    for (uint32_t line = held->log_told + 1; line <= held->log_said; line++, to++) {
        char *text = texts[line % SIM_LINES];
        (void)snprintf(text, sizeof texts[0], "%llu %u", (unsigned long long)held->token, line);
        *to = (struct msg_log_line){.job_id = held->job_id,
                                    .token = held->token,
                                    .seq = held->log_from + line,
                                    .text = slice_of_text(text)};
    }
    return to;
}

// One handler, the first with something new to say, writes lines.
static uint32_t write_log(struct sim *sim, struct sim_worker *worker, struct msg_log_line *room)
{
    for (uint32_t i = 0; i < worker->held_count; i++)
        worker->held[i].log_sent = worker->held[i].log_told;
    for (uint32_t i = 0; i < worker->held_count; i++) {
        struct held *held = &worker->held[i];
        if (held->log_said < SIM_LINES / 2 && plan_optional(sim, 20))
            held->log_said += 1 + (uint32_t)world_below(sim, 3);
        if (held->log_said == held->log_told)
            continue;
        held->log_sent = held->log_said;
        return (uint32_t)(put_lines(held, room) - room);
    }
    return 0;
}

static void log_told(struct sim_worker *worker, uint64_t corr)
{
    for (uint32_t i = 0; i < worker->held_count && corr == worker->renew_corr; i++)
        if (worker->held[i].log_sent > worker->held[i].log_told)
            worker->held[i].log_told = worker->held[i].log_sent;
}

static void say_renew(struct sim *sim, struct sim_worker *worker)
{
    worker->renew_at = sim->now.mono + SIM_RENEW_MS;
    struct msg_held room[SIM_HELD];
    struct msg_held_list running = held_list(worker, room);
    struct msg_progress progress = {0};
    uint32_t progress_count = running.count > 0 && plan_optional(sim, sim->has_hooks ? 70 : 30);
    uint32_t talker = (uint32_t)world_below(sim, running.count > 0 ? running.count : 1);
    if (progress_count > 0)
        progress = (struct msg_progress){.job_id = room[talker].job_id,
                                         .token = room[talker].token,
                                         .done = 1,
                                         .total = 2,
                                         .extend_ms = more_time(sim, &worker->held[talker])};
    struct msg_log_line lines[SIM_LINES];
    uint32_t line_count = write_log(sim, worker, lines);
    worker->renew_corr = ++sim->corr_next;
    world_send(sim, worker->peer, true,
               &(struct msg){.kind = MSG_RENEW,
                             .corr = worker->renew_corr,
                             .renew = {.running = running,
                                       .progress = &progress,
                                       .progress_count = progress_count,
                                       .log = lines,
                                       .log_count = line_count}});
}

// Once more or otherwise, itself or through a gateway, which has no lease: the first word counts.
static void say_beside(struct sim *sim, struct sim_worker *worker, const struct held *held)
{
    struct msg_finish_job said = held->finish;
    bool is_handed_on = world_chance(sim, 50);
    if (world_chance(sim, 70))
        said.outcome = said.outcome == OUTCOME_SUCCEEDED ? OUTCOME_FAILED : OUTCOME_SUCCEEDED;
    world_send(sim, is_handed_on ? sim->clients[SIM_GATEWAY].peer : worker->peer, true,
               &(struct msg){.kind = MSG_FINISH,
                             .corr = ++sim->corr_next,
                             .tenant = is_handed_on ? worker->tenant : (struct slice){0},
                             .finish = {.jobs = &said, .count = 1}});
}

static void say_finish(struct sim *sim, struct sim_worker *worker, struct held *held)
{
    held->repeat_at = sim->now.mono + 600;
    struct msg_log_line lines[SIM_LINES];
    if (held->log_said == 0 && plan_optional(sim, 20))
        held->log_said = 1;
    uint32_t line_count = (uint32_t)(put_lines(held, lines) - lines);
    struct msg msg = {
        .kind = MSG_FINISH,
        .corr = ++sim->corr_next,
        .finish = {.jobs = &held->finish, .count = 1, .log = lines, .log_count = line_count}};
    world_send(sim, worker->peer, true, &msg);
    if (plan_optional(sim, 10))
        world_send(sim, worker->peer, true, &msg);
    if (plan_optional(sim, 3))
        say_beside(sim, worker, held);
}

// kill -9: a new session. What was done and journaled is remembered, what ran is lost.
static void die(struct sim *sim, struct sim_worker *worker)
{
    bool has_journal = world_chance(sim, 70);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < worker->held_count; i++)
        if (has_journal && worker->held[i].is_done) {
            worker->held[kept] = worker->held[i];
            worker->held[kept].finish.resent = true;
            worker->held[kept].log_said = worker->held[kept].log_told; // not journaled
            worker->held[kept++].repeat_at = 0;
        }
    worker->held_count = kept;
    transcript_note(sim, "worker %u dies and remembers %u outcomes", worker->id.bytes[0], kept);
    new_session(sim, worker);
}

// Only the connection is new.
static void reconnect(struct sim *sim, struct sim_worker *worker)
{
    worker->peer = world_new_peer(sim);
    worker->is_known = false;
    worker->is_ready = false;
    worker->leave_at = 0;
}

// In the midst of anything: what is on its way to it reaches nobody. Old ones name nothing and mean
// nothing by it, and some name less than they hold.
static void leave(struct sim *sim, struct sim_worker *worker)
{
    struct msg_held room[SIM_HELD];
    struct msg_bye bye = {.running = held_list(worker, room), .is_all = !plan_optional(sim, 20)};
    if (!bye.is_all)
        bye.running.count = 0;
    else if (bye.running.count > 0 && plan_optional(sim, 10))
        bye.running.count--;
    world_send(sim, worker->peer, true, &(struct msg){.kind = MSG_BYE, .bye = bye});
    if (world_chance(sim, 70))
        die(sim, worker);
    else
        reconnect(sim, worker);
}

static void misbehave(struct sim *sim, struct sim_worker *worker)
{
    if (world_chance(sim, 1) && plan_optional(sim, 50))
        die(sim, worker);
    if (world_chance(sim, 1) && plan_optional(sim, 50))
        leave(sim, worker);
    if (world_chance(sim, 1) && plan_optional(sim, 60))
        worker->paused_until = sim->now.mono + (when_ms)world_below(sim, 4 * SIM_LEASE_MS);
    if (world_chance(sim, 1) && plan_optional(sim, 20))
        reconnect(sim, worker);
}

// Now and then late, twice, or by somebody who was not asked.
static void say_simulated(struct sim *sim, struct sim_worker *worker, struct sim_tried *tried)
{
    const struct msg msg = {
        .kind = MSG_SIMULATED, .corr = tried->no, .simulated = {.ok = world_chance(sim, 50)}};
    world_send(sim, worker->peer, true, &msg);
    if (plan_optional(sim, 10))
        world_send(sim, sim->workers[world_below(sim, SIM_WORKERS)].peer, true, &msg);
    tried->no = 0;
}

void worker_turn(struct sim *sim, uint32_t no)
{
    struct sim_worker *worker = &sim->workers[no];
    if (sim->now.mono < worker->paused_until && !sim->is_healed)
        return;
    if (is_notifier(sim, worker) && !sim->has_hooks)
        return;
    misbehave(sim, worker);
    // It goes when its jobs are done or its grace is over, and comes back as a new one.
    if (worker->leave_at != 0 && sim->now.mono >= worker->leave_at)
        leave(sim, worker);
    if (!worker->is_known) {
        say_hello(sim, worker);
        return;
    }
    if (!worker->is_ready && sim->now.mono >= worker->ready_at)
        say_ready(sim, worker);
    if (sim->now.mono >= worker->renew_at && plan_usual(sim))
        say_renew(sim, worker);
    for (uint32_t i = 0; i < SIM_SIMULATIONS; i++)
        if (worker->tried[i].no != 0 && sim->now.mono >= worker->tried[i].answer_at)
            say_simulated(sim, worker, &worker->tried[i]);
    for (uint32_t i = 0; i < worker->held_count; i++) {
        struct held *held = &worker->held[i];
        held->is_done = held->is_done || sim->now.mono >= held->done_at;
        if (held->is_done && sim->now.mono >= held->repeat_at)
            say_finish(sim, worker, held);
    }
}

static void try(struct sim *sim, struct sim_worker *worker, uint64_t no)
{
    for (uint32_t i = 0; i < SIM_SIMULATIONS; i++) {
        struct sim_tried *tried = &worker->tried[i];
        if (tried->no != 0)
            continue;
        *tried = (struct sim_tried){.no = no, .answer_at = sim->now.mono};
        // Some take too long, some for ever.
        if (plan_optional(sim, 60))
            tried->answer_at += (when_ms)world_below(sim, 2 * SIM_SIMULATE_MS);
        if (plan_optional(sim, 20))
            tried->answer_at = WHEN_NEVER;
        return;
    }
}

static struct held *find(struct sim_worker *worker, const struct id *job_id, uint64_t token)
{
    for (uint32_t i = 0; i < worker->held_count; i++)
        if (worker->held[i].token == token && id_equal(&worker->held[i].job_id, job_id))
            return &worker->held[i];
    return NULL;
}

static void let_go(struct sim_worker *worker, struct held *held)
{
    *held = worker->held[--worker->held_count];
}

static enum outcome pick_outcome(struct sim *sim)
{
    if (!plan_optional(sim, 50))
        return OUTCOME_SUCCEEDED;
    uint64_t dice = 50 + world_below(sim, 50);
    if (dice < 70)
        return OUTCOME_FAILED;
    if (dice < 78)
        return OUTCOME_DEAD;
    if (dice < 86)
        return OUTCOME_CRASHED;
    if (dice < 93)
        return OUTCOME_INTERRUPTED;
    return dice < 98 ? OUTCOME_SNOOZED : OUTCOME_CANCELLED;
}

static void take(struct sim *sim, struct sim_worker *worker, const struct msg_job *job)
{
    if (worker->held_count == SIM_HELD || find(worker, &job->job_id, job->token) != NULL)
        return;
    struct held held = {.job_id = job->job_id, .token = job->token, .log_from = job->log_count};
    held.finish = (struct msg_finish_job){.job_id = job->job_id,
                                          .token = job->token,
                                          .outcome = pick_outcome(sim),
                                          .error_kind = slice_of_text("sim"),
                                          .retry_after_ms = (uint32_t)world_below(sim, 800)};
    if (msg_hook_is_reserved(job->queue) && plan_optional(sim, 50)) {
        held.finish.outcome = OUTCOME_DEAD;
        held.finish.error_kind = slice_of_text(HOOK_GONE);
    }
    held.done_at = sim->now.mono + (when_ms)world_below(sim, 400);
    if (plan_optional(sim, 10))
        held.done_at += (when_ms)world_below(sim, 4 * SIM_LEASE_MS);
    // Long enough to be told of more than once.
    if (sim->has_hooks && plan_optional(sim, 20))
        held.done_at += (when_ms)world_below(sim, 3 * SIM_LEASE_MS);
    held.is_deaf = plan_optional(sim, 30);
    worker->held[worker->held_count++] = held;
}

static void lose(struct sim *sim, struct sim_worker *worker, const struct msg_held_list *lost)
{
    for (uint32_t i = 0; i < lost->count; i++) {
        watch_seen(SEEN_LOST);
        struct held *held = find(worker, &lost->items[i].job_id, lost->items[i].token);
        // A handler that runs is stopped; a finished one is still reported. Some never listen.
        if (held != NULL && !held->is_done && !plan_optional(sim, 30))
            let_go(worker, held);
    }
}

// A handler that listens stops soon, well or not; one that is done is reported as it is.
static void cancel(struct sim *sim, struct sim_worker *worker, const struct msg_held_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct held *held = find(worker, &list->items[i].job_id, list->items[i].token);
        if (held == NULL || held->is_done || held->is_deaf ||
            held->finish.outcome == OUTCOME_CANCELLED)
            continue;
        held->finish.outcome = OUTCOME_CANCELLED;
        held->done_at = sim->now.mono + (when_ms)world_below(sim, 300);
    }
}

void worker_receive(struct sim *sim, uint32_t no, const struct msg *msg)
{
    struct sim_worker *worker = &sim->workers[no];
    if (msg->kind == MSG_WELCOME) {
        worker->is_known = true;
        worker->is_ready = false;
        worker->ready_at = 0;
        lose(sim, worker, &msg->welcome.lost);
    }
    if (msg->kind == MSG_ERROR && msg->error.error == ERR_UNKNOWN_PEER) {
        worker->is_known = false;
        watch_seen(SEEN_UNKNOWN_PEER);
    }
    if (msg->kind == MSG_RENEWED)
        worker->is_ready = worker->is_ready || msg->corr == worker->ready_corr;
    if (msg->kind == MSG_RENEWED)
        log_told(worker, msg->corr);
    if (msg->kind == MSG_RENEWED)
        cancel(sim, worker, &msg->renewed.cancel);
    if (msg->kind == MSG_RENEWED && msg->renewed.drain != DRAIN_NONE && worker->leave_at == 0)
        worker->leave_at = sim->now.mono + 1 + (when_ms)world_below(sim, 1500);
    if (msg->kind == MSG_RENEWED)
        lose(sim, worker, &msg->renewed.lost);
    if (msg->kind == MSG_SIMULATE && worker->is_known)
        try(sim, worker, msg->corr);
    if (msg->kind == MSG_JOBS && worker->is_known)
        for (uint32_t i = 0; i < msg->jobs.count; i++)
            take(sim, worker, &msg->jobs.jobs[i]);
    if (msg->kind != MSG_FINISHED)
        return;
    for (uint32_t i = 0; i < msg->finished.count; i++) {
        struct held *held =
            find(worker, &msg->finished.jobs[i].job_id, msg->finished.jobs[i].token);
        if (held != NULL && held->is_done)
            let_go(worker, held);
    }
}
