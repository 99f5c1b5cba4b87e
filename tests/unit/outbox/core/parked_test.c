// Queues that take nothing for now.
// links: weft_base

#include "outbox/core/parked.h"

#include "tests/support/test.h"

static const struct id job = {.bytes = {1, 2, 3}};

static err put(struct parked *parked, const char *queue, when_ms now, uint32_t retry_after_ms)
{
    return parked_put(parked, slice_of_text(queue), &job, now, retry_after_ms);
}

TEST(parked, each_refusal_doubles_the_wait_and_a_taken_row_ends_it)
{
    struct parked parked = {.count = 0};
    when_ms now = 1000;
    when_ms whole = PARKED_FIRST_MS;
    for (int i = 0; i < 12; i++) {
        EXPECT_EQ(put(&parked, "q", now, 0), OK);
        when_ms wait = parked_next(&parked, now) - now;
        EXPECT(wait >= whole / 2);
        EXPECT(wait <= whole);
        now += wait;
        EXPECT_EQ(parked_next(&parked, now), WHEN_NEVER);
        EXPECT(!parked_is(&parked.items[0], now));
        whole = whole * 2 < PARKED_LONGEST_MS ? whole * 2 : PARKED_LONGEST_MS;
    }
    parked_took(&parked, slice_of_text("other"));
    EXPECT_EQ(parked.count, 1);
    parked_took(&parked, slice_of_text("q"));
    EXPECT_EQ(parked.count, 0);
    EXPECT_EQ(put(&parked, "q", now, 0), OK);
    EXPECT(parked_next(&parked, now) - now <= PARKED_FIRST_MS);
}

TEST(parked, jobs_of_one_message_count_once)
{
    struct parked parked = {.count = 0};
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(put(&parked, "q", 5, 0), OK);
    EXPECT_EQ(parked.count, 1);
    EXPECT_EQ(parked.items[0].refusals, 1);
}

TEST(parked, the_broker_may_ask_for_more_but_not_for_ever)
{
    struct parked parked = {.count = 0};
    EXPECT_EQ(put(&parked, "a", 0, 5000), OK);
    EXPECT_EQ(parked_next(&parked, 0), 5000);
    EXPECT_EQ(put(&parked, "b", 0, UINT32_MAX), OK);
    EXPECT_EQ(parked_next(&parked, 5000), PARKED_LONGEST_MS);
}

TEST(parked, full_table_says_so_and_keeps_what_it_has)
{
    struct parked parked = {.count = 0};
    char name[] = "q00";
    for (int i = 0; i < PARKED_COUNT_MAX; i++) {
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        EXPECT_EQ(put(&parked, name, 0, 1000), OK);
    }
    EXPECT_EQ(put(&parked, "another", 0, 1), ERR_FULL);
    EXPECT_EQ(parked.count, PARKED_COUNT_MAX);
    EXPECT_EQ(parked_next(&parked, 0), 1000);
    EXPECT_EQ(put(&parked, "q07", 2000, 0), OK);
    EXPECT_EQ(put(&parked, "another", 2000, 1000), OK); // in the place of one whose time is over
    EXPECT_EQ(parked.count, PARKED_COUNT_MAX);
}
