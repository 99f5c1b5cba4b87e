// Outcomes on their way: the drawing of worker/core/outbox.h, and what goes into one message.

#include "worker/core/outbox.h"

#include "tests/support/test.h"

enum { CAP = 8 };

static struct outbox outbox;
static struct outbox_entry items[CAP];
static char memory[CAP]; // stands for what the shell would free

static void begin(void)
{
    memset(items, 0, sizeof items);
    outbox_init(&outbox, items, CAP);
}

static struct outcome_report report_of(uint8_t number, enum outcome outcome)
{
    struct outcome_report report = {.outcome = outcome, .generation = 1, .token = number};
    report.job_id.bytes[15] = number;
    return report;
}

static uint32_t add(uint8_t number)
{
    struct outcome_report report = report_of(number, OUTCOME_SUCCEEDED);
    return outbox_add(&outbox, &report, &memory[number % CAP]);
}

static uint32_t find_success(const struct id *id, uint64_t generation, uint64_t lineage)
{
    const struct outbox_job job = {.id = *id, .generation = generation, .lineage = lineage};
    return outbox_find_success(&outbox, &job);
}

static struct msg_finished_job verdict_on(uint8_t number, err error)
{
    struct outcome_report report = report_of(number, OUTCOME_NONE);
    return (struct msg_finished_job){
        .job_id = report.job_id, .token = report.token, .error = error};
}

TEST(outbox, nothing_is_told_before_it_is_flushed)
{
    begin();
    struct msg_finish_job jobs[CAP];
    uint32_t entry = add(1);
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, CAP, 1000), 0);
    outbox_flushed(&outbox, entry);
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, CAP, 1000), 1);
    EXPECT_EQ(jobs[0].token, 1);
    EXPECT(!jobs[0].resent);
    // It is on its way now.
    EXPECT_EQ(outbox_pick(&outbox, 2, jobs, CAP, 1000), 0);
}

TEST(outbox, every_verdict_settles_and_then_it_may_go)
{
    static const err verdicts[] = {OK, ERR_STALE_LEASE, ERR_NOT_FOUND};
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        begin();
        struct msg_finish_job jobs[1];
        uint32_t entry = add(1);
        outbox_flushed(&outbox, entry);
        (void)outbox_pick(&outbox, 1, jobs, 1, 1000);
        struct msg_finished_job verdict = verdict_on(1, verdicts[i]);
        EXPECT_EQ(outbox_answer(&outbox, &verdict), entry);
        EXPECT(outbox_answer(&outbox, &verdict) == OUTBOX_NONE);
        EXPECT_EQ(items[entry].state, OUTBOX_SETTLED);
        EXPECT(outbox_remove(&outbox, entry) == &memory[1]);
        EXPECT_EQ(outbox.count, 0);
    }
}

TEST(outbox, recovered_ones_are_durable_and_resent)
{
    begin();
    struct outcome_report report = report_of(3, OUTCOME_FAILED);
    struct msg_finish_job jobs[1];
    uint32_t entry = outbox_add_recovered(&outbox, &report, NULL);
    EXPECT_EQ(items[entry].journaled_token, 3);
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, 1, 1000), 1);
    EXPECT(jobs[0].resent);
}

TEST(outbox, volatile_ones_are_told_without_a_record)
{
    begin();
    struct outcome_report report = report_of(3, OUTCOME_INTERRUPTED);
    struct msg_finish_job jobs[1];
    uint32_t entry = outbox_add_volatile(&outbox, &report, NULL);
    EXPECT_EQ(items[entry].journaled_token, 0);
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, 1, 1000), 1);
    EXPECT(!jobs[0].resent);
}

TEST(outbox, a_message_holds_no_more_than_its_bounds)
{
    begin();
    static uint8_t bytes[1000];
    struct msg_finish_job jobs[CAP];
    for (uint8_t i = 1; i <= 4; i++) {
        struct outcome_report report = report_of(i, OUTCOME_SUCCEEDED);
        report.result.bytes = slice_of(bytes, i == 2 ? sizeof bytes : 10);
        outbox_flushed(&outbox, outbox_add(&outbox, &report, NULL));
    }
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, 2, 600), 2); // the second is too large for this one
    EXPECT_EQ(jobs[1].token, 3);
    EXPECT_EQ(outbox_pick(&outbox, 2, jobs, CAP, 600),
              1); // and too large for any, so it goes alone
    EXPECT_EQ(jobs[0].token, 2);
    EXPECT_EQ(outbox_pick(&outbox, 3, jobs, CAP, 600), 1);
    EXPECT_EQ(jobs[0].token, 4);
}

TEST(outbox, what_an_answer_leaves_out_goes_again_and_alone)
{
    begin();
    struct msg_finish_job jobs[CAP];
    for (uint8_t i = 1; i <= 3; i++)
        outbox_flushed(&outbox, add(i));
    EXPECT_EQ(outbox_pick(&outbox, 7, jobs, CAP, 10000), 3);
    struct msg_finished_job verdict = verdict_on(2, OK);
    (void)outbox_answer(&outbox, &verdict);
    EXPECT_EQ(outbox_close(&outbox, 8), 0); // another message
    EXPECT_EQ(outbox_close(&outbox, 7), 2);
    EXPECT_EQ(outbox_pick(&outbox, 9, jobs, CAP, 10000), 1);
    EXPECT_EQ(outbox_pick(&outbox, 10, jobs, CAP, 10000), 1);
    EXPECT_EQ(outbox_pick(&outbox, 11, jobs, CAP, 10000), 0);
}

TEST(outbox, one_that_there_is_no_room_for_waits_while_others_are_told)
{
    begin();
    struct msg_finish_job jobs[CAP];
    outbox_flushed(&outbox, add(1));
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, CAP, 1000), 1);
    EXPECT_EQ(outbox_close(&outbox, 1), 1);
    outbox_hold(&outbox, 1);
    outbox_flushed(&outbox, add(2));
    EXPECT_EQ(outbox_pick(&outbox, 2, jobs, CAP, 1000), 1);
    EXPECT_EQ(jobs[0].token, 2);
    EXPECT_EQ(outbox_pick(&outbox, 3, jobs, CAP, 1000), 0);
    outbox_unhold(&outbox);
    EXPECT_EQ(outbox_pick(&outbox, 4, jobs, CAP, 1000), 1);
    EXPECT_EQ(jobs[0].token, 1);
}

TEST(outbox, one_that_is_refused_for_good_can_be_forgotten)
{
    begin();
    struct msg_finish_job jobs[1];
    uint32_t entry = add(1);
    outbox_flushed(&outbox, entry);
    (void)outbox_pick(&outbox, 1, jobs, 1, 1000);
    (void)outbox_close(&outbox, 1);
    outbox_forget(&outbox, entry);
    EXPECT_EQ(items[entry].state, OUTBOX_SETTLED);
    EXPECT_EQ(items[entry].journaled_token, 1); // its record must go as well
}

TEST(outbox, a_success_answers_a_new_grant_in_every_state)
{
    struct msg_finish_job jobs[1];
    struct msg_finished_job verdict = verdict_on(1, OK);
    for (int steps = 0; steps < 4; steps++) {
        begin();
        uint32_t entry = add(1);
        if (steps > 0)
            outbox_flushed(&outbox, entry);
        if (steps > 1)
            (void)outbox_pick(&outbox, 1, jobs, 1, 1000);
        if (steps > 2)
            (void)outbox_answer(&outbox, &verdict);
        EXPECT_EQ(find_success(&verdict.job_id, 1, 0), entry);
        outbox_rekey(&outbox, entry, 9);
        EXPECT_EQ(items[entry].state, OUTBOX_ENDED);
        // The old record is known until the new one is on disk.
        EXPECT_EQ(items[entry].journaled_token, steps > 0 ? 1 : 0);
        outbox_flushed(&outbox, entry);
        EXPECT_EQ(items[entry].journaled_token, 9);
        EXPECT_EQ(outbox_pick(&outbox, 2, jobs, 1, 1000), 1);
        EXPECT(jobs[0].token == 9 && jobs[0].resent);
        // The verdict on the old lease is nobody's any more.
        EXPECT(outbox_answer(&outbox, &verdict) == OUTBOX_NONE);
    }
}

TEST(outbox, only_a_success_of_this_generation_answers)
{
    begin();
    struct outcome_report failure = report_of(1, OUTCOME_FAILED);
    (void)outbox_add(&outbox, &failure, NULL);
    EXPECT(find_success(&failure.job_id, 1, 0) == OUTBOX_NONE);
    (void)add(2);
    struct outcome_report other = report_of(2, OUTCOME_SUCCEEDED);
    EXPECT(find_success(&other.job_id, 2, 0) == OUTBOX_NONE);
    EXPECT(find_success(&other.job_id, 1, 0) != OUTBOX_NONE);
}

// After a restore the same id and generation may be another job.
TEST(outbox, a_success_of_another_lineage_answers_no_grant)
{
    begin();
    struct outcome_report ended = report_of(1, OUTCOME_SUCCEEDED);
    ended.lineage = 7;
    uint32_t entry = outbox_add(&outbox, &ended, NULL);
    EXPECT_EQ(find_success(&ended.job_id, 1, 7), entry);
    EXPECT(find_success(&ended.job_id, 1, 8) == OUTBOX_NONE);
    // It is told all the same: the store may have taken the grant over from before.
    struct msg_finish_job jobs[CAP];
    outbox_flushed(&outbox, entry);
    EXPECT_EQ(outbox_pick(&outbox, 1, jobs, CAP, 1000), 1);
    // What an older worker has journaled counts for every lineage.
    struct id id = report_of(2, OUTCOME_SUCCEEDED).job_id;
    uint32_t old = add(2);
    EXPECT_EQ(find_success(&id, 1, 8), old);
}

TEST(outbox, fills_to_its_cap_and_uses_places_again)
{
    begin();
    for (uint8_t i = 1; i <= CAP; i++)
        outbox_flushed(&outbox, add(i));
    EXPECT_EQ(outbox.count, CAP);
    EXPECT_EQ(outbox_count_of(&outbox, OUTBOX_DURABLE), CAP);
    EXPECT_DIES((void)add(9));
    outbox_forget(&outbox, 3);
    (void)outbox_remove(&outbox, 3);
    EXPECT_EQ(add(10), 3);
}

TEST(outbox, what_the_drawing_does_not_show_is_a_bug)
{
    begin();
    uint32_t entry = add(1);
    EXPECT_DIES((void)outbox_remove(&outbox, entry));
    EXPECT_DIES(outbox_forget(&outbox, entry));
    outbox_flushed(&outbox, entry);
    EXPECT_DIES(outbox_flushed(&outbox, entry));
    EXPECT_DIES((void)outbox_remove(&outbox, entry));
    outbox_forget(&outbox, entry);
    (void)outbox_remove(&outbox, entry);
    EXPECT_DIES(outbox_rekey(&outbox, entry, 2));
}
