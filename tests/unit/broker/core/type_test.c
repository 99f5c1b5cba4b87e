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

static void change(struct story *story, uint32_t named, struct msg_type_set set)
{
    set.type = slice_of_text("mail");
    set.named = named;
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_TYPE_SET, .type_set = set});
}

TEST(type, what_is_not_named_stays_as_it_was)
{
    struct story *story = story_new();
    const struct type_row *is = &story->store.types[0];
    change(story, 1u << QUEUE_KEEP,
           (struct msg_type_set){.defaults = {.keep_s = 7, .timeout_ms = 9}});
    change(story, 1u << QUEUE_MAX_ATTEMPTS,
           (struct msg_type_set){.defaults = {.max_attempts = 3, .keep_s = 9}});
    EXPECT(is->defaults.keep_s == 7 && is->defaults.max_attempts == 3);
    EXPECT_EQ(is->defaults.timeout_ms, 0);
    story_restart(story);
    (void)story_told(story);
    story->shows_all = true;
    change(story, 1u << QUEUE_KEEP, (struct msg_type_set){.defaults = {.keep_s = 7}});
    EXPECT_STORY(story, "[0] send client: type mail attempts 3\n"); // so already
    change(story, 1u << QUEUE_KEEP, (struct msg_type_set){0});
    EXPECT(is->defaults.keep_s == 0 && is->defaults.max_attempts == 3);
    set(story, "mail", (struct msg_defaults){.timeout_ms = 5}); // whole
    EXPECT(is->defaults.max_attempts == 0 && is->defaults.timeout_ms == 5);
    story_free(story);
}

TEST(type, each_setting_is_changed_by_its_own_number)
{
    struct story *story = story_new();
    const struct msg_defaults ones = {1, 1, 1, 1, 1, 1, 1, 1};
    for (unsigned no = QUEUE_TIMEOUT; no <= QUEUE_KEEP; no++) {
        set(story, "mail", (struct msg_defaults){0});
        change(story, 1u << no, (struct msg_type_set){.defaults = ones});
        uint32_t numbers[8];
        memcpy(numbers, &story->store.types[0].defaults, sizeof numbers);
        for (unsigned i = 0; i < 8; i++)
            EXPECT_EQ(numbers[i], i == no - QUEUE_TIMEOUT);
    }
    EXPECT_EQ(story->store.types[0].defaults.keep_s, 1);
    story_free(story);
}

TEST(type, what_is_changed_has_to_fit_what_stays)
{
    struct story *story = story_new();
    set(story, "mail", (struct msg_defaults){.retry_longest_ms = 1000});
    (void)story_told(story);
    change(story, 1u << QUEUE_RETRY_FIRST,
           (struct msg_type_set){.defaults = {.retry_first_ms = 2000}});
    EXPECT_STORY(story, "[0] send client: type bad-field (retry: first must not be longer than "
                        "longest)\n");
    story_free(story);
}

// The shell brings the schema that stays; where it cannot, nothing is lost.
TEST(type, a_schema_that_is_not_named_stays)
{
    struct story *story = story_new();
    const struct msg_type_set schema = {.schema = {CONTENT_JSON, slice_of_text("true")},
                                        .schema_hash = 5};
    change(story, 1u << TYPE_SCHEMA, schema);
    change(story, 1u << QUEUE_KEEP, schema);
    EXPECT_EQ(story->store.types[0].schema_hash, 5);
    (void)story_told(story);
    change(story, 1u << QUEUE_TIMEOUT, (struct msg_type_set){0});
    EXPECT_STORY(story, "[0] send client: type conflict (schema: the stored one cannot be read "
                        "here; name it, too)\n");
    EXPECT_EQ(story->store.types[0].schema_hash, 5);
    change(story, 1u << TYPE_SCHEMA, (struct msg_type_set){0});
    EXPECT_EQ(story->store.types[0].schema_hash, 0);
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
