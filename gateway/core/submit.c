// The fields of a submission, one row each.

#include "gateway/core/submit.h"

#include "gateway/core/nearest.h"
#include "lib/base/bytes.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"
#include "proto/labels.h"

#include <assert.h>

struct context {
    struct arena *arena;
    struct msg_submit_job *job;
    struct webhook_secret *webhook_secret; // may be NULL
};

// Reads one field into the job; NULL or the rule that the value breaks.
typedef const char *field_reader(const struct context *context, struct doc_value value);

struct field {
    const char *name;
    field_reader *read;
};

static const char *read_name(const struct context *context, struct doc_value value,
                             struct slice *out_name)
{
    return doc_text(value, context->arena, out_name) == OK ? NULL : "must be a string";
}

static const char *read_type(const struct context *context, struct doc_value value)
{
    return read_name(context, value, &context->job->type);
}

static const char *read_queue(const struct context *context, struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->queue);
    // An empty queue would mean the default on the wire.
    return fault == NULL && context->job->queue.len == 0 ? "must not be empty" : fault;
}

static const char *read_key(const struct context *context, struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->key);
    return fault == NULL && context->job->key.len == 0 ? "must not be empty" : fault;
}

static const char *read_dedup(const struct context *context, struct doc_value value)
{
    struct slice word;
    if (doc_text(value, context->arena, &word) != OK || !slice_is_text(word, "content"))
        return "must be \"content\"";
    context->job->by_content = true;
    return NULL;
}

static const char *read_payload(const struct context *context, struct doc_value value)
{
    context->job->payload = (struct body){
        .content = value.format == DOC_JSON ? CONTENT_JSON : CONTENT_MSGPACK,
        .bytes = value.raw,
    };
    return NULL;
}

static const char *read_priority(const struct context *context, struct doc_value value)
{
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 0 || number > MSG_PRIORITY_MAX)
        return "must be a whole number from 0 (first) to 9";
    context->job->priority = (uint8_t)number;
    return NULL;
}

// A zero on the wire means the default, so a span that is given must be more.
static const char *read_span(const struct context *context, struct doc_value value, when_ms least,
                             uint32_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, context->arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"";
    if (span < least || span > UINT32_MAX)
        return "is too short or too long a duration";
    *out_ms = (uint32_t)span;
    return NULL;
}

static const char *read_ms(const struct context *context, struct doc_value value, uint64_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, context->arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"";
    *out_ms = (uint64_t)span;
    return NULL;
}

static const char *read_delay(const struct context *context, struct doc_value value)
{
    return read_ms(context, value, &context->job->delay_ms);
}

static const char *read_run_at(const struct context *context, struct doc_value value)
{
    struct slice text;
    if (doc_text(value, context->arena, &text) != OK ||
        moment_parse(text, &context->job->run_at) != OK || context->job->run_at == 0)
        return "must be a moment like \"2026-12-01T08:00:00Z\"";
    return NULL;
}

static const char *read_ttl(const struct context *context, struct doc_value value)
{
    const char *fault = read_ms(context, value, &context->job->ttl_ms);
    return fault == NULL && context->job->ttl_ms == 0 ? "must be more than nothing" : fault;
}

static const char *read_timeout(const struct context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->timeout_ms);
}

static const char *read_seconds(const struct context *context, struct doc_value value,
                                uint32_t *out_s)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, context->arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"30s\", \"5m\", \"24h\" or \"7d\"";
    if (span < 1000 || span / 1000 > UINT32_MAX)
        return "must be at least one second";
    *out_s = (uint32_t)((span + 999) / 1000);
    return NULL;
}

static const char *read_keep(const struct context *context, struct doc_value value)
{
    return read_seconds(context, value, &context->job->keep_s);
}

static const char *read_within(const struct context *context, struct doc_value value)
{
    return read_seconds(context, value, &context->job->retry_within_s);
}

// The most attempts and crashes that proto/check.c will accept afterwards.
enum { COUNT_MAX = 10000 };

static const char *read_count(struct doc_value value, uint32_t *out_count)
{
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 1 || number > COUNT_MAX)
        return "must be a whole number from 1 to 10,000";
    *out_count = (uint32_t)number;
    return NULL;
}

static const char *read_max_attempts(const struct context *context, struct doc_value value)
{
    return read_count(value, &context->job->max_attempts);
}

static const char *read_max_crashes(const struct context *context, struct doc_value value)
{
    return read_count(value, &context->job->max_crashes);
}

static const char *read_first(const struct context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->retry_first_ms);
}

static const char *read_longest(const struct context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->retry_longest_ms);
}

static const char *read_factor(const struct context *context, struct doc_value value)
{
    if (doc_milli(value, &context->job->retry_factor_milli) != OK ||
        context->job->retry_factor_milli < 1000 || context->job->retry_factor_milli > 100000)
        return "must be a number from 1 to 100 with at most three decimals";
    return NULL;
}

// Read by read_inner(), because it has fields of its own.
static const char *read_nothing(const struct context *context, struct doc_value value)
{
    (void)context;
    (void)value;
    return NULL;
}

static const char *read_unique_key(const struct context *context, struct doc_value value)
{
    return read_name(context, value, &context->job->unique_key);
}

static const char *read_concurrency_key(const struct context *context, struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->concurrency_key);
    // An empty key would mean none on the wire.
    return fault == NULL && context->job->concurrency_key.len == 0 ? "must not be empty" : fault;
}

static const char *read_order(const struct context *context, struct doc_value value)
{
    struct slice word;
    bool is_text = doc_text(value, context->arena, &word) == OK;
    if (is_text && slice_is_text(word, "fifo"))
        context->job->order = ORDER_FIFO;
    else if (is_text && slice_is_text(word, "fifo-skip"))
        context->job->order = ORDER_FIFO_SKIP;
    else
        return "must be \"fifo\" or \"fifo-skip\"";
    return NULL;
}

static const char *read_cost(const struct context *context, struct doc_value value)
{
    static_assert((int)MSG_COST_MAX == (int)COUNT_MAX, "the rule names it");
    return read_count(value, &context->job->cost);
}

static const char *read_unique_for(const struct context *context, struct doc_value value)
{
    return read_seconds(context, value, &context->job->unique_for_s);
}

static const char *read_unique_while(const struct context *context, struct doc_value value)
{
    struct slice word;
    if (doc_text(value, context->arena, &word) != OK || !slice_is_text(word, "unfinished"))
        return "must be \"unfinished\"";
    context->job->unique_while_unfinished = true;
    return NULL;
}

static const char *read_after(const struct context *context, struct doc_value value)
{
    static const char rule[] = "must be an array of 1 to 100 ids of jobs";
    struct slice texts[MSG_AFTER_MAX];
    uint32_t count = 0;
    if (doc_texts(value, context->arena, texts, MSG_AFTER_MAX, &count) != OK || count == 0)
        return rule;
    struct id *ids = arena_take_array(context->arena, count, sizeof *ids);
    if (ids == NULL)
        return "is too long together with the rest";
    for (uint32_t i = 0; i < count; i++)
        if (id_from_text(texts[i], &ids[i]) != OK)
            return rule;
    context->job->after = (struct msg_ids){.items = ids, .count = count};
    return NULL;
}

static const char *read_on_failure(const struct context *context, struct doc_value value)
{
    struct slice word;
    if (doc_text(value, context->arena, &word) != OK)
        return "must be \"cancel\" or \"run\"";
    if (slice_is_text(word, "cancel"))
        context->job->on_dependency_failure = ON_FAILURE_CANCEL;
    else if (slice_is_text(word, "run"))
        context->job->on_dependency_failure = ON_FAILURE_RUN;
    else
        return "must be \"cancel\" or \"run\"";
    return NULL;
}

// What is given takes the place of what a default has of the same kind.
static const char *put_labels(const struct context *context, const struct labels *given,
                              bool are_tags)
{
    struct labels labels;
    const char *detail = NULL;
    struct bytes_out out = {.data = arena_take(context->arena, MSG_LABELS_LEN_MAX),
                            .cap = MSG_LABELS_LEN_MAX};
    if (out.data == NULL)
        return "is too long together with the rest";
    if (labels_read(context->job->labels, &labels, &detail) != OK)
        return "cannot be joined with the defaults";
    if (are_tags)
        labels.tag_count = 0;
    else
        labels.pair_count = 0;
    for (uint32_t i = 0; i < given->tag_count; i++)
        labels.tags[labels.tag_count++] = given->tags[i];
    for (uint32_t i = 0; i < given->pair_count; i++)
        labels.pairs[labels.pair_count++] = given->pairs[i];
    labels_write(&labels, &out);
    context->arena->used -= out.cap - out.len;
    context->job->labels = slice_of(out.data, out.len);
    bool is_good = !out.full && labels_check(context->job->labels, &detail) == OK;
    return is_good ? NULL : "must name each once, and be at most 4,096 bytes of UTF-8";
}

static const char *read_tags(const struct context *context, struct doc_value value)
{
    static const char rule[] = "must be an array of at most 16 texts of " LABELS_TAG_RULE;
    struct labels labels = {.tag_count = 0};
    if (doc_texts(value, context->arena, labels.tags, MSG_TAGS_MAX, &labels.tag_count) != OK)
        return rule;
    for (uint32_t i = 0; i < labels.tag_count; i++)
        if (!labels_is_tag(labels.tags[i]))
            return rule;
    return put_labels(context, &labels, true);
}

static const struct field job_fields[] = {
    {"type", read_type},
    {"queue", read_queue},
    {"payload", read_payload},
    {"priority", read_priority},
    {"delay", read_delay},
    {"run_at", read_run_at},
    {"ttl", read_ttl},
    {"timeout", read_timeout},
    {"retry", read_nothing},
    {"keep", read_keep},
    {"key", read_key},
    {"unique", read_nothing},
    {"concurrency_key", read_concurrency_key},
    {"order", read_order},
    {"cost", read_cost},
    {"after", read_after},
    {"on_dependency_failure", read_on_failure},
    {"tags", read_tags},
    {"metadata", read_nothing},
    {"dedup", read_dedup},
    {"webhook", read_nothing},
    {"batch_webhook", read_nothing},
};
static const struct field retry_fields[] = {
    {"max_attempts", read_max_attempts}, {"max_crashes", read_max_crashes}, {"first", read_first},
    {"longest", read_longest},           {"factor", read_factor},           {"within", read_within},
};
static const struct field unique_fields[] = {
    {"key", read_unique_key}, {"for", read_unique_for}, {"while", read_unique_while}};
enum {
    UNIQUE_FIELDS = sizeof unique_fields / sizeof unique_fields[0],
    JOB_FIELDS = sizeof job_fields / sizeof job_fields[0],
    RETRY_FIELDS = sizeof retry_fields / sizeof retry_fields[0],
    SHOWN_LEN_MAX = 64, // of a name that is not known
};

struct fields {
    const struct field *items;
    uint32_t count;
    const char *prefix; // "retry." in messages
};

void submit_tell(struct submit_fault *fault, const char *prefix, struct slice name,
                 const char *rule, const char *near)
{
    struct bytes_out out = {.data = (uint8_t *)fault->detail, .cap = SUBMIT_DETAIL_LEN - 1};
    bytes_put(&out, prefix, strlen(prefix));
    for (size_t i = 0; i < name.len && i < SHOWN_LEN_MAX; i++)
        bytes_put_u8(&out, name.data[i] < 0x20 ? '?' : name.data[i]);
    bytes_put(&out, " ", 1);
    bytes_put(&out, rule, strlen(rule));
    if (near != NULL) {
        bytes_put(&out, "; did you mean ", 15);
        bytes_put(&out, near, strlen(near));
        bytes_put(&out, "?", 1);
    }
    fault->detail[out.len] = '\0';
}

static void tell_unknown(struct submit_fault *fault, const struct fields *fields, struct slice name)
{
    const char *names[JOB_FIELDS];
    for (uint32_t i = 0; i < fields->count; i++)
        names[i] = fields->items[i].name;
    const char *near = nearest_of(name, names, fields->count);
    submit_tell(fault, fields->prefix, name, "is no field of a job", near);
}

static err read_field(const struct context *context, const struct fields *fields,
                      const struct doc_member *member, struct submit_fault *fault)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (!slice_is_text(member->name, field->name))
            continue;
        const char *rule = field->read(context, member->value);
        if (rule == NULL)
            return OK;
        submit_tell(fault, fields->prefix, member->name, rule, NULL);
        return ERR_BAD_FIELD;
    }
    tell_unknown(fault, fields, member->name);
    return ERR_BAD_FIELD;
}

// A field that is an object with fields of its own.
static err read_fields_of(const struct context *context, const struct fields *fields,
                          const struct doc_member *member, const struct doc_room *room,
                          struct submit_fault *fault)
{
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(member->value, room, &members, why) != OK) {
        submit_tell(fault, "", member->name, "must be an object with known fields", NULL);
        return ERR_BAD_FIELD;
    }
    for (uint32_t i = 0; i < members.count; i++) {
        err e = read_field(context, fields, &members.items[i], fault);
        if (e != OK)
            return e;
    }
    return OK;
}

static err judge_unique(struct msg_submit_job *job, struct submit_fault *fault)
{
    if (job->unique_key.len == 0) {
        submit_tell(fault, "", slice_of_text("unique"), "needs a key that is not empty", NULL);
        return ERR_BAD_FIELD;
    }
    if (job->unique_for_s == 0)
        job->unique_while_unfinished = true;
    return OK;
}

// Of any names, so it is no table of fields.
static err read_metadata(const struct context *context, const struct doc_member *member,
                         const struct doc_room *room, struct submit_fault *fault)
{
    static_assert((int)MSG_METADATA_MAX <= (int)DOC_MEMBERS_MAX, "as many as a document may have");
    struct labels labels = {.pair_count = 0};
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(member->value, room, &members, why) != OK) {
        submit_tell(fault, "", member->name,
                    "must be an object of at most 32 texts, each name once", NULL);
        return ERR_BAD_FIELD;
    }
    for (uint32_t i = 0; i < members.count; i++) {
        struct labels_pair *pair = &labels.pairs[labels.pair_count++];
        pair->name = members.items[i].name;
        const char *rule = NULL;
        if (!labels_is_tag(pair->name))
            rule = "is no name: 1 to 64 of A-Z a-z 0-9 . _ - : / @";
        else if (doc_text(members.items[i].value, context->arena, &pair->value) != OK)
            rule = "must be a string";
        if (rule != NULL) {
            submit_tell(fault, "metadata.", pair->name, rule, NULL);
            return ERR_BAD_FIELD;
        }
    }
    const char *rule = put_labels(context, &labels, false);
    if (rule == NULL)
        return OK;
    submit_tell(fault, "", member->name, rule, NULL);
    return ERR_BAD_FIELD;
}

static err read_inner(const struct context *context, const struct doc_member *member,
                      const struct doc_room *room, struct submit_fault *fault)
{
    static const struct fields retry = {retry_fields, RETRY_FIELDS, "retry."};
    static const struct fields unique = {unique_fields, UNIQUE_FIELDS, "unique."};
    if (slice_is_text(member->name, "retry"))
        return read_fields_of(context, &retry, member, room, fault);
    if (slice_is_text(member->name, "metadata"))
        return read_metadata(context, member, room, fault);
    if (slice_is_text(member->name, "webhook"))
        return webhook_read(
            member->value, room,
            &(struct webhook_place){&context->job->webhook, context->webhook_secret, false}, fault);
    if (!slice_is_text(member->name, "unique"))
        return OK;
    err e = read_fields_of(context, &unique, member, room, fault);
    return e == OK ? judge_unique(context->job, fault) : e;
}

static err read_all(const struct context *context, const struct doc_members *members,
                    const struct submit_options *options, const struct doc_room *room,
                    struct submit_fault *fault)
{
    static const struct fields fields = {job_fields, JOB_FIELDS, ""};
    bool has_delay = false;
    bool has_dedup = false;
    bool has_batch = false;
    for (uint32_t i = 0; i < members->count; i++) {
        const struct doc_member *member = &members->items[i];
        has_delay = has_delay || slice_is_text(member->name, "delay");
        has_dedup = has_dedup || slice_is_text(member->name, "dedup");
        has_batch = has_batch || slice_is_text(member->name, "batch_webhook");
        err e = read_field(context, &fields, member, fault);
        if (e == OK)
            e = read_inner(context, member, room, fault);
        if (e != OK)
            return e;
    }
    if (has_batch && !options->opens_batch) {
        submit_tell(fault, "", slice_of_text("batch_webhook"),
                    "is said in the first record of a batch, and nowhere else", NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->key.len > 0 && !options->is_record) {
        submit_tell(fault, "", slice_of_text("key"), "is given as the Idempotency-Key header here",
                    NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->key.len > 0 && !has_dedup)
        context->job->by_content = false; // a default
    if (context->job->key.len > 0 && has_dedup) {
        submit_tell(fault, "", slice_of_text("key"), "and dedup exclude each other", NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->run_at > 0 && !has_delay)
        context->job->delay_ms = 0; // a default
    if (context->job->delay_ms > 0 && context->job->run_at > 0) {
        submit_tell(fault, "", slice_of_text("delay"), "and run_at exclude each other", NULL);
        return ERR_BAD_FIELD;
    }
    return OK;
}

err submit_read(struct doc_value object, const struct submit_options *options,
                const struct doc_room *room, struct msg_submit_job *out_job,
                struct submit_fault *out_fault)
{
    struct msg_submit_job job = {.priority = MSG_PRIORITY_NOT_GIVEN};
    if (options->defaults != NULL)
        job = *options->defaults;
    if (options->secret != NULL)
        *options->secret = (struct webhook_secret){0};
    struct doc_members members;
    static_assert((int)DOC_FAULT_LEN <= (int)SUBMIT_DETAIL_LEN, "a fault of the document fits");
    err e = doc_read(object, room, &members, out_fault->detail);
    if (e != OK)
        return e;
    e = read_all(&(struct context){room->arena, &job, options->secret}, &members, options, room,
                 out_fault);
    if (e == OK)
        *out_job = job;
    return e;
}

err submit_read_batch(struct doc_value object, const struct doc_room *room,
                      const struct webhook_place *place, struct submit_fault *fault)
{
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    *place->packed = (struct slice){0};
    if (place->secret != NULL)
        *place->secret = (struct webhook_secret){0};
    if (doc_read(object, room, &members, why) != OK)
        return OK;
    for (uint32_t i = 0; i < members.count; i++)
        if (slice_is_text(members.items[i].name, "batch_webhook"))
            return webhook_read(members.items[i].value, room, place, fault);
    return OK;
}

static struct msg_submit_job job_of(const struct msg_defaults *given)
{
    return (struct msg_submit_job){.timeout_ms = given->timeout_ms,
                                   .max_attempts = given->max_attempts,
                                   .max_crashes = given->max_crashes,
                                   .retry_first_ms = given->retry_first_ms,
                                   .retry_longest_ms = given->retry_longest_ms,
                                   .retry_factor_milli = given->retry_factor_milli,
                                   .retry_within_s = given->retry_within_s,
                                   .keep_s = given->keep_s};
}

bool submit_read_default(const struct doc_member *member, const struct doc_room *room,
                         struct msg_defaults *defaults, struct submit_fault *fault, err *out_error)
{
    static const struct fields fields = {job_fields, JOB_FIELDS, ""};
    static const char *const names[] = {"timeout", "retry", "keep"};
    bool is_one = false;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        is_one = is_one || slice_is_text(member->name, names[i]);
    if (!is_one)
        return false;
    struct msg_submit_job job = job_of(defaults);
    const struct context context = {room->arena, &job, NULL};
    *out_error = read_field(&context, &fields, member, fault);
    if (*out_error == OK)
        *out_error = read_inner(&context, member, room, fault);
    if (*out_error == OK)
        *defaults = msg_given(&job);
    return true;
}
