// A handler's side of its job: the thread it runs in, what it says meanwhile. What it has been given is
// job_grant.c and job_payload.c, how it ends job_end.c.

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"
#include "worker/sdk/worker_private.h"

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

// --- what it says meanwhile ---

bool weft_job_cancelled(const weft_job *job)
{
    return atomic_load_explicit(&job->must_stop, memory_order_relaxed);
}

uint32_t weft_private_print(uint8_t *room, size_t cap, const char *format, va_list arguments)
{
    char text[MSG_ERROR_MESSAGE_LEN_MAX + 2]; // a byte more than is kept tells where a cut falls
    CHECK(cap < sizeof text - 1);
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    size_t len = wanted < 0 ? 0 : (size_t)wanted;
    bool is_cut = len > cap;
    len = is_cut ? cap : len;
    // A cut may have left the beginning of a character.
    while (is_cut && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(room, text, len);
    utf8_repair(room, len);
    return (uint32_t)len;
}

// The loop was rung for the first of what lies in the mail, and takes all of it.
static bool is_empty(const struct job_mail *mail)
{
    return !mail->has_progress && mail->extend_ms == 0 && mail->line_count == 0;
}

void weft_job_progress(weft_job *job, uint64_t done, uint64_t total, const char *format, ...)
{
    struct job_mail *mail = &job->mail;
    va_list arguments;
    va_start(arguments, format);
    lock(job);
    bool is_first = is_empty(mail);
    mail->progress = (struct msg_progress){.done = done, .total = total};
    mail->progress.text =
        slice_of(mail->text, weft_private_print(mail->text, sizeof mail->text, format, arguments));
    mail->has_progress = true;
    unlock(job);
    va_end(arguments);
    if (is_first)
        wake_ring(&job->worker->bell);
}

void weft_job_log(weft_job *job, const char *format, ...)
{
    struct job_mail *mail = &job->mail;
    va_list arguments;
    va_start(arguments, format);
    lock(job);
    bool is_first = is_empty(mail);
    if (mail->line_count < JOB_LOG_MAX) {
        struct job_line *line = &mail->lines[mail->line_count++];
        line->at = clock_wall_ms();
        line->len = weft_private_print(line->text, sizeof line->text, format, arguments);
    } else {
        mail->dropped_count++;
    }
    unlock(job);
    va_end(arguments);
    if (is_first)
        wake_ring(&job->worker->bell);
}

void weft_job_extend(weft_job *job, uint32_t span_ms)
{
    when_ms deadline = when_after(clock_wall_ms(), span_ms);
    if (deadline > job->deadline)
        job->deadline = deadline;
    lock(job);
    if (span_ms > job->mail.extend_ms) // "at least": the longest of those that wait counts
        job->mail.extend_ms = span_ms;
    unlock(job);
    wake_ring(&job->worker->bell);
}
