// Events and lines, one object each.

#include "gateway/core/history.h"

#include "gateway/core/answer.h"
#include "lib/base/check.h"

// Names, moments, ids and numbers of one event or line, without texts; and what is around them.
enum { EVENT_LEN = 768, LINE_LEN = 160, AROUND_LEN = 512, ESCAPED_MAX = 6 };

const char *history_outcome(enum outcome outcome)
{
    static const char *const names[OUTCOMES] = {
        [OUTCOME_SUCCEEDED] = "succeeded", [OUTCOME_FAILED] = "failed",
        [OUTCOME_DEAD] = "dead",           [OUTCOME_CRASHED] = "crashed",
        [OUTCOME_SNOOZED] = "snoozed",     [OUTCOME_INTERRUPTED] = "interrupted",
        [OUTCOME_CANCELLED] = "cancelled",
    };
    CHECK((unsigned)outcome < OUTCOMES);
    return names[outcome];
}

static void put_text_if_any(struct out *out, const char *name, struct slice text)
{
    if (text.len > 0)
        out_put_text(out, name, text);
}

static void put_number_if_any(struct out *out, const char *name, uint64_t number)
{
    if (number > 0)
        out_put_unsigned(out, name, number);
}

void history_event(struct out *out, const struct msg_timeline_event *event)
{
    out_open_object(out);
    answer_put_moment(out, "at", event->at);
    out_put_text(out, "event", event->event);
    out_put_text(out, "status", slice_of_text(answer_state(event->state)));
    put_number_if_any(out, "version", event->version);
    if (!id_is_zero(&event->delivery_id))
        answer_put_id(out, "delivery", &event->delivery_id);
    put_text_if_any(out, "actor", event->actor);
    put_number_if_any(out, "attempt", event->attempt);
    if (event->outcome != OUTCOME_NONE)
        out_put_text(out, "outcome", slice_of_text(history_outcome(event->outcome)));
    if (!id_is_zero(&event->worker_id))
        answer_put_id(out, "worker", &event->worker_id);
    if (event->token > 0)
        out_put_digits(out, "token", event->token);
    put_text_if_any(out, "reason", event->reason);
    answer_put_failure(out, &event->failure);
    answer_put_moment(out, "granted_at", event->granted_at);
    answer_put_moment(out, "due_at", event->due_at);
    out_close(out);
}

void history_timeline(struct out *out, const struct msg_timeline_is *timeline)
{
    out_open_object(out);
    answer_put_id(out, "job_id", &timeline->job_id);
    out_put_text(out, "status", slice_of_text(answer_state(timeline->state)));
    out_put_unsigned(out, "version", timeline->version);
    out_put_unsigned(out, "dropped", timeline->dropped);
    out_name(out, slice_of_text("events"));
    out_open_array(out);
    for (uint32_t i = 0; i < timeline->event_count; i++)
        history_event(out, &timeline->events[i]);
    out_close(out);
    out_close(out);
}

uint32_t history_dropped(const struct msg_log_is *log, uint32_t after, uint32_t at)
{
    uint32_t before = at > 0 ? log->lines[at - 1].seq : after;
    uint32_t next = at < log->line_count ? log->lines[at].seq : log->count + 1;
    return next > before + 1 ? next - before - 1 : 0;
}

void history_log(struct out *out, const struct msg_log_is *log, uint32_t after)
{
    uint32_t dropped = 0;
    out_open_object(out);
    answer_put_id(out, "job_id", &log->job_id);
    out_put_text(out, "status", slice_of_text(answer_state(log->state)));
    out_put_unsigned(out, "version", log->version);
    out_name(out, slice_of_text("lines"));
    out_open_array(out);
    for (uint32_t i = 0; i < log->line_count; i++) {
        const struct msg_log_line *line = &log->lines[i];
        dropped += history_dropped(log, after, i);
        out_open_object(out);
        out_put_unsigned(out, "seq", line->seq);
        answer_put_moment(out, "at", line->at);
        if (line->token > 0)
            out_put_digits(out, "token", line->token);
        out_put_text(out, "text", line->text);
        out_close(out);
    }
    out_close(out);
    out_put_unsigned(out, "dropped", dropped);
    out_close(out);
}

size_t history_timeline_len(const struct msg_timeline_is *timeline)
{
    size_t len = AROUND_LEN;
    for (uint32_t i = 0; i < timeline->event_count; i++) {
        const struct msg_timeline_event *event = &timeline->events[i];
        len += EVENT_LEN + ESCAPED_MAX * (event->event.len + event->actor.len + event->reason.len +
                                          event->failure.kind.len + event->failure.message.len +
                                          event->failure.detail.len);
    }
    return len;
}

size_t history_log_len(const struct msg_log_is *log)
{
    size_t len = AROUND_LEN;
    for (uint32_t i = 0; i < log->line_count; i++)
        len += LINE_LEN + ESCAPED_MAX * log->lines[i].text.len;
    return len;
}
