// The table of answers in docs/worker.md, row by row.

#include "worker/core/reply.h"

#include "tests/support/test.h"

static uint8_t room[OUTCOME_ROOM];

static struct outcome_report report_of(const struct reply *reply)
{
    struct outcome_report report;
    reply_report(reply, room, &report);
    return report;
}

static struct outcome_report answered(unsigned status, when_ms retry_after_ms, const char *body)
{
    const struct reply reply = {.end = EXCHANGE_ANSWERED,
                                .status = status,
                                .retry_after_ms = retry_after_ms,
                                .body = slice_of_text(body)};
    return report_of(&reply);
}

TEST(reply, each_status_has_its_outcome)
{
    static const struct {
        unsigned status;
        enum outcome outcome;
        const char *kind;
    } rows[] = {
        {199, OUTCOME_FAILED, "http"},    {200, OUTCOME_SUCCEEDED, ""},
        {202, OUTCOME_SUCCEEDED, ""},     {204, OUTCOME_SUCCEEDED, ""},
        {299, OUTCOME_SUCCEEDED, ""},     {301, OUTCOME_FAILED, "http"},
        {308, OUTCOME_FAILED, "http"},    {400, OUTCOME_DEAD, "permanent"},
        {401, OUTCOME_FAILED, "http"},    {403, OUTCOME_FAILED, "http"},
        {404, OUTCOME_FAILED, "http"},    {405, OUTCOME_FAILED, "http"},
        {406, OUTCOME_DEAD, "permanent"}, {407, OUTCOME_FAILED, "http"},
        {408, OUTCOME_FAILED, "http"},    {409, OUTCOME_DEAD, "permanent"},
        {410, OUTCOME_DEAD, "permanent"}, {413, OUTCOME_DEAD, "permanent"},
        {421, OUTCOME_FAILED, "http"},    {422, OUTCOME_DEAD, "permanent"},
        {425, OUTCOME_FAILED, "http"},    {426, OUTCOME_FAILED, "http"},
        {431, OUTCOME_FAILED, "http"},    {429, OUTCOME_FAILED, "busy"},
        {499, OUTCOME_DEAD, "permanent"}, {500, OUTCOME_FAILED, "http"},
        {501, OUTCOME_FAILED, "http"},    {503, OUTCOME_FAILED, "busy"},
        {599, OUTCOME_FAILED, "http"},    {999, OUTCOME_FAILED, "http"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome_report report = answered(rows[i].status, 0, "");
        EXPECT_EQ(report.outcome, rows[i].outcome);
        EXPECT(slice_is_text(report.kind, rows[i].kind));
        EXPECT_EQ(report.retry_after_ms, 0);
    }
}

TEST(reply, a_wish_to_wait_burns_no_attempt)
{
    EXPECT_EQ(answered(503, 5000, "").outcome, OUTCOME_SNOOZED);
    EXPECT_EQ(answered(429, 5000, "").retry_after_ms, 5000);
    EXPECT_EQ(answered(429, 2 * EXCHANGE_WISH_MS_MAX, "").retry_after_ms, EXCHANGE_WISH_MS_MAX);
    // Of others it is the least delay before the next attempt.
    EXPECT_EQ(answered(500, 5000, "").outcome, OUTCOME_FAILED);
    EXPECT_EQ(answered(500, 5000, "").retry_after_ms, 5000);
    EXPECT_EQ(answered(422, 5000, "").retry_after_ms, 0);
}

TEST(reply, the_body_is_the_result)
{
    struct outcome_report report = answered(200, 0, " {\"a\":1}\n");
    EXPECT_EQ(report.result.content, CONTENT_JSON);
    EXPECT(slice_is_text(report.result.bytes, "{\"a\":1}"));
    EXPECT_EQ(answered(200, 0, "plain").result.content, CONTENT_TEXT);
    EXPECT_EQ(answered(200, 0, "\xff").result.content, CONTENT_BYTES);
    EXPECT_EQ(answered(204, 0, "").result.content, CONTENT_NONE);
}

TEST(reply, too_long_a_result_is_the_end)
{
    const struct reply reply = {.end = EXCHANGE_ANSWERED, .status = 200, .is_cut = true};
    struct outcome_report report = report_of(&reply);
    EXPECT_EQ(report.outcome, OUTCOME_DEAD);
    EXPECT(slice_is_text(report.kind, "result-too-large"));
}

TEST(reply, what_the_service_says_is_kept)
{
    struct outcome_report report = answered(422, 0, "no such row\nmore");
    EXPECT(slice_is_text(report.message, "HTTP status 422: no such row"));
    EXPECT(slice_is_text(report.detail, "no such row\nmore"));
    EXPECT(slice_is_text(answered(500, 0, "").message, "HTTP status 500"));
    EXPECT(slice_is_text(answered(302, 0, "x").message,
                         "HTTP status 302: redirects are not followed; give --http the address "
                         "behind it"));
}

TEST(reply, a_long_text_is_cut_between_characters)
{
    static uint8_t text[MSG_ERROR_DETAIL_LEN_MAX + 100];
    memset(text, 'x', sizeof text);
    text[MSG_ERROR_DETAIL_LEN_MAX - 1] = 0xc3; // é, half of it behind the end
    text[MSG_ERROR_DETAIL_LEN_MAX] = 0xa9;
    const struct reply reply = {.end = EXCHANGE_ANSWERED,
                                .status = 500,
                                .body = slice_of(text, sizeof text),
                                .is_cut = true};
    struct outcome_report report = report_of(&reply);
    EXPECT_EQ(report.detail.len, MSG_ERROR_DETAIL_LEN_MAX - 1);
    EXPECT_EQ(report.message.len, OUTCOME_ROOM);
}

TEST(reply, a_broken_connection_is_a_crash)
{
    const struct reply reply = {.end = EXCHANGE_BROKEN, .detail = slice_of_text("reset")};
    struct outcome_report report = report_of(&reply);
    EXPECT_EQ(report.outcome, OUTCOME_CRASHED);
    EXPECT(slice_is_text(report.kind, "broken"));
    EXPECT(slice_is_text(report.message, "reset"));
}

TEST(reply, a_service_that_is_away_takes_no_attempt)
{
    static const enum exchange_end ends[] = {EXCHANGE_BAD_URL, EXCHANGE_FORBIDDEN,
                                             EXCHANGE_NO_HOST, EXCHANGE_NO_CONNECT,
                                             EXCHANGE_TLS,     EXCHANGE_TIMEOUT};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        EXPECT(reply_is_away(&(struct reply){.end = ends[i]}));
    EXPECT(!reply_is_away(&(struct reply){.end = EXCHANGE_ANSWERED}));
    EXPECT(!reply_is_away(&(struct reply){.end = EXCHANGE_BROKEN}));
    struct outcome_report report;
    reply_put_off(slice_of_text("refused"), 2000, &report);
    EXPECT_EQ(report.outcome, OUTCOME_SNOOZED);
    EXPECT_EQ(report.retry_after_ms, 2000);
    EXPECT(slice_is_text(report.message, "refused"));
}

TEST(reply, pauses_double_up_to_the_longest)
{
    when_ms pause = 0;
    for (when_ms expected = REPLY_PAUSE_FIRST_MS; expected < REPLY_PAUSE_LONGEST_MS;
         expected *= 2) {
        pause = reply_pause_ms(pause);
        EXPECT_EQ(pause, expected);
    }
    EXPECT_EQ(reply_pause_ms(pause), REPLY_PAUSE_LONGEST_MS);
    EXPECT_EQ(reply_pause_ms(REPLY_PAUSE_LONGEST_MS), REPLY_PAUSE_LONGEST_MS);
}

TEST(reply, what_is_away_has_no_report)
{
    struct outcome_report report;
    EXPECT_DIES(reply_report(&(struct reply){.end = EXCHANGE_NO_CONNECT}, room, &report));
}
