// A table of names and values, a line for each schedule, a line for each moment.

#include "cli/schedule_view.h"

#include "cli/table.h"
#include "gateway/core/schedule.h"
#include "lib/base/civil.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"

enum { FIELDS_LEN = 64 * 1024, LINE_LEN = 2048, ESCAPED_MAX = 6 };

static const char *overlap_name(enum overlap overlap)
{
    static const char *const names[] = {"skip", "skip", "queue", "allow", "replace"};
    return names[overlap];
}

static const char *catch_up_name(enum catch_up catch_up)
{
    static const char *const names[] = {"latest", "none", "latest", "all"};
    return names[catch_up];
}

static void print_given(FILE *out, const struct msg_schedule *given)
{
    char jitter[DURATION_TEXT_LEN + 1];
    table_text(out, "schedule", given->schedule_id);
    table_text(out, "cron", given->cron);
    table_text(out, "time zone", given->zone);
    (void)fprintf(out, "%-14s %s\n", "overlap", overlap_name(given->overlap));
    (void)fprintf(out, "%-14s %s\n", "catch up", catch_up_name(given->catch_up));
    if (given->jitter_ms > 0 && given->jitter_ms <= (uint64_t)DURATION_MAX_MS) {
        duration_format((when_ms)given->jitter_ms, jitter);
        (void)fprintf(out, "%-14s %s\n", "jitter", jitter);
    }
    if (given->paused)
        (void)fprintf(out, "%-14s %s\n", "paused", "yes");
    if (given->job_count > 0) {
        table_text(out, "type", given->jobs->type);
        table_text(out, "queue", given->jobs->queue);
    }
}

static void print_state(FILE *out, const struct msg_schedule_state *is)
{
    char id[ID_TEXT_LEN + 1];
    (void)fprintf(out, "%-14s %u\n", "generation", is->generation);
    table_moment(out, "created", is->created_at);
    table_moment(out, "since", is->since_at);
    table_moment(out, "last", is->last_at);
    table_moment(out, "waiting", is->held_at);
    if (!id_is_zero(&is->last_job_id)) {
        id_to_text(&is->last_job_id, id);
        (void)fprintf(out, "%-14s %s\n", "last job", id);
    }
    (void)fprintf(out, "%-14s %llu (%llu skipped)\n", "fired", (unsigned long long)is->fired_count,
                  (unsigned long long)is->skipped_count);
}

// A payload that says to be JSON is believed: it was judged when it was given.
static struct answer_result payload_of(const struct msg_schedule *given)
{
    static const enum answer_form forms[] = {[CONTENT_NONE] = ANSWER_NONE,
                                             [CONTENT_BYTES] = ANSWER_BYTES,
                                             [CONTENT_JSON] = ANSWER_RAW,
                                             [CONTENT_MSGPACK] = ANSWER_BYTES,
                                             [CONTENT_TEXT] = ANSWER_TEXT};
    if (given->job_count == 0)
        return (struct answer_result){.form = ANSWER_NONE};
    const struct body *payload = &given->jobs->payload;
    return (struct answer_result){forms[payload->content], payload->bytes};
}

void schedule_view_one(const struct view *view, const struct msg_schedule_status_is *is,
                       bool is_dry_run)
{
    struct out json;
    struct answer_result payload = payload_of(&is->given);
    if (view->wants_json) {
        if (!table_begin_json(&json, FIELDS_LEN + payload.bytes.len * ESCAPED_MAX))
            return;
        schedule_answer(&json, is, &payload, is_dry_run);
        table_end_json(&json, view->out);
        return;
    }
    print_given(view->out, &is->given);
    if (!is_dry_run)
        print_state(view->out, &is->is);
    for (uint32_t i = 0; i < is->next.count; i++)
        table_moment(view->out, i == 0 ? "next" : "", is->next.items[i].at);
}

void schedule_view_head(const struct view *view)
{
    (void)fprintf(view->out, "%-24s %-24s %-20s %s\n", "SCHEDULE", "NEXT", "CRON", "TYPE");
}

void schedule_view_lines(const struct view *view, const struct msg_schedule_listed *listed)
{
    struct out json;
    if (view->wants_json) {
        if (!table_begin_json(&json, FIELDS_LEN + (size_t)listed->count * LINE_LEN))
            return;
        schedule_answer_list(&json, listed);
        table_end_json(&json, view->out);
        return;
    }
    for (uint32_t i = 0; i < listed->count; i++) {
        const struct msg_schedule_line *line = &listed->schedules[i];
        char next[MOMENT_TEXT_LEN + 1] = "never";
        if (line->given.paused)
            (void)snprintf(next, sizeof next, "paused");
        else if (line->next_at > 0 && line->next_at <= MOMENT_MAX)
            moment_format(line->next_at, next);
        (void)fprintf(view->out, "%-24.*s %-24s %-20.*s %.*s\n", (int)line->given.schedule_id.len,
                      (const char *)line->given.schedule_id.data, next, (int)line->given.cron.len,
                      (const char *)line->given.cron.data, (int)line->type.len,
                      (const char *)line->type.data);
    }
}

// "2026-03-29 03:00 +02:00"
static void print_local(FILE *out, when_ms at, const struct zone *zone)
{
    int64_t at_s = at / 1000;
    int32_t offset = zone_span_at(zone, at_s).offset_s;
    int64_t local = at_s + offset;
    struct civil civil = civil_of_days(local / 86400);
    int32_t ahead = offset < 0 ? -offset : offset;
    (void)fprintf(out, "%04d-%02d-%02d %02d:%02d %c%02d:%02d", (int)civil.year, (int)civil.month,
                  (int)civil.day, (int)(local / 3600 % 24), (int)(local / 60 % 60),
                  offset < 0 ? '-' : '+', ahead / 3600, ahead / 60 % 60);
}

void schedule_view_moments(const struct view *view, const struct msg_moments *moments,
                           const struct zone *zone)
{
    if (view->wants_json)
        (void)fputs("{\"next\":[", view->out);
    for (uint32_t i = 0; i < moments->count; i++) {
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(moments->items[i].at, text);
        if (view->wants_json) {
            (void)fprintf(view->out, "%s\"%s\"", i > 0 ? "," : "", text);
            continue;
        }
        (void)fprintf(view->out, "%s  ", text);
        print_local(view->out, moments->items[i].at, zone);
        (void)fputc('\n', view->out);
    }
    if (view->wants_json)
        (void)fputs("]}\n", view->out);
}
