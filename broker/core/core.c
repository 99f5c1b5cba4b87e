// The core's face: memory, loading, start, one step, the end of a batch.

#include "broker/core/core_private.h"

static size_t round64(size_t size)
{
    return (size + 63) / 64 * 64;
}

size_t core_size(const struct limits *limits)
{
    return round64(sizeof(struct core)) + ledger_size(limits) + round64(ready_size(limits)) +
           round64(share_size(limits)) + round64(strands_size(limits)) +
           round64(gates_size(limits)) + round64(delayed_size(limits)) +
           round64(expiry_size(limits)) + round64(leases_size(limits)) +
           round64(workers_size(limits)) + round64(paces_size(limits)) +
           round64(ebbs_size(limits->tenant_count_max)) +
           round64(ebbs_size(limits->queue_count_max)) + round64(simulations_size(limits)) +
           round64(bulletins_size(limits));
}

struct core *core_init(void *memory, const struct limits *limits, const struct known *known,
                       uint64_t seed)
{
    struct arena room = {.data = memory, .cap = core_size(limits)};
    struct core *core = arena_take(&room, round64(sizeof *core));
    core->limits = *limits;
    ledger_init(&core->ledger, arena_take(&room, ledger_size(limits)), limits, known, seed);
    ready_init(&core->ready, arena_take(&room, round64(ready_size(limits))), limits,
               &core->ledger.jobs);
    share_init(&core->share, arena_take(&room, round64(share_size(limits))), limits,
               &core->ledger.lanes);
    strands_init(&core->strands, arena_take(&room, round64(strands_size(limits))), limits,
                 &(struct strands_base){.jobs = &core->ledger.jobs,
                                        .bonds = core->ledger.bonds,
                                        .lanes = &core->ledger.lanes,
                                        .seed = seed});
    gates_init(&core->gates, arena_take(&room, round64(gates_size(limits))), limits);
    delayed_init(&core->delayed, arena_take(&room, round64(delayed_size(limits))), limits);
    expiry_init(&core->expiry, arena_take(&room, round64(expiry_size(limits))), limits);
    leases_init(&core->leases, arena_take(&room, round64(leases_size(limits))), limits);
    workers_init(&core->workers, arena_take(&room, round64(workers_size(limits))), limits,
                 &core->ledger.lanes, seed);
    paces_init(&core->paces, arena_take(&room, round64(paces_size(limits))), limits);
    ebbs_init(&core->tenant_ebbs, arena_take(&room, round64(ebbs_size(limits->tenant_count_max))),
              limits->tenant_count_max);
    ebbs_init(&core->queue_ebbs, arena_take(&room, round64(ebbs_size(limits->queue_count_max))),
              limits->queue_count_max);
    simulations_init(&core->simulations, arena_take(&room, round64(simulations_size(limits))),
                     limits);
    bulletins_init(&core->bulletins, arena_take(&room, round64(bulletins_size(limits))), limits,
                   seed);
    return core;
}

err core_load_ledger(struct core *core, const struct ledger_row *row)
{
    return ledger_load_row(&core->ledger, row);
}

err core_load_lane(struct core *core, const struct lane_row *row)
{
    return ledger_load_lane(&core->ledger, row);
}

err core_load_queue(struct core *core, const struct queue_row *row)
{
    return ledger_load_queue(&core->ledger, row);
}

err core_load_type(struct core *core, const struct type_row *row)
{
    return ledger_load_type(&core->ledger, row);
}

void core_load_counts(struct core *core, uint64_t (*counts)[JOB_STATES], uint32_t lane_count)
{
    queues_uncount(&core->ledger.queues);
    for (uint32_t lane = 0; lane < lane_count; lane++)
        if (lanes_is_known(&core->ledger.lanes, lane))
            queues_recount(&core->ledger.queues, lanes_queue(&core->ledger.lanes, lane),
                           counts[lane]);
}

err core_load_policy(struct core *core, uint16_t no, const struct policy *policy)
{
    return policies_load(&core->ledger.policies, no, policy);
}

err core_load_batch(struct core *core, const struct batch_row *row)
{
    struct batch_row named = *row;
    if (!queues_keep_tenant(&core->ledger.queues, &named.tenant))
        return ERR_DAMAGED;
    return batches_load(&core->ledger.batches, &named);
}

err core_load_schedule(struct core *core, const struct schedule_row *row)
{
    return schedules_load(&core->ledger.schedules, row);
}

err core_load_endpoint(struct core *core, const struct endpoint_row *row)
{
    return ledger_load_endpoint(&core->ledger, row);
}

err core_load_operation(struct core *core, const struct operation_row *row)
{
    if (row->upto >= core->ledger.row.job_no_next)
        return ERR_DAMAGED;
    return operations_load(&core->ledger.operations, row);
}

static bool is_delivery(const struct core *core, uint32_t lane)
{
    return msg_hook_is_reserved(lanes_row(&core->ledger.lanes, lane).queue);
}

// Notifiers are of the default tenant, whosever deliveries they have.
static struct slice worker_tenant(const struct core *core, uint32_t lane)
{
    return is_delivery(core, lane) ? (struct slice){0}
                                   : lanes_row(&core->ledger.lanes, lane).tenant;
}

err core_load_job(struct core *core, const struct job_row *row)
{
    if (row->key_hash != 0 && lanes_is_known(&core->ledger.lanes, row->lane) &&
        !strands_has_room(&core->strands, row->lane, row->key_hash))
        return ERR_FULL;
    err loaded = ledger_load_job(&core->ledger, row);
    if (loaded == OK && row->key_hash != 0)
        strands_hold(&core->strands, jobs_find(&core->ledger.jobs, &row->id));
    if (loaded != OK || row->state != JOB_RUNNING)
        return loaded;
    // It needs its lease and its worker again.
    if (++core->resumed_count > core->limits.lease_count_max)
        return ERR_FULL;
    struct slice tenant = worker_tenant(core, row->lane);
    if (workers_find(&core->workers, tenant, &row->worker) != WORKERS_NONE)
        return OK;
    uint32_t worker;
    err added = workers_add(&core->workers, tenant, &row->worker, &worker);
    if (added == OK)
        workers_at(&core->workers, worker)->is_notifier = is_delivery(core, row->lane);
    return added;
}

err core_load_key(struct core *core, const struct id *id, uint64_t job_no)
{
    return ledger_load_key(&core->ledger, id, job_no);
}

err core_load_unique(struct core *core, const struct unique_row *row)
{
    return ledger_load_unique(&core->ledger, row);
}

err core_load_dep(struct core *core, const struct dep_row *row)
{
    return ledger_load_dep(&core->ledger, row);
}

err core_load_second_lives(struct core *core)
{
    return ledger_load_second_lives(&core->ledger);
}

// A running job's lease goes on, at a worker that has not come back yet.
// What is left of its attempt, by store time; a lease counts in full from now all the same.
static when_ms rest_of(const struct core *core, struct now now, const struct job *job)
{
    const struct past *past = ledger_past(&core->ledger, job);
    when_ms over_at =
        when_after(past->granted_at, lease_bound_ms(core, job) + (when_ms)past->extend_ms);
    when_ms rest = over_at - now.store;
    return rest > past->lease_ms ? rest : past->lease_ms;
}

static void resume_lease(struct core *core, struct now now, uint32_t slot)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    const struct past *past = ledger_past(&core->ledger, job);
    struct slice tenant = worker_tenant(core, job->lane);
    uint32_t worker = workers_find(&core->workers, tenant, &past->worker);
    // Loading has made room for both.
    CHECK(worker != WORKERS_NONE && leases_has_room(&core->leases));
    uint32_t lease =
        leases_add(&core->leases,
                   &(struct lease){.job_id = job->id,
                                   .token = past->token,
                                   .ends_at = when_after(now.mono, past->lease_ms),
                                   .cap_at = when_after(now.mono, rest_of(core, now, job)),
                                   .slot = slot,
                                   .worker = worker,
                                   .body_len = job->body_len,
                                   .lease_ms = past->lease_ms},
                   &workers_at(&core->workers, worker)->leases);
    if (job->cancel == CANCEL_REQUESTED)
        leases_cancel(&core->leases, lease, now.mono);
    workers_out(&core->workers, worker, job->lane, job->body_len);
    wait_run(core, slot);
}

void core_start(struct core *core, struct now now, struct effects *effects)
{
    core->started_at = now.mono;
    gates_start(&core->gates, now.mono);
    operations_start(&core->ledger.operations, now.mono);
    ledger_loaded(&core->ledger, now.store);
    workers_match_lanes(&core->workers);
    for (uint32_t queue = 0; queue < queues_count(&core->ledger.queues); queue++)
        if (queues_is_known(&core->ledger.queues, queue))
            queue_obey(core, queue);
    for (uint32_t slot = 0; slot < core->ledger.jobs.used; slot++) {
        if (!jobs_is_taken(&core->ledger.jobs, slot))
            continue;
        progress_begin(core, slot);
        if (jobs_at(&core->ledger.jobs, slot)->state == JOB_RUNNING)
            resume_lease(core, now, slot);
        else
            wait_begin(core, slot);
    }
    // Slots come in order of numbers; jobs that were retried are due later than their neighbours.
    wait_start(core);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_START,
                                 .at = now.store,
                                 .start = {.epoch = core->ledger.row.epoch + 1}},
                 effects);
}

static void refuse(const struct command *command, err error, const char *detail, struct effects *fx)
{
    effects_send(fx, command->peer, MSG_ERROR, command->msg->corr)->error =
        (struct msg_error){.error = error, .detail = slice_of_text(detail)};
}

static void step_worker(struct core *core, struct now now, const struct command *command,
                        struct effects *fx)
{
    const struct msg *msg = command->msg;
    bool is_handed_on =
        msg->kind == MSG_FINISH && workers_role(&core->workers, command->peer) == ROLE_GATEWAY;
    if (!is_handed_on && workers_of_peer(&core->workers, command->peer) == WORKERS_NONE)
        refuse(command, ERR_BAD_FIELD, "role: only a worker says this", fx);
    else if (msg->kind == MSG_READY)
        serve_step(core, command->peer, msg, fx);
    else if (msg->kind == MSG_RENEW)
        renew_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_SIMULATED)
        simulate_step(core, command->peer, msg, fx);
    else
        finish_step(core, now, command->peer, msg, fx);
}

static void step_message(struct core *core, struct now now, const struct command *command,
                         struct effects *fx)
{
    const struct msg *msg = command->msg;
    if (msg->kind == MSG_HELLO)
        hello_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_BYE)
        hello_bye(core, now, command->peer, &msg->bye, fx);
    else if (workers_role(&core->workers, command->peer) == ROLE_NONE)
        refuse(command, ERR_UNKNOWN_PEER, err_text(ERR_UNKNOWN_PEER), fx);
    else if (msg->kind == MSG_SUBMIT)
        submit_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_WORKER_LIST)
        roster_step(core, command->peer, msg, fx);
    else if (msg->kind == MSG_ACT)
        act_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_BATCH_SEAL)
        seal_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_OPERATE)
        operation_begin(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_SCHEDULE_SET)
        schedule_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_WEBHOOK_SET)
        endpoint_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_TYPE_SET)
        type_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_QUEUE_SET)
        queue_step(core, now, command->peer, msg, fx);
    else if (msg->kind == MSG_READY || msg->kind == MSG_RENEW || msg->kind == MSG_FINISH ||
             msg->kind == MSG_SIMULATED)
        step_worker(core, now, command, fx);
    else
        refuse(command, ERR_UNSUPPORTED, "this kind of message is not for a broker", fx);
}

void core_step(struct core *core, struct now now, const struct command *command,
               struct effects *effects)
{
    uint32_t weight = core_weight(core, command);
    CHECK(effects_has_room(effects, weight));
    effects->load += weight;
    switch (command->kind) {
    case COMMAND_MESSAGE: step_message(core, now, command, effects); return;
    case COMMAND_GONE: hello_gone(core, command->peer); return;
    case COMMAND_UNSENT: unsent_step(core, now, command, effects); return;
    case COMMAND_TICK: tick_step(core, now, effects); return;
    case COMMAND_MOMENT: schedule_moment_step(core, now, command, effects); return;
    case COMMAND_STEP: operation_step(core, now, command->step, effects); return;
    case COMMAND_REMOVE: remove_step(core, now, command, effects); return;
    case COMMAND_UNUSED: unused_step(core, now, command->unused, effects); return;
    }
    UNREACHABLE();
}

uint64_t core_close(struct core *core, struct now now, struct effects *effects)
{
    dispatch_run(core, now, effects);
    return ledger_collect(&core->ledger, now.store, effects);
}

void core_settled(struct core *core, uint64_t batch)
{
    ledger_settled(&core->ledger, batch);
}

uint64_t core_last_settled(const struct core *core)
{
    return core->ledger.settled;
}

bool core_is_out_of_names(const struct core *core)
{
    const struct queues *queues = &core->ledger.queues;
    return lanes_room(&core->ledger.lanes) == 0 || names_room(&queues->names) == 0 ||
           names_room(&queues->tenants) == 0;
}

when_ms core_wait_ms(const struct core *core, struct now now)
{
    if (deps_has_next(&core->ledger.deps))
        return 0;
    when_ms wait = WHEN_NEVER;
    uint32_t first = leases_first_end(&core->leases);
    if (first != LEASES_NONE)
        wait = when_min(wait, leases_at(&core->leases, first)->ends_at - now.mono);
    when_ms opens_at = gates_deadline(&core->gates);
    opens_at = when_min(opens_at, simulations_deadline(&core->simulations));
    if (opens_at != WHEN_NEVER)
        wait = when_min(wait, opens_at - now.mono);
    when_ms due = delayed_deadline(&core->delayed);
    due = when_min(due, uniques_deadline(&core->ledger.uniques));
    due = when_min(due, seal_deadline(core));
    due = when_min(due, seal_free_deadline(core));
    if (due != WHEN_NEVER)
        wait = when_min(wait, due - now.store);
    when_ms expiry = expiry_deadline(&core->expiry);
    if (expiry != WHEN_NEVER)
        wait = when_min(wait, expiry - now.store);
    return wait > 0 ? wait : 0;
}

bool core_has_more(const struct core *core)
{
    return core->has_more;
}

uint32_t core_worker_peer(const struct core *core, struct slice tenant, const struct id *id)
{
    static_assert(CORE_NO_PEER == WORKERS_NONE, "nobody is nobody");
    uint32_t worker = workers_find(&core->workers, tenant, id);
    return worker != WORKERS_NONE ? workers_at(&core->workers, worker)->peer : CORE_NO_PEER;
}

bool core_knows(const struct core *core, const struct msg_operate *operate)
{
    return operation_is_known(core, operate);
}

bool core_next_operation(struct core *core, struct now now, struct id *out_id)
{
    const struct operations_moment moment = {.settled = core->ledger.settled, .mono = now.mono};
    return operations_next(&core->ledger.operations, &moment, out_id);
}

when_ms core_operation_wait_ms(const struct core *core, struct now now)
{
    const struct operations_moment moment = {.settled = core->ledger.settled, .mono = now.mono};
    return operations_wait_ms(&core->ledger.operations, &moment);
}

bool core_schedule(const struct core *core, struct slice name, struct schedule_row *out_row)
{
    uint32_t place = schedules_find(&core->ledger.schedules, name);
    if (place == SCHEDULES_NONE)
        return false;
    *out_row = *schedules_peek(&core->ledger.schedules, place);
    return true;
}

bool core_schedule_is_busy(const struct core *core, struct slice name)
{
    return schedule_is_busy(core, name);
}

void core_figures(const struct core *core, struct core_figures *out_figures)
{
    *out_figures = core->figures;
    out_figures->ledger = core->ledger.row;
    out_figures->worker_count = core->workers.count;
    out_figures->lease_count = core->leases.count;
    out_figures->lane_count = lanes_count(&core->ledger.lanes);
    out_figures->queue_count = queues_count(&core->ledger.queues);
    out_figures->batch_count = core->ledger.batches.count;
    out_figures->schedule_count = core->ledger.schedules.count;
    out_figures->endpoint_count = core->ledger.endpoints.count;
    out_figures->operation_count = core->ledger.operations.count;
    out_figures->operation_running = core->ledger.operations.running;
    out_figures->key_count = core->ledger.keys.index.count;
    out_figures->job_count = core->ledger.jobs.count;
    out_figures->unique_count = core->ledger.uniques.count;
    out_figures->dependency_count = core->ledger.deps.count;
    out_figures->oldest_due_at = WHEN_NEVER;
    out_figures->concurrency_key_count = core->strands.key_count;
    for (uint32_t lane = 0; lane < lanes_count(&core->ledger.lanes); lane++)
        out_figures->oldest_due_at = when_min(out_figures->oldest_due_at, wait_oldest(core, lane));
}

bool core_lane(const struct core *core, uint16_t lane, struct lane_figures *out_figures)
{
    if (!lanes_is_known(&core->ledger.lanes, lane))
        return false;
    *out_figures = (struct lane_figures){.lane = lanes_row(&core->ledger.lanes, lane),
                                         .ready_count = wait_count(core, (uint32_t)lane),
                                         .worker_count = workers_serving(&core->workers, lane)};
    return true;
}

bool core_queue(const struct core *core, uint32_t queue, struct queue_row *out_row)
{
    if (!queues_is_known(&core->ledger.queues, queue))
        return false;
    *out_row = *queues_peek(&core->ledger.queues, queue);
    return true;
}

void core_warm(const struct core *core, const struct id *id)
{
    const struct jobs *jobs = &core->ledger.jobs;
    index_warm_bucket(&jobs->by_id, id_hash(id, jobs->seed));
}

void core_warm_more(const struct core *core, const struct id *id)
{
    const struct jobs *jobs = &core->ledger.jobs;
    index_warm_slot(&jobs->by_id, id_hash(id, jobs->seed));
}
