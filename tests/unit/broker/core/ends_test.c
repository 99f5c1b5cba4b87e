// The first and the last items of a list that grows.

#include "broker/core/ends.h"

#include "tests/support/test.h"

static const struct ends two_and_three = {.first = 2, .last = 3};

TEST(ends, nothing_goes_until_both_ends_are_full)
{
    for (uint32_t item = 1; item <= 5; item++)
        EXPECT_EQ(ends_dropped(&two_and_three, item), 0);
    EXPECT_EQ(ends_dropped(&two_and_three, 6), 3);
    EXPECT_EQ(ends_dropped(&two_and_three, 7), 4);
    EXPECT_EQ(ends_dropped(&two_and_three, UINT32_MAX), UINT32_MAX - 3);
}

// Whatever the length, what is named is what was never dropped.
TEST(ends, kept_items_are_those_that_were_not_dropped)
{
    enum { MOST = 40 };
    bool is_kept[MOST + 1] = {false};
    for (uint32_t count = 1; count <= MOST; count++) {
        is_kept[count] = true;
        is_kept[ends_dropped(&two_and_three, count)] = false;
        uint32_t named = ends_next(&two_and_three, 0, count);
        for (uint32_t item = 1; item <= count; item++) {
            if (!is_kept[item])
                continue;
            EXPECT_EQ(named, item);
            named = ends_next(&two_and_three, named, count);
        }
        EXPECT_EQ(named, 0);
    }
    EXPECT_EQ(ends_next(&two_and_three, 0, 0), 0);
}
