// Pointers and texts of faults and violations. They are made only when somebody will read them.

#include "lib/schema/schema_private.h"

#include "lib/base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>

// A text that knows how long it would be if there were room.
struct text {
    char *out; // SCHEMA_TEXT_MAX
    size_t len;
};

static void put(struct text *text, char c)
{
    if (text->len < SCHEMA_TEXT_MAX - 1)
        text->out[text->len] = c;
    text->len++;
}

static void put_token(struct text *text, const char *token)
{
    put(text, '/');
    for (; *token != '\0'; token++) {
        if (*token != '~' && *token != '/') {
            put(text, *token);
            continue;
        }
        put(text, '~');
        put(text, *token == '~' ? '0' : '1');
    }
}

static void put_index(struct text *text, size_t index)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%zu", index);
    put_token(text, digits);
}

static void end(struct text *text)
{
    text->out[text->len < SCHEMA_TEXT_MAX ? text->len : SCHEMA_TEXT_MAX - 1] = '\0';
    schema_report_end_text(text->out, text->len);
}

void schema_report_end_text(char out[SCHEMA_TEXT_MAX], size_t len)
{
    if (len < SCHEMA_TEXT_MAX)
        return;
    size_t kept = utf8_valid_len(slice_of(out, SCHEMA_TEXT_MAX - 4));
    memcpy(out + kept, "...", 4);
}

static void put_node(struct text *text, const struct node *node)
{
    const struct node *nodes[SCHEMA_NESTING_MAX];
    size_t count = 0;
    for (; node->parent != NULL; node = node->parent) {
        CHECK(count < SCHEMA_NESTING_MAX);
        nodes[count++] = node;
    }
    while (count > 0) {
        const struct node *at = nodes[--count];
        put_token(text, at->under->name);
        if (at->is_many && at->key != NULL)
            put_token(text, at->key);
        else if (at->is_many)
            put_index(text, at->index);
    }
}

void schema_report_place(const struct place *place, char out[SCHEMA_TEXT_MAX])
{
    struct text text = {.out = out};
    if (place->node != NULL)
        put_node(&text, place->node);
    if (place->keyword != NULL)
        put_token(&text, place->keyword);
    if (place->key != NULL)
        put_token(&text, place->key);
    else if (place->is_item)
        put_index(&text, place->index);
    end(&text);
}

static void put_spot(struct text *text, const struct spot *spot)
{
    const struct spot *spots[SCHEMA_DEPTH_MAX + 1];
    size_t count = 0;
    for (; spot->up != NULL; spot = spot->up) {
        CHECK(count < SCHEMA_DEPTH_MAX + 1);
        spots[count++] = spot;
    }
    while (count > 0) {
        const struct spot *at = spots[--count];
        if (at->key != NULL)
            put_token(text, at->key);
        else
            put_index(text, at->index);
    }
}

// The next violation, with its places; NULL when there are as many as are listed.
static struct schema_violation *next(struct check *check, const struct frame *frame,
                                     const char *keyword)
{
    struct schema_report *report = check->report;
    if (report->count == SCHEMA_VIOLATIONS_MAX) {
        report->has_more = true;
        return NULL;
    }
    struct schema_violation *violation = &report->violations[report->count++];
    struct text path = {.out = violation->path};
    put_spot(&path, frame->spot);
    end(&path);
    struct place place = {.node = frame->node, .keyword = keyword};
    schema_report_place(&place, violation->keyword);
    return violation;
}

bool schema_report_add(struct check *check, const struct frame *frame, const char *keyword,
                       const char *format, ...)
{
    if (check->quiet > 0 || check->is_stopped)
        return false;
    struct schema_violation *violation = next(check, frame, keyword);
    if (violation == NULL)
        return false;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(violation->message, SCHEMA_TEXT_MAX, format, args);
    va_end(args);
    schema_report_end_text(violation->message, len < 0 ? 0 : (size_t)len);
    return false;
}

bool schema_report_stop(struct check *check, const struct frame *frame, const char *text)
{
    if (check->is_stopped)
        return false;
    struct schema_report *report = check->report;
    if (report->count == SCHEMA_VIOLATIONS_MAX) {
        report->count--;
        report->has_more = true;
    }
    struct schema_violation *violation = next(check, frame, NULL);
    CHECK(violation != NULL);
    (void)snprintf(violation->message, SCHEMA_TEXT_MAX, "%s", text);
    check->is_stopped = true;
    report->is_stopped = true;
    return false;
}

void schema_report_whole(struct schema_report *report, const char *format, ...)
{
    *report = (struct schema_report){.count = 1};
    struct schema_violation *violation = &report->violations[0];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(violation->message, SCHEMA_TEXT_MAX, format, args);
    va_end(args);
    // A reader's complaint may quote bytes that are no characters.
    utf8_repair((uint8_t *)violation->message, strlen(violation->message));
    schema_report_end_text(violation->message, len < 0 ? 0 : (size_t)len);
}

// JSON into the caller's room; what did not fit is known at the end.
struct json_out {
    char *out;
    size_t len, cap;
    bool is_full;
};

static void json_put(struct json_out *json, const char *bytes, size_t len)
{
    if (json->is_full || len > json->cap - json->len) {
        json->is_full = true;
        return;
    }
    memcpy(json->out + json->len, bytes, len);
    json->len += len;
}

static void json_put_text(struct json_out *json, const char *name, const char *text)
{
    json_put(json, name, strlen(name));
    json_put(json, "\"", 1);
    for (; *text != '\0'; text++) {
        char escaped[8] = {'\\', *text};
        if (*text == '"' || *text == '\\')
            json_put(json, escaped, 2);
        else if ((unsigned char)*text >= 0x20)
            json_put(json, text, 1);
        else
            json_put(json, escaped,
                     (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*text));
    }
    json_put(json, "\"", 1);
}

size_t schema_report_json(const struct schema_report *report, char *out, size_t cap)
{
    CHECK(cap >= 2);
    struct json_out json = {.out = out, .cap = cap - 1}; // one for the bracket at the end
    json_put(&json, "[", 1);
    for (uint32_t i = 0; i < report->count && !json.is_full; i++) {
        const struct schema_violation *violation = &report->violations[i];
        size_t len = json.len;
        json_put(&json, ",", i > 0 ? 1 : 0);
        json_put_text(&json, "{\"path\":", violation->path);
        json_put_text(&json, ",\"schema_path\":", violation->keyword);
        json_put_text(&json, ",\"message\":", violation->message);
        json_put(&json, "}", 1);
        if (json.is_full)
            json.len = len;
    }
    out[json.len] = ']';
    return json.len + 1;
}

static void string_value(const json_t *value, char *out, size_t cap)
{
    size_t len = json_string_length(value);
    size_t kept = len < cap - 6 ? len : cap - 6;
    kept = utf8_valid_len(slice_of(json_string_value(value), kept));
    (void)snprintf(out, cap, kept < len ? "\"%.*s...\"" : "\"%.*s\"", (int)kept,
                   json_string_value(value));
}

void schema_report_value(const json_t *value, char *out, size_t cap)
{
    if (json_is_string(value)) {
        string_value(value, out, cap);
        return;
    }
    memset(out, 0, cap);
    size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15);
    size_t len = json_dumpb(value, out, cap - 1, flags);
    if (len < cap)
        return;
    size_t kept = utf8_valid_len(slice_of(out, strlen(out)));
    kept = kept < cap - 4 ? kept : utf8_valid_len(slice_of(out, cap - 4));
    memcpy(out + kept, "...", 4);
}
