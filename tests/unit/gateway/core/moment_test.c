// Durations and moments.

#include "gateway/core/moment.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

TEST(moment, spans_have_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        when_ms span;
    } rows[] = {{"250ms", 250},
                {"0s", 0},
                {"30s", 30000},
                {"5m", 300000},
                {"24h", 86400000},
                {"7d", 604800000},
                {"36600d", (when_ms)36600 * 86400000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        when_ms span;
        EXPECT_EQ(moment_span(slice_of_text(rows[i].text), &span), OK);
        EXPECT_EQ(span, rows[i].span);
    }
}

TEST(moment, other_spans_are_refused)
{
    static const char *const texts[] = {"",
                                        "s",
                                        "30",
                                        "-1s",
                                        "+1s",
                                        " 1s",
                                        "1s ",
                                        "1.5s",
                                        "1S",
                                        "1w",
                                        "1mm",
                                        "1h30m",
                                        "36601d",
                                        "99999999999999ms",
                                        "9999999999999d",
                                        "0x1s"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        when_ms span;
        EXPECT_EQ(moment_span(slice_of_text(texts[i]), &span), ERR_BAD_FIELD);
    }
}

TEST(moment, moments_are_read)
{
    static const struct {
        const char *text;
        when_ms at;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"2026-12-01T08:00:00Z", 1796112000000},
        {"2026-12-01t08:00:00z", 1796112000000},
        {"2026-12-01T10:30:00+02:30", 1796112000000},
        {"2026-12-01T07:00:00-01:00", 1796112000000},
        {"2024-02-29T23:59:59.999999Z", 1709251199999},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"9999-12-31T23:59:59.9Z", 253402300799900},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        when_ms at = -1;
        EXPECT_EQ(moment_read(slice_of_text(rows[i].text), &at), OK);
        EXPECT_EQ(at, rows[i].at);
    }
}

TEST(moment, what_is_no_moment_is_refused)
{
    static const char *const texts[] = {"",
                                        "2026",
                                        "2026-12-01",
                                        "2026-12-01T08:00:00",
                                        "2026-12-01 08:00:00Z",
                                        "2026-13-01T08:00:00Z",
                                        "2026-00-01T08:00:00Z",
                                        "2026-02-29T08:00:00Z",
                                        "2100-02-29T08:00:00Z",
                                        "2026-04-31T08:00:00Z",
                                        "2026-12-01T24:00:00Z",
                                        "2026-12-01T08:60:00Z",
                                        "2026-12-01T08:00:61Z",
                                        "2026-12-01T08:00:00.Z",
                                        "2026-12-01T08:00:00.1234567890Z",
                                        "2026-12-01T08:00:00+24:00",
                                        "2026-12-01T08:00:00+0200",
                                        "2026-12-01T08:00:00+02:60",
                                        "1969-12-31T23:59:59Z",
                                        "1970-01-01T00:00:00+01:00",
                                        "26-12-01T08:00:00Z",
                                        "2026-12-01T08:00:00ZZ",
                                        "2026-1-01T08:00:00Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        when_ms at;
        EXPECT_EQ(moment_read(slice_of_text(texts[i]), &at), ERR_BAD_FIELD);
    }
}

TEST(moment, what_is_written_is_read_again)
{
    struct prng prng = prng_of(test_seed());
    for (int i = 0; i < 100000; i++) {
        when_ms at = (when_ms)prng_below(&prng, 253402300799999);
        when_ms back;
        char text[MOMENT_TEXT_LEN + 1];
        moment_write(at, text);
        EXPECT_EQ(moment_read(slice_of_text(text), &back), OK);
        EXPECT_EQ(back, at);
    }
    char text[MOMENT_TEXT_LEN + 1];
    moment_write(1709251199999, text);
    EXPECT_STR(text, "2024-02-29T23:59:59.999Z");
}
