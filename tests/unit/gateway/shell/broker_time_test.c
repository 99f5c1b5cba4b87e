// The broker's time, from what it says of jobs.

#include "gateway/shell/broker_time.h"

#include "lib/sys/clock.h"
#include "tests/support/test.h"

enum { SLACK_MS = 60 * 1000, YEAR_S = 365 * 24 * 3600 };

static void expect_near(const struct broker_time *broker_time, when_ms at)
{
    when_ms now = broker_time_now(broker_time);
    EXPECT(now >= at && now < at + SLACK_MS);
}

TEST(broker_time, own_time_until_something_was_heard)
{
    struct broker_time broker_time = {0};
    expect_near(&broker_time, clock_wall_ms());
}

TEST(broker_time, what_was_accepted_or_came_at_a_wrong_time_tells_it)
{
    struct broker_time broker_time = {0};
    when_ms next_year = clock_wall_ms() + (when_ms)YEAR_S * 1000;
    broker_time_hear(&broker_time, &(struct msg_submitted_job){.created_at = next_year});
    expect_near(&broker_time, next_year);
    broker_time_hear(&broker_time,
                     &(struct msg_submitted_job){.error = ERR_ID_TOO_OLD, .created_at = 1000000});
    expect_near(&broker_time, 1000000);
}

TEST(broker_time, old_news_and_none_change_nothing)
{
    struct broker_time broker_time = {0};
    when_ms next_year = clock_wall_ms() + (when_ms)YEAR_S * 1000;
    broker_time_hear(&broker_time, &(struct msg_submitted_job){.created_at = next_year});
    broker_time_hear(&broker_time, &(struct msg_submitted_job){.created_at = 5, .replayed = true});
    broker_time_hear(&broker_time, &(struct msg_submitted_job){.error = ERR_ID_TOO_OLD});
    broker_time_hear(&broker_time, &(struct msg_submitted_job){.error = ERR_FULL, .created_at = 5});
    expect_near(&broker_time, next_year);
}
