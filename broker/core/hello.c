// Station hello: peers announce themselves and leave; a worker's new session ends its old one.

#include "broker/core/core_private.h"

// Why did the worker come back without this job? Because it died with it, unless the broker has
// only just started (it may never have got it) or only the connection is new.
static struct lease_end why_unnamed(const struct core *core, struct now now, bool same_session)
{
    bool young = now.mono < when_after(core->started_at, core->limits.lease_ms);
    if (same_session)
        return (struct lease_end){.reason = "the worker's connection lost it"};
    if (young)
        return (struct lease_end){
            .reason = "the worker came back without it after a start of the broker"};
    return (struct lease_end){.is_crash = true, .reason = "the worker came back without it"};
}

// All that a worker holds, and what is said of the rest.
struct naming {
    const struct msg_held_list *running;
    struct lease_end end;
};

// The leases that the worker no longer names end at once.
static void end_unnamed(struct core *core, struct now now, uint32_t no, const struct naming *named,
                        struct effects *fx)
{
    uint64_t naming = lease_mark_named(core, no, named->running);
    uint32_t at = workers_at(&core->workers, no)->leases;
    while (at != LEASES_NONE) {
        const struct lease *lease = leases_at(&core->leases, at);
        uint32_t next = lease->next;
        if (lease->named_in != naming)
            lease_end_session(core, now, at, &named->end, fx);
        else if (lease->is_live)
            leases_renew(&core->leases, at, now.mono);
        at = next;
    }
}

static struct msg_held_list lost_of(const struct core *core, uint32_t no,
                                    const struct msg_held_list *running, struct effects *fx)
{
    struct msg_held *lost = arena_take_array(fx->arena, running->count, sizeof *lost);
    CHECK(lost != NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < running->count; i++) {
        uint32_t lease = leases_find(&core->leases, running->items[i].token);
        bool holds = lease != LEASES_NONE && leases_at(&core->leases, lease)->worker == no &&
                     leases_at(&core->leases, lease)->is_live &&
                     id_equal(&leases_at(&core->leases, lease)->job_id, &running->items[i].job_id);
        if (!holds)
            lost[count++] = running->items[i];
    }
    return (struct msg_held_list){.items = lost, .count = count};
}

struct slice hello_tenant(const struct msg *msg)
{
    return msg->hello.role == ROLE_NOTIFIER ? (struct slice){0} : msg->tenant;
}

static err join(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx)
{
    const struct msg_hello *hello = &msg->hello;
    struct slice tenant = hello_tenant(msg);
    uint32_t no = workers_find(&core->workers, tenant, &hello->worker_id);
    if (no == WORKERS_NONE) {
        err added = workers_add(&core->workers, tenant, &hello->worker_id, &no);
        if (added != OK)
            return added;
    }
    struct worker *worker = workers_at(&core->workers, no);
    worker->tenant = tenant; // of one that was loaded it is a queue's, which may go
    if (worker->peer != WORKERS_NONE && worker->peer != peer)
        workers_set_peer(&core->workers, worker->peer, ROLE_NONE, WORKERS_NONE);
    bool is_notifier = hello->role == ROLE_NOTIFIER;
    bool is_known_session = worker->session == hello->session && worker->peer == peer &&
                            worker->is_notifier == is_notifier;
    if (!is_known_session) {
        bool same_session = worker->session == hello->session;
        const struct naming named = {&hello->running, why_unnamed(core, now, same_session)};
        end_unnamed(core, now, no, &named, fx);
        workers_close(&core->workers, no);
        simulations_close(&core->simulations, no);
    }
    if (worker->session != hello->session) {
        workers_drain(&core->workers, no, DRAIN_NONE);
        worker->since_at = now.store;
    }
    if (!is_known_session)
        workers_name(&core->workers, no, hello->name);
    worker->session = hello->session;
    worker->peer = peer;
    worker->is_notifier = is_notifier;
    workers_set_peer(&core->workers, peer, hello->role, no);
    return OK;
}

static void welcome(struct core *core, struct effects *fx, uint32_t peer, const struct msg *msg)
{
    struct msg_held_list lost = {0};
    uint32_t no = workers_of_peer(&core->workers, peer);
    if (no != WORKERS_NONE)
        lost = lost_of(core, no, &msg->hello.running, fx);
    // Version text, lineage and the limits of messages are the shell's to add.
    effects_send(fx, peer, MSG_WELCOME, msg->corr)->welcome =
        (struct msg_welcome){.epoch = core->ledger.row.epoch,
                             .lease_ms = core->limits.lease_ms,
                             .renew_ms = core->limits.renew_ms,
                             .lost = lost};
}

void hello_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx)
{
    const struct msg_hello *hello = &msg->hello;
    uint32_t before = workers_of_peer(&core->workers, peer);
    bool is_worker = hello->role == ROLE_WORKER || hello->role == ROLE_NOTIFIER;
    bool is_still =
        is_worker && before == workers_find(&core->workers, hello_tenant(msg), &hello->worker_id);
    if (before != WORKERS_NONE && !is_still)
        hello_gone(core, peer);
    err joined = hello->role == ROLE_NONE ? ERR_BAD_FIELD : OK;
    if (is_worker)
        joined = id_is_zero(&hello->worker_id) ? ERR_BAD_FIELD : join(core, now, peer, msg, fx);
    else if (joined == OK)
        workers_set_peer(&core->workers, peer, hello->role, WORKERS_NONE);
    if (joined != OK)
        effects_send(fx, peer, MSG_ERROR, msg->corr)->error = (struct msg_error){
            .error = joined,
            .detail = joined == ERR_FULL
                          ? slice_of_text("worker_count_max: too many workers")
                          : slice_of_text("HELLO: role, and a worker's worker_id, are needed")};
    else
        welcome(core, fx, peer, msg);
}

static void drop_passed(struct core *core, uint32_t no)
{
    uint32_t at = workers_at(&core->workers, no)->leases;
    while (at != LEASES_NONE) {
        uint32_t next = leases_at(&core->leases, at)->next;
        if (!leases_at(&core->leases, at)->is_live)
            lease_drop(core, at);
        at = next;
    }
}

void hello_gone(struct core *core, uint32_t peer)
{
    uint32_t no = workers_of_peer(&core->workers, peer);
    workers_set_peer(&core->workers, peer, ROLE_NONE, WORKERS_NONE);
    simulations_forget(&core->simulations, peer);
    if (no == WORKERS_NONE)
        return;
    // Its live leases stay: it may come back in time and name them.
    workers_close(&core->workers, no);
    simulations_close(&core->simulations, no);
    drop_passed(core, no);
    lease_forget_idle(core, no);
}

void hello_bye(struct core *core, struct now now, uint32_t peer, const struct msg_bye *bye,
               struct effects *fx)
{
    uint32_t no = workers_of_peer(&core->workers, peer);
    // JOBS that crossed it are begun by nobody. Who does not say that it names all may have begun any.
    const struct naming named = {&bye->running, {.reason = "the worker left without it"}};
    if (no != WORKERS_NONE && bye->is_all)
        end_unnamed(core, now, no, &named, fx);
    hello_gone(core, peer);
}
