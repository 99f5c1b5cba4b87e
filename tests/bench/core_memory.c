// What one unfinished job costs in the core: private memory of this process before and after jobs
// are accepted, with a store that knows nothing.
//   core_memory [jobs]
// Fails when a plain job costs more than docs/limits.md says.

#include "broker/core/core.h"
#include "lib/base/prng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BATCH = 1024, PLAIN_BYTES_MAX = 100 };

static struct msg_submit_job jobs[BATCH];
static uint8_t payload[64];

static bool by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    (void)ctx;
    (void)id;
    (void)out_row;
    return false;
}

static bool by_no(void *ctx, uint64_t no, struct job_row *out_row)
{
    (void)ctx;
    (void)no;
    (void)out_row;
    return false;
}

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

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    memset(memory, 0, count * size); // touched before the first measurement
    return memory;
}

static struct effects make_effects(struct arena *arena)
{
    uint32_t cap = 2 * BATCH;
    *arena = (struct arena){.cap = effects_arena_size(cap)};
    arena->data = room(1, arena->cap);
    return (struct effects){.writes = room(effects_write_cap(cap), sizeof(struct write)),
                            .write_cap = effects_write_cap(cap),
                            .sends = room(16, sizeof(struct send)),
                            .send_cap = 16,
                            .grants = room(16, sizeof(struct grant_send)),
                            .grant_cap = 16,
                            .changed = room(cap, sizeof(uint32_t)),
                            .changed_cap = cap,
                            .bodies = room(cap, sizeof(uint32_t)),
                            .arena = arena};
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

static void step(struct core *core, const struct msg *msg, struct now now, struct effects *fx)
{
    core_step(core, now, &(struct command){.kind = COMMAND_MESSAGE, .peer = 1, .msg = msg}, fx);
    core_settled(core, core_close(core, now, fx));
    effects_reset(fx);
}

// Bytes per job of this kind, in a core with room for `count` and no more.
static double measure(enum kind kind, uint32_t count)
{
    struct limits limits = limits_default();
    limits.job_count_max = count;
    struct known known = {.by_id = by_id, .by_no = by_no};
    void *memory = mmap(NULL, core_size(&limits), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    // Small pages, so that only what a job needs is counted.
    (void)madvise(memory, core_size(&limits), MADV_NOHUGEPAGE);
    struct arena arena;
    struct effects fx = make_effects(&arena);
    struct core *core = core_init(memory, &limits, &known, 1);
    struct now now = {.mono = 1000, .store = 1700000000000};
    core_start(core, now, &fx);
    step(core, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_CLIENT}}, now, &fx);
    struct prng prng = prng_of(7);
    uint64_t before = private_bytes();
    for (uint32_t done = 0; done + BATCH <= count; done += BATCH) {
        fill_batch(&prng, kind, now.store);
        step(core, &(struct msg){.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = BATCH}}, now,
             &fx);
    }
    uint64_t after = private_bytes();
    struct core_figures figures;
    core_figures(core, &figures);
    CHECK(figures.job_count == count / BATCH * BATCH && figures.refused == 0);
    (void)munmap(memory, core_size(&limits));
    free(arena.data);
    free(fx.writes);
    free(fx.sends);
    free(fx.grants);
    free(fx.changed);
    free(fx.bodies);
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
