// Sending.

#include "worker/duty/talk.h"

#include "lib/base/check.h"
#include "lib/link/curve.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/memory.h"
#include "proto/wire.h"
#include "worker/duty/duty_private.h"
#include "worker/duty/talk_private.h"

#include <inttypes.h>

enum {
    RECEIVE_MAX = 64,                     // messages taken in per round
    FINISH_BYTES_MAX = MSG_BYTES_MAX / 2, // leaves room for the largest single outcome
    LEAVE_WAIT_MS = 1000,
};

static err open_link(struct duty *duty)
{
    const struct link_options options = {.kind = LINK_DEALER,
                                         .endpoint = duty->setup.broker,
                                         .message_bytes_max = MSG_BYTES_MAX,
                                         .curve = duty->setup.curve};
    duty->connection_count = 0;
    return link_open(duty->context, &options, &duty->link);
}

static bool make_arena(struct arena *arena)
{
    arena->cap = wire_arena_size(MSG_BYTES_MAX);
    arena->data = memory_reserve(arena->cap);
    return arena->data != NULL;
}

err talk_open(struct duty *duty)
{
    void *memory = malloc(peer_size(DUTY_ASKS_MAX));
    if (memory == NULL || !make_arena(&duty->decoding) || !make_arena(&duty->encoding)) {
        free(memory);
        return ERR_NO_MEMORY;
    }
    peer_init(&duty->peer, memory, DUTY_ASKS_MAX, duty->session);
    err opened = link_context_open(&duty->context);
    return opened == OK ? open_link(duty) : opened;
}

void talk_close(struct duty *duty)
{
    link_close(duty->link);
    if (duty->context != NULL)
        link_context_close(duty->context);
    for (uint32_t i = 0; i < DUTY_FINISHES_MAX; i++)
        free(duty->finishes[i].bytes);
    free(duty->peer.asks);
    memory_release(duty->decoding.data, duty->decoding.cap);
    memory_release(duty->encoding.data, duty->encoding.cap);
}

// --- one message ---

static struct wire_frames encode(struct duty *duty, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&duty->encoding);
    // Everything said here is built within the limits.
    err encoded = wire_encode(msg, &duty->encoding, &frames);
    CHECK(encoded == OK);
    return frames;
}

static err say(struct duty *duty, const struct msg *msg)
{
    struct wire_frames frames = encode(duty, msg);
    return link_send(duty->link, slice_of(NULL, 0), frames.envelope, frames.block);
}

static err say_hello(struct duty *duty, uint64_t corr)
{
    struct msg msg = {.kind = MSG_HELLO, .corr = corr, .tenant = duty->setup.tenant};
    msg.hello = (struct msg_hello){
        .role = duty->setup.role != ROLE_NONE ? duty->setup.role : ROLE_WORKER,
        .name = duty->setup.name,
        .worker_id = duty->setup.worker_id,
        .session = duty->session,
        .running = renewal_held(&duty->slots, &duty->outbox, &duty->room->renewal)};
    return say(duty, &msg);
}

// With no slot that runs nothing is taken in advance either.
static uint32_t count_credit(const struct duty *duty)
{
    uint32_t running = slots_count_open(&duty->slots, 0, duty->setup.run_count);
    return running > 0 ? running + duty->setup.slot_count - duty->setup.run_count : 0;
}

static err say_ready(struct duty *duty)
{
    const struct duty_setup *setup = &duty->setup;
    struct msg msg = {.kind = MSG_READY};
    msg.ready =
        (struct msg_ready){.types = setup->types,
                           .type_count = setup->type_count,
                           .queues = setup->queues,
                           .queue_count = setup->queue_count,
                           .slots = count_credit(duty),
                           .quiet = phase_is_quiet(&duty->phase),
                           .simulates = setup->simulates,
                           .simulate_count = setup->simulate_count,
                           .simulation_slots = slots_count_open(&duty->slots, duty->slots.job_count,
                                                                setup->simulation_count)};
    return say(duty, &msg);
}

void talk_simulated(struct duty *duty, uint64_t number, const struct outcome_report *report)
{
    struct msg msg = {.kind = MSG_SIMULATED, .corr = number};
    bool is_short = report->result.bytes.len <= MSG_SIMULATED_LEN_MAX;
    msg.simulated.ok = report->outcome == OUTCOME_SUCCEEDED && is_short;
    if (msg.simulated.ok)
        msg.simulated.result = report->result;
    else if (report->outcome == OUTCOME_SUCCEEDED)
        msg.simulated.failure =
            (struct msg_failure){.kind = slice_of_text("result-too-large"),
                                 .message = slice_of_text("the result of a dry run has at most "
                                                          "65,536 bytes; tell less")};
    else
        msg.simulated.failure = (struct msg_failure){
            .kind = report->kind, .message = report->message, .detail = report->detail};
    if (peer_is_known(&duty->peer) && say(duty, &msg) != OK)
        duty_log(duty, LOG_LEVEL_DEBUG, "worker.simulation_untold", "number=%" PRIu64, number);
}

static err say_renew(struct duty *duty, uint64_t corr)
{
    struct msg msg = {.kind = MSG_RENEW, .corr = corr};
    msg.renew =
        renewal_fill(&duty->renewal, duty->now, &duty->slots, &duty->outbox, &duty->room->renewal);
    return say(duty, &msg);
}

// --- FINISH ---

struct finish *talk_finish_of(struct duty *duty, uint64_t batch)
{
    for (uint32_t i = 0; i < DUTY_FINISHES_MAX; i++) {
        if (duty->finishes[i].batch == batch)
            return &duty->finishes[i];
    }
    return NULL;
}

void talk_finish_done(struct finish *finish)
{
    free(finish->bytes);
    *finish = (struct finish){0};
}

// The correlation number belongs to the message, so it is asked for before the bytes are made.
static void keep_finish(struct duty *duty, struct finish *finish, const struct msg_finish *jobs)
{
    const struct peer_request request = {.user = finish->batch, .deadline = WHEN_NEVER};
    err asked = peer_ask(&duty->peer, duty->now, &request, &finish->corr);
    CHECK(asked == OK); // there are as many places as messages
    struct msg msg = {.kind = MSG_FINISH, .corr = finish->corr, .finish = *jobs};
    struct wire_frames frames = encode(duty, &msg);
    finish->envelope_len = frames.envelope.len;
    finish->block_len = frames.block.len;
    finish->bytes = malloc(frames.envelope.len + frames.block.len + 1);
    if (finish->bytes == NULL)
        duty_die(duty, "worker.no_memory", "for outcomes");
    if (frames.envelope.len > 0)
        memcpy(finish->bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(finish->bytes + frames.envelope.len, frames.block.data, frames.block.len);
}

static void count_resent(struct duty *duty, const struct msg_finish *jobs)
{
    for (uint32_t i = 0; i < jobs->count; i++)
        duty->stats.resent += jobs->jobs[i].resent;
    duty->stats.is_changed = true;
}

// The last lines of these jobs, as far as one message takes them.
static uint32_t gather_log(struct duty *duty, const struct msg_finish_job *jobs, uint32_t count)
{
    struct msg_log_line *lines = duty->room->renewal.lines;
    uint32_t line_count = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct msg_held held = {.job_id = jobs[i].job_id, .token = jobs[i].token};
        uint32_t entry = outbox_find(&duty->outbox, &held);
        CHECK(entry != OUTBOX_NONE);
        const struct outcome_report *report = &duty->outbox.items[entry].report;
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
static void fill_finishes(struct duty *duty)
{
    struct msg_finish_job *jobs = duty->room->finish;
    struct finish *finish = talk_finish_of(duty, 0);
    while (finish != NULL && peer_is_known(&duty->peer)) {
        uint64_t batch = duty->batch_count + 1;
        uint32_t count = outbox_pick(&duty->outbox, batch, jobs, MSG_JOBS_MAX, FINISH_BYTES_MAX);
        if (count == 0)
            return;
        duty->batch_count = batch;
        finish->batch = batch;
        const struct msg_finish message = {.jobs = jobs,
                                           .count = count,
                                           .log = duty->room->renewal.lines,
                                           .log_count = gather_log(duty, jobs, count)};
        keep_finish(duty, finish, &message);
        count_resent(duty, &message);
        finish = talk_finish_of(duty, 0);
    }
}

static err say_finish(struct duty *duty, uint64_t batch)
{
    const struct finish *finish = talk_finish_of(duty, batch);
    CHECK(finish != NULL);
    err sent =
        link_send(duty->link, slice_of(NULL, 0), slice_of(finish->bytes, finish->envelope_len),
                  slice_of(finish->bytes + finish->envelope_len, finish->block_len));
    if (sent == OK)
        failpoint_hit("worker.after_finish_sent");
    return sent;
}

// --- what is due ---

static void reconnect(struct duty *duty)
{
    if (link_refusal(duty->link) == OK) // else it is only tried again
        duty_log(duty, LOG_LEVEL_WARN, "worker.reconnect", "broker=%s why=\"no answer for long\"",
                 duty->setup.broker);
    link_close(duty->link);
    duty->link = NULL;
    if (open_link(duty) != OK)
        duty_die(duty, "worker.no_link", "the connection cannot be made anew");
}

static void act(struct duty *duty, const struct peer_action *action)
{
    err sent = OK;
    switch (action->kind) {
    case PEER_NOTHING: return;
    case PEER_HELLO: sent = say_hello(duty, action->corr); break;
    case PEER_SEND:
        sent = action->user == TALK_USER_RENEW ? say_renew(duty, action->corr)
                                               : say_finish(duty, action->user);
        break;
    case PEER_RECONNECT: reconnect(duty); return;
    case PEER_GIVE_UP: UNREACHABLE(); // no request has a deadline
    }
    if (sent != OK)
        peer_unsent(&duty->peer, duty->now, action);
}

static void act_all(struct duty *duty)
{
    struct peer_action action = peer_next(&duty->peer, duty->now);
    while (action.kind != PEER_NOTHING) {
        act(duty, &action);
        action = peer_next(&duty->peer, duty->now);
    }
}

// A newer heartbeat says more than an unanswered one.
static void ask_renew(struct duty *duty)
{
    if (!peer_is_known(&duty->peer) || renewal_next(&duty->renewal, &duty->slots) > duty->now)
        return;
    if (duty->renew_corr != 0)
        (void)peer_drop(&duty->peer, duty->renew_corr);
    duty->renewal.sent_at = duty->now;
    duty->renewal.is_due = false;
    const struct peer_request request = {.user = TALK_USER_RENEW, .deadline = WHEN_NEVER};
    err asked = peer_ask(&duty->peer, duty->now, &request, &duty->renew_corr);
    CHECK(asked == OK); // one place is for this
}

// Who refuses is there, and worker.refused has told what helps.
static void tell_absence(struct duty *duty)
{
    bool is_there = link_refusal(duty->link) != OK ||
                    (peer_is_known(&duty->peer) && link_is_connected(duty->link));
    if (!absence_is_news(&duty->absence, duty->now, is_there))
        return;
    duty->refusal = OK; // another one is news again
    duty_log(duty, LOG_LEVEL_WARN, "worker.no_broker",
             "broker=%s fix=\"start it, or correct --broker\" "
             "now=\"what runs goes on, outcomes wait in the journal\"",
             duty->setup.broker);
}

void talk_speak(struct duty *duty)
{
    tell_absence(duty);
    if (duty->ready_due && peer_is_known(&duty->peer))
        duty->ready_due = say_ready(duty) != OK;
    ask_renew(duty);
    if (duty->tell_at <= duty->now) {
        outbox_unhold(&duty->outbox);
        duty->tell_at = WHEN_NEVER;
    }
    fill_finishes(duty);
    act_all(duty);
}

when_ms talk_next(const struct duty *duty)
{
    when_ms wait = peer_wait_ms(&duty->peer, duty->now);
    when_ms next = wait < 0 ? WHEN_NEVER : duty->now + wait;
    if (peer_is_known(&duty->peer))
        next = when_min(next, renewal_next(&duty->renewal, &duty->slots));
    next = when_min(next, absence_next(&duty->absence));
    next = when_min(next, duty->tell_at);
    // The link had no room: as patient as with everything else.
    if (duty->ready_due && peer_is_known(&duty->peer))
        next = when_min(next, duty->now + PEER_UNSENT_MS);
    return next;
}

// --- receiving ---

static err take_message(struct duty *duty)
{
    struct link_message message;
    err received = link_receive(duty->link, &message);
    if (received == ERR_AGAIN)
        return received;
    struct msg msg;
    arena_reset(&duty->decoding);
    err decoded = received;
    if (decoded == OK && !slice_is_text(message.version, WIRE_VERSION))
        decoded = ERR_VERSION;
    if (decoded == OK)
        decoded = wire_decode(message.envelope, message.block, &duty->decoding, &msg);
    if (decoded == OK)
        talk_hear(duty, &msg);
    else
        duty_log(duty, LOG_LEVEL_WARN, "worker.odd_message", "error=%s", err_slug(decoded));
    link_release(&message);
    return OK;
}

static void tell_refusal(struct duty *duty, err refusal)
{
    duty_log(duty, LOG_LEVEL_ERROR, "worker.refused",
             "broker=%s error=%s fix=%s now=\"what runs goes on, outcomes wait in the journal\"",
             duty->setup.broker, err_slug(refusal),
             log_quote_text(curve_fix(refusal, duty->setup.curve)).text);
}

// A link that was made anew does not know yet; so only a connection ends a refusal.
static void notice_connection(struct duty *duty)
{
    uint32_t count = link_connection_count(duty->link);
    err refusal = link_refusal(duty->link);
    if (refusal != OK && refusal != duty->refusal)
        tell_refusal(duty, refusal);
    if (refusal != OK || link_is_connected(duty->link))
        duty->refusal = refusal;
    if (count == duty->connection_count)
        return;
    duty->connection_count = count;
    peer_connected(&duty->peer, duty->now);
}

void talk_listen(struct duty *duty)
{
    notice_connection(duty);
    for (uint32_t i = 0; i < RECEIVE_MAX; i++) {
        if (take_message(duty) != OK)
            return;
    }
}

// Names all that is held: JOBS that cross this word are begun by nobody, and go back at once.
static err say_bye(struct duty *duty)
{
    struct msg msg = {.kind = MSG_BYE};
    msg.bye =
        (struct msg_bye){.reason = slice_of_text("told to stop"),
                         .running = renewal_held(&duty->slots, &duty->outbox, &duty->room->renewal),
                         .is_all = true};
    return say(duty, &msg);
}

// After BYE the broker does not know this worker: that it says so to a last RENEW proves that BYE has
// arrived before it. What comes meanwhile is read over.
void talk_leave(struct duty *duty)
{
    if (!peer_is_known(&duty->peer) || say_bye(duty) != OK)
        return;
    renewal_hurry(&duty->renewal);
    ask_renew(duty);
    act_all(duty);
    struct link_wait item = {.link = duty->link};
    when_ms until = clock_mono_ms() + LEAVE_WAIT_MS;
    when_ms left = LEAVE_WAIT_MS;
    while (left > 0 && peer_is_known(&duty->peer) && link_wait(&item, 1, left) == OK) {
        talk_listen(duty);
        left = until - clock_mono_ms();
    }
    if (peer_is_known(&duty->peer))
        duty_log(duty, LOG_LEVEL_DEBUG, "worker.bye_unanswered", "wait_ms=%d", LEAVE_WAIT_MS);
}
