// The test layer itself: what is right passes, and nothing is left behind. What is wrong is in
// tests/support/wrong.

#include "tests/support/test.h"

#include "lib/base/check.h"

#include <sys/stat.h>
#include <unistd.h>

TEST(test, right_claims_pass)
{
    EXPECT(2 > 1);
    EXPECT_EQ(INT64_MIN, INT64_MIN);
    EXPECT_EQ(true, 1);
    EXPECT_STR("a", "a");
    EXPECT_STR(NULL, NULL);
    EXPECT_MEM("ab", "ab", 2);
}

TEST(test, failed_check_is_a_death)
{
    EXPECT_DIES(CHECK(test_seed() == test_seed() + 1));
}

TEST(test, child_changes_nothing_here)
{
    int count = 1;
    EXPECT_DIES({
        count = 2;
        CHECK(count == 1);
    });
    EXPECT_EQ(count, 1);
}

TEST(test, directories_are_fresh_and_empty)
{
    const char *one = test_temp_dir();
    const char *other = test_temp_dir();
    struct stat info;
    EXPECT(strcmp(one, other) != 0);
    EXPECT_EQ(stat(one, &info), 0);
    EXPECT(S_ISDIR(info.st_mode));
    EXPECT_EQ(rmdir(other), 0); // refused if it were not empty
    EXPECT_EQ(mkdir(other, 0700), 0);
}
