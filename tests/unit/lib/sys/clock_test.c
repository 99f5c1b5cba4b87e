#include "lib/sys/clock.h"
#include "tests/support/test.h"

#define DAY_MS ((when_ms)24 * 3600 * 1000)

TEST(clock, goes_forward)
{
    when_ms mono = clock_mono_ms();
    int64_t mono_us = clock_mono_us();
    when_ms boot = clock_boot_ms();
    EXPECT(mono > 0 && boot >= mono - 1);
    EXPECT(mono_us / 1000 >= mono);
    EXPECT(clock_mono_us() >= mono_us);
    EXPECT(clock_boot_ms() >= boot);
    EXPECT(clock_wall_ms() > INT64_C(1700000000000));
}

TEST(clock_store, starts_with_the_wall_and_advances)
{
    struct clock_store store;
    when_ms before = clock_wall_ms();
    EXPECT_EQ(clock_store_open(&store, 0, false), OK);
    when_ms now = clock_store_now(&store);
    EXPECT(now >= before && now < before + 60000);
    EXPECT(clock_store_now(&store) >= now);
}

TEST(clock_store, never_falls_behind_what_is_stored)
{
    struct clock_store store;
    when_ms stored = clock_wall_ms() + 400 * DAY_MS;
    EXPECT_EQ(clock_store_open(&store, stored, false), OK);
    EXPECT(clock_store_now(&store) >= stored);
}

TEST(clock_store, refuses_a_leap_of_more_than_thirty_days)
{
    struct clock_store store = {.slew = {.store = 77}};
    when_ms now = clock_wall_ms();
    EXPECT_EQ(clock_store_open(&store, now - 29 * DAY_MS, false), OK);
    store.slew.store = 77;
    EXPECT_EQ(clock_store_open(&store, now - 31 * DAY_MS, false), ERR_CONFLICT);
    EXPECT_EQ(store.slew.store, 77);
    EXPECT_EQ(clock_store_open(&store, now - 31 * DAY_MS, true), OK);
    EXPECT(clock_store_now(&store) >= now);
}
