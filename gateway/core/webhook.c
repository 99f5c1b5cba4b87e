// The fields `webhook` and `batch_webhook`, one row for each of their own.

#include "gateway/core/webhook.h"

#include "gateway/core/submit.h"
#include "lib/base/base64.h"
#include "lib/base/nearest.h"
#include "proto/hook.h"

static const char head[] = "whsec_";
enum { HEAD_LEN = sizeof head - 1 };

// --- secrets ---

size_t webhook_secret_text(const struct webhook_secret *secret,
                           char out[WEBHOOK_SECRET_TEXT_LEN_MAX + 1])
{
    CHECK(secret->len <= WEBHOOK_SECRET_LEN_MAX);
    size_t len = HEAD_LEN + base64_len(secret->len);
    memcpy(out, head, HEAD_LEN);
    base64_put(slice_of(secret->bytes, secret->len), out + HEAD_LEN);
    out[len] = '\0';
    return len;
}

const char *webhook_secret_of(struct slice text, struct webhook_secret *out_secret)
{
    static const char rule[] = "must be \"new\", or whsec_ and base64 of 24 to 64 bytes";
    struct webhook_secret secret = {.is_new = slice_is_text(text, "new")};
    size_t len = 0;
    if (!secret.is_new) {
        if (text.len < HEAD_LEN || memcmp(text.data, head, HEAD_LEN) != 0)
            return rule;
        struct slice digits = slice_of(text.data + HEAD_LEN, text.len - HEAD_LEN);
        if (base64_get(digits, secret.bytes, sizeof secret.bytes, &len) != OK ||
            len < WEBHOOK_SECRET_LEN_MIN)
            return rule;
        secret.len = (uint32_t)len;
    }
    *out_secret = secret;
    return NULL;
}

const char *webhook_read_secret(struct doc_value value, struct arena *arena,
                                struct webhook_secret *out_secret)
{
    struct slice text = {0};
    if (doc_text(value, arena, &text) != OK)
        text = (struct slice){0}; // which is none either
    return webhook_secret_of(text, out_secret);
}

// --- events ---

static const struct {
    const char *word;
    uint32_t event;
} events[] = {{"succeeded", 1u << JOB_SUCCEEDED}, {"dead", 1u << JOB_DEAD},
              {"cancelled", 1u << JOB_CANCELLED}, {"expired", 1u << JOB_EXPIRED},
              {"progress", WEBHOOK_PROGRESS},     {"batch.finished", WEBHOOK_BATCH_FINISHED}};
enum { EVENTS = sizeof events / sizeof events[0], EVENTS_OF_JOB = 5 };

const char *webhook_event_word(uint32_t event)
{
    for (unsigned i = 0; i < EVENTS; i++)
        if (events[i].event == event)
            return events[i].word;
    return NULL;
}

static const char *nearest_event(struct slice word, unsigned count)
{
    const char *names[EVENTS];
    for (unsigned i = 0; i < count; i++)
        names[i] = events[i].word;
    return nearest_of(word, names, count);
}

static const char *events_rule(enum webhook_whose whose)
{
    return whose == WEBHOOK_OF_JOB
               ? "must be of \"succeeded\", \"dead\", \"cancelled\", \"expired\", "
                 "\"progress\", at least one"
               : "must be of \"succeeded\", \"dead\", \"cancelled\", \"expired\", "
                 "\"progress\", \"batch.finished\"";
}

const char *webhook_events_of(const struct webhook_words *words, uint32_t *out_events,
                              const char **out_near)
{
    unsigned known = words->whose == WEBHOOK_OF_JOB ? EVENTS_OF_JOB : EVENTS;
    uint32_t bits = 0;
    *out_near = NULL;
    for (uint32_t i = 0; i < words->count; i++) {
        unsigned at = 0;
        while (at < known && !slice_is_text(words->items[i], events[at].word))
            at++;
        if (at == known) {
            *out_near = nearest_event(words->items[i], known);
            return events_rule(words->whose);
        }
        bits |= events[at].event;
    }
    if (bits == 0 && words->whose == WEBHOOK_OF_JOB)
        return events_rule(words->whose);
    *out_events = bits;
    return NULL;
}

const char *webhook_read_events(struct doc_value value, struct arena *arena,
                                enum webhook_whose whose, uint32_t *out_events,
                                const char **out_near)
{
    struct slice items[EVENTS];
    struct webhook_words words = {.whose = whose, .items = items};
    *out_near = NULL;
    if (doc_texts(value, arena, items, EVENTS, &words.count) != OK)
        return events_rule(whose);
    return webhook_events_of(&words, out_events, out_near);
}

// --- the field ---

struct reading {
    struct arena *arena;
    struct hook hook;
    struct webhook_secret secret;
    const struct webhook_place *place;
    const char *near;
};

// Reads one field; NULL or the rule that the value breaks.
typedef const char *field_reader(struct reading *reading, struct doc_value value);

static const char *read_url(struct reading *reading, struct doc_value value)
{
    bool is_url =
        doc_text(value, reading->arena, &reading->hook.url) == OK && hook_is_url(reading->hook.url);
    return is_url ? NULL
                  : "must be https://host/…, at most 2,048 visible ASCII characters, no user, no "
                    "fragment";
}

static const char *read_events(struct reading *reading, struct doc_value value)
{
    if (reading->place->is_of_batch)
        return "is not said of a batch, which is told once: when it has finished";
    return webhook_read_events(value, reading->arena, WEBHOOK_OF_JOB, &reading->hook.events,
                               &reading->near);
}

static const char *read_endpoint(struct reading *reading, struct doc_value value)
{
    struct slice *id = &reading->hook.endpoint;
    bool is_name =
        doc_text(value, reading->arena, id) == OK && id->len > 0 && id->len <= MSG_NAME_LEN_MAX;
    return is_name ? NULL : "must be the id of an endpoint: 1 to 128 of a-z 0-9 . _ -";
}

static const char *read_secret(struct reading *reading, struct doc_value value)
{
    if (reading->place->secret == NULL)
        return "is taken over HTTP from jobs and batches, and from the flags of 'weft push'; name "
               "an endpoint here";
    return webhook_read_secret(value, reading->arena, &reading->secret);
}

static const struct {
    const char *name;
    field_reader *read;
} webhook_fields[] = {{"url", read_url},
                      {"events", read_events},
                      {"endpoint", read_endpoint},
                      {"secret", read_secret}};
enum { FIELDS = sizeof webhook_fields / sizeof webhook_fields[0] };

static err read_member(struct reading *reading, const struct doc_member *member,
                       struct submit_fault *fault)
{
    const char *names[FIELDS];
    const char *prefix = reading->place->is_of_batch ? "batch_webhook." : "webhook.";
    for (unsigned i = 0; i < FIELDS; i++) {
        names[i] = webhook_fields[i].name;
        if (!slice_is_text(member->name, names[i]))
            continue;
        const char *rule = webhook_fields[i].read(reading, member->value);
        if (rule == NULL)
            return OK;
        submit_fault_tell(fault, prefix, member->name, rule, reading->near);
        return ERR_BAD_FIELD;
    }
    submit_fault_unknown(fault, prefix, member->name, "is no field of a webhook",
                         &(struct submit_names){names, FIELDS});
    return ERR_BAD_FIELD;
}

void webhook_put_events(struct out *out, uint32_t bits)
{
    out_name(out, slice_of_text("events"));
    out_open_array(out);
    for (uint32_t bit = 0; bit < 32; bit++) {
        const char *word = (bits & 1u << bit) != 0 ? webhook_event_word(1u << bit) : NULL;
        if (word != NULL)
            out_text(out, slice_of_text(word));
    }
    out_close(out);
}

void webhook_put(struct out *out, struct slice packed)
{
    struct hook hook;
    const char *detail = NULL;
    // A newer one may keep what is not known here.
    if (packed.len == 0 || hook_read(packed, &hook, &detail) != OK)
        return;
    out_name(out, slice_of_text("webhook"));
    out_open_object(out);
    if (hook.url.len > 0)
        out_put_text(out, "url", hook.url);
    webhook_put_events(out, hook.events);
    if (hook.secret.len == 0) // else that one signs
        out_put_text(out, "endpoint", hook.endpoint);
    out_close(out);
}

const char *webhook_judge(const struct hook *hook, const struct webhook_secret *secret)
{
    bool has_secret = secret->is_new || secret->len > 0;
    if (hook->url.len == 0 && hook->endpoint.len == 0)
        return "needs a url, an endpoint, or both";
    if (has_secret && hook->url.len == 0)
        return "has a secret, but no url for it: an endpoint has its own";
    if (has_secret && hook->endpoint.len > 0)
        return "is signed by its secret or by its endpoint's: give one of the two";
    return NULL;
}

err webhook_read(struct doc_value object, const struct doc_room *room,
                 const struct webhook_place *place, struct submit_fault *fault)
{
    const struct slice name = slice_of_text(place->is_of_batch ? "batch_webhook" : "webhook");
    struct reading reading = {.arena = room->arena, .place = place};
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(object, room, &members, why) != OK) {
        submit_fault_tell(fault, "", name, "must be an object like {\"url\": \"https://…\"}", NULL);
        return ERR_BAD_FIELD;
    }
    for (uint32_t i = 0; i < members.count; i++) {
        err e = read_member(&reading, &members.items[i], fault);
        if (e != OK)
            return e;
    }
    const char *rule = webhook_judge(&reading.hook, &reading.secret);
    if (rule != NULL) {
        submit_fault_tell(fault, "", name, rule, NULL);
        return ERR_BAD_FIELD;
    }
    struct bytes_out out = {.data = arena_take(room->arena, MSG_HOOK_LEN_MAX),
                            .cap = MSG_HOOK_LEN_MAX};
    if (out.data == NULL) {
        submit_fault_tell(fault, "", name, "is too long together with the rest", NULL);
        return ERR_TOO_LARGE;
    }
    hook_write(&reading.hook, &out);
    CHECK(!out.full); // each of its texts has a bound
    room->arena->used -= out.cap - out.len;
    *place->packed = slice_of(out.data, out.len);
    if (place->secret != NULL)
        *place->secret = reading.secret;
    return OK;
}
