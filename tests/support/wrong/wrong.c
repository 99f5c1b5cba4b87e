// Tests that are wrong on purpose, run one by one: each must fail, or the test layer sees nothing.

#include "tests/support/test.h"

TEST(wrong, truth)
{
    EXPECT(1 + 1 == 3);
}

TEST(wrong, number)
{
    EXPECT_EQ(UINT64_MAX, 1);
}

TEST(wrong, text)
{
    EXPECT_STR("a", "b");
}

TEST(wrong, absence)
{
    EXPECT_STR(NULL, "b");
}

TEST(wrong, bytes)
{
    EXPECT_MEM("ab", "aB", 2);
}

TEST(wrong, survival)
{
    EXPECT_DIES((void)0);
}
