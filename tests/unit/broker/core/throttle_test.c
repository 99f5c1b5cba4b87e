// Tokens of an act on many: exact, even, a second's worth at most.

#include "broker/core/throttle.h"

#include "tests/support/test.h"

static const struct throttle at_start = {.at = 1000};

TEST(throttle, is_empty_at_first_and_brings_each_token_in_its_time)
{
    EXPECT_EQ(throttle_has(&at_start, 10, 1000), 0);
    EXPECT_EQ(throttle_has(&at_start, 10, 1099), 0);
    EXPECT_EQ(throttle_has(&at_start, 10, 1100), 1);
    EXPECT_EQ(throttle_has(&at_start, 10, 1999), 9);
    EXPECT_EQ(throttle_has(&at_start, 1, 1999), 0);
    EXPECT_EQ(throttle_has(&at_start, 1, 2000), 1);
    EXPECT_EQ(throttle_has(&at_start, 1000000, 1001), 1000);
}

TEST(throttle, holds_a_seconds_worth_at_most)
{
    EXPECT_EQ(throttle_has(&at_start, 7, 2000), 7);
    EXPECT_EQ(throttle_has(&at_start, 7, 2001), 7);
    EXPECT_EQ(throttle_has(&at_start, 1000000, WHEN_NEVER), 1000000);
    struct throttle throttle = {.at = 0, .held = 6999};
    EXPECT_EQ(throttle_has(&throttle, 7, 1), 7); // not 7,006 thousandths
    throttle_take(&throttle, 7, 7, 1);
    EXPECT_EQ(throttle.held, 0);
}

// Whoever takes all there is, whenever he looks, has at any time as much as in one look. Only a bucket
// that is full loses what comes, so one of a single token wants to be looked at in time.
TEST(throttle, nothing_is_rounded_away_or_given_away)
{
    static const uint32_t rates[] = {3, 7, 333, 999, 1001, 123457, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (when_ms look_ms = 1; look_ms <= 666; look_ms += 83) {
            struct throttle throttle = {0};
            uint64_t taken = 0;
            for (when_ms now = look_ms; now <= 60000; now += look_ms) {
                uint32_t count = throttle_has(&throttle, rates[i], now);
                throttle_take(&throttle, rates[i], count, now);
                taken += count;
                EXPECT_EQ(taken, (uint64_t)now * rates[i] / 1000);
            }
        }
    }
}

TEST(throttle, tells_the_millisecond_in_which_a_token_comes)
{
    for (uint32_t rate = 1; rate <= 2000; rate += 37) {
        struct throttle throttle = at_start;
        when_ms now = 1000;
        for (uint32_t i = 0; i < 20; i++) {
            when_ms wait = throttle_wait_ms(&throttle, rate, 1, now);
            EXPECT(wait == 0 || throttle_has(&throttle, rate, now + wait - 1) == 0);
            now += wait;
            EXPECT(throttle_has(&throttle, rate, now) >= 1);
            throttle_take(&throttle, rate, 1, now);
        }
    }
    EXPECT_EQ(throttle_wait_ms(&at_start, 3, 3, 1000), 1000);
    EXPECT_EQ(throttle_wait_ms(&at_start, 3, 0, 1000), 0);
}

TEST(throttle, a_clock_that_jumps_gives_nothing_away)
{
    struct throttle throttle = at_start;
    EXPECT_EQ(throttle_has(&throttle, 10, 0), 0);
    throttle_take(&throttle, 10, 10, 2000);
    throttle_take(&throttle, 10, 0, 500); // back
    EXPECT_EQ(throttle_has(&throttle, 10, 2000), 0);
    EXPECT_EQ(throttle_has(&throttle, 10, 2100), 1);
    EXPECT_EQ(throttle_has(&throttle, 10, INT64_C(1) << 60), 10); // far ahead
}

TEST(throttle, what_is_not_there_is_not_taken)
{
    struct throttle throttle = at_start;
    EXPECT_DIES(throttle_take(&throttle, 10, 1, 1099));
    EXPECT_DIES((void)throttle_wait_ms(&throttle, 10, 11, 1099));
    EXPECT_DIES((void)throttle_has(&throttle, 0, 1099));
}
