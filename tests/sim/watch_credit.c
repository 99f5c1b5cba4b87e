// Credit and leases, as the broker has heard of them.

#include "tests/sim/sim.h"

struct seen_grant *watch_grant_of(struct sim *sim, uint64_t token)
{
    for (uint32_t i = sim->watch.grant_count; i-- > 0;)
        if (sim->watch.grants[i].token == token)
            return &sim->watch.grants[i];
    return NULL;
}

static uint32_t worker_no(const struct id *id)
{
    SIM_EXPECT(id->bytes[0] >= 1 && id->bytes[0] <= SIM_WORKERS, "a worker is one of ours");
    return id->bytes[0] - 1u;
}

uint32_t watch_worker_of_peer(const struct sim *sim, uint32_t peer)
{
    uint32_t no = workers_of_peer(&sim->shell.core->workers, peer);
    return no == WORKERS_NONE ? SIM_WORKERS
                              : worker_no(&workers_at(&sim->shell.core->workers, no)->id);
}

static bool is_in(const struct msg_held_list *list, uint64_t token)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].token == token)
            return true;
    return false;
}

// A worker's session or connection is new: only what it names, and the broker confirms, is out.
static void heard_hello(struct sim *sim, const struct msg *msg, const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if ((msg->hello.role != ROLE_WORKER && msg->hello.role != ROLE_NOTIFIER) ||
        answer->kind != MSG_WELCOME)
        return;
    uint32_t worker = worker_no(&msg->hello.worker_id);
    if (sim->watch.drained[worker] != msg->hello.session)
        sim->watch.drained[worker] = 0;
    watch_seen(SEEN_NEW_SESSION);
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        if (grant->worker != worker)
            continue;
        bool is_named = is_in(&msg->hello.running, grant->token);
        // A repeated HELLO changes nothing: jobs may be on their way. One that is named and lost
        // is still at the worker, until it says no more of it.
        uint32_t lease = leases_find(&sim->shell.core->leases, grant->token);
        grant->is_out = lease != LEASES_NONE && (is_named || grant->is_out);
    }
}

// A lease lasts as long as its attempt may, and at least its time.
static void lengthen(const struct sim *sim, struct seen_grant *grant)
{
    when_ms until = when_min(sim->now.mono + SIM_LEASE_MS, grant->over_at);
    if (until > grant->safe_until)
        grant->safe_until = until;
}

static void heard_progress(struct sim *sim, uint32_t worker, const struct msg_progress *progress)
{
    struct seen_grant *grant = watch_grant_of(sim, progress->token);
    uint32_t lease = leases_find(&sim->shell.core->leases, progress->token);
    bool is_heard = grant != NULL && grant->worker == worker && lease != LEASES_NONE &&
                    leases_at(&sim->shell.core->leases, lease)->is_live;
    if (!is_heard || progress->extend_ms <= grant->extend_ms)
        return;
    if (grant->stop_by == 0)
        grant->over_at += progress->extend_ms - grant->extend_ms;
    grant->extend_ms = progress->extend_ms;
    watch_seen(SEEN_EXTENDED);
}

static void heard_renew(struct sim *sim, uint32_t worker, const struct msg *msg,
                        const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    for (uint32_t i = 0; answer->kind == MSG_RENEWED && i < msg->renew.running.count; i++) {
        struct seen_grant *grant = watch_grant_of(sim, msg->renew.running.items[i].token);
        if (grant != NULL && grant->stop_by == 0 && !is_in(&answer->renewed.lost, grant->token))
            lengthen(sim, grant);
    }
    for (uint32_t i = 0; i < msg->renew.progress_count; i++)
        heard_progress(sim, worker, &msg->renew.progress[i]);
    // What has passed and is not named is the worker's no more.
    for (uint32_t i = 0; answer->kind == MSG_RENEWED && i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        if (grant->worker == worker && grant->has_passed)
            grant->is_out = grant->is_out && is_in(&msg->renew.running, grant->token);
    }
}

// Of a token that nobody finishes in this very step, and that was finished: what was taken is as it
// would be stored now.
static void check_repeat(const struct sim *sim, const struct msg_finish_job *said, err answer,
                         const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->entry_count; i++)
        if (fx->entries[i].kind == ENTRY_FINISH && id_equal(&fx->entries[i].job_id, &said->job_id))
            return;
    struct ledger_view view = ledger_lookup(&sim->shell.core->ledger, &said->job_id);
    if (!view.is_known || view.row.token != said->token || view.row.token_use != TOKEN_FINISHED)
        return;
    bool is_same = view.row.outcome == said->outcome;
    SIM_EXPECT(answer != OK || is_same, "another outcome of a finished token is refused");
    SIM_EXPECT(answer != ERR_STALE_LEASE || !is_same, "the same word gets the same answer");
    watch_seen(is_same ? SEEN_FINISH_TWICE : SEEN_FINISH_OTHERWISE);
}

static void heard_finish(struct sim *sim, uint32_t peer, const struct msg *msg,
                         const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (answer->kind != MSG_FINISHED)
        return;
    for (uint32_t i = 0; i < msg->finish.count; i++) {
        struct seen_grant *grant = watch_grant_of(sim, msg->finish.jobs[i].token);
        check_repeat(sim, &msg->finish.jobs[i], answer->finished.jobs[i].error, fx);
        if (answer->finished.jobs[i].error == ERR_STALE_LEASE)
            watch_seen(SEEN_STALE_FINISH);
        if (grant == NULL)
            continue;
        if (grant->worker == watch_worker_of_peer(sim, peer))
            grant->is_out = false;
    }
    for (uint32_t i = 0; i < msg->finish.count; i++)
        if (answer->finished.jobs[i].error == OK &&
            jobs_find(&sim->shell.core->ledger.jobs, &msg->finish.jobs[i].job_id) == JOBS_NONE)
            watch_seen(SEEN_FINISH_STORED);
}

// Until its next session it gets no more jobs.
static void heard_act(struct sim *sim, const struct msg_act *act, const struct msg *answer)
{
    if ((act->kind != ACT_QUIET && act->kind != ACT_STOP) || answer->acted.error != OK)
        return;
    uint32_t no = workers_find(&sim->shell.core->workers, act->tenant, &act->worker_id);
    sim->watch.drained[worker_no(&act->worker_id)] =
        workers_at(&sim->shell.core->workers, no)->session;
    watch_seen(SEEN_DRAINED);
}

static bool is_granted_again(const struct sim *sim, const struct job_row *row)
{
    for (uint32_t i = 0; i < sim->watch.grant_count; i++)
        if (sim->watch.grants[i].token > row->token &&
            id_equal(&sim->watch.grants[i].job_id, &row->id))
            return true;
    return false;
}

// Jobs that run at this worker for certain: stored so, and not ended or given away since.
static uint32_t running_at(struct sim *sim, const struct id *worker)
{
    uint32_t count = 0;
    for (uint64_t no = 1; no < SIM_JOBS; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->state != JOB_RUNNING || !id_equal(&row->worker, worker))
            continue;
        const struct seen_state *state = watch_state_of(sim, &row->id);
        count += state != NULL && state->state == JOB_RUNNING && !is_granted_again(sim, row);
    }
    return count;
}

static void check_line(struct sim *sim, const struct msg_worker_line *line)
{
    uint32_t worker = worker_no(&line->worker_id);
    SIM_EXPECT(line->running >= running_at(sim, &line->worker_id),
               "a listed worker has the jobs it was given");
    SIM_EXPECT(!line->connected || line->slots == sim->watch.slots[worker] || line->slots == 0,
               "a listed worker takes what it said");
    if (!line->connected && line->running > 0)
        watch_seen(SEEN_WORKER_AWAY);
}

static bool is_there(const struct sim *sim, uint32_t worker)
{
    const struct sim_worker *known = &sim->workers[worker];
    return workers_find(&sim->shell.core->workers, known->tenant, &known->id) != WORKERS_NONE;
}

// A whole list names each worker that there is, once.
static void heard_list(struct sim *sim, const struct msg *msg, const struct msg *answer)
{
    const struct msg_worker_list *list = &msg->worker_list;
    if (answer->kind != MSG_WORKER_LISTED)
        return;
    const struct msg_worker_listed *listed = &answer->worker_listed;
    bool is_listed[SIM_WORKERS] = {0};
    for (uint32_t i = 0; i < listed->count; i++) {
        check_line(sim, &listed->workers[i]);
        uint32_t worker = worker_no(&listed->workers[i].worker_id);
        SIM_EXPECT(!is_listed[worker], "a worker is listed once");
        is_listed[worker] = true;
    }
    SIM_EXPECT(list->limit == 0 || listed->count <= list->limit, "a page is not longer than asked");
    for (uint32_t i = 0; i < SIM_WORKERS && list->limit == 0 && list->cursor == 0; i++) {
        bool is_known = is_there(sim, i) && slice_equal(sim->workers[i].tenant, msg->tenant);
        SIM_EXPECT(is_listed[i] == is_known, "each worker of the tenant is listed, and no other");
    }
    if (listed->count > 0)
        watch_seen(SEEN_WORKERS_LISTED);
}

void watch_heard(struct sim *sim, const struct command *command, const struct effects *fx)
{
    const struct msg *msg = command->msg;
    // One that is forgotten, without a connection and owing nothing, has to be told again.
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (!is_there(sim, i))
            sim->watch.drained[i] = 0;
    for (uint32_t i = 0; command->kind == COMMAND_UNSENT && i < command->unsent.count; i++) {
        struct seen_grant *grant = watch_grant_of(sim, command->unsent.items[i].token);
        if (grant != NULL)
            grant->is_out = false;
    }
    if (command->kind != COMMAND_MESSAGE)
        return;
    uint32_t worker = watch_worker_of_peer(sim, command->peer);
    if (msg->kind == MSG_HELLO)
        heard_hello(sim, msg, fx);
    if (msg->kind == MSG_ACT)
        heard_act(sim, &msg->act, &fx->sends[fx->send_count - 1].msg);
    if (msg->kind == MSG_WORKER_LIST)
        heard_list(sim, msg, &fx->sends[fx->send_count - 1].msg);
    if (msg->kind == MSG_RENEW)
        heard_renew(sim, worker, msg, fx);
    if (msg->kind == MSG_FINISH)
        heard_finish(sim, command->peer, msg, fx);
    const struct msg *answer = fx->send_count > 0 ? &fx->sends[fx->send_count - 1].msg : NULL;
    if (msg->kind == MSG_SUBMIT && answer->kind == MSG_SUBMITTED) {
        watch_unique_answer(sim, &msg->submit, &answer->submitted);
        watch_schema_answer(sim, &msg->submit, &answer->submitted);
    }
    if (msg->kind == MSG_ACT && answer->acted.error == ERR_UNIQUE)
        watch_unique_acted(sim, &msg->act.job_id, &answer->acted);
    if (msg->kind == MSG_READY && worker < SIM_WORKERS)
        sim->watch.slots[worker] = msg->ready.slots;
}

uint32_t watch_out_count(const struct sim *sim, uint32_t worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->watch.grant_count; i++)
        count += sim->watch.grants[i].worker == worker && sim->watch.grants[i].is_out;
    return count;
}

static when_ms over_at(const struct sim *sim, uint32_t timeout_ms)
{
    when_ms span = (when_ms)timeout_ms + SIM_GRACE_MS;
    return sim->now.mono + (span > SIM_LEASE_MS ? span : SIM_LEASE_MS);
}

void watch_grants(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct grant_send *grant = &fx->grants[i];
        uint32_t worker = watch_worker_of_peer(sim, grant->peer);
        SIM_EXPECT(worker < SIM_WORKERS, "a job is granted to a worker");
        SIM_EXPECT(sim->watch.drained[worker] == 0, "a worker that was told to stop gets no jobs");
        SIM_EXPECT(sim->watch.grant_count < SIM_JOBS * 4, "room for grants");
        sim->watch.grants[sim->watch.grant_count++] =
            (struct seen_grant){.token = grant->job.token,
                                .job_id = grant->job.job_id,
                                .worker = worker,
                                .safe_until = sim->now.mono + SIM_LEASE_MS,
                                .over_at = over_at(sim, grant->job.timeout_ms),
                                .is_out = true};
        SIM_EXPECT(watch_out_count(sim, worker) <= sim->watch.slots[worker],
                   "never more unfinished jobs at a worker than its credit");
    }
}
