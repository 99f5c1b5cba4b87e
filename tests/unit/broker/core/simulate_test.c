// Dry runs that a worker is asked about: an answer comes in any case, and nothing is written.

#include "broker/core/simulations.h"

#include "tests/support/story.h"

static struct slice mail[1];

static void offer(struct story *story, uint32_t peer, uint32_t slots)
{
    mail[0] = slice_of_text("mail");
    story_hello(story, peer, 1, NULL);
    story_say(story, peer,
              &(struct msg){.kind = MSG_READY,
                            .ready = {.types = mail,
                                      .type_count = 1,
                                      .slots = 1,
                                      .simulates = mail,
                                      .simulate_count = 1,
                                      .simulation_slots = slots}});
    (void)story_told(story);
}

static void try(struct story *story, uint32_t peer, uint32_t number, uint64_t corr)
{
    static struct msg_submit_job jobs[8];
    jobs[number % 8] = story_job(number);
    jobs[number % 8].tenant = story->tenant;
    story_say(story, peer,
              &(struct msg){.kind = MSG_SUBMIT,
                            .corr = corr,
                            .submit = {.jobs = &jobs[number % 8], .count = 1, .dry_run = true}});
}

static void say(struct story *story, uint32_t peer, uint64_t no, const char *result)
{
    struct msg_simulated said = {.ok = result != NULL};
    if (result != NULL)
        said.result = (struct body){.content = CONTENT_JSON, .bytes = slice_of_text(result)};
    else
        said.failure.message = slice_of_text("bad row");
    story_say(
        story, peer,
        &(struct msg){.kind = MSG_SIMULATED, .corr = SIMULATIONS_NO_BASE + no, .simulated = said});
}

#define FORECAST "queued forecast due 0 waits 0 ahead 0 paused 0 left 0 attempts 25"

TEST(simulate, a_dry_run_is_told_what_a_worker_says)
{
    struct story *story = story_new();
    offer(story, 11, 2);
    uint64_t digest = story_figures(story).ledger.digest;
    try(story, STORY_CLIENT, 1, 0);
    try(story, STORY_CLIENT, 2, 0);
    say(story, 11, 2, NULL);
    say(story, 11, 1, "{}");
    EXPECT_STORY(story, "[0] send worker 1: simulate #1 1 timeout 40 wait 40\n"
                        "[0] send worker 1: simulate #2 2 timeout 40 wait 40\n"
                        "[0] send client: submitted 2 " FORECAST " failed (bad row)\n"
                        "[0] send client: submitted 1 " FORECAST " ok ({})\n");
    struct core_figures figures = story_figures(story);
    EXPECT_EQ(figures.ledger.digest, digest);
    EXPECT_EQ(figures.job_count + figures.lease_count, 0);
    EXPECT_EQ(figures.simulated[SIMULATION_OK], 1);
    EXPECT_EQ(figures.simulated[SIMULATION_FAILED], 1);
    story_free(story);
}

TEST(simulate, only_an_accepted_job_of_a_type_that_is_offered_is_asked_about)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    story_submit(story, story_job(1)); // takes the worker's only slot
    (void)story_told(story);
    try(story, STORY_CLIENT, 1, 0); // known already
    struct msg_submit_job jobs[2] = {story_job(2), story_job(3)};
    jobs[0].type = slice_of_text("other");
    struct msg dry = {.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = 1, .dry_run = true}};
    story_say(story, STORY_CLIENT, &dry);
    dry.submit.count = 2; // several are not simulated
    story_say(story, STORY_CLIENT, &dry);
    EXPECT_STORY(story, "[0] send client: submitted 1 replayed running\n"
                        "[0] send client: submitted 2 " FORECAST "\n"
                        "[0] send client: submitted 2 queued, 3 queued\n");
    // A busy worker simulates all the same.
    try(story, STORY_CLIENT, 4, 0);
    EXPECT_STORY(story, "[0] send worker 1: simulate #1 4 timeout 40 wait 40\n");
    story_free(story);
}

TEST(simulate, a_late_worker_is_not_waited_for_and_not_asked_until_it_speaks)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    try(story, STORY_CLIENT, 1, 0);
    (void)story_told(story);
    story_at(story, (when_ms)story->limits.simulation_ms - 1);
    story_tick(story);
    EXPECT_STORY(story, "");
    story_at(story, story->limits.simulation_ms);
    story_tick(story);
    try(story, STORY_CLIENT, 2, 0);
    EXPECT_STORY(story, "[40] send client: submitted 1 " FORECAST " late\n"
                        "[40] send client: submitted 2 queued forecast due 40 waits 0 ahead 0 "
                        "paused 0 left 0 attempts 25 busy\n");
    say(story, 11, 1, "{}"); // nobody waits for it any more
    EXPECT_STORY(story, "");
    try(story, STORY_CLIENT, 2, 0);
    EXPECT_STORY(story, "[40] send worker 1: simulate #2 2 timeout 40 wait 40\n");
    story_free(story);
}

TEST(simulate, a_worker_that_leaves_is_told_of)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    try(story, STORY_CLIENT, 1, 0);
    (void)story_told(story);
    story_gone(story, 11);
    EXPECT_STORY(story, "");
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    story_tick(story);
    EXPECT_STORY(story, "[0] send client: submitted 1 " FORECAST " gone\n");
    // Its next session owes nothing; one more of the same worker ends that one.
    offer(story, 11, 1);
    try(story, STORY_CLIENT, 2, 0);
    story_hello(story, 21, 2, NULL);
    (void)story_told(story);
    story_tick(story);
    EXPECT_STORY(story, "[0] send client: submitted 2 " FORECAST " gone\n");
    story_free(story);
}

TEST(simulate, nobody_else_answers_and_a_client_that_has_gone_is_told_nothing)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    story_worker(story, 12, "mail", 1);
    story_client(story, 2);
    try(story, 2, 1, 0);
    (void)story_told(story);
    say(story, 12, 1, "{}");
    say(story, STORY_CLIENT, 1, "{}");
    say(story, 11, 7, "{}");
    EXPECT_STORY(story,
                 "[0] send worker 2: error not-found (corr: this worker was not asked that by "
                 "a SIMULATE)\n"
                 "[0] send client: error bad-field (role: only a worker says this)\n"
                 "[0] send worker 1: error not-found (corr: this worker was not asked that by "
                 "a SIMULATE)\n");
    story_gone(story, 2);
    say(story, 11, 1, "{}");
    EXPECT_STORY(story, "");
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(simulate, a_repeated_question_is_asked_once)
{
    struct story *story = story_new();
    offer(story, 11, 2);
    try(story, STORY_CLIENT, 1, 77);
    try(story, STORY_CLIENT, 1, 77);
    say(story, 11, 1, "{}");
    EXPECT_STORY(story, "[0] send worker 1: simulate #1 1 timeout 40 wait 40\n"
                        "[0] send client: submitted 1 " FORECAST " ok ({})\n");
    story_free(story);
}

TEST(simulate, workers_of_others_and_those_that_leave_are_not_asked)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    story->tenant = slice_of_text("acme");
    try(story, STORY_CLIENT, 1, 0);
    story->tenant = (struct slice){0};
    struct msg stop = {
        .kind = MSG_ACT,
        .act = {.kind = ACT_QUIET, .worker_id = story_worker_id(1), .act_id = story_worker_id(9)}};
    story_say(story, STORY_CLIENT, &stop);
    (void)story_told(story);
    try(story, STORY_CLIENT, 2, 0);
    EXPECT_STORY(story, "[0] send client: submitted 2 " FORECAST "\n");
    EXPECT_EQ(story_figures(story).simulated[SIMULATION_BUSY], 0);
    story_free(story);
}

TEST(simulate, a_restart_forgets_what_was_under_way)
{
    struct story *story = story_new();
    offer(story, 11, 1);
    try(story, STORY_CLIENT, 1, 0);
    story_restart(story);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    try(story, STORY_CLIENT, 1, 0); // its client asks again
    EXPECT_STORY(story, "[0] send client: submitted 1 " FORECAST "\n");
    story_free(story);
}
