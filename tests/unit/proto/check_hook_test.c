// What may be said of an endpoint.

#include "tests/support/test.h"

#include "proto/check_hook.h"

static err judge(struct msg_webhook_set set)
{
    const char *detail = NULL;
    err e = check_hook_set(&set, &detail);
    EXPECT((e == OK) == (detail == NULL));
    return e;
}

#define SET(...)                                                                                   \
    judge((struct msg_webhook_set){.act = WEBHOOK_SET,                                             \
                                   .given = {.webhook_id = slice_of_text("ops"), __VA_ARGS__}})

TEST(check_hook, of_an_endpoint)
{
    EXPECT_EQ(SET(), OK);
    EXPECT_EQ(SET(.url = slice_of_text("https://a/"), .events = 1u << JOB_DEAD), OK);
    EXPECT_EQ(SET(.url = slice_of_text("a")), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.events = 1u << JOB_DEAD), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.url = slice_of_text("https://a/"), .events = 1u << JOB_QUEUED), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.url = slice_of_text("https://a/"), .events = WEBHOOK_PROGRESS), OK);
    EXPECT_EQ(SET(.url = slice_of_text("https://a/"), .events = WEBHOOK_BATCH_FINISHED), OK);
    EXPECT_EQ(SET(.types = slice_of_text("a,b")), OK);
    EXPECT_EQ(SET(.types = slice_of_text("a,")), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.types = slice_of_text(",a")), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.types = slice_of_text("a,B")), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.tags = slice_of_text("A:b,c")), OK);
    EXPECT_EQ(SET(.tags = slice_of_text("A b")), ERR_BAD_FIELD);
    EXPECT_EQ(SET(.headers = slice_of_text("X: y")), OK);
    EXPECT_EQ(SET(.headers = slice_of_text("Host: y")), ERR_BAD_FIELD);
}

TEST(check_hook, of_an_act)
{
    struct msg_webhook_set set = {.act = WEBHOOK_ROTATE, .given = {slice_of_text("ops")}};
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
    set.secret = slice_of_text("x");
    EXPECT_EQ(judge(set), OK);
    set.overlap_s = CHECK_HOOK_OVERLAP_S_MAX;
    EXPECT_EQ(judge(set), OK);
    set.overlap_s++;
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
    set = (struct msg_webhook_set){.act = WEBHOOK_TEST, .given = {slice_of_text("ops")}};
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
    set.test_id = (struct id){{1}};
    EXPECT_EQ(judge(set), OK);
    set.act = WEBHOOK_DELETE;
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
    set.test_id = (struct id){{0}};
    EXPECT_EQ(judge(set), OK);
    set.act = WEBHOOK_NONE;
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
    set.act = WEBHOOK_ENABLE;
    set.given.webhook_id = slice_of_text("No");
    EXPECT_EQ(judge(set), ERR_BAD_FIELD);
}

TEST(check_hook, of_a_question)
{
    const char *detail = NULL;
    struct msg_webhook_status one = {.webhook_id = slice_of_text("ops")};
    struct msg_webhook_status list = {.after = slice_of_text("a"), .limit = MSG_HOOKS_MAX};
    EXPECT_EQ(check_hook_status(&one, &detail), OK);
    EXPECT_EQ(check_hook_status(&list, &detail), OK);
    list.limit++;
    one.limit = 1;
    EXPECT_EQ(check_hook_status(&one, &detail), ERR_BAD_FIELD);
    EXPECT_EQ(check_hook_status(&list, &detail), ERR_BAD_FIELD);
}
