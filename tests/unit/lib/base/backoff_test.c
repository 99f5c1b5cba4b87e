// Pauses after failures.

#include "lib/base/backoff.h"
#include "tests/support/test.h"

TEST(backoff, grows_by_its_factor_up_to_the_longest)
{
    const struct backoff backoff = {.first_ms = 100, .longest_ms = 1000, .factor_milli = 2500};
    EXPECT_EQ(backoff_whole_ms(&backoff, 1), 100);
    EXPECT_EQ(backoff_whole_ms(&backoff, 2), 250);
    EXPECT_EQ(backoff_whole_ms(&backoff, 3), 625);
    EXPECT_EQ(backoff_whole_ms(&backoff, 4), 1000);
    EXPECT_EQ(backoff_whole_ms(&backoff, 1000000), 1000);
    const struct backoff still = {.first_ms = 100, .longest_ms = 1000, .factor_milli = 1000};
    EXPECT_EQ(backoff_whole_ms(&still, 1000000), 100);
    const struct backoff capped = {.first_ms = 100, .longest_ms = 10, .factor_milli = 1000};
    EXPECT_EQ(backoff_whole_ms(&capped, 1), 10);
}

TEST(backoff, jitter_is_a_half_at_most_and_the_same_each_time)
{
    const struct backoff backoff = {.first_ms = 1000, .longest_ms = 60000, .factor_milli = 2000};
    struct id a = {{1}};
    struct id b = {{2}};
    uint32_t different = 0;
    for (uint32_t attempt = 1; attempt < 12; attempt++) {
        when_ms whole = backoff_whole_ms(&backoff, attempt);
        when_ms is = backoff_ms(&backoff, &a, attempt);
        EXPECT(is >= whole / 2 && is <= whole);
        EXPECT_EQ(is, backoff_ms(&backoff, &a, attempt));
        different += is != backoff_ms(&backoff, &b, attempt);
    }
    EXPECT(different > 5);
}
