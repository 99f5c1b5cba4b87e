// A child that dies often is held back.

#include "worker/core/backoff.h"

#include "tests/support/test.h"

static void die(struct backoff *backoff, when_ms now, bool pauses)
{
    EXPECT_EQ(backoff_died(backoff, now), pauses);
}

TEST(backoff, four_deaths_are_nothing)
{
    struct backoff backoff = {0};
    for (when_ms now = 1000; now < 1004; now++)
        die(&backoff, now, false);
    EXPECT_EQ(backoff_until(&backoff), 0);
}

TEST(backoff, the_fifth_within_ten_seconds_pauses)
{
    struct backoff backoff = {0};
    for (when_ms now = 1000; now < 5000; now += 1000)
        die(&backoff, now, false);
    die(&backoff, 11000, true);
    EXPECT_EQ(backoff_until(&backoff), 12000);
}

TEST(backoff, five_in_a_longer_time_are_nothing)
{
    struct backoff backoff = {0};
    for (when_ms now = 1000; now < 5000; now += 1000)
        die(&backoff, now, false);
    die(&backoff, 11001, false);
}

TEST(backoff, pauses_double_up_to_the_longest)
{
    struct backoff backoff = {0};
    for (int i = 0; i < 4; i++)
        die(&backoff, 0, false);
    when_ms now = 0;
    static const when_ms pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        die(&backoff, now, true);
        EXPECT_EQ(backoff_until(&backoff) - now, pauses[i]);
        now = backoff_until(&backoff);
    }
}

TEST(backoff, work_makes_the_next_pause_short_again)
{
    struct backoff backoff = {0};
    for (int i = 0; i < 8; i++)
        (void)backoff_died(&backoff, i);
    EXPECT(backoff_until(&backoff) > 1007);
    backoff_worked(&backoff);
    die(&backoff, 9, true);
    EXPECT_EQ(backoff_until(&backoff), 1009);
    // Rare deaths after work are no reason for a pause.
    backoff_worked(&backoff);
    die(&backoff, 100000, false);
}
