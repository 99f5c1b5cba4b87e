// What one unfinished job costs in the core: private memory of this process before and after jobs
// are accepted, with a store that knows nothing.
//   core_memory [jobs]
// Fails when a plain job costs more than docs/limits.md says.

#include "lib/base/prng.h"
#include "tests/support/bare_core.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH = BARE_BATCH, PLAIN_BYTES_MAX = 100 };

static struct msg_submit_job jobs[BATCH];
static uint8_t payload[64];

static uint64_t private_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    uint64_t sum = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        uint64_t kib = 0;
        if (sscanf(line, "Private_%*[a-zA-Z]: %" SCNu64 " kB", &kib) == 1)
            sum += kib * 1024;
    }
    if (file != NULL)
        (void)fclose(file);
    return sum;
}

enum kind { PLAIN, KEYED, DELAYED };

static void fill_batch(struct prng *prng, enum kind kind, when_ms now)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        uint64_t random[2] = {prng_next(prng), prng_next(prng)};
        uint8_t hash[16];
        memcpy(hash, random, sizeof hash);
        jobs[i] = (struct msg_submit_job){
            .job_id = kind == KEYED ? id_v8(1, hash) : id_v7(now, 1, random[0]),
            .queue = slice_of_text("default"),
            .type = slice_of_text("resize"),
            .payload = {.bytes = slice_of(payload, sizeof payload)},
            .priority = MSG_PRIORITY_NOT_GIVEN,
            .delay_ms = kind == DELAYED ? 1000 + random[0] % 100000 : 0,
            .fingerprint = random[1]};
    }
}

static void step(struct bare_core *bare, const struct msg *msg)
{
    bare_say(bare, 1, msg);
    bare_close(bare);
    effects_reset(&bare->fx);
}

// Bytes per job of this kind, in a core with room for `count` and no more.
static double measure(enum kind kind, uint32_t count)
{
    struct limits limits = limits_default();
    limits.job_count_max = count;
    struct bare_core bare;
    bare_open(&bare, &limits);
    struct prng prng = prng_of(7);
    uint64_t before = private_bytes();
    for (uint32_t done = 0; done + BATCH <= count; done += BATCH) {
        fill_batch(&prng, kind, bare.now.store);
        step(&bare, &(struct msg){.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = BATCH}});
    }
    uint64_t after = private_bytes();
    struct core_figures figures;
    core_figures(bare.core, &figures);
    CHECK(figures.job_count == count / BATCH * BATCH && figures.refused == 0);
    bare_end(&bare);
    return (double)(after - before) / figures.job_count;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    double plain = measure(PLAIN, count);
    printf("private memory of the core per unfinished job, %" PRIu32 " jobs\n", count);
    printf("  plain    %6.1f B (at most %d)\n", plain, PLAIN_BYTES_MAX);
    printf("  with key %6.1f B\n", measure(KEYED, count));
    printf("  delayed  %6.1f B\n", measure(DELAYED, count));
    return plain <= PLAIN_BYTES_MAX ? 0 : 1;
}
