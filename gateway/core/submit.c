// What the fields of a submission mean together.

#include "gateway/core/submit.h"

#include "gateway/core/shape.h"
#include "gateway/core/submit_fields.h"
#include "proto/labels.h"

#include <assert.h>

// A field that is an object with fields of its own.
static err read_fields_of(const struct submit_fields_context *context, enum submit_fields_of object,
                          const struct doc_member *member, const struct doc_room *room,
                          struct submit_fault *fault)
{
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(member->value, room, &members, why) != OK) {
        submit_fault_tell(fault, "", member->name, submit_fields_rule(object), NULL);
        return ERR_BAD_FIELD;
    }
    for (uint32_t i = 0; i < members.count; i++) {
        err e = submit_fields_read(context, object, &members.items[i], fault);
        if (e != OK)
            return e;
    }
    return OK;
}

static err judge_unique(struct msg_submit_job *job, struct submit_fault *fault)
{
    if (job->unique_key.len == 0) {
        submit_fault_tell(fault, "", slice_of_text("unique"), "needs a key that is not empty",
                          NULL);
        return ERR_BAD_FIELD;
    }
    if (job->unique_for_s == 0)
        job->unique_while_unfinished = true;
    return OK;
}

// Of any names, so it is no table of fields.
static err read_metadata(const struct submit_fields_context *context,
                         const struct doc_member *member, const struct doc_room *room,
                         struct submit_fault *fault)
{
    static_assert((int)MSG_METADATA_MAX <= (int)DOC_MEMBERS_MAX, "as many as a document may have");
    struct labels labels = {.pair_count = 0};
    struct doc_members members;
    char why[DOC_FAULT_LEN];
    if (doc_read(member->value, room, &members, why) != OK) {
        submit_fault_tell(fault, "", member->name,
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
            submit_fault_tell(fault, "metadata.", pair->name, rule, NULL);
            return ERR_BAD_FIELD;
        }
    }
    const char *rule = submit_fields_put_labels(context, &labels, false);
    if (rule == NULL)
        return OK;
    submit_fault_tell(fault, "", member->name, rule, NULL);
    return ERR_BAD_FIELD;
}

static err read_inner(const struct submit_fields_context *context, const struct doc_member *member,
                      const struct doc_room *room, struct submit_fault *fault)
{
    if (slice_is_text(member->name, "retry"))
        return read_fields_of(context, SUBMIT_FIELDS_RETRY, member, room, fault);
    if (slice_is_text(member->name, "metadata"))
        return read_metadata(context, member, room, fault);
    if (slice_is_text(member->name, "webhook"))
        return webhook_read(
            member->value, room,
            &(struct webhook_place){&context->job->webhook, context->webhook_secret, false}, fault);
    if (!slice_is_text(member->name, "unique"))
        return OK;
    err e = read_fields_of(context, SUBMIT_FIELDS_UNIQUE, member, room, fault);
    return e == OK ? judge_unique(context->job, fault) : e;
}

// A sentence that says more than what is wrong at which byte.
static void teach(struct submit_fault *fault, const char *lesson)
{
    if (lesson != NULL)
        (void)slice_to_text(slice_of_text(lesson), fault->detail, sizeof fault->detail);
}

static err read_all(const struct submit_fields_context *context, const struct doc_members *members,
                    const struct submit_options *options, const struct doc_room *room,
                    struct submit_fault *fault)
{
    bool has_delay = false;
    bool has_dedup = false;
    bool has_batch = false;
    for (uint32_t i = 0; i < members->count; i++) {
        const struct doc_member *member = &members->items[i];
        has_delay = has_delay || slice_is_text(member->name, "delay");
        has_dedup = has_dedup || slice_is_text(member->name, "dedup");
        has_batch = has_batch || slice_is_text(member->name, "batch_webhook");
        err e = submit_fields_read(context, SUBMIT_FIELDS_JOB, member, fault);
        if (e != OK && options->is_body)
            teach(fault, shape_of_member(member));
        if (e == OK)
            e = read_inner(context, member, room, fault);
        if (e != OK)
            return e;
    }
    if (has_batch && !options->opens_batch) {
        submit_fault_tell(fault, "", slice_of_text("batch_webhook"),
                          "is said in the first record of a batch, and nowhere else", NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->key.len > 0 && !options->is_record) {
        submit_fault_tell(fault, "", slice_of_text("key"),
                          "is given as the Idempotency-Key header here", NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->key.len > 0 && !has_dedup)
        context->job->by_content = false; // a default
    if (context->job->key.len > 0 && has_dedup) {
        submit_fault_tell(fault, "", slice_of_text("key"), "and dedup exclude each other", NULL);
        return ERR_BAD_FIELD;
    }
    if (context->job->run_at > 0 && !has_delay)
        context->job->delay_ms = 0; // a default
    if (context->job->delay_ms > 0 && context->job->run_at > 0) {
        submit_fault_tell(fault, "", slice_of_text("delay"), "and run_at exclude each other", NULL);
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
    if (e != OK) {
        if (options->is_body)
            teach(out_fault, shape_of_job(object));
        return e;
    }
    e = read_all(&(struct submit_fields_context){room->arena, &job, options->secret}, &members,
                 options, room, out_fault);
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
    static const char *const names[] = {"timeout", "retry", "keep"};
    bool is_one = false;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        is_one = is_one || slice_is_text(member->name, names[i]);
    if (!is_one)
        return false;
    struct msg_submit_job job = job_of(defaults);
    const struct submit_fields_context context = {room->arena, &job, NULL};
    *out_error = submit_fields_read(&context, SUBMIT_FIELDS_JOB, member, fault);
    if (*out_error == OK)
        *out_error = read_inner(&context, member, room, fault);
    if (*out_error == OK)
        *defaults = msg_given(&job);
    return true;
}

err submit_read_retry(const struct doc_member *part, const struct doc_room *room,
                      struct msg_defaults *defaults, struct submit_fault *fault)
{
    struct msg_submit_job job = job_of(defaults);
    const struct submit_fields_context context = {room->arena, &job, NULL};
    err e = submit_fields_read(&context, SUBMIT_FIELDS_RETRY, part, fault);
    if (e == OK)
        *defaults = msg_given(&job);
    return e;
}
