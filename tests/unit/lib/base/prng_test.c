// Deterministic numbers: the same for ever, and spread well enough for jitter and simulation.

#include "tests/support/test.h"

#include "lib/base/prng.h"

TEST(prng, splitmix_gives_the_published_numbers)
{
    // The first outputs of splitmix64 seeded with 1234567, as its author's code prints them: the
    // n-th mixes seed + (n - 1) steps.
    uint64_t step = 0x9e3779b97f4a7c15u;
    EXPECT_EQ(prng_mix(1234567), 6457827717110365317u);
    EXPECT_EQ(prng_mix(1234567 + step), 3203168211198807973u);
    EXPECT_EQ(prng_mix(1234567 + 2 * step), (intmax_t)9817491932198370423u);
}

TEST(prng, xoshiro_gives_the_published_numbers)
{
    // xoshiro256** from the state 1, 2, 3, 4.
    struct prng prng = {{1, 2, 3, 4}};
    EXPECT_EQ(prng_next(&prng), 11520);
    EXPECT_EQ(prng_next(&prng), 0);
    EXPECT_EQ(prng_next(&prng), 1509978240);
    EXPECT_EQ(prng_next(&prng), 1215971899390074240);
}

TEST(prng, same_seed_same_numbers)
{
    struct prng a = prng_of(42);
    struct prng b = prng_of(42);
    struct prng c = prng_of(43);
    unsigned same = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t number = prng_next(&a);
        EXPECT_EQ(number, prng_next(&b));
        same += number == prng_next(&c);
    }
    EXPECT_EQ(same, 0);
}

TEST(prng, below_is_below_and_reaches_all)
{
    struct prng prng = prng_of(test_seed());
    unsigned counts[7] = {0};
    for (unsigned i = 0; i < 7000; i++) {
        uint64_t number = prng_below(&prng, 7);
        EXPECT(number < 7);
        counts[number]++;
    }
    for (unsigned i = 0; i < 7; i++)
        EXPECT(counts[i] > 700 && counts[i] < 1300);
    EXPECT_EQ(prng_below(&prng, 1), 0);
    EXPECT_DIES((void)prng_below(&prng, 0));
}

TEST(prng, chance_is_about_what_it_says)
{
    struct prng prng = prng_of(test_seed());
    unsigned hits = 0;
    for (unsigned i = 0; i < 10000; i++) {
        hits += (unsigned)prng_chance(&prng, 30);
        EXPECT(!prng_chance(&prng, 0));
        EXPECT(prng_chance(&prng, 100));
    }
    EXPECT(hits > 2600 && hits < 3400);
}
