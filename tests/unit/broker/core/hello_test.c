// Station hello: roles, sessions, who keeps which lease.

#include "tests/support/story.h"

static const struct job_row *first(const struct story *story)
{
    return &story->store.jobs[0];
}

// Worker 1 (peer 11, session 1) holds job 7 under token 1.1 since moment 5.
static struct story *granted(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    (void)story_told(story);
    return story;
}

static void say_hello(struct story *story, uint32_t peer, enum role role, struct id worker)
{
    story_say(story, peer,
              &(struct msg){.kind = MSG_HELLO, .hello = {.role = role, .worker_id = worker}});
}

TEST(hello, comes_before_anything_else)
{
    struct story *story = story_new();
    story_say(story, 2, &(struct msg){.kind = MSG_SUBMIT});
    story_client(story, 2);
    story_say(story, 2, &(struct msg){.kind = MSG_BYE});
    story_say(story, 2, &(struct msg){.kind = MSG_SUBMIT});
    EXPECT_STORY(story, "[0] send client 2: error unknown-peer (say HELLO first, then repeat)\n"
                        "[0] send client 2: welcome epoch 1\n"
                        "[0] send client 2: error unknown-peer (say HELLO first, then repeat)\n");
    story_free(story);
}

TEST(hello, needs_a_role_and_a_workers_name)
{
    struct story *story = story_new();
    say_hello(story, 2, ROLE_NONE, story_id(0));
    say_hello(story, 2, ROLE_WORKER, (struct id){{0}});
    say_hello(story, 2, ROLE_GATEWAY, (struct id){{0}});
    EXPECT_STORY(
        story,
        "[0] send client 2: error bad-field (HELLO: role, and a worker's worker_id, are needed)\n"
        "[0] send client 2: error bad-field (HELLO: role, and a worker's worker_id, are needed)\n"
        "[0] send client 2: welcome epoch 1\n");
    story_free(story);
}

TEST(hello, tells_the_lengths_of_leases_and_renewals)
{
    struct story *story = story_new();
    story_open(story);
    story_hello(story, 11, 1, NULL);
    (void)core_close(story->core, story->now, &story->fx);
    const struct msg_welcome *welcome = &story->fx.sends[0].msg.welcome;
    EXPECT_EQ(welcome->lease_ms, 30);
    EXPECT_EQ(welcome->renew_ms, 5);
    EXPECT_EQ(welcome->epoch, 1);
    story_free(story);
}

TEST(hello, a_fourth_worker_is_refused)
{
    struct story *story = story_new();
    for (uint32_t peer = 11; peer <= 14; peer++)
        story_hello(story, peer, 1, NULL);
    EXPECT_STORY(story, "[0] send worker 1: welcome epoch 1\n"
                        "[0] send worker 2: welcome epoch 1\n"
                        "[0] send worker 3: welcome epoch 1\n"
                        "[0] send worker 4: error full (worker_count_max: too many workers)\n");
    story_gone(story, 12);
    story_hello(story, 14, 1, NULL);
    EXPECT_STORY(story, "[0] send worker 4: welcome epoch 1\n");
    story_free(story);
}

TEST(hello, a_new_session_without_the_job_is_a_crash)
{
    struct story *story = granted();
    story_at(story, 30); // one lease after the start: nothing is new any more
    story_hello(story, 21, 2, NULL);
    EXPECT_STORY(story, "[30] write 7 queued v3 e0 c1 i0\n"
                        "[30] send worker 1 (2): welcome epoch 1\n");
    story_free(story);
}

TEST(hello, a_new_session_soon_after_a_start_is_an_interruption)
{
    struct story *story = granted();
    story_at(story, 29);
    story_hello(story, 21, 2, NULL);
    EXPECT_STORY(story, "[29] write 7 queued v3 e0 c0 i1\n"
                        "[29] send worker 1 (2): welcome epoch 1\n");
    story_free(story);
}

TEST(hello, the_same_session_without_the_job_is_an_interruption)
{
    struct story *story = granted();
    story_at(story, 30);
    story_hello(story, 21, 1, NULL); // a new connection; the job never arrived
    EXPECT_STORY(story, "[30] write 7 queued v3 e0 c0 i1\n"
                        "[30] send worker 1 (2): welcome epoch 1\n");
    story_free(story);
}

TEST(hello, a_named_lease_is_kept_and_counted_in_full)
{
    struct story *story = granted();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_at(story, 30);
    story_hello(story, 21, 2, &held);
    story_at(story, 59);
    story_tick(story);
    story_finish(story, 21, held, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[30] send worker 1 (2): welcome epoch 1\n"
                        "[59] write 7 succeeded v3\n"
                        "[59] send worker 1 (2): finished 7 ok\n");
    story_free(story);
}

TEST(hello, what_is_named_but_not_held_is_lost)
{
    struct story *story = granted();
    struct msg_held old = story_held(7, story_token(1, 9));
    struct msg_held other = story_held(8, story_token(1, 1));
    struct msg_held passed = story_held(7, story_token(1, 1));
    story_hello(story, 12, 1, &passed); // another worker's
    story_hello(story, 21, 1, &old);
    EXPECT_STORY(story, "[5] send worker 2: welcome epoch 1 lost 7@1.1\n"
                        "[5] write 7 queued v3 e0 c0 i1\n"
                        "[5] send worker 1 (2): welcome epoch 1 lost 7@1.9\n");
    story_hello(story, 31, 1, &other);
    EXPECT_STORY(story, "[5] send worker 1 (3): welcome epoch 1 lost 8@1.1\n");
    story_free(story);
}

TEST(hello, a_passed_lease_that_is_named_stays_counted_and_is_lost)
{
    struct story *story = granted();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_at(story, 35);
    story_tick(story);
    story_hello(story, 21, 1, &held);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[35] send worker 1 (2): welcome epoch 1 lost 7@1.1\n");
    EXPECT_EQ(story_figures(story).lease_count, 1);
    story_ready(story, 21, "mail", 1); // its only slot is still taken by its own word
    EXPECT_EQ(story_figures(story).granted, 1);
    story_free(story);
}

TEST(hello, said_twice_on_one_connection_changes_nothing)
{
    struct story *story = granted();
    story_hello(story, 11, 1, NULL);
    EXPECT_STORY(story, "[5] send worker 1: welcome epoch 1\n");
    EXPECT_EQ(first(story)->state, JOB_RUNNING);
    // It is served still, without another READY.
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, story_job(8));
    EXPECT_EQ(story_figures(story).granted, 2);
    story_free(story);
}

TEST(hello, the_old_connection_of_a_worker_is_unknown_from_then_on)
{
    struct story *story = granted();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_hello(story, 21, 1, &held);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] send worker 1 (2): welcome epoch 1\n"
                        "[5] send worker 1: error unknown-peer (say HELLO first, then repeat)\n");
    story_free(story);
}

TEST(hello, a_connection_may_become_another_peer)
{
    struct story *story = granted();
    say_hello(story, 11, ROLE_CLIENT, (struct id){{0}});
    story_submit(story, story_job(8));
    EXPECT_STORY(story, "[5] send worker 1: welcome epoch 1\n"
                        "[5] write 8 queued v1\n"
                        "[5] send client: submitted 8 queued\n");
    // Worker 1 is gone as if its connection had closed: its lease lives on.
    EXPECT_EQ(first(story)->state, JOB_RUNNING);
    story_ready(story, 11, "mail", 1);
    EXPECT_STORY(story, "[5] send worker 1: error bad-field (role: only a worker says this)\n");
    story_free(story);
}

TEST(hello, a_worker_that_goes_with_nothing_in_hand_is_forgotten)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(story_figures(story).worker_count, 1);
    story_gone(story, 11);
    EXPECT_EQ(story_figures(story).worker_count, 0);
    story_gone(story, 11);           // again
    story_gone(story, STORY_CLIENT); // a client leaves no trace either
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(hello, going_away_gives_passed_leases_back_and_keeps_live_ones)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_at(story, 5);
    story_submit(story, story_job(7));
    story_at(story, 20);
    story_submit(story, story_job(8));
    story_at(story, 35);
    story_tick(story); // 7 passes, 8 lives until 50
    EXPECT_EQ(story_figures(story).lease_count, 2);
    story_say(story, 11, &(struct msg){.kind = MSG_BYE});
    EXPECT_EQ(story_figures(story).lease_count, 1);
    EXPECT_EQ(first(story)->state, JOB_QUEUED);
    EXPECT_EQ(story->store.jobs[1].state, JOB_RUNNING);
    story_free(story);
}

static void say_bye(struct story *story, struct msg_bye bye)
{
    story_say(story, 11, &(struct msg){.kind = MSG_BYE, .bye = bye});
}

// Worker 1 holds jobs 7 and 8 under tokens 1.1 and 1.2, since the broker has served for a lease.
static struct story *granted_two(void)
{
    struct story *story = story_new();
    story_at(story, 40);
    story_worker(story, 11, "mail", 2);
    story_submit_two(story, story_job(7), story_job(8));
    (void)story_told(story);
    return story;
}

TEST(hello, who_leaves_gives_back_at_once_what_it_does_not_name)
{
    struct story *story = granted_two();
    struct msg_held held = story_held(8, story_token(1, 2));
    say_bye(story, (struct msg_bye){.running = {&held, 1}, .is_all = true});
    EXPECT_STORY(story, "[40] write 7 queued v3 e0 c0 i1\n");
    EXPECT_EQ(story_figures(story).lease_count, 1);
    // What it named it may still speak of, until its lease ends; that is a crash then, as ever.
    story_at(story, 70);
    story_tick(story);
    EXPECT_STORY(story, "[70] write 8 queued v3 e0 c1 i0\n");
    story_free(story);
}

TEST(hello, who_leaves_as_workers_did_before_keeps_its_leases)
{
    struct story *story = granted_two();
    struct msg_held held = story_held(8, story_token(1, 2));
    say_bye(story, (struct msg_bye){.running = {&held, 1}});
    EXPECT_STORY(story, "");
    EXPECT_EQ(story_figures(story).lease_count, 2);
    story_free(story);
}

TEST(hello, what_was_given_back_is_the_next_workers)
{
    struct story *story = granted_two();
    story_worker(story, 12, "mail", 1);
    (void)story_told(story);
    say_bye(story, (struct msg_bye){.is_all = true});
    EXPECT_STORY(story, "[40] write 8 running v4 e0 c0 i1\n"
                        "[40] write 7 queued v3 e0 c0 i1\n"
                        "[40] job 8 to worker 2 token 1.3 attempt 1\n");
    story_free(story);
}

// It has begun it all the same, or its word was on its way: once, and never for two.
TEST(hello, a_word_about_what_was_given_back_counts_until_somebody_else_has_it)
{
    struct story *story = granted_two();
    say_bye(story, (struct msg_bye){.is_all = true});
    (void)story_told(story);
    story_worker(story, 11, "mail", 1); // takes job 8 once more
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(8, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[40] write 7 succeeded v4 e0 c0 i1\n"
                        "[40] send worker 1: finished 7 ok\n"
                        "[40] send worker 1: finished 7 ok\n"
                        "[40] send worker 1: finished 8 stale-lease\n");
    story_free(story);
}

TEST(hello, who_leaves_ends_nothing_of_others)
{
    struct story *story = granted_two();
    story_client(story, 2);
    story_hello(story, 21, 2, NULL); // its next session, on another connection
    (void)story_told(story);
    say_bye(story, (struct msg_bye){.is_all = true}); // by the connection before
    story_say(story, 2, &(struct msg){.kind = MSG_BYE, .bye = {.is_all = true}});
    EXPECT_STORY(story, "");
    story_free(story);
}
