// A table of kinds, and the order of questions.

#include "broker/shell/porter.h"

#include "lib/base/scope.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"

enum { KINDS = 128, METERED = 1u << 29 };

// METERED: costs a request and its bytes. Workers' words cost nothing: what was begun may be ended.
static const uint32_t rules[KINDS] = {
    [MSG_HELLO] = PORTER_EVERYBODY,
    [MSG_BYE] = PORTER_EVERYBODY,
    [MSG_SUBMIT] = SCOPE_SUBMIT | METERED,
    [MSG_BATCH_SEAL] = SCOPE_SUBMIT | METERED,
    [MSG_READY] = SCOPE_WORK,
    [MSG_RENEW] = SCOPE_WORK,
    [MSG_FINISH] = SCOPE_WORK,
    [MSG_SIMULATED] = SCOPE_WORK,
    [MSG_STATUS] = SCOPE_READ | METERED,
    [MSG_BATCH_STATUS] = SCOPE_READ | METERED,
    [MSG_QUEUE_STATUS] = SCOPE_READ | METERED,
    [MSG_TYPE_STATUS] = SCOPE_READ | METERED,
    [MSG_SCHEDULE_STATUS] = SCOPE_READ | METERED,
    [MSG_SCHEDULE_LIST] = SCOPE_READ | METERED,
    [MSG_WORKER_LIST] = SCOPE_READ | METERED,
    [MSG_LIST] = SCOPE_READ | METERED,
    [MSG_TIMELINE] = SCOPE_READ | METERED,
    [MSG_LOG] = SCOPE_READ | METERED,
    [MSG_OPERATION] = SCOPE_READ | METERED,
    [MSG_OPERATION_LIST] = SCOPE_READ | METERED,
    [MSG_WATCH] = SCOPE_READ | METERED,
    [MSG_ACT] = SCOPE_ADMIN | METERED,
    [MSG_OPERATE] = SCOPE_ADMIN | METERED,
    [MSG_QUEUE_SET] = SCOPE_ADMIN | METERED,
    [MSG_TYPE_SET] = SCOPE_ADMIN | METERED,
    [MSG_SCHEDULE_SET] = SCOPE_ADMIN | METERED,
    [MSG_WEBHOOK_SET] = SCOPE_ADMIN | METERED,
    [MSG_WEBHOOK_STATUS] = SCOPE_READ | METERED,
};

static bool is_worker(enum role role)
{
    return role == ROLE_WORKER || role == ROLE_NOTIFIER;
}

static bool is_for_own_jobs(enum act_kind kind)
{
    return kind == ACT_CANCEL || kind == ACT_RETRY || kind == ACT_RUN_NOW;
}

static uint32_t rule_of(const struct msg *msg)
{
    CHECK((unsigned)msg->kind < KINDS);
    uint32_t rule = rules[msg->kind];
    // What concerns the jobs that one submits oneself, one by one or a batch, goes with submitting.
    bool is_own = (msg->kind == MSG_ACT && is_for_own_jobs(msg->act.kind)) ||
                  (msg->kind == MSG_OPERATE && !id_is_zero(&msg->operate.filter.batch_id) &&
                   is_for_own_jobs(msg->operate.kind));
    if (is_own)
        return SCOPE_SUBMIT | METERED;
    if (msg->kind == MSG_HELLO && is_worker(msg->hello.role))
        return SCOPE_WORK;
    return rule;
}

uint32_t porter_scope(const struct msg *msg)
{
    return rule_of(msg) & ~(uint32_t)METERED;
}

static const char *scope_detail(uint32_t scope)
{
    switch ((enum scope)scope) {
    case SCOPE_SUBMIT: return "the key has not the scope \"submit\"";
    case SCOPE_READ: return "the key has not the scope \"read\"";
    case SCOPE_WORK: return "the key has not the scope \"work\"";
    case SCOPE_ADMIN: return "the key has not the scope \"admin\"";
    }
    UNREACHABLE();
}

// Routing ids are given by the ROUTER. A peer that brings one of its own could wait for another's
// to become free, and would get what is meant for him.
static bool is_own_route(struct slice route)
{
    return route.len != 5 || route.data[0] != 0;
}

void porter_count_cut(struct broker *broker, uint32_t count)
{
    if (count == 0)
        return;
    broker->counters.peers_cut += count;
    metrics_mark(broker->metrics); // perhaps nothing else happens
}

static void leave(struct broker *broker, uint32_t peer, const char *why)
{
    log_info("peer.cut", "why=%s", log_quote_text(why).text);
    porter_count_cut(broker, 1);
    link_cut(peers_connection(broker->peers, peer));
    peers_leave(broker->peers, peer);
}

// A gateway says who submitted what, and that it kept jobs for any time; a notifier is given what all
// tenants have. Both are trusted by all, so only a key of all may be one.
static bool is_for_all(enum role role)
{
    return role == ROLE_GATEWAY || role == ROLE_NOTIFIER;
}

static err judge_tenant(const struct holder *holder, struct msg *msg, const char **out_detail)
{
    struct slice tenant = slice_of_text(holder->tenant);
    *out_detail = "the message names another tenant than the key's";
    if (holder->is_of_all)
        return OK;
    // It would be told of, given or believed what concerns all tenants.
    if ((msg->kind == MSG_HELLO && is_for_all(msg->hello.role)) ||
        (msg->kind == MSG_WATCH && msg->watch.all_tenants))
        return ERR_FOREIGN_TENANT;
    if (msg->tenant.len > 0 && !slice_equal(msg->tenant, tenant))
        return ERR_FOREIGN_TENANT;
    msg->tenant = tenant;
    return OK;
}

// The tenant of every key may have so many jobs at once; what the message says can only be less.
static void bound_open(const struct holder *holder, struct msg *msg)
{
    uint32_t told = msg->submit.tenant_open_max;
    if (holder->open_max > 0 && (told == 0 || told > holder->open_max))
        msg->submit.tenant_open_max = holder->open_max;
}

static err charge(struct broker *broker, const struct holder *holder, struct arrival *arrival,
                  const char **out_detail)
{
    when_ms wait_ms = 0;
    if (keyring_charge(broker->keyring, holder, arrival->frames->block.len, broker->now.mono,
                       &wait_ms))
        return OK;
    broker->counters.quota_refused++;
    arrival->retry_after_ms = (uint32_t)when_min(wait_ms > 0 ? wait_ms : 1, UINT32_MAX);
    *out_detail = "the quota of the key's tenant is used up for now";
    return ERR_QUOTA;
}

static err judge(struct broker *broker, const struct holder *holder, struct arrival *arrival,
                 const char **out_detail)
{
    uint32_t rule = rule_of(&arrival->msg);
    uint32_t scope = rule & SCOPE_ALL;
    if (rule == PORTER_NOBODY) {
        *out_detail = "a broker does not take this";
        return ERR_UNSUPPORTED;
    }
    if (scope != 0 && (holder->scopes & scope) == 0) {
        *out_detail = scope_detail(scope);
        return ERR_SCOPE;
    }
    err e = judge_tenant(holder, &arrival->msg, out_detail);
    if (e == OK && (rule & METERED) != 0)
        e = charge(broker, holder, arrival, out_detail);
    if (e == OK && arrival->msg.kind == MSG_SUBMIT)
        bound_open(holder, &arrival->msg);
    return e;
}

err porter_judge(struct broker *broker, struct arrival *arrival, const char **out_detail)
{
    if (broker->keyring == NULL)
        return OK;
    struct slice key = link_user(arrival->frames);
    *out_detail = "a peer must not bring a routing id of its own";
    if (is_own_route(arrival->frames->route))
        return ERR_UNSUPPORTED;
    *out_detail = NULL;
    if (arrival->peer != PEERS_NONE && !slice_equal(peers_key(broker->peers, arrival->peer), key)) {
        peers_leave(broker->peers, arrival->peer);
        arrival->peer = PEERS_NONE;
    }
    const struct holder *holder = keyring_find(broker->keyring, key, clock_wall_ms());
    return holder != NULL ? judge(broker, holder, arrival, out_detail) : ERR_NO_KEY;
}

bool porter_may_join(const struct broker *broker, const struct arrival *arrival)
{
    const struct msg_hello *hello = &arrival->msg.hello;
    if (broker->keyring == NULL || !is_worker(hello->role))
        return true;
    // A notifier is of no tenant.
    struct slice tenant = is_for_all(hello->role) ? slice_of(NULL, 0) : arrival->msg.tenant;
    uint32_t other = core_worker_peer(broker->core, tenant, &hello->worker_id);
    return other == CORE_NO_PEER || peers_route(broker->peers, other).len == 0 ||
           slice_equal(peers_key(broker->peers, other), link_user(arrival->frames));
}

static bool is_misdeed(err error)
{
    return error == ERR_MALFORMED || error == ERR_UNSUPPORTED || error == ERR_NO_KEY ||
           error == ERR_SCOPE || error == ERR_FOREIGN_TENANT || error == ERR_VERSION;
}

void porter_blame(struct broker *broker, const struct link_message *frames, err error)
{
    if (!is_misdeed(error))
        return;
    if (warden_note(broker->warden, frames->route, broker->now.mono) != WARDEN_CUT)
        return;
    uint32_t peer = peers_find(broker->peers, frames->route);
    log_warn("peer.misbehaved", "error=%s count=%d", err_slug(error), WARDEN_MISDEEDS_MAX);
    porter_count_cut(broker, 1);
    link_cut(link_connection(frames));
    if (peer != PEERS_NONE)
        peers_leave(broker->peers, peer);
}

// Would it be let in now as what it is here for?
static bool may_stay(const struct broker *broker, uint32_t peer, when_ms wall)
{
    const struct holder *holder =
        keyring_find(broker->keyring, peers_key(broker->peers, peer), wall);
    struct slice tenant = peers_tenant(broker->peers, peer); // empty: "default"
    if (holder == NULL)
        return false;
    enum role role = peers_role(broker->peers, peer);
    if (is_worker(role) && (holder->scopes & SCOPE_WORK) == 0)
        return false;
    if (holder->is_of_all)
        return true;
    return !is_for_all(role) &&
           slice_is_text(tenant.len > 0 ? tenant : slice_of_text("default"), holder->tenant);
}

void porter_review(struct broker *broker)
{
    when_ms wall = clock_wall_ms();
    uint32_t peer = peers_next(broker->peers, PEERS_NONE);
    while (peer != PEERS_NONE) {
        uint32_t next = peers_next(broker->peers, peer);
        if (!may_stay(broker, peer, wall))
            leave(broker, peer, "its key is not allowed any more");
        peer = next;
    }
}
