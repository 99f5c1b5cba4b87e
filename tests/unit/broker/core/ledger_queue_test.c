// Entries of queues: what is set, and its place in the digest.

#include "broker/core/ledger.h"

#include "tests/support/test.h"

#include <stdlib.h>

static const struct limits limits = {.job_count_max = 2,
                                     .key_count_max = 2,
                                     .tenant_count_max = 2,
                                     .queue_count_max = 2,
                                     .type_count_max = 2,
                                     .lane_count_max = 2,
                                     .policy_count_max = 2,
                                     .batch_count_max = 2,
                                     .schedule_count_max = 2,
                                     .endpoint_count_max = 4,
                                     .unique_count_max = 2,
                                     .dependency_count_max = 2,
                                     .lease_count_max = 2,
                                     .changed_count_max = 2};

static struct ledger ledger;
static struct effects fx; // entries of queues need no room before the end of the batch

static void *make(void)
{
    void *memory = aligned_alloc(64, ledger_size(&limits));
    EXPECT(memory != NULL);
    memset(memory, 0, ledger_size(&limits));
    struct known known = {0};
    ledger_init(&ledger, memory, &limits, &known, 1);
    return memory;
}

static void set(const char *queue, struct msg_queue_settings settings)
{
    const struct msg_queue_set given = {.queue = slice_of_text(queue), .settings = settings};
    ledger_apply(&ledger, &(struct entry){.kind = ENTRY_QUEUE, .queue = {.set = &given}}, &fx);
}

TEST(ledger_queue, a_queue_may_be_set_before_its_first_job)
{
    void *memory = make();
    set("mail", (struct msg_queue_settings){.weight = 3});
    struct queue_row row;
    EXPECT(queues_collect(&ledger.queues, &row));
    EXPECT(slice_is_text(row.queue, "mail") && slice_is_text(row.tenant, "default"));
    EXPECT_EQ(row.settings.weight, 3);
    EXPECT_EQ(row.accepted, 0);
    EXPECT(!queues_collect(&ledger.queues, &row));
    free(memory);
}

TEST(ledger_queue, the_last_word_holds_whole)
{
    void *memory = make();
    set("mail", (struct msg_queue_settings){.weight = 3, .open_max = 9});
    set("mail", (struct msg_queue_settings){.open_max = 8});
    struct queue_row row;
    EXPECT(queues_collect(&ledger.queues, &row));
    EXPECT_EQ(row.settings.weight, 0);
    EXPECT_EQ(row.settings.open_max, 8);
    EXPECT_EQ(queues_count(&ledger.queues), 1);
    free(memory);
}

static uint64_t digest_of(const char *queue, struct msg_queue_settings settings)
{
    void *memory = make();
    set(queue, settings);
    uint64_t digest = ledger_digest(&ledger);
    free(memory);
    return digest;
}

TEST(ledger_queue, a_pause_touches_nothing_else)
{
    void *memory = make();
    set("mail", (struct msg_queue_settings){.weight = 3});
    uint64_t digest = ledger_digest(&ledger);
    struct entry entry = {.kind = ENTRY_PAUSE,
                          .pause = {.queue = slice_of_text("mail"), .paused = DIRECTION_OUT}};
    ledger_apply(&ledger, &entry, &fx);
    EXPECT(ledger_digest(&ledger) != digest);
    struct queue_row row;
    EXPECT(queues_collect(&ledger.queues, &row));
    EXPECT_EQ(row.paused, DIRECTION_OUT);
    EXPECT_EQ(row.settings.weight, 3);
    entry.pause.queue = slice_of_text("web"); // nobody has named it
    EXPECT_DIES(ledger_apply(&ledger, &entry, &fx));
    free(memory);
}

TEST(ledger_queue, digest_sees_the_queue_and_every_setting)
{
    uint64_t plain = digest_of("mail", (struct msg_queue_settings){0});
    EXPECT(digest_of("web", (struct msg_queue_settings){0}) != plain);
    for (size_t i = 0; i < sizeof(struct msg_queue_settings) / sizeof(uint32_t); i++) {
        struct msg_queue_settings settings = {0};
        memcpy((uint8_t *)&settings + i * sizeof(uint32_t), &(uint32_t){7}, sizeof(uint32_t));
        EXPECT(digest_of("mail", settings) != plain);
    }
}
