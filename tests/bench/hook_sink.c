// A receiver of webhooks that is as fast as it can be: answers 200 to every POST and notes how long after its
// event each arrived. Prints "ready ADDRESS", and on SIGTERM one JSON object.
//
//   hook_sink [ADDRESS]
//
// links: weft_http

#include "lib/base/moment.h"
#include "lib/http/http.h"
#include "lib/sys/clock.h"
#include "lib/sys/signal.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { DELAYS_MAX = 1 << 20, BODY_LEN_MAX = 8 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t *delays; // ms
static uint32_t count;
static int64_t first_us;
static int64_t last_us;

static when_ms event_at(struct slice body)
{
    static const char mark[] = "\"timestamp\":\"";
    when_ms at = 0;
    for (size_t i = 0; i + sizeof mark + MOMENT_TEXT_LEN < body.len && i < 200; i++) {
        if (memcmp(body.data + i, mark, sizeof mark - 1) == 0 &&
            moment_parse(slice_of(body.data + i + sizeof mark - 1, MOMENT_TEXT_LEN), &at) == OK)
            return at;
    }
    return 0;
}

static void on_request(void *ctx, struct http_request *request)
{
    (void)ctx;
    int64_t now_us = clock_mono_us();
    when_ms delay = clock_wall_ms() - event_at(request->body);
    (void)pthread_mutex_lock(&lock);
    first_us = count == 0 ? now_us : first_us;
    last_us = now_us;
    if (count < DELAYS_MAX)
        delays[count] = delay;
    count++;
    (void)pthread_mutex_unlock(&lock);
    const struct http_answer answer = {.status = 200};
    http_answer(request, &answer);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const struct http_route routes[] = {
        {.method = "POST", .path = "/", .body_len_max = BODY_LEN_MAX}};
    const struct http_options options = {.endpoint = argc > 1 ? argv[1] : "127.0.0.1:0",
                                         .routes = routes,
                                         .route_count = 1,
                                         .handler = on_request};
    struct http *http = NULL;
    struct pollfd item = {.events = POLLIN};
    delays = calloc(DELAYS_MAX, sizeof *delays);
    if (delays == NULL || signal_open(&item.fd) != OK || http_open(&options, &http) != OK)
        return 1;
    (void)printf("ready %s\n", http_endpoint(http));
    (void)fflush(stdout);
    (void)poll(&item, 1, -1);
    http_close(http);
    uint32_t kept = count < DELAYS_MAX ? count : DELAYS_MAX;
    qsort(delays, kept, sizeof *delays, compare);
    (void)printf("{\"count\": %" PRIu32 ", \"seconds\": %.6f, \"p50_ms\": %" PRId64
                 ", \"p99_ms\": %" PRId64 "}\n",
                 count, (double)(last_us - first_us) / 1e6, kept > 0 ? delays[kept / 2] : 0,
                 kept > 0 ? delays[kept - 1 - kept / 100] : 0);
    free(delays);
    return 0;
}
