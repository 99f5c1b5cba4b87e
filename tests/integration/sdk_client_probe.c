// Everything that a client made with libweft may ask, against a broker without workers:
//     sdk_client_probe BROKER
// With a key it asks the same once for each line it is given, and prints how that ended:
//     sdk_client_probe BROKER KEY SERVER
// or what it is told of a dry run of many, against one with sdk_probe:
//     sdk_client_probe BROKER many
// links: weft_worker_sdk

#include "worker/sdk/weft/client.h"
#include "worker/sdk/weft/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *broker;
static weft_client *client;
static struct weft_error error;

// Not assert(): it is left out where NDEBUG is.
#define EXPECT(fact)                                                                               \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s (%d %s)\n", __FILE__, __LINE__, #fact, error.number,  \
                          error.text);                                                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct weft_submission job_of(const char *type)
{
    struct weft_submission job = WEFT_SUBMISSION_INIT;
    job.type = type;
    return job;
}

static const struct weft_status *status_of(const char *id)
{
    const struct weft_status *status = NULL;
    EXPECT(weft_client_status(client, id, NULL, &status, &error) == 0);
    return status;
}

static void one_job(void)
{
    const char *const tags[] = {"red", "blue"};
    const struct weft_pair pairs[] = {{"who", "me"}};
    struct weft_submission job = job_of("a");
    job.key = "k-1";
    job.queue = "mail";
    job.payload = weft_json("{\"n\":1}");
    job.priority_is_given = true;
    job.priority = 0;
    job.tags = tags;
    job.tag_count = 2;
    job.metadata = pairs;
    job.metadata_count = 1;
    char id[WEFT_ID_SIZE];
    EXPECT(weft_id_of_key(NULL, "mail", "k-1", id) == 0);
    EXPECT(weft_client_submit(client, &job, 1, WEFT_SUBMIT_DRY_RUN, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->error == 0);
    const struct weft_status *status = NULL;
    EXPECT(weft_client_status(client, id, NULL, &status, &error) == WEFT_ERROR_NOT_FOUND);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    const struct weft_verdict *verdict = weft_client_verdict(client, 0);
    EXPECT(verdict->error == 0 && !verdict->replayed && verdict->created_at_ms > 0);
    EXPECT(strcmp(verdict->id, id) == 0 && verdict->state == WEFT_QUEUED);
    EXPECT(weft_client_verdict(client, 1) == NULL);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->replayed);
    job.priority = 1;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(strcmp(weft_error_slug(weft_client_verdict(client, 0)->error), "key-reused") == 0);
    status = status_of(id);
    EXPECT(strcmp(status->type, "a") == 0 && strcmp(status->queue, "mail") == 0);
    EXPECT(status->priority == 0 && status->error_kind[0] == '\0');
}

// Without a worker nobody simulates it; nobody can tell either when it would start.
static void a_dry_run(void)
{
    struct weft_submission job = job_of("a");
    EXPECT(weft_client_submit(client, &job, 1, WEFT_SUBMIT_DRY_RUN, &error) == 0);
    const struct weft_verdict *verdict = weft_client_verdict(client, 0);
    EXPECT(verdict->simulation == WEFT_SIMULATION_NONE && verdict->simulated.len == 0);
    job.delay_ms = 3600 * 1000;
    EXPECT(weft_client_submit(client, &job, 1, WEFT_SUBMIT_DRY_RUN, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->starts_at_ms > 0);
}

// A worker says of each number what would become of it; of the last job, which leans on the first, nobody can be
// asked, nobody takes the type of the one before, and what is known or refused is not asked about.
static void a_dry_run_of_many(void)
{
    enum { NUMBERS = 30, KNOWN, REFUSED, NOBODY, LEANING, ALL };
    struct weft_submission jobs[ALL];
    char payloads[NUMBERS][16];
    char first[WEFT_ID_SIZE];
    const char *const parent = first;
    for (int i = 0; i < ALL; i++)
        jobs[i] = job_of(i == NOBODY ? "nobody" : "number");
    for (int i = 0; i < NUMBERS; i++) {
        (void)snprintf(payloads[i], sizeof payloads[i], "{\"n\":%d}", i - 3);
        jobs[i].payload = weft_json(payloads[i]);
    }
    jobs[KNOWN].key = "known";
    EXPECT(weft_client_submit(client, &jobs[KNOWN], 1, 0, &error) == 0);
    EXPECT(weft_id_new(NULL, NULL, first) == 0);
    jobs[0].id = first;
    jobs[REFUSED].webhook_endpoint = "nobody";
    jobs[LEANING].after = &parent;
    jobs[LEANING].after_count = 1;
    jobs[LEANING].on_dependency_failure = 2;
    EXPECT(weft_client_submit(client, jobs, ALL, WEFT_SUBMIT_SIMULATE, &error) ==
           WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_client_submit(client, jobs, ALL, WEFT_SUBMIT_DRY_RUN | WEFT_SUBMIT_SIMULATE,
                              &error) == 0);
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct weft_verdict *verdict = weft_client_verdict(client, i);
        EXPECT(verdict->error == 0 && !verdict->replayed);
        EXPECT(verdict->simulation == (i < 3 ? WEFT_SIMULATION_FAILED : WEFT_SIMULATION_OK));
        EXPECT(strcmp(verdict->simulated_error, i < 3 ? "n is below 0" : "") == 0);
        EXPECT(verdict->simulated.len == (i < 3 ? 0u : strlen("{\"would\":true}")));
        EXPECT(i < 3 ||
               memcmp(verdict->simulated.data, "{\"would\":true}", verdict->simulated.len) == 0);
    }
    EXPECT(weft_client_verdict(client, KNOWN)->replayed);
    EXPECT(weft_client_verdict(client, REFUSED)->error != 0);
    for (size_t i = KNOWN; i <= NOBODY; i++)
        EXPECT(weft_client_verdict(client, i)->simulation == WEFT_SIMULATION_NONE);
    EXPECT(weft_client_verdict(client, LEANING)->simulation == WEFT_SIMULATION_ALONE);
    EXPECT(weft_client_submit(client, jobs, 2, WEFT_SUBMIT_DRY_RUN, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->simulation == WEFT_SIMULATION_NONE);
}

static void the_same_content(void)
{
    struct weft_submission job = job_of("a");
    char first[WEFT_ID_SIZE];
    job.key_is_of_content = true;
    job.payload = weft_json("{\"n\":77}");
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(!weft_client_verdict(client, 0)->replayed);
    memcpy(first, weft_client_verdict(client, 0)->id, sizeof first);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->replayed);
    EXPECT(strcmp(weft_client_verdict(client, 0)->id, first) == 0);
    job.payload = weft_json("{\"n\":78}");
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(!weft_client_verdict(client, 0)->replayed);
    job.key = "k";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
}

static void a_webhook(void)
{
    struct weft_submission job = job_of("a");
    job.webhook_url = "https://a.test/told";
    job.webhook_events = 1u << WEFT_DEAD;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->error == 0);
    job.webhook_url = "ftp://a.test/";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "url") != NULL);
    job.webhook_url = NULL;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
}

static void a_batch_webhook(void)
{
    struct weft_submission job = job_of("told");
    char batch[WEFT_ID_SIZE];
    job.batch_webhook_url = "https://a.test/told";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "batch_id") != NULL);
    EXPECT(weft_id_new(NULL, NULL, batch) == 0);
    job.batch_id = batch;
    job.batch_webhook_endpoint = "nobody";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(strcmp(weft_error_slug(weft_client_verdict(client, 0)->error), "webhook") == 0);
    job.batch_webhook_endpoint = NULL;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->error == 0);
    job.batch_webhook_url = "ftp://a.test/";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "batch_webhook") != NULL);
}

static void wrong_words(void)
{
    struct weft_submission job = job_of("No Name");
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "type") != NULL);
    job = job_of("a");
    job.batch_id = "no id";
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_client_submit(client, &job, 0, 0, NULL) == WEFT_ERROR_BAD_FIELD);
    const struct weft_status *status = NULL;
    EXPECT(weft_client_status(client, "x", NULL, &status, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_client_act(client, WEFT_ACT_CANCEL, "x", NULL, &error) == WEFT_ERROR_BAD_FIELD);
}

// A program built with an older library gives a shorter struct.
static void shorter_structs(void)
{
    struct weft_submission job = job_of("old");
    job.size = offsetof(struct weft_submission, tags);
    job.tag_count = 99; // beyond the end
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->error == 0);
}

// The same id again is the same job, as after an answer that never came.
static void again_by_id(void)
{
    struct weft_submission job = job_of("a");
    char id[WEFT_ID_SIZE];
    EXPECT(weft_id_new(NULL, NULL, id) == 0);
    job.id = id;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(!weft_client_verdict(client, 0)->replayed);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->replayed);
}

static void a_batch(void)
{
    struct weft_submission jobs[3];
    char batch[WEFT_ID_SIZE];
    const struct weft_batch *seen = NULL;
    EXPECT(weft_id_new(NULL, NULL, batch) == 0);
    for (uint32_t i = 0; i < 3; i++) {
        jobs[i] = job_of("part");
        jobs[i].batch_id = batch;
        jobs[i].batch_index = i;
    }
    EXPECT(weft_client_submit(client, jobs, 3, WEFT_SUBMIT_ATOMIC, &error) == 0);
    for (size_t i = 0; i < 3; i++)
        EXPECT(weft_client_verdict(client, i)->error == 0);
    EXPECT(weft_client_batch_seal(client, batch, &seen, &error) == 0);
    EXPECT(seen->is_sealed && seen->counts[WEFT_QUEUED] == 3 && seen->finished_at_ms == 0);
    for (size_t i = 0; i < 3; i++) {
        char id[WEFT_ID_SIZE];
        (void)memcpy(id, weft_client_verdict(client, i)->id, sizeof id);
        EXPECT(weft_client_act(client, WEFT_ACT_CANCEL, id, "probe", &error) == 0);
    }
    const struct weft_patience patience = {.version = seen->version, .wait_ms = 20000};
    EXPECT(weft_client_batch(client, batch, &patience, &seen, &error) == 0);
    EXPECT(weft_client_batch(client, batch, NULL, &seen, &error) == 0);
    EXPECT(seen->counts[WEFT_CANCELLED] == 3 && seen->finished_at_ms > 0);
}

// All or none.
static void an_atomic_refusal(void)
{
    struct weft_submission jobs[2];
    jobs[0] = job_of("a");
    jobs[1] = job_of("a");
    jobs[1].key = "k-1"; // of another queue, so not known: only its unique key is refused below
    jobs[0].unique_key = jobs[1].unique_key = "only-one";
    jobs[0].unique_while_unfinished = jobs[1].unique_while_unfinished = true;
    EXPECT(weft_client_submit(client, jobs, 2, WEFT_SUBMIT_ATOMIC, &error) == 0);
    EXPECT(strcmp(weft_error_slug(weft_client_verdict(client, 0)->error), "atomic") == 0);
    EXPECT(strcmp(weft_error_slug(weft_client_verdict(client, 1)->error), "unique") == 0);
    EXPECT(weft_client_verdict(client, 1)->detail[0] != '\0' ||
           weft_client_verdict(client, 1)->holder_id[0] != '\0');
}

// Whose size nobody has set, nothing would be heeded of.
static void structs_without_a_size(void)
{
    const struct weft_client_options options = {.tenant = "elsewhere"};
    weft_client *other = NULL;
    struct weft_submission job = job_of("a");
    struct weft_submission jobs[2] = {job, {.type = "a"}};
    struct weft_watch watch = {.limit = 1};
    const struct weft_events *events = NULL;
    EXPECT(weft_client_open(&options, &other, &error) == WEFT_ERROR_BAD_FIELD && other == NULL);
    EXPECT(weft_client_submit(client, jobs, 2, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_client_watch(client, &watch, &events, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "WEFT_WATCH_INIT sets size") != NULL && events == NULL);
}

// A program built with a later library, whose fields nobody here would heed.
static void longer_structs(void)
{
    struct {
        struct weft_submission known;
        uint64_t later;
    } job = {.known = job_of("new")};
    struct {
        struct weft_worker_options known;
        uint64_t later;
    } options = {.known = WEFT_WORKER_OPTIONS_INIT, .later = 1};
    weft_worker *worker = NULL;
    job.known.size = sizeof job;
    EXPECT(weft_client_submit(client, &job.known, 1, 0, &error) == 0);
    job.later = 1;
    EXPECT(weft_client_submit(client, &job.known, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "beyond this library's fields") != NULL);
    options.known.size = sizeof options;
    EXPECT(weft_worker_new(&options.known, &worker, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(worker == NULL);
}

static void expect_refused(const struct weft_submission *job, const char *word)
{
    EXPECT(weft_client_submit(client, job, 1, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, word) != NULL);
}

// Each is told with its field, and nothing is sent.
static void values_that_are_none(void)
{
    struct weft_submission job = job_of("a");
    job.priority_is_given = true;
    job.priority = 255;
    expect_refused(&job, "priority");
    job = job_of("a");
    job.payload = (struct weft_body){.content = WEFT_CONTENT_TEXT, .len = 5};
    expect_refused(&job, "payload");
    job.payload = (struct weft_body){.content = (enum weft_content)9, .data = "x", .len = 1};
    expect_refused(&job, "payload");
    job.payload = weft_json(NULL);
    expect_refused(&job, "payload");
    job = job_of("a");
    job.order = 3;
    job.concurrency_key = "k";
    expect_refused(&job, "order");
    job = job_of("a");
    job.on_dependency_failure = -1;
    expect_refused(&job, "on_dependency_failure");
    job = job_of("a");
    job.after_count = 1;
    expect_refused(&job, "after");
    job = job_of("a");
    job.tag_count = 1;
    expect_refused(&job, "tag");
    job = job_of("a");
    job.metadata_count = 1;
    expect_refused(&job, "metadata");
    struct weft_submission two[2] = {job_of("a"), job_of("a")};
    two[1].size = offsetof(struct weft_submission, tags);
    EXPECT(weft_client_submit(client, two, 2, 0, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_client_submit(client, two, 1, 8, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "flags") != NULL);
}

// One payload, and all together.
static void too_much(void)
{
    static char large[(1 << 20) + 1];
    struct weft_submission jobs[17];
    for (size_t i = 0; i < 17; i++) {
        jobs[i] = job_of("a");
        jobs[i].payload = (struct weft_body){WEFT_CONTENT_BYTES, large, sizeof large};
    }
    EXPECT(strcmp(weft_error_slug(weft_client_submit(client, jobs, 1, 0, &error)), "too-large") ==
           0);
    for (size_t i = 0; i < 17; i++)
        jobs[i].payload.len--;
    EXPECT(strcmp(weft_error_slug(weft_client_submit(client, jobs, 17, 0, &error)), "too-large") ==
           0);
    EXPECT(strstr(error.text, "16 MiB") != NULL);
}

static int never(weft_job *job, void *ctx)
{
    (void)job;
    (void)ctx;
    return WEFT_JOB_DEAD;
}

static int refusal_of(const struct weft_worker_options *options, const char *word)
{
    weft_worker *worker = NULL;
    int result = weft_worker_new(options, &worker, &error);
    EXPECT(worker == NULL && strstr(error.text, word) != NULL);
    return result;
}

static void a_worker_that_is_misused(void)
{
    static char name[200];
    const char *const none = NULL;
    struct weft_worker_options options = WEFT_WORKER_OPTIONS_INIT;
    memset(name, 'n', sizeof name - 1);
    options.name = name;
    EXPECT(refusal_of(&options, "name") == WEFT_ERROR_BAD_FIELD);
    options.name = "\xff";
    EXPECT(refusal_of(&options, "name") == WEFT_ERROR_BAD_FIELD);
    options.name = NULL;
    options.queue_count = 1;
    EXPECT(refusal_of(&options, "queue") == WEFT_ERROR_BAD_FIELD);
    options.queues = &none;
    EXPECT(refusal_of(&options, "queue") == WEFT_ERROR_BAD_FIELD);
    options.queue_count = 0;
    weft_worker *worker = NULL;
    EXPECT(weft_worker_new(&options, &worker, &error) == 0);
    EXPECT(weft_worker_handle(worker, "No Name", never, NULL) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_worker_handle(worker, "a", NULL, NULL) == WEFT_ERROR_BAD_FIELD);
    EXPECT(weft_worker_run(worker, &error) == WEFT_ERROR_BAD_FIELD); // nothing to do
    EXPECT(weft_worker_handle(worker, "a", never, NULL) == 0);
    weft_worker_stop(worker);
    EXPECT(weft_worker_run(worker, &error) == 0);
    EXPECT(strcmp(weft_error_slug(weft_worker_run(worker, &error)), "conflict") == 0);
    EXPECT(strcmp(weft_error_slug(weft_worker_handle(worker, "b", never, NULL)), "conflict") == 0);
    EXPECT(strcmp(weft_error_slug(weft_worker_simulate(worker, "a", never, NULL)), "conflict") ==
           0);
    weft_worker_free(worker);
    weft_worker_free(NULL);
}

// Not under the thread sanitizer, which cannot follow threads that a child begins.
static void with_its_own_client(void)
{
#ifndef __SANITIZE_THREAD__
    struct weft_submission job = job_of("a");
    struct weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.broker = broker;
    EXPECT(weft_client_open(&options, &client, &error) == 0);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    weft_client_close(client);
#endif
}

static void in_the_child(weft_worker *worker)
{
    struct weft_submission job = job_of("a");
    EXPECT(strcmp(weft_error_slug(weft_client_submit(client, &job, 1, 0, &error)), "conflict") ==
           0);
    EXPECT(strstr(error.text, "fork()") != NULL);
    EXPECT(strcmp(weft_error_slug(weft_worker_run(worker, &error)), "conflict") == 0);
    EXPECT(strstr(error.text, "fork()") != NULL);
    weft_worker_free(worker);
    weft_client_close(client); // returns
    with_its_own_client();
}

// What the parent has is not the child's, which has its own; the parent's goes on.
static void a_fork(void)
{
    weft_worker *worker = NULL;
    int status = 0;
    EXPECT(weft_worker_new(NULL, &worker, &error) == 0);
    EXPECT(weft_worker_handle(worker, "a", never, NULL) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        in_the_child(worker);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    weft_worker_free(worker);
    struct weft_submission job = job_of("a");
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
}

static void the_stream_and_acts(void)
{
    struct weft_watch watch = WEFT_WATCH_INIT;
    const struct weft_events *events = NULL;
    struct weft_submission job = job_of("watched");
    EXPECT(weft_client_watch(client, &watch, &events, &error) == 0);
    EXPECT(watch.epoch > 0 && events->count == 0);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    char id[WEFT_ID_SIZE];
    (void)memcpy(id, weft_client_verdict(client, 0)->id, sizeof id);
    watch.type = "watched";
    watch.wait_ms = 20000;
    EXPECT(weft_client_watch(client, &watch, &events, &error) == 0);
    EXPECT(!events->gap && events->count == 1 && strcmp(events->items[0]->job_id, id) == 0);
    EXPECT(events->items[0]->state == WEFT_QUEUED &&
           strcmp(events->items[0]->type, "watched") == 0);
    EXPECT(weft_client_act(client, WEFT_ACT_RUN_NOW, id, "probe", &error) == 0); // it is queued
    EXPECT(weft_client_act(client, WEFT_ACT_CANCEL, id, NULL, &error) == 0);
    const struct weft_status *status = NULL;
    EXPECT(weft_client_wait(client, id, 20000, &status, &error) == 0);
    EXPECT(status->state == WEFT_CANCELLED && weft_state_is_end(status->state));
    EXPECT(weft_client_watch(client, &watch, &events, &error) == 0);
    EXPECT(events->count == 1 && events->items[0]->state == WEFT_CANCELLED);
    EXPECT(strcmp(weft_error_slug(weft_client_act(client, WEFT_ACT_RETRY, id, NULL, &error)),
                  "conflict") == 0);
    EXPECT(weft_client_act(client, WEFT_ACT_DELETE, id, NULL, &error) == 0);
    EXPECT(strcmp(weft_error_slug(weft_client_status(client, id, NULL, &status, &error)), "gone") ==
           0);
}

static void a_wait_in_vain(void)
{
    struct weft_submission job = job_of("nobody");
    const struct weft_status *status = NULL;
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_wait(client, weft_client_verdict(client, 0)->id, 50, &status, &error) ==
           WEFT_ERROR_TIMEOUT);
    EXPECT(status != NULL && status->state == WEFT_QUEUED);
    EXPECT(strcmp(weft_state_name(status->state), "queued") == 0);
}

static void ask_by_line(const struct weft_client_options *options)
{
    struct weft_submission job = job_of("a");
    char line[16];
    job.key = "k-1";
    EXPECT(weft_client_open(options, &client, &error) == 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        int result = weft_client_submit(client, &job, 1, 0, &error);
        (void)printf("%s: %s\n", weft_error_slug(result), result == 0 ? "" : error.text);
        (void)fflush(stdout);
    }
    weft_client_close(client);
}

int main(int argc, char **argv)
{
    struct weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    broker = argc > 1 ? argv[1] : NULL;
    options.broker = broker;
    if (argc == 4) {
        options.curve_key = argv[2];
        options.curve_server = argv[3];
        ask_by_line(&options);
        return 0;
    }
    options.tenant = "No Tenant";
    EXPECT(weft_client_open(&options, &client, &error) == WEFT_ERROR_BAD_FIELD);
    options.tenant = NULL;
    options.broker = "udp://127.0.0.1:7400";
    EXPECT(weft_client_open(&options, &client, &error) == WEFT_ERROR_BAD_FIELD);
    EXPECT(strstr(error.text, "tcp://") != NULL);
    options.broker = broker;
    options.tenant = "acme";
    EXPECT(weft_client_open(&options, &client, &error) == 0);
    weft_client_close(client);
    options.tenant = NULL;
    EXPECT(weft_client_open(&options, &client, &error) == 0);
    if (argc == 3) {
        a_dry_run_of_many();
        weft_client_close(client);
        (void)puts("many");
        return 0;
    }
    one_job();
    a_dry_run();
    the_same_content();
    a_webhook();
    a_batch_webhook();
    wrong_words();
    shorter_structs();
    again_by_id();
    a_batch();
    an_atomic_refusal();
    structs_without_a_size();
    longer_structs();
    values_that_are_none();
    too_much();
    a_worker_that_is_misused();
    a_fork();
    the_stream_and_acts();
    a_wait_in_vain();
    weft_client_close(client);
    weft_client_close(NULL);
    (void)puts("all");
    return 0;
}
