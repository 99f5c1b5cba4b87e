// Readers of the fields of a submission, and the tables that name them.

#include "gateway/core/submit_fields.h"

#include "lib/base/bytes.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"
#include "proto/labels.h"

#include <assert.h>

// Reads one field into the job; NULL or the rule that the value breaks.
typedef const char *field_reader(const struct submit_fields_context *context,
                                 struct doc_value value);

struct field {
    const char *name;
    field_reader *read;
};

static const char *read_name(const struct submit_fields_context *context, struct doc_value value,
                             struct slice *out_name)
{
    return doc_text(value, context->arena, out_name) == OK ? NULL : "must be a string";
}

static const char *read_type(const struct submit_fields_context *context, struct doc_value value)
{
    return read_name(context, value, &context->job->type);
}

static const char *read_queue(const struct submit_fields_context *context, struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->queue);
    // An empty queue would mean the default on the wire.
    return fault == NULL && context->job->queue.len == 0 ? "must not be empty" : fault;
}

static const char *read_key(const struct submit_fields_context *context, struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->key);
    return fault == NULL && context->job->key.len == 0 ? "must not be empty" : fault;
}

static const char *read_dedup(const struct submit_fields_context *context, struct doc_value value)
{
    struct slice word;
    if (doc_text(value, context->arena, &word) != OK || !slice_is_text(word, "content"))
        return "must be \"content\"";
    context->job->by_content = true;
    return NULL;
}

static const char *read_payload(const struct submit_fields_context *context, struct doc_value value)
{
    context->job->payload = (struct body){
        .content = value.format == DOC_JSON ? CONTENT_JSON : CONTENT_MSGPACK,
        .bytes = value.raw,
    };
    return NULL;
}

static const char *read_priority(const struct submit_fields_context *context,
                                 struct doc_value value)
{
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 0 || number > MSG_PRIORITY_MAX)
        return "must be a whole number from 0 (first) to 9";
    context->job->priority = (uint8_t)number;
    return NULL;
}

// A zero on the wire means the default, so a span that is given must be more.
static const char *read_span(const struct submit_fields_context *context, struct doc_value value,
                             when_ms least, uint32_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, context->arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"";
    if (span < least || span > UINT32_MAX)
        return least > 0 ? "must be from 1ms to 49d" : "must be at most 49d";
    *out_ms = (uint32_t)span;
    return NULL;
}

static const char *read_ms(const struct submit_fields_context *context, struct doc_value value,
                           uint64_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, context->arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"";
    *out_ms = (uint64_t)span;
    return NULL;
}

static const char *read_delay(const struct submit_fields_context *context, struct doc_value value)
{
    return read_ms(context, value, &context->job->delay_ms);
}

static const char *read_run_at(const struct submit_fields_context *context, struct doc_value value)
{
    struct slice text;
    if (doc_text(value, context->arena, &text) != OK ||
        moment_parse(text, &context->job->run_at) != OK || context->job->run_at == 0)
        return "must be a moment like \"2026-12-01T08:00:00Z\"";
    return NULL;
}

static const char *read_ttl(const struct submit_fields_context *context, struct doc_value value)
{
    const char *fault = read_ms(context, value, &context->job->ttl_ms);
    return fault == NULL && context->job->ttl_ms == 0 ? "must be more than nothing" : fault;
}

static const char *read_timeout(const struct submit_fields_context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->timeout_ms);
}

static const char *read_seconds(const struct submit_fields_context *context, struct doc_value value,
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

static const char *read_keep(const struct submit_fields_context *context, struct doc_value value)
{
    return read_seconds(context, value, &context->job->keep_s);
}

static const char *read_within(const struct submit_fields_context *context, struct doc_value value)
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

static const char *read_max_attempts(const struct submit_fields_context *context,
                                     struct doc_value value)
{
    return read_count(value, &context->job->max_attempts);
}

static const char *read_max_crashes(const struct submit_fields_context *context,
                                    struct doc_value value)
{
    return read_count(value, &context->job->max_crashes);
}

static const char *read_first(const struct submit_fields_context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->retry_first_ms);
}

static const char *read_longest(const struct submit_fields_context *context, struct doc_value value)
{
    return read_span(context, value, 1, &context->job->retry_longest_ms);
}

static const char *read_factor(const struct submit_fields_context *context, struct doc_value value)
{
    if (doc_milli(value, &context->job->retry_factor_milli) != OK ||
        context->job->retry_factor_milli < 1000 || context->job->retry_factor_milli > 100000)
        return "must be a number from 1 to 100 with at most three decimals";
    return NULL;
}

// Read by read_inner(), because it has fields of its own.
static const char *read_nothing(const struct submit_fields_context *context, struct doc_value value)
{
    (void)context;
    (void)value;
    return NULL;
}

static const char *read_unique_key(const struct submit_fields_context *context,
                                   struct doc_value value)
{
    return read_name(context, value, &context->job->unique_key);
}

static const char *read_concurrency_key(const struct submit_fields_context *context,
                                        struct doc_value value)
{
    const char *fault = read_name(context, value, &context->job->concurrency_key);
    // An empty key would mean none on the wire.
    return fault == NULL && context->job->concurrency_key.len == 0 ? "must not be empty" : fault;
}

static const char *read_order(const struct submit_fields_context *context, struct doc_value value)
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

static const char *read_cost(const struct submit_fields_context *context, struct doc_value value)
{
    static_assert((int)MSG_COST_MAX == (int)COUNT_MAX, "the rule names it");
    return read_count(value, &context->job->cost);
}

static const char *read_unique_for(const struct submit_fields_context *context,
                                   struct doc_value value)
{
    return read_seconds(context, value, &context->job->unique_for_s);
}

static const char *read_unique_while(const struct submit_fields_context *context,
                                     struct doc_value value)
{
    struct slice word;
    if (doc_text(value, context->arena, &word) != OK || !slice_is_text(word, "unfinished"))
        return "must be \"unfinished\"";
    context->job->unique_while_unfinished = true;
    return NULL;
}

static const char *read_after(const struct submit_fields_context *context, struct doc_value value)
{
    static const char rule[] = "must be an array of 1 to 100 ids of jobs or batches";
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

static const char *read_on_failure(const struct submit_fields_context *context,
                                   struct doc_value value)
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
const char *submit_fields_put_labels(const struct submit_fields_context *context,
                                     const struct labels *given, bool are_tags)
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

static const char *read_tags(const struct submit_fields_context *context, struct doc_value value)
{
    static const char rule[] = "must be an array of at most 16 texts of " LABELS_TAG_RULE;
    struct labels labels = {.tag_count = 0};
    if (doc_texts(value, context->arena, labels.tags, MSG_TAGS_MAX, &labels.tag_count) != OK)
        return rule;
    for (uint32_t i = 0; i < labels.tag_count; i++)
        if (!labels_is_tag(labels.tags[i]))
            return rule;
    return submit_fields_put_labels(context, &labels, true);
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
};

static const struct fields {
    const struct field *items;
    uint32_t count;
    const char *prefix; // "retry." in messages
    const char *rule;   // when it is no such object
} objects[] = {
    [SUBMIT_FIELDS_JOB] = {job_fields, JOB_FIELDS, "", "must be an object"},
    [SUBMIT_FIELDS_RETRY] = {retry_fields, RETRY_FIELDS, "retry.",
                             "must be an object like {\"max_attempts\": 5, \"first\": \"1s\"}"},
    [SUBMIT_FIELDS_UNIQUE] = {unique_fields, UNIQUE_FIELDS, "unique.",
                              "must be an object like {\"key\": \"inv-7\"}"},
};

const char *submit_fields_rule(enum submit_fields_of object)
{
    return objects[object].rule;
}

// What belongs into `retry`, or is called otherwise there; NULL: something else.
static const char *of_retry(enum submit_fields_of object, struct slice name)
{
    static const char most[] = "retry.max_attempts";
    static const char *const known[] = {
        most, "retry.max_crashes", "retry.first", "retry.longest", "retry.factor", "retry.within"};
    if (slice_is_text(name, "attempts"))
        return most;
    for (uint32_t i = 0; object == SUBMIT_FIELDS_JOB && i < sizeof known / sizeof known[0]; i++)
        if (slice_is_text(name, known[i] + strlen("retry.")))
            return known[i];
    return NULL;
}

static void tell_unknown(struct submit_fault *fault, enum submit_fields_of object,
                         struct slice name)
{
    static const char rule[] = "is no field of a job";
    const struct fields *fields = &objects[object];
    const char *meant = object == SUBMIT_FIELDS_UNIQUE ? NULL : of_retry(object, name);
    if (meant != NULL) {
        submit_fault_tell(fault, fields->prefix, name, rule, meant);
        return;
    }
    const char *names[JOB_FIELDS];
    for (uint32_t i = 0; i < fields->count; i++)
        names[i] = fields->items[i].name;
    submit_fault_unknown(fault, fields->prefix, name, rule,
                         &(struct submit_names){names, fields->count});
}

err submit_fields_read(const struct submit_fields_context *context, enum submit_fields_of object,
                       const struct doc_member *member, struct submit_fault *fault)
{
    const struct fields *fields = &objects[object];
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (!slice_is_text(member->name, field->name))
            continue;
        const char *rule = field->read(context, member->value);
        if (rule == NULL)
            return OK;
        submit_fault_tell(fault, fields->prefix, member->name, rule, NULL);
        return ERR_BAD_FIELD;
    }
    tell_unknown(fault, object, member->name);
    return ERR_BAD_FIELD;
}
