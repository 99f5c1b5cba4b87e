// When the schedules are due: by what settled batches wrote.

#include "broker/shell/timetable.h"
#include "tests/support/test.h"

static struct msg_submit_job job = {.type = {(const uint8_t *)"t", 1},
                                    .priority = MSG_PRIORITY_NOT_GIVEN};

enum { MINUTE = 60000 };

static struct msg_schedule given(const char *cron, enum catch_up catch_up)
{
    return (struct msg_schedule){.schedule_id = slice_of_text("a"),
                                 .cron = slice_of_text(cron),
                                 .zone = slice_of_text("UTC"),
                                 .catch_up = catch_up,
                                 .jobs = &job,
                                 .job_count = 1};
}

static void settle_row(struct timetable *timetable, struct msg_schedule_state state,
                       const struct msg_schedule *what)
{
    timetable_settled(timetable, &(struct write){.kind = WRITE_SCHEDULE,
                                                 .schedule = {.row = {.name = slice_of_text("a"),
                                                                      .state = state,
                                                                      .fingerprint = 7},
                                                              .given = what}});
}

// A schedule set at `since`.
static struct timetable *make(const char *cron, enum catch_up catch_up, when_ms since)
{
    struct timetable *timetable = timetable_new(4, test_seed());
    EXPECT(timetable != NULL);
    struct msg_schedule what = given(cron, catch_up);
    settle_row(timetable, (struct msg_schedule_state){.generation = 1, .since_at = since}, &what);
    return timetable;
}

TEST(timetable, empty_one_never_wakes_anybody)
{
    struct timetable *timetable = timetable_new(4, 1);
    struct timetable_due due;
    EXPECT_EQ(timetable_wait_ms(timetable, 1000), WHEN_NEVER);
    EXPECT(!timetable_take(timetable, 1000, &due));
    timetable_free(timetable);
}

TEST(timetable, moment_is_due_at_its_time_once)
{
    struct timetable *timetable = make("* * * * *", CATCH_UP_ALL, 1000);
    struct timetable_due due;
    EXPECT_EQ(timetable_wait_ms(timetable, 1000), MINUTE - 1000);
    EXPECT(!timetable_take(timetable, MINUTE - 1, &due));
    EXPECT(timetable_take(timetable, MINUTE, &due));
    EXPECT_EQ(due.due.count, 1);
    EXPECT_EQ(due.due.moments[0], MINUTE);
    EXPECT_EQ(due.generation, 1);
    EXPECT_EQ(due.fingerprint, 7);
    EXPECT(slice_is_text(due.name, "a") && !due.is_held);
    timetable_done(timetable, &due, 1, 0);
    EXPECT(!timetable_take(timetable, MINUTE, &due));
    EXPECT_EQ(timetable_wait_ms(timetable, MINUTE), MINUTE);
    // The batch that decided it says nothing new.
    settle_row(timetable,
               (struct msg_schedule_state){.generation = 1, .since_at = 1000, .last_at = MINUTE},
               NULL);
    EXPECT(!timetable_take(timetable, MINUTE, &due));
    EXPECT_EQ(timetable_wait_ms(timetable, MINUTE), MINUTE);
    timetable_free(timetable);
}

TEST(timetable, what_had_no_room_comes_again)
{
    struct timetable *timetable = make("* * * * *", CATCH_UP_ALL, 0);
    struct timetable_due due;
    EXPECT(timetable_take(timetable, 3 * MINUTE, &due));
    EXPECT_EQ(due.due.count, 3);
    timetable_done(timetable, &due, 1, 3 * MINUTE + 1000);
    EXPECT(!timetable_take(timetable, 3 * MINUTE + 999, &due));
    EXPECT(timetable_take(timetable, 3 * MINUTE + 1000, &due));
    EXPECT_EQ(due.due.count, 2);
    EXPECT_EQ(due.due.moments[0], 2 * MINUTE);
    timetable_free(timetable);
}

TEST(timetable, older_row_does_not_bring_moments_back)
{
    struct timetable *timetable = make("* * * * *", CATCH_UP_ALL, 0);
    struct timetable_due due;
    EXPECT(timetable_take(timetable, 2 * MINUTE, &due));
    timetable_done(timetable, &due, 2, 0);
    // A batch that knew only the first of them is settled.
    settle_row(timetable, (struct msg_schedule_state){.generation = 1, .last_at = MINUTE}, NULL);
    EXPECT(!timetable_take(timetable, 2 * MINUTE, &due));
    timetable_free(timetable);
}

TEST(timetable, change_counts_from_its_own_time)
{
    struct timetable *timetable = make("* * * * *", CATCH_UP_ALL, 0);
    struct msg_schedule what = given("*/5 * * * *", CATCH_UP_LATEST);
    settle_row(timetable, (struct msg_schedule_state){.generation = 2, .since_at = 90 * 1000},
               &what);
    struct timetable_due due;
    EXPECT(!timetable_take(timetable, 2 * MINUTE, &due));
    EXPECT(timetable_take(timetable, 5 * MINUTE, &due));
    EXPECT_EQ(due.generation, 2);
    timetable_free(timetable);
}

TEST(timetable, paused_and_deleted_ones_rest)
{
    struct timetable *timetable = make("* * * * *", CATCH_UP_ALL, 0);
    struct write write = {
        .kind = WRITE_SCHEDULE,
        .schedule = {
            .row = {.name = slice_of_text("a"), .state = {.generation = 1}, .is_paused = true}}};
    timetable_settled(timetable, &write);
    EXPECT_EQ(timetable_wait_ms(timetable, 0), WHEN_NEVER);
    write.schedule.row.is_paused = false;
    write.schedule.row.state.since_at = 10 * MINUTE;
    timetable_settled(timetable, &write);
    EXPECT_EQ(timetable_wait_ms(timetable, 10 * MINUTE), MINUTE);
    write.kind = DROP_SCHEDULE;
    timetable_settled(timetable, &write);
    EXPECT_EQ(timetable_wait_ms(timetable, 0), WHEN_NEVER);
    timetable_settled(timetable, &write); // it has been
    timetable_free(timetable);
}

TEST(timetable, held_moment_is_asked_for_when_its_job_may_have_ended)
{
    struct timetable *timetable = make("0 * * * *", CATCH_UP_ALL, 0);
    struct id before = {{9}};
    settle_row(timetable,
               (struct msg_schedule_state){
                   .generation = 1, .last_at = MINUTE, .held_at = MINUTE, .last_job_id = before},
               NULL);
    struct timetable_due due;
    EXPECT_EQ(timetable_wait_ms(timetable, 2 * MINUTE), 0);
    EXPECT(timetable_take(timetable, 2 * MINUTE, &due));
    EXPECT(due.is_held);
    EXPECT_EQ(due.due.moments[0], MINUTE);
    timetable_done(timetable, &due, 1, 0); // it has not ended
    EXPECT(!timetable_take(timetable, 2 * MINUTE, &due));
    timetable_settled(
        timetable,
        &(struct write){.kind = WRITE_JOB, .job = {.row = {.id = {{8}}, .state = JOB_SUCCEEDED}}});
    timetable_settled(
        timetable,
        &(struct write){.kind = WRITE_JOB, .job = {.row = {.id = before, .state = JOB_RUNNING}}});
    EXPECT(!timetable_take(timetable, 2 * MINUTE, &due));
    timetable_settled(
        timetable,
        &(struct write){.kind = WRITE_JOB, .job = {.row = {.id = before, .state = JOB_DEAD}}});
    EXPECT(timetable_take(timetable, 2 * MINUTE, &due));
    EXPECT(due.is_held);
    timetable_done(timetable, &due, 0, 3 * MINUTE); // the table of jobs was full
    EXPECT(!timetable_take(timetable, 2 * MINUTE, &due));
    EXPECT(timetable_take(timetable, 3 * MINUTE, &due));
    EXPECT(due.is_held);
    timetable_free(timetable);
}

TEST(timetable, unknown_zone_rests_and_is_told)
{
    struct timetable *timetable = timetable_new(4, 1);
    struct msg_schedule what = given("* * * * *", CATCH_UP_ALL);
    what.zone = slice_of_text("Europe/Atlantis");
    settle_row(timetable, (struct msg_schedule_state){.generation = 1}, &what);
    EXPECT_EQ(timetable_wait_ms(timetable, 0), WHEN_NEVER);
    timetable_free(timetable);
}

TEST(timetable, table_fills_and_places_are_used_again)
{
    struct timetable *timetable = timetable_new(4, 1);
    char name[2] = "a";
    struct msg_schedule what = given("* * * * *", CATCH_UP_ALL);
    for (unsigned round = 0; round < 3; round++) {
        for (name[0] = 'a'; name[0] < 'e'; name[0]++)
            timetable_settled(timetable,
                              &(struct write){.kind = WRITE_SCHEDULE,
                                              .schedule = {.row = {.name = slice_of_text(name),
                                                                   .state = {.generation = 1}},
                                                           .given = &what}});
        for (name[0] = 'a'; name[0] < 'e'; name[0]++)
            timetable_settled(timetable,
                              &(struct write){.kind = DROP_SCHEDULE,
                                              .schedule = {.row = {.name = slice_of_text(name)}}});
    }
    EXPECT_EQ(timetable_wait_ms(timetable, 0), WHEN_NEVER);
    timetable_free(timetable);
}

// --- judging ---

static struct msg_schedule_set judged(struct timetable *timetable, struct msg_schedule what,
                                      uint32_t next_count)
{
    static _Alignas(16) uint8_t room[4096];
    static struct msg_submit_job copy;
    struct arena arena = {.data = room, .cap = sizeof room};
    copy = job;
    what.jobs = &copy;
    struct msg_schedule_set set = {.act = SCHEDULE_SET, .given = what, .next_count = next_count};
    EXPECT_EQ(timetable_judge(timetable, &set, 1000, &arena), OK);
    return set;
}

TEST(timetable, judging_fills_in_what_was_not_given)
{
    struct timetable *timetable = timetable_new(4, 1);
    struct msg_schedule what = given("@hourly", CATCH_UP_NOT_GIVEN);
    what.zone = (struct slice){0};
    struct msg_schedule_set set = judged(timetable, what, 3);
    EXPECT_EQ(set.verdict, OK);
    EXPECT_EQ(set.given.overlap, OVERLAP_SKIP);
    EXPECT_EQ(set.given.catch_up, CATCH_UP_LATEST);
    EXPECT(slice_is_text(set.given.zone, "UTC"));
    EXPECT(slice_is_text(set.given.jobs->queue, "default"));
    EXPECT_EQ(set.next.count, 3);
    EXPECT_EQ(set.next.items[2].at, 3 * 60 * MINUTE);
    // Saying the defaults is the same as leaving them out; anything else is another schedule.
    what.zone = slice_of_text("UTC");
    what.overlap = OVERLAP_SKIP;
    uint64_t same = judged(timetable, what, 0).given.fingerprint;
    EXPECT(same == set.given.fingerprint && same != 0);
    what.jitter_ms = 1;
    EXPECT(judged(timetable, what, 0).given.fingerprint != same);
    timetable_free(timetable);
}

TEST(timetable, judging_names_what_is_wrong)
{
    struct timetable *timetable = timetable_new(4, 1);
    struct msg_schedule_set set = judged(timetable, given("61 * * * *", CATCH_UP_ALL), 0);
    EXPECT_EQ(set.verdict, ERR_BAD_FIELD);
    EXPECT(slice_is_text(set.detail, "minute \"61\": the largest is 59"));
    struct msg_schedule what = given("@daily", CATCH_UP_ALL);
    what.zone = slice_of_text("Europe/Atlantis");
    set = judged(timetable, what, 0);
    EXPECT_EQ(set.verdict, ERR_BAD_FIELD);
    EXPECT(set.detail.len > 0 && memcmp(set.detail.data, "no such time zone", 17) == 0);
    what = given("@daily", CATCH_UP_ALL);
    what.schedule_id = slice_of_text("A");
    EXPECT_EQ(judged(timetable, what, 0).verdict, ERR_BAD_FIELD);
    timetable_free(timetable);
}

TEST(timetable, judging_needs_room)
{
    struct timetable *timetable = timetable_new(4, 1);
    _Alignas(16) uint8_t room[64];
    struct arena arena = {.data = room, .cap = sizeof room};
    struct msg_submit_job copy = job;
    struct msg_schedule_set set = {
        .act = SCHEDULE_SET, .given = given("@daily", CATCH_UP_ALL), .next_count = MSG_MOMENTS_MAX};
    set.given.jobs = &copy;
    EXPECT_EQ(timetable_judge(timetable, &set, 1000, &arena), ERR_NO_MEMORY);
    timetable_free(timetable);
}
