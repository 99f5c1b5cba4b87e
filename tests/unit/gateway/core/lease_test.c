// What pull workers send, and what they are told.

#include "gateway/core/lease.h"

#include "tests/support/test.h"

enum { KEYS = 512 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[64 * 1024];
static struct submit_fault fault;
static struct lease_wish wish;
static struct lease_word word;

static struct doc_room room(struct arena *arena)
{
    *arena = (struct arena){.data = memory, .cap = sizeof memory};
    return (struct doc_room){keys, KEYS, arena};
}

static err read_wish(const char *text)
{
    struct arena arena;
    struct doc_room at = room(&arena);
    return lease_read_wish((struct doc_value){DOC_JSON, slice_of_text(text)}, &at, &wish, &fault);
}

static err read_word(enum lease_verb verb, const char *text)
{
    struct arena arena;
    struct doc_room at = room(&arena);
    return lease_read_word((struct doc_value){DOC_JSON, slice_of_text(text)}, verb, &at, &word,
                           &fault);
}

TEST(lease, a_wish_has_defaults)
{
    EXPECT_EQ(read_wish("{\"types\":[\"a\",\"b\"]}"), OK);
    EXPECT_EQ(wish.type_count, 2);
    EXPECT(slice_is_text(wish.types[1], "b"));
    EXPECT_EQ(wish.max, 1);
    EXPECT_EQ(wish.wait_ms, 0);
    EXPECT_EQ(read_wish("{\"types\":[\"a\"],\"queues\":[\"q\"],\"max\":64,\"wait\":\"60s\"}"), OK);
    EXPECT_EQ(wish.queue_count, 1);
    EXPECT_EQ(wish.max, LEASE_JOBS_MAX);
    EXPECT_EQ(wish.wait_ms, LEASE_WAIT_MS_MAX);
}

TEST(lease, verbs_have_their_members)
{
    EXPECT_EQ(read_word(LEASE_FINISH, "{\"token\":\"18446744073709551615\",\"result\":{\"n\":1}}"),
              OK);
    EXPECT(word.token == UINT64_MAX && word.finish.outcome == OUTCOME_SUCCEEDED);
    EXPECT(slice_is_text(word.finish.result.bytes, "{\"n\":1}"));
    EXPECT_EQ(read_word(LEASE_FAIL, "{\"token\":\"7\",\"kind\":\"k\",\"message\":\"m\",\"detail\":"
                                    "\"d\",\"retry_after\":\"2s\"}"),
              OK);
    EXPECT_EQ(word.finish.outcome, OUTCOME_FAILED);
    EXPECT_EQ(word.finish.retry_after_ms, 2000);
    EXPECT(slice_is_text(word.finish.error_message, "m"));
    EXPECT_EQ(read_word(LEASE_FAIL, "{\"token\":\"7\",\"retry\":false}"), OK);
    EXPECT_EQ(word.finish.outcome, OUTCOME_DEAD);
    EXPECT_EQ(read_word(LEASE_RELEASE, "{\"token\":\"7\"}"), OK);
    EXPECT_EQ(word.finish.outcome, OUTCOME_INTERRUPTED);
    EXPECT_EQ(read_word(LEASE_RELEASE, "{\"token\":\"7\",\"retry_after\":\"1h\"}"), OK);
    EXPECT_EQ(word.finish.outcome, OUTCOME_SNOOZED);
    EXPECT_EQ(read_word(LEASE_RENEW, "{\"token\":\"7\"}"), OK);
    EXPECT(!word.has_progress);
    EXPECT_EQ(read_word(LEASE_PROGRESS, "{\"token\":\"7\",\"done\":3,\"total\":10,\"text\":\"t\","
                                        "\"extend\":\"1m\",\"log\":[\"a\",\"b\"]}"),
              OK);
    EXPECT(word.has_progress && word.progress.done == 3 && word.progress.total == 10);
    EXPECT_EQ(word.progress.extend_ms, 60000);
    EXPECT_EQ(word.line_count, 2);
}

static void expect_fault(err e, const char *text)
{
    EXPECT_EQ(e, ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, text);
}

TEST(lease, what_is_wrong_is_named)
{
    expect_fault(read_wish("{}"), "types is missing: it says what work is taken");
    expect_fault(read_wish("{\"types\":[]}"), "types must name one type at least");
    expect_fault(read_wish("{\"types\":[\"a\"],\"mx\":1}"),
                 "mx is not known here; did you mean max?");
    expect_fault(read_word(LEASE_FINISH, "{}"), "token is missing: it came with the job");
    expect_fault(read_word(LEASE_FINISH, "{\"token\":\"18446744073709551616\"}"),
                 "token must be the text that came with the job");
    expect_fault(read_word(LEASE_FINISH, "{\"token\":\"0x7\"}"),
                 "token must be the text that came with the job");
    expect_fault(read_word(LEASE_FINISH, "{\"token\":\"7\",\"done\":1}"),
                 "done does not go with this verb");
    EXPECT_EQ(read_wish("{\"types\":"), ERR_MALFORMED);
}

TEST(lease, more_than_the_limits_is_refused)
{
    char text[4096] = "{\"token\":\"7\",\"log\":[\"\"";
    for (int i = 1; i < LEASE_LINES_MAX; i++)
        (void)strncat(text, ",\"\"", sizeof text - strlen(text) - 1);
    size_t len = strlen(text);
    memcpy(text + len, "]}", 3);
    EXPECT_EQ(read_word(LEASE_RENEW, text), OK);
    EXPECT_EQ(word.line_count, LEASE_LINES_MAX);
    memcpy(text + len, ",\"\"]}", 6);
    expect_fault(read_word(LEASE_RENEW, text), "log must be an array of at most 256 lines");
    // LEASE_JOBS_MAX, LEASE_WAIT_MS_MAX and one more
    expect_fault(read_wish("{\"types\":[\"a\"],\"max\":65}"),
                 "max must be a whole number from 1 to 64");
    expect_fault(read_wish("{\"types\":[\"a\"],\"max\":0}"),
                 "max must be a whole number from 1 to 64");
    expect_fault(read_wish("{\"types\":[\"a\"],\"wait\":\"60001ms\"}"), "wait is at most 60s");
}

static const char *text_of(const struct out *out)
{
    static char text[1024];
    EXPECT(!out->full && slice_to_text(out_slice(out), text, sizeof text));
    return text;
}

TEST(lease, jobs_and_terms_are_told)
{
    uint8_t bytes[1024];
    struct out out = {.data = bytes, .cap = sizeof bytes, .format = OUT_JSON};
    const struct lease_terms terms = {30000, 5000};
    struct id parent = {{9}};
    struct msg_job job = {.job_id = {{7}},
                          .token = 72057594037927937u,
                          .type = slice_of_text("t"),
                          .queue = slice_of_text("q"),
                          .attempt = 2,
                          .timeout_ms = 1500,
                          .traceparent = slice_of_text("00-x"),
                          .after = {&parent, 1}};
    const struct answer_result payload = {ANSWER_BYTES, slice_of_text("\xff")};
    lease_put_begin(&out, &terms);
    lease_put_job(&out, &job, &payload);
    lease_put_end(&out);
    EXPECT_STR(text_of(&out),
               "{\"lease\":\"30s\",\"renew\":\"5s\",\"jobs\":[{\"job_id\":\"07000000-0000-0000-"
               "0000-000000000000\",\"token\":\"72057594037927937\",\"type\":\"t\",\"queue\":\"q\","
               "\"attempt\":2,\"timeout\":\"1500ms\",\"payload\":\"/w==\",\"payload_encoding\":"
               "\"base64\",\"traceparent\":\"00-x\",\"after\":[\"09000000-0000-0000-0000-"
               "000000000000\"]}]}");
    out = (struct out){.data = bytes, .cap = sizeof bytes, .format = OUT_JSON};
    lease_put_taken(&out, &parent, &terms, true);
    EXPECT_STR(text_of(&out), "{\"job_id\":\"09000000-0000-0000-0000-000000000000\",\"lease\":"
                              "\"30s\",\"renew\":\"5s\",\"cancel\":true}");
}
