// A worker with a handler for each way a job may go, for sdk_worker.py:
//     sdk_probe BROKER DATA|- [concurrency [prefetch]]
// Prints "ready" when the broker knows it, and a line per call of a handler.
// links: weft_worker_sdk

#include "lib/sys/failpoint.h"
#include "worker/sdk/weft/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static weft_worker *worker;

static void on_signal(int signo)
{
    if (signo == SIGUSR1)
        weft_worker_quiet(worker);
    else
        weft_worker_stop(worker);
}

static void on_log(void *ctx, enum weft_log_level level, const char *event, const char *text)
{
    (void)ctx;
    if (strcmp(event, "worker.welcome") == 0)
        (void)puts("ready");
    (void)fprintf(stderr, "%d %s %s\n", (int)level, event, text);
    (void)fflush(stdout);
}

static void say(const char *what, const weft_job *job)
{
    (void)printf("%s %s %u\n", what, weft_job_id(job), weft_job_attempt(job));
    (void)fflush(stdout);
}

static int echo(weft_job *job, void *ctx)
{
    say(ctx, job);
    return weft_job_result(job, weft_job_payload(job));
}

// Bytes without a word about what they are.
static int blank(weft_job *job, void *ctx)
{
    const struct weft_body body = {.data = "bytes", .len = 5};
    say(ctx, job);
    return weft_job_result(job, body);
}

static int fail(weft_job *job, void *ctx)
{
    say(ctx, job);
    return weft_job_fail(job, "odd", "row %d is odd", 7);
}

static int dead(weft_job *job, void *ctx)
{
    say(ctx, job);
    return weft_job_dead(job, "no-such-row", "no row %s", weft_job_string(job, "row"));
}

static int number(weft_job *job, void *ctx)
{
    char text[64];
    say(ctx, job);
    (void)snprintf(text, sizeof text, "{\"twice\":%lld}",
                   2 * (long long)weft_job_integer(job, "n"));
    return weft_job_result_json(job, text);
}

// What it would give; nothing is printed, for nothing is done.
static int try_number(weft_job *job, void *ctx)
{
    const weft_worker *const *of = ctx;
    if (*of == NULL || !weft_job_is_dry_run(job) || weft_job_token(job) != 0)
        return WEFT_JOB_FAILED;
    if (weft_job_integer(job, "n") < 0)
        return weft_job_fail(job, "negative", "n is below 0");
    if (weft_job_integer(job, "n") > 1000)
        while (!weft_job_cancelled(job))
            (void)usleep(2000);
    return weft_job_result_json(job, "{\"would\":true}");
}

static int again(weft_job *job, void *ctx)
{
    say(ctx, job);
    if (weft_job_attempt(job) == 1)
        return weft_job_retry(job, 1, "come again");
    return WEFT_JOB_SUCCEEDED;
}

static int snooze(weft_job *job, void *ctx)
{
    static int calls; // of one job in one thread
    say(ctx, job);
    return calls++ == 0 ? weft_job_snooze(job, 1) : WEFT_JOB_SUCCEEDED;
}

static int tell(weft_job *job, void *ctx)
{
    say(ctx, job);
    weft_job_progress(job, 3, 4, "row %d", 3);
    for (int i = 1; i <= 3; i++)
        weft_job_log(job, "line %d", i);
    return WEFT_JOB_SUCCEEDED;
}

// Until it is told to stop.
static int patient(weft_job *job, void *ctx)
{
    say(ctx, job);
    while (!weft_job_cancelled(job))
        (void)usleep(2000);
    return WEFT_JOB_CANCELLED;
}

// Does not listen, until a file is there.
static int deaf(weft_job *job, void *ctx)
{
    say(ctx, job);
    while (access(weft_job_string(job, "file"), F_OK) != 0)
        (void)usleep(2000);
    say("returned", job);
    return WEFT_JOB_SUCCEEDED;
}

static int longer(weft_job *job, void *ctx)
{
    say(ctx, job);
    weft_job_extend(job, 3600 * 1000);
    weft_job_extend(job, 1000); // takes nothing back
    while (access(weft_job_string(job, "file"), F_OK) != 0 && !weft_job_cancelled(job))
        (void)usleep(2000);
    return WEFT_JOB_SUCCEEDED;
}

// Everything that came with the job, as a text.
static int show(weft_job *job, void *ctx)
{
    char text[8192];
    size_t len = 0;
    say(ctx, job);
    weft_job_extend(job, 3600 * 1000);
    weft_job_extend(job, 1); // takes nothing back
    len += (size_t)snprintf(
        text, sizeof text, "type=%s queue=%s trace=%s token=%llu generation=%llu",
        weft_job_type(job), weft_job_queue(job), weft_job_traceparent(job),
        (unsigned long long)weft_job_token(job), (unsigned long long)weft_job_generation(job));
    len += (size_t)snprintf(text + len, sizeof text - len, " deadline=%lld",
                            (long long)weft_job_deadline(job));
    for (const char *const *id = weft_job_after(job); *id != NULL; id++)
        len += (size_t)snprintf(text + len, sizeof text - len, " after=%s", *id);
    for (const char *const *tag = weft_job_tags(job); *tag != NULL; tag++)
        len += (size_t)snprintf(text + len, sizeof text - len, " tag=%s", *tag);
    for (const struct weft_pair *pair = weft_job_metadata(job); pair->name != NULL; pair++)
        len += (size_t)snprintf(text + len, sizeof text - len, " %s=%s", pair->name, pair->value);
    const char *who = weft_job_metadata_value(job, "who");
    (void)snprintf(text + len, sizeof text - len, " who:%s none:%d", who != NULL ? who : "",
                   weft_job_metadata_value(job, "nobody") == NULL &&
                       weft_job_metadata_value(job, NULL) == NULL);
    return weft_job_result(job, weft_text(text));
}

// Returns a number, whatever it means.
static int odd(weft_job *job, void *ctx)
{
    say(ctx, job);
    return (int)weft_job_integer(job, "n");
}

// Does not look at what weft_job_result() gives.
static int careless(weft_job *job, void *ctx)
{
    static const char text[] = "\xff{";
    const char *what = weft_job_string(job, "what");
    struct weft_body body = {.content = WEFT_CONTENT_BYTES, .data = text, .len = 2};
    say(ctx, job);
    if (strcmp(what, "large") == 0)
        body = (struct weft_body){
            .content = WEFT_CONTENT_BYTES, .data = calloc(1, 2 << 20), .len = 2 << 20};
    else if (strcmp(what, "json") == 0)
        body.content = WEFT_CONTENT_JSON;
    else if (strcmp(what, "text") == 0)
        body.content = WEFT_CONTENT_TEXT;
    else if (strcmp(what, "nothing") == 0)
        body.data = NULL;
    (void)weft_job_result(job, body);
    if (body.len > 2)
        free((void *)(uintptr_t)body.data);
    if (strcmp(what, "null") == 0)
        (void)weft_job_result_json(job, NULL);
    if (strcmp(weft_job_string(job, "then"), "better") == 0)
        (void)weft_job_result(job, weft_json("1"));
    return WEFT_JOB_SUCCEEDED;
}

// Says one thing, and then another, which counts.
static int wavering(weft_job *job, void *ctx)
{
    say(ctx, job);
    (void)weft_job_retry(job, 3600 * 1000, "in an hour");
    (void)weft_job_snooze(job, 3600 * 1000);
    return weft_job_fail(job, NULL, "at once");
}

// Gives the job back once, when a file is there.
static int back(weft_job *job, void *ctx)
{
    static int calls; // of one job in one thread
    say(ctx, job);
    while (access(weft_job_string(job, "file"), F_OK) != 0 && !weft_job_cancelled(job))
        (void)usleep(2000);
    return calls++ == 0 ? WEFT_JOB_INTERRUPTED : WEFT_JOB_SUCCEEDED;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *type;
        weft_handler *handler;
    } handlers[] = {
        {"echo", echo},   {"fail", fail},         {"dead", dead},         {"number", number},
        {"again", again}, {"snooze", snooze},     {"tell", tell},         {"patient", patient},
        {"deaf", deaf},   {"longer", longer},     {"blank", blank},       {"show", show},
        {"odd", odd},     {"careless", careless}, {"wavering", wavering}, {"back", back}};
    struct weft_worker_options options = WEFT_WORKER_OPTIONS_INIT;
    struct weft_error error = {0};
    options.broker = argc > 1 ? argv[1] : NULL;
    options.data = argc > 2 && strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
    options.concurrency = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 2;
    options.prefetch = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    options.simulations = 2;
    options.grace_ms = 100;
    options.abandon_ms = 100;
    options.log = on_log;
    if (failpoint_init() != OK || weft_worker_new(&options, &worker, &error) != 0) {
        (void)fprintf(stderr, "refused %d %s\n", error.number, error.text);
        return 2;
    }
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        union {
            const char *in;
            void *out;
        } name = {.in = handlers[i].type};
        if (weft_worker_handle(worker, handlers[i].type, handlers[i].handler, name.out) != 0)
            return 2;
    }
    if (weft_worker_handle(worker, "echo", fail, NULL) != WEFT_ERROR_BAD_FIELD ||
        weft_worker_simulate(worker, "nothing", try_number, &worker) == 0 ||
        weft_worker_simulate(worker, "number", try_number, &worker) != 0)
        return 2;
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    int result = weft_worker_run(worker, &error);
    (void)printf("left %d\n", result);
    if (result == 0)
        (void)printf("again %d\n", weft_worker_run(worker, &error));
    weft_worker_free(worker);
    return result;
}
