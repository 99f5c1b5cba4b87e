// The courier's thread.

#include "gateway/shell/courier_private.h"

#include "gateway/shell/gather.h"
#include "gateway/shell/question.h"
#include "lib/base/origin.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "proto/wire.h"

// --- queues ---

static void finish(struct ask *ask, err e)
{
    ask->done(ask, &(struct ask_result){.error = e});
}

static void finish_all(struct ask_line *line, err e)
{
    for (struct ask *ask = ask_take(line); ask != NULL; ask = ask_take(line))
        finish(ask, e);
}

static void collect_arrivals(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    struct ask_line arrivals = courier->arrivals;
    courier->arrivals = (struct ask_line){0};
    courier->is_rung = false;
    pthread_mutex_unlock(&courier->lock);
    for (struct ask *ask = ask_take(&arrivals); ask != NULL; ask = ask_take(&arrivals))
        ask_put(ask->kind != ASK_SUBMIT ? &courier->questions
                : ask->is_bulk          ? &courier->bulk
                                        : &courier->urgent,
                ask);
}

// --- parcels ---

static struct msg take_question(struct courier *courier, struct ask_line *asks)
{
    struct ask *ask = ask_take(&courier->questions);
    ask_put(asks, ask);
    return question_of(ask);
}

// Questions go out at once. A link that has ended says so before the peer misses an answer.
static bool is_there(const struct courier *courier)
{
    return courier->is_connected && peer_is_known(&courier->peer);
}

// What can be packed now; NULL: nothing.
static const struct ask *next_to_pack(const struct courier *courier, bool is_urgent_due)
{
    if (!is_there(courier) || courier->peer.ask_count == courier->peer.ask_count_max)
        return NULL;
    if (courier->questions.first != NULL)
        return courier->questions.first;
    if (is_urgent_due && courier->urgent.first != NULL)
        return courier->urgent.first;
    return courier->parcels.submit_count < COURIER_FLIGHT_MAX ? courier->bulk.first : NULL;
}

// Makes one message of what waits.
static void pack(struct courier *courier, when_ms now, const struct ask *next)
{
    struct msg_submit_job jobs[GATHER_JOBS_MAX];
    struct parcel *parcel = parcel_new(&courier->parcels, next->kind);
    CHECK(parcel != NULL); // a hundred bytes are there or nothing is
    struct peer_request request = {
        .user = (uint64_t)(uintptr_t)parcel,
        .deadline = now + COURIER_DEADLINE_MS + next->wait_ms,
        .patience = next->wait_ms,
    };
    struct slice tenant = next->tenant;
    struct msg msg = next->kind == ASK_SUBMIT
                         ? gather_jobs(&courier->urgent, &courier->bulk, &parcel->asks, jobs)
                         : take_question(courier, &parcel->asks);
    if (!origin_is_tenant(tenant, (struct slice){0}))
        msg.tenant = tenant;
    err e = peer_ask(&courier->peer, now, &request, &parcel->corr);
    CHECK(e == OK); // next_to_pack() has looked
    msg.corr = parcel->corr;
    parcel->job_count = msg.kind == MSG_SUBMIT ? msg.submit.count : 0;
    e = parcel_fill(parcel, &msg, &courier->arena);
    if (e == OK)
        return;
    // Nothing has been sent, and the broker would not take it either.
    (void)peer_drop(&courier->peer, parcel->corr);
    struct ask_line asks = parcel->asks;
    parcel_remove(&courier->parcels, parcel);
    finish_all(&asks, e);
}

// A message holds jobs of one tenant. Those that wait at this moment all go, each tenant's in its own,
// so that none waits for another's answer.
static void pack_all(struct courier *courier, when_ms now)
{
    bool is_due = courier->parcels.submit_count < COURIER_FLIGHT_MAX;
    for (const struct ask *next; (next = next_to_pack(courier, is_due)) != NULL;)
        pack(courier, now, next);
}

// --- questions that find no broker ---

// How long a question waits: for a broker that has just gone, and not at all for one that is long away.
static when_ms end_of(const struct courier *courier, const struct ask *ask)
{
    when_ms since = courier->absence.is_absent ? courier->absence.since : ask->asked_at;
    return when_min(ask->asked_at, since) + COURIER_PATIENCE_MS;
}

// Ends those that have waited too long. They stand in the order of their arrival.
static void expire_line(struct courier *courier, struct ask_line *line, when_ms now)
{
    while (line->first != NULL && now >= end_of(courier, line->first)) {
        struct ask *ask = ask_take(line);
        (void)atomic_fetch_add(&courier->unsent, 1);
        if (end_of(courier, ask) > ask->asked_at)
            (void)atomic_fetch_add(&courier->unsent_later, 1);
        finish(ask, ERR_NO_BROKER);
    }
}

static void expire(struct courier *courier, when_ms now)
{
    // With a broker they wait only for their turn.
    if (is_there(courier))
        return;
    expire_line(courier, &courier->questions, now);
    expire_line(courier, &courier->urgent, now);
    expire_line(courier, &courier->bulk, now);
}

static when_ms first_expiry(const struct courier *courier)
{
    const struct ask *firsts[] = {courier->questions.first, courier->urgent.first,
                                  courier->bulk.first};
    when_ms first = WHEN_NEVER;
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        if (firsts[i] != NULL && !is_there(courier))
            first = when_min(first, end_of(courier, firsts[i]));
    }
    return first;
}

// --- what the peer wants done ---

static err send_hello(struct courier *courier, uint64_t corr)
{
    struct wire_frames frames;
    struct msg msg = {
        .kind = MSG_HELLO,
        .corr = corr,
        .hello = {.role = ROLE_GATEWAY,
                  .name = slice_of_text("gateway"),
                  .session = courier->session},
    };
    arena_reset(&courier->arena);
    err e = wire_encode(&msg, &courier->arena, &frames);
    if (e != OK)
        return e;
    return link_send(courier->link, (struct slice){0}, frames.envelope, frames.block);
}

static err send_parcel(struct courier *courier, const struct peer_action *action)
{
    struct parcel *parcel = (struct parcel *)(uintptr_t)action->user;
    struct slice envelope = slice_of(parcel->bytes, parcel->envelope_len);
    struct slice block = slice_of(parcel->bytes + parcel->envelope_len, parcel->block_len);
    err e = link_send(courier->link, (struct slice){0}, envelope, block);
    if (e != OK)
        return e;
    if (parcel->was_sent) {
        (void)atomic_fetch_add(&courier->messages_repeated, 1);
    } else if (parcel->kind == ASK_SUBMIT) {
        (void)atomic_fetch_add(&courier->messages_sent, 1);
        (void)atomic_fetch_add(&courier->jobs_sent, parcel->job_count);
    }
    parcel->was_sent = true;
    if (parcel->kind == ASK_SUBMIT)
        failpoint_hit("gateway.after_submit");
    return OK;
}

static void give_up(struct courier *courier, struct parcel *parcel)
{
    struct ask_line asks = parcel->asks;
    err e = parcel->was_sent ? ERR_TIMEOUT : ERR_NO_BROKER;
    parcel_remove(&courier->parcels, parcel);
    finish_all(&asks, e);
}

static void reconnect(struct courier *courier)
{
    log_info("gateway.reconnecting", "endpoint=%s", courier->endpoint);
    link_close(courier->link);
    err e = courier_loop_connect(courier);
    // The endpoint was good before; without descriptors or memory a new process is the better one.
    CHECK(e == OK);
}

static void act(struct courier *courier, when_ms now)
{
    struct peer_action action;
    while ((action = peer_next(&courier->peer, now)).kind != PEER_NOTHING) {
        err e = OK;
        switch (action.kind) {
        case PEER_NOTHING: UNREACHABLE();
        case PEER_HELLO: e = send_hello(courier, action.corr); break;
        case PEER_SEND: e = send_parcel(courier, &action); break;
        case PEER_GIVE_UP: give_up(courier, (struct parcel *)(uintptr_t)action.user); break;
        case PEER_RECONNECT: reconnect(courier); break;
        }
        if (e != OK)
            peer_unsent(&courier->peer, now, &action);
    }
}

// --- what arrives ---

static void welcomed(struct courier *courier, when_ms now, const struct msg *msg)
{
    if (!peer_welcomed(&courier->peer, now, msg->corr))
        return;
    (void)atomic_fetch_add(&courier->welcomes, 1);
    atomic_store(&courier->lineage, msg->welcome.lineage);
    log_info("gateway.welcomed", "broker=%s epoch=%u", log_quote(msg->welcome.broker).text,
             msg->welcome.epoch);
}

static void submitted(struct parcel *parcel, const struct msg_submitted *answer)
{
    if (answer->count != parcel->job_count)
        log_error("gateway.answer_misfit", "asked=%u answered=%u", parcel->job_count,
                  answer->count);
    gather_answer(&parcel->asks, parcel->job_count, answer);
}

static void answered(struct courier *courier, const struct msg *msg)
{
    uint64_t user;
    if (!peer_answered(&courier->peer, msg->corr, &user))
        return; // a repeated question has been answered twice
    struct parcel *parcel = (struct parcel *)(uintptr_t)user;
    if (msg->kind == MSG_SUBMITTED && parcel->kind == ASK_SUBMIT) {
        submitted(parcel, &msg->submitted);
    } else {
        struct ask_line asks = parcel->asks;
        struct ask_result result = question_answer(parcel->kind, msg);
        for (struct ask *ask = ask_take(&asks); ask != NULL; ask = ask_take(&asks))
            ask->done(ask, &result);
    }
    parcel->asks = (struct ask_line){0};
    parcel_remove(&courier->parcels, parcel);
}

static void take_message(struct courier *courier, when_ms now, const struct link_message *message)
{
    struct msg msg;
    arena_reset(&courier->arena);
    if (!slice_is_text(message->version, WIRE_VERSION) ||
        wire_decode(message->envelope, message->block, &courier->arena, &msg) != OK) {
        log_warn("gateway.message_unread", "bytes=%zu", message->envelope.len);
        return;
    }
    peer_heard(&courier->peer);
    if (msg.kind == MSG_WELCOME)
        welcomed(courier, now, &msg);
    else if (msg.kind == MSG_ERROR && msg.error.error == ERR_UNKNOWN_PEER)
        peer_unknown(&courier->peer, now, msg.corr);
    else
        answered(courier, &msg);
}

static void receive_all(struct courier *courier, when_ms now)
{
    for (;;) {
        struct link_message message;
        err e = link_receive(courier->link, &message);
        if (e == ERR_AGAIN)
            return;
        if (e == OK)
            take_message(courier, now, &message);
        link_release(&message);
    }
}

// --- the loop ---

static const char *fate_of_jobs(struct courier *courier)
{
    return atomic_load(&courier->spools) ? "spooled" : "refused";
}

static void tell_refusal(struct courier *courier, err refusal)
{
    log_error("gateway.refused", "broker=%s error=%s fix=%s jobs=%s", courier->endpoint,
              err_slug(refusal), log_quote_text(curve_fix(refusal, courier->curve)).text,
              fate_of_jobs(courier));
}

static void look_at_connection(struct courier *courier, when_ms now)
{
    uint32_t count = link_connection_count(courier->link);
    err refusal = link_refusal(courier->link);
    if (refusal != OK && refusal != courier->refusal)
        tell_refusal(courier, refusal);
    if (refusal != OK)
        peer_unknown(&courier->peer, now, 0); // it tries again, also when nobody asks
    // A link that was made anew does not know yet; so only a connection ends a refusal.
    if (refusal != OK || link_is_connected(courier->link))
        courier->refusal = refusal;
    if (count != courier->connection_count)
        peer_connected(&courier->peer, now);
    courier->connection_count = count;
    courier->is_connected = link_is_connected(courier->link);
}

// When the courier is to end at the latest; WHEN_NEVER while nobody has told it to.
static when_ms stop_time(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    when_ms at = courier->is_closing ? courier->stop_at : WHEN_NEVER;
    pthread_mutex_unlock(&courier->lock);
    return at;
}

// False when it has been told to stop and nothing is worth waiting for any more.
static bool goes_on(struct courier *courier, when_ms now)
{
    when_ms stop_at = stop_time(courier);
    if (stop_at == WHEN_NEVER)
        return true;
    bool is_done = courier->parcels.submit_count == 0 && courier->urgent.first == NULL &&
                   courier->bulk.first == NULL;
    return now < stop_at && !is_done && peer_is_known(&courier->peer);
}

static void rest(struct courier *courier, when_ms now)
{
    when_ms span = peer_wait_ms(&courier->peer, now);
    when_ms until = when_min(stop_time(courier), absence_next(&courier->absence));
    until = when_min(until, first_expiry(courier));
    if (until != WHEN_NEVER) {
        when_ms left = until > now ? until - now : 0;
        span = span < 0 ? left : when_min(span, left);
    }
    struct link_wait items[] = {
        {.link = courier->link},
        {.fd = courier->wake.fd},
    };
    err e = link_wait(items, 2, span);
    CHECK(e == OK);
    wake_clear(&courier->wake);
}

static void tell_return(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    courier_returned *returned = courier->returned;
    void *ctx = courier->returned_ctx;
    pthread_mutex_unlock(&courier->lock);
    if (returned != NULL)
        returned(ctx);
}

static void look_at_broker(struct courier *courier, when_ms now)
{
    bool is_ready = is_there(courier);
    if (!atomic_exchange(&courier->is_ready, is_ready) && is_ready)
        tell_return(courier);
    // Who refuses is there, and gateway.refused has told what helps.
    bool is_heard_of = is_ready || link_refusal(courier->link) != OK;
    if (!absence_is_news(&courier->absence, now, is_heard_of))
        return;
    courier->refusal = OK; // another one is news again
    log_warn("gateway.no_broker", "broker=%s jobs=%s", courier->endpoint, fate_of_jobs(courier));
}

void *courier_loop_run(void *ctx)
{
    struct courier *courier = ctx;
    process_name("courier");
    for (when_ms now = clock_mono_ms(); goes_on(courier, now); now = clock_mono_ms()) {
        look_at_connection(courier, now);
        receive_all(courier, now);
        collect_arrivals(courier);
        pack_all(courier, now);
        act(courier, now);
        expire(courier, now);
        look_at_broker(courier, now);
        rest(courier, now);
    }
    return NULL;
}

err courier_loop_connect(struct courier *courier)
{
    struct link_options options = {
        .kind = LINK_DEALER,
        .endpoint = courier->endpoint,
        .message_bytes_max = MSG_BYTES_MAX,
        .curve = courier->curve,
    };
    courier->connection_count = 0;
    return link_open(courier->context, &options, &courier->link);
}

void courier_loop_end(struct courier *courier)
{
    collect_arrivals(courier);
    finish_all(&courier->questions, ERR_NO_BROKER);
    finish_all(&courier->urgent, ERR_NO_BROKER);
    finish_all(&courier->bulk, ERR_NO_BROKER);
    while (courier->parcels.first != NULL)
        give_up(courier, courier->parcels.first);
}
