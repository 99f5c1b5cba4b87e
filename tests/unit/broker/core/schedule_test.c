// Station schedule: schedules are set and dropped, and each of their moments is decided once.

#include "broker/core/entry.h"
#include "tests/support/story.h"

// "backup" every minute, set at moment 0; worker 1 takes one job at a time.
static struct story *scheduled(enum overlap overlap)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_schedule(story, SCHEDULE_SET, "backup", overlap, 1);
    EXPECT_STORY(story, "[0] write schedule backup g1 fired 0 skipped 0\n"
                        "[0] send client: schedule backup g1\n");
    return story;
}

TEST(schedule, moment_makes_a_job_in_the_same_batch)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "[60] write schedule backup g1 last 60 fired 1 skipped 0\n"
                        "[60] write 100 running v2\n"
                        "[60] job 100 to worker 1 token 1.1 attempt 1\n");
    story_free(story);
}

TEST(schedule, moment_is_decided_once)
{
    struct story *story = scheduled(OVERLAP_ALLOW);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    (void)story_told(story);
    story_moment(story, "backup", 1, 60, 100); // again
    story_moment(story, "backup", 1, 59, 101); // earlier
    story_moment(story, "backup", 1, 61, 102); // too early
    story_moment(story, "backup", 2, 60, 103); // of a change that is not known
    story_moment(story, "other", 1, 60, 104);
    EXPECT_STORY(story, "");
    story_restart(story);
    (void)story_told(story);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(schedule, moments_before_it_was_set_do_not_count)
{
    struct story *story = story_new();
    story_at(story, 100);
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_SKIP, 1);
    (void)story_told(story);
    story_moment(story, "backup", 1, 100, 100);
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(schedule, known_job_is_the_moments_job)
{
    struct story *story = scheduled(OVERLAP_ALLOW);
    struct msg_submit_job job = story_job(100);
    story_at(story, 60);
    story_submit(story, job);
    (void)story_told(story);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "[60] write schedule backup g1 last 60 fired 1 skipped 0\n");
    story_free(story);
}

TEST(schedule, overlap_is_skipped_while_the_job_before_is_unfinished)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 65);
    story_renew(story, 11, &(struct msg_held){story_id(100), story_token(1, 1)});
    (void)story_told(story);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "[70] write schedule backup g1 last 70 fired 1 skipped 1\n");
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_FAILED);
    (void)story_told(story);
    story_at(story, 80); // it will be tried again
    story_moment(story, "backup", 1, 80, 102);
    EXPECT_STORY(story, "[80] write schedule backup g1 last 80 fired 1 skipped 2\n");
    story_free(story);
}

TEST(schedule, overlap_ends_with_the_job_before)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "[70] write schedule backup g1 last 70 fired 2 skipped 0\n"
                        "[70] write 101 running v2\n"
                        "[70] job 101 to worker 1 token 1.2 attempt 1\n");
    story_free(story);
}

TEST(schedule, one_moment_waits_in_the_queue_and_no_more)
{
    struct story *story = scheduled(OVERLAP_QUEUE);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    (void)story_told(story);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    story_held_moment(story, "backup", 1, 70, 101); // not yet
    story_at(story, 80);
    story_moment(story, "backup", 1, 80, 102);
    EXPECT_STORY(story, "[70] write schedule backup g1 last 70 held 70 fired 1 skipped 0\n"
                        "[80] write schedule backup g1 last 80 held 70 fired 1 skipped 1\n");
    story_restart(story);
    story_at(story, 90);
    struct msg_held held = story_held(100, story_token(1, 1));
    story_hello(story, 11, 1, &held);
    story_ready(story, 11, "mail", 1);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    (void)story_told(story);
    story_held_moment(story, "backup", 1, 70, 101);
    story_held_moment(story, "backup", 1, 70, 101); // again
    EXPECT_STORY(story, "[90] write schedule backup g1 last 80 fired 2 skipped 1\n"
                        "[90] write 101 running v2\n"
                        "[90] job 101 to worker 1 token 2.1 attempt 1\n");
    story_free(story);
}

TEST(schedule, allowed_jobs_run_side_by_side)
{
    struct story *story = scheduled(OVERLAP_ALLOW);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "[60] write schedule backup g1 last 60 fired 1 skipped 0\n"
                        "[60] write 100 running v2\n"
                        "[60] job 100 to worker 1 token 1.1 attempt 1\n"
                        "[70] write schedule backup g1 last 70 fired 2 skipped 0\n"
                        "[70] write 101 queued v1\n");
    story_free(story);
}

TEST(schedule, moment_replaces_a_waiting_job)
{
    struct story *story = scheduled(OVERLAP_REPLACE);
    story_submit(story, story_job(1)); // the worker has something else to do
    (void)story_told(story);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "[60] write schedule backup g1 last 60 fired 1 skipped 0\n"
                        "[60] write 100 queued v1\n"
                        "[70] write schedule backup g1 last 70 fired 2 skipped 0\n"
                        "[70] write 101 queued v1\n"
                        "[70] write 100 cancelled v2\n");
    story_free(story);
}

TEST(schedule, moment_replaces_a_running_job_in_three_steps)
{
    struct story *story = scheduled(OVERLAP_REPLACE);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    (void)story_told(story);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "[70] write schedule backup g1 last 70 fired 2 skipped 0\n"
                        "[70] write 101 queued v1\n"
                        "[70] write 100 running v3\n"
                        "[70] send worker 1: renewed cancel 100@1.1\n");
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_CANCELLED);
    EXPECT_STORY(story, "[70] write 100 cancelled v4\n"
                        "[70] write 101 running v2\n"
                        "[70] send worker 1: finished 100 ok\n"
                        "[70] job 101 to worker 1 token 1.2 attempt 1\n");
    story_at(story, 80); // what has ended is left alone
    story_finish(story, 11, story_held(101, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_moment(story, "backup", 1, 80, 102);
    EXPECT_STORY(story, "[80] write 101 succeeded v3\n"
                        "[80] send worker 1: finished 101 ok\n"
                        "[80] write schedule backup g1 last 80 fired 3 skipped 0\n"
                        "[80] write 102 running v2\n"
                        "[80] job 102 to worker 1 token 1.3 attempt 1\n");
    story_free(story);
}

TEST(schedule, job_that_is_refused_replaces_nothing)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_REPLACE, 1);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    (void)story_told(story);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(schedule, full_table_leaves_the_moment_undecided)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_ALLOW, 1);
    story_submit(story, story_job(1));
    (void)story_told(story);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(schedule, same_again_changes_nothing)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_at(story, 10);
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_SKIP, 1);
    story_schedule(story, SCHEDULE_RESUME, "backup", OVERLAP_SKIP, 1);
    EXPECT_STORY(story, "[10] send client: schedule backup g1\n"
                        "[10] send client: schedule backup g1\n");
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_SKIP, 2);
    EXPECT_STORY(story, "[10] write schedule backup g2 fired 0 skipped 0\n"
                        "[10] send client: schedule backup g2\n");
    story_free(story);
}

TEST(schedule, pause_makes_no_jobs_and_is_not_made_up_for)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_schedule(story, SCHEDULE_PAUSE, "backup", OVERLAP_SKIP, 1);
    story_schedule(story, SCHEDULE_PAUSE, "backup", OVERLAP_SKIP, 1);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 90);
    story_schedule(story, SCHEDULE_RESUME, "backup", OVERLAP_SKIP, 1);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "[0] write schedule backup g1 paused fired 0 skipped 0\n"
                        "[0] send client: schedule backup g1\n"
                        "[0] send client: schedule backup g1\n"
                        "[90] write schedule backup g1 fired 0 skipped 0\n"
                        "[90] send client: schedule backup g1\n");
    story_free(story);
}

TEST(schedule, change_lets_a_waiting_moment_go)
{
    struct story *story = scheduled(OVERLAP_QUEUE);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    (void)story_told(story);
    story_schedule(story, SCHEDULE_SET, "backup", OVERLAP_QUEUE, 2);
    EXPECT_STORY(story, "[70] write schedule backup g2 last 70 fired 1 skipped 1\n"
                        "[70] send client: schedule backup g2\n");
    story_free(story);
}

TEST(schedule, deleted_one_is_gone)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_schedule(story, SCHEDULE_DELETE, "backup", OVERLAP_SKIP, 1);
    story_schedule(story, SCHEDULE_DELETE, "backup", OVERLAP_SKIP, 1);
    story_schedule(story, SCHEDULE_PAUSE, "backup", OVERLAP_SKIP, 1);
    EXPECT_STORY(story, "[0] drop schedule backup g1 fired 0 skipped 0\n"
                        "[0] send client: schedule backup g1\n"
                        "[0] send client: schedule backup not-found (no such schedule; check the "
                        "id)\n"
                        "[0] send client: schedule backup not-found (no such schedule; check the "
                        "id)\n");
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(schedule, table_has_a_limit)
{
    struct story *story = scheduled(OVERLAP_SKIP);
    story_schedule(story, SCHEDULE_SET, "b", OVERLAP_SKIP, 1);
    story_schedule(story, SCHEDULE_SET, "c", OVERLAP_SKIP, 1);
    EXPECT_STORY(story, "[0] write schedule b g1 fired 0 skipped 0\n"
                        "[0] send client: schedule b g1\n"
                        "[0] send client: schedule c full (schedule_count_max: too many "
                        "schedules)\n");
    EXPECT_EQ(story_figures(story).schedule_count, 2);
    struct limits limits = story_limits();
    limits.schedule_count_max = 1;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    story_free(story);
}

TEST(schedule, figures_count_verdicts)
{
    struct story *story = scheduled(OVERLAP_QUEUE);
    story_at(story, 60);
    story_moment(story, "backup", 1, 60, 100);
    story_at(story, 70);
    story_moment(story, "backup", 1, 70, 101);
    story_at(story, 80);
    story_moment(story, "backup", 1, 80, 102);
    struct core_figures figures = story_figures(story);
    EXPECT_EQ(figures.moments[MOMENT_FIRED], 1);
    EXPECT_EQ(figures.moments[MOMENT_HELD], 1);
    EXPECT_EQ(figures.moments[MOMENT_SKIPPED], 1);
    story_free(story);
}
