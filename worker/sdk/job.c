// What a handler may ask and say, in the thread of its slot.

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"
#include "worker/core/jsontext.h"
#include "worker/sdk/worker_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static void lock(struct weft_job *job)
{
    int rc = pthread_mutex_lock(&job->worker->lock);
    CHECK(rc == 0);
}

static void unlock(struct weft_job *job)
{
    int rc = pthread_mutex_unlock(&job->worker->lock);
    CHECK(rc == 0);
}

// --- the thread ---

static bool wait_for_job(struct weft_job *job)
{
    lock(job);
    while (job->phase != JOB_GIVEN && !job->worker->is_leaving)
        (void)pthread_cond_wait(&job->given, &job->worker->lock); // fails only when misused
    bool is_given = job->phase == JOB_GIVEN;
    unlock(job);
    return is_given;
}

void *weft_private_serve(void *ctx)
{
    struct weft_job *job = ctx;
    while (wait_for_job(job)) {
        job->returned = job->handler(job, job->ctx);
        lock(job);
        job->phase = JOB_ENDED;
        unlock(job);
        wake_ring(&job->worker->bell);
    }
    return NULL;
}

// --- what it has been given ---

const char *weft_job_id(const weft_job *job)
{
    return job->id;
}

bool weft_job_is_dry_run(const weft_job *job)
{
    return job->is_dry_run;
}

const char *weft_job_type(const weft_job *job)
{
    return job->type;
}

const char *weft_job_queue(const weft_job *job)
{
    return job->queue;
}

const char *weft_job_traceparent(const weft_job *job)
{
    return job->traceparent;
}

uint32_t weft_job_attempt(const weft_job *job)
{
    return job->msg.attempt;
}

uint64_t weft_job_token(const weft_job *job)
{
    return job->msg.token;
}

struct weft_body weft_job_payload(const weft_job *job)
{
    const struct body *payload = &job->msg.payload;
    return (struct weft_body){.content = (enum weft_content)payload->content,
                              .data = payload->bytes.data,
                              .len = payload->bytes.len};
}

bool weft_job_cancelled(const weft_job *job)
{
    return atomic_load_explicit(&job->must_stop, memory_order_relaxed);
}

// --- members of the payload ---

static void lack(struct weft_job *job, const char *what, const char *name)
{
    char text[MSG_ERROR_MESSAGE_LEN_MAX];
    if (job->missing != NULL)
        return; // the first one is told
    (void)snprintf(text, sizeof text, "the payload has no %s \"%.200s\"", what, name);
    job->missing = strdup(text);
    CHECK(job->missing != NULL);
    atomic_store_explicit(&job->must_stop, true, memory_order_relaxed); // to no avail from here on
}

static bool find_member(const struct weft_job *job, const char *name, struct slice *out_value)
{
    struct jsontext_member members[JOB_MEMBERS_MAX];
    uint32_t count = 0;
    if (job->msg.payload.content != CONTENT_JSON ||
        jsontext_members(job->msg.payload.bytes, members, JOB_MEMBERS_MAX, &count) != OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!slice_is_text(members[i].name, name))
            continue;
        *out_value = members[i].value;
        return true;
    }
    return false;
}

const char *weft_job_string(weft_job *job, const char *name)
{
    struct slice value = {0};
    struct slice text = {0};
    struct kept_text *kept = NULL;
    if (find_member(job, name, &value)) {
        kept = malloc(sizeof *kept + value.len + 1); // its meaning is never longer
        CHECK(kept != NULL);
        if (jsontext_string(value, (uint8_t *)kept->text, value.len, &text) == OK) {
            kept->text[text.len] = '\0';
            kept->next = job->texts;
            job->texts = kept;
            return kept->text;
        }
    }
    free(kept);
    lack(job, "string", name);
    return "";
}

int64_t weft_job_integer(weft_job *job, const char *name)
{
    struct slice value = {0};
    char text[32];
    char *end = text;
    errno = 0;
    long long number = 0;
    if (find_member(job, name, &value) && slice_to_text(value, text, sizeof text))
        number = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0)
        return number;
    lack(job, "integer", name);
    return 0;
}

// --- what it says meanwhile ---

// Cut and repaired, without a zero.
__attribute__((format(printf, 3, 0))) static uint32_t print(uint8_t *room, size_t cap,
                                                            const char *format, va_list arguments)
{
    char text[MSG_ERROR_MESSAGE_LEN_MAX + 1];
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    size_t len = wanted < 0 ? 0 : (size_t)wanted;
    if (len > sizeof text - 1)
        len = sizeof text - 1;
    bool is_cut = len > cap;
    len = is_cut ? cap : len;
    // A cut may have left the beginning of a character.
    while (is_cut && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(room, text, len);
    utf8_repair(room, len);
    return (uint32_t)len;
}

void weft_job_progress(weft_job *job, uint64_t done, uint64_t total, const char *format, ...)
{
    struct job_mail *mail = &job->mail;
    va_list arguments;
    va_start(arguments, format);
    lock(job);
    mail->progress = (struct msg_progress){.done = done, .total = total};
    mail->progress.text =
        slice_of(mail->text, print(mail->text, sizeof mail->text, format, arguments));
    mail->has_progress = true;
    unlock(job);
    va_end(arguments);
    wake_ring(&job->worker->bell);
}

void weft_job_log(weft_job *job, const char *format, ...)
{
    struct job_mail *mail = &job->mail;
    va_list arguments;
    va_start(arguments, format);
    lock(job);
    if (mail->line_count < JOB_LOG_MAX) {
        struct job_line *line = &mail->lines[mail->line_count++];
        line->at = clock_wall_ms();
        line->len = print(line->text, sizeof line->text, format, arguments);
    } else {
        mail->dropped_count++;
    }
    unlock(job);
    va_end(arguments);
    wake_ring(&job->worker->bell);
}

void weft_job_extend(weft_job *job, uint32_t span_ms)
{
    lock(job);
    if (span_ms > job->mail.extend_ms) // "at least": the longest of those that wait counts
        job->mail.extend_ms = span_ms;
    unlock(job);
    wake_ring(&job->worker->bell);
}

// --- how it ends ---

static void say_text(char *room, size_t size, const char *text)
{
    (void)slice_to_text(slice_of_text(text), room, size);
    utf8_repair((uint8_t *)room, strlen(room));
}

__attribute__((format(printf, 3, 0))) static void say_why(struct weft_job *job, const char *kind,
                                                          const char *format, va_list arguments)
{
    say_text(job->kind, sizeof job->kind, kind);
    uint32_t len = print((uint8_t *)job->message, sizeof job->message - 1, format, arguments);
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

int weft_job_result(weft_job *job, struct weft_body result)
{
    if (result.len > MSG_RESULT_LEN_MAX) {
        say_words(job, "result-too-large",
                  "the result is longer than 1 MiB; store it elsewhere and give its name");
        return WEFT_JOB_DEAD;
    }
    if (result.len > 0 &&
        (result.content < WEFT_CONTENT_BYTES || result.content > WEFT_CONTENT_TEXT)) {
        say_words(
            job, "result-content",
            "the result has bytes and no content: say which, or use weft_json(), weft_text()");
        return WEFT_JOB_DEAD;
    }
    free(job->result);
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
    if (jsontext_is_valid(slice_of_text(json)))
        return weft_job_result(job, weft_json(json));
    say_words(job, "result-not-json", "the handler's result is not JSON");
    return WEFT_JOB_DEAD;
}

int weft_job_fail(weft_job *job, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, kind, format, arguments);
    va_end(arguments);
    return WEFT_JOB_FAILED;
}

int weft_job_dead(weft_job *job, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_why(job, kind, format, arguments);
    va_end(arguments);
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
    job->after_ms = after_ms > 0 ? after_ms : 1;
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

void weft_private_outcome(struct weft_job *job, struct outcome_report *out_report)
{
    *out_report = (struct outcome_report){0};
    if (job->missing != NULL) {
        say_words(job, "payload", "%s", job->missing);
        job->returned = WEFT_JOB_DEAD;
    }
    switch (job->returned) {
    case WEFT_JOB_SUCCEEDED:
        out_report->outcome = OUTCOME_SUCCEEDED;
        out_report->result = (struct body){.content = job->result_content,
                                           .bytes = slice_of(job->result, job->result_len)};
        return;
    case WEFT_JOB_DEAD: fail_with(job, OUTCOME_DEAD, "permanent", out_report); return;
    case WEFT_JOB_CANCELLED: outcome_cancelled(out_report); return;
    case WEFT_JOB_INTERRUPTED:
        outcome_interrupted("the handler gave the job back", out_report);
        return;
    case WEFT_JOB_SNOOZED:
        out_report->outcome = OUTCOME_SNOOZED;
        out_report->retry_after_ms = job->after_ms > 0 ? job->after_ms : 1;
        return;
    default: fail_with(job, OUTCOME_FAILED, "failed", out_report); return;
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
    free(job->result);
    free(job->memory);
    job->missing = NULL;
    job->result = NULL;
    job->memory = NULL;
    job->result_len = 0;
    job->result_content = CONTENT_NONE;
    job->after_ms = 0;
    job->kind[0] = job->message[0] = '\0';
    job->is_abandoned = false;
}
