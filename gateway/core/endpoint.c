// The fields of an endpoint, one row each, and what is told of one.

#include "gateway/core/endpoint.h"

#include "gateway/core/answer.h"
#include "lib/base/bytes.h"
#include "lib/base/duration.h"

enum { LIST_MAX = 64 };

struct reading {
    const struct doc_room *room;
    struct endpoint_put *put;
    bool has_events;
    const char *near;
};

// Reads one field; NULL or the rule that the value breaks.
typedef const char *field_reader(struct reading *reading, struct doc_value value);

struct field {
    const char *name;
    field_reader *read;
};

static const char too_long[] = "is too long together with the rest";

static const char *read_url(struct reading *reading, struct doc_value value)
{
    struct slice *url = &reading->put->given.url;
    bool is_url = doc_text(value, reading->room->arena, url) == OK && hook_is_url(*url);
    return is_url ? NULL
                  : "must be https://host/…, at most 2,048 visible ASCII characters, no user, no "
                    "fragment";
}

static const char *read_events(struct reading *reading, struct doc_value value)
{
    reading->has_events = true;
    return webhook_read_events(value, reading->room->arena, WEBHOOK_OF_ENDPOINT,
                               &reading->put->given.events, &reading->near);
}

// As the wire has them: one behind the other, with `between` between.
static bool join(struct arena *arena, const struct slice *items, uint32_t count,
                 struct slice *out_text)
{
    struct bytes_out out = {.data = arena_take(arena, MSG_HOOK_LIST_LEN_MAX),
                            .cap = MSG_HOOK_LIST_LEN_MAX};
    if (out.data == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bytes_put_u8(&out, ',');
        bytes_put(&out, items[i].data, items[i].len);
    }
    arena->used -= out.cap - out.len;
    *out_text = slice_of(out.data, out.len);
    return !out.full;
}

// Of none the wire says nothing, which means all.
static const char *read_list(struct reading *reading, struct doc_value value,
                             struct slice *out_list)
{
    struct arena *arena = reading->room->arena;
    struct slice items[LIST_MAX];
    uint32_t count = 0;
    if (doc_texts(value, arena, items, LIST_MAX, &count) != OK || count == 0)
        return "must be an array of 1 to 64 texts";
    for (uint32_t i = 0; i < count; i++)
        if (items[i].len == 0 || memchr(items[i].data, ',', items[i].len) != NULL)
            return "has a text that is none: empty, or with a comma";
    return join(arena, items, count, out_list) ? NULL : "is longer than 1,024 bytes";
}

static const char *read_types(struct reading *reading, struct doc_value value)
{
    return read_list(reading, value, &reading->put->given.types);
}

static const char *read_tags(struct reading *reading, struct doc_value value)
{
    return read_list(reading, value, &reading->put->given.tags);
}

static const char *put_header(struct bytes_out *lines, const struct doc_member *header,
                              struct arena *arena)
{
    struct slice value;
    if (doc_text(header->value, arena, &value) != OK)
        return "must be an object of texts";
    // A line feed in it would be another header.
    if (value.len > 0 && memchr(value.data, '\n', value.len) != NULL)
        return "has a value with a line feed";
    if (lines->len > 0)
        bytes_put_u8(lines, '\n');
    bytes_put(lines, header->name.data, header->name.len);
    bytes_put(lines, ": ", 2);
    bytes_put(lines, value.data, value.len);
    return NULL;
}

static const char *read_headers(struct reading *reading, struct doc_value value)
{
    struct arena *arena = reading->room->arena;
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(value, reading->room, &members, why) != OK || members.count > ENDPOINT_HEADERS_MAX)
        return "must be an object of at most 24 texts, each name once";
    struct bytes_out lines = {.data = arena_take(arena, MSG_HOOK_HEADERS_LEN_MAX),
                              .cap = MSG_HOOK_HEADERS_LEN_MAX};
    if (lines.data == NULL)
        return too_long;
    for (uint32_t i = 0; i < members.count; i++) {
        const char *rule = put_header(&lines, &members.items[i], arena);
        if (rule != NULL)
            return rule;
    }
    if (lines.full)
        return "is longer than 4,096 bytes";
    reading->put->given.headers = slice_of(lines.data, lines.len);
    return hook_are_headers(reading->put->given.headers)
               ? NULL
               : "has a header that the sender sets itself, or one that is no token and visible "
                 "ASCII";
}

static const char *read_secret(struct reading *reading, struct doc_value value)
{
    return webhook_read_secret(value, reading->room->arena, &reading->put->secret);
}

static const struct field endpoint_fields[] = {
    {"url", read_url},   {"events", read_events},   {"types", read_types},
    {"tags", read_tags}, {"headers", read_headers}, {"secret", read_secret},
};
enum { FIELDS = sizeof endpoint_fields / sizeof endpoint_fields[0] };

static err read_member(struct reading *reading, const struct doc_member *member,
                       struct submit_fault *fault)
{
    const char *names[FIELDS];
    for (unsigned i = 0; i < FIELDS; i++) {
        names[i] = endpoint_fields[i].name;
        if (!slice_is_text(member->name, names[i]))
            continue;
        const char *rule = endpoint_fields[i].read(reading, member->value);
        if (rule == NULL)
            return OK;
        submit_fault_tell(fault, "", member->name, rule, reading->near);
        return ERR_BAD_FIELD;
    }
    submit_fault_unknown(fault, "", member->name, "is no field of an endpoint",
                         &(struct submit_names){names, FIELDS});
    return ERR_BAD_FIELD;
}

// One with a url is told of every end, unless it says of which; one without only signs.
static err judge(const struct reading *reading, struct submit_fault *fault)
{
    struct msg_webhook *given = &reading->put->given;
    if (given->url.len > 0) {
        if (!reading->has_events)
            given->events = HOOK_ENDS;
        return OK;
    }
    bool is_bare = !reading->has_events && given->types.len == 0 && given->tags.len == 0 &&
                   given->headers.len == 0;
    if (is_bare)
        return OK;
    submit_fault_tell(fault, "", slice_of_text("url"),
                      "is missing: without one an endpoint only signs for urls in jobs, and has no "
                      "events, types, tags and headers",
                      NULL);
    return ERR_BAD_FIELD;
}

err endpoint_read(struct doc_value object, const struct doc_room *room,
                  struct endpoint_put *out_put, struct submit_fault *out_fault)
{
    struct endpoint_put put = {.secret.is_new = true};
    struct reading reading = {.room = room, .put = &put};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = read_member(&reading, &members.items[i], out_fault);
    if (e == OK)
        e = judge(&reading, out_fault);
    if (e == OK)
        *out_put = put;
    return e;
}

// --- what is done with one ---

static const char *read_overlap(struct doc_value value, const struct doc_room *room,
                                uint32_t *out_s)
{
    struct slice text;
    when_ms span;
    bool is_good = doc_text(value, room->arena, &text) == OK && duration_parse(text, &span) == OK &&
                   span % 1000 == 0 && span <= (when_ms)ENDPOINT_OVERLAP_S_MAX * 1000;
    if (is_good)
        *out_s = (uint32_t)(span / 1000);
    return is_good ? NULL : "must be a duration of whole seconds, at most \"30d\"";
}

static err unknown_of_rotation(struct slice name, struct submit_fault *fault)
{
    static const char *const names[] = {"secret", "overlap"};
    submit_fault_unknown(fault, "", name, "is nothing that a rotation takes",
                         &(struct submit_names){names, 2});
    return ERR_BAD_FIELD;
}

err endpoint_read_rotation(struct doc_value object, const struct doc_room *room,
                           struct endpoint_rotation *out_rotation, struct submit_fault *out_fault)
{
    struct endpoint_rotation rotation = {.secret.is_new = true, .overlap_s = ENDPOINT_OVERLAP_S};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++) {
        const struct doc_member *member = &members.items[i];
        const char *rule = NULL;
        if (slice_is_text(member->name, "secret"))
            rule = webhook_read_secret(member->value, room->arena, &rotation.secret);
        else if (slice_is_text(member->name, "overlap"))
            rule = read_overlap(member->value, room, &rotation.overlap_s);
        else
            e = unknown_of_rotation(member->name, out_fault);
        if (rule == NULL)
            continue;
        submit_fault_tell(out_fault, "", member->name, rule, NULL);
        e = ERR_BAD_FIELD;
    }
    if (e == OK)
        *out_rotation = rotation;
    return e;
}

err endpoint_read_reason(struct doc_value object, const struct doc_room *room,
                         struct slice *out_reason, struct submit_fault *out_fault)
{
    struct slice reason = {0};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++) {
        const struct doc_member *member = &members.items[i];
        bool is_reason = slice_is_text(member->name, "reason");
        if (is_reason && doc_text(member->value, room->arena, &reason) == OK &&
            reason.len <= MSG_REASON_LEN_MAX)
            continue;
        submit_fault_tell(out_fault, "", member->name,
                          is_reason ? "must be a text of at most 256 bytes"
                                    : "is nothing that can be said here; there is \"reason\"",
                          NULL);
        e = ERR_BAD_FIELD;
    }
    if (e == OK)
        *out_reason = reason;
    return e;
}

// --- answers ---

// Up to `end`, which is left out; what is behind it stays in `rest`.
static struct slice cut(struct slice *rest, uint8_t end)
{
    const uint8_t *at = memchr(rest->data, end, rest->len);
    size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
    struct slice head = slice_of(rest->data, len);
    size_t past = len < rest->len ? len + 1 : len;
    *rest = slice_of(rest->data + past, rest->len - past);
    return head;
}

static void put_list(struct out *out, const char *name, struct slice list)
{
    if (list.len == 0)
        return;
    out_name(out, slice_of_text(name));
    out_open_array(out);
    while (list.len > 0)
        out_text(out, cut(&list, ','));
    out_close(out);
}

// Their values may be secrets of the receiver's.
static void put_headers(struct out *out, struct slice lines)
{
    if (lines.len == 0)
        return;
    out_name(out, slice_of_text("header_names"));
    out_open_array(out);
    while (lines.len > 0) {
        struct slice line = cut(&lines, '\n');
        if (line.len > 0)
            out_text(out, cut(&line, ':'));
    }
    out_close(out);
}

static void put_secret(struct out *out, const struct webhook_secret *secret)
{
    char text[WEBHOOK_SECRET_TEXT_LEN_MAX + 1];
    if (secret == NULL || !secret->is_new || secret->len == 0)
        return;
    out_put_text(out, "secret", slice_of(text, webhook_secret_text(secret, text)));
}

void endpoint_answer(struct out *out, const struct endpoint_told *told)
{
    const struct msg_webhook_line *line = told->line;
    const struct msg_webhook *given = &line->given;
    out_open_object(out);
    out_put_text(out, "webhook_id", given->webhook_id);
    if (given->url.len > 0)
        out_put_text(out, "url", given->url);
    webhook_put_events(out, given->events);
    put_list(out, "types", given->types);
    put_list(out, "tags", given->tags);
    put_headers(out, given->headers);
    if (told->fate == ENDPOINT_SECRET_TAKEN)
        put_secret(out, told->secret);
    if (told->fate == ENDPOINT_SECRET_KEPT)
        out_put_bool(out, "secret_kept", true);
    out_put_bool(out, "disabled", line->disabled);
    if (line->reason.len > 0)
        out_put_text(out, "reason", line->reason);
    out_put_unsigned(out, "generation", line->generation);
    answer_put_moment(out, "created_at", line->created_at);
    answer_put_moment(out, "rotated_at", line->rotated_at);
    answer_put_moment(out, "secret_before_until", line->before_until);
    answer_put_name_url(out, "webhook_url", "/v1/webhooks/", given->webhook_id);
    out_close(out);
}

void endpoint_answer_list(struct out *out, const struct msg_webhook_status_is *is)
{
    out_open_object(out);
    out_name(out, slice_of_text("webhooks"));
    out_open_array(out);
    for (uint32_t i = 0; i < is->count; i++)
        endpoint_answer(out, &(struct endpoint_told){.line = &is->webhooks[i]});
    out_close(out);
    if (is->is_more && is->count > 0)
        out_put_text(out, "cursor", is->webhooks[is->count - 1].given.webhook_id);
    out_close(out);
}

void endpoint_answer_test(struct out *out, struct slice webhook_id, const struct id *delivery_id)
{
    out_open_object(out);
    out_put_text(out, "webhook_id", webhook_id);
    answer_put_id(out, "job_id", delivery_id);
    answer_put_urls(out, delivery_id);
    out_close(out);
}
