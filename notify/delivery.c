// One delivery in each slot.

#include "notify/delivery.h"

#include "gateway/hooks/core/notice.h"
#include "gateway/hooks/core/verdict.h"
#include "lib/base/check.h"
#include "lib/base/word.h"
#include "lib/post/signature.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HEADERS_FIXED = 4,
    FOLLOW_MS = 1000,
    RECEIVER_LEN_MAX = 2 * (4 + MSG_NAME_LEN_MAX) + TARGET_ORIGIN_LEN_MAX + 4 + TARGET_URL_LEN_MAX,
};

// --- ends ---

static void forget(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    notifier->body_bytes -= delivery->body_len;
    free(delivery->body);
    *delivery = (struct delivery){0};
}

struct ending {
    enum outcome outcome;
    const char *kind;
    const char *message;
    when_ms pause_ms;
};

static void end(struct notifier *notifier, uint32_t slot, const struct ending *ending)
{
    struct outcome_report report = {.outcome = ending->outcome,
                                    .retry_after_ms = (uint32_t)ending->pause_ms};
    if (ending->outcome != OUTCOME_SUCCEEDED) {
        report.kind = slice_of_text(ending->kind);
        report.message = slice_of_text(ending->message);
    }
    duty_end(&notifier->duty, slot, &report);
    forget(notifier, slot);
}

static void interrupt(struct notifier *notifier, uint32_t slot, const char *why)
{
    end(notifier, slot,
        &(struct ending){.outcome = OUTCOME_INTERRUPTED, .kind = "interrupted", .message = why});
}

static void put_off(struct notifier *notifier, uint32_t slot, const char *why)
{
    struct outcome_report report = {0};
    outcome_put_off(why, &report);
    duty_end(&notifier->duty, slot, &report);
    forget(notifier, slot);
}

static void die(struct notifier *notifier, uint32_t slot, const char *kind, const char *why)
{
    end(notifier, slot, &(struct ending){.outcome = OUTCOME_DEAD, .kind = kind, .message = why});
}

static bool is_progress(const struct notifier *notifier, uint32_t slot)
{
    return slice_is_text(notifier->deliveries[slot].intent.event, "job.progress");
}

static enum verdict_course course_of(const struct notifier *notifier, uint32_t slot)
{
    return is_progress(notifier, slot) ? VERDICT_SHORT : VERDICT_LONG;
}

static uint32_t attempt_of(const struct notifier *notifier, uint32_t slot)
{
    uint32_t attempt = notifier->duty.jobs[slot].msg.attempt;
    return attempt > 0 ? attempt : 1;
}

// It failed for a reason of our own: again on the schedule, and dead at its end.
static void fail(struct notifier *notifier, uint32_t slot, const char *kind, const char *why)
{
    const struct id *id = &notifier->duty.jobs[slot].msg.job_id;
    when_ms pause = verdict_pause_ms(course_of(notifier, slot), attempt_of(notifier, slot), id);
    bool is_last = pause == WHEN_NEVER;
    end(notifier, slot,
        &(struct ending){.outcome = is_last ? OUTCOME_DEAD : OUTCOME_FAILED,
                         .kind = kind,
                         .message = why,
                         .pause_ms = is_last ? 0 : pause});
}

// --- the beginning ---

static void take_body(struct notifier *notifier, uint32_t slot, struct slice data)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct notice notice = {.event = delivery->intent.event,
                                  .at = delivery->intent.at,
                                  .data = data,
                                  .traceparent = notifier->duty.jobs[slot].msg.traceparent};
    size_t room = notice_room(&notice);
    struct out out = {.data = malloc(room), .cap = room, .format = OUT_JSON};
    if (out.data == NULL) {
        put_off(notifier, slot, "there is not enough memory");
        return;
    }
    notice_put(&out, &notice);
    CHECK(!out.full);
    delivery->body = out.data;
    delivery->body_len = out.len;
    notifier->body_bytes += out.len;
}

// One receiver is one endpoint of a tenant at its URL, or, of URLs in jobs, all at one host that it
// signs for. What an endpoint's URL has earned is not held against the next one.
static uint64_t receiver_key(const struct delivery *delivery)
{
    const struct intent *intent = &delivery->intent;
    uint8_t room[RECEIVER_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct target target = {0};
    const char *why = NULL;
    bytes_put_slice(&out, intent->tenant);
    bytes_put_slice(&out, intent->endpoint);
    if (target_read(intent->url, &target, &why) == OK) {
        target_put_origin(&target, &out);
        bytes_put_slice(&out, intent->is_own ? slice_of(NULL, 0) : target.path);
    }
    CHECK(!out.full);
    return blake_u64(slice_of(room, out.len), slice_of(NULL, 0));
}

static void line_up(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct receivers_arrival arrival = {
        .slot = slot, .key = receiver_key(delivery), .event_at = delivery->intent.at};
    delivery->state = DELIVERY_WAITING;
    receivers_enter(&notifier->receivers, notifier->duty.now, &arrival);
}

static void ask(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct parents_question question = {
        .slot = slot,
        .token = delivery->token,
        .tenant = delivery->intent.tenant,
        .id = delivery->intent.parent,
        .is_batch = slice_is_text(delivery->intent.event, "batch.finished"),
    };
    delivery->state = DELIVERY_ASKING;
    if (parents_ask(notifier->parents, &question) != OK)
        put_off(notifier, slot, "there is not enough memory");
}

static void begin(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct msg_job *job = &notifier->duty.jobs[slot].msg;
    char fault[MSG_ERROR_MESSAGE_LEN_MAX];
    delivery->token = job->token;
    if (hook_read_intent(job->intent, &delivery->intent) != OK) {
        die(notifier, slot, "intent", "what is to be sent cannot be read; is the broker newer?");
        return;
    }
    if (delivery->intent.url.len == 0) {
        (void)slice_to_text(delivery->intent.fault, fault, sizeof fault); // a sentence of ours
        die(notifier, slot, HOOK_REFUSED, fault);
        return;
    }
    if (!id_is_zero(&delivery->intent.parent)) {
        ask(notifier, slot);
        return;
    }
    take_body(notifier, slot, slice_of(NULL, 0));
    if (delivery->body != NULL)
        line_up(notifier, slot);
}

// Bodies in memory, and those that have been asked for, each as large as a result may be.
static bool has_room(const struct notifier *notifier)
{
    uint64_t bytes = notifier->body_bytes;
    for (uint32_t slot = 0; slot < notifier->duty.slots.count; slot++) {
        if (notifier->deliveries[slot].state == DELIVERY_ASKING)
            bytes += MSG_RESULT_LEN_MAX;
    }
    return bytes < notifier->manner->buffered_bytes_max;
}

void delivery_begin(struct notifier *notifier)
{
    struct duty *duty = &notifier->duty;
    for (uint32_t slot = 0; slot < duty->slots.count; slot++) {
        if (duty->phase.state >= PHASE_DRAINING && duty->slots.items[slot].state == SLOT_WAITING) {
            if (notifier->deliveries[slot].state == DELIVERY_WAITING)
                receivers_end(&notifier->receivers, duty->now, slot, RECEIVERS_VOID);
            interrupt(notifier, slot, "the sender was stopped");
        } else if (notifier->deliveries[slot].state == DELIVERY_NONE &&
                   duty_may_begin(duty, slot) && has_room(notifier)) {
            begin(notifier, slot);
        }
    }
}

// --- sending ---

static bool open_secret(const struct notifier *notifier, struct slice sealed,
                        uint8_t room[SEAL_SECRET_LEN_MAX], struct slice *out_secret)
{
    size_t len = 0;
    *out_secret = slice_of(NULL, 0);
    if (sealed.len == 0)
        return true;
    if (!notifier->has_key || seal_open(&notifier->key, sealed, room, &len) != OK)
        return false;
    *out_secret = slice_of(room, len);
    return true;
}

// Lines "name: value", as the endpoint wants them.
static bool put_custom(struct slice lines, struct post_header *headers, uint32_t *count)
{
    struct slice rest = lines;
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
        const uint8_t *colon = memchr(rest.data, ':', len);
        if (colon == NULL || *count == POST_HEADERS_MAX)
            return false;
        struct slice name = slice_of(rest.data, (size_t)(colon - rest.data));
        struct slice value = word_trim(slice_of(colon + 1, len - name.len - 1));
        if (!target_takes_header(name, value))
            return false;
        headers[(*count)++] = (struct post_header){.name = name, .value = value};
        size_t step = end != NULL ? len + 1 : len;
        rest = slice_of(rest.data + step, rest.len - step);
    }
    return true;
}

// Starts the exchange; false when it has ended the delivery instead.
static bool post(struct notifier *notifier, uint32_t slot, const struct signature *signature)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct msg_job *job = &notifier->duty.jobs[slot].msg;
    struct post_header headers[POST_HEADERS_MAX];
    char id[ID_TEXT_LEN + 1];
    uint32_t count = 0;
    id_to_text(&job->job_id, id);
    const struct post_header fixed[HEADERS_FIXED] = {
        {slice_of_text("webhook-id"), slice_of(id, ID_TEXT_LEN)},
        {slice_of_text("webhook-timestamp"), slice_of_text(signature->time)},
        {slice_of_text("webhook-signature"), slice_of_text(signature->text)},
        {slice_of_text("traceparent"), job->traceparent},
    };
    for (uint32_t i = 0; i < HEADERS_FIXED; i++) {
        if (fixed[i].value.len > 0)
            headers[count++] = fixed[i];
    }
    if (!put_custom(delivery->intent.headers, headers, &count)) {
        die(notifier, slot, "headers", "the endpoint wants headers that are not allowed");
        return false;
    }
    const struct post_request request = {.user = slot,
                                         .url = delivery->intent.url,
                                         .content_type = "application/json",
                                         .headers = headers,
                                         .header_count = count,
                                         .body = slice_of(delivery->body, delivery->body_len)};
    failpoint_hit("notify.before_send");
    if (post_start(notifier->posts, &request) == OK)
        return true;
    put_off(notifier, slot, "there is not enough memory");
    return false;
}

static bool sign_and_post(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    uint8_t rooms[SIGNATURE_KEYS_MAX][SEAL_SECRET_LEN_MAX];
    char id[ID_TEXT_LEN + 1];
    struct signature signature = {0};
    id_to_text(&notifier->duty.jobs[slot].msg.job_id, id);
    struct signature_input input = {.id = slice_of(id, ID_TEXT_LEN),
                                    .at = clock_wall_ms(),
                                    .body = slice_of(delivery->body, delivery->body_len)};
    if (delivery->intent.secret.len == 0 ||
        !open_secret(notifier, delivery->intent.secret, rooms[0], &input.keys[0])) {
        fail(notifier, slot, "no_secret",
             "the secret cannot be opened; give --webhook-key the file that the gateway uses");
        return false;
    }
    // The former one may be sealed under a key that was lost, which is why another was made.
    (void)open_secret(notifier, delivery->intent.secret_before, rooms[1], &input.keys[1]);
    signature_make(&input, &signature);
    return post(notifier, slot, &signature);
}

static void start(struct notifier *notifier, uint32_t slot)
{
    duty_begin(&notifier->duty, slot);
    notifier->deliveries[slot].state = DELIVERY_SENDING;
    if (!sign_and_post(notifier, slot))
        receivers_end(&notifier->receivers, notifier->duty.now, slot, RECEIVERS_VOID);
}

static void snooze(struct notifier *notifier, const struct receivers_order *order)
{
    figures_count(notifier->figures, "snoozed", 0);
    end(notifier, order->slot,
        &(struct ending){.outcome = OUTCOME_SNOOZED,
                         .kind = "receiver",
                         .message = order->pause_ms >= BREAKER_PAUSE_FIRST_MS / 2
                                        ? "the receiver is ill; its breaker is open"
                                        : "the receiver has as much as it takes",
                         .pause_ms = order->pause_ms});
}

static void obey_receivers(struct notifier *notifier)
{
    for (;;) {
        struct receivers_order order = receivers_next(&notifier->receivers, notifier->duty.now);
        switch (order.kind) {
        case RECEIVERS_NOTHING: return;
        case RECEIVERS_START: start(notifier, order.slot); break;
        case RECEIVERS_SNOOZE: snooze(notifier, &order); break;
        }
    }
}

// --- answers ---

// 410: the endpoint wants nothing any more. First that is durable, then the delivery ends.
static void close_endpoint(struct notifier *notifier, uint32_t slot)
{
    struct delivery *delivery = &notifier->deliveries[slot];
    const struct parents_question question = {.slot = slot,
                                              .token = delivery->token,
                                              .tenant = delivery->intent.tenant,
                                              .disable = delivery->intent.endpoint,
                                              .url = delivery->intent.url};
    delivery->state = DELIVERY_CLOSING;
    if (parents_ask(notifier->parents, &question) != OK)
        put_off(notifier, slot, "there is not enough memory");
}

// It goes on to the url that the endpoint has now, which has not answered yet: that burns no attempt.
static void follow(struct notifier *notifier, uint32_t slot)
{
    end(notifier, slot,
        &(struct ending){.outcome = OUTCOME_SNOOZED,
                         .kind = HOOK_GONE,
                         .message = "HTTP status 410 of a url that the endpoint no longer has",
                         .pause_ms = FOLLOW_MS});
}

static void take_verdict(struct notifier *notifier, uint32_t slot, const struct verdict *verdict,
                         const char *detail)
{
    static const enum outcome outcomes[] = {[VERDICT_DELIVERED] = OUTCOME_SUCCEEDED,
                                            [VERDICT_AGAIN] = OUTCOME_FAILED,
                                            [VERDICT_DEAD] = OUTCOME_DEAD,
                                            [VERDICT_GONE] = OUTCOME_DEAD};
    end(notifier, slot,
        &(struct ending){.outcome = outcomes[verdict->kind],
                         .kind = verdict->word,
                         .message = detail,
                         .pause_ms = verdict->pause_ms});
}

static void take_posts(struct notifier *notifier)
{
    struct post_result result;
    post_turn(notifier->posts);
    while (post_take(notifier->posts, &result)) {
        uint32_t slot = (uint32_t)result.user;
        struct delivery *delivery = &notifier->deliveries[slot];
        CHECK(delivery->state == DELIVERY_SENDING);
        const struct verdict_seen seen = {.end = result.end,
                                          .status = result.status,
                                          .retry_after_ms = result.retry_after_ms,
                                          .attempt = attempt_of(notifier, slot),
                                          .course = course_of(notifier, slot)};
        struct verdict verdict = verdict_of(&seen, &notifier->duty.jobs[slot].msg.job_id);
        failpoint_hit("notify.after_answer");
        figures_count(notifier->figures, verdict.word, result.ms);
        receivers_end(&notifier->receivers, notifier->duty.now, slot,
                      verdict.is_fault ? RECEIVERS_FAULT : RECEIVERS_WELL);
        if (verdict.kind == VERDICT_GONE && !delivery->intent.is_own)
            close_endpoint(notifier, slot);
        else
            take_verdict(notifier, slot, &verdict, result.detail);
    }
}

static void take_parent(struct notifier *notifier, const struct parents_answer *answer)
{
    struct delivery *delivery = &notifier->deliveries[answer->slot];
    bool is_asking = delivery->state == DELIVERY_ASKING;
    if (delivery->token != answer->token || (!is_asking && delivery->state != DELIVERY_CLOSING))
        return; // another sits there now
    bool is_away = answer->error == ERR_NO_BROKER || answer->error == ERR_TIMEOUT ||
                   answer->error == ERR_NO_MEMORY;
    if (is_away) {
        put_off(notifier, answer->slot, "the broker does not answer");
    } else if (!is_asking && answer->is_on) {
        follow(notifier, answer->slot);
    } else if (!is_asking) {
        // One that was deleted meanwhile needs no switching off.
        bool is_off = answer->error == OK || answer->error == ERR_NOT_FOUND;
        die(notifier, answer->slot, HOOK_GONE,
            is_off ? "HTTP status 410: the endpoint is disabled"
                   : "HTTP status 410: the endpoint could not be disabled; does the sender's key "
                     "have the scope admin?");
    } else if (answer->error != OK) {
        die(notifier, answer->slot, "parent", err_text(answer->error));
    } else if (answer->has_ended && is_progress(notifier, answer->slot)) {
        // The broker knows it too, and does not give it out again.
        interrupt(notifier, answer->slot, "the job has ended meanwhile");
    } else {
        take_body(notifier, answer->slot, slice_of(answer->data, answer->data_len));
        if (delivery->body != NULL)
            line_up(notifier, answer->slot);
    }
}

static void take_parents(struct notifier *notifier)
{
    struct parents_answer answer;
    while (parents_take(notifier->parents, &answer)) {
        take_parent(notifier, &answer);
        free(answer.data);
    }
}

void delivery_turn(struct notifier *notifier)
{
    take_parents(notifier);
    take_posts(notifier);
    obey_receivers(notifier);
    struct figures *figures = notifier->figures;
    const struct duty *duty = &notifier->duty;
    figures_set_ready(figures, peer_is_known(&duty->peer) && link_is_connected(duty->link));
    figures_set(figures, FIGURES_HELD, slots_held_count(&duty->slots));
    figures_set(figures, FIGURES_SENDING, post_count(notifier->posts));
    figures_set(figures, FIGURES_BYTES, notifier->body_bytes);
    figures_set(figures, FIGURES_ILL, receivers_ill_count(&notifier->receivers));
}

// --- given up ---

static void give_up(struct notifier *notifier, uint32_t slot)
{
    enum delivery_state state = notifier->deliveries[slot].state;
    if (state == DELIVERY_SENDING)
        (void)post_drop(notifier->posts, slot);
    if (state == DELIVERY_SENDING || state == DELIVERY_WAITING)
        receivers_end(&notifier->receivers, notifier->duty.now, slot, RECEIVERS_VOID);
}

void delivery_sweep(struct notifier *notifier)
{
    const struct slots *slots = &notifier->duty.slots;
    for (uint32_t slot = 0; slot < slots->count; slot++) {
        const struct delivery *delivery = &notifier->deliveries[slot];
        bool is_own =
            slots->items[slot].state != SLOT_FREE && slots->items[slot].token == delivery->token;
        if (delivery->state == DELIVERY_NONE || is_own)
            continue;
        give_up(notifier, slot);
        forget(notifier, slot);
    }
}

void delivery_stop(struct notifier *notifier, uint32_t slot)
{
    enum slot_stop why = notifier->duty.slots.items[slot].stop;
    give_up(notifier, slot);
    if (why == SLOT_STOP_CANCEL)
        end(notifier, slot,
            &(struct ending){
                .outcome = OUTCOME_CANCELLED, .kind = "cancelled", .message = "on request"});
    else if (why == SLOT_STOP_TIMEOUT)
        fail(notifier, slot, "timeout", "the attempt took too long");
    else
        interrupt(notifier, slot,
                  why == SLOT_STOP_LOST ? "the lease was lost" : "the sender was stopped");
}

when_ms delivery_next(const struct notifier *notifier)
{
    when_ms wait = post_wait_ms(notifier->posts);
    when_ms due = receivers_due(&notifier->receivers, notifier->duty.now);
    return wait < 0 ? due : when_min(due, when_after(notifier->duty.now, wait));
}
