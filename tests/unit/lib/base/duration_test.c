// Spans as people write them.

#include "tests/support/test.h"

#include "lib/base/duration.h"
#include "lib/base/prng.h"

static when_ms span_of(const char *text)
{
    when_ms span = -1;
    EXPECT_EQ(duration_parse(slice_of_text(text), &span), OK);
    return span;
}

static bool is_refused(const char *text)
{
    when_ms span = 77;
    err e = duration_parse(slice_of_text(text), &span);
    return e == ERR_BAD_FIELD && span == 77;
}

TEST(duration, units)
{
    EXPECT_EQ(span_of("250ms"), 250);
    EXPECT_EQ(span_of("30s"), 30000);
    EXPECT_EQ(span_of("5m"), 300000);
    EXPECT_EQ(span_of("24h"), 86400000);
    EXPECT_EQ(span_of("7d"), 604800000);
    EXPECT_EQ(span_of("0s"), 0);
    EXPECT_EQ(span_of("0ms"), 0);
}

TEST(duration, longest)
{
    EXPECT_EQ(span_of("36600d"), DURATION_MAX_MS);
    EXPECT_EQ(span_of("3162240000000ms"), DURATION_MAX_MS);
    EXPECT(is_refused("36601d"));
    EXPECT(is_refused("3162240000001ms"));
    EXPECT(is_refused("9223372036854775807ms"));
    EXPECT(is_refused("9223372036854775808d"));
    EXPECT(is_refused("99999999999999999999999999999999999999d"));
}

TEST(duration, other_texts_are_refused_and_nothing_is_written)
{
    static const char *const bad[] = {"",     "s",     "5",         "5 s",       " 5s",  "5s ",
                                      "-5s",  "+5s",   "5.5s",      "05s",       "00s",  "5S",
                                      "5sec", "5M",    "5w",        "5ss",       "0x5s", "5mss",
                                      "1e3s", "5m30s", "\xd9\xa5s", "5\xc2\xa0s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT(is_refused(bad[i]));
    when_ms span = 77;
    EXPECT_EQ(duration_parse(slice_of("5s\0", 3), &span), ERR_BAD_FIELD);
    EXPECT_EQ(duration_parse((struct slice){0}, &span), ERR_BAD_FIELD);
    EXPECT_EQ(span, 77);
}

TEST(duration, shortest_text_is_written)
{
    static const struct {
        when_ms span;
        const char *text;
    } rows[] = {{0, "0s"},
                {1, "1ms"},
                {999, "999ms"},
                {1000, "1s"},
                {1500, "1500ms"},
                {60000, "1m"},
                {90000, "90s"},
                {3600000, "1h"},
                {5400000, "90m"},
                {86400000, "1d"},
                {90000000, "25h"},
                {604800000, "7d"},
                {DURATION_MAX_MS, "36600d"},
                {DURATION_MAX_MS - 1, "3162239999999ms"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[DURATION_TEXT_LEN + 1];
        duration_format(rows[i].span, text);
        EXPECT_STR(text, rows[i].text);
    }
}

TEST(duration, what_is_written_is_read_back)
{
    struct prng prng = prng_of(test_seed());
    static const when_ms units[] = {1, 1000, 60000, 3600000, 86400000};
    for (unsigned i = 0; i < 5000; i++) {
        when_ms unit = units[prng_below(&prng, 5)];
        when_ms span = (when_ms)(prng_next(&prng) >> prng_below(&prng, 64)) & INT64_MAX;
        span = span % (DURATION_MAX_MS / unit + 1) * unit;
        char text[DURATION_TEXT_LEN + 1];
        duration_format(span, text);
        EXPECT_EQ(span_of(text), span);
    }
}

TEST(duration, span_that_cannot_be_written_is_a_bug)
{
    char text[DURATION_TEXT_LEN + 1];
    EXPECT_DIES(duration_format(-1, text));
    EXPECT_DIES(duration_format(DURATION_MAX_MS + 1, text));
}
