// The settings of a queue and of a type, one row each, and what is told of them.

#include "gateway/core/queue.h"

#include "gateway/core/course.h"
#include "lib/base/bytes.h"
#include "lib/base/duration.h"

// Reads one field; NULL or the rule that the value breaks.
typedef const char *field_reader(struct doc_value value, const struct doc_room *room,
                                 struct msg_queue_settings *settings);

struct field {
    const char *name;
    uint32_t bits; // what it is to the broker, as in msg_queue_set.named and msg_type_set.named
    field_reader *read;
};

static const char *read_weight(struct doc_value value, const struct doc_room *room,
                               struct msg_queue_settings *settings)
{
    (void)room;
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 1 || number > MSG_WEIGHT_MAX)
        return "must be a whole number from 1 to 1,000";
    settings->weight = (uint32_t)number;
    return NULL;
}

static const char *read_count(struct doc_value value, uint32_t *out_count)
{
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 1 || number > UINT32_MAX)
        return "must be a whole number from 1 to 4,294,967,295";
    *out_count = (uint32_t)number;
    return NULL;
}

static const char *read_open_max(struct doc_value value, const struct doc_room *room,
                                 struct msg_queue_settings *settings)
{
    (void)room;
    return read_count(value, &settings->open_max);
}

static const char *read_running_max(struct doc_value value, const struct doc_room *room,
                                    struct msg_queue_settings *settings)
{
    (void)room;
    return read_count(value, &settings->running_max);
}

static const char *read_key_running_max(struct doc_value value, const struct doc_room *room,
                                        struct msg_queue_settings *settings)
{
    (void)room;
    return read_count(value, &settings->key_running_max);
}

static bool read_per(struct doc_value value, const struct doc_room *room, uint32_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, room->arena, &text) != OK || duration_parse(text, &span) != OK ||
        span < 1 || span > MSG_RATE_PER_MS_MAX)
        return false;
    *out_ms = (uint32_t)span;
    return true;
}

static const char *read_bucket(struct doc_value value, const struct doc_room *room,
                               struct msg_rate *out_rate)
{
    static const char rule[] = "must be like {\"count\": 100, \"per\": \"1m\"}: 1 to 1,000,000 "
                               "in 1 ms to 24 h";
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    struct msg_rate rate = {0};
    if (doc_read(value, room, &members, why) != OK || members.count != 2)
        return rule;
    for (uint32_t i = 0; i < members.count; i++) {
        const struct doc_member *member = &members.items[i];
        bool is_read =
            slice_is_text(member->name, "count")
                ? read_count(member->value, &rate.count) == NULL
                : slice_is_text(member->name, "per") && read_per(member->value, room, &rate.per_ms);
        if (!is_read || rate.count > MSG_RATE_COUNT_MAX)
            return rule;
    }
    *out_rate = rate;
    return NULL;
}

static const char *read_rate(struct doc_value value, const struct doc_room *room,
                             struct msg_queue_settings *settings)
{
    return read_bucket(value, room, &settings->rate);
}

static const char *read_key_rate(struct doc_value value, const struct doc_room *room,
                                 struct msg_queue_settings *settings)
{
    return read_bucket(value, room, &settings->key_rate);
}

// Read as a job's, by submit_read_default().
static const char *read_default(struct doc_value value, const struct doc_room *room,
                                struct msg_queue_settings *settings)
{
    (void)value;
    (void)room;
    (void)settings;
    return NULL;
}

static const struct field retry_fields[] = {
    {"max_attempts", 1u << QUEUE_MAX_ATTEMPTS, read_default},
    {"max_crashes", 1u << QUEUE_MAX_CRASHES, read_default},
    {"first", 1u << QUEUE_RETRY_FIRST, read_default},
    {"longest", 1u << QUEUE_RETRY_LONGEST, read_default},
    {"factor", 1u << QUEUE_RETRY_FACTOR, read_default},
    {"within", 1u << QUEUE_RETRY_WITHIN, read_default},
};
enum { RETRY_FIELDS = sizeof retry_fields / sizeof retry_fields[0] };

#define RETRY_BITS                                                                                 \
    (1u << QUEUE_MAX_ATTEMPTS | 1u << QUEUE_MAX_CRASHES | 1u << QUEUE_RETRY_FIRST |                \
     1u << QUEUE_RETRY_LONGEST | 1u << QUEUE_RETRY_FACTOR | 1u << QUEUE_RETRY_WITHIN)
static const struct field queue_fields[] = {
    {"weight", 1u << QUEUE_WEIGHT, read_weight},
    {"open_max", 1u << QUEUE_OPEN_MAX, read_open_max},
    {"running_max", 1u << QUEUE_RUNNING_MAX, read_running_max},
    {"key_running_max", 1u << QUEUE_KEY_RUNNING_MAX, read_key_running_max},
    {"rate", QUEUE_RATE, read_rate},
    {"key_rate", QUEUE_KEY_RATE, read_key_rate},
    {"timeout", 1u << QUEUE_TIMEOUT, read_default},
    {"retry", RETRY_BITS, read_default},
    {"keep", 1u << QUEUE_KEEP, read_default},
};
enum { FIELDS = sizeof queue_fields / sizeof queue_fields[0] };

static err read_member(const struct doc_member *member, const struct doc_room *room,
                       struct msg_queue_settings *settings, struct submit_fault *fault)
{
    const char *names[FIELDS];
    err e = OK;
    if (submit_read_default(member, room, &settings->defaults, fault, &e))
        return e;
    for (unsigned i = 0; i < FIELDS; i++) {
        names[i] = queue_fields[i].name;
        if (!slice_is_text(member->name, queue_fields[i].name))
            continue;
        const char *rule = queue_fields[i].read(member->value, room, settings);
        if (rule == NULL)
            return OK;
        submit_fault_tell(fault, "", member->name, rule, NULL);
        return ERR_BAD_FIELD;
    }
    submit_fault_unknown(fault, "", member->name, "is no setting of a queue",
                         &(struct submit_names){names, FIELDS});
    return ERR_BAD_FIELD;
}

err queue_read(struct doc_value object, const struct doc_room *room,
               struct msg_queue_settings *out_settings, struct submit_fault *out_fault)
{
    struct msg_queue_settings settings = {0};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = read_member(&members.items[i], room, &settings, out_fault);
    if (e == OK)
        *out_settings = settings;
    return e;
}

static uint32_t bits_of(struct slice name, const struct field *fields, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (slice_is_text(name, fields[i].name))
            return fields[i].bits;
    return 0;
}

// Each part of it is a setting of its own.
static err change_retry(const struct doc_member *retry, const struct doc_room *room,
                        struct msg_defaults *defaults, uint32_t *named, struct submit_fault *fault)
{
    struct doc_members parts;
    char why[DOC_FAULT_LEN];
    err e = doc_read(retry->value, room, &parts, why);
    if (e != OK)
        submit_fault_tell(fault, "", retry->name, "must be an object, or null", NULL);
    for (uint32_t i = 0; e == OK && i < parts.count; i++) {
        const struct doc_member *part = &parts.items[i];
        uint32_t bits = bits_of(part->name, retry_fields, RETRY_FIELDS);
        if (bits == 0 || !doc_is_null(part->value))
            e = submit_read_retry(part, room, defaults, fault);
        *named |= bits;
    }
    return e;
}

static err change_member(const struct doc_member *member, const struct doc_room *room,
                         struct msg_queue_set *set, struct submit_fault *fault)
{
    uint32_t bits = bits_of(member->name, queue_fields, FIELDS);
    bool takes_away = bits != 0 && doc_is_null(member->value);
    if (bits == RETRY_BITS && !takes_away)
        return change_retry(member, room, &set->settings.defaults, &set->named, fault);
    set->named |= bits;
    return takes_away ? OK : read_member(member, room, &set->settings, fault);
}

// To the broker no name means all names.
static err judge_change(uint32_t named, const char *rule, struct submit_fault *fault)
{
    if (named != 0)
        return OK;
    (void)slice_to_text(slice_of_text(rule), fault->detail, sizeof fault->detail);
    return ERR_BAD_FIELD;
}

err queue_read_change(struct doc_value object, const struct doc_room *room,
                      struct msg_queue_set *out_set, struct submit_fault *out_fault)
{
    static const char rule[] = "name what is to be set, like {\"weight\": 3}; null takes it away";
    struct msg_queue_set set = {.named = 0};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = change_member(&members.items[i], room, &set, out_fault);
    if (e == OK)
        e = judge_change(set.named, rule, out_fault);
    if (e != OK)
        return e;
    out_set->settings = set.settings;
    out_set->named = set.named;
    return OK;
}

static const struct field type_fields[] = {
    {"timeout", 1u << QUEUE_TIMEOUT, read_default},
    {"retry", RETRY_BITS, read_default},
    {"keep", 1u << QUEUE_KEEP, read_default},
    {"schema", 1u << TYPE_SCHEMA, read_default},
};
enum { TYPE_FIELDS = sizeof type_fields / sizeof type_fields[0] };

static err read_type_member(const struct doc_member *member, const struct doc_room *room,
                            struct msg_type_set *set, struct submit_fault *fault)
{
    const char *names[TYPE_FIELDS];
    err e = OK;
    if (submit_read_default(member, room, &set->defaults, fault, &e))
        return e;
    if (slice_is_text(member->name, "schema")) {
        bool is_packed = member->value.format == DOC_MSGPACK;
        set->schema = (struct body){.content = is_packed ? CONTENT_MSGPACK : CONTENT_JSON,
                                    .bytes = member->value.raw};
        return OK;
    }
    for (unsigned i = 0; i < TYPE_FIELDS; i++)
        names[i] = type_fields[i].name;
    submit_fault_unknown(fault, "", member->name, "is no setting of a type",
                         &(struct submit_names){names, TYPE_FIELDS});
    return ERR_BAD_FIELD;
}

static err change_type_member(const struct doc_member *member, const struct doc_room *room,
                              struct msg_type_set *set, struct submit_fault *fault)
{
    uint32_t bits = bits_of(member->name, type_fields, TYPE_FIELDS);
    bool takes_away = bits != 0 && doc_is_null(member->value);
    if (bits == RETRY_BITS && !takes_away)
        return change_retry(member, room, &set->defaults, &set->named, fault);
    set->named |= bits;
    return takes_away ? OK : read_type_member(member, room, set, fault);
}

typedef err member_reader(const struct doc_member *member, const struct doc_room *room,
                          struct msg_type_set *set, struct submit_fault *fault);

static err read_type(struct doc_value object, const struct doc_room *room, member_reader *read,
                     struct msg_type_set *out_set, struct submit_fault *fault)
{
    static const char rule[] =
        "name what is to be set, like {\"timeout\": \"5s\"}; null takes it away";
    struct msg_type_set set = {.named = 0};
    struct doc_members members;
    err e = doc_read(object, room, &members, fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = read(&members.items[i], room, &set, fault);
    if (e == OK && read == change_type_member)
        e = judge_change(set.named, rule, fault);
    if (e != OK)
        return e;
    out_set->defaults = set.defaults;
    out_set->schema = set.schema;
    out_set->named = set.named;
    return OK;
}

err queue_read_type(struct doc_value object, const struct doc_room *room,
                    struct msg_type_set *out_set, struct submit_fault *out_fault)
{
    return read_type(object, room, read_type_member, out_set, out_fault);
}

err queue_read_type_change(struct doc_value object, const struct doc_room *room,
                           struct msg_type_set *out_set, struct submit_fault *out_fault)
{
    return read_type(object, room, change_type_member, out_set, out_fault);
}

// --- answers ---

const char *queue_direction(enum direction direction)
{
    static const char *const names[] = {[DIRECTION_NONE] = "no",
                                        [DIRECTION_IN] = "in",
                                        [DIRECTION_OUT] = "out",
                                        [DIRECTION_BOTH] = "both"};
    return names[direction];
}

static void put_counts(struct out *out, const uint64_t counts[JOB_STATES])
{
    out_name(out, slice_of_text("counts"));
    out_open_object(out);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        out_put_unsigned(out, answer_state((enum job_state)state), counts[state]);
    out_close(out);
}

static void put_number(struct out *out, const char *name, uint32_t number)
{
    if (number > 0)
        out_put_unsigned(out, name, number);
}

static void put_rate(struct out *out, const char *name, const struct msg_rate *rate)
{
    if (rate->count == 0)
        return;
    out_name(out, slice_of_text(name));
    out_open_object(out);
    out_put_unsigned(out, "count", rate->count);
    course_put_span(out, "per", rate->per_ms);
    out_close(out);
}

static void put_defaults(struct out *out, const struct msg_defaults *defaults)
{
    course_put_span(out, "timeout", defaults->timeout_ms);
    course_put_retry(out, defaults);
    course_put_span(out, "keep", (uint64_t)defaults->keep_s * 1000);
}

void queue_answer(struct out *out, const struct msg_queue *queue)
{
    const struct msg_queue_settings *settings = &queue->settings;
    const uint64_t *counts = queue->counts;
    out_open_object(out);
    out_put_text(out, "queue", queue->queue);
    out_put_unsigned(out, "weight", settings->weight > 0 ? settings->weight : 1);
    put_number(out, "open_max", settings->open_max);
    put_number(out, "running_max", settings->running_max);
    put_number(out, "key_running_max", settings->key_running_max);
    put_rate(out, "rate", &settings->rate);
    put_rate(out, "key_rate", &settings->key_rate);
    if (queue->paused != DIRECTION_NONE)
        out_put_text(out, "paused", slice_of_text(queue_direction(queue->paused)));
    put_defaults(out, &settings->defaults);
    out_put_unsigned(out, "open",
                     counts[JOB_SCHEDULED] + counts[JOB_QUEUED] + counts[JOB_RUNNING] +
                         counts[JOB_RETRYING]);
    put_counts(out, counts);
    answer_put_name_url(out, "queue_url", "/v1/queues/", queue->queue);
    out_close(out);
}

void queue_answer_list(struct out *out, const struct msg_queue_status_is *is)
{
    out_open_object(out);
    out_name(out, slice_of_text("queues"));
    out_open_array(out);
    for (uint32_t i = 0; i < is->count; i++)
        queue_answer(out, &is->queues[i]);
    out_close(out);
    if (is->is_more && is->count > 0)
        out_put_text(out, "cursor", is->queues[is->count - 1].queue);
    out_close(out);
}

void queue_answer_type(struct out *out, const struct msg_type *type)
{
    out_open_object(out);
    out_put_text(out, "type", type->type);
    put_defaults(out, &type->defaults);
    if (type->schema.bytes.len > 0) {
        out_name(out, slice_of_text("schema"));
        out_raw(out, type->schema.bytes);
    }
    answer_put_name_url(out, "type_url", "/v1/types/", type->type);
    out_close(out);
}

void queue_answer_types(struct out *out, const struct msg_type_status_is *is)
{
    out_open_object(out);
    out_name(out, slice_of_text("types"));
    out_open_array(out);
    for (uint32_t i = 0; i < is->count; i++)
        queue_answer_type(out, &is->types[i]);
    out_close(out);
    if (is->is_more && is->count > 0)
        out_put_text(out, "cursor", is->types[is->count - 1].type);
    out_close(out);
}
