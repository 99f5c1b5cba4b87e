// How much a command may change at most.

#include "tests/support/story.h"

TEST(core_weight, a_command_weighs_what_it_may_change)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit_two(story, story_job(1), story_job(2));
    struct msg_submit_job jobs[5] = {0};
    struct msg submit = {.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = 5}};
    struct msg_held held[12] = {0};
    struct msg hello = {.kind = MSG_HELLO,
                        .hello = {.role = ROLE_WORKER,
                                  .worker_id = story_worker_id(1),
                                  .running = {.items = held, .count = 12}}};
    struct msg stranger = hello;
    stranger.hello.worker_id = story_worker_id(5);
    struct msg_finish_job finished[3] = {0};
    struct msg finish = {.kind = MSG_FINISH, .finish = {.jobs = finished, .count = 3}};
    struct msg bye = {.kind = MSG_BYE};
    struct msg bye_all = {.kind = MSG_BYE, .bye = {.is_all = true}};
    const struct {
        struct command command;
        uint32_t weight;
    } rows[] = {
        {{.kind = COMMAND_MESSAGE, .msg = &submit}, 5},
        {{.kind = COMMAND_MESSAGE, .msg = &hello}, 2 + 12 / 4}, // both its leases may end
        {{.kind = COMMAND_MESSAGE, .msg = &stranger}, 12 / 4},
        {{.kind = COMMAND_MESSAGE, .msg = &finish}, 3},
        {{.kind = COMMAND_MESSAGE, .peer = 11, .msg = &bye}, 0}, // its leases stay
        {{.kind = COMMAND_MESSAGE, .peer = 11, .msg = &bye_all}, 2},
        {{.kind = COMMAND_MESSAGE, .peer = 12, .msg = &bye_all}, 0},
        {{.kind = COMMAND_GONE}, 0},
        {{.kind = COMMAND_UNSENT, .unsent = {.items = held, .count = 7}}, 7},
        {{.kind = COMMAND_REMOVE, .job_no_count = 4}, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        EXPECT_EQ(core_weight(story->core, &rows[i].command), rows[i].weight);
    story_free(story);
}

// Each of two lost leases may bring a delivery, if it ends its job: the one by its attempts, the
// other by its crashes.
TEST(core_weight, a_greeting_and_a_bye_weigh_the_deliveries_of_jobs_that_they_may_end)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 3);
    struct msg_submit_job jobs[] = {story_job(1), story_job(2)};
    for (uint32_t i = 0; i < 2; i++)
        jobs[i].webhook_events = 1u << JOB_DEAD;
    jobs[0].max_attempts = 1;
    jobs[1].max_crashes = 1;
    story_submit_two(story, jobs[0], jobs[1]);
    struct msg_submit_job patient = story_job(3);
    patient.webhook_events = 1u << JOB_DEAD;
    story_submit(story, patient);
    struct msg hello = {.kind = MSG_HELLO,
                        .hello = {.role = ROLE_WORKER, .worker_id = story_worker_id(1)}};
    const struct command command = {.kind = COMMAND_MESSAGE, .peer = 21, .msg = &hello};
    EXPECT_EQ(core_weight(story->core, &command), 3 + 2);
    struct msg bye = {.kind = MSG_BYE, .bye = {.is_all = true}};
    const struct command parting = {.kind = COMMAND_MESSAGE, .peer = 11, .msg = &bye};
    EXPECT_EQ(core_weight(story->core, &parting), 3 + 2);
    story_free(story);
}
