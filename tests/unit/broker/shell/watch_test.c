// Waiting questions: nobody waits past a change, nobody waits past the deadline.

#include "broker/shell/watch.h"
#include "tests/support/test.h"

static struct id id_of(uint8_t number)
{
    struct id id = {{0}};
    id.bytes[15] = number;
    return id;
}

static struct watch_question question(uint8_t job, uint64_t corr)
{
    return (struct watch_question){.id = id_of(job), .corr = corr, .peer = {.number = 1}};
}

static err add(struct watches *watches, uint8_t job, uint64_t corr, when_ms deadline)
{
    struct watch_question asked = question(job, corr);
    return watch_add(watches, &asked, deadline);
}

// The corr of the next due question, 0 when none; its watch is kept in `out_watch`.
static uint64_t next(struct watches *watches, uint32_t *out_watch)
{
    struct watch_question due;
    if (!watch_next(watches, &due))
        return 0;
    *out_watch = due.watch;
    return due.corr;
}

TEST(watch, a_new_question_is_asked_at_once)
{
    struct watches *watches = watch_new(4, 1);
    uint32_t watch = WATCH_NONE;
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(next(watches, &watch), 10);
    EXPECT_EQ(next(watches, &watch), 0);
    watch_free(watches);
}

TEST(watch, a_change_makes_it_due_again)
{
    struct watches *watches = watch_new(4, 1);
    uint32_t watch = WATCH_NONE;
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(next(watches, &watch), 10);
    watch_not_yet(watches, watch);
    struct id other = id_of(2);
    watch_changed(watches, &other);
    EXPECT_EQ(next(watches, &watch), 0);
    struct id mine = id_of(1);
    watch_changed(watches, &mine);
    watch_changed(watches, &mine);
    EXPECT_EQ(next(watches, &watch), 10);
    EXPECT_EQ(next(watches, &watch), 0);
    watch_free(watches);
}

TEST(watch, a_change_while_the_readers_look_is_not_missed)
{
    struct watches *watches = watch_new(4, 1);
    uint32_t watch = WATCH_NONE;
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(next(watches, &watch), 10);
    struct id mine = id_of(1);
    watch_changed(watches, &mine);
    EXPECT_EQ(next(watches, &watch), 0);
    watch_not_yet(watches, watch);
    EXPECT_EQ(next(watches, &watch), 10);
    watch_not_yet(watches, watch);
    EXPECT_EQ(next(watches, &watch), 0);
    watch_free(watches);
}

TEST(watch, the_deadline_asks_for_the_last_time)
{
    struct watches *watches = watch_new(4, 1);
    struct watch_question due;
    EXPECT_EQ(watch_deadline(watches), WHEN_NEVER);
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(add(watches, 2, 11, 50), OK);
    EXPECT_EQ(watch_deadline(watches), 50);
    EXPECT(watch_next(watches, &due) && !due.is_last);
    watch_not_yet(watches, due.watch);
    EXPECT(watch_next(watches, &due));
    uint32_t still_asked = due.watch;

    watch_expire(watches, 49);
    EXPECT(!watch_next(watches, &due));
    watch_expire(watches, 100);
    EXPECT(watch_next(watches, &due) && due.is_last && due.corr == 10);
    watch_answered(watches, due.watch);
    watch_not_yet(watches, still_asked);
    EXPECT(watch_next(watches, &due) && due.is_last && due.corr == 11);
    watch_answered(watches, due.watch);
    EXPECT_EQ(watch_count(watches), 0);
    EXPECT_EQ(watch_deadline(watches), WHEN_NEVER);
    watch_free(watches);
}

TEST(watch, a_question_waits_so_long_and_no_longer)
{
    EXPECT_EQ(watch_until(7, WATCH_WAIT_MS_MAX - 1), 7 + WATCH_WAIT_MS_MAX - 1);
    EXPECT_EQ(watch_until(7, WATCH_WAIT_MS_MAX), 7 + WATCH_WAIT_MS_MAX);
    EXPECT_EQ(watch_until(7, WATCH_WAIT_MS_MAX + 1), 7 + WATCH_WAIT_MS_MAX);
    EXPECT_EQ(watch_until(7, UINT32_MAX), 7 + WATCH_WAIT_MS_MAX);
}

TEST(watch, a_repeated_question_waits_once)
{
    struct watches *watches = watch_new(4, 1);
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(add(watches, 1, 10, 200), OK);
    EXPECT_EQ(watch_count(watches), 1);
    EXPECT_EQ(add(watches, 1, 11, 200), OK);
    struct watch_question of_another_peer = question(1, 10);
    of_another_peer.peer.number = 2;
    EXPECT_EQ(watch_add(watches, &of_another_peer, 100), OK);
    EXPECT_EQ(watch_count(watches), 3);
    watch_free(watches);
}

TEST(watch, a_full_table_refuses_and_an_answer_makes_room)
{
    struct watches *watches = watch_new(2, 1);
    uint32_t watch = WATCH_NONE;
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(add(watches, 1, 11, 100), OK);
    EXPECT_EQ(add(watches, 1, 12, 100), ERR_FULL);
    EXPECT_EQ(next(watches, &watch), 10);
    watch_answered(watches, watch);
    EXPECT_EQ(add(watches, 1, 12, 100), OK);
    EXPECT_EQ(next(watches, &watch), 11);
    EXPECT_EQ(next(watches, &watch), 12);
    watch_free(watches);
}

TEST(watch, what_the_readers_had_no_room_for_comes_again)
{
    struct watches *watches = watch_new(2, 1);
    uint32_t watch = WATCH_NONE;
    EXPECT_EQ(add(watches, 1, 10, 100), OK);
    EXPECT_EQ(next(watches, &watch), 10);
    watch_put_back(watches, watch);
    EXPECT_EQ(next(watches, &watch), 10);
    watch_free(watches);
}

TEST(watch, all_who_wait_for_a_job_are_told)
{
    enum { COUNT = 100 };
    struct watches *watches = watch_new(COUNT, 1);
    struct watch_question due;
    for (uint64_t i = 1; i <= COUNT; i++)
        EXPECT_EQ(add(watches, (uint8_t)(i % 2), i, 1000), OK);
    while (watch_next(watches, &due))
        watch_not_yet(watches, due.watch);
    struct id odd = id_of(1);
    watch_changed(watches, &odd);
    uint32_t told = 0;
    while (watch_next(watches, &due)) {
        EXPECT_EQ(due.corr % 2, 1);
        watch_answered(watches, due.watch);
        told++;
    }
    EXPECT_EQ(told, COUNT / 2);
    EXPECT_EQ(watch_count(watches), COUNT - COUNT / 2);
    watch_free(watches);
}
