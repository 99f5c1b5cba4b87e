// What is due, by the rule for catching up.

#include "tests/support/test.h"

#include "broker/core/due.h"
#include "lib/base/moment.h"

static when_ms at(const char *text)
{
    when_ms moment = 0;
    EXPECT_EQ(moment_parse(slice_of_text(text), &moment), OK);
    return moment;
}

static struct due find(const char *text, enum catch_up catch_up, when_ms after, when_ms now)
{
    struct cron cron;
    struct cron_problem problem;
    struct zone zone;
    struct due due;
    EXPECT_EQ(cron_parse(slice_of_text(text), &cron, &problem), OK);
    zone_set_utc(&zone);
    due_find(
        &(struct due_question){
            .cron = &cron, .zone = &zone, .catch_up = catch_up, .after = after, .now = now},
        &due);
    return due;
}

TEST(due, nothing_is_due_before_its_time)
{
    when_ms noon = at("2026-11-25T12:00:00Z");
    struct due due = find("0 * * * *", CATCH_UP_ALL, noon, noon + 3599999);
    EXPECT_EQ(due.count, 0);
    EXPECT_EQ(due.next_at, noon + 3600000);
    due = find("0 * * * *", CATCH_UP_ALL, noon, noon + 3600000);
    EXPECT_EQ(due.count, 1);
    EXPECT_EQ(due.moments[0], noon + 3600000);
    EXPECT_EQ(due.next_at, noon + 7200000);
}

TEST(due, latest_makes_up_once_for_all)
{
    when_ms noon = at("2026-11-25T12:00:00Z");
    struct due due = find("0 * * * *", CATCH_UP_LATEST, noon, noon + 10 * 3600000 + 1);
    EXPECT_EQ(due.count, 1);
    EXPECT_EQ(due.moments[0], noon + 10 * 3600000);
    EXPECT_EQ(due.next_at, noon + 11 * 3600000);
}

TEST(due, none_lets_late_moments_go)
{
    when_ms noon = at("2026-11-25T12:00:00Z");
    when_ms moment = noon + 3600000;
    EXPECT_EQ(find("0 * * * *", CATCH_UP_NONE, noon, moment + DUE_LATE_MS).count, 1);
    struct due due = find("0 * * * *", CATCH_UP_NONE, noon, moment + DUE_LATE_MS + 1);
    EXPECT_EQ(due.count, 0);
    EXPECT_EQ(due.next_at, noon + 7200000);
    // Of many only the one that is on time.
    due = find("0 * * * *", CATCH_UP_NONE, noon, noon + 5 * 3600000 + 10);
    EXPECT_EQ(due.count, 1);
    EXPECT_EQ(due.moments[0], noon + 5 * 3600000);
}

TEST(due, all_makes_up_for_a_hundred_at_most)
{
    when_ms noon = at("2026-11-25T12:00:00Z");
    for (when_ms missed = 0; missed <= 260; missed++) {
        struct due due = find("* * * * *", CATCH_UP_ALL, noon, noon + missed * 60000 + 59999);
        when_ms expected = missed < MSG_CATCH_UP_MAX ? missed : MSG_CATCH_UP_MAX;
        EXPECT_EQ(due.count, expected);
        for (when_ms i = 0; i < expected; i++)
            EXPECT_EQ(due.moments[i], noon + (missed - expected + 1 + i) * 60000);
        EXPECT_EQ(due.next_at, noon + (missed + 1) * 60000);
    }
}

TEST(due, years_of_absence_cost_little)
{
    when_ms now = at("2026-11-25T12:00:00Z");
    EXPECT_EQ(find("* * * * *", CATCH_UP_ALL, 0, now).count, MSG_CATCH_UP_MAX);
    struct due due = find("0 0 29 2 *", CATCH_UP_ALL, 0, now);
    EXPECT_EQ(due.count, 14); // 1972 to 2024
    EXPECT_EQ(due.moments[13], at("2024-02-29T00:00:00Z"));
    EXPECT_EQ(due.next_at, at("2028-02-29T00:00:00Z"));
    due = find("* * 1 1 *", CATCH_UP_LATEST, 0, now);
    EXPECT_EQ(due.moments[0], at("2026-01-01T23:59:00Z"));
}

TEST(due, end_of_the_calendar_is_the_end)
{
    struct due due = find("0 0 29 2 *", CATCH_UP_LATEST, at("9996-02-29T00:00:00Z"), MOMENT_MAX);
    EXPECT_EQ(due.count, 0);
    EXPECT_EQ(due.next_at, WHEN_NEVER);
}

TEST(due, jitter_is_bounded_spread_and_repeatable)
{
    struct slice name = slice_of_text("nightly");
    EXPECT_EQ(due_jitter_ms(name, 1000, 0), 0);
    uint64_t sum = 0;
    for (when_ms moment = 0; moment < 1000; moment++) {
        uint64_t jitter = due_jitter_ms(name, moment * 60000, 10000);
        EXPECT(jitter <= 10000);
        EXPECT_EQ(jitter, due_jitter_ms(name, moment * 60000, 10000));
        sum += jitter;
    }
    EXPECT(sum / 1000 > 4500 && sum / 1000 < 5500);
    EXPECT(due_jitter_ms(name, 60000, 10000) != due_jitter_ms(slice_of_text("x"), 60000, 10000));
}
