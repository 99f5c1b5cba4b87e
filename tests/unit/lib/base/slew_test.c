// Store time under every kind of wall clock.

#include "lib/base/prng.h"
#include "lib/base/slew.h"
#include "tests/support/test.h"

#define DAY_MS ((when_ms)24 * 3600 * 1000)
#define NOON ((when_ms)1800000000000)

TEST(slew, starts_at_the_later_of_store_and_wall)
{
    struct slew_clocks clocks = {.boot = 50, .wall = NOON};
    struct slew slew = slew_start(clocks, 0);
    EXPECT_EQ(slew_now(&slew, clocks), NOON);
    slew = slew_start(clocks, NOON - 5 * DAY_MS);
    EXPECT_EQ(slew_now(&slew, clocks), NOON);
    slew = slew_start(clocks, NOON + 7);
    EXPECT_EQ(slew_now(&slew, clocks), NOON + 7);
}

TEST(slew, tells_how_far_a_start_leads_ahead)
{
    EXPECT_EQ(slew_jump_ms(NOON, 0), 0);
    EXPECT_EQ(slew_jump_ms(NOON, NOON + 1), 0);
    EXPECT_EQ(slew_jump_ms(NOON, NOON - 2 * DAY_MS), 2 * DAY_MS);
}

TEST(slew, follows_a_wall_clock_that_is_right)
{
    struct slew slew = slew_start((struct slew_clocks){.boot = 0, .wall = NOON}, 0);
    for (when_ms passed = 0; passed < 100000; passed += 37)
        EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = passed, .wall = NOON + passed}),
                  NOON + passed);
}

TEST(slew, leans_by_a_tenth_until_it_meets_the_wall)
{
    struct slew slew = slew_start((struct slew_clocks){.boot = 0, .wall = NOON}, 0);
    // The wall jumps 10 s ahead: met after 100 s.
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 1000, .wall = NOON + 11000}),
              NOON + 1100);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 99000, .wall = NOON + 109000}),
              NOON + 108900);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 101000, .wall = NOON + 111000}),
              NOON + 111000);
    // And 10 s back: time goes on, a tenth slower.
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 102000, .wall = NOON + 102000}),
              NOON + 111900);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 202000, .wall = NOON + 202000}),
              NOON + 202000);
}

TEST(slew, leans_also_over_very_short_steps)
{
    struct slew slew = slew_start((struct slew_clocks){.boot = 0, .wall = NOON}, 0);
    when_ms last = 0;
    for (when_ms passed = 1; passed <= 1000; passed++)
        last = slew_now(&slew, (struct slew_clocks){.boot = passed, .wall = NOON + DAY_MS});
    EXPECT_EQ(last, NOON + 1100);
}

TEST(slew, counts_the_sleep_of_the_machine)
{
    struct slew slew = slew_start((struct slew_clocks){.boot = 0, .wall = NOON}, 0);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = DAY_MS, .wall = NOON + DAY_MS}),
              NOON + DAY_MS);
}

TEST(slew, stands_still_when_the_count_goes_back)
{
    struct slew slew = slew_start((struct slew_clocks){.boot = 1000, .wall = NOON}, 0);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 500, .wall = NOON}), NOON);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 1000, .wall = NOON}), NOON);
    EXPECT_EQ(slew_now(&slew, (struct slew_clocks){.boot = 1100, .wall = NOON}), NOON + 90);
}

TEST(slew, never_goes_back_and_never_runs_away)
{
    struct prng prng = prng_of(test_seed());
    struct slew_clocks clocks = {.boot = 0, .wall = NOON};
    struct slew slew = slew_start(clocks, 0);
    when_ms start = NOON;
    when_ms last = NOON;
    for (int i = 0; i < 100000; i++) {
        when_ms step = (when_ms)prng_below(&prng, prng_chance(&prng, 5) ? 100000 : 20);
        clocks.boot += step;
        clocks.wall += step;
        if (prng_chance(&prng, 2)) // strobing and jumping
            clocks.wall = NOON + (when_ms)prng_below(&prng, 2 * (uint64_t)DAY_MS) - DAY_MS;
        when_ms now = slew_now(&slew, clocks);
        EXPECT(now >= last);
        EXPECT(now - start >= clocks.boot - clocks.boot / 10 - 1);
        EXPECT(now - start <= clocks.boot + clocks.boot / 10 + 1);
        last = now;
    }
}
