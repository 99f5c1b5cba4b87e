// Names that are taken no longer, and what still goes by them.

#include "tests/support/test.h"

#include "proto/check.h"

// A path with them loses them on its way: what has such a name could not be asked for by a URL.
TEST(check_names, nothing_new_is_named_like_a_dot_segment)
{
    const char *detail = NULL;
    const struct slice dots[] = {slice_of_text("."), slice_of_text("..")};
    for (unsigned i = 0; i < 2; i++) {
        EXPECT(check_name(dots[i]));
        EXPECT(!check_new_name(dots[i]));
        struct msg_submit_job typed = {.type = dots[i]};
        struct msg_submit_job queued = {.type = slice_of_text("t"), .queue = dots[i]};
        EXPECT_EQ(check_submit_job(&typed, &detail), ERR_BAD_FIELD);
        EXPECT_STR(detail, "type: 1 to 128 of a-z 0-9 . _ -, but not . or ..");
        EXPECT_EQ(check_submit_job(&queued, &detail), ERR_BAD_FIELD);
        EXPECT_STR(detail, "queue: 1 to 128 of a-z 0-9 . _ -, but not . or ..");
        queued.is_spooled = true; // a gateway of before has promised to keep it
        EXPECT_EQ(check_submit_job(&queued, &detail), OK);
        const struct msg_queue_set queue = {.queue = dots[i]};
        EXPECT_EQ(check_queue_set(&queue, &detail), ERR_BAD_FIELD);
        const struct msg_type_set type = {.type = dots[i]};
        EXPECT_EQ(check_type_set(&type, &detail), ERR_BAD_FIELD);
        struct msg_schedule_set schedule = {
            .act = SCHEDULE_SET, .given.schedule_id = dots[i], .given.job_count = 1};
        EXPECT_EQ(check_schedule_set(&schedule, &detail), ERR_BAD_FIELD);
        EXPECT_STR(detail, "schedule_id: 1 to 128 of a-z 0-9 . _ -, but not . or ..");
    }
    EXPECT(check_new_name(slice_of_text("...")));
    EXPECT(check_new_name(slice_of_text(".a")));
    EXPECT(!check_new_name((struct slice){0}));
}

// What has such a name from before is found, resumed and taken away by it.
TEST(check_names, what_is_named_like_a_dot_segment_is_still_found)
{
    const char *detail = NULL;
    const struct slice dot = slice_of_text(".");
    const struct msg_queue_status queue = {.queue = dot};
    EXPECT_EQ(check_queue_status(&queue, &detail), OK);
    const struct msg_type_status type = {.type = dot};
    EXPECT_EQ(check_type_status(&type, &detail), OK);
    const struct msg_list list = {.filter = {.queue = dot, .type = dot}};
    EXPECT_EQ(check_list(&list, &detail), OK);
    const struct msg_act resume = {.kind = ACT_RESUME, .queue = dot, .act_id = {{1}}};
    EXPECT_EQ(check_act(&resume, &detail), OK);
    const struct msg_schedule_set gone = {.act = SCHEDULE_DELETE, .given.schedule_id = dot};
    EXPECT_EQ(check_schedule_set(&gone, &detail), OK);
    const struct msg_ready worker = {
        .types = &dot, .type_count = 1, .queues = &dot, .queue_count = 1};
    EXPECT_EQ(check_ready(&worker, ROLE_WORKER, &detail), OK);
}

TEST(check_names, only_a_notifier_serves_the_fabrics_own_queues)
{
    const char *detail = NULL;
    const struct slice type = slice_of_text("webhook");
    const struct slice queues[] = {slice_of_text("mail"), slice_of_text(HOOK_QUEUE)};
    const struct msg_ready both = {
        .types = &type, .type_count = 1, .queues = queues, .queue_count = 2};
    EXPECT_EQ(check_ready(&both, ROLE_NOTIFIER, &detail), OK);
    EXPECT_EQ(check_ready(&both, ROLE_WORKER, &detail), ERR_RESERVED);
    EXPECT_STR(detail, "queues: names that begin with 'weft.' are the fabric's own, and no worker "
                       "gets their jobs");
    const struct msg_ready one = {
        .types = &type, .type_count = 1, .queues = queues, .queue_count = 1};
    EXPECT_EQ(check_ready(&one, ROLE_WORKER, &detail), OK);
}
