// Quotas by the minute: bursts, evenness, debts, changes.

#include "lib/base/meter.h"

#include "tests/support/test.h"

static bool take(struct meter *meter, uint64_t amount, when_ms now)
{
    if (!meter_has(meter, amount, now))
        return false;
    meter_take(meter, amount);
    return true;
}

TEST(meter, a_minutes_worth_at_once_and_then_evenly)
{
    struct meter meter = meter_of(60, NULL, 1000);
    for (int i = 0; i < 60; i++)
        EXPECT(take(&meter, 1, 1000));
    EXPECT(!take(&meter, 1, 1000));
    EXPECT_EQ(meter_left(&meter), 0);
    EXPECT_EQ(meter_wait(&meter, 1), 1000);
    EXPECT_EQ(meter_full(&meter), 60000);
    EXPECT(!take(&meter, 1, 1999));
    EXPECT_EQ(meter_wait(&meter, 1), 1);
    EXPECT(take(&meter, 1, 2000));
    EXPECT(!take(&meter, 1, 2000));
    EXPECT(take(&meter, 2, 4000));
}

TEST(meter, nothing_is_saved_beyond_a_minute)
{
    struct meter meter = meter_of(3, NULL, 0);
    EXPECT(meter_has(&meter, 1, WHEN_NEVER / 2));
    EXPECT_EQ(meter_left(&meter), 3);
    EXPECT_EQ(meter_full(&meter), 0);
}

TEST(meter, clock_that_goes_back_gives_nothing)
{
    struct meter meter = meter_of(1, NULL, 100000);
    EXPECT(take(&meter, 1, 100000));
    EXPECT(!take(&meter, 1, 0));
    EXPECT(!take(&meter, 1, 59999));
}

TEST(meter, more_than_a_minutes_worth_needs_a_full_one)
{
    struct meter meter = meter_of(100, NULL, 0);
    EXPECT(take(&meter, 250, 0));
    EXPECT_EQ(meter_left(&meter), 0);
    EXPECT_EQ(meter_wait(&meter, 1), 90600);
    EXPECT(!take(&meter, 1, 90599));
    EXPECT(take(&meter, 1, 90600));
    EXPECT_EQ(meter_wait(&meter, 1000), 60000);
}

TEST(meter, without_a_quota_everything_is_there)
{
    struct meter meter = meter_of(0, NULL, 0);
    EXPECT(take(&meter, UINT64_MAX, 0));
    EXPECT(take(&meter, UINT64_MAX, 0));
}

TEST(meter, largest_numbers_fit)
{
    struct meter meter = meter_of(METER_COUNT_MAX, NULL, 0);
    EXPECT(take(&meter, UINT64_MAX, 0));
    meter_take(&meter, UINT64_MAX);
    meter_take(&meter, UINT64_MAX);
    EXPECT_EQ(meter_wait(&meter, METER_COUNT_MAX), 120000);
    EXPECT(take(&meter, METER_COUNT_MAX, 120000));
    EXPECT_EQ(meter_left(&meter), 0);
}

TEST(meter, another_quota_does_not_forgive_what_was_used)
{
    struct meter old = meter_of(100, NULL, 0);
    meter_take(&old, 40);
    struct meter more = meter_of(200, &old, 0);
    EXPECT_EQ(meter_left(&more), 160);
    struct meter less = meter_of(30, &old, 0);
    EXPECT_EQ(meter_left(&less), 0);
    EXPECT(!meter_has(&less, 1, 0));
    struct meter same = meter_of(100, &old, 12000);
    EXPECT_EQ(meter_left(&same), 80);
}
