// Told as a story.

#include "gateway/hooks/core/breaker.h"

#include "tests/support/test.h"

static struct breaker opened(when_ms now)
{
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAULTS; i++)
        breaker_end(&breaker, now, true);
    EXPECT_EQ(breaker.state, BREAKER_OPEN);
    return breaker;
}

TEST(breaker, faults_in_a_row_open_it)
{
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAULTS - 1; i++)
        breaker_end(&breaker, 0, true);
    EXPECT(breaker_lets(&breaker, 0));
    breaker_end(&breaker, 0, false);
    for (int i = 0; i < BREAKER_FAULTS - 1; i++)
        breaker_end(&breaker, 0, true);
    EXPECT(breaker_lets(&breaker, 0));
    breaker_end(&breaker, 100, true);
    EXPECT(!breaker_lets(&breaker, 100));
    EXPECT_EQ(breaker_wait_ms(&breaker, 100), BREAKER_PAUSE_FIRST_MS);
    EXPECT_EQ(breaker_wait_ms(&breaker, 100 + BREAKER_PAUSE_FIRST_MS + 5), 0);
}

TEST(breaker, one_probe_decides)
{
    struct breaker breaker = opened(0);
    EXPECT(!breaker_lets(&breaker, BREAKER_PAUSE_FIRST_MS - 1));
    EXPECT(breaker_lets(&breaker, BREAKER_PAUSE_FIRST_MS));
    breaker_begin(&breaker, BREAKER_PAUSE_FIRST_MS);
    EXPECT_EQ(breaker.state, BREAKER_HALF);
    EXPECT(!breaker_lets(&breaker, BREAKER_PAUSE_FIRST_MS + 1000));
    EXPECT(breaker_wait_ms(&breaker, BREAKER_PAUSE_FIRST_MS) > 0);
    breaker_end(&breaker, BREAKER_PAUSE_FIRST_MS + 1, false);
    EXPECT_EQ(breaker.state, BREAKER_CLOSED);
    EXPECT_EQ(breaker_wait_ms(&breaker, 0), 0);
}

TEST(breaker, each_failed_probe_doubles_the_pause)
{
    struct breaker breaker = opened(0);
    when_ms now = 0;
    when_ms pause = BREAKER_PAUSE_FIRST_MS;
    for (int i = 0; i < 10; i++) {
        now += pause;
        breaker_begin(&breaker, now);
        breaker_end(&breaker, now, true);
        pause = 2 * pause > BREAKER_PAUSE_LONGEST_MS ? BREAKER_PAUSE_LONGEST_MS : 2 * pause;
        EXPECT_EQ(breaker_wait_ms(&breaker, now), pause);
    }
    EXPECT_EQ(pause, BREAKER_PAUSE_LONGEST_MS);
    breaker_begin(&breaker, now + pause);
    breaker_end(&breaker, now + pause, false);
    EXPECT_EQ(opened(now).pause_ms, BREAKER_PAUSE_FIRST_MS);
}

TEST(breaker, what_was_under_way_when_it_opened_says_nothing_new)
{
    struct breaker breaker = opened(0);
    breaker_end(&breaker, 10, true);
    EXPECT_EQ(breaker_wait_ms(&breaker, 10), BREAKER_PAUSE_FIRST_MS - 10);
    breaker_end(&breaker, 20, false); // but a success does
    EXPECT(breaker_lets(&breaker, 20));
}

TEST(breaker, a_probe_without_an_end_makes_room_for_another)
{
    struct breaker breaker = opened(0);
    breaker_void(&breaker, 1);
    EXPECT(!breaker_lets(&breaker, 1));
    breaker_begin(&breaker, BREAKER_PAUSE_FIRST_MS);
    breaker_void(&breaker, BREAKER_PAUSE_FIRST_MS + 7);
    EXPECT(breaker_lets(&breaker, BREAKER_PAUSE_FIRST_MS + 7));
    struct breaker closed = {0};
    breaker_void(&closed, 0);
    EXPECT(breaker_lets(&closed, 0));
}

TEST(breaker, nothing_begins_while_it_is_open)
{
    struct breaker breaker = opened(0);
    EXPECT_DIES(breaker_begin(&breaker, 1));
}
