#include "lib/peer/absence.h"

#include "tests/support/test.h"

TEST(absence, is_told_once_and_not_at_once)
{
    struct absence absence = {0};
    EXPECT_EQ(absence_next(&absence), WHEN_NEVER);
    EXPECT(!absence_is_news(&absence, 100, false));
    EXPECT_EQ(absence_next(&absence), 2100);
    EXPECT(!absence_is_news(&absence, 2099, false));
    EXPECT(absence_is_news(&absence, 2100, false));
    EXPECT_EQ(absence_next(&absence), WHEN_NEVER);
    EXPECT(!absence_is_news(&absence, 90000, false));
}

TEST(absence, is_told_again_after_a_return)
{
    struct absence absence = {0};
    EXPECT(!absence_is_news(&absence, 0, false));
    EXPECT(absence_is_news(&absence, 5000, false));
    EXPECT(!absence_is_news(&absence, 6000, true));
    EXPECT_EQ(absence_next(&absence), WHEN_NEVER);
    EXPECT(!absence_is_news(&absence, 7000, false));
    EXPECT(!absence_is_news(&absence, 8000, false));
    EXPECT(absence_is_news(&absence, 9000, false));
}

TEST(absence, a_short_one_is_nobodys_business)
{
    struct absence absence = {0};
    EXPECT(!absence_is_news(&absence, 0, false));
    EXPECT(!absence_is_news(&absence, 1999, true));
    EXPECT(!absence_is_news(&absence, 2000, false));
    EXPECT(!absence_is_news(&absence, 3999, false));
    EXPECT(absence_is_news(&absence, 4000, false));
}
