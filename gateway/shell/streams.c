// Event streams: one question at a time that waits for the next change.
//
//   new:      ask for the state, which begins the stream
//   resumed:  ask for the timeline; what came after the client's last event begins the stream
//   both:     ask for the next change, tell it, ask again … until the job or batch has ended
//
// A question that no change answers within the beat is what notices that the client has gone.

#include "gateway/shell/streams.h"

#include "gateway/core/event.h"
#include "gateway/core/history.h"
#include "gateway/core/query.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/shown.h"
#include "gateway/shell/spool_door.h"

#include <stdlib.h>

enum { BEAT_MS = 15000 };

struct stream {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    const struct gateway *gateway;
    struct http_request *request;
    enum ask_kind kind; // of the questions for the state
    uint32_t seen;      // the newest version that the client has; 0: none
    bool is_open;
};

static struct reply reply_of(const struct stream *stream)
{
    enum tally_route route = stream->kind == ASK_STATUS ? TALLY_JOB : TALLY_BATCH;
    return (struct reply){stream->gateway->tally, route, stream->request};
}

// A job on its way to the broker has no changes yet.
static bool is_in_spool(const struct stream *stream, err e)
{
    struct reply reply = reply_of(stream);
    return stream->kind == ASK_STATUS &&
           spool_door_refuses(stream->gateway, &reply, &stream->ask.id, e);
}

// Before the stream has begun.
static void refuse(struct stream *stream, err e, const char *detail)
{
    struct reply reply = reply_of(stream);
    if (!is_in_spool(stream, e))
        reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
    free(stream);
}

// Tells a client that asks again after the end that there is nothing more to come.
static void answer_over(struct stream *stream)
{
    struct reply reply = reply_of(stream);
    reply_empty(&reply, 204, NULL);
    free(stream);
}

static void end(struct stream *stream)
{
    http_stream_end(stream->request);
    free(stream);
}

static void open(struct stream *stream)
{
    struct reply reply = reply_of(stream);
    stream->is_open = true;
    reply_stream(&reply);
}

// False when nothing more can be told.
static bool tell(struct stream *stream, const struct event *event)
{
    uint8_t *room = malloc(event_len(event));
    if (room == NULL)
        return false;
    bool goes_on = http_stream_put(stream->request, slice_of(room, event_put(event, room)));
    free(room);
    return goes_on;
}

// --- changes ---

static void answered(struct ask *ask, const struct ask_result *result);

static void ask_for_change(struct stream *stream)
{
    stream->ask = (struct ask){.kind = stream->kind,
                               .done = answered,
                               .id = stream->ask.id,
                               .version = stream->seen,
                               .wait_ms = stream->is_open ? BEAT_MS : 0};
    if (stream->kind == ASK_STATUS)
        guard_ask_status(stream->gateway, stream->request, &stream->ask);
    else
        guard_ask(stream->gateway, stream->request, &stream->ask);
}

static bool tell_state(struct stream *stream, const struct ask_result *result,
                       const struct shown *shown)
{
    struct out out = {0};
    if (shown_put(result, OUT_JSON, broker_time_now(stream->gateway->broker_time), shown->again_ms,
                  &out) != OK)
        return false;
    stream->seen = shown->version;
    struct event event = {.name = "status", .id = shown->version, .data = out_slice(&out)};
    bool goes_on = !out.full && tell(stream, &event);
    shown_free(&out);
    return goes_on;
}

static bool tell_removed(struct stream *stream)
{
    (void)tell(stream, &(struct event){.name = "removed", .data = slice_of_text("{}")});
    return false;
}

// What an answer means for an open stream. False: it ends.
static bool take(struct stream *stream, const struct ask_result *result, const struct shown *shown)
{
    // No broker now: the client keeps its stream, and the question is put again.
    bool is_away = shown->error == ERR_NO_BROKER || shown->error == ERR_TIMEOUT;
    if (shown->error == ERR_GONE || shown->error == ERR_NOT_FOUND)
        return tell_removed(stream);
    if (shown->error != OK && !is_away)
        return false;
    if (is_away || shown->version == stream->seen)
        return http_stream_put(stream->request, slice_of_text(EVENT_COMMENT));
    return tell_state(stream, result, shown) && !shown->is_final;
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct stream *stream = (struct stream *)ask;
    struct shown shown = shown_of(result, broker_time_now(stream->gateway->broker_time));
    if (!stream->is_open && shown.error != OK) {
        refuse(stream, shown.error, "");
        return;
    }
    if (!stream->is_open && shown.is_final && shown.version == stream->seen) {
        answer_over(stream);
        return;
    }
    if (!stream->is_open)
        open(stream);
    if (take(stream, result, &shown) && !atomic_load(&stream->gateway->is_stopping))
        ask_for_change(stream);
    else
        end(stream);
}

// --- resuming ---

static bool tell_transition(struct stream *stream, const struct msg_timeline_event *event)
{
    const struct msg_timeline_is one = {.events = event, .event_count = 1};
    size_t cap = history_timeline_len(&one);
    struct out out = {.data = malloc(cap), .cap = cap, .format = OUT_JSON};
    if (out.data == NULL)
        return false;
    history_event(&out, event);
    bool goes_on = tell(stream, &(struct event){.name = "transition", .data = out_slice(&out)});
    free(out.data);
    return goes_on;
}

// What came behind the last event that the client has; a grant has no version of its own. They
// carry no id: the state that follows does, so that who loses the stream here gets them again.
static bool tell_missed(struct stream *stream, const struct msg_timeline_is *timeline)
{
    const struct msg_timeline_event *events = timeline->events;
    uint32_t at = timeline->event_count;
    while (at > 0 && (events[at - 1].version == 0 || events[at - 1].version > stream->seen))
        at--;
    bool goes_on = true;
    for (; at < timeline->event_count && goes_on; at++)
        goes_on = tell_transition(stream, &events[at]);
    return goes_on;
}

static void answered_timeline(struct ask *ask, const struct ask_result *result)
{
    struct stream *stream = (struct stream *)ask;
    const struct msg *msg = result->answer;
    err e = result->error;
    if (e == OK)
        e = msg->kind == MSG_TIMELINE_IS ? msg->timeline_is.error : ERR_MALFORMED;
    if (e != OK) {
        refuse(stream, e, "");
        return;
    }
    const struct msg_timeline_is *timeline = &msg->timeline_is;
    if (stream->seen >= timeline->version) {
        stream->seen = timeline->version;
        ask_for_change(stream); // nothing was missed
        return;
    }
    open(stream);
    if (tell_missed(stream, timeline))
        ask_for_change(stream);
    else
        end(stream);
}

static void ask_for_timeline(struct stream *stream)
{
    stream->question = (struct msg){.kind = MSG_TIMELINE, .timeline = {.job_id = stream->ask.id}};
    stream->ask.kind = ASK_MSG;
    stream->ask.done = answered_timeline;
    stream->ask.question = &stream->question;
    guard_ask(stream->gateway, stream->request, &stream->ask);
}

// --- beginning ---

static void follow(const struct gateway *gateway, struct http_request *request, enum ask_kind kind)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        struct reply reply = {gateway->tally, TALLY_OTHER, request};
        reply_problem(&reply, &(struct problem){.error = ERR_NO_MEMORY}, NULL);
        return;
    }
    *stream = (struct stream){.gateway = gateway, .request = request, .kind = kind};
    struct query query;
    char fault[QUERY_FAULT_LEN];
    err e = query_read(request->query, 0, &query, fault);
    if (e != OK) {
        refuse(stream, e, fault);
        return;
    }
    if (id_from_text(request->segment, &stream->ask.id) != OK) {
        refuse(stream, ERR_NOT_FOUND, "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057");
        return;
    }
    if (is_in_spool(stream, OK)) {
        free(stream);
        return;
    }
    // An id that is not ours is as good as none.
    bool resumes = query_version(request->headers[HTTP_LAST_EVENT_ID], &stream->seen);
    if (resumes && kind == ASK_STATUS)
        ask_for_timeline(stream);
    else
        ask_for_change(stream);
}

void streams_job(const struct gateway *gateway, struct http_request *request)
{
    follow(gateway, request, ASK_STATUS);
}

void streams_batch(const struct gateway *gateway, struct http_request *request)
{
    follow(gateway, request, ASK_BATCH);
}
