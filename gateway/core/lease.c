// Fields of /v1/leases.

#include "gateway/core/lease.h"

#include "gateway/core/course.h"
#include "lib/base/bytes.h"
#include "lib/base/decimal.h"
#include "lib/base/duration.h"

static err fault_of(struct submit_fault *fault, struct slice name, const char *rule)
{
    submit_fault_tell(fault, "", name, rule, NULL);
    return ERR_BAD_FIELD;
}

static err unknown_of(struct submit_fault *fault, struct slice name, const char *const *names,
                      uint32_t count)
{
    submit_fault_unknown(fault, "", name, "is not known here",
                         &(struct submit_names){names, count});
    return ERR_BAD_FIELD;
}

// --- values ---

static const char *read_span(struct doc_value value, struct arena *arena, uint32_t most_ms,
                             uint32_t *out_ms)
{
    struct slice text;
    when_ms span;
    if (doc_text(value, arena, &text) != OK || duration_parse(text, &span) != OK || span < 0)
        return "must be a duration like \"30s\"";
    if (span > most_ms)
        return most_ms == LEASE_WAIT_MS_MAX ? "is at most 60s" : "is at most 7d";
    *out_ms = (uint32_t)span;
    return NULL;
}

static const char *read_number(struct doc_value value, uint64_t *out_number)
{
    int64_t number;
    if (doc_integer(value, &number) != OK || number < 0)
        return "must be a whole number from 0";
    *out_number = (uint64_t)number;
    return NULL;
}

static const char *read_text(struct doc_value value, struct arena *arena, struct slice *out_text)
{
    return doc_text(value, arena, out_text) == OK ? NULL : "must be a text";
}

// Digits in a text: many readers of JSON have no numbers of 64 bits.
static const char *read_token(struct doc_value value, struct arena *arena, uint64_t *out_token)
{
    struct slice text;
    uint64_t token = 0;
    const char *rule = "must be the text that came with the job";
    if (doc_text(value, arena, &text) != OK || text.len == 0 || text.len > DECIMAL_LEN_MAX)
        return rule;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (text.data[i] < '0' || text.data[i] > '9' || token > (UINT64_MAX - digit) / 10)
            return rule;
        token = token * 10 + digit;
    }
    *out_token = token;
    return NULL;
}

static const char *read_names(struct doc_value value, struct arena *arena, struct slice *names,
                              uint32_t *out_count)
{
    if (doc_texts(value, arena, names, MSG_TYPES_MAX, out_count) != OK)
        return "must be an array of at most 64 names";
    for (uint32_t i = 0; i < *out_count; i++)
        if (names[i].len > MSG_NAME_LEN_MAX)
            return "has a name that is too long";
    return NULL;
}

// --- what it takes ---

static const char *const wish_names[] = {"types", "queues", "max", "wait"};

static const char *read_wish(const struct doc_member *member, const struct doc_room *room,
                             struct lease_wish *wish, bool *out_known)
{
    uint64_t number = 0;
    uint32_t ms = 0;
    const char *rule = NULL;
    *out_known = true;
    if (slice_is_text(member->name, "types")) {
        rule = read_names(member->value, room->arena, wish->types, &wish->type_count);
        return rule == NULL && wish->type_count == 0 ? "must name one type at least" : rule;
    }
    if (slice_is_text(member->name, "queues"))
        return read_names(member->value, room->arena, wish->queues, &wish->queue_count);
    if (slice_is_text(member->name, "max")) {
        rule = read_number(member->value, &number);
        wish->max = number <= LEASE_JOBS_MAX ? (uint32_t)number : 0;
        return rule != NULL || wish->max == 0 ? "must be a whole number from 1 to 64" : NULL;
    }
    if (slice_is_text(member->name, "wait")) {
        rule = read_span(member->value, room->arena, LEASE_WAIT_MS_MAX, &ms);
        wish->wait_ms = ms;
        return rule;
    }
    *out_known = false;
    return NULL;
}

err lease_read_wish(struct doc_value object, const struct doc_room *room,
                    struct lease_wish *out_wish, struct submit_fault *out_fault)
{
    struct doc_members members;
    *out_wish = (struct lease_wish){.max = 1};
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++) {
        const struct doc_member *member = &members.items[i];
        bool is_known;
        const char *rule = read_wish(member, room, out_wish, &is_known);
        if (!is_known)
            e = unknown_of(out_fault, member->name, wish_names,
                           sizeof wish_names / sizeof wish_names[0]);
        else if (rule != NULL)
            e = fault_of(out_fault, member->name, rule);
    }
    if (e == OK && out_wish->type_count == 0)
        e = fault_of(out_fault, slice_of_text("types"), "is missing: it says what work is taken");
    return e;
}

// --- what it says ---

enum word {
    TOKEN,
    RESULT,
    KIND,
    MESSAGE,
    DETAIL,
    RETRY,
    RETRY_AFTER,
    DONE,
    TOTAL,
    TEXT,
    EXTEND,
    LOG
};
static const char *const word_names[] = {[TOKEN] = "token",
                                         [RESULT] = "result",
                                         [KIND] = "kind",
                                         [MESSAGE] = "message",
                                         [DETAIL] = "detail",
                                         [RETRY] = "retry",
                                         [RETRY_AFTER] = "retry_after",
                                         [DONE] = "done",
                                         [TOTAL] = "total",
                                         [TEXT] = "text",
                                         [EXTEND] = "extend",
                                         [LOG] = "log"};
enum { WORDS = sizeof word_names / sizeof word_names[0] };

#define RENEWS (1u << DONE | 1u << TOTAL | 1u << TEXT | 1u << EXTEND | 1u << LOG)
// Which of them may go with a verb.
static const uint32_t allowed[] = {
    [LEASE_FINISH] = 1u << TOKEN | 1u << RESULT,
    [LEASE_FAIL] =
        1u << TOKEN | 1u << KIND | 1u << MESSAGE | 1u << DETAIL | 1u << RETRY | 1u << RETRY_AFTER,
    [LEASE_RELEASE] = 1u << TOKEN | 1u << RETRY_AFTER,
    [LEASE_RENEW] = 1u << TOKEN | RENEWS,
    [LEASE_PROGRESS] = 1u << TOKEN | RENEWS,
};

static const char *read_retry(struct doc_value value, struct msg_finish_job *finish)
{
    bool again = true;
    if (doc_bool(value, &again) != OK)
        return "must be true or false";
    finish->outcome = again ? OUTCOME_FAILED : OUTCOME_DEAD;
    return NULL;
}

static const char *read_word(enum word word, struct doc_value value, const struct doc_room *room,
                             struct lease_word *said)
{
    enum { SPAN_MS_MAX = 7 * 24 * 3600 * 1000 };
    struct msg_finish_job *finish = &said->finish;
    struct msg_progress *progress = &said->progress;
    bool is_packed = value.format == DOC_MSGPACK;
    switch (word) {
    case TOKEN: return read_token(value, room->arena, &said->token);
    case RESULT:
        finish->result = (struct body){.content = is_packed ? CONTENT_MSGPACK : CONTENT_JSON,
                                       .bytes = value.raw};
        return NULL;
    case KIND: return read_text(value, room->arena, &finish->error_kind);
    case MESSAGE: return read_text(value, room->arena, &finish->error_message);
    case DETAIL: return read_text(value, room->arena, &finish->error_detail);
    case RETRY: return read_retry(value, finish);
    case RETRY_AFTER: return read_span(value, room->arena, SPAN_MS_MAX, &finish->retry_after_ms);
    case DONE: said->has_progress = true; return read_number(value, &progress->done);
    case TOTAL: said->has_progress = true; return read_number(value, &progress->total);
    case TEXT: said->has_progress = true; return read_text(value, room->arena, &progress->text);
    case EXTEND:
        said->has_progress = true;
        return read_span(value, room->arena, SPAN_MS_MAX, &progress->extend_ms);
    case LOG:
        return doc_texts(value, room->arena, said->lines, LEASE_LINES_MAX, &said->line_count) == OK
                   ? NULL
                   : "must be an array of at most 256 lines";
    }
    return NULL;
}

static err read_member(const struct doc_member *member, enum lease_verb verb,
                       const struct doc_room *room, struct lease_word *said,
                       struct submit_fault *fault)
{
    for (unsigned i = 0; i < WORDS; i++) {
        if (!slice_is_text(member->name, word_names[i]))
            continue;
        if ((allowed[verb] & 1u << i) == 0)
            return fault_of(fault, member->name, "does not go with this verb");
        const char *rule = read_word((enum word)i, member->value, room, said);
        return rule == NULL ? OK : fault_of(fault, member->name, rule);
    }
    return unknown_of(fault, member->name, word_names, WORDS);
}

static enum outcome outcome_of(enum lease_verb verb)
{
    return verb == LEASE_FINISH ? OUTCOME_SUCCEEDED
           : verb == LEASE_FAIL ? OUTCOME_FAILED
                                : OUTCOME_INTERRUPTED;
}

err lease_read_word(struct doc_value object, enum lease_verb verb, const struct doc_room *room,
                    struct lease_word *out_word, struct submit_fault *out_fault)
{
    struct doc_members members;
    *out_word = (struct lease_word){.finish = {.outcome = outcome_of(verb)}};
    err e = doc_read(object, room, &members, out_fault->detail);
    for (uint32_t i = 0; e == OK && i < members.count; i++)
        e = read_member(&members.items[i], verb, room, out_word, out_fault);
    if (e == OK && out_word->token == 0)
        e = fault_of(out_fault, slice_of_text("token"), "is missing: it came with the job");
    if (verb == LEASE_RELEASE && out_word->finish.retry_after_ms > 0)
        out_word->finish.outcome = OUTCOME_SNOOZED;
    out_word->finish.token = out_word->token;
    out_word->progress.token = out_word->token;
    return e;
}

// --- answers ---

void lease_put_job(struct out *out, const struct msg_job *job, const struct answer_result *payload)
{
    out_open_object(out);
    answer_put_id(out, "job_id", &job->job_id);
    out_put_digits(out, "token", job->token);
    out_put_text(out, "type", job->type);
    out_put_text(out, "queue", job->queue);
    out_put_unsigned(out, "attempt", job->attempt);
    course_put_span(out, "timeout", job->timeout_ms);
    answer_put_payload(out, payload);
    if (job->traceparent.len > 0)
        out_put_text(out, "traceparent", job->traceparent);
    answer_put_labels(out, job->labels);
    if (job->after.count > 0) {
        out_name(out, slice_of_text("after"));
        out_open_array(out);
        for (uint32_t i = 0; i < job->after.count; i++) {
            char text[ID_TEXT_LEN + 1];
            id_to_text(&job->after.items[i], text);
            out_text(out, slice_of(text, ID_TEXT_LEN));
        }
        out_close(out);
    }
    out_close(out);
}

static void put_terms(struct out *out, const struct lease_terms *terms)
{
    course_put_span(out, "lease", terms->lease_ms);
    course_put_span(out, "renew", terms->renew_ms);
}

void lease_put_begin(struct out *out, const struct lease_terms *terms)
{
    out_open_object(out);
    put_terms(out, terms);
    out_name(out, slice_of_text("jobs"));
    out_open_array(out);
}

void lease_put_end(struct out *out)
{
    out_close(out);
    out_close(out);
}

void lease_put_taken(struct out *out, const struct id *job_id, const struct lease_terms *terms,
                     bool is_cancelled)
{
    out_open_object(out);
    answer_put_id(out, "job_id", job_id);
    if (terms != NULL)
        put_terms(out, terms);
    if (is_cancelled)
        out_put_bool(out, "cancel", true);
    out_close(out);
}
