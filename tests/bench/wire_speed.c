// What the codec costs: nanoseconds of processor time per job of a SUBMIT with payloads of 300
// bytes, by batch.
//   wire_speed [rounds]

#include "proto/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH_MAX = 1024, PAYLOAD_LEN = 300 };

static struct msg_submit_job jobs[BATCH_MAX];
static uint8_t payload[PAYLOAD_LEN];
static char keys[BATCH_MAX][24];

static void fill_jobs(void)
{
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "order-%08u", i);
        jobs[i] = (struct msg_submit_job){
            .job_id = id_v7(1800000000000, 7, i),
            .key = slice_of_text(keys[i]),
            .queue = slice_of_text("default"),
            .type = slice_of_text("resize"),
            .priority = MSG_PRIORITY_NOT_GIVEN,
            .payload = {CONTENT_JSON, slice_of(payload, sizeof payload)},
        };
    }
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void measure(uint32_t batch, unsigned rounds, struct arena *arena)
{
    struct msg msg = {.kind = MSG_SUBMIT, .corr = 1, .submit = {jobs, batch}};
    struct wire_frames frames = {0};
    struct msg back;
    int64_t start = cpu_ns();
    for (unsigned i = 0; i < rounds; i++) {
        arena_reset(arena);
        if (wire_encode(&msg, arena, &frames) != OK)
            abort();
    }
    int64_t middle = cpu_ns();
    size_t used = arena->used;
    for (unsigned i = 0; i < rounds; i++) {
        arena->used = used;
        if (wire_decode(frames.envelope, frames.block, arena, &back) != OK)
            abort();
    }
    int64_t end = cpu_ns();
    double count = (double)rounds * batch;
    printf("batch %4" PRIu32
           "  encode %6.1f ns/job  decode %6.1f ns/job  %zu bytes/job  arena %zu/job\n",
           batch, (double)(middle - start) / count, (double)(end - middle) / count,
           (frames.envelope.len + frames.block.len) / batch, (arena->used - used) / batch);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
    size_t cap = 2 * wire_arena_size(1 << 20);
    struct arena arena = {.data = malloc(cap), .cap = cap};
    if (arena.data == NULL)
        return 1;
    fill_jobs();
    static const uint32_t batches[] = {1, 16, 64, 256, 1024};
    for (unsigned i = 0; i < sizeof batches / sizeof *batches; i++)
        measure(batches[i], rounds / batches[i] * 16 + 16, &arena);
    free(arena.data);
    return 0;
}
