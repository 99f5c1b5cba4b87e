// The heartbeat.

#include "worker/core/renewal.h"

#include "tests/support/test.h"

static struct slots slots;
static struct slot slot_items[2];
static struct outbox outbox;
static struct outbox_entry outbox_items[4];
static struct renewal_room room;
static struct renewal renewal;

static void begin(void)
{
    memset(slot_items, 0, sizeof slot_items);
    memset(outbox_items, 0, sizeof outbox_items);
    slots_init(&slots, slot_items, 2, 10);
    outbox_init(&outbox, outbox_items, 4);
    renewal = (struct renewal){0};
}

static void grant(uint32_t slot, uint64_t token)
{
    struct msg_job job = {.token = token, .timeout_ms = 1000};
    job.job_id.bytes[0] = (uint8_t)token;
    slots_grant(&slots, slot, &job);
    slots_begin(&slots, slot, 0);
}

static void note(uint32_t slot, uint64_t done)
{
    struct msg_progress progress = {.done = done, .total = 10, .text = slice_of_text("row")};
    slots_progress(&slots, slot, &progress);
}

TEST(renewal, is_due_every_renew_ms_also_without_jobs)
{
    begin();
    EXPECT(renewal_next(&renewal, &slots) == WHEN_NEVER);
    renewal_start(&renewal, 100, 5000);
    EXPECT_EQ(renewal_next(&renewal, &slots), 5100);
    struct msg_renew renew = renewal_fill(&renewal, 5100, &slots, &outbox, &room);
    EXPECT_EQ(renew.running.count, 0);
    EXPECT_EQ(renewal_next(&renewal, &slots), 10100);
}

TEST(renewal, in_a_hurry_it_is_due_at_once)
{
    begin();
    renewal_hurry(&renewal);
    EXPECT(renewal_next(&renewal, &slots) == WHEN_NEVER); // nobody has said WELCOME
    renewal_start(&renewal, 100, 5000);
    renewal_hurry(&renewal);
    EXPECT_EQ(renewal_next(&renewal, &slots), 100);
}

TEST(renewal, names_running_jobs_and_outcomes_on_their_way)
{
    begin();
    renewal_start(&renewal, 0, 5000);
    grant(0, 1);
    struct outcome_report report = {.token = 2, .outcome = OUTCOME_SUCCEEDED};
    uint32_t entry = outbox_add_recovered(&outbox, &report, NULL);
    struct msg_renew renew = renewal_fill(&renewal, 0, &slots, &outbox, &room);
    EXPECT_EQ(renew.running.count, 2);
    EXPECT_EQ(renew.running.items[0].token, 1);
    EXPECT_EQ(renew.running.items[1].token, 2);
    // A settled one is the broker's already.
    struct msg_finish_job jobs[1];
    (void)outbox_pick(&outbox, 1, jobs, 1, 1000);
    struct msg_finished_job verdict = {.token = 2};
    EXPECT_EQ(outbox_answer(&outbox, &verdict), entry);
    EXPECT_EQ(renewal_held(&slots, &outbox, &room).count, 1);
}

TEST(renewal, a_lost_lease_is_not_named_again)
{
    begin();
    grant(0, 1);
    (void)slots_stop(&slots, 0, 0, SLOT_STOP_DRAIN);
    EXPECT_EQ(renewal_held(&slots, &outbox, &room).count, 1);
    (void)slots_stop(&slots, 0, 0, SLOT_STOP_LOST);
    EXPECT_EQ(renewal_held(&slots, &outbox, &room).count, 0);
}

TEST(renewal, progress_brings_it_forward_but_not_too_much)
{
    begin();
    renewal_start(&renewal, 0, 5000);
    grant(1, 7);
    note(1, 3);
    EXPECT_EQ(renewal_next(&renewal, &slots), RENEWAL_GAP_MS);
    struct msg_renew renew = renewal_fill(&renewal, 1000, &slots, &outbox, &room);
    EXPECT_EQ(renew.progress_count, 1);
    EXPECT_EQ(renew.progress[0].token, 7);
    EXPECT_EQ(renew.progress[0].done, 3);
    EXPECT(slice_is_text(renew.progress[0].text, "row"));
    EXPECT_EQ(renewal_next(&renewal, &slots), 6000);
}

TEST(renewal, progress_is_said_until_an_answer_came)
{
    begin();
    renewal_start(&renewal, 0, 5000);
    grant(0, 7);
    note(0, 1);
    EXPECT_EQ(renewal_fill(&renewal, 0, &slots, &outbox, &room).progress_count, 1);
    EXPECT_EQ(renewal_fill(&renewal, 1, &slots, &outbox, &room).progress_count, 1);
    note(0, 2);
    renewal_answered(&renewal, &slots); // of the one before
    EXPECT_EQ(renewal_fill(&renewal, 2, &slots, &outbox, &room).progress_count, 1);
    renewal_answered(&renewal, &slots);
    EXPECT_EQ(renewal_fill(&renewal, 3, &slots, &outbox, &room).progress_count, 0);
}

TEST(renewal, everything_that_may_be_held_fits)
{
    static struct slot many_slots[SLOTS_MAX];
    static struct outbox_entry many_entries[OUTBOX_COUNT_MAX];
    slots_init(&slots, many_slots, SLOTS_MAX, 10);
    outbox_init(&outbox, many_entries, OUTBOX_COUNT_MAX);
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        grant(i, i + 1);
    struct outcome_report report = {.outcome = OUTCOME_FAILED};
    for (uint32_t i = 0; i < OUTBOX_COUNT_MAX; i++) {
        // Written by hand: adding searches a place and would take long.
        many_entries[i] = (struct outbox_entry){.state = OUTBOX_DURABLE, .report = report};
    }
    outbox.touched = outbox.count = OUTBOX_COUNT_MAX;
    EXPECT_EQ(renewal_held(&slots, &outbox, &room).count, RENEWAL_HELD_MAX);
}

TEST(renewal, the_broker_hears_how_much_time_was_asked_for)
{
    begin();
    renewal_start(&renewal, 0, 5000);
    grant(0, 1);
    slots_extend(&slots, 0, 500, 1500); // its deadline was 1000
    EXPECT_EQ(renewal_next(&renewal, &slots), RENEWAL_GAP_MS);
    struct msg_renew renew = renewal_fill(&renewal, 1000, &slots, &outbox, &room);
    EXPECT_EQ(renew.progress_count, 1);
    EXPECT_EQ(renew.progress[0].extend_ms, 1000);
    renewal_answered(&renewal, &slots);
    slots_extend(&slots, 0, 1500, 1000);
    renew = renewal_fill(&renewal, 2000, &slots, &outbox, &room);
    EXPECT_EQ(renew.progress[0].extend_ms, 1500);
}

TEST(renewal, lines_bring_it_forward_and_are_said_until_answered)
{
    static struct joblog logs[2];
    begin();
    renewal.logs = logs;
    renewal_start(&renewal, 0, 5000);
    grant(1, 9);
    joblog_begin(&logs[1], 3);
    EXPECT_EQ(renewal_next(&renewal, &slots), 5000);
    joblog_say(&logs[1], 77, slice_of_text("one"));
    EXPECT_EQ(renewal_next(&renewal, &slots), RENEWAL_GAP_MS);
    struct msg_renew renew = renewal_fill(&renewal, 1000, &slots, &outbox, &room);
    EXPECT_EQ(renew.log_count, 1);
    EXPECT_EQ(renew.log[0].seq, 4);
    EXPECT_EQ(renew.log[0].token, 9);
    EXPECT_EQ(renew.log[0].at, 77);
    EXPECT(slice_is_text(renew.log[0].text, "one"));
    EXPECT_EQ(renewal_next(&renewal, &slots), 6000);
    renew = renewal_fill(&renewal, 6000, &slots, &outbox, &room);
    EXPECT_EQ(renew.log_count, 1); // nobody has answered
    renewal_answered(&renewal, &slots);
    EXPECT_EQ(renewal_fill(&renewal, 11000, &slots, &outbox, &room).log_count, 0);
}

// A slot's log goes whole or not at all.
TEST(renewal, lines_beyond_its_bytes_wait_for_the_next_one)
{
    enum { FULL = RENEWAL_LOG_BYTES_MAX / JOBLOG_BYTES_MAX, LINES = 31 };
    static struct slot many_slots[FULL + 2];
    static struct joblog logs[FULL + 2];
    static uint8_t text[MSG_LOG_TEXT_LEN_MAX];
    begin();
    slots_init(&slots, many_slots, FULL + 2, 10);
    renewal.logs = logs;
    renewal_start(&renewal, 0, 5000);
    memset(text, 'a', sizeof text);
    for (uint32_t slot = 0; slot < FULL + 2; slot++) {
        grant(slot, slot + 1);
        joblog_begin(&logs[slot], 0);
        for (unsigned line = 0; line < LINES; line++)
            joblog_say(&logs[slot], 1, slice_of(text, sizeof text));
    }
    uint32_t fit = RENEWAL_LOG_BYTES_MAX / (LINES * MSG_LOG_TEXT_LEN_MAX);
    EXPECT(fit < FULL + 2);
    struct msg_renew renew = renewal_fill(&renewal, 1000, &slots, &outbox, &room);
    EXPECT_EQ(renew.log_count, fit * LINES);
    EXPECT_EQ(renew.log[renew.log_count - 1].token, fit);
    renewal_answered(&renewal, &slots);
    renew = renewal_fill(&renewal, 2000, &slots, &outbox, &room);
    EXPECT_EQ(renew.log_count, (FULL + 2 - fit) * LINES);
    EXPECT_EQ(renew.log[0].token, fit + 1);
}
