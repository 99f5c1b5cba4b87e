#include "broker/shell/batch.h"

#include "tests/support/test.h"

// What ThreadSanitizer keeps of all memory is not given back.
#ifdef __SANITIZE_THREAD__
#define SKIP_WITH_SHADOW_MEMORY() skip()
#else
#define SKIP_WITH_SHADOW_MEMORY() ((void)0)
#endif

static uint64_t anonymous_kib(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    EXPECT(file != NULL);
    char line[256];
    uint64_t sum = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long kib = 0;
        if (sscanf(line, "Anonymous: %lu kB", &kib) == 1)
            sum = kib;
    }
    (void)fclose(file);
    return sum;
}

// As `count` submitted jobs of one batch leave it.
static void swell(struct batch *batch, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct msg_submit_job *job = arena_take(&batch->decoded, sizeof *job);
        EXPECT(job != NULL);
        *job = (struct msg_submit_job){.priority = 1};
        (void)effects_write(&batch->effects, WRITE_JOB);
        (void)effects_write(&batch->effects, WRITE_BODY);
        batch->job_count++;
    }
    batch->command_count = 1;
}

TEST(batch, what_a_burst_has_touched_goes_back)
{
    SKIP_WITH_SHADOW_MEMORY();
    struct limits limits = limits_default();
    struct batch *batch = batch_new(&limits);
    EXPECT(batch != NULL);
    // A sanitizer's notes about touched memory stay; where the kernel has no zero pages they cost memory once.
    swell(batch, 16000);
    batch_reset(batch, 1000);
    batch_trim(batch);
    uint64_t before = anonymous_kib();
    swell(batch, 16000);
    EXPECT(anonymous_kib() >= before + 8 * 1024);
    EXPECT_EQ(batch_trim_at(batch), WHEN_NEVER); // in use
    batch_reset(batch, 5000);
    EXPECT_EQ(batch_trim_at(batch), 5000 + BATCH_REST_MS);
    swell(batch, 16000);
    EXPECT_EQ(batch_trim_at(batch), WHEN_NEVER);
    batch_reset(batch, 5500);
    EXPECT_EQ(batch_trim_at(batch), 5500 + BATCH_REST_MS);
    batch_trim(batch);
    EXPECT(anonymous_kib() <= before + 1024);
    EXPECT_EQ(batch_trim_at(batch), WHEN_NEVER);
    swell(batch, 16000); // and is there again
    batch_reset(batch, 9000);
    batch_free(batch);
}

TEST(batch, small_ones_keep_their_memory)
{
    struct limits limits = limits_default();
    struct batch *batch = batch_new(&limits);
    EXPECT(batch != NULL);
    swell(batch, 256);
    batch_reset(batch, 5000);
    EXPECT_EQ(batch_trim_at(batch), WHEN_NEVER);
    batch_free(batch);
}

enum { TAKEN = 20000 };

static void take_all(struct batch_pool *pool, struct link_message **out_taken)
{
    for (uint32_t i = 0; i < TAKEN; i++) {
        out_taken[i] = batch_pool_take(pool);
        memset(out_taken[i], 0, sizeof *out_taken[i]);
    }
}

static void give_back(struct batch_pool *pool, struct link_message **taken, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        batch_pool_give(pool, taken[i]);
    batch_pool_trim(pool);
}

TEST(batch, messages_go_back_when_none_is_taken)
{
    SKIP_WITH_SHADOW_MEMORY();
    struct batch_pool *pool = batch_pool_new(TAKEN);
    EXPECT(pool != NULL);
    static struct link_message *taken[TAKEN];
    take_all(pool, taken); // as above
    give_back(pool, taken, TAKEN);
    uint64_t before = anonymous_kib();
    take_all(pool, taken);
    EXPECT(anonymous_kib() >= before + 4 * 1024);
    give_back(pool, taken, TAKEN - 1);
    EXPECT(anonymous_kib() >= before + 4 * 1024);
    give_back(pool, &taken[TAKEN - 1], 1);
    EXPECT(anonymous_kib() <= before + 1024);
    EXPECT(batch_pool_take(pool) == taken[0]);
    batch_pool_give(pool, taken[0]);
    batch_pool_free(pool);
}

TEST(batch, takes_so_many_messages_and_bytes)
{
    struct limits limits = limits_default();
    struct batch *batch = batch_new(&limits);
    EXPECT(batch != NULL);
    batch->message_count = BATCH_MESSAGES_MAX - 1;
    EXPECT(batch_has_room(batch));
    batch->message_count++;
    EXPECT(!batch_has_room(batch));
    batch->message_count = 0;
    batch->bytes = BATCH_BYTES_MAX - 1;
    EXPECT(batch_has_room(batch)); // one message may pass it
    batch->bytes++;
    EXPECT(!batch_has_room(batch));
    batch->bytes = 0;
    batch->effects.send_count = limits.send_count_max - 1;
    EXPECT(batch_has_room(batch));
    batch->effects.send_count = limits.send_count_max;
    EXPECT(!batch_has_room(batch));
    batch_free(batch);
}
