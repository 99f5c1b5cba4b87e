// A table of names and values, a line for each endpoint.

#include "cli/webhook_view.h"

#include "cli/table.h"

enum { JSON_LEN = 1024, EVENTS_WIDTH = 32 };

static bool begin_json(struct out *json, uint32_t count)
{
    return table_begin_json(json, JSON_LEN + (size_t)count * ENDPOINT_ANSWER_LEN);
}

// How wide it is.
static int print_events(FILE *out, uint32_t events)
{
    const char *before = "";
    int width = 0;
    for (uint32_t bit = 0; bit < 32; bit++) {
        const char *word = (events & 1u << bit) != 0 ? webhook_event_word(1u << bit) : NULL;
        if (word == NULL)
            continue;
        width += fprintf(out, "%s%s", before, word);
        before = ",";
    }
    if (before[0] == '\0')
        width = fprintf(out, "none by itself");
    return width;
}

// Their values may be secrets of the receiver's.
static void print_headers(FILE *out, struct slice lines)
{
    bool is_name = true;
    if (lines.len == 0)
        return;
    (void)fprintf(out, "%-14s ", "headers");
    for (size_t i = 0; i < lines.len; i++) {
        uint8_t c = lines.data[i];
        if (c == '\n')
            (void)fputs(", ", out);
        else if (is_name && c != ':')
            (void)fputc(c, out);
        is_name = c == '\n' || (is_name && c != ':');
    }
    (void)fputc('\n', out);
}

static void print_secret(FILE *out, const struct endpoint_told *told)
{
    char text[WEBHOOK_SECRET_TEXT_LEN_MAX + 1];
    if (told->fate == ENDPOINT_SECRET_KEPT)
        (void)fprintf(out, "%-14s kept; 'weft webhook rotate' makes another\n", "secret");
    if (told->fate != ENDPOINT_SECRET_TAKEN || !told->secret->is_new)
        return;
    (void)webhook_secret_text(told->secret, text);
    (void)fprintf(out, "%-14s %s (told only now)\n", "secret", text);
}

void webhook_view_one(const struct view *view, const struct endpoint_told *told)
{
    const struct msg_webhook_line *line = told->line;
    FILE *out = view->out;
    struct out json;
    if (view->wants_json) {
        if (!begin_json(&json, 1))
            return;
        endpoint_answer(&json, told);
        table_end_json(&json, out);
        return;
    }
    table_text(out, "webhook", line->given.webhook_id);
    table_text(out, "url", line->given.url);
    (void)fprintf(out, "%-14s ", "events");
    (void)print_events(out, line->given.events);
    (void)fputc('\n', out);
    table_text(out, "types", line->given.types);
    table_text(out, "tags", line->given.tags);
    print_headers(out, line->given.headers);
    print_secret(out, told);
    if (line->disabled)
        table_text(out, "disabled", line->reason.len > 0 ? line->reason : slice_of_text("yes"));
    (void)fprintf(out, "%-14s %u\n", "generation", line->generation);
    table_moment(out, "created", line->created_at);
    table_moment(out, "rotated", line->rotated_at);
    table_moment(out, "former until", line->before_until);
}

void webhook_view_head(const struct view *view)
{
    (void)fprintf(view->out, "%-24s %-9s %-*s %s\n", "WEBHOOK", "STATE", EVENTS_WIDTH, "EVENTS",
                  "URL");
}

static void print_line(FILE *out, const struct msg_webhook_line *line)
{
    (void)fprintf(out, "%-24.*s %-9s ", (int)line->given.webhook_id.len,
                  (const char *)line->given.webhook_id.data,
                  line->disabled ? "disabled" : "enabled");
    int width = print_events(out, line->given.events);
    (void)fprintf(out, "%*s %.*s\n", width < EVENTS_WIDTH ? EVENTS_WIDTH - width : 0, "",
                  (int)line->given.url.len,
                  line->given.url.len > 0 ? (const char *)line->given.url.data : "");
}

void webhook_view_lines(const struct view *view, const struct msg_webhook_status_is *is)
{
    struct out json;
    for (uint32_t i = 0; i < is->count && !view->wants_json; i++)
        print_line(view->out, &is->webhooks[i]);
    if (!view->wants_json || !begin_json(&json, is->count))
        return;
    endpoint_answer_list(&json, is);
    table_end_json(&json, view->out);
}

void webhook_view_test(const struct view *view, struct slice webhook_id,
                       const struct id *delivery_id)
{
    char id[ID_TEXT_LEN + 1];
    struct out json;
    if (!view->wants_json) {
        id_to_text(delivery_id, id);
        (void)fprintf(view->out, "%s is on its way: weft job show %s\n", id, id);
        return;
    }
    if (!begin_json(&json, 1))
        return;
    endpoint_answer_test(&json, webhook_id, delivery_id);
    table_end_json(&json, view->out);
}
