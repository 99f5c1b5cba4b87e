// What clients would like.

#include "gateway/core/prefer.h"

#include "tests/support/test.h"

static uint32_t wait_s(const char *header)
{
    return prefer_wait_s(slice_of_text(header));
}

TEST(prefer, a_wait_is_found_among_others)
{
    EXPECT_EQ(wait_s("wait=10"), 10);
    EXPECT_EQ(wait_s(" respond-async , Wait = \"7\" ;x=1, wait=9"), 7);
    EXPECT_EQ(wait_s("foo=\"a, wait=3\", wait=4"), 4);
}

TEST(prefer, it_is_bounded)
{
    EXPECT_EQ(wait_s("wait=60"), 60);
    EXPECT_EQ(wait_s("wait=61"), PREFER_WAIT_S_MAX);
    EXPECT_EQ(wait_s("wait=99999999999999999999999999"), PREFER_WAIT_S_MAX);
}

TEST(prefer, what_cannot_be_read_is_none)
{
    static const char *const none[] = {"",         "wait",     "wait=",       "wait=-1",
                                       "wait=1.5", "wait=10s", "waits=10",    "respond-async",
                                       "wait=\"1", ",;=,",     "foo=\"wait=3"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        EXPECT_EQ(wait_s(none[i]), 0);
    EXPECT_EQ(prefer_wait_s((struct slice){0}), 0);
}
