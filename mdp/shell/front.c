// One loop over three sides: peers of Majordomo, the broker as a client, the broker as workers.

#include "mdp/shell/front.h"

#include "lib/base/check.h"
#include "lib/link/parts.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/signal.h"
#include "mdp/shell/front_private.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECEIVE_MAX = 256, ENDPOINT_LEN_MAX = 300 };

// --- to peers ---

static err send_to(struct front *front, struct slice route, const struct mdp_message *message)
{
    struct mdp_frames frames;
    struct parts parts;
    static_assert((int)MDP_FRAMES_MAX == (int)PARTS_MAX, "a message of one is one of the other");
    mdp_write(message, &frames);
    parts.count = frames.count;
    memcpy(parts.items, frames.items, frames.count * sizeof frames.items[0]);
    return parts_send(front->door, route, &parts);
}

static err on_send(void *ctx, struct slice route, const struct mdp_message *message)
{
    return send_to(ctx, route, message);
}

void front_answer(struct front *front, const struct request *request, const struct slice *body,
                  uint32_t count)
{
    const struct mdp_message message = {.kind = MDP_ANSWER,
                                        .style = request->style,
                                        .service = slice_of_text(request->service),
                                        .body = body,
                                        .body_count = count};
    err e = send_to(front, slice_of(request->route, request->route_len), &message);
    if (e != OK)
        log_debug("mdp.client_gone", "service=%s error=%s", request->service, err_slug(e));
}

static void on_partial(void *ctx, const struct id *job_id, const struct mdp_message *message)
{
    struct front *front = ctx;
    for (uint32_t i = 0; i < FRONT_REQUESTS_MAX; i++) {
        const struct request *request = &front->requests[i];
        // A worker may have the job before SUBMITTED is here.
        if (!request_is_plain(request) || !request->style.is_second ||
            !id_equal(&request->job_id, job_id))
            continue;
        const struct mdp_message answer = {.kind = MDP_ANSWER_PARTIAL,
                                           .style = request->style,
                                           .service = slice_of_text(request->service),
                                           .body = message->body,
                                           .body_count = message->body_count};
        (void)send_to(front, slice_of(request->route, request->route_len), &answer); // may be gone
    }
}

// --- from peers ---

static void hear(struct front *front, struct slice route, const struct parts *parts)
{
    struct mdp_message message;
    err e = mdp_read(parts->items, parts->count, &message);
    if (e != OK || route.len > HANDS_ROUTE_LEN_MAX) {
        log_warn("mdp.message_unread", "frames=%" PRIu32 " error=%s", parts->count, err_slug(e));
        return;
    }
    if (message.kind == MDP_ASK)
        request_take(front, route, &message);
    else
        hands_hear(front->hands, route, &message, front->now);
}

static void receive(struct front *front)
{
    for (int i = 0; i < RECEIVE_MAX; i++) {
        struct slice route;
        struct parts parts;
        err e = parts_receive(front->door, &route, &parts);
        if (e == OK)
            hear(front, route, &parts);
        else if (e == ERR_TOO_LARGE)
            log_warn("mdp.message_unread", "error=%s", err_slug(e));
        else
            return;
    }
}

// --- the loop ---

static void hear_signals(struct front *front)
{
    int number = 0;
    while ((number = signal_take(front->signals)) != 0)
        front->is_stopping = front->is_stopping || number == SIGTERM || number == SIGINT;
}

static when_ms wait_ms(struct front *front)
{
    when_ms asks = asker_wait_ms(front->asker, front->now);
    when_ms next = hands_next(front->hands);
    when_ms span = next == WHEN_NEVER ? -1 : next > front->now ? next - front->now : 0;
    if (asks >= 0 && (span < 0 || asks < span))
        span = asks;
    return parts_is_ready(front->door) ? 0 : span;
}

static err rest(struct front *front)
{
    struct link_wait items[LINK_WAIT_MAX];
    static_assert((int)HANDS_MAX + 3 <= (int)LINK_WAIT_MAX, "all are waited for");
    uint32_t count = hands_wait(front->hands, items);
    items[count++] = (struct link_wait){.link = asker_link(front->asker), .fd = -1};
    items[count++] = (struct link_wait){.fd = parts_fd(front->door)};
    items[count++] = (struct link_wait){.fd = front->signals};
    return link_wait(items, count, wait_ms(front));
}

static err run(struct front *front)
{
    err e = OK;
    while (e == OK && !front->is_stopping) {
        front->now = clock_mono_ms();
        receive(front);
        asker_turn(front->asker, front->now);
        hands_turn(front->hands, front->now);
        e = rest(front);
        hear_signals(front);
    }
    return e;
}

static err open_all(struct front *front)
{
    const struct front_options *options = front->options;
    char endpoint[ENDPOINT_LEN_MAX];
    const struct parts_text text = {endpoint, sizeof endpoint};
    const struct asker_setup asks = {.broker = options->broker,
                                     .tenant = slice_of_text(options->tenant),
                                     .curve = options->curve,
                                     .answer = request_answered,
                                     .ctx = front};
    const struct hands_setup hands = {.broker = options->broker,
                                      .tenant = slice_of_text(options->tenant),
                                      .curve = options->curve,
                                      .heartbeat_ms = options->heartbeat_ms,
                                      .ctx = front,
                                      .send = on_send,
                                      .partial = on_partial};
    err e = signal_open(&front->signals);
    if (e == OK)
        e = parts_open(options->listen, FRONT_FRAME_BYTES_MAX, &text, &front->door);
    if (e == OK)
        e = asker_open(&asks, &front->asker);
    if (e == OK)
        e = hands_open(&hands, &front->hands);
    if (e == OK) {
        (void)printf("ready mdp=%s broker=%s\n", endpoint, options->broker);
        (void)fflush(stdout); // whoever waits for the line sees it or is gone
    }
    return e;
}

int front_run(const struct front_options *options)
{
    static struct front front;
    front = (struct front){.options = options, .signals = -1};
    err e = open_all(&front);
    if (e == OK)
        e = run(&front);
    if (e != OK)
        log_error("mdp.cannot_run", "error=%s why=%s", err_slug(e),
                  log_quote_text(strerror(errno)).text);
    hands_close(front.hands);
    asker_close(front.asker);
    parts_close(front.door);
    if (front.signals >= 0)
        signal_close(front.signals);
    return e == OK ? 0 : 1;
}
