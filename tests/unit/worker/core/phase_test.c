// From serving to gone.

#include "worker/core/phase.h"

#include "tests/support/test.h"

static const struct phase_load busy = {.held_count = 1, .unsettled_count = 1};
static const struct phase_load telling = {.unsettled_count = 1};
static const struct phase_load idle = {0};

TEST(phase, quiet_stays)
{
    struct phase phase = {.grace_ms = 100};
    EXPECT(!phase_is_quiet(&phase));
    EXPECT(phase_quiet(&phase));
    EXPECT(!phase_quiet(&phase));
    EXPECT(phase_is_quiet(&phase));
    EXPECT_EQ(phase_tick(&phase, 1 << 30, &idle), PHASE_ORDER_NONE);
    EXPECT_EQ(phase.state, PHASE_QUIET);
    EXPECT(phase_next(&phase) == WHEN_NEVER);
}

TEST(phase, draining_waits_for_jobs_then_for_answers)
{
    struct phase phase = {.grace_ms = 100};
    EXPECT_EQ(phase_stop(&phase, 1000), PHASE_ORDER_NONE);
    EXPECT_EQ(phase_next(&phase), 1100);
    EXPECT_EQ(phase_tick(&phase, 1050, &busy), PHASE_ORDER_NONE);
    EXPECT_EQ(phase.state, PHASE_DRAINING);
    (void)phase_tick(&phase, 1060, &telling);
    EXPECT_EQ(phase.state, PHASE_LEAVING);
    EXPECT_EQ(phase_next(&phase), 1060 + PHASE_LEAVE_MS);
    (void)phase_tick(&phase, 1070, &telling);
    EXPECT_EQ(phase.state, PHASE_LEAVING);
    (void)phase_tick(&phase, 1080, &idle);
    EXPECT_EQ(phase.state, PHASE_GONE);
}

TEST(phase, after_the_grace_handlers_are_asked_to_stop_once)
{
    struct phase phase = {.grace_ms = 100};
    (void)phase_stop(&phase, 1000);
    EXPECT_EQ(phase_tick(&phase, 1100, &busy), PHASE_ORDER_TERM);
    EXPECT_EQ(phase_tick(&phase, 1101, &busy), PHASE_ORDER_NONE);
    EXPECT(phase_next(&phase) == WHEN_NEVER); // the slots know when they kill
    (void)phase_tick(&phase, 1200, &idle);
    EXPECT_EQ(phase.state, PHASE_GONE);
}

TEST(phase, a_second_stop_kills)
{
    struct phase phase = {.grace_ms = 100};
    (void)phase_stop(&phase, 0);
    EXPECT_EQ(phase_stop(&phase, 1), PHASE_ORDER_KILL);
    EXPECT_EQ(phase.state, PHASE_STOPPING);
    EXPECT_EQ(phase_stop(&phase, 2), PHASE_ORDER_KILL);
    (void)phase_tick(&phase, 3, &telling);
    EXPECT_EQ(phase.state, PHASE_LEAVING);
    EXPECT_EQ(phase_stop(&phase, 4), PHASE_ORDER_NONE);
    EXPECT_EQ(phase.state, PHASE_GONE);
}

TEST(phase, answers_are_waited_for_only_so_long)
{
    struct phase phase = {0};
    (void)phase_stop(&phase, 0);
    (void)phase_tick(&phase, 0, &telling);
    EXPECT_EQ(phase.state, PHASE_LEAVING);
    (void)phase_tick(&phase, PHASE_LEAVE_MS, &telling);
    EXPECT_EQ(phase.state, PHASE_GONE);
}

TEST(phase, a_quiet_worker_can_be_stopped)
{
    struct phase phase = {.grace_ms = 5};
    (void)phase_quiet(&phase);
    (void)phase_stop(&phase, 10);
    EXPECT_EQ(phase.state, PHASE_DRAINING);
    EXPECT_EQ(phase_next(&phase), 15);
    EXPECT(!phase_quiet(&phase));
}
