// A program of somebody else's that links libweft, for faults.py:
//     host worker BROKER DATA   runs jobs of the type "fault" until it is told to stop
//     host client BROKER        prints the id of a job that is stored, then asks for it in every way
// Ends with 1 and a sentence when the library says that it cannot go on.
// links: weft_worker_sdk

#include "worker/sdk/weft/client.h"
#include "worker/sdk/weft/worker.h"

#include <stdio.h>
#include <string.h>

static int say(const char *what, const struct weft_error *error)
{
    (void)fprintf(stderr, "%s: %s (%d)\n", what, error->text, error->number);
    return 1;
}

// --- the worker ---

static void on_log(void *ctx, enum weft_log_level level, const char *event, const char *text)
{
    (void)ctx;
    if (strcmp(event, "worker.welcome") == 0)
        (void)puts("ready");
    (void)fflush(stdout);
    (void)fprintf(stderr, "%d %s %s\n", (int)level, event, text);
}

static int handle(weft_job *job, void *ctx)
{
    (void)ctx;
    weft_job_progress(job, 1, 2, "half of %s", weft_job_type(job));
    weft_job_log(job, "attempt %u", weft_job_attempt(job));
    return weft_job_result(job, weft_job_payload(job));
}

static int work(const char *broker, const char *data)
{
    struct weft_worker_options options = WEFT_WORKER_OPTIONS_INIT;
    struct weft_error error = {0};
    weft_worker *worker = NULL;
    options.broker = broker;
    options.data = data;
    options.concurrency = 2;
    options.log = on_log;
    if (weft_worker_new(&options, &worker, &error) != 0)
        return say("no worker", &error);
    error.number = weft_worker_handle(worker, "fault", handle, NULL);
    if (error.number != 0) {
        (void)snprintf(error.text, sizeof error.text, "%s", weft_error_slug(error.number));
        return say("no handler", &error);
    }
    int result = weft_worker_run(worker, &error);
    weft_worker_free(worker);
    return result == 0 ? 0 : say("no more jobs", &error);
}

// --- the client ---

static int submit(weft_client *client, char id[WEFT_ID_SIZE])
{
    struct weft_submission job = WEFT_SUBMISSION_INIT;
    struct weft_error error = {0};
    job.type = "fault";
    job.payload = weft_json("[1]");
    if (weft_client_submit(client, &job, 1, 0, &error) != 0)
        return say("not submitted", &error);
    const struct weft_verdict *verdict = weft_client_verdict(client, 0);
    (void)fprintf(stderr, "%s\n", verdict->detail);
    if (verdict->error != 0)
        return 1;
    memcpy(id, verdict->id, WEFT_ID_SIZE);
    (void)puts(id);
    (void)fflush(stdout);
    return 0;
}

static int ask(weft_client *client, const char *id)
{
    const struct weft_patience patience = {.wait_ms = 1};
    const struct weft_status *status = NULL;
    struct weft_error error = {0};
    if (weft_client_status(client, id, NULL, &status, &error) != 0)
        return say("no status", &error);
    if (strcmp(status->type, "fault") != 0)
        return say("a wrong status", &error);
    if (weft_client_status(client, id, &patience, &status, &error) != 0)
        return say("no news", &error);
    if (weft_client_act(client, WEFT_ACT_CANCEL, id, "host", &error) != 0)
        return say("not cancelled", &error);
    return 0;
}

static int call(const char *broker)
{
    struct weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    struct weft_error error = {0};
    weft_client *client = NULL;
    char id[WEFT_ID_SIZE];
    options.broker = broker;
    if (weft_client_open(&options, &client, &error) != 0)
        return say("no client", &error);
    int result = submit(client, id);
    if (result == 0)
        result = ask(client, id);
    weft_client_close(client);
    return result;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "worker") == 0)
        return work(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "client") == 0)
        return call(argv[2]);
    (void)fputs("host worker BROKER DATA | host client BROKER\n", stderr);
    return 2;
}
