// One WATCH after the other, each from the place that the client has.
//
//   no place         ask where the stream is, which begins it there
//   ?since=oldest    the same, and go on from the oldest that is known
//   a place          ask for what is behind it
//   an odd place     as good as one that is too old: a gap, then what is known
//
// A gap is told as an event of its own, and what is left follows. A question that nothing answers
// within the beat is what notices that the client has gone; it moves the place on all the same.

#include "gateway/shell/feeds.h"

#include "gateway/core/event.h"
#include "gateway/core/feed.h"
#include "gateway/core/query.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { BEAT_MS = 15000, AROUND_LEN = 128 };

struct feed {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    struct query query; // owns the names of the question
    const struct gateway *gateway;
    struct http_request *request;
    uint32_t left; // events until the end; 0: there is none
    bool is_open;
    bool from_oldest;
    bool is_odd; // the client's place cannot be read
};

static struct reply reply_of(const struct feed *feed)
{
    return (struct reply){feed->gateway->tally, TALLY_EVENTS, feed->request};
}

// Before the stream has begun.
static void refuse(struct feed *feed, err e, const char *detail)
{
    struct reply reply = reply_of(feed);
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
    free(feed);
}

static void end(struct feed *feed)
{
    http_stream_end(feed->request);
    free(feed);
}

static void open(struct feed *feed)
{
    struct reply reply = reply_of(feed);
    feed->is_open = true;
    reply_stream(&reply);
}

// --- what is told ---

static size_t put(uint8_t *room, const char *name, struct msg_place place, struct slice data)
{
    char text[FEED_PLACE_LEN + 1];
    feed_place_put(&place, text);
    struct event event = {.name = name, .mark = slice_of_text(text), .data = data};
    CHECK(event_len(&event) <= FEED_EVENT_LEN_MAX + AROUND_LEN);
    return event_put(&event, room);
}

static size_t put_event(uint8_t *room, const struct msg_event *told,
                        const struct msg_job_event *event)
{
    uint8_t json[FEED_EVENT_LEN_MAX];
    struct out out = {.data = json, .cap = sizeof json, .format = OUT_JSON};
    feed_event(&out, told, event);
    return put(room, "status", feed_place_of(told, event), out_slice(&out));
}

static size_t put_gap(uint8_t *room, const struct msg_event *told)
{
    uint8_t json[FEED_EVENT_LEN_MAX];
    struct out out = {.data = json, .cap = sizeof json, .format = OUT_JSON};
    feed_gap(&out, told);
    return put(room, "gap", feed_oldest(told), out_slice(&out));
}

// Nothing is told; the client's place moves on, so that it does not grow too old, but not past what
// it has yet to be told: it may be cut here, and asks again with this place.
static size_t put_beat(uint8_t *room, const struct feed *feed)
{
    char text[FEED_PLACE_LEN + 1];
    feed_place_put(&feed->question.watch.since, text);
    return (size_t)snprintf((char *)room, AROUND_LEN, "id: %s\n\n", text);
}

// False when nothing more is to be told.
static bool tell(struct feed *feed, const struct msg_event *told, bool is_gap)
{
    uint32_t count = told->count;
    bool is_last = feed->left > 0 && count + is_gap >= feed->left;
    if (is_last)
        count = feed->left - is_gap;
    uint8_t *room = malloc((size_t)(count + 2) * (FEED_EVENT_LEN_MAX + AROUND_LEN));
    if (room == NULL)
        return false;
    size_t len = is_gap ? put_gap(room, told) : 0;
    for (uint32_t i = 0; i < count; i++)
        len += put_event(room + len, told, &told->events[i]);
    if (len == 0)
        len = put_beat(room, feed);
    bool goes_on = http_stream_put(feed->request, slice_of(room, len));
    free(room);
    if (feed->left > 0)
        feed->left -= is_last ? feed->left : count + is_gap;
    return goes_on && !is_last;
}

// --- asking ---

static void answered(struct ask *ask, const struct ask_result *result);

static void ask_on(struct feed *feed)
{
    bool waits = feed->is_open;
    feed->question.watch.wait_ms = waits ? BEAT_MS : 0;
    feed->ask = (struct ask){.kind = ASK_MSG,
                             .done = answered,
                             .question = &feed->question,
                             .wait_ms = feed->question.watch.wait_ms};
    guard_ask(feed->gateway, feed->request, &feed->ask);
}

// What an answer means for an open stream. False: it ends.
static bool take(struct feed *feed, err e, const struct msg_event *told)
{
    // No broker now, or it has no room: the client keeps its stream, and the question is put again.
    if (e == ERR_NO_BROKER || e == ERR_TIMEOUT || e == ERR_FULL)
        return http_stream_put(feed->request, slice_of_text(EVENT_COMMENT));
    if (e != OK)
        return false;
    bool is_gap = told->gap || feed->is_odd;
    feed->question.watch.since = is_gap || feed->from_oldest ? feed_oldest(told) : told->next;
    feed->is_odd = false;
    feed->from_oldest = false;
    return tell(feed, told, is_gap);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct feed *feed = (struct feed *)ask;
    err e = result->error;
    if (e == OK && result->answer->kind != MSG_EVENT)
        e = ERR_MALFORMED;
    if (!feed->is_open && e != OK) {
        refuse(feed, e, "");
        return;
    }
    if (!feed->is_open)
        open(feed);
    bool goes_on = take(feed, e, e == OK ? &result->answer->event : NULL);
    if (goes_on && !atomic_load(&feed->gateway->is_stopping))
        ask_on(feed);
    else
        end(feed);
}

// --- beginning ---

static err read_wishes(struct feed *feed, char fault[QUERY_FAULT_LEN])
{
    const uint32_t allowed = 1u << QUERY_STATUS | 1u << QUERY_QUEUE | 1u << QUERY_TYPE |
                             1u << QUERY_LIMIT | 1u << QUERY_SINCE;
    const struct query *query = &feed->query;
    struct slice last = feed->request->headers[HTTP_LAST_EVENT_ID];
    struct msg_watch *watch = &feed->question.watch;
    err e = query_read(feed->request->query, allowed, &feed->query, fault);
    if (e != OK)
        return e;
    watch->states = query->list.filter.states;
    watch->queue = query->list.filter.queue;
    watch->type = query->list.filter.type;
    watch->since = query->since;
    feed->left = query->list.limit;
    feed->from_oldest = query->has[QUERY_SINCE] && query->since.epoch == 0;
    if (last.len > 0) { // what a client asks with again is newer than its URL
        feed->is_odd = feed_place_read(last, &watch->since) != OK;
        feed->from_oldest = false;
    }
    const char *detail = "";
    e = check_watch(watch, &detail);
    (void)snprintf(fault, QUERY_FAULT_LEN, "%s", detail);
    return e;
}

void feeds_follow(const struct gateway *gateway, struct http_request *request)
{
    char fault[QUERY_FAULT_LEN] = "";
    struct feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        struct reply reply = {gateway->tally, TALLY_EVENTS, request};
        reply_problem(&reply, &(struct problem){.error = ERR_NO_MEMORY}, NULL);
        return;
    }
    feed->gateway = gateway;
    feed->request = request;
    feed->question.kind = MSG_WATCH;
    err e = read_wishes(feed, fault);
    if (e != OK)
        refuse(feed, e, fault);
    else
        ask_on(feed);
}
