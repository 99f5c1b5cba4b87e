// Wishes to wait, as HTTP allows them to be written.

#include "lib/post/core/exchange.h"

#include "tests/support/test.h"

#define SECOND ((when_ms)1000)
#define HOUR (3600 * SECOND)

static when_ms wish(const char *text, when_ms wall)
{
    return exchange_retry_after_ms(slice_of_text(text), wall);
}

TEST(exchange, retry_after_is_read_in_both_forms)
{
    const when_ms wall = 784111777 * SECOND; // Sun, 06 Nov 1994 08:49:37 GMT
    EXPECT_EQ(wish("0", wall), 0);
    EXPECT_EQ(wish(" 120 ", wall), 120 * SECOND);
    EXPECT_EQ(wish("86400", wall), EXCHANGE_WISH_MS_MAX);
    EXPECT_EQ(wish("99999999999999999999999999", wall), EXCHANGE_WISH_MS_MAX);
    EXPECT_EQ(wish("Sun, 06 Nov 1994 08:49:38 GMT", wall), SECOND);
    EXPECT_EQ(wish("Sun, 06 Nov 1994 09:49:37 GMT", wall), HOUR);
    EXPECT_EQ(wish("Sun, 06 Nov 2094 08:49:37 GMT", wall), EXCHANGE_WISH_MS_MAX);
    EXPECT_EQ(wish("Sun, 06 Nov 1994 08:49:37 GMT", wall), 0);
    EXPECT_EQ(wish("Sun, 06 Nov 1993 08:49:37 GMT", wall), 0);
}

TEST(exchange, other_wishes_are_none)
{
    static const char *const wrong[] = {"",
                                        "-1",
                                        "1.5",
                                        "soon",
                                        "Sun, 06 Nov 2094 08:49:37 UTC",
                                        "Sun, 31 Feb 2094 08:49:37 GMT",
                                        "Sun, 06 Nox 2094 08:49:37 GMT",
                                        "Sun, 06 Nov 2094 25:49:37 GMT",
                                        "Sun, 06 Nov 2094 08:60:37 GMT",
                                        "Sun, 06 Nov 2094 08:49:61 GMT",
                                        "Sun, 00 Nov 2094 08:49:37 GMT",
                                        "Sun, 06 Nov 1894 08:49:37 GMT",
                                        "Sun, 06 Nov 2094 08.49:37 GMT",
                                        "Sun, 06 Nov 2094 08:49.37 GMT",
                                        "Sun, 0x Nov 2094 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        EXPECT_EQ(wish(wrong[i], 0), 0);
}
