// Many clients and a few workers in one process, each in a thread of its own:
//     sdk_crowd_probe BROKER CLIENTS
// Each client lives for one job, as in a program that opens one for each request. When all is over the process has
// the threads and descriptors that it began with; what memory it has lost a sanitizer tells.
// links: weft_worker_sdk

#include "worker/sdk/weft/client.h"
#include "worker/sdk/weft/worker.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 8, WORKERS = 3 };

#define EXPECT(fact)                                                                               \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                       \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *broker;
static unsigned long clients;

// Entries of a folder of /proc.
static unsigned count_in(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    EXPECT(dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

// A thread that was joined may be listed for another moment.
static void expect_no_more_than(const char *path, unsigned count)
{
    for (int i = 0; i < 10000 && count_in(path) > count; i++)
        (void)usleep(1000);
    EXPECT(count_in(path) <= count);
}

static int done(weft_job *job, void *ctx)
{
    (void)ctx;
    return weft_job_result(job, weft_job_payload(job));
}

static void *work(void *ctx)
{
    weft_worker *worker = ctx;
    struct weft_error error;
    EXPECT(weft_worker_run(worker, &error) == 0);
    return NULL;
}

static weft_client *open_client(void)
{
    struct weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    struct weft_error error;
    weft_client *client = NULL;
    options.broker = broker;
    EXPECT(weft_client_open(&options, &client, &error) == 0);
    return client;
}

static void key_of(unsigned long number, char out_key[32])
{
    (void)snprintf(out_key, 32, "crowd-%lu", number);
}

static void submit_one(unsigned long number)
{
    struct weft_submission job = WEFT_SUBMISSION_INIT;
    struct weft_error error;
    char key[32];
    weft_client *client = open_client();
    key_of(number, key);
    job.type = "crowd";
    job.key = key;
    job.payload = weft_text(key);
    EXPECT(weft_client_submit(client, &job, 1, 0, &error) == 0);
    EXPECT(weft_client_verdict(client, 0)->error == 0);
    weft_client_close(client);
}

static void *submit_some(void *ctx)
{
    const unsigned long *first = ctx;
    for (unsigned long i = *first; i < clients; i += THREADS)
        submit_one(i);
    return NULL;
}

static void await_all(void)
{
    const struct weft_status *status = NULL;
    struct weft_error error;
    char key[32];
    char id[WEFT_ID_SIZE];
    weft_client *client = open_client();
    for (unsigned long i = 0; i < clients; i++) {
        key_of(i, key);
        EXPECT(weft_id_of_key(NULL, NULL, key, id) == 0);
        EXPECT(weft_client_wait(client, id, 60000, &status, &error) == 0);
        EXPECT(status->state == WEFT_SUCCEEDED && status->result.len == strlen(key) &&
               memcmp(status->result.data, key, strlen(key)) == 0);
    }
    weft_client_close(client);
}

static void *nothing(void *ctx)
{
    return ctx;
}

// With the first one a sanitizer begins one of its own, which stays.
static void begin_a_thread(void)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, nothing, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void live(void)
{
    pthread_t threads[THREADS];
    pthread_t runs[WORKERS];
    unsigned long firsts[THREADS];
    weft_worker *workers[WORKERS];
    struct weft_worker_options options = WEFT_WORKER_OPTIONS_INIT;
    struct weft_error error;
    options.broker = broker;
    options.concurrency = 2;
    for (size_t i = 0; i < WORKERS; i++) {
        EXPECT(weft_worker_new(&options, &workers[i], &error) == 0);
        EXPECT(weft_worker_handle(workers[i], "crowd", done, NULL) == 0);
        EXPECT(pthread_create(&runs[i], NULL, work, workers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        firsts[i] = i;
        EXPECT(pthread_create(&threads[i], NULL, submit_some, &firsts[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    await_all();
    for (size_t i = 0; i < WORKERS; i++) {
        weft_worker_stop(workers[i]);
        EXPECT(pthread_join(runs[i], NULL) == 0);
        weft_worker_free(workers[i]);
    }
}

int main(int argc, char **argv)
{
    broker = argc > 1 ? argv[1] : NULL;
    clients = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    begin_a_thread();
    unsigned threads = count_in("/proc/self/task");
    unsigned descriptors = count_in("/proc/self/fd");
    live();
    expect_no_more_than("/proc/self/task", threads);
    expect_no_more_than("/proc/self/fd", descriptors);
    (void)puts("all");
    return 0;
}
