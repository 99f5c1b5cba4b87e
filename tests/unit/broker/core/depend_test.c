// Jobs that wait for others.

#include "tests/support/story.h"

static const struct id *ids_of(uint32_t a, uint32_t b)
{
    static struct id ids[16][2];
    static unsigned used;
    struct id *pair = ids[used++ % 16];
    pair[0] = story_id(a);
    pair[1] = story_id(b);
    return pair;
}

static struct msg_submit_job after_one(uint32_t number, uint32_t parent, enum on_failure wish)
{
    struct msg_submit_job job = story_job(number);
    job.after = (struct msg_ids){.items = ids_of(parent, 0), .count = 1};
    job.on_dependency_failure = wish;
    return job;
}

static struct msg_submit_job after_two(uint32_t number, uint32_t a, uint32_t b)
{
    struct msg_submit_job job = after_one(number, a, ON_FAILURE_RUN);
    job.after = (struct msg_ids){.items = ids_of(a, b), .count = 2};
    return job;
}

TEST(depend, a_job_starts_when_the_last_one_that_it_waits_for_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 3);
    story_submit_two(story, story_job(1), story_job(2));
    story_submit(story, after_two(3, 1, 2));
    (void)story_told(story);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_tick(story);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_DEAD);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    story_tick(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] write 1 succeeded v3\n"
                        "[0] send worker 1: finished 1 ok\n"
                        "[0] write 2 dead v3 e1 c0 i0\n"
                        "[0] send worker 1: finished 2 ok\n"
                        "[0] write 3 running v3\n"
                        "[0] job 3 to worker 1 token 1.3 attempt 1\n");
    story_finish(story, 11, story_held(3, story_token(1, 3)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] 3 waits no more\n"
                        "[0] write 3 succeeded v4\n"
                        "[0] send worker 1: finished 3 ok\n");
    EXPECT_EQ(story_figures(story).dependency_count, 0);
    story_free(story);
}

TEST(depend, its_own_delay_counts_as_well)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 3);
    story_submit(story, story_job(1));
    struct msg_submit_job child = after_one(2, 1, ON_FAILURE_RUN);
    child.delay_ms = 20;
    story_submit(story, child);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_tick(story);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 20);
    story_at(story, 20);
    story_tick(story);
    EXPECT_STORY(story, "[20] write 2 running v3\n"
                        "[20] job 2 to worker 1 token 1.2 attempt 1\n");
    story_free(story);
}

TEST(depend, a_failure_cancels_and_cascades)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_submit(story, after_one(2, 1, ON_FAILURE_CANCEL));
    story_submit(story, after_one(3, 2, ON_FAILURE_CANCEL));
    story_submit(story, after_one(4, 3, ON_FAILURE_RUN));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    (void)story_told(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] 2 waits no more\n"
                        "[0] 3 waits no more\n"
                        "[0] write 2 cancelled v2\n"
                        "[0] write 3 cancelled v2\n"
                        "[0] write 4 running v3\n" // its own time has come with the release
                        "[0] job 4 to worker 1 token 1.2 attempt 1\n");
    story_free(story);
}

TEST(depend, the_timeline_names_who_has_failed)
{
    struct story *story = story_new();
    char parent[ID_TEXT_LEN + 1];
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_submit(story, after_one(2, 1, ON_FAILURE_CANCEL));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    (void)story_told(story);
    story->only_events = true;
    story_tick(story);
    struct id id = story_id(1);
    id_to_text(&id, parent);
    const char *told = story_told(story);
    EXPECT(strstr(told, "what it waits for has failed: ") != NULL);
    EXPECT(strstr(told, parent) != NULL);
    story_free(story);
}

TEST(depend, what_has_ended_already_is_not_waited_for)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit_two(story, story_job(1), story_job(2));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_DEAD);
    (void)story_told(story);
    story_submit(story, after_two(3, 1, 2));
    EXPECT_STORY(story, "[0] 3 waits for 1 2\n"
                        "[0] write 3 running v2\n"
                        "[0] send client: submitted 3 queued\n"
                        "[0] job 3 to worker 1 token 1.3 attempt 1\n");
    story_submit(story, after_one(4, 2, ON_FAILURE_CANCEL));
    story_tick(story);
    EXPECT_STORY(story, "[0] 4 waits for 2 or is cancelled\n"
                        "[0] write 4 scheduled v1 due 0\n"
                        "[0] send client: submitted 4 scheduled\n"
                        "[0] 4 waits no more\n"
                        "[0] write 4 cancelled v2\n");
    story_free(story);
}

TEST(depend, unknown_ones_are_refused_by_name)
{
    struct story *story = story_new();
    story_submit(story, after_one(2, 1, ON_FAILURE_RUN));
    story_submit(story, after_one(3, 3, ON_FAILURE_RUN)); // itself
    story_submit_two(story, story_job(1), after_one(2, 1, ON_FAILURE_RUN));
    const char *told = story_told(story);
    EXPECT(strstr(told, "submitted 2 dependency (after: not known or no longer kept: ") != NULL);
    EXPECT(strstr(told, "submitted 3 dependency") != NULL);
    EXPECT(strstr(told, "submitted 1 queued, 2 scheduled\n") != NULL);
    story_free(story);
}

TEST(depend, a_restart_goes_on_with_who_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit_two(story, story_job(1), after_one(2, 1, ON_FAILURE_CANCEL));
    story_submit(story, after_one(3, 1, ON_FAILURE_RUN));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    story_restart(story); // before any tick
    EXPECT_EQ(story_figures(story).dependency_count, 2);
    (void)story_told(story);
    story_tick(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] 2 waits no more\n"
                        "[0] write 2 cancelled v2\n"
                        "[0] write 3 queued v2\n");
    story_free(story);
}

TEST(depend, retention_waits_for_those_that_may_read_the_result)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, after_one(2, 1, ON_FAILURE_RUN));
    story_settle(story);
    (void)story_told(story);
    story_at(story, 5000);
    story_remove(story, 1);
    EXPECT_STORY(story, "");
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_settle(story);
    (void)story_told(story);
    story_remove(story, 1);
    EXPECT_STORY(story, "[5000] drop body of 1\n"
                        "[5000] write 1 removed v4\n");
    story_free(story);
}

TEST(depend, nobody_deletes_what_a_job_may_read)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, after_one(2, 1, ON_FAILURE_RUN));
    story_settle(story);
    (void)story_told(story);
    struct msg act = {.kind = MSG_ACT, .act = {.kind = ACT_DELETE, .job_id = story_id(1)}};
    story_say(story, STORY_CLIENT, &act);
    EXPECT(strstr(story_told(story), "conflict") != NULL);
    story_free(story);
}

TEST(depend, a_cancelled_child_waits_for_nobody)
{
    struct story *story = story_new();
    story_submit_two(story, story_job(1), after_one(2, 1, ON_FAILURE_RUN));
    struct msg act = {.kind = MSG_ACT, .act = {.kind = ACT_CANCEL, .job_id = story_id(2)}};
    story_say(story, STORY_CLIENT, &act);
    EXPECT_EQ(story_figures(story).dependency_count, 0);
    story_free(story);
}

TEST(depend, full_tables_refuse_and_restarts_keep_them)
{
    struct limits limits = story_limits();
    limits.dependency_count_max = 2;
    struct story *story = story_new_with(&limits);
    story_submit_two(story, story_job(1), story_job(2));
    story_submit(story, after_two(3, 1, 2));
    (void)story_told(story);
    story_submit(story, after_one(4, 1, ON_FAILURE_RUN));
    EXPECT_STORY(story, "[0] send client: submitted 4 full (dependency_count_max: too many jobs "
                        "wait for others)\n");
    limits.dependency_count_max = 1;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    story_free(story);
}

// --- batches ---

static struct msg_submit_job member(uint32_t number, uint32_t batch)
{
    struct msg_submit_job job = story_job(number);
    job.batch_id = story_id(batch);
    return job;
}

TEST(depend, a_job_starts_when_a_batch_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit_two(story, member(1, 90), member(2, 90));
    story_submit(story, after_one(3, 90, ON_FAILURE_CANCEL));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_tick(story);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 60000); // more members may come
    story_seal(story, 90);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    story_tick(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] batch 90 v4: 2 succeeded sealed finished 0\n"
                        "[0] send client: batch 90 v4 sealed finished\n"
                        "[0] write 3 running v3\n"
                        "[0] job 3 to worker 1 token 1.3 attempt 1\n");
    story_free(story);
}

TEST(depend, one_failed_member_is_a_failed_batch)
{
    struct story *story = story_new();
    story_submit_two(story, member(1, 90), member(2, 90));
    story_seal(story, 90);
    story_submit(story, after_one(3, 90, ON_FAILURE_CANCEL));
    story_submit(story, after_one(4, 90, ON_FAILURE_RUN));
    story_act(story, ACT_CANCEL, 1);
    story_restart(story);
    story_tick(story);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 2);
    story_tick(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] write 2 cancelled v2\n"
                        "[0] batch 90 v4: 2 cancelled sealed finished 0\n"
                        "[0] send client: acted cancelled v2\n"
                        "[0] 3 waits no more\n"
                        "[0] write 3 cancelled v2\n"
                        "[0] write 4 queued v2\n");
    story_submit(story, after_one(5, 90, ON_FAILURE_CANCEL)); // at once, by the next tick
    story_tick(story);
    EXPECT(strstr(story_told(story), "write 5 cancelled v2") != NULL);
    story_free(story);
}

TEST(depend, members_are_kept_for_who_waits_for_their_batch)
{
    struct story *story = story_new();
    story_submit_two(story, member(1, 90), member(2, 90));
    story_seal(story, 90);
    story_submit(story, after_one(3, 90, ON_FAILURE_RUN));
    story_act(story, ACT_CANCEL, 1);
    (void)story_told(story);
    story_at(story, 5000);
    story_remove(story, 1);
    story_act(story, ACT_DELETE, 1);
    EXPECT_STORY(story, "[5000] send client: acted conflict (an unfinished job has waited for it "
                        "and may read its result)\n");
    story_act(story, ACT_CANCEL, 3);
    (void)story_told(story);
    story_remove(story, 1);
    EXPECT(strstr(story_told(story), "write 1 removed") != NULL);
    // What has failed is remembered of removed members, too.
    story_act(story, ACT_CANCEL, 2);
    story_submit(story, after_one(4, 90, ON_FAILURE_CANCEL));
    story_tick(story);
    EXPECT(strstr(story_told(story), "write 4 cancelled") != NULL);
    story_free(story);
}

TEST(depend, a_batch_without_members_is_not_waited_for)
{
    struct story *story = story_new();
    story_submit(story, member(1, 90));
    story_act(story, ACT_CANCEL, 1);
    story_at(story, 1000);
    story_remove(story, 1);
    (void)story_told(story);
    story_submit(story, after_one(2, 90, ON_FAILURE_RUN)); // open still, so it is known
    EXPECT(strstr(story_told(story), "submitted 2 dependency (after: not known") != NULL);
    story_free(story);
}

TEST(depend, no_circle_can_be_written_with_batches)
{
    struct story *story = story_new();
    struct msg_submit_job own = after_one(1, 90, ON_FAILURE_RUN);
    story_submit(story, member(9, 90));
    own.batch_id = story_id(90);
    (void)story_told(story);
    story_submit(story, own);
    EXPECT_STORY(story, "[0] send client: submitted 1 dependency (after: others wait for the job's "
                        "batch, so the job cannot wait itself)\n");
    struct msg_submit_job a = after_one(2, 90, ON_FAILURE_RUN); // batch 91 waits for 90 …
    a.batch_id = story_id(91);
    story_submit(story, a);
    (void)story_told(story);
    struct msg_submit_job b = after_one(3, 91, ON_FAILURE_RUN); // … and 90 for 91
    b.batch_id = story_id(90);
    story_submit(story, b);
    EXPECT(strstr(story_told(story), "submitted 3 dependency (after: others wait") != NULL);
    story_submit(story, member(4, 90)); // who waits for nobody may join
    EXPECT(strstr(story_told(story), "submitted 4 queued") != NULL);
    story_free(story);
}

TEST(depend, a_new_member_makes_a_batch_be_waited_for_again)
{
    struct story *story = story_new();
    story_submit(story, member(1, 90));
    story_seal(story, 90);
    story_submit(story, after_one(2, 90, ON_FAILURE_RUN));
    story_act(story, ACT_CANCEL, 1);
    story_submit(story, member(3, 90)); // before the tick
    story_tick(story);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 3);
    story_seal(story, 90);
    story_tick(story);
    story_tick(story);
    EXPECT(strstr(story_told(story), "write 2 queued") != NULL);
    story_free(story);
}

TEST(depend, a_second_life_keeps_what_the_first_one_waited_for)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 3);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, after_one(2, 1, ON_FAILURE_RUN));
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_DEAD);
    story_act(story, ACT_RETRY, 2);
    (void)story_told(story);
    story_act(story, ACT_DELETE, 1);
    EXPECT_STORY(story, "[0] send client: acted conflict (an unfinished job has "
                        "waited for it and may read its result)\n");
    story_restart(story);
    story_act(story, ACT_DELETE, 1);
    EXPECT_STORY(story, "[0] send client: acted conflict (an unfinished job has "
                        "waited for it and may read its result)\n");
    story_free(story);
}

TEST(depend, second_lives_whose_parents_are_gone_take_no_places)
{
    struct limits limits = story_limits();
    limits.dependency_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 3);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    for (uint32_t number = 2; number <= 3; number++) {
        story_submit(story, after_one(number, 1, ON_FAILURE_RUN));
        story_finish(story, 11, story_held(number, story_token(1, number)), OUTCOME_DEAD);
    }
    story_act(story, ACT_DELETE, 1);
    (void)story_told(story);
    story_act(story, ACT_RETRY, 2);
    EXPECT(strstr(story_told(story), "write 2 running") != NULL);
    story_act(story, ACT_RETRY, 3);
    EXPECT(strstr(story_told(story), "write 3 running") != NULL);
    story_free(story);
}
