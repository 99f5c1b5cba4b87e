// The least a durable 202 can cost: the same library, the same request and answer, but the answer
// comes from memory. As in a gateway another thread gives it, all that wait at once.
//   http_floor
// Prints the address and serves POST /v1/jobs until its input ends.

#include "lib/http/http.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { WAITING_MAX = 4096 };

// Under the lock: requests that wait for their answer.
struct floor {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct http_request *waiting[WAITING_MAX];
    uint32_t count;
    bool is_over;
};

static void take(void *ctx, struct http_request *request)
{
    struct floor *floor = ctx;
    pthread_mutex_lock(&floor->lock);
    floor->waiting[floor->count++] = request; // the server lets no more than WAITING_MAX wait
    pthread_cond_signal(&floor->more);
    pthread_mutex_unlock(&floor->lock);
}

static void answer(struct http_request *request)
{
    static const struct http_header headers[] = {
        {"Location", "/v1/jobs/019acaf2-0000-7000-8000-000000000000"}, {"Retry-After", "1"}};
    static const char body[] =
        "{\"job_id\":\"019acaf2-0000-7000-8000-000000000000\",\"status\":\"queued\",\"type\":"
        "\"bench\","
        "\"queue\":\"default\",\"status_url\":\"/v1/jobs/019acaf2-0000-7000-8000-000000000000\","
        "\"events_url\":\"/v1/jobs/019acaf2-0000-7000-8000-000000000000/events\",\"cancel_url\":"
        "\"/v1/jobs/019acaf2-0000-7000-8000-000000000000:cancel\",\"durability\":\"flushed\","
        "\"created_at\":\"2026-11-26T00:00:00.000Z\",\"dedup_until\":\"2026-11-27T00:00:00.000Z\"}"
        "\n";
    http_answer(request, &(struct http_answer){.status = 202,
                                               .content_type = "application/json",
                                               .body = slice_of_text(body),
                                               .headers = headers,
                                               .header_count = 2});
}

static void *answer_all(void *ctx)
{
    struct floor *floor = ctx;
    pthread_mutex_lock(&floor->lock);
    while (!floor->is_over) {
        static struct http_request *taken[WAITING_MAX];
        uint32_t count = floor->count;
        for (uint32_t i = 0; i < count; i++)
            taken[i] = floor->waiting[i];
        floor->count = 0;
        if (count == 0)
            pthread_cond_wait(&floor->more, &floor->lock);
        pthread_mutex_unlock(&floor->lock);
        for (uint32_t i = 0; i < count; i++)
            answer(taken[i]);
        pthread_mutex_lock(&floor->lock);
    }
    pthread_mutex_unlock(&floor->lock);
    return NULL;
}

int main(void)
{
    static struct floor floor = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .more = PTHREAD_COND_INITIALIZER};
    static const struct http_route route = {
        .method = "POST", .path = "/v1/jobs", .body_len_max = 64 * 1024};
    const struct http_options options = {.endpoint = "127.0.0.1:0",
                                         .routes = &route,
                                         .route_count = 1,
                                         .handler = take,
                                         .ctx = &floor,
                                         .limits = {.waiting_count_max = WAITING_MAX}};
    struct http *http = NULL;
    pthread_t thread;
    if (http_open(&options, &http) != OK || pthread_create(&thread, NULL, answer_all, &floor) != 0)
        return 1;
    (void)printf("http=http://%s\n", http_endpoint(http));
    (void)fflush(stdout);
    char end;
    while (read(STDIN_FILENO, &end, 1) > 0)
        ;
    http_close(http);
    pthread_mutex_lock(&floor.lock);
    floor.is_over = true;
    pthread_cond_signal(&floor.more);
    pthread_mutex_unlock(&floor.lock);
    pthread_join(thread, NULL);
    return 0;
}
