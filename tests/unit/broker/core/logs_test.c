// Log lines: which are new, which chunk they belong to, and their way through the core.

#include "broker/core/logs.h"

#include "tests/support/story.h"

TEST(logs, chunks_and_lines_count_from_one)
{
    EXPECT_EQ(logs_chunk_of(1), 1);
    EXPECT_EQ(logs_chunk_of(LOGS_CHUNK_LINES), 1);
    EXPECT_EQ(logs_chunk_of(LOGS_CHUNK_LINES + 1), 2);
    EXPECT_EQ(logs_first_line(1), 1);
    EXPECT_EQ(logs_first_line(2), LOGS_CHUNK_LINES + 1);
}

TEST(logs, groups_are_of_one_job_and_token)
{
    const struct msg_log_line lines[] = {{.job_id = {{1}}, .token = 5},
                                         {.job_id = {{1}}, .token = 5},
                                         {.job_id = {{1}}, .token = 6},
                                         {.job_id = {{2}}, .token = 6}};
    struct logs_lines left = {.items = lines, .count = 4};
    EXPECT_EQ(logs_take_group(&left).count, 2);
    EXPECT_EQ(logs_take_group(&left).count, 1);
    EXPECT_EQ(logs_take_group(&left).count, 1);
    EXPECT_EQ(left.count, 0);
}

TEST(logs, lines_that_were_taken_are_left_out)
{
    const struct msg_log_line lines[] = {{.seq = 3}, {.seq = 4}, {.seq = 5}};
    struct logs_lines all = {.items = lines, .count = 3};
    EXPECT_EQ(logs_new(all, 2).count, 3);
    EXPECT_EQ(logs_new(all, 4).count, 1);
    EXPECT_EQ(logs_new(all, 4).items->seq, 5);
    EXPECT_EQ(logs_new(all, 5).count, 0);
    const struct msg_log_line plain[] = {{.seq = 0}};
    EXPECT_EQ(logs_new((struct logs_lines){.items = plain, .count = 1}, 9).count, 1);
    EXPECT_EQ(logs_new((struct logs_lines){.items = plain, .count = 1}, UINT32_MAX).count, 0);
}

static struct story *running(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(7));
    (void)story_told(story);
    story->only_logs = true;
    return story;
}

// RENEW with lines `first` to `last` of job 7.
static void say_lines(struct story *story, uint64_t token, uint32_t first, uint32_t last)
{
    static struct msg_log_line lines[8];
    uint32_t count = 0;
    for (uint32_t seq = first; seq <= last; seq++)
        lines[count++] = (struct msg_log_line){
            .job_id = story_id(7), .token = token, .seq = seq, .text = slice_of_text("x")};
    struct msg_held held = {.job_id = story_id(7), .token = token};
    story_say(
        story, 11,
        &(struct msg){
            .kind = MSG_RENEW,
            .renew = {.running = {.items = &held, .count = 1}, .log = lines, .log_count = count}});
}

TEST(logs, renewed_lines_are_written_once)
{
    struct story *story = running();
    story_at(story, 1);
    say_lines(story, story_token(1, 1), 1, 2);
    say_lines(story, story_token(1, 1), 1, 3); // its answer was lost
    say_lines(story, story_token(1, 1), 1, 3);
    say_lines(story, story_token(1, 9), 4, 4); // not its lease
    EXPECT_STORY(story, "[1] log of no 1: lines 1 to 2\n"
                        "[1] log of no 1: lines 3 to 3\n");
    EXPECT_EQ(story->store.jobs[0].log_count, 3);
    EXPECT_EQ(story->store.jobs[0].version, 4);
    story_restart(story);
    story_hello(story, 11, 1,
                &(struct msg_held){.job_id = story_id(7), .token = story_token(1, 1)});
    say_lines(story, story_token(1, 1), 3, 4);
    EXPECT_STORY(story, "[1] log of no 1: lines 4 to 4\n");
    story_free(story);
}

TEST(logs, finish_brings_the_last_lines_and_a_repeated_one_none)
{
    struct story *story = running();
    struct msg_log_line line = {
        .job_id = story_id(7), .token = story_token(1, 1), .seq = 1, .text = slice_of_text("x")};
    struct msg_finish_job done[] = {
        {.job_id = story_id(8), .token = story_token(1, 1), .outcome = OUTCOME_SUCCEEDED},
        {.job_id = story_id(7), .token = story_token(1, 1), .outcome = OUTCOME_SUCCEEDED}};
    struct msg msg = {.kind = MSG_FINISH,
                      .finish = {.jobs = done, .count = 2, .log = &line, .log_count = 1}};
    story_say(story, 11, &msg);
    story_say(story, 11, &msg);
    EXPECT_STORY(story, "[0] log of no 1: lines 1 to 1\n");
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    EXPECT_EQ(story->store.jobs[0].log_count, 1);
    story_at(story, 100000000);
    story_remove(story, 1);
    EXPECT_EQ(story->store.jobs[0].log_count, 0);
    story_free(story);
}

TEST(logs, next_attempt_is_told_where_its_lines_begin)
{
    struct story *story = running();
    say_lines(story, story_token(1, 1), 1, 2);
    story_open(story);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_INTERRUPTED);
    uint64_t batch = core_close(story->core, story->now, &story->fx);
    EXPECT_EQ(story->fx.grant_count, 1);
    EXPECT_EQ(story->fx.grants[0].job.log_count, 2);
    EXPECT(batch > 0);
    story->is_open = false;
    effects_reset(&story->fx);
    story_free(story);
}
