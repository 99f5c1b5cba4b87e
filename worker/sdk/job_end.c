// How a job ends: what its handler says of it and returns, and what becomes of both.

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "worker/core/jsontext.h"
#include "worker/sdk/worker_private.h"

#include <stdlib.h>

static void say_text(char *room, size_t size, const char *text)
{
    (void)slice_to_text(weft_private_slice(text), room, size);
    utf8_repair((uint8_t *)room, strlen(room));
}

__attribute__((format(printf, 3, 0))) static void say_why(struct weft_job *job, const char *kind,
                                                          const char *format, va_list arguments)
{
    say_text(job->kind, sizeof job->kind, kind);
    uint32_t len =
        weft_private_print((uint8_t *)job->message, sizeof job->message - 1, format, arguments);
    job->message[len] = '\0';
}

__attribute__((format(printf, 3, 4))) static void say_words(struct weft_job *job, const char *kind,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, kind, format, arguments);
    va_end(arguments);
}

// --- by the handler ---

static void drop_result(struct weft_job *job)
{
    free(job->result);
    job->result = NULL;
    job->result_len = 0;
    job->result_content = CONTENT_NONE;
}

// A kind and a sentence when the bytes are not what a result may be, else false.
static bool refuse_result(struct weft_job *job, const struct weft_body *result)
{
    struct slice bytes = slice_of(result->data, result->len);
    if (bytes.len > MSG_RESULT_LEN_MAX)
        say_words(job, "result-too-large",
                  "the result is longer than 1 MiB; store it elsewhere and give its name");
    else if (bytes.len > 0 && bytes.data == NULL)
        say_words(job, "result-content", "the result has a length and no bytes");
    else if (bytes.len > 0 &&
             (result->content < WEFT_CONTENT_BYTES || result->content > WEFT_CONTENT_TEXT))
        say_words(job, "result-content",
                  "the result has bytes and no content: say which, or use weft_json(), "
                  "weft_text()");
    else if (result->content == WEFT_CONTENT_JSON && !jsontext_is_valid(bytes))
        say_words(job, "result-not-json", "the handler's result is not JSON");
    else if (result->content == WEFT_CONTENT_TEXT && utf8_valid_len(bytes) != bytes.len)
        say_words(job, "result-content",
                  "the result is said to be text and is not UTF-8; give it as WEFT_CONTENT_BYTES");
    else
        return false;
    return true;
}

int weft_job_result(weft_job *job, struct weft_body result)
{
    drop_result(job);
    if (job->is_result_refused)
        job->kind[0] = job->message[0] = '\0'; // this one counts
    job->is_result_refused = refuse_result(job, &result);
    if (job->is_result_refused)
        return WEFT_JOB_DEAD;
    job->result = malloc(result.len + 1);
    CHECK(job->result != NULL);
    if (result.len > 0)
        memcpy(job->result, result.data, result.len);
    job->result_len = result.len;
    job->result_content = result.len > 0 ? (enum content)result.content : CONTENT_NONE;
    return WEFT_JOB_SUCCEEDED;
}

int weft_job_result_json(weft_job *job, const char *json)
{
    return weft_job_result(job, weft_json(json));
}

int weft_job_fail(weft_job *job, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, kind, format, arguments);
    va_end(arguments);
    job->after_ms = 0;
    return WEFT_JOB_FAILED;
}

int weft_job_dead(weft_job *job, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, kind, format, arguments);
    va_end(arguments);
    job->after_ms = 0;
    return WEFT_JOB_DEAD;
}

int weft_job_retry(weft_job *job, uint32_t after_ms, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, "retry", format, arguments);
    va_end(arguments);
    job->after_ms = after_ms;
    return WEFT_JOB_FAILED;
}

int weft_job_snooze(weft_job *job, uint32_t after_ms)
{
    job->snooze_ms = after_ms > 0 ? after_ms : 1;
    return WEFT_JOB_SNOOZED;
}

// --- for the loop ---

static void fail_with(const struct weft_job *job, enum outcome outcome, const char *kind,
                      struct outcome_report *report)
{
    report->outcome = outcome;
    report->kind = slice_of_text(job->kind[0] != '\0' ? job->kind : kind);
    report->message = slice_of_text(job->message);
    report->retry_after_ms = outcome == OUTCOME_FAILED ? job->after_ms : 0;
}

// A value that means nothing here is an error of the handler's, and says so.
static void fail_by_return(struct weft_job *job, const char *why, struct outcome_report *report)
{
    say_words(job, "bad-return", "the handler returned %d: %s", job->returned, why);
    job->after_ms = 0;
    fail_with(job, OUTCOME_FAILED, "", report);
}

static void snooze(struct weft_job *job, struct outcome_report *report)
{
    if (job->snooze_ms == 0) {
        fail_by_return(job, "WEFT_JOB_SNOOZED without weft_job_snooze(), which says for how long",
                       report);
        return;
    }
    report->outcome = OUTCOME_SNOOZED;
    report->kind = slice_of_text("snoozed");
    report->message = slice_of_text("the handler wants the job again later");
    report->retry_after_ms = job->snooze_ms;
}

static void succeed(const struct weft_job *job, struct outcome_report *report)
{
    if (job->is_result_refused) { // whatever is returned: without it the job would have lost something
        fail_with(job, OUTCOME_DEAD, "", report);
        return;
    }
    report->outcome = OUTCOME_SUCCEEDED;
    report->result = (struct body){.content = job->result_content,
                                   .bytes = slice_of(job->result, job->result_len)};
}

// Whoever goes on taking jobs would get it back in the same moment, again and again.
static void give_back(const struct job_ending *ending, struct outcome_report *report)
{
    if (ending->is_leaving)
        outcome_interrupted("the handler gave the job back", report);
    else
        outcome_put_off("the handler gave the job back", report);
}

// Words that it has said tell more than its number.
static void fail_oddly(struct weft_job *job, struct outcome_report *report)
{
    if (job->kind[0] == '\0' && job->message[0] == '\0')
        fail_by_return(job, "that is no WEFT_JOB_ value", report);
    else
        fail_with(job, OUTCOME_FAILED, "failed", report);
}

void weft_private_outcome(struct weft_job *job, const struct job_ending *ending,
                          struct outcome_report *out_report)
{
    *out_report = (struct outcome_report){0};
    if (job->missing != NULL) {
        say_words(job, "payload", "%s", job->missing);
        job->returned = WEFT_JOB_DEAD;
    }
    switch (job->returned) {
    case WEFT_JOB_SUCCEEDED: succeed(job, out_report); return;
    case WEFT_JOB_DEAD: fail_with(job, OUTCOME_DEAD, "permanent", out_report); return;
    case WEFT_JOB_FAILED: fail_with(job, OUTCOME_FAILED, "failed", out_report); return;
    case WEFT_JOB_SNOOZED: snooze(job, out_report); return;
    case WEFT_JOB_CANCELLED:
        if (ending->is_asked)
            outcome_cancelled(out_report);
        else
            fail_by_return(job, "WEFT_JOB_CANCELLED, and nobody had asked it to stop", out_report);
        return;
    case WEFT_JOB_INTERRUPTED: give_back(ending, out_report); return;
    default: fail_oddly(job, out_report); return;
    }
}

void weft_private_forget(struct weft_job *job)
{
    while (job->texts != NULL) {
        struct kept_text *next = job->texts->next;
        free(job->texts);
        job->texts = next;
    }
    free(job->missing);
    free(job->texts_of_grant);
    free(job->memory);
    drop_result(job);
    job->missing = NULL;
    job->texts_of_grant = NULL;
    job->memory = NULL;
    job->is_result_refused = false;
    job->after_ms = job->snooze_ms = 0;
    job->kind[0] = job->message[0] = '\0';
    job->is_abandoned = false;
}
