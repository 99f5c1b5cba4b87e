// A receiver of webhooks that answers at once, and what it has seen of their haste.
//   hook_sink
// Prints its address; then for each line "N" on its input it waits until N more requests have come and
// prints how long that took and how old the events were. Ends with its input.

#include "lib/http/http.h"
#include "lib/sys/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AGES_MAX = 1 << 20 };

// Under the lock.
struct sink {
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint32_t count;            // requests since the last line
    int64_t first_us, last_us; // mono
    int32_t ages_ms[AGES_MAX]; // from the event to the request
};

// "timestamp":"2026-12-01T08:00:01.000Z" of the body; -1: none.
static int64_t event_ms(struct slice body)
{
    static const char head[] = "\"timestamp\":\"";
    char text[32];
    struct tm tm = {0};
    unsigned ms = 0;
    for (size_t at = 0; at + sizeof head + 24 <= body.len; at++) {
        if (memcmp(body.data + at, head, sizeof head - 1) != 0)
            continue;
        (void)slice_to_text(slice_of(body.data + at + sizeof head - 1, 24), text, sizeof text);
        if (sscanf(text, "%d-%d-%dT%d:%d:%d.%uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                   &tm.tm_min, &tm.tm_sec, &ms) != 7)
            return -1;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        return (int64_t)timegm(&tm) * 1000 + ms;
    }
    return -1;
}

static void take(void *ctx, struct http_request *request)
{
    struct sink *sink = ctx;
    int64_t age = clock_wall_ms() - event_ms(request->body);
    pthread_mutex_lock(&sink->lock);
    if (sink->count < AGES_MAX)
        sink->ages_ms[sink->count] = (int32_t)age;
    sink->last_us = clock_mono_us();
    if (sink->count++ == 0)
        sink->first_us = sink->last_us;
    pthread_cond_signal(&sink->more);
    pthread_mutex_unlock(&sink->lock);
    http_answer(request, &(struct http_answer){.status = 204});
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void tell(struct sink *sink, uint32_t wanted)
{
    pthread_mutex_lock(&sink->lock);
    while (sink->count < wanted)
        pthread_cond_wait(&sink->more, &sink->lock);
    uint32_t count = sink->count < AGES_MAX ? sink->count : AGES_MAX;
    qsort(sink->ages_ms, count, sizeof *sink->ages_ms, compare);
    (void)printf("{\"requests\":%u,\"seconds\":%.6f,\"p50_ms\":%d,\"p99_ms\":%d}\n", sink->count,
                 (double)(sink->last_us - sink->first_us) / 1e6, sink->ages_ms[count / 2],
                 sink->ages_ms[(uint64_t)count * 99 / 100]);
    sink->count = 0;
    pthread_mutex_unlock(&sink->lock);
    (void)fflush(stdout);
}

int main(void)
{
    static struct sink sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    static const struct http_route route = {
        .method = "POST", .path = "/hook", .body_len_max = 64 * 1024};
    const struct http_options options = {.endpoint = "127.0.0.1:0",
                                         .routes = &route,
                                         .route_count = 1,
                                         .handler = take,
                                         .ctx = &sink,
                                         .limits = {.waiting_count_max = 4096}};
    struct http *http = NULL;
    char line[32];
    if (http_open(&options, &http) != OK)
        return 1;
    (void)printf("http=http://%s\n", http_endpoint(http));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint32_t wanted = (uint32_t)strtoul(line, NULL, 10);
        if (wanted == 0)
            break;
        tell(&sink, wanted);
    }
    http_close(http);
    return 0;
}
