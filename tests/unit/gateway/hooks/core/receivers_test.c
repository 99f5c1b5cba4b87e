// Who goes next, told as a transcript.

#include "gateway/hooks/core/receivers.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct receivers receivers;
static char story[4096];

static void begin(uint32_t slots, const struct receivers_rules *rules)
{
    static void *memory;
    free(memory);
    memory = malloc(receivers_size(slots));
    receivers_init(&receivers, memory, slots, rules);
}

static void enter(when_ms now, uint32_t slot, uint64_t key, when_ms event_at)
{
    receivers_enter(&receivers, now,
                    &(struct receivers_arrival){.slot = slot, .key = key, .event_at = event_at});
}

// All that is to be done now, as text.
static const char *orders(when_ms now)
{
    size_t len = 0;
    story[0] = '\0';
    for (;;) {
        struct receivers_order order = receivers_next(&receivers, now);
        if (order.kind == RECEIVERS_NOTHING)
            return story;
        if (order.kind == RECEIVERS_START)
            len += (size_t)snprintf(story + len, sizeof story - len, "start %u;", order.slot);
        else
            len += (size_t)snprintf(story + len, sizeof story - len, "snooze %u %lld;", order.slot,
                                    (long long)order.pause_ms);
    }
}

TEST(receivers, each_has_its_own_room)
{
    begin(16, &(struct receivers_rules){.running_max = 2, .waiting_max = 3});
    for (uint32_t i = 0; i < 4; i++)
        enter(0, i, 7, i);
    enter(0, 10, 8, 0);
    EXPECT_STR(orders(0), "start 0;start 10;start 1;");
    receivers_end(&receivers, 5, 1, RECEIVERS_WELL);
    EXPECT_STR(orders(5), "start 2;");
    EXPECT_EQ(receivers_due(&receivers, 5), WHEN_NEVER);
}

TEST(receivers, the_oldest_event_goes_first)
{
    begin(16, &(struct receivers_rules){.running_max = 1, .waiting_max = 9});
    enter(0, 3, 7, 30);
    enter(0, 1, 7, 10);
    enter(0, 4, 7, 30);
    enter(0, 2, 7, 20);
    static const char *const story_of[] = {"start 1;", "start 2;", "start 3;", "start 4;"};
    static const uint32_t order[] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++) {
        EXPECT_STR(orders(i), story_of[i]);
        receivers_end(&receivers, i, order[i], RECEIVERS_WELL);
    }
}

TEST(receivers, a_crowded_one_sends_the_newest_away)
{
    begin(16, &(struct receivers_rules){.running_max = 1, .waiting_max = 2});
    for (uint32_t i = 0; i < 6; i++)
        enter(0, i, 7, i);
    EXPECT_STR(orders(0), "start 0;snooze 3 1000;snooze 4 1010;snooze 5 1020;");
    receivers_end(&receivers, 1, 0, RECEIVERS_WELL);
    EXPECT_STR(orders(1), "start 1;");
}

TEST(receivers, slow_ones_together_leave_a_quarter_to_others)
{
    begin(16, &(struct receivers_rules){.running_max = 2, .waiting_max = 8});
    for (uint32_t i = 0; i < 16; i++)
        enter(0, i, i < 8 ? 7 : 8, i);
    EXPECT_STR(orders(0),
               "start 0;start 8;start 1;start 9;snooze 7 1000;snooze 15 1000;snooze 6 1010;"
               "snooze 14 1010;");
    enter(1, 6, 9, 0);
    EXPECT_STR(orders(1), "snooze 5 1020;start 6;");
}

TEST(receivers, an_open_breaker_sends_all_away_in_order)
{
    begin(16, &(struct receivers_rules){.running_max = 8, .waiting_max = 8});
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        enter(0, i, 7, i);
    EXPECT_STR(orders(0), "start 0;start 1;start 2;start 3;start 4;");
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        receivers_end(&receivers, 0, i, RECEIVERS_FAULT);
    EXPECT_EQ(receivers_ill_count(&receivers), 1);
    enter(5000, 1, 7, 20);
    enter(5000, 0, 7, 10);
    enter(5000, 9, 8, 0);
    EXPECT_STR(orders(5000), "snooze 0 10000;start 9;snooze 1 10010;");
    // They come back; the first probes, and the others wait for what it finds.
    enter(15000, 0, 7, 10);
    enter(15002, 1, 7, 20);
    enter(15002, 2, 7, 15);
    EXPECT_STR(orders(15002), "start 0;");
    EXPECT_STR(orders(16000), "");
    receivers_end(&receivers, 16000, 0, RECEIVERS_WELL);
    EXPECT_STR(orders(16000), "start 2;start 1;");
    EXPECT_EQ(receivers_ill_count(&receivers), 0);
}

TEST(receivers, a_failed_probe_sends_them_away_again)
{
    begin(16, &(struct receivers_rules){.running_max = 8, .waiting_max = 8});
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        enter(0, i, 7, i);
    (void)orders(0);
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        receivers_end(&receivers, 0, i, RECEIVERS_FAULT);
    enter(15000, 0, 7, 1);
    enter(15000, 1, 7, 2);
    EXPECT_STR(orders(15000), "start 0;");
    receivers_end(&receivers, 15100, 0, RECEIVERS_FAULT);
    EXPECT_STR(orders(15100), "snooze 1 30000;");
}

TEST(receivers, a_probe_that_tells_nothing_lets_the_next_one_probe)
{
    begin(16, &(struct receivers_rules){.running_max = 8, .waiting_max = 8});
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        enter(0, i, 7, i);
    (void)orders(0);
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++)
        receivers_end(&receivers, 0, i, RECEIVERS_FAULT);
    enter(15000, 0, 7, 1);
    enter(15000, 1, 7, 2);
    EXPECT_STR(orders(15000), "start 0;");
    receivers_end(&receivers, 15001, 0, RECEIVERS_VOID);
    EXPECT_STR(orders(15001), "start 1;");
}

// --endpoint-rate 10
TEST(receivers, a_pace_is_kept)
{
    begin(16, &(struct receivers_rules){.running_max = 8, .waiting_max = 8, .gap_ms = 100});
    for (uint32_t i = 0; i < 3; i++)
        enter(0, i, 7, i);
    EXPECT_STR(orders(0), "start 0;");
    EXPECT_EQ(receivers_due(&receivers, 0), 100);
    EXPECT_STR(orders(99), "");
    EXPECT_STR(orders(100), "start 1;");
    EXPECT_STR(orders(250), "start 2;");
    EXPECT_EQ(receivers_due(&receivers, 250), WHEN_NEVER);
}

TEST(receivers, one_that_waits_may_leave)
{
    begin(16, &(struct receivers_rules){.running_max = 1, .waiting_max = 8});
    for (uint32_t i = 0; i < 3; i++)
        enter(0, i, 7, i);
    EXPECT_STR(orders(0), "start 0;");
    receivers_end(&receivers, 0, 1, RECEIVERS_VOID);
    receivers_end(&receivers, 0, 0, RECEIVERS_WELL);
    EXPECT_STR(orders(0), "start 2;");
}

TEST(receivers, there_is_a_lane_for_every_slot_and_illness_is_remembered)
{
    begin(2, &(struct receivers_rules){.running_max = 1, .waiting_max = 1});
    for (uint32_t i = 0; i < BREAKER_FAULTS; i++) {
        enter(i, 0, 1, 0);
        EXPECT_STR(orders(i), "start 0;");
        receivers_end(&receivers, i, 0, RECEIVERS_FAULT);
    }
    for (uint64_t key = 2; key < 50; key++) {
        enter((when_ms)key + 10, 0, key, 0);
        enter((when_ms)key + 10, 1, key + 1000, 0);
        (void)orders((when_ms)key + 10);
        receivers_end(&receivers, (when_ms)key + 10, 0, RECEIVERS_WELL);
        receivers_end(&receivers, (when_ms)key + 10, 1, RECEIVERS_WELL);
    }
    EXPECT_EQ(receivers_ill_count(&receivers), 1);
}

TEST(receivers, a_slot_is_in_one_lane)
{
    begin(2, &(struct receivers_rules){.running_max = 1, .waiting_max = 1});
    enter(0, 0, 1, 0);
    EXPECT_DIES(enter(0, 0, 2, 0));
    EXPECT_DIES(receivers_end(&receivers, 0, 1, RECEIVERS_WELL));
}
