// Sending.

#include "worker/shell/talk.h"

#include "lib/base/check.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "proto/wire.h"
#include "worker/shell/crew_private.h"
#include "worker/shell/talk_private.h"

enum {
    RECEIVE_MAX = 64,                     // messages taken in per round
    FINISH_BYTES_MAX = MSG_BYTES_MAX / 2, // leaves room for the largest single outcome
    LEAVE_WAIT_MS = 1000,
};

static err open_link(struct worker *worker)
{
    const struct link_options options = {
        .kind = LINK_DEALER, .endpoint = worker->setup->broker, .message_bytes_max = MSG_BYTES_MAX};
    worker->connection_count = 0;
    return link_open(worker->context, &options, &worker->link);
}

static bool make_arena(struct arena *arena)
{
    arena->cap = wire_arena_size(MSG_BYTES_MAX);
    arena->data = malloc(arena->cap); // only what is used is touched
    return arena->data != NULL;
}

err talk_open(struct worker *worker)
{
    void *memory = malloc(peer_size(WORKER_ASKS_MAX));
    worker->renewal_room = malloc(sizeof *worker->renewal_room);
    if (memory == NULL || worker->renewal_room == NULL || !make_arena(&worker->decoding) ||
        !make_arena(&worker->encoding)) {
        free(memory);
        return ERR_NO_MEMORY;
    }
    peer_init(&worker->peer, memory, WORKER_ASKS_MAX, worker->session);
    err opened = link_context_open(&worker->context);
    return opened == OK ? open_link(worker) : opened;
}

void talk_close(struct worker *worker)
{
    link_close(worker->link);
    if (worker->context != NULL)
        link_context_close(worker->context);
    for (uint32_t i = 0; i < WORKER_FINISHES_MAX; i++)
        free(worker->finishes[i].bytes);
    free(worker->peer.asks);
    free(worker->renewal_room);
    free(worker->decoding.data);
    free(worker->encoding.data);
}

// --- one message ---

static struct wire_frames encode(struct worker *worker, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&worker->encoding);
    // Everything said here is built within the limits.
    err encoded = wire_encode(msg, &worker->encoding, &frames);
    CHECK(encoded == OK);
    return frames;
}

static err say(struct worker *worker, const struct msg *msg)
{
    struct wire_frames frames = encode(worker, msg);
    return link_send(worker->link, slice_of(NULL, 0), frames.envelope, frames.block);
}

static err say_hello(struct worker *worker, uint64_t corr)
{
    struct msg msg = {.kind = MSG_HELLO, .corr = corr, .tenant = worker->setup->tenant};
    msg.hello = (struct msg_hello){
        .role = ROLE_WORKER,
        .name = slice_of_text(worker->setup->name),
        .worker_id = worker->home->worker_id,
        .session = worker->session,
        .running = renewal_held(&worker->slots, &worker->outbox, worker->renewal_room)};
    return say(worker, &msg);
}

static err say_ready(struct worker *worker)
{
    const struct setup *setup = worker->setup;
    struct msg msg = {.kind = MSG_READY};
    msg.ready = (struct msg_ready){.types = setup->types,
                                   .type_count = setup->type_count,
                                   .queues = setup->queues,
                                   .queue_count = setup->queue_count,
                                   .slots = setup->slot_count,
                                   .quiet = phase_is_quiet(&worker->phase)};
    return say(worker, &msg);
}

static err say_renew(struct worker *worker, uint64_t corr)
{
    struct msg msg = {.kind = MSG_RENEW, .corr = corr};
    msg.renew = renewal_fill(&worker->renewal, worker->now, &worker->slots, &worker->outbox,
                             worker->renewal_room);
    return say(worker, &msg);
}

// --- FINISH ---

struct finish *talk_finish_of(struct worker *worker, uint64_t batch)
{
    for (uint32_t i = 0; i < WORKER_FINISHES_MAX; i++) {
        if (worker->finishes[i].batch == batch)
            return &worker->finishes[i];
    }
    return NULL;
}

void talk_finish_done(struct finish *finish)
{
    free(finish->bytes);
    *finish = (struct finish){0};
}

// The correlation number belongs to the message, so it is asked for before the bytes are made.
static void keep_finish(struct worker *worker, struct finish *finish, const struct msg_finish *jobs)
{
    const struct peer_request request = {.user = finish->batch, .deadline = WHEN_NEVER};
    err asked = peer_ask(&worker->peer, worker->now, &request, &finish->corr);
    CHECK(asked == OK); // there are as many places as messages
    struct msg msg = {.kind = MSG_FINISH, .corr = finish->corr, .finish = *jobs};
    struct wire_frames frames = encode(worker, &msg);
    finish->envelope_len = frames.envelope.len;
    finish->block_len = frames.block.len;
    finish->bytes = malloc(frames.envelope.len + frames.block.len + 1);
    if (finish->bytes == NULL)
        crew_die(worker, "worker.no_memory", "for outcomes");
    if (frames.envelope.len > 0)
        memcpy(finish->bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(finish->bytes + frames.envelope.len, frames.block.data, frames.block.len);
}

static void count_resent(struct worker *worker, const struct msg_finish *jobs)
{
    for (uint32_t i = 0; i < jobs->count; i++)
        worker->stats.resent += jobs->jobs[i].resent;
    worker->stats.is_changed = true;
}

// The last lines of these jobs, as far as one message takes them.
static uint32_t gather_log(struct worker *worker, const struct msg_finish_job *jobs, uint32_t count)
{
    struct msg_log_line *lines = worker->renewal_room->lines;
    uint32_t line_count = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct msg_held held = {.job_id = jobs[i].job_id, .token = jobs[i].token};
        uint32_t entry = outbox_find(&worker->outbox, &held);
        CHECK(entry != OUTBOX_NONE);
        const struct outcome_report *report = &worker->outbox.items[entry].report;
        for (uint32_t n = 0; n < report->log_count; n++) {
            bytes += report->log[n].text.len;
            if (line_count == MSG_LOG_LINES_MAX || bytes > RENEWAL_LOG_BYTES_MAX)
                return line_count;
            lines[line_count++] = report->log[n];
        }
    }
    return line_count;
}

// Durable outcomes become messages, as many as may be on their way.
static void fill_finishes(struct worker *worker)
{
    static struct msg_finish_job jobs[MSG_JOBS_MAX];
    struct finish *finish = talk_finish_of(worker, 0);
    while (finish != NULL && peer_is_known(&worker->peer)) {
        uint64_t batch = worker->batch_count + 1;
        uint32_t count = outbox_pick(&worker->outbox, batch, jobs, MSG_JOBS_MAX, FINISH_BYTES_MAX);
        if (count == 0)
            return;
        worker->batch_count = batch;
        finish->batch = batch;
        const struct msg_finish message = {.jobs = jobs,
                                           .count = count,
                                           .log = worker->renewal_room->lines,
                                           .log_count = gather_log(worker, jobs, count)};
        keep_finish(worker, finish, &message);
        count_resent(worker, &message);
        finish = talk_finish_of(worker, 0);
    }
}

static err say_finish(struct worker *worker, uint64_t batch)
{
    const struct finish *finish = talk_finish_of(worker, batch);
    CHECK(finish != NULL);
    err sent =
        link_send(worker->link, slice_of(NULL, 0), slice_of(finish->bytes, finish->envelope_len),
                  slice_of(finish->bytes + finish->envelope_len, finish->block_len));
    if (sent == OK)
        failpoint_hit("worker.after_finish_sent");
    return sent;
}

// --- what is due ---

static void reconnect(struct worker *worker)
{
    log_warn("worker.reconnect", "broker=%s why=\"no answer for long\"", worker->setup->broker);
    link_close(worker->link);
    worker->link = NULL;
    if (open_link(worker) != OK)
        crew_die(worker, "worker.no_link", "the connection cannot be made anew");
}

static void act(struct worker *worker, const struct peer_action *action)
{
    err sent = OK;
    switch (action->kind) {
    case PEER_NOTHING: return;
    case PEER_HELLO: sent = say_hello(worker, action->corr); break;
    case PEER_SEND:
        sent = action->user == TALK_USER_RENEW ? say_renew(worker, action->corr)
                                               : say_finish(worker, action->user);
        break;
    case PEER_RECONNECT: reconnect(worker); return;
    case PEER_GIVE_UP: UNREACHABLE(); // no request has a deadline
    }
    if (sent != OK)
        peer_unsent(&worker->peer, worker->now, action);
}

// A newer heartbeat says more than an unanswered one.
static void ask_renew(struct worker *worker)
{
    if (!peer_is_known(&worker->peer) ||
        renewal_next(&worker->renewal, &worker->slots) > worker->now)
        return;
    if (worker->renew_corr != 0)
        (void)peer_drop(&worker->peer, worker->renew_corr);
    worker->renewal.sent_at = worker->now;
    const struct peer_request request = {.user = TALK_USER_RENEW, .deadline = WHEN_NEVER};
    err asked = peer_ask(&worker->peer, worker->now, &request, &worker->renew_corr);
    CHECK(asked == OK); // one place is for this
}

static void tell_absence(struct worker *worker)
{
    bool is_there = peer_is_known(&worker->peer) && link_is_connected(worker->link);
    if (absence_is_news(&worker->absence, worker->now, is_there))
        log_warn("worker.no_broker",
                 "broker=%s fix=\"start it, or correct --broker\" "
                 "now=\"what runs goes on, outcomes wait in the journal\"",
                 worker->setup->broker);
}

void talk_speak(struct worker *worker)
{
    tell_absence(worker);
    if (worker->ready_due && peer_is_known(&worker->peer))
        worker->ready_due = say_ready(worker) != OK;
    ask_renew(worker);
    if (worker->tell_at <= worker->now) {
        outbox_unhold(&worker->outbox);
        worker->tell_at = WHEN_NEVER;
    }
    fill_finishes(worker);
    struct peer_action action = peer_next(&worker->peer, worker->now);
    while (action.kind != PEER_NOTHING) {
        act(worker, &action);
        action = peer_next(&worker->peer, worker->now);
    }
}

when_ms talk_next(const struct worker *worker)
{
    when_ms wait = peer_wait_ms(&worker->peer, worker->now);
    when_ms next = wait < 0 ? WHEN_NEVER : worker->now + wait;
    if (peer_is_known(&worker->peer))
        next = when_min(next, renewal_next(&worker->renewal, &worker->slots));
    next = when_min(next, absence_next(&worker->absence));
    next = when_min(next, worker->tell_at);
    // The link had no room: as patient as with everything else.
    if (worker->ready_due && peer_is_known(&worker->peer))
        next = when_min(next, worker->now + PEER_UNSENT_MS);
    return next;
}

// --- receiving ---

static err take_message(struct worker *worker)
{
    struct link_message message;
    err received = link_receive(worker->link, &message);
    if (received == ERR_AGAIN)
        return received;
    struct msg msg;
    arena_reset(&worker->decoding);
    err decoded = received;
    if (decoded == OK && !slice_is_text(message.version, WIRE_VERSION))
        decoded = ERR_VERSION;
    if (decoded == OK)
        decoded = wire_decode(message.envelope, message.block, &worker->decoding, &msg);
    if (decoded == OK)
        talk_hear(worker, &msg);
    else
        log_warn("worker.odd_message", "error=%s", err_slug(decoded));
    link_release(&message);
    return OK;
}

static void notice_connection(struct worker *worker)
{
    uint32_t count = link_connection_count(worker->link);
    if (count == worker->connection_count)
        return;
    worker->connection_count = count;
    peer_connected(&worker->peer, worker->now);
}

void talk_listen(struct worker *worker)
{
    notice_connection(worker);
    for (uint32_t i = 0; i < RECEIVE_MAX; i++) {
        if (take_message(worker) != OK)
            return;
    }
}

// After BYE the broker does not know this worker; whatever it says to a last RENEW proves that BYE
// has arrived before it.
void talk_leave(struct worker *worker)
{
    if (!peer_is_known(&worker->peer))
        return;
    struct msg bye = {.kind = MSG_BYE, .bye = {.reason = slice_of_text("told to stop")}};
    uint64_t corr = 0;
    const struct peer_request request = {.user = TALK_USER_RENEW, .deadline = WHEN_NEVER};
    if (say(worker, &bye) != OK || peer_ask(&worker->peer, worker->now, &request, &corr) != OK ||
        say_renew(worker, corr) != OK)
        return;
    struct link_wait item = {.link = worker->link};
    err waited = link_wait(&item, 1, LEAVE_WAIT_MS);
    if (waited != OK || !item.is_ready)
        log_debug("worker.bye_unanswered", "error=%s", err_slug(waited));
}
