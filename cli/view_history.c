// Timelines and logs.

#include "cli/view.h"

#include "cli/plain.h"
#include "gateway/core/answer.h"
#include "gateway/core/feed.h"
#include "gateway/core/history.h"
#include "lib/base/moment.h"

#include <stdlib.h>

static void print_json(FILE *out, struct out *json)
{
    if (!json->full)
        (void)fwrite(json->data, 1, json->len, out);
    (void)fputc('\n', out);
    free(json->data);
}

static bool make_room(struct out *json, size_t cap)
{
    *json = (struct out){.data = malloc(cap), .cap = cap, .format = OUT_JSON};
    if (json->data == NULL)
        (void)fprintf(stderr, "weft: out of memory\n");
    return json->data != NULL;
}

static void print_moment(FILE *out, when_ms at)
{
    char text[MOMENT_TEXT_LEN + 1];
    moment_format(at, text);
    (void)fprintf(out, "%s", text);
}

static void print_named(FILE *out, const char *before, struct slice text)
{
    if (text.len == 0)
        return;
    (void)fputs(before, out);
    plain_put(out, text);
}

// at  event → state  attempt  worker  by whom: why; error
static void print_event(FILE *out, const struct msg_timeline_event *event)
{
    char id[ID_TEXT_LEN + 1];
    print_moment(out, event->at);
    (void)fprintf(out, "  %-12.*s %-10s", (int)event->event.len, (const char *)event->event.data,
                  answer_state(event->state));
    if (!id_is_zero(&event->delivery_id)) {
        id_to_text(&event->delivery_id, id);
        (void)fprintf(out, " %s", id);
    }
    if (event->attempt > 0)
        (void)fprintf(out, " attempt %u", event->attempt);
    if (!id_is_zero(&event->worker_id)) {
        id_to_text(&event->worker_id, id);
        (void)fprintf(out, " worker %s", id);
    }
    if (event->outcome != OUTCOME_NONE)
        (void)fprintf(out, " %s", history_outcome(event->outcome));
    print_named(out, " by ", event->actor);
    print_named(out, ": ", event->reason);
    print_named(out, " ", event->failure.kind);
    print_named(out, ", ", event->failure.message);
    if (event->due_at > 0) {
        (void)fputs(", due ", out);
        print_moment(out, event->due_at);
    }
    (void)fputc('\n', out);
}

void view_event(const struct view *view, const struct msg_event *told,
                const struct msg_job_event *event)
{
    char id[ID_TEXT_LEN + 1];
    uint8_t room[FEED_EVENT_LEN_MAX];
    struct out json = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    if (view->wants_json) {
        feed_event(&json, told, event);
        (void)fprintf(view->out, "%.*s\n", (int)json.len, (const char *)room);
        return;
    }
    id_to_text(&event->job_id, id);
    print_moment(view->out, event->at);
    (void)fprintf(view->out, "  %-10s %s  %.*s %.*s\n", answer_state(event->state), id,
                  (int)event->queue.len, (const char *)event->queue.data, (int)event->type.len,
                  (const char *)event->type.data);
}

void view_gap(const struct view *view, const struct msg_event *told)
{
    uint8_t room[FEED_EVENT_LEN_MAX];
    struct out json = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    if (!view->wants_json) {
        (void)fputs("... a gap: events may be missing here ...\n", view->out);
        return;
    }
    feed_gap(&json, told);
    (void)fprintf(view->out, "%.*s\n", (int)json.len, (const char *)room);
}

void view_timeline(const struct view *view, const struct msg_timeline_is *timeline)
{
    struct out json;
    if (view->wants_json) {
        if (!make_room(&json, history_timeline_len(timeline)))
            return;
        history_timeline(&json, timeline);
        print_json(view->out, &json);
        return;
    }
    for (uint32_t i = 0; i < timeline->event_count; i++)
        print_event(view->out, &timeline->events[i]);
    if (timeline->dropped > 0)
        (void)fprintf(view->out, "%u events in the middle are not kept\n", timeline->dropped);
}

void view_log(const struct view *view, const struct msg_log_is *log, uint32_t after)
{
    struct out json;
    if (view->wants_json) {
        if (!make_room(&json, history_log_len(log)))
            return;
        history_log(&json, log, after);
        print_json(view->out, &json);
        return;
    }
    for (uint32_t i = 0; i < log->line_count; i++) {
        uint32_t dropped = history_dropped(log, after, i);
        if (dropped > 0)
            (void)fprintf(view->out, "... %u lines were dropped ...\n", dropped);
        print_moment(view->out, log->lines[i].at);
        (void)fputs("  ", view->out);
        plain_put(view->out, log->lines[i].text);
        (void)fputc('\n', view->out);
    }
}
