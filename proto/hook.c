// Webhooks and intents by hand.

#include "proto/hook.h"

#include "proto/check.h"
#include "proto/field.h"

enum { FIELD_URL = 1, FIELD_ENDPOINT = 2, FIELD_EVENTS = 3, FIELD_SECRET = 4 };
enum {
    INTENT_PARENT = 1,
    INTENT_GENERATION = 2,
    INTENT_EVENT = 3,
    INTENT_ENDPOINT = 4,
    INTENT_URL = 5,
    INTENT_HEADERS = 6,
    INTENT_SECRET = 7,
    INTENT_BEFORE = 8,
    INTENT_AT = 9,
    INTENT_FAULT = 10,
    INTENT_TENANT = 11,
    INTENT_OWN = 12,
    INTENT_FIELDS = 13,
};

// --- what may be said ---

static bool begins(struct slice text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

static bool is_host_end(uint8_t c)
{
    return c == '/' || c == '?';
}

bool hook_is_url(struct slice url)
{
    size_t scheme = begins(url, "https://") ? 8 : begins(url, "http://") ? 7 : 0;
    if (scheme == 0 || url.len > MSG_URL_LEN_MAX || url.len == scheme ||
        is_host_end(url.data[scheme]))
        return false;
    bool in_host = true;
    for (size_t i = scheme; i < url.len; i++) {
        uint8_t c = url.data[i];
        in_host = in_host && !is_host_end(c);
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\' ||
            (in_host && c == '@'))
            return false;
    }
    return true;
}

static bool is_token_char(uint8_t c)
{
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_word || c == '-' || c == '_' || c == '.';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

// Names that the sender sets itself, or that decide how a request is cut from the next one.
static bool is_own_header(struct slice name)
{
    static const char *const own[] = {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "expect",
        "te",   "trailer",        "upgrade",      "user-agent",        "traceparent"};
    uint8_t text[32];
    if (name.len > sizeof text)
        return false;
    for (size_t i = 0; i < name.len; i++)
        text[i] = lower(name.data[i]);
    struct slice low = slice_of(text, name.len);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (slice_is_text(low, own[i]))
            return true;
    return begins(low, "webhook-") || begins(low, "proxy-");
}

static bool is_header(struct slice line)
{
    size_t name = 0;
    while (name < line.len && is_token_char(line.data[name]))
        name++;
    if (name == 0 || name > 64 || name + 2 >= line.len || line.data[name] != ':' ||
        line.data[name + 1] != ' ')
        return false;
    for (size_t i = name + 2; i < line.len; i++)
        if (line.data[i] < 0x20 || line.data[i] >= 0x7f)
            return false;
    return !is_own_header(slice_of(line.data, name));
}

bool hook_are_headers(struct slice lines)
{
    while (lines.len > 0) {
        size_t len = 0;
        while (len < lines.len && lines.data[len] != '\n')
            len++;
        if (!is_header(slice_of(lines.data, len)) || len + 1 == lines.len)
            return false;
        size_t past = len < lines.len ? len + 1 : len;
        lines = slice_of(lines.data + past, lines.len - past);
    }
    return true;
}

// --- webhooks ---

static bool take(struct slice *place, const struct field *field)
{
    bool is_first = place->data == NULL && field->is_bytes && field->bytes.len > 0;
    *place = field->bytes;
    return is_first;
}

static bool take_hook_field(struct hook *hook, const struct field *field)
{
    if (field->number == FIELD_URL)
        return take(&hook->url, field);
    if (field->number == FIELD_ENDPOINT)
        return take(&hook->endpoint, field);
    if (field->number == FIELD_SECRET)
        return take(&hook->secret, field) && field->bytes.len <= MSG_HOOK_SECRET_LEN_MAX;
    bool is_good = field->number == FIELD_EVENTS && !field->is_bytes && field->value > 0 &&
                   field->value <= HOOK_EVENTS && hook->events == 0;
    hook->events = (uint32_t)field->value;
    return is_good && (hook->events & ~(uint32_t)HOOK_EVENTS) == 0;
}

err hook_read(struct slice packed, struct hook *out_hook, const char **out_detail)
{
    struct bytes_in in = {.left = packed};
    struct hook hook = {0};
    while (in.left.len > 0) {
        struct field field = field_get(&in);
        *out_detail =
            "webhook: not a message Webhook, or events that are neither ends nor progress";
        if (in.bad || !take_hook_field(&hook, &field))
            return ERR_MALFORMED;
    }
    *out_detail = "webhook: give a url, an endpoint, or both";
    if (hook.url.len == 0 && hook.endpoint.len == 0)
        return ERR_BAD_FIELD;
    *out_detail = "webhook.url: https://host/…, at most 2,048 visible ASCII characters, no user, "
                  "no fragment";
    if (hook.url.len > 0 && !hook_is_url(hook.url))
        return ERR_BAD_FIELD;
    *out_detail = "webhook.endpoint: 1 to 128 of a-z 0-9 . _ -";
    if (hook.endpoint.len > 0 && !check_name(hook.endpoint))
        return ERR_BAD_FIELD;
    if (hook.endpoint.len == 0)
        hook.endpoint = slice_of_text(HOOK_DEFAULT);
    if (hook.events == 0)
        hook.events = HOOK_ENDS;
    *out_hook = hook;
    return OK;
}

err hook_check(struct slice packed, const char **out_detail)
{
    struct hook hook;
    const char *detail = NULL;
    err e = packed.len > 0 ? hook_read(packed, &hook, &detail) : OK;
    if (e != OK)
        *out_detail = detail;
    return e;
}

void hook_write(const struct hook *hook, struct bytes_out *out)
{
    field_put_text(out, FIELD_URL, hook->url);
    field_put_text(out, FIELD_ENDPOINT, hook->endpoint);
    field_put_number(out, FIELD_EVENTS, hook->events);
    field_put_text(out, FIELD_SECRET, hook->secret);
}

// --- intents ---

static bool take_id(struct id *id, struct slice bytes)
{
    if (bytes.len != sizeof id->bytes)
        return false;
    memcpy(id->bytes, bytes.data, sizeof id->bytes);
    return true;
}

static bool take_intent_field(struct intent *intent, const struct field *field)
{
    bool is_number = field->number == INTENT_GENERATION || field->number == INTENT_AT ||
                     field->number == INTENT_OWN;
    if (is_number == field->is_bytes)
        return false;
    switch (field->number) {
    case INTENT_PARENT: return take_id(&intent->parent, field->bytes);
    case INTENT_GENERATION: intent->generation = field->value; return true;
    case INTENT_EVENT: intent->event = field->bytes; return true;
    case INTENT_ENDPOINT: intent->endpoint = field->bytes; return true;
    case INTENT_URL: intent->url = field->bytes; return true;
    case INTENT_HEADERS: intent->headers = field->bytes; return true;
    case INTENT_SECRET: intent->secret = field->bytes; return true;
    case INTENT_BEFORE: intent->secret_before = field->bytes; return true;
    case INTENT_AT: intent->at = (when_ms)field->value; return true;
    case INTENT_FAULT: intent->fault = field->bytes; return true;
    case INTENT_TENANT: intent->tenant = field->bytes; return true;
    case INTENT_OWN: intent->is_own = field->value != 0; return true;
    default: return false;
    }
}

err hook_read_intent(struct slice packed, struct intent *out_intent)
{
    struct bytes_in in = {.left = packed};
    struct intent intent = {0};
    uint32_t seen = 0;
    while (in.left.len > 0) {
        struct field field = field_get(&in);
        if (in.bad || field.number >= INTENT_FIELDS || (seen & 1u << field.number) != 0 ||
            !take_intent_field(&intent, &field))
            return ERR_MALFORMED;
        seen |= 1u << field.number;
    }
    if (intent.tenant.len > MSG_NAME_LEN_MAX || intent.endpoint.len > MSG_NAME_LEN_MAX ||
        intent.url.len > MSG_URL_LEN_MAX || intent.fault.len > MSG_REASON_LEN_MAX)
        return ERR_MALFORMED;
    *out_intent = intent;
    return OK;
}

void hook_write_intent(const struct intent *intent, struct bytes_out *out)
{
    if (!id_is_zero(&intent->parent))
        field_put_bytes(out, INTENT_PARENT,
                        slice_of(intent->parent.bytes, sizeof intent->parent.bytes));
    field_put_number(out, INTENT_GENERATION, intent->generation);
    field_put_text(out, INTENT_EVENT, intent->event);
    field_put_text(out, INTENT_ENDPOINT, intent->endpoint);
    field_put_text(out, INTENT_URL, intent->url);
    field_put_text(out, INTENT_HEADERS, intent->headers);
    field_put_text(out, INTENT_SECRET, intent->secret);
    field_put_text(out, INTENT_BEFORE, intent->secret_before);
    field_put_number(out, INTENT_AT, (uint64_t)intent->at);
    field_put_text(out, INTENT_FAULT, intent->fault);
    field_put_text(out, INTENT_TENANT, intent->tenant);
    field_put_number(out, INTENT_OWN, intent->is_own);
}

const char *hook_event_name(uint32_t event)
{
    switch (event) {
    case 1u << JOB_SUCCEEDED: return "job.succeeded";
    case 1u << JOB_DEAD: return "job.dead";
    case 1u << JOB_CANCELLED: return "job.cancelled";
    case 1u << JOB_EXPIRED: return "job.expired";
    case WEBHOOK_PROGRESS: return "job.progress";
    case WEBHOOK_BATCH_FINISHED: return "batch.finished";
    default: return "webhook.test";
    }
}
