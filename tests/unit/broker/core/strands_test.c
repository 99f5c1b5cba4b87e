// Concurrency keys: limits, lines, memory that comes back; and against a plain search.

#include "broker/core/strands.h"

#include "broker/core/core_private.h"
#include "tests/support/story.h"

static struct msg_submit_job keyed(uint32_t number, uint64_t key, enum job_order order)
{
    struct msg_submit_job job = story_job(number);
    job.concurrency_key = slice_of_text("k");
    job.key_hash = key;
    job.order = order;
    return job;
}

static struct msg_held run(uint32_t number, uint64_t counter)
{
    return story_held(number, story_token(1, counter));
}

static uint32_t key_count(const struct story *story)
{
    return story_figures(story).concurrency_key_count;
}

TEST(strands, one_job_of_a_key_runs_at_once_and_others_are_not_held_up)
{
    struct story *story = story_new();
    EXPECT_EQ(story->limits.key_running_max, 1);
    story_worker(story, 11, "mail", 4);
    story_submit(story, keyed(1, 7, ORDER_NONE));
    story_submit(story, keyed(2, 7, ORDER_NONE));
    story_submit(story, keyed(3, 8, ORDER_NONE));
    story_submit(story, story_job(4));
    story_finish(story, 11, run(1, 1), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] write 1 running v2\n"
                        "[0] send client: submitted 1 queued\n"
                        "[0] job 1 to worker 1 token 1.1 attempt 1\n"
                        "[0] write 2 queued v1\n"
                        "[0] send client: submitted 2 queued\n"
                        "[0] write 3 running v2\n"
                        "[0] send client: submitted 3 queued\n"
                        "[0] job 3 to worker 1 token 1.2 attempt 1\n"
                        "[0] write 4 running v2\n"
                        "[0] send client: submitted 4 queued\n"
                        "[0] job 4 to worker 1 token 1.3 attempt 1\n"
                        "[0] write 1 succeeded v3\n"
                        "[0] write 2 running v2\n"
                        "[0] send worker 1: finished 1 ok\n"
                        "[0] job 2 to worker 1 token 1.4 attempt 1\n");
    story_free(story);
}

TEST(strands, a_key_goes_with_its_last_job)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, keyed(1, 7, ORDER_NONE));
    story_submit(story, keyed(2, 7, ORDER_FIFO));
    EXPECT_EQ(key_count(story), 1);
    story_finish(story, 11, run(1, 1), OUTCOME_SUCCEEDED);
    EXPECT_EQ(key_count(story), 1);
    story_finish(story, 11, run(2, 2), OUTCOME_SUCCEEDED);
    EXPECT_EQ(key_count(story), 0);
    EXPECT_EQ(story->core->strands.count, 0);
    story_free(story);
}

TEST(strands, too_many_keys_are_refused_by_name)
{
    struct story *story = story_new(); // 4 keys
    for (uint32_t number = 1; number <= 4; number++)
        story_submit(story, keyed(number, number, ORDER_NONE));
    (void)story_told(story);
    story_submit(story, keyed(5, 5, ORDER_NONE));
    EXPECT(strstr(story_told(story), "concurrency_key_count_max") != NULL);
    story_submit(story, keyed(6, 4, ORDER_NONE)); // a known one
    story_submit(story, story_job(7));            // none
    EXPECT(strstr(story_told(story), "full") == NULL);
    story_free(story);
}

static void burn(struct story *story, uint32_t number, uint64_t counter)
{
    story_finish(story, 11, run(number, counter), OUTCOME_FAILED);
}

// The order in which three jobs of a key begin when the first one fails once.
static void expect_order(enum job_order order, const char *second, const char *third)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    for (uint32_t number = 1; number <= 3; number++) {
        struct msg_submit_job job = keyed(number, 7, order);
        job.retry_first_ms = job.retry_longest_ms = 20;
        job.priority = (uint8_t)(9 - number); // no order among them by urgency
        story_submit(story, job);
    }
    burn(story, 1, 1);
    const char *told = story_told(story);
    EXPECT((strstr(told, "job 2 to worker") != NULL) == (order == ORDER_FIFO_SKIP));
    EXPECT(strstr(told, "job 3 to worker") == NULL);
    story_at(story, 25);
    story_tick(story);
    if (order == ORDER_FIFO_SKIP)
        story_finish(story, 11, run(2, 2), OUTCOME_SUCCEEDED);
    EXPECT(strstr(story_told(story), second) != NULL);
    story_finish(story, 11, run(1, order == ORDER_FIFO ? 2 : 3), OUTCOME_SUCCEEDED);
    EXPECT(strstr(story_told(story), third) != NULL);
    story_free(story);
}

TEST(strands, in_a_fifo_line_a_failed_head_blocks)
{
    expect_order(ORDER_FIFO, "job 1 to worker", "job 2 to worker");
}

TEST(strands, in_a_fifo_skip_line_a_failed_head_is_passed_and_comes_back_to_its_place)
{
    expect_order(ORDER_FIFO_SKIP, "job 1 to worker", "job 3 to worker");
}

TEST(strands, a_job_submitted_for_later_holds_up_nobody_before_its_time)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    struct msg_submit_job later = keyed(1, 7, ORDER_FIFO);
    later.delay_ms = 10;
    story_submit(story, later);
    story_submit(story, keyed(2, 7, ORDER_FIFO));
    EXPECT(strstr(story_told(story), "job 2 to worker") != NULL);
    story_free(story);
}

TEST(strands, a_restart_keeps_keys_and_places)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    for (uint32_t number = 1; number <= 3; number++)
        story_submit(story, keyed(number, 7, ORDER_FIFO));
    story_restart(story);
    EXPECT_EQ(key_count(story), 1);
    story_hello(story, 12, 1, NULL);
    story_ready(story, 12, "mail", 4);
    (void)story_told(story); // job 1 still runs at worker 1
    struct msg_held held = run(1, 1);
    story_hello(story, 11, 1, &held);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    const char *told = story_told(story);
    EXPECT(strstr(told, "job 2 to worker 2") != NULL);
    EXPECT(strstr(told, "job 3 to worker") == NULL);
    struct limits limits = story->limits;
    limits.concurrency_key_count_max = 4;
    EXPECT_EQ(story_reload(story, &limits), OK);
    story_free(story);
}

TEST(strands, ends_without_a_start_free_the_line)
{
    struct story *story = story_new();
    struct msg_submit_job first = keyed(1, 7, ORDER_FIFO);
    first.ttl_ms = 10;
    story_submit(story, first);
    story_submit(story, keyed(2, 7, ORDER_FIFO));
    story_at(story, 11);
    story_tick(story);
    (void)story_told(story);
    story_hello(story, 11, 1, NULL);
    story_ready(story, 11, "mail", 1);
    EXPECT(strstr(story_told(story), "job 2 to worker 1") != NULL);
    story_free(story);
}

// One key in two queues is two keys; in two types of a queue it is one.
TEST(strands, a_key_belongs_to_its_queue)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    story_submit(story, keyed(1, 7, ORDER_NONE));
    struct msg_submit_job other = keyed(2, 7, ORDER_NONE);
    other.queue = slice_of_text("bulk");
    story_submit(story, other);
    EXPECT(strstr(story_told(story), "job 2 to worker") != NULL);
    struct msg_submit_job scan = keyed(3, 7, ORDER_NONE);
    scan.type = slice_of_text("scan");
    story_worker(story, 12, "scan", 4);
    story_submit(story, scan);
    EXPECT(strstr(story_told(story), "job 3 to worker") == NULL);
    story_finish(story, 11, run(1, 1), OUTCOME_SUCCEEDED);
    EXPECT(strstr(story_told(story), "job 3 to worker 2") != NULL);
    story_free(story);
}
