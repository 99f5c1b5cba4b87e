// One set: its connection, its questions, the jobs its workers have.

#include "gateway/shell/lessor_private.h"

#include "lib/base/origin.h"
#include "lib/http/http.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "proto/wire.h"

#include <stdlib.h>

static void finish(struct lessor_ask *ask, const struct lessor_result *result)
{
    ask->done(ask, result);
}

static void fail(struct lessor_ask *ask, err e)
{
    finish(ask, &(struct lessor_result){.error = e});
}

// --- which one ---

static bool are_same(const struct slice *a, const struct slice *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!slice_equal(a[i], b[i]))
            return false;
    return true;
}

static bool is_of(const struct lessor_pool *pool, const struct lessor_ask *ask)
{
    const struct lease_wish *wish = ask->wish;
    return origin_is_tenant(pool->tenant, ask->tenant) && pool->type_count == wish->type_count &&
           pool->queue_count == wish->queue_count &&
           are_same(pool->types, wish->types, wish->type_count) &&
           are_same(pool->queues, wish->queues, wish->queue_count);
}

static uint32_t held_at(const struct lessor_pool *pool, const struct msg_held *held)
{
    uint32_t at = 0;
    while (at < pool->held_count && (pool->held[at].held.token != held->token ||
                                     !id_equal(&pool->held[at].held.job_id, &held->job_id)))
        at++;
    return at;
}

static bool has_job_of(const struct lessor_pool *pool, const struct lessor_ask *ask)
{
    return origin_is_tenant(pool->tenant, ask->tenant) &&
           held_at(pool, &ask->held) < pool->held_count;
}

// A word about a job goes where the job came from.
static struct lessor_pool *find(struct lessor *lessor, const struct lessor_ask *ask)
{
    for (uint32_t i = 0; i < LESSOR_POOLS_MAX; i++) {
        struct lessor_pool *pool = lessor->pools[i];
        if (pool != NULL && (ask->wish != NULL ? is_of(pool, ask) : has_job_of(pool, ask)))
            return pool;
    }
    return NULL;
}

// --- its names, its connection ---

static struct slice keep(uint8_t **at, struct slice text)
{
    uint8_t *kept = *at;
    if (text.len > 0)
        memcpy(kept, text.data, text.len);
    *at += text.len;
    return slice_of(kept, text.len);
}

static bool keep_names(struct lessor_pool *pool, const struct lessor_ask *ask)
{
    const struct lease_wish *wish = ask->wish;
    size_t len = ask->tenant.len;
    for (uint32_t i = 0; i < wish->type_count; i++)
        len += wish->types[i].len;
    for (uint32_t i = 0; i < wish->queue_count; i++)
        len += wish->queues[i].len;
    uint8_t *at = pool->names = malloc(len + 1);
    if (at == NULL)
        return false;
    pool->tenant = keep(&at, ask->tenant);
    for (uint32_t i = 0; i < wish->type_count; i++)
        pool->types[pool->type_count++] = keep(&at, wish->types[i]);
    for (uint32_t i = 0; i < wish->queue_count; i++)
        pool->queues[pool->queue_count++] = keep(&at, wish->queues[i]);
    return true;
}

static err open_link(struct lessor *lessor, struct lessor_pool *pool)
{
    struct link_options options = {.kind = LINK_DEALER,
                                   .endpoint = lessor->endpoint,
                                   .message_bytes_max = MSG_BYTES_MAX,
                                   .curve = lessor->curve};
    pool->connection_count = 0;
    return link_open(lessor->context, &options, &pool->link);
}

static void pool_drop(struct lessor_pool *pool)
{
    if (pool->link != NULL)
        link_close(pool->link);
    free(pool->peer_memory);
    free(pool->names);
    free(pool);
}

static struct lessor_pool *pool_new(struct lessor *lessor, const struct lessor_ask *ask)
{
    struct lessor_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->peer_memory = malloc(peer_size(LESSOR_PARCELS_MAX));
    if (pool->peer_memory == NULL || !keep_names(pool, ask) || open_link(lessor, pool) != OK) {
        pool_drop(pool);
        return NULL;
    }
    blake_random(pool->worker_id.bytes, sizeof pool->worker_id.bytes);
    blake_random(&pool->session, sizeof pool->session);
    peer_init(&pool->peer, pool->peer_memory, LESSOR_PARCELS_MAX, pool->session);
    return pool;
}

struct lessor_pool *lessor_pool_for(struct lessor *lessor, const struct lessor_ask *ask)
{
    struct lessor_pool *pool = find(lessor, ask);
    for (uint32_t i = 0; pool == NULL && ask->wish != NULL && i < LESSOR_POOLS_MAX; i++) {
        if (lessor->pools[i] != NULL)
            continue;
        pool = lessor->pools[i] = pool_new(lessor, ask);
        break;
    }
    return pool;
}

// --- jobs in hand ---

static void forget(struct lessor_pool *pool, const struct msg_held *held)
{
    uint32_t at = held_at(pool, held);
    if (at < pool->held_count)
        pool->held[at] = pool->held[--pool->held_count];
}

static void give_back(struct lessor *lessor, struct lessor_pool *pool, const struct msg_job *job,
                      when_ms now)
{
    struct msg_finish_job word = {
        .job_id = job->job_id, .token = job->token, .outcome = OUTCOME_INTERRUPTED};
    struct msg msg = {.kind = MSG_FINISH, .finish = {.jobs = &word, .count = 1}};
    struct lessor_parcel parcel = {.held = {job->job_id, job->token}};
    // Unsaid, its lease passes.
    (void)lessor_parcel_ask(lessor, pool, &msg, parcel, now);
}

// Takes the first question off the line.
static struct lessor_ask *next_ask(struct lessor_pool *pool)
{
    struct lessor_ask *ask = pool->first;
    if (ask == NULL)
        return NULL;
    pool->first = ask->next;
    if (pool->first == NULL)
        pool->last = NULL;
    return ask;
}

// The first whose client is still there.
static struct lessor_ask *next_wanted(struct lessor_pool *pool)
{
    struct lessor_ask *ask = next_ask(pool);
    while (ask != NULL && !http_is_wanted(ask->request)) {
        finish(ask, &(struct lessor_result){.terms = pool->terms});
        ask = next_ask(pool);
    }
    return ask;
}

static void hear_jobs(struct lessor *lessor, struct lessor_pool *pool, const struct msg_jobs *jobs,
                      when_ms now)
{
    uint32_t at = 0;
    while (at < jobs->count) {
        struct lessor_ask *ask = next_wanted(pool);
        uint32_t left = jobs->count - at;
        uint32_t room = LESSOR_HELD_MAX - pool->held_count;
        uint32_t count = ask == NULL ? left : ask->wish->max < left ? ask->wish->max : left;
        count = ask != NULL && count > room ? room : count;
        for (uint32_t i = at; i < at + count; i++) {
            struct msg_held held = {jobs->jobs[i].job_id, jobs->jobs[i].token};
            if (ask == NULL)
                give_back(lessor, pool, &jobs->jobs[i], now);
            else
                pool->held[pool->held_count++] =
                    (struct lessor_held){held, now + pool->terms.lease_ms};
        }
        if (ask != NULL)
            finish(ask, &(struct lessor_result){
                            .jobs = jobs->jobs + at, .job_count = count, .terms = pool->terms});
        at += count;
    }
}

// --- answers ---

static void hear_renewed(struct lessor_pool *pool, const struct lessor_parcel *parcel,
                         const struct msg_renewed *renewed, when_ms now)
{
    for (uint32_t i = 0; i < renewed->lost.count; i++)
        forget(pool, &renewed->lost.items[i]);
    if (parcel->ask == NULL)
        return;
    uint32_t at = held_at(pool, &parcel->held);
    if (at < pool->held_count)
        pool->held[at].until = now + pool->terms.lease_ms;
    finish(parcel->ask,
           &(struct lessor_result){.error = renewed->lost.count > 0 ? ERR_STALE_LEASE : OK,
                                   .is_cancelled = renewed->cancel.count > 0,
                                   .terms = pool->terms});
}

// READY was refused: nobody gets anything.
static void hear_refusal(struct lessor_pool *pool, const struct lessor_parcel *parcel, err e)
{
    if (parcel->kind == MSG_READY)
        for (struct lessor_ask *ask = next_ask(pool); ask != NULL; ask = next_ask(pool))
            fail(ask, e);
    if (parcel->ask != NULL)
        fail(parcel->ask, e);
}

static void hear_answer(struct lessor_pool *pool, const struct msg *msg, when_ms now)
{
    uint64_t user;
    if (!peer_answered(&pool->peer, msg->corr, &user))
        return; // a repeated request has been answered twice
    struct lessor_parcel *parcel =
        lessor_parcel_take(pool, (struct lessor_parcel *)(uintptr_t)user);
    if (msg->kind == MSG_RENEWED) {
        hear_renewed(pool, parcel, &msg->renewed, now);
    } else if (msg->kind == MSG_FINISHED && msg->finished.count == 1) {
        forget(pool, &parcel->held);
        if (parcel->ask != NULL)
            finish(parcel->ask, &(struct lessor_result){.error = msg->finished.jobs[0].error});
    } else {
        bool is_told = msg->kind == MSG_ERROR && msg->error.error != OK;
        hear_refusal(pool, parcel, is_told ? msg->error.error : ERR_MALFORMED);
    }
    lessor_parcel_free(parcel);
}

static void hear_welcome(struct lessor_pool *pool, const struct msg *msg, when_ms now)
{
    if (!peer_welcomed(&pool->peer, now, msg->corr))
        return;
    pool->terms = (struct lease_terms){msg->welcome.lease_ms, msg->welcome.renew_ms};
    for (uint32_t i = 0; i < msg->welcome.lost.count; i++)
        forget(pool, &msg->welcome.lost.items[i]);
    pool->is_ready_due = true;
    pool->beat_at = now + pool->terms.renew_ms;
}

static void hear(struct lessor *lessor, struct lessor_pool *pool,
                 const struct link_message *message, when_ms now)
{
    struct msg msg;
    arena_reset(&lessor->in);
    if (!slice_is_text(message->version, WIRE_VERSION) ||
        wire_decode(message->envelope, message->block, &lessor->in, &msg) != OK) {
        log_warn("gateway.message_unread", "bytes=%zu", message->envelope.len);
        return;
    }
    peer_heard(&pool->peer);
    if (msg.kind == MSG_WELCOME)
        hear_welcome(pool, &msg, now);
    else if (msg.kind == MSG_JOBS)
        hear_jobs(lessor, pool, &msg.jobs, now);
    else if (msg.kind == MSG_ERROR && msg.error.error == ERR_UNKNOWN_PEER)
        peer_unknown(&pool->peer, now, msg.corr);
    else if (msg.corr != 0)
        hear_answer(pool, &msg, now);
}

static void receive_all(struct lessor *lessor, struct lessor_pool *pool, when_ms now)
{
    for (;;) {
        struct link_message message;
        err e = link_receive(pool->link, &message);
        if (e == ERR_AGAIN)
            return;
        if (e == OK)
            hear(lessor, pool, &message, now);
        link_release(&message);
    }
}

// --- what the peer wants done ---

static struct msg_held_list held_of(const struct lessor_pool *pool, struct msg_held *room)
{
    for (uint32_t i = 0; i < pool->held_count; i++)
        room[i] = pool->held[i].held;
    return (struct msg_held_list){room, pool->held_count};
}

static err send_hello(struct lessor *lessor, struct lessor_pool *pool, uint64_t corr)
{
    struct msg_held held[LESSOR_HELD_MAX];
    struct msg msg = {.kind = MSG_HELLO,
                      .corr = corr,
                      .tenant = pool->tenant,
                      .hello = {.role = ROLE_WORKER,
                                .name = slice_of_text("http"),
                                .worker_id = pool->worker_id,
                                .session = pool->session,
                                .running = held_of(pool, held)}};
    if (origin_is_tenant(pool->tenant, (struct slice){0}))
        msg.tenant = (struct slice){0};
    return lessor_parcel_once(lessor, pool, &msg);
}

static void give_up(struct lessor_pool *pool, struct lessor_parcel *parcel)
{
    lessor_parcel_take(pool, parcel);
    pool->is_ready_due = pool->is_ready_due || parcel->kind == MSG_READY;
    if (parcel->ask != NULL)
        fail(parcel->ask, parcel->was_sent ? ERR_TIMEOUT : ERR_NO_BROKER);
    lessor_parcel_free(parcel);
}

static void act(struct lessor *lessor, struct lessor_pool *pool, when_ms now)
{
    struct peer_action action;
    while ((action = peer_next(&pool->peer, now)).kind != PEER_NOTHING) {
        struct lessor_parcel *parcel = (struct lessor_parcel *)(uintptr_t)action.user;
        err e = OK;
        switch (action.kind) {
        case PEER_NOTHING: UNREACHABLE();
        case PEER_HELLO: e = send_hello(lessor, pool, action.corr); break;
        case PEER_SEND: e = lessor_parcel_send(pool, parcel); break;
        case PEER_GIVE_UP: give_up(pool, parcel); break;
        case PEER_RECONNECT:
            link_close(pool->link);
            CHECK(open_link(lessor, pool) == OK); // the endpoint was good before
            break;
        }
        if (e != OK)
            peer_unsent(&pool->peer, now, &action);
    }
}

// --- what time wants ---

// As many jobs as are wanted, beside those in hand.
static uint32_t slots_of(const struct lessor_pool *pool)
{
    uint32_t slots = pool->held_count;
    for (const struct lessor_ask *ask = pool->first; ask != NULL; ask = ask->next)
        slots += ask->wish->max;
    return slots < LESSOR_HELD_MAX ? slots : LESSOR_HELD_MAX;
}

static void say_ready(struct lessor *lessor, struct lessor_pool *pool, when_ms now)
{
    uint32_t slots = slots_of(pool);
    if (!peer_is_known(&pool->peer) || (slots == pool->slots && !pool->is_ready_due))
        return;
    struct msg msg = {.kind = MSG_READY,
                      .ready = {.types = pool->types,
                                .type_count = pool->type_count,
                                .queues = pool->queues,
                                .queue_count = pool->queue_count,
                                .slots = slots,
                                .quiet = pool->first == NULL}};
    if (lessor_parcel_ask(lessor, pool, &msg, (struct lessor_parcel){0}, now) != OK)
        return; // next time
    pool->slots = slots;
    pool->is_ready_due = false;
}

// Questions that have waited long enough, or whose client has gone. Of a pool of one wait they are
// in order; others are looked through.
static void expire(struct lessor_pool *pool, when_ms now)
{
    struct lessor_ask *left = pool->first;
    pool->first = pool->last = NULL;
    while (left != NULL) {
        struct lessor_ask *ask = left;
        left = ask->next;
        ask->next = NULL;
        if (now < ask->until && http_is_wanted(ask->request)) {
            if (pool->last != NULL)
                pool->last->next = ask;
            else
                pool->first = ask;
            pool->last = ask;
        } else if (peer_is_known(&pool->peer)) {
            finish(ask, &(struct lessor_result){.terms = pool->terms});
        } else {
            fail(ask, ERR_NO_BROKER);
        }
    }
}

static void forget_passed(struct lessor_pool *pool, when_ms now)
{
    for (uint32_t i = pool->held_count; i-- > 0;)
        if (now >= pool->held[i].until)
            pool->held[i] = pool->held[--pool->held_count];
}

// The broker drops passed leases that it does not name, and live ones stay as they are.
static void beat(struct lessor *lessor, struct lessor_pool *pool, when_ms now)
{
    if (now < pool->beat_at || !peer_is_known(&pool->peer))
        return;
    struct msg msg = {.kind = MSG_RENEW};
    // Unsent, the next one will do.
    (void)lessor_parcel_ask(lessor, pool, &msg, (struct lessor_parcel){0}, now);
    pool->beat_at = now + pool->terms.renew_ms;
}

void lessor_pool_turn(struct lessor *lessor, struct lessor_pool *pool, when_ms now)
{
    uint32_t count = link_connection_count(pool->link);
    if (count != pool->connection_count)
        peer_connected(&pool->peer, now);
    pool->connection_count = count;
    if (link_refusal(pool->link) != OK)
        peer_unknown(&pool->peer, now, 0); // it tries again
    receive_all(lessor, pool, now);
    expire(pool, now);
    forget_passed(pool, now);
    beat(lessor, pool, now);
    say_ready(lessor, pool, now);
    act(lessor, pool, now);
    if (pool->first != NULL || pool->held_count > 0 || pool->parcels != NULL)
        pool->used_at = now;
}

// --- from outside ---

static err say(struct lessor *lessor, struct lessor_pool *pool, struct lessor_ask *ask, when_ms now)
{
    struct lessor_parcel parcel = {.ask = ask, .held = ask->held};
    struct msg msg = {.kind = MSG_FINISH, .finish = {.jobs = ask->finish, .count = 1}};
    if (ask->finish == NULL)
        msg = (struct msg){.kind = MSG_RENEW,
                           .renew = {.running = {&ask->held, 1},
                                     .progress = ask->progress,
                                     .progress_count = ask->progress != NULL,
                                     .log = ask->lines,
                                     .log_count = ask->line_count}};
    return lessor_parcel_ask(lessor, pool, &msg, parcel, now);
}

void lessor_pool_take(struct lessor *lessor, struct lessor_pool *pool, struct lessor_ask *ask,
                      when_ms now)
{
    pool->used_at = now;
    if (ask->wish == NULL) {
        err e = say(lessor, pool, ask, now);
        if (e != OK)
            fail(ask, e);
        return;
    }
    when_ms wait = ask->wish->wait_ms;
    ask->until = now + (wait > LESSOR_WAIT_MS_MIN ? wait : LESSOR_WAIT_MS_MIN);
    ask->next = NULL;
    if (slots_of(pool) == LESSOR_HELD_MAX) {
        fail(ask, ERR_FULL);
        return;
    }
    if (pool->last != NULL)
        pool->last->next = ask;
    else
        pool->first = ask;
    pool->last = ask;
}

// The answer to a RENEW behind it comes from somebody who does not know us any more.
void lessor_pool_bye(struct lessor *lessor, struct lessor_pool *pool, when_ms until)
{
    struct msg_held held[LESSOR_HELD_MAX];
    struct msg renew = {.kind = MSG_RENEW};
    struct msg bye = {.kind = MSG_BYE, .bye = {.running = held_of(pool, held), .is_all = true}};
    bye.bye.reason = slice_of_text("the gateway stops");
    when_ms now = clock_mono_ms();
    if (!peer_is_known(&pool->peer) || lessor_parcel_once(lessor, pool, &bye) != OK ||
        lessor_parcel_ask(lessor, pool, &renew, (struct lessor_parcel){0}, now) != OK)
        return;
    act(lessor, pool, now);
    struct link_wait item = {.link = pool->link};
    while (now < until && peer_is_known(&pool->peer) && link_wait(&item, 1, until - now) == OK) {
        receive_all(lessor, pool, now);
        now = clock_mono_ms();
    }
}

void lessor_pool_free(struct lessor *lessor, uint32_t place)
{
    struct lessor_pool *pool = lessor->pools[place];
    lessor->pools[place] = NULL;
    for (struct lessor_ask *ask = next_ask(pool); ask != NULL; ask = next_ask(pool))
        fail(ask, ERR_NO_BROKER);
    while (pool->parcels != NULL)
        give_up(pool, pool->parcels);
    pool_drop(pool);
}
