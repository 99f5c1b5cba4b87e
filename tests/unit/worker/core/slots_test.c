// The table of slots: every edge of its drawing.

#include "worker/core/slots.h"

#include "tests/support/test.h"

static struct slots slots;
static struct slot items[4];

static struct msg_job job_of(uint8_t number, uint64_t token)
{
    struct msg_job job = {.token = token, .generation = 1, .attempt = 1, .timeout_ms = 100};
    job.job_id.bytes[15] = number;
    return job;
}

static void begin(uint32_t count)
{
    memset(items, 0, sizeof items);
    slots_init(&slots, items, 4, 10);
    for (uint32_t i = 0; i < count; i++) {
        struct msg_job job = job_of((uint8_t)(i + 1), i + 1);
        slots_grant(&slots, i, &job);
    }
}

TEST(slots, a_job_waits_runs_and_leaves)
{
    begin(1);
    EXPECT_EQ(items[0].state, SLOT_WAITING);
    EXPECT(slots_next(&slots) == WHEN_NEVER);
    slots_begin(&slots, 0, 1000);
    EXPECT_EQ(items[0].state, SLOT_RUNNING);
    EXPECT_EQ(slots_next(&slots), 1100);
    slots_end(&slots, 0);
    EXPECT_EQ(items[0].state, SLOT_FREE);
    EXPECT_EQ(slots_held_count(&slots), 0);
}

TEST(slots, a_waiting_job_goes_to_a_free_slot)
{
    begin(2);
    slots_begin(&slots, 0, 1000);
    slots_move(&slots, 1, 3);
    EXPECT_EQ(items[1].state, SLOT_FREE);
    EXPECT_EQ(items[3].state, SLOT_WAITING);
    EXPECT_EQ(items[3].token, 2);
    EXPECT_DIES(slots_move(&slots, 0, 1)); // it runs
    EXPECT_DIES(slots_move(&slots, 3, 0)); // not free
}

TEST(slots, a_deadline_is_sigterm_then_sigkill_once)
{
    begin(1);
    slots_begin(&slots, 0, 1000);
    EXPECT_EQ(slots_due(&slots, 0, 1099), SLOT_ORDER_NONE);
    EXPECT_EQ(slots_due(&slots, 0, 1100), SLOT_ORDER_TERM);
    EXPECT_EQ(items[0].stop, SLOT_STOP_TIMEOUT);
    EXPECT_EQ(slots_next(&slots), 1110);
    EXPECT_EQ(slots_due(&slots, 0, 1109), SLOT_ORDER_NONE);
    EXPECT_EQ(slots_due(&slots, 0, 1110), SLOT_ORDER_KILL);
    EXPECT_EQ(slots_due(&slots, 0, 9999), SLOT_ORDER_NONE);
    EXPECT(slots_next(&slots) == WHEN_NEVER);
}

TEST(slots, a_waiting_job_has_no_deadline_and_ends_without_a_signal)
{
    begin(1);
    EXPECT_EQ(slots_due(&slots, 0, 1 << 30), SLOT_ORDER_NONE);
    EXPECT_EQ(slots_stop(&slots, 0, 1, SLOT_STOP_DRAIN), SLOT_ORDER_END);
    slots_end(&slots, 0);
    EXPECT_EQ(items[0].state, SLOT_FREE);
}

TEST(slots, the_stronger_reason_wins_and_the_time_to_live_stays)
{
    begin(1);
    slots_begin(&slots, 0, 0);
    EXPECT_EQ(slots_stop(&slots, 0, 5, SLOT_STOP_DRAIN), SLOT_ORDER_TERM);
    EXPECT_EQ(slots_stop(&slots, 0, 7, SLOT_STOP_LOST), SLOT_ORDER_NONE);
    EXPECT_EQ(items[0].stop, SLOT_STOP_LOST);
    EXPECT_EQ(slots_stop(&slots, 0, 8, SLOT_STOP_TIMEOUT), SLOT_ORDER_NONE);
    EXPECT_EQ(items[0].stop, SLOT_STOP_LOST);
    EXPECT_EQ(slots_next(&slots), 15);
}

TEST(slots, killing_leaves_no_time)
{
    begin(2);
    slots_begin(&slots, 0, 0);
    EXPECT_EQ(slots_kill(&slots, 0, SLOT_STOP_DRAIN), SLOT_ORDER_KILL);
    EXPECT_EQ(slots_due(&slots, 0, 1 << 30), SLOT_ORDER_NONE);
    EXPECT_EQ(slots_kill(&slots, 1, SLOT_STOP_DRAIN), SLOT_ORDER_END);
}

TEST(slots, time_can_be_extended_but_not_shortened)
{
    begin(1);
    slots_begin(&slots, 0, 0);
    slots_extend(&slots, 0, 50, 20);
    EXPECT_EQ(items[0].deadline, 100);
    slots_extend(&slots, 0, 50, 60);
    EXPECT_EQ(items[0].deadline, 110);
    slots_extend(&slots, 0, 50, WHEN_NEVER);
    EXPECT(items[0].deadline == WHEN_NEVER);
    // A stopping one cannot come back.
    (void)slots_stop(&slots, 0, 60, SLOT_STOP_DRAIN);
    slots_extend(&slots, 0, 61, 1000);
    EXPECT_EQ(slots_next(&slots), 70);
}

TEST(slots, jobs_are_found_by_lease_and_by_id)
{
    begin(3);
    struct msg_job second = job_of(2, 2);
    struct msg_held held = {.job_id = second.job_id, .token = 2};
    EXPECT_EQ(slots_find(&slots, &held), 1);
    EXPECT_EQ(slots_find_job(&slots, &held.job_id), 1);
    held.token = 9;
    EXPECT(slots_find(&slots, &held) == SLOTS_NONE);
    EXPECT_EQ(slots_find_free(&slots), 3);
    struct msg_job fourth = job_of(4, 4);
    slots_grant(&slots, 3, &fourth);
    EXPECT(slots_find_free(&slots) == SLOTS_NONE);
    slots_end(&slots, 1);
    EXPECT_EQ(slots_find_free(&slots), 1);
    EXPECT(slots_find_job(&slots, &second.job_id) == SLOTS_NONE);
}

TEST(slots, a_barred_slot_takes_no_job_until_it_is_open_again)
{
    begin(2);
    slots_bar(&slots, 2, true);
    EXPECT_EQ(slots_find_free(&slots), 3);
    EXPECT_EQ(slots_count_open(&slots, 0, 4), 3);
    EXPECT_EQ(slots_count_open(&slots, 2, 1), 0);
    EXPECT_EQ(slots_held_count(&slots), 2);
    struct msg_job job = job_of(9, 9);
    EXPECT_DIES(slots_grant(&slots, 2, &job));
    EXPECT_DIES(slots_move(&slots, 0, 2));
    EXPECT_DIES(slots_bar(&slots, 0, true)); // it holds a job
    slots_bar(&slots, 3, true);
    EXPECT(slots_find_free(&slots) == SLOTS_NONE);
    slots_bar(&slots, 2, false);
    EXPECT_DIES(slots_bar(&slots, 2, false));
    slots_grant(&slots, slots_find_free(&slots), &job);
    EXPECT_EQ(items[2].token, 9);
}

TEST(slots, what_the_drawing_does_not_show_is_a_bug)
{
    begin(1);
    struct msg_job job = job_of(1, 1);
    EXPECT_DIES(slots_grant(&slots, 0, &job));
    EXPECT_DIES(slots_begin(&slots, 1, 0));
    EXPECT_DIES(slots_end(&slots, 1));
    EXPECT_DIES((void)slots_stop(&slots, 1, 0, SLOT_STOP_DRAIN));
    EXPECT_DIES((void)slots_stop(&slots, 0, 0, SLOT_STOP_NONE));
    slots_begin(&slots, 0, 0);
    EXPECT_DIES(slots_begin(&slots, 0, 0));
    EXPECT_DIES(slots_end(&slots, 4));
}
