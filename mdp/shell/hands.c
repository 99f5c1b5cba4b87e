// The duty speaks with the broker; here is what a Majordomo worker says to it.

#include "mdp/shell/hands.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "mdp/core/bodies.h"
#include "proto/check.h"
#include "worker/duty/talk.h"

#include <stdlib.h>

enum { GRACE_MS = 1 }; // nothing waits for a worker that has gone

struct hand {
    struct hands *hands;
    uint8_t route[HANDS_ROUTE_LEN_MAX];
    size_t route_len;
    struct mdp_style style;
    char service[MSG_NAME_LEN_MAX + 1];
    struct slice type; // points into `service`
    struct duty duty;
    bool has_duty;
    bool is_busy;                  // it has the job in its only slot
    bool is_leaving;               // its duty is being ended
    bool must_leave;               // … or is to be
    bool is_told_off;              // the worker is told to connect anew
    char address[ID_TEXT_LEN + 1]; // the job's id, which the worker repeats
    when_ms heard_at;
    when_ms beat_at; // the next heartbeat to it
};

struct hands {
    struct hands_setup setup;
    struct hand *items[HANDS_MAX];
};

static struct slice route_of(const struct hand *hand)
{
    return slice_of(hand->route, hand->route_len);
}

static err say(struct hand *hand, struct mdp_message message)
{
    message.style = hand->style;
    return hand->hands->setup.send(hand->hands->setup.ctx, route_of(hand), &message);
}

// --- ends of attempts ---

static void end(struct hand *hand, struct outcome_report *report)
{
    CHECK(hand->is_busy);
    hand->is_busy = false;
    duty_end(&hand->duty, 0, report);
}

static void end_lost(struct hand *hand, enum outcome outcome, const char *message)
{
    struct outcome_report report = {.outcome = outcome,
                                    .kind = slice_of_text("worker-lost"),
                                    .message = slice_of_text(message)};
    log_warn("mdp.worker_lost", "service=%s job=%s why=%s", hand->service, hand->address,
             log_quote_text(message).text);
    end(hand, &report);
}

static void leave(struct hand *hand, enum outcome outcome, const char *message)
{
    if (hand->is_busy)
        end_lost(hand, outcome, message);
    hand->must_leave = true;
}

// The worker cannot be stopped, so it is told to begin anew; what it says later is nobody's.
static void on_stop(void *ctx, uint32_t slot, enum slot_order order)
{
    struct hand *hand = ctx;
    uint8_t room[OUTCOME_ROOM];
    struct outcome_report report;
    const struct outcome_streams streams = {.is_cut = false};
    const struct outcome_exit ended = {.stop = hand->duty.slots.items[slot].stop, .code = 1};
    (void)order; // to stop and to kill is the same here
    if (!hand->is_busy)
        return;
    outcome_of_exit(&ended, &streams, room, &report);
    end(hand, &report);
    hand->is_told_off = true;
    hand->must_leave = true;
}

static void on_introduce(void *ctx)
{
    const struct hand *hand = ctx;
    log_info("mdp.worker_serves", "service=%s", hand->service);
}

static void on_die(void *ctx, const char *event, const char *why)
{
    (void)ctx;
    log_error(event, "why=%s", log_quote_text(why).text);
    abort();
}

// --- coming and going ---

static void free_hand(struct hand *hand)
{
    if (hand->has_duty) {
        talk_close(&hand->duty);
        duty_deinit(&hand->duty);
    }
    free(hand);
}

static err open_duty(struct hand *hand, when_ms now)
{
    const struct hands_setup *setup = &hand->hands->setup;
    struct duty_setup duty = {.broker = setup->broker,
                              .curve = setup->curve,
                              .tenant = setup->tenant,
                              .name = slice_of_text("mdp"),
                              .types = &hand->type,
                              .type_count = 1,
                              .slot_count = 1,
                              .grace_ms = GRACE_MS,
                              .kill_after_ms = GRACE_MS};
    const struct duty_crew crew = {
        .ctx = hand, .stop = on_stop, .introduce = on_introduce, .die = on_die};
    uint64_t random = 0;
    blake_random(&random, sizeof random);
    duty.worker_id = id_v7(clock_wall_ms(), (uint16_t)(random >> 52), random);
    struct journal_loaded loaded;
    hand->has_duty = true;
    err e = duty_init(&hand->duty, &duty, &crew);
    hand->duty.now = now;
    if (e == OK)
        e = duty_recover(&hand->duty, NULL, &loaded);
    return e == OK ? talk_open(&hand->duty) : e;
}

static struct hand *find(const struct hands *hands, struct slice route)
{
    for (uint32_t i = 0; i < HANDS_MAX; i++) {
        struct hand *hand = hands->items[i];
        if (hand != NULL && !hand->is_leaving && !hand->must_leave &&
            slice_equal(route_of(hand), route))
            return hand;
    }
    return NULL;
}

static struct hand *hand_new(struct hands *hands, struct slice route,
                             const struct mdp_message *message)
{
    struct hand *hand = calloc(1, sizeof *hand);
    if (hand == NULL)
        return NULL;
    CHECK(route.len <= sizeof hand->route);
    hand->hands = hands;
    hand->style = message->style;
    hand->route_len = route.len;
    memcpy(hand->route, route.data, route.len);
    (void)slice_to_text(message->service, hand->service, sizeof hand->service); // judged
    hand->type = slice_of_text(hand->service);
    return hand;
}

// A worker that cannot be had is told to go, and may come again.
static void refuse(struct hands *hands, struct slice route, const struct mdp_message *message,
                   const char *why)
{
    const struct mdp_message no = {.kind = MDP_DISCONNECT, .style = message->style};
    log_warn("mdp.worker_refused", "service=%s why=%s", log_quote(message->service).text,
             log_quote_text(why).text);
    (void)hands->setup.send(hands->setup.ctx, route, &no); // it notices by itself
}

static void take_ready(struct hands *hands, struct slice route, const struct mdp_message *message,
                       when_ms now)
{
    struct hand *known = find(hands, route);
    if (known != NULL)
        leave(known, OUTCOME_CRASHED, "its Majordomo worker began anew");
    uint32_t place = 0;
    while (place < HANDS_MAX && hands->items[place] != NULL)
        place++;
    if (!check_name(message->service)) {
        refuse(hands, route, message, "a service is named like a type, a-z 0-9 . _ -");
        return;
    }
    if (place == HANDS_MAX) {
        refuse(hands, route, message, "as many workers as one front takes");
        return;
    }
    struct hand *hand = hand_new(hands, route, message);
    if (hand == NULL || open_duty(hand, now) != OK) {
        refuse(hands, route, message, "no memory, or no descriptors");
        if (hand != NULL)
            free_hand(hand);
        return;
    }
    hand->heard_at = now;
    hand->beat_at = when_after(now, hands->setup.heartbeat_ms);
    hands->items[place] = hand;
}

// --- words of a worker ---

static void take_reply(struct hand *hand, const struct mdp_message *message)
{
    size_t len = bodies_len(message->body, message->body_count);
    struct outcome_report report = {.outcome = OUTCOME_SUCCEEDED};
    struct bytes_out out = {.cap = len};
    if (!hand->is_busy || !slice_is_text(message->address, hand->address)) {
        log_warn("mdp.reply_unasked", "service=%s address=%s", hand->service,
                 log_quote(message->address).text);
        return;
    }
    if (len <= MSG_RESULT_LEN_MAX)
        out.data = malloc(len);
    if (out.data != NULL) {
        report.result.content = bodies_pack(message->body, message->body_count, &out);
        report.result.bytes = slice_of(out.data, out.len);
    } else {
        report = (struct outcome_report){.outcome = OUTCOME_DEAD,
                                         .kind = slice_of_text("too-large"),
                                         .message = slice_of_text("a reply has at most 1 MiB")};
    }
    end(hand, &report);
    free(out.data); // the report was copied
}

static void take_partial(struct hand *hand, const struct mdp_message *message)
{
    struct id job_id;
    if (hand->is_busy && slice_is_text(message->address, hand->address) &&
        id_from_text(message->address, &job_id) == OK)
        hand->hands->setup.partial(hand->hands->setup.ctx, &job_id, message);
}

void hands_hear(struct hands *hands, struct slice route, const struct mdp_message *message,
                when_ms now)
{
    struct hand *hand = find(hands, route);
    if (message->kind == MDP_READY) {
        take_ready(hands, route, message, now);
        return;
    }
    if (hand == NULL) {
        // Of a front that was before this one.
        if (message->kind != MDP_DISCONNECT)
            refuse(hands, route, message, "not known here; it is to say READY");
        return;
    }
    hand->heard_at = now;
    hand->duty.now = now;
    switch (message->kind) {
    case MDP_REPLY: take_reply(hand, message); return;
    case MDP_PARTIAL: take_partial(hand, message); return;
    case MDP_HEARTBEAT: return;
    case MDP_DISCONNECT: leave(hand, OUTCOME_INTERRUPTED, "its Majordomo worker has left"); return;
    case MDP_READY:
    case MDP_ASK:
    case MDP_REQUEST:
    case MDP_ANSWER:
    case MDP_ANSWER_PARTIAL: break;
    }
    UNREACHABLE();
}

// --- time ---

static void hand_over(struct hand *hand)
{
    const struct msg_job *job = &hand->duty.jobs[0].msg;
    struct slice frames[MDP_BODY_MAX];
    if (hand->is_busy || hand->must_leave || !duty_may_begin(&hand->duty, 0))
        return;
    duty_begin(&hand->duty, 0);
    hand->is_busy = true;
    id_to_text(&job->job_id, hand->address);
    const struct mdp_message request = {.kind = MDP_REQUEST,
                                        .address = slice_of_text(hand->address),
                                        .body = frames,
                                        .body_count = bodies_unpack(&job->payload, frames)};
    if (say(hand, request) != OK)
        leave(hand, OUTCOME_INTERRUPTED, "its Majordomo worker had gone before it began");
}

static void beat(struct hand *hand, when_ms now)
{
    when_ms gap = hand->hands->setup.heartbeat_ms;
    if (!hand->is_busy && now > hand->heard_at + HANDS_LIVENESS * gap) {
        hand->is_told_off = true;
        leave(hand, OUTCOME_CRASHED, "its Majordomo worker is silent");
        return;
    }
    if (now < hand->beat_at)
        return;
    hand->beat_at = now + gap;
    if (say(hand, (struct mdp_message){.kind = MDP_HEARTBEAT}) == ERR_NOT_FOUND)
        leave(hand, OUTCOME_CRASHED, "its Majordomo worker died");
}

// A duty that leaves gives up soon what the broker does not answer, which a journal would keep. There is none
// here, so the duty stays, quiet, until all its outcomes have been answered.
static bool owes_outcomes(const struct hand *hand)
{
    const struct outbox *outbox = &hand->duty.outbox;
    return outbox->count > outbox_count_of(outbox, OUTBOX_SETTLED);
}

static void begin_leaving(struct hand *hand)
{
    hand->is_leaving = true;
    if (hand->is_told_off)
        (void)say(hand, (struct mdp_message){.kind = MDP_DISCONNECT}); // it may be gone
    if (owes_outcomes(hand))
        duty_quiet(&hand->duty);
}

static void stop(struct hand *hand)
{
    if (hand->duty.phase.state < PHASE_DRAINING)
        duty_stop(&hand->duty);
}

// True when it is over.
static bool turn(struct hand *hand, when_ms now)
{
    struct duty *duty = &hand->duty;
    duty->now = now;
    talk_listen(duty);
    duty_take_drain(duty);
    if (!hand->is_leaving)
        beat(hand, now);
    duty_due(duty);
    if (!hand->is_leaving)
        hand_over(hand);
    if (hand->must_leave && !hand->is_leaving)
        begin_leaving(hand);
    if (hand->is_leaving && !owes_outcomes(hand))
        stop(hand);
    (void)duty_move_on(duty, 0);
    err e = duty_flush(duty);
    CHECK(e == OK); // without a journal nothing can fail
    talk_speak(duty);
    return duty_is_over(duty);
}

static void farewell(struct hand *hand)
{
    if (!hand->is_leaving) // the broker has asked for it
        (void)say(hand, (struct mdp_message){.kind = MDP_DISCONNECT}); // it may be gone
    talk_leave(&hand->duty);
    free_hand(hand);
}

void hands_turn(struct hands *hands, when_ms now)
{
    for (uint32_t i = 0; i < HANDS_MAX; i++) {
        if (hands->items[i] == NULL || !turn(hands->items[i], now))
            continue;
        farewell(hands->items[i]);
        hands->items[i] = NULL;
    }
}

uint32_t hands_wait(const struct hands *hands, struct link_wait *items)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HANDS_MAX; i++)
        if (hands->items[i] != NULL)
            items[count++] = (struct link_wait){.link = hands->items[i]->duty.link, .fd = -1};
    return count;
}

when_ms hands_next(const struct hands *hands)
{
    when_ms next = WHEN_NEVER;
    for (uint32_t i = 0; i < HANDS_MAX; i++) {
        const struct hand *hand = hands->items[i];
        if (hand == NULL)
            continue;
        when_ms own = duty_next(&hand->duty);
        own = own < hand->beat_at ? own : hand->beat_at;
        next = own < next ? own : next;
    }
    return next;
}

// --- all of them ---

bool hands_serve(const struct hands *hands, struct slice service)
{
    for (uint32_t i = 0; i < HANDS_MAX; i++) {
        const struct hand *hand = hands->items[i];
        if (hand != NULL && !hand->must_leave && slice_equal(hand->type, service))
            return true;
    }
    return false;
}

err hands_open(const struct hands_setup *setup, struct hands **out_hands)
{
    struct hands *hands = calloc(1, sizeof *hands);
    if (hands == NULL)
        return ERR_NO_MEMORY;
    hands->setup = *setup;
    *out_hands = hands;
    return OK;
}

void hands_close(struct hands *hands)
{
    for (uint32_t i = 0; hands != NULL && i < HANDS_MAX; i++) {
        struct hand *hand = hands->items[i];
        if (hand == NULL)
            continue;
        hand->duty.now = clock_mono_ms();
        hand->is_told_off = true;
        leave(hand, OUTCOME_INTERRUPTED, "the front stops");
        if (!hand->is_leaving)
            begin_leaving(hand);
        stop(hand);
    }
    while (hands != NULL) {
        struct link_wait items[HANDS_MAX];
        when_ms now = clock_mono_ms();
        hands_turn(hands, now);
        uint32_t count = hands_wait(hands, items);
        when_ms next = hands_next(hands);
        // Each of them goes within seconds, with or without a broker.
        if (count == 0 || link_wait(items, count, next > now ? next - now : 0) != OK)
            break;
    }
    free(hands);
}
