// Reading expressions.

#include "tests/support/test.h"

#include "lib/base/cron.h"

static struct cron cron_of(const char *text)
{
    struct cron cron = {0};
    struct cron_problem problem = {0};
    err e = cron_parse(slice_of_text(text), &cron, &problem);
    if (e != OK)
        print_message("%s: %s: %s\n", text, problem.field, problem.what);
    EXPECT_EQ(e, OK);
    return cron;
}

static void expect_refused(const char *text, const char *explanation)
{
    struct cron cron = {.minutes = 77};
    struct cron_problem problem = {0};
    EXPECT_EQ(cron_parse(slice_of_text(text), &cron, &problem), ERR_BAD_FIELD);
    EXPECT_EQ(cron.minutes, 77);
    char said[CRON_PROBLEM_LEN];
    cron_explain(&problem, said);
    EXPECT_STR(said, explanation);
}

static uint64_t bits(unsigned from, unsigned to, unsigned step)
{
    uint64_t all = 0;
    for (unsigned value = from; value <= to; value += step)
        all |= (uint64_t)1 << value;
    return all;
}

TEST(cron, stars_are_everything)
{
    struct cron cron = cron_of("* * * * *");
    EXPECT_EQ(cron.minutes, bits(0, 59, 1));
    EXPECT_EQ(cron.hours, bits(0, 23, 1));
    EXPECT_EQ(cron.days, bits(1, 31, 1));
    EXPECT_EQ(cron.months, bits(1, 12, 1));
    EXPECT_EQ(cron.weekdays, bits(0, 6, 1));
    EXPECT(!cron.has_days && !cron.has_weekdays);
}

TEST(cron, numbers_lists_ranges_and_steps_mix)
{
    struct cron cron = cron_of("0,30-35,50-59/4 9-17/2 1,15 1-3,12 1-5");
    EXPECT_EQ(cron.minutes, bits(0, 0, 1) | bits(30, 35, 1) | bits(50, 59, 4));
    EXPECT_EQ(cron.hours, bits(9, 17, 2));
    EXPECT_EQ(cron.days, bits(1, 15, 14));
    EXPECT_EQ(cron.months, bits(1, 3, 1) | bits(12, 12, 1));
    EXPECT_EQ(cron.weekdays, bits(1, 5, 1));
    EXPECT(cron.has_days && cron.has_weekdays);
    EXPECT_EQ(cron_of("*/15 */6 * * *").minutes, bits(0, 45, 15));
    EXPECT_EQ(cron_of("5/20 * * * *").minutes, bits(5, 45, 20));
    EXPECT(!cron_of("0 0 */2 * *").has_days);
}

TEST(cron, names_are_read_in_any_case)
{
    struct cron cron = cron_of("0 0 * jan,MAR-May,dec Mon-FRI");
    EXPECT_EQ(cron.months, bits(1, 1, 1) | bits(3, 5, 1) | bits(12, 12, 1));
    EXPECT_EQ(cron.weekdays, bits(1, 5, 1));
}

TEST(cron, sunday_is_0_and_7)
{
    EXPECT_EQ(cron_of("0 0 * * 0").weekdays, 1);
    EXPECT_EQ(cron_of("0 0 * * 7").weekdays, 1);
    EXPECT_EQ(cron_of("0 0 * * sun").weekdays, 1);
    EXPECT_EQ(cron_of("0 0 * * fri-sun").weekdays, bits(5, 6, 1) | 1);
    EXPECT_EQ(cron_of("0 0 * * 5-7").weekdays, bits(5, 6, 1) | 1);
    EXPECT_EQ(cron_of("0 0 * * 0-7").weekdays, bits(0, 6, 1));
    EXPECT_EQ(cron_of("0 0 * * sun-tue").weekdays, bits(0, 2, 1));
    EXPECT_EQ(cron_of("0 0 * * 7/2").weekdays, 1);
    EXPECT_EQ(cron_of("0 0 * * 1/2").weekdays, bits(1, 5, 2));
    EXPECT_EQ(cron_of("0 0 * * */2").weekdays, bits(0, 6, 2));
}

TEST(cron, aliases_stand_for_five_fields)
{
    static const char *const pairs[][2] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@Daily", "0 0 * * *"},    {" @midnight ", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct cron alias = cron_of(pairs[i][0]);
        struct cron fields = cron_of(pairs[i][1]);
        EXPECT_EQ(alias.minutes, fields.minutes);
        EXPECT_EQ(alias.hours, fields.hours);
        EXPECT_EQ(alias.days, fields.days);
        EXPECT_EQ(alias.months, fields.months);
        EXPECT_EQ(alias.weekdays, fields.weekdays);
    }
}

TEST(cron, blanks_between_fields_do_not_matter)
{
    EXPECT_EQ(cron_of(" \t 5   4\t* *  *  ").minutes, bits(5, 5, 1));
}

TEST(cron, what_is_wrong_is_named)
{
    expect_refused("60 * * * *", "minute \"60\": the largest is 59");
    expect_refused("0 24 * * *", "hour \"24\": the largest is 23");
    expect_refused("0 0 0 * *", "day of month \"0\": the smallest is 1");
    expect_refused("0 0 32 * *", "day of month \"32\": the largest is 31");
    expect_refused("0 0 * 13 *", "month \"13\": the largest is 12");
    expect_refused("0 0 * 0 *", "month \"0\": the smallest is 1");
    expect_refused("0 0 * * 8", "day of week \"8\": the largest is 7, which is Sunday as 0 is");
    expect_refused("0 0 * foo *", "month \"foo\": neither a number nor a known name");
    expect_refused("0 0 * * monday", "day of week \"monday\": neither a number nor a known name");
    expect_refused("jan * * * *", "minute \"jan\": neither a number nor a known name");
    expect_refused("*/0 * * * *", "minute \"0\": a step of 0 leads nowhere");
    expect_refused("*/90 * * * *", "minute \"90\": the step is longer than the field");
    expect_refused("30-10 * * * *", "minute \"30-10\": the range ends before it begins");
    expect_refused("0 0 * * 7-3", "day of week \"7-3\": the range ends before it begins");
    expect_refused("1, * * * *", "minute \"\": a number is missing");
    expect_refused("1-/2 * * * *", "minute \"/2\": neither a number nor a known name");
    expect_refused("5*  * * * *", "minute \"*\": not understood");
    expect_refused("*5  * * * *", "minute \"5\": not understood");
    expect_refused("0 0 L * *", "day of month \"L\": neither a number nor a known name");
    expect_refused("-1 * * * *", "minute \"-1\": neither a number nor a known name");
    expect_refused("99999999999999999999 * * * *",
                   "minute \"99999999999999999999\": the largest is 59");
    expect_refused("0 0 31 2,4 *", "day of month \"31\": none of the months has such a day");
    expect_refused("0 0 30 2 */2", "day of month \"30\": none of the months has such a day");
}

TEST(cron, number_of_fields_is_named)
{
    expect_refused("", "cron \"\": five fields are wanted: minute hour day month weekday");
    expect_refused("* * * *",
                   "cron \"* * * *\": five fields are wanted: minute hour day month weekday");
    expect_refused("0 0 * * * 2026",
                   "cron \"2026\": more than five fields; there are no seconds and no years");
    expect_refused("@reboot", "cron \"@reboot\": not known; there are @hourly @daily @weekly "
                              "@monthly @yearly");
    expect_refused("@every 5m", "cron \"@every 5m\": not known; there are @hourly @daily @weekly "
                                "@monthly @yearly");
}

TEST(cron, length_has_a_limit)
{
    char text[CRON_TEXT_MAX + 2];
    memset(text, ' ', sizeof text);
    memcpy(text, "* * * * *", 9);
    struct cron cron;
    struct cron_problem problem;
    EXPECT_EQ(cron_parse(slice_of(text, CRON_TEXT_MAX), &cron, &problem), OK);
    EXPECT_EQ(cron_parse(slice_of(text, CRON_TEXT_MAX + 1), &cron, &problem), ERR_BAD_FIELD);
    EXPECT_STR(problem.what, "longer than 255 bytes");
}

TEST(cron, leap_day_is_a_day)
{
    EXPECT_EQ(cron_of("0 0 29 2 *").days, bits(29, 29, 1));
    EXPECT_EQ(cron_of("0 0 30 2 1").weekdays, 2); // every Monday of February
}
