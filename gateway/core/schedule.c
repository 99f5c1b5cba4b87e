// The fields of a schedule, one row each, and what is told of one.

#include "gateway/core/schedule.h"

#include "gateway/core/course.h"
#include "lib/base/bytes.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"

static const char *const overlaps[] = {[OVERLAP_SKIP] = "skip",
                                       [OVERLAP_QUEUE] = "queue",
                                       [OVERLAP_ALLOW] = "allow",
                                       [OVERLAP_REPLACE] = "replace"};
static const char *const catch_ups[] = {
    [CATCH_UP_NONE] = "none", [CATCH_UP_LATEST] = "latest", [CATCH_UP_ALL] = "all"};

enum {
    WORDS_FROM = 1,
    OVERLAPS_END = sizeof overlaps / sizeof overlaps[0],
    CATCH_UPS_END = sizeof catch_ups / sizeof catch_ups[0],
};

// The place of the word, or 0.
static unsigned word_in(struct doc_value value, struct arena *arena, const char *const *words,
                        unsigned end)
{
    struct slice word;
    if (doc_text(value, arena, &word) != OK)
        return 0;
    for (unsigned i = WORDS_FROM; i < end; i++)
        if (slice_is_text(word, words[i]))
            return i;
    return 0;
}

// Reads one field; NULL or the rule that the value breaks.
typedef const char *field_reader(struct doc_value value, struct arena *arena,
                                 struct msg_schedule *given);

struct field {
    const char *name;
    field_reader *read;
};

static const char *read_cron(struct doc_value value, struct arena *arena,
                             struct msg_schedule *given)
{
    bool is_good =
        doc_text(value, arena, &given->cron) == OK && given->cron.len <= MSG_CRON_LEN_MAX;
    return is_good ? NULL : "must be a string of at most 255 bytes";
}

static const char *read_zone(struct doc_value value, struct arena *arena,
                             struct msg_schedule *given)
{
    bool is_good =
        doc_text(value, arena, &given->zone) == OK && given->zone.len <= MSG_ZONE_LEN_MAX;
    return is_good ? NULL : "must be a string of at most 64 bytes";
}

static const char *read_overlap(struct doc_value value, struct arena *arena,
                                struct msg_schedule *given)
{
    given->overlap = (enum overlap)word_in(value, arena, overlaps, OVERLAPS_END);
    return given->overlap != OVERLAP_NONE ? NULL : "must be skip, queue, allow or replace";
}

static const char *read_catch_up(struct doc_value value, struct arena *arena,
                                 struct msg_schedule *given)
{
    given->catch_up = (enum catch_up)word_in(value, arena, catch_ups, CATCH_UPS_END);
    return given->catch_up != CATCH_UP_NOT_GIVEN ? NULL : "must be none, latest or all";
}

static const char *read_jitter(struct doc_value value, struct arena *arena,
                               struct msg_schedule *given)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, arena, &text) != OK || duration_parse(text, &span) != OK)
        return "must be a duration like \"30s\" or \"5m\"";
    given->jitter_ms = (uint64_t)span;
    return NULL;
}

static const char *read_paused(struct doc_value value, struct arena *arena,
                               struct msg_schedule *given)
{
    (void)arena;
    return doc_bool(value, &given->paused) == OK ? NULL : "must be true or false";
}

// It is read by itself, because it has fields of its own.
static const char *judge_job(struct doc_value value, struct arena *arena,
                             struct msg_schedule *given)
{
    (void)arena;
    (void)given;
    return doc_is_object(value) ? NULL : "must be an object: what POST /v1/jobs takes";
}

static const struct field schedule_fields[] = {
    {"cron", read_cron},         {"time_zone", read_zone}, {"overlap", read_overlap},
    {"catch_up", read_catch_up}, {"jitter", read_jitter},  {"paused", read_paused},
    {"job", judge_job},
};
enum { FIELDS = sizeof schedule_fields / sizeof schedule_fields[0] };

static const struct field *field_named(struct slice name)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (slice_is_text(name, schedule_fields[i].name))
            return &schedule_fields[i];
    return NULL;
}

static void tell_unknown(struct submit_fault *fault, struct slice name)
{
    const char *names[FIELDS];
    for (unsigned i = 0; i < FIELDS; i++)
        names[i] = schedule_fields[i].name;
    submit_fault_unknown(fault, "", name, "is no field of a schedule",
                         &(struct submit_names){names, FIELDS});
}

static err read_job(struct doc_value value, const struct doc_room *room, struct schedule_put *put,
                    struct submit_fault *fault)
{
    // A key is the broker's to refuse: it says what stands in its place.
    static const struct submit_options options = {.is_record = true};
    err e = submit_read(value, &options, room, &put->job, fault);
    put->given.job_count = 1;
    if (e != OK || !put->job.by_content)
        return e;
    submit_fault_tell(fault, "job.", slice_of_text("dedup"),
                      "is for a single job: each moment makes one", NULL);
    return ERR_BAD_FIELD;
}

static err read_member(const struct doc_member *member, const struct doc_room *room,
                       struct schedule_put *put, struct submit_fault *fault)
{
    const struct field *field = field_named(member->name);
    if (field == NULL) {
        tell_unknown(fault, member->name);
        return ERR_BAD_FIELD;
    }
    const char *rule = field->read(member->value, room->arena, &put->given);
    if (rule != NULL) {
        submit_fault_tell(fault, "", member->name, rule, NULL);
        return ERR_BAD_FIELD;
    }
    return slice_is_text(member->name, "job") ? read_job(member->value, room, put, fault) : OK;
}

err schedule_read(struct doc_value object, const struct doc_room *room,
                  struct schedule_put *out_put, struct submit_fault *out_fault)
{
    struct schedule_put put = {0};
    struct doc_members members;
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = read_member(&members.items[i], room, &put, out_fault);
    if (e != OK)
        return e;
    *out_put = put;
    out_put->given.jobs = &out_put->job;
    return OK;
}

// --- answers ---

static void put_unique(struct out *out, const struct msg_submit_job *job)
{
    if (job->unique_key.len == 0)
        return;
    out_name(out, slice_of_text("unique"));
    out_open_object(out);
    out_put_text(out, "key", job->unique_key);
    course_put_span(out, "for", (uint64_t)job->unique_for_s * 1000);
    if (job->unique_while_unfinished)
        out_put_text(out, "while", slice_of_text("unfinished"));
    out_close(out);
}

static void put_job(struct out *out, const struct msg_submit_job *job,
                    const struct answer_result *payload)
{
    out_name(out, slice_of_text("job"));
    out_open_object(out);
    out_put_text(out, "type", job->type);
    out_put_text(out, "queue", job->queue);
    answer_put_payload(out, payload);
    if (job->priority != MSG_PRIORITY_NOT_GIVEN)
        out_put_unsigned(out, "priority", job->priority);
    const struct msg_defaults given = msg_given(job);
    course_put_span(out, "ttl", job->ttl_ms);
    course_put_span(out, "timeout", job->timeout_ms);
    course_put_retry(out, &given);
    put_unique(out, job);
    webhook_put(out, job->webhook);
    answer_put_sharing(out, job->concurrency_key, job->order, job->cost);
    answer_put_after(out, &job->after, job->on_dependency_failure);
    answer_put_labels(out, job->labels);
    course_put_span(out, "keep", (uint64_t)job->keep_s * 1000);
    out_close(out);
}

static void put_given(struct out *out, const struct msg_schedule *given)
{
    out_put_text(out, "schedule_id", given->schedule_id);
    out_put_text(out, "cron", given->cron);
    out_put_text(out, "time_zone", given->zone);
    if (given->overlap != OVERLAP_NONE)
        out_put_text(out, "overlap", slice_of_text(overlaps[given->overlap]));
    if (given->catch_up != CATCH_UP_NOT_GIVEN)
        out_put_text(out, "catch_up", slice_of_text(catch_ups[given->catch_up]));
    course_put_span(out, "jitter", given->jitter_ms);
    out_put_bool(out, "paused", given->paused);
}

static void put_state(struct out *out, const struct msg_schedule_state *is)
{
    out_put_unsigned(out, "generation", is->generation);
    answer_put_moment(out, "created_at", is->created_at);
    answer_put_moment(out, "since", is->since_at);
    answer_put_moment(out, "last_at", is->last_at);
    answer_put_moment(out, "held_at", is->held_at);
    if (!id_is_zero(&is->last_job_id))
        answer_put_id(out, "last_job_id", &is->last_job_id);
    out_put_unsigned(out, "fired", is->fired_count);
    out_put_unsigned(out, "skipped", is->skipped_count);
}

static void put_next(struct out *out, const struct msg_moments *next)
{
    out_name(out, slice_of_text("next"));
    out_open_array(out);
    for (uint32_t i = 0; i < next->count; i++) {
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(next->items[i].at, text);
        out_text(out, slice_of(text, MOMENT_TEXT_LEN));
    }
    out_close(out);
}

void schedule_answer(struct out *out, const struct msg_schedule_status_is *is,
                     const struct answer_result *payload, bool is_dry_run)
{
    out_open_object(out);
    put_given(out, &is->given);
    if (is->given.job_count > 0)
        put_job(out, is->given.jobs, payload);
    if (is_dry_run)
        out_put_bool(out, "dry_run", true);
    else
        put_state(out, &is->is);
    put_next(out, &is->next);
    answer_put_name_url(out, "schedule_url", "/v1/schedules/", is->given.schedule_id);
    out_close(out);
}

void schedule_answer_list(struct out *out, const struct msg_schedule_listed *listed)
{
    out_open_object(out);
    out_name(out, slice_of_text("schedules"));
    out_open_array(out);
    for (uint32_t i = 0; i < listed->count; i++) {
        const struct msg_schedule_line *line = &listed->schedules[i];
        out_open_object(out);
        put_given(out, &line->given);
        out_put_text(out, "type", line->type);
        out_put_text(out, "queue", line->queue);
        put_state(out, &line->is);
        answer_put_moment(out, "next_at", line->next_at);
        answer_put_name_url(out, "schedule_url", "/v1/schedules/", line->given.schedule_id);
        out_close(out);
    }
    out_close(out);
    if (listed->is_more && listed->count > 0)
        out_put_text(out, "cursor", listed->schedules[listed->count - 1].given.schedule_id);
    out_close(out);
}
