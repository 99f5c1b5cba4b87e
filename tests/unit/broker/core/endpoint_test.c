// Station endpoint: durable before it is answered, each act once.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

static struct msg_webhook_set setting(const char *id)
{
    return (struct msg_webhook_set){.act = WEBHOOK_SET,
                                    .given = {.webhook_id = slice_of_text(id),
                                              .url = slice_of_text("https://a.test/"),
                                              .events = 1u << JOB_DEAD},
                                    .secret = slice_of_text("sealed")};
}

static void say(struct story *story, struct msg_webhook_set set)
{
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_WEBHOOK_SET, .webhook_set = set});
}

static void act(struct story *story, enum webhook_act kind, const char *id)
{
    say(story, (struct msg_webhook_set){.act = kind, .given = {.webhook_id = slice_of_text(id)}});
}

static const struct endpoint_row *stored(const struct story *story, const char *id)
{
    for (uint32_t i = 0; i < STORY_ENDPOINTS; i++)
        if (slice_is_text(story->store.endpoints[i].row.given.webhook_id, id))
            return &story->store.endpoints[i].row;
    return NULL;
}

TEST(endpoint, is_set_durably_and_answered)
{
    struct story *story = story_new();
    (void)story_told(story);
    story->shows_all = true;
    say(story, setting("ops"));
    struct msg_webhook_set again = setting("ops");
    again.secret = slice_of_text("another");
    say(story, again); // so already, and the secret is not his
    EXPECT_STORY(story, "[0] write endpoint ops at 0\n"
                        "[0] ledger epoch 1 next 1\n"
                        "[0] send client: webhook ok ops generation 1 signs\n"
                        "[0] send client: webhook ok ops generation 1\n");
    again.given.url = slice_of_text("https://b.test/");
    say(story, again);
    EXPECT(slice_is_text(stored(story, "ops")->secret, "sealed"));
    EXPECT(slice_is_text(stored(story, "ops")->given.url, "https://b.test/"));
    story_free(story);
}

TEST(endpoint, each_act_is_done_once_and_over_restarts)
{
    struct story *story = story_new();
    say(story, setting("ops"));
    (void)story_told(story);
    for (unsigned twice = 0; twice < 2; twice++) {
        act(story, WEBHOOK_DISABLE, "ops");
        story_restart(story);
        act(story, WEBHOOK_DISABLE, "ops");
        act(story, WEBHOOK_ENABLE, "ops");
        act(story, WEBHOOK_ENABLE, "ops");
    }
    EXPECT_EQ(stored(story, "ops")->generation, 5);
    EXPECT(!stored(story, "ops")->is_disabled);
    act(story, WEBHOOK_DELETE, "ops");
    EXPECT(stored(story, "ops") == NULL);
    story_restart(story);
    (void)story_told(story);
    act(story, WEBHOOK_DELETE, "ops");
    EXPECT_STORY(story, "[0] send client: webhook not-found (no such webhook endpoint; check the "
                        "id)\n");
    story_free(story);
}

static void notifier(struct story *story)
{
    static const struct slice type[] = {{.data = (const uint8_t *)HOOK_TYPE, .len = 7}};
    static const struct slice queue[] = {{.data = (const uint8_t *)HOOK_QUEUE, .len = 13}};
    story_say(
        story, 12,
        &(struct msg){
            .kind = MSG_HELLO,
            .hello = {.role = ROLE_NOTIFIER, .worker_id = story_worker_id(12), .session = 1}});
    story_say(
        story, 12,
        &(struct msg){
            .kind = MSG_READY,
            .ready = {
                .types = type, .type_count = 1, .queues = queue, .queue_count = 1, .slots = 4}});
}

// A job has ended, and its delivery waits for its second attempt.
static void wait_for_an_attempt(struct story *story, const char *id)
{
    say(story, setting(id));
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    notifier(story);
    const struct job_row *row = &story->store.jobs[1];
    EXPECT_EQ(row->state, JOB_RUNNING);
    const struct msg_finish_job failed = {.job_id = row->id,
                                          .token = row->token,
                                          .outcome = OUTCOME_FAILED,
                                          .retry_after_ms = 3600 * 1000};
    story_say(story, 12,
              &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &failed, .count = 1}});
    EXPECT_EQ(row->state, JOB_RETRYING);
}

TEST(endpoint, another_url_runs_what_waited_for_the_former_one)
{
    struct story *story = story_new();
    struct msg_webhook_set moved = setting("ops");
    moved.given.url = slice_of_text("https://b.test/");
    moved.actor = slice_of_text("who");
    wait_for_an_attempt(story, "ops");
    say(story, setting("ops")); // the same one
    EXPECT(id_is_zero(&story->store.operations[0].id));
    say(story, moved);
    EXPECT_EQ(story->store.operations[0].upto, 2); // in the same batch
    const struct operation_row *row = operations_peek(&story->core->ledger.operations, 0);
    EXPECT_EQ(row->kind, ACT_RUN_NOW);
    EXPECT_EQ(row->filter.states, 1u << JOB_RETRYING | 1u << JOB_SCHEDULED);
    EXPECT(slice_is_text(row->filter.queue, HOOK_QUEUE));
    EXPECT(slice_is_text(row->filter.tag, "endpoint:ops"));
    EXPECT(slice_is_text(row->actor, "who"));
    story_free(story);
}

TEST(endpoint, another_url_of_one_that_is_off_lets_nothing_die)
{
    struct story *story = story_new();
    struct msg_webhook_set moved = setting("ops");
    moved.given.url = slice_of_text("https://b.test/");
    wait_for_an_attempt(story, "ops");
    act(story, WEBHOOK_DISABLE, "ops");
    say(story, moved);
    EXPECT(id_is_zero(&story->store.operations[0].id));
    story_free(story);
}

TEST(endpoint, what_one_url_has_answered_is_not_held_against_the_next)
{
    struct story *story = story_new();
    struct msg_webhook_set gone = {
        .act = WEBHOOK_DISABLE,
        .given = {.webhook_id = slice_of_text("ops"), .url = slice_of_text("https://a.test/")},
        .reason = slice_of_text("410 Gone")};
    struct msg_webhook_set moved = setting("ops");
    moved.given.url = slice_of_text("https://b.test/");
    say(story, setting("ops"));
    say(story, moved);
    (void)story_told(story);
    story->shows_all = true;
    say(story, gone);
    EXPECT_STORY(story, "[0] send client: webhook ok ops generation 2\n");
    EXPECT(!stored(story, "ops")->is_disabled);
    gone.given.url = moved.given.url;
    say(story, gone);
    EXPECT(stored(story, "ops")->is_disabled);
    EXPECT_EQ(stored(story, "ops")->generation, 3);
    story_free(story);
}

TEST(endpoint, a_rotation_keeps_the_secret_before_for_a_while)
{
    struct story *story = story_new();
    say(story, setting("ops"));
    story_at(story, 10);
    struct msg_webhook_set rotation = {.act = WEBHOOK_ROTATE,
                                       .given = {.webhook_id = slice_of_text("ops")},
                                       .secret = slice_of_text("new"),
                                       .overlap_s = 60};
    say(story, rotation);
    story_at(story, 20);
    say(story, rotation); // the same once more
    const struct endpoint_row *row = stored(story, "ops");
    EXPECT(slice_is_text(row->secret, "new"));
    EXPECT(slice_is_text(row->secret_before, "sealed"));
    EXPECT_EQ(row->before_until - row->rotated_at, 60000);
    EXPECT_EQ(row->generation, 2);
    rotation.secret = slice_of_text("newer");
    rotation.overlap_s = 0;
    say(story, rotation);
    EXPECT_EQ(stored(story, "ops")->secret_before.len, 0);
    EXPECT_EQ(stored(story, "ops")->before_until, 0);
    story_free(story);
}

TEST(endpoint, what_is_full_or_wrong_is_told)
{
    struct limits limits = story_limits();
    limits.endpoint_count_max = 1;
    struct story *story = story_new_with(&limits);
    say(story, setting("a"));
    (void)story_told(story);
    say(story, setting("b"));
    EXPECT(strstr(story_told(story), "full (endpoint_count_max") != NULL);
    struct msg_webhook_set wrong = setting("a");
    wrong.verdict = ERR_BAD_FIELD;
    wrong.detail = slice_of_text("events: which");
    say(story, wrong);
    EXPECT_STORY(story, "[0] send client: webhook bad-field (events: which)\n");
    act(story, WEBHOOK_DELETE, "a");
    (void)story_told(story);
    struct msg_webhook_set bare = setting("a");
    bare.secret.len = 0;
    say(story, bare);
    EXPECT(strstr(story_told(story), "bad-field (secret:") != NULL);
    story_free(story);
}

TEST(endpoint, a_test_is_one_delivery)
{
    struct story *story = story_new();
    say(story, setting("ops"));
    struct msg_webhook_set test = {
        .act = WEBHOOK_TEST, .given = {.webhook_id = slice_of_text("ops")}, .test_id = story_id(9)};
    say(story, test);
    say(story, test);
    EXPECT_EQ(story->store.job_count, 1);
    EXPECT_EQ(story_figures(story).deliveries, 1);
    struct slice payload = story->store.bodies[1].payload.bytes;
    EXPECT_EQ(payload.len, strlen("{\"event\":\"webhook.test\",\"endpoint\":\"ops\"}"));
    act(story, WEBHOOK_DISABLE, "ops");
    (void)story_told(story);
    test.test_id = story_id(10);
    say(story, test);
    EXPECT(strstr(story_told(story), "conflict") != NULL);
    struct msg_webhook_set signer = setting("signer");
    signer.given.url.len = 0;
    signer.given.events = 0;
    say(story, signer);
    test.given.webhook_id = slice_of_text("signer");
    (void)story_told(story);
    say(story, test);
    EXPECT(strstr(story_told(story), "bad-field") != NULL);
    story_free(story);
}
