// load for Redis streams: the same jobs, connections, batches and jobs in flight, with
// XADD, XREADGROUP and XACK. Run against a server with appendfsync always.
//
//   load_redis submit|paced|work --port P …   (options as load)
//
// A batch is a pipeline of as many commands. work reads up to `window` entries at once and
// acknowledges each with its own XACK, pipelined. Single-threaded.
//
// links: weft_test_support

#include "lib/sys/clock.h"
#include "tests/support/samples.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 64, BYTES_MAX = 4096 };

struct load {
    const char *mode;
    uint64_t port, jobs, connections, batch, window, bytes, rate;
    redisContext *links[CONNECTIONS_MAX];
    uint64_t out[CONNECTIONS_MAX];
    uint64_t sent, done;
    int64_t first_us, last_us;
    struct samples samples;
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "load_redis: %s\n", what);
    exit(1);
}

static void set_option(struct load *load, const char *key, const char *value)
{
    struct {
        const char *key;
        uint64_t *place;
    } const numbers[] = {{"--port", &load->port},   {"--connections", &load->connections},
                         {"--jobs", &load->jobs},   {"--batch", &load->batch},
                         {"--bytes", &load->bytes}, {"--window", &load->window},
                         {"--rate", &load->rate}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(key, numbers[i].key) == 0) {
            *numbers[i].place = strtoull(value, NULL, 10);
            return;
        }
    stop("unknown option");
}

static void flush(redisContext *link)
{
    int done = 0;
    while (!done)
        if (redisBufferWrite(link, &done) != REDIS_OK)
            stop("cannot write");
}

static void add(struct load *load, uint64_t link, uint64_t count, int64_t meant_us)
{
    static uint8_t payload[BYTES_MAX];
    memcpy(payload, &meant_us, sizeof meant_us);
    for (uint64_t i = 0; i < count; i++)
        redisAppendCommand(load->links[link], "XADD jobs * p %b", payload, (size_t)load->bytes);
    load->out[link] += count;
    load->sent += count;
    flush(load->links[link]);
}

// Waits up to `timeout` ms; reads what has come. Returns how many replies were whole.
static uint64_t listen(struct load *load, int timeout)
{
    struct pollfd polls[CONNECTIONS_MAX];
    uint64_t count = 0;
    for (uint64_t i = 0; i < load->connections; i++)
        polls[i] = (struct pollfd){.fd = load->links[i]->fd, .events = POLLIN};
    (void)poll(polls, load->connections, timeout);
    for (uint64_t i = 0; i < load->connections; i++) {
        if ((polls[i].revents & POLLIN) == 0)
            continue;
        if (redisBufferRead(load->links[i]) != REDIS_OK)
            stop("cannot read");
        void *reply = NULL;
        while (redisGetReplyFromReader(load->links[i], &reply) == REDIS_OK && reply != NULL) {
            if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
                stop(((redisReply *)reply)->str);
            freeReplyObject(reply);
            load->out[i]--;
            count++;
        }
    }
    load->done += count;
    return count;
}

static void run_submit(struct load *load)
{
    uint64_t window = load->window / load->connections;
    load->first_us = clock_mono_us();
    while (load->done < load->jobs) {
        for (uint64_t i = 0; i < load->connections; i++)
            while (load->sent < load->jobs && load->out[i] + load->batch <= window) {
                uint64_t left = load->jobs - load->sent;
                add(load, i, left < load->batch ? left : load->batch, clock_mono_us());
            }
        (void)listen(load, 10000);
    }
    load->last_us = clock_mono_us();
}

static void run_paced(struct load *load)
{
    load->first_us = clock_mono_us();
    while (load->sent < load->jobs) {
        int64_t meant = load->first_us + (int64_t)(load->sent * 1000000 / load->rate);
        int64_t now = clock_mono_us();
        if (now >= meant)
            add(load, load->sent % load->connections, 1, meant);
        else
            (void)listen(load, meant - now > 1000 ? (int)((meant - now) / 1000) : 0);
    }
    while (load->done < load->jobs)
        (void)listen(load, 10000);
    load->last_us = clock_mono_us();
}

static void read_and_ack(struct load *load, uint64_t link)
{
    redisReply *reply = redisCommand(load->links[link],
                                     "XREADGROUP GROUP g c%d COUNT %d BLOCK 10000 STREAMS jobs >",
                                     (int)link, (int)load->window);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
        stop("XREADGROUP failed");
    int64_t now = clock_mono_us();
    if (load->first_us == 0)
        load->first_us = now;
    uint64_t count = 0;
    if (reply->type == REDIS_REPLY_ARRAY) {
        const redisReply *entries = reply->element[0]->element[1];
        for (; count < entries->elements; count++) {
            const redisReply *entry = entries->element[count];
            int64_t meant;
            memcpy(&meant, entry->element[1]->element[1]->str, sizeof meant);
            samples_add(&load->samples, now - meant);
            redisAppendCommand(load->links[link], "XACK jobs g %s", entry->element[0]->str);
        }
    }
    freeReplyObject(reply);
    for (uint64_t i = 0; i < count; i++) {
        void *answer = NULL;
        if (redisGetReply(load->links[link], &answer) != REDIS_OK)
            stop("XACK failed");
        freeReplyObject(answer);
    }
    load->done += count;
}

static void run_work(struct load *load)
{
    printf("ready\n");
    (void)fflush(stdout);
    while (load->done < load->jobs)
        read_and_ack(load, 0);
    load->last_us = clock_mono_us();
}

int main(int argc, char **argv)
{
    static struct load load = {
        .jobs = 100000, .connections = 4, .batch = 64, .window = 1024, .bytes = 256, .rate = 2000};
    if (argc < 2)
        stop("usage: load_redis submit|paced|work --port P …");
    load.mode = argv[1];
    for (int i = 2; i + 1 < argc; i += 2)
        set_option(&load, argv[i], argv[i + 1]);
    samples_init(&load.samples);
    if (load.connections > CONNECTIONS_MAX || load.connections < 1 || load.bytes > BYTES_MAX ||
        load.bytes < 8)
        stop("an option is out of range");
    for (uint64_t i = 0; i < load.connections; i++) {
        load.links[i] = redisConnect("127.0.0.1", (int)load.port);
        if (load.links[i] == NULL || load.links[i]->err != 0)
            stop("cannot connect");
    }
    redisReply *made = redisCommand(load.links[0], "XGROUP CREATE jobs g 0 MKSTREAM");
    freeReplyObject(made);
    if (strcmp(load.mode, "work") == 0)
        run_work(&load);
    else if (strcmp(load.mode, "paced") == 0)
        run_paced(&load);
    else
        run_submit(&load);
    samples_report(&load.samples, &(struct samples_run){.mode = load.mode,
                                                        .jobs = load.done,
                                                        .first_us = load.first_us,
                                                        .last_us = load.last_us});
    for (uint64_t i = 0; i < load.connections; i++)
        redisFree(load.links[i]);
    samples_deinit(&load.samples);
    return 0;
}
