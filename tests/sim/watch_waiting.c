// Why jobs wait: what the core says is compared with what jobs and messages alone tell, and no
// job waits beside a worker that would take it.

#include "lib/base/origin.h"
#include "tests/sim/fair.h"

// --- workers, as their messages say ---

static void closes(struct sim *sim, uint32_t peer)
{
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (sim->watch.takers[i].peer == peer)
            sim->watch.takers[i] = (struct seen_taker){.peer = UINT32_MAX};
}

static void heard_hello(struct sim *sim, uint32_t peer, const struct msg_hello *hello)
{
    uint32_t no = hello->worker_id.bytes[0] - 1u;
    struct seen_taker *taker = &sim->watch.takers[no];
    if (taker->peer == peer && taker->session == hello->session)
        return;
    closes(sim, peer);
    *taker = (struct seen_taker){.peer = peer, .session = hello->session};
}

void watch_waiting_heard(struct sim *sim, const struct command *command, const struct effects *fx)
{
    bool is_bye = command->kind == COMMAND_MESSAGE && command->msg->kind == MSG_BYE;
    if (command->kind == COMMAND_GONE || is_bye) {
        closes(sim, command->peer);
        return;
    }
    if (command->kind != COMMAND_MESSAGE || fx->send_count == 0)
        return;
    const struct msg *msg = command->msg;
    enum msg_kind answer = fx->sends[fx->send_count - 1].msg.kind;
    if (msg->kind == MSG_HELLO && answer == MSG_WELCOME &&
        (msg->hello.role == ROLE_WORKER || msg->hello.role == ROLE_NOTIFIER))
        heard_hello(sim, command->peer, &msg->hello);
    for (uint32_t i = 0; msg->kind == MSG_READY && answer == MSG_RENEWED && i < SIM_WORKERS; i++) {
        struct seen_taker *taker = &sim->watch.takers[i];
        if (taker->peer != command->peer)
            continue;
        taker->type_count = msg->ready.type_count;
        taker->slots = msg->ready.quiet ? 0 : msg->ready.slots;
        taker->slot_bytes = msg->ready.slot_bytes;
    }
}

// Types are "a", "b", "c"; a worker serves the first few of them, in every queue of its tenant.
static bool takes(const struct sim *sim, uint32_t worker, const struct job *job)
{
    struct lane_row lane = lanes_row(&sim->shell.core->ledger.lanes, job->lane);
    const struct seen_taker *taker = &sim->watch.takers[worker];
    bool is_serving = sim->watch.drained[worker] == 0 && taker->slots > 0;
    if (worker == SIM_NOTIFIER || msg_hook_is_reserved(lane.queue))
        return is_serving && worker == SIM_NOTIFIER && msg_hook_is_reserved(lane.queue);
    return is_serving && origin_is_tenant(lane.tenant, sim->workers[worker].tenant) &&
           lane.type.data[0] < 'a' + taker->type_count;
}

// Surely: bytes may keep it from the next job of a lane, and so from those behind.
static bool has_credit(const struct sim *sim, uint32_t worker, uint32_t given)
{
    const struct seen_taker *taker = &sim->watch.takers[worker];
    uint32_t out = watch_out_count(sim, worker) + given;
    return out == 0 || (taker->slot_bytes == 0 && out < taker->slots);
}

bool watch_waiting_takes(const struct sim *sim, uint32_t worker, const struct job *job,
                         uint32_t given)
{
    return takes(sim, worker, job) && has_credit(sim, worker, given);
}

// --- the truth ---

static enum waiting_on truth_of_queued(struct sim *sim, uint32_t slot, enum waiting_on told)
{
    const struct job *job = jobs_at(&sim->shell.core->ledger.jobs, slot);
    bool has_taker = false;
    bool has_room = false;
    if (watch_queue_of(sim, &job->id)->paused & DIRECTION_OUT)
        return WAITING_PAUSED;
    if (job->is_bound && watch_share_is_busy(sim, slot, NULL))
        return WAITING_KEY_BUSY;
    for (uint32_t worker = 0; worker < SIM_WORKERS; worker++) {
        has_taker = has_taker || takes(sim, worker, job);
        has_room = has_room || watch_waiting_takes(sim, worker, job, 0);
    }
    if (!has_taker)
        return WAITING_NO_WORKER;
    if (watch_limits_is_full(sim, slot))
        return WAITING_QUEUE_BUSY;
    if (told == WAITING_RATE_LIMITED && watch_limits_has_rate(sim, slot))
        return told; // that a rate is not passed is seen where jobs start
    SIM_EXPECT(!has_room, "no job waits beside a worker that would take it");
    return WAITING_NO_CREDIT;
}

static enum waiting_on truth(struct sim *sim, uint32_t slot, enum waiting_on told)
{
    const struct job *job = jobs_at(&sim->shell.core->ledger.jobs, slot);
    switch ((enum job_state)job->state) {
    case JOB_SCHEDULED:
        return watch_child_waits(sim, &job->id) ? WAITING_DEPENDENCY : WAITING_SCHEDULED;
    case JOB_RETRYING: return WAITING_BACKOFF;
    case JOB_QUEUED: return truth_of_queued(sim, slot, told);
    case JOB_RUNNING:
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED: return WAITING_NONE;
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    sim_fail("a job in memory has a state");
}

void watch_waiting(struct sim *sim)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    if (core_has_more(sim->shell.core))
        return;
    for (uint32_t slot = 0; slot < jobs->used; slot++) {
        if (!jobs_is_taken(jobs, slot))
            continue;
        enum waiting_on told = core_waiting_on(sim->shell.core, &jobs_at(jobs, slot)->id);
        SIM_EXPECT(told == truth(sim, slot, told), "why a job waits is told as it is");
        if (told == WAITING_NO_WORKER)
            watch_seen(SEEN_NO_WORKER);
        if (told == WAITING_NO_CREDIT)
            watch_seen(SEEN_NO_CREDIT);
        if (told == WAITING_QUEUE_BUSY)
            watch_seen(SEEN_QUEUE_BUSY);
        if (told == WAITING_RATE_LIMITED)
            watch_seen(SEEN_RATE_LIMITED);
    }
}

void watch_waiting_start(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        sim->watch.takers[i] = (struct seen_taker){.peer = UINT32_MAX};
}
