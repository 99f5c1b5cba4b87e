// What is set for a type: durable before it is answered; the job's word counts first, then the
// type's, the queue's, the broker's.

#include "tests/support/story.h"

static void set(struct story *story, const char *type, struct msg_defaults defaults)
{
    const struct msg msg = {.kind = MSG_TYPE_SET,
                            .type_set = {.type = slice_of_text(type), .defaults = defaults}};
    story_say(story, STORY_CLIENT, &msg);
}

static const struct policy *policy_of(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    for (uint32_t i = 0; i < story->store.job_count; i++)
        if (id_equal(&story->store.jobs[i].id, &id))
            return &story->store.policies[story->store.jobs[i].policy];
    return NULL;
}

TEST(type, is_set_durably_and_answered)
{
    struct story *story = story_new();
    (void)story_told(story);
    story->shows_all = true;
    set(story, "mail", (struct msg_defaults){.max_attempts = 3});
    set(story, "mail", (struct msg_defaults){.max_attempts = 3}); // so already
    EXPECT_STORY(story, "[0] type mail attempts 3\n"
                        "[0] ledger epoch 1 next 1\n"
                        "[0] send client: type mail attempts 3\n"
                        "[0] send client: type mail attempts 3\n");
    story_free(story);
}

TEST(type, counts_before_its_queue_and_behind_the_job)
{
    struct story *story = story_new();
    const struct msg queue = {
        .kind = MSG_QUEUE_SET,
        .queue_set = {.queue = slice_of_text("default"),
                      .settings = {.defaults = {.max_attempts = 7, .timeout_ms = 70}}}};
    story_say(story, STORY_CLIENT, &queue);
    set(story, "mail", (struct msg_defaults){.max_attempts = 3});
    story_restart(story); // it is still set
    story_submit(story, story_job(1));
    struct msg_submit_job own = story_job(2);
    own.max_attempts = 9;
    story_submit(story, own);
    struct msg_submit_job other = story_job(3);
    other.type = slice_of_text("other");
    story_submit(story, other);
    EXPECT_EQ(policy_of(story, 1)->max_attempts, 3);
    EXPECT_EQ(policy_of(story, 1)->timeout_ms, 70);
    EXPECT_EQ(policy_of(story, 2)->max_attempts, 9);
    EXPECT_EQ(policy_of(story, 3)->max_attempts, 7);
    story_free(story);
}

TEST(type, what_is_full_or_wrong_is_told)
{
    struct story *story = story_new();
    set(story, "a", (struct msg_defaults){.max_attempts = 1});
    set(story, "b", (struct msg_defaults){.max_attempts = 1});
    (void)story_told(story);
    set(story, "c", (struct msg_defaults){.max_attempts = 1});
    const struct msg wrong = {.kind = MSG_TYPE_SET,
                              .type_set = {.type = slice_of_text("a"),
                                           .verdict = ERR_BAD_FIELD,
                                           .detail = slice_of_text("timeout: at most 7 days")}};
    story_say(story, STORY_CLIENT, &wrong);
    EXPECT_STORY(story,
                 "[0] send client: type full (type_count_max: too many types have defaults)\n"
                 "[0] send client: type bad-field (timeout: at most 7 days)\n");
    story_free(story);
}
