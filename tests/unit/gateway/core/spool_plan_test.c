// What of the spool is sent next.

#include "gateway/core/spool_plan.h"

#include "tests/support/test.h"

static enum spool_plan_verdict hear(struct spool_plan *plan, when_ms now, uint64_t lane, err error)
{
    return spool_plan_hear(plan, now, &(struct spool_plan_answer){.lane = lane, .error = error});
}

TEST(spool_plan, what_may_come_later_waits_and_what_never_will_is_refused)
{
    struct spool_plan plan = {0};
    EXPECT(spool_plan_begin(&plan, 0));
    EXPECT_EQ(hear(&plan, 0, 1, OK), SPOOL_PLAN_FORWARDED);
    EXPECT_EQ(hear(&plan, 0, 1, ERR_SCHEMA), SPOOL_PLAN_REFUSED);
    EXPECT_EQ(hear(&plan, 0, 1, ERR_KEY_REUSED), SPOOL_PLAN_REFUSED);
    EXPECT_EQ(hear(&plan, 0, 1, ERR_ID_TOO_OLD), SPOOL_PLAN_REFUSED);
    EXPECT_EQ(hear(&plan, 0, 1, ERR_FULL), SPOOL_PLAN_WAITS);
    EXPECT_EQ(hear(&plan, 0, 2, ERR_QUOTA), SPOOL_PLAN_WAITS);
    EXPECT_EQ(hear(&plan, 0, 3, ERR_PAUSED), SPOOL_PLAN_WAITS);
    EXPECT_EQ(hear(&plan, 0, 4, ERR_DISK), SPOOL_PLAN_WAITS);
}

TEST(spool_plan, a_queue_that_is_held_stays_behind_and_others_pass)
{
    struct spool_plan plan = {0};
    EXPECT(spool_plan_begin(&plan, 1000));
    EXPECT_EQ(hear(&plan, 1000, 7, ERR_FULL), SPOOL_PLAN_WAITS);
    spool_plan_advance(&plan, 50);
    EXPECT(!spool_plan_may(&plan, 7));
    EXPECT(spool_plan_may(&plan, 8));
    // The pass goes on where it is, until the hold is over.
    EXPECT(spool_plan_begin(&plan, 1499));
    EXPECT_EQ(plan.next, 50);
    EXPECT(!spool_plan_may(&plan, 7));
    EXPECT_EQ(spool_plan_wake(&plan, 1499), 1500);
    // Then the oldest is the first again: nothing of the queue passes its own earlier jobs.
    EXPECT(spool_plan_begin(&plan, 1500));
    EXPECT_EQ(plan.next, 0);
    EXPECT(spool_plan_may(&plan, 7));
}

TEST(spool_plan, a_hold_doubles_until_a_job_passes)
{
    struct spool_plan plan = {0};
    when_ms now = 0;
    static const when_ms spans[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        EXPECT(spool_plan_begin(&plan, now));
        EXPECT_EQ(hear(&plan, now, 7, ERR_FULL), SPOOL_PLAN_WAITS);
        // Others of the same message say nothing new.
        EXPECT_EQ(hear(&plan, now, 7, ERR_FULL), SPOOL_PLAN_WAITS);
        EXPECT_EQ(spool_plan_wake(&plan, now) - now, spans[i]);
        now = spool_plan_wake(&plan, now);
    }
    EXPECT(spool_plan_begin(&plan, now));
    EXPECT_EQ(hear(&plan, now, 7, OK), SPOOL_PLAN_FORWARDED);
    EXPECT_EQ(spool_plan_wake(&plan, now), WHEN_NEVER);
    EXPECT_EQ(hear(&plan, now, 7, ERR_FULL), SPOOL_PLAN_WAITS);
    EXPECT_EQ(spool_plan_wake(&plan, now) - now, 500);
}

TEST(spool_plan, the_brokers_wish_is_heard_up_to_a_bound)
{
    struct spool_plan plan = {0};
    const struct spool_plan_answer slow = {.lane = 1, .error = ERR_FULL, .wait_ms = 7000};
    const struct spool_plan_answer endless = {.lane = 2, .error = ERR_FULL, .wait_ms = UINT32_MAX};
    EXPECT(spool_plan_begin(&plan, 0));
    EXPECT_EQ(spool_plan_hear(&plan, 0, &endless), SPOOL_PLAN_WAITS);
    EXPECT_EQ(spool_plan_wake(&plan, 0), 30000);
    EXPECT_EQ(spool_plan_hear(&plan, 0, &slow), SPOOL_PLAN_WAITS);
    EXPECT_EQ(spool_plan_wake(&plan, 0), 7000);
}

// What SPOOL_PLAN_HOLDS_MAX says.
TEST(spool_plan, one_queue_too_many_ends_the_pass)
{
    struct spool_plan plan = {0};
    EXPECT(spool_plan_begin(&plan, 0));
    for (uint64_t lane = 0; lane < SPOOL_PLAN_HOLDS_MAX; lane++)
        EXPECT_EQ(hear(&plan, 0, lane, ERR_FULL), SPOOL_PLAN_WAITS);
    EXPECT(spool_plan_may(&plan, 999));
    EXPECT_EQ(hear(&plan, 0, 999, ERR_FULL), SPOOL_PLAN_WAITS);
    EXPECT(!spool_plan_may(&plan, 1000));
    EXPECT(!spool_plan_begin(&plan, 499));
    EXPECT(spool_plan_begin(&plan, 500));
    EXPECT(spool_plan_may(&plan, 999));
}

TEST(spool_plan, without_an_answer_all_wait_and_longer_each_time)
{
    struct spool_plan plan = {0};
    when_ms now = 0;
    static const when_ms spans[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        EXPECT(spool_plan_begin(&plan, now));
        spool_plan_fail(&plan, now);
        EXPECT(!spool_plan_begin(&plan, now + spans[i] - 1));
        EXPECT_EQ(spool_plan_wake(&plan, now) - now, spans[i]);
        now += spans[i];
    }
    EXPECT(spool_plan_begin(&plan, now));
    EXPECT_EQ(hear(&plan, now, 1, OK), SPOOL_PLAN_FORWARDED);
    spool_plan_fail(&plan, now);
    EXPECT_EQ(spool_plan_wake(&plan, now) - now, 100);
}

TEST(spool_plan, with_a_broker_that_has_come_nobody_pauses)
{
    struct spool_plan plan = {0};
    EXPECT(spool_plan_begin(&plan, 0));
    EXPECT_EQ(hear(&plan, 0, 1, ERR_FULL), SPOOL_PLAN_WAITS);
    spool_plan_fail(&plan, 0);
    spool_plan_fail(&plan, 0);
    EXPECT(!spool_plan_begin(&plan, 199));
    spool_plan_resume(&plan);
    EXPECT(spool_plan_begin(&plan, 1));
    EXPECT(!spool_plan_may(&plan, 1)); // what a broker said of a queue still holds
    spool_plan_fail(&plan, 1);
    EXPECT_EQ(spool_plan_wake(&plan, 1), 101);
}

TEST(spool_plan, a_pass_does_not_go_back)
{
    struct spool_plan plan = {0};
    EXPECT(spool_plan_begin(&plan, 0));
    spool_plan_advance(&plan, 9);
    EXPECT_DIES(spool_plan_advance(&plan, 8));
}
