// Timelines and logs as JSON.
// links: weft_gateway_core

#include "gateway/core/history.h"

#include "tests/support/test.h"

static uint8_t room[8192];

static struct out json_of(size_t cap)
{
    EXPECT(cap <= sizeof room);
    return (struct out){.data = room, .cap = cap, .format = OUT_JSON};
}

static void expect_text(const struct out *out, const char *text)
{
    char made[sizeof room + 1];
    EXPECT(!out->full);
    memcpy(made, out->data, out->len);
    made[out->len] = '\0';
    EXPECT_STR(made, text);
}

TEST(history, event_says_only_what_there_is)
{
    const struct msg_timeline_event events[] = {
        {.at = 1, .event = slice_of_text("submit"), .state = JOB_QUEUED, .version = 1},
        {.at = 2,
         .event = slice_of_text("fail"),
         .state = JOB_RETRYING,
         .version = 3,
         .token = (UINT64_C(1) << 40) + 1,
         .worker_id = {{0xab}},
         .granted_at = 1,
         .due_at = 5,
         .attempt = 1,
         .outcome = OUTCOME_FAILED,
         .actor = slice_of_text("ops"),
         .reason = slice_of_text("\"so\""),
         .failure = {slice_of_text("exit"), slice_of_text("status 1"), slice_of_text("tail\n")},
         .delivery_id = {{0xcd}}}};
    const struct msg_timeline_is timeline = {.job_id = {{1}},
                                             .version = 3,
                                             .state = JOB_RETRYING,
                                             .dropped = 7,
                                             .events = events,
                                             .event_count = 2};
    struct out out = json_of(history_timeline_len(&timeline));
    history_timeline(&out, &timeline);
    expect_text(
        &out,
        "{\"job_id\":\"01000000-0000-0000-0000-000000000000\",\"status\":\"retrying\",\"version\":"
        "3,"
        "\"dropped\":7,\"events\":["
        "{\"at\":\"1970-01-01T00:00:00.001Z\",\"event\":\"submit\",\"status\":\"queued\","
        "\"version\":1},"
        "{\"at\":\"1970-01-01T00:00:00.002Z\",\"event\":\"fail\",\"status\":\"retrying\","
        "\"version\":3,\"delivery\":\"cd000000-0000-0000-0000-000000000000\",\"actor\":\"ops\","
        "\"attempt\":1,\"outcome\":\"failed\","
        "\"worker\":\"ab000000-0000-0000-0000-000000000000\",\"token\":\"1099511627777\","
        "\"reason\":\"\\\"so\\\"\","
        "\"error\":{\"kind\":\"exit\",\"message\":\"status 1\",\"detail\":\"tail\\n\"},"
        "\"granted_at\":\"1970-01-01T00:00:00.001Z\",\"due_at\":\"1970-01-01T00:00:00.005Z\"}]}");
}

TEST(history, log_says_how_many_lines_are_missing)
{
    const struct msg_log_line lines[] = {
        {.seq = 3, .at = 1, .token = 9, .text = slice_of_text("a\tb")},
        {.seq = 4, .at = 2, .token = 9, .text = slice_of_text("")},
        {.seq = 9, .at = 3, .token = 9, .text = slice_of_text("z")}};
    const struct msg_log_is log = {
        .version = 8, .state = JOB_RUNNING, .count = 9, .lines = lines, .line_count = 3};
    EXPECT_EQ(history_dropped(&log, 0, 0), 2);
    EXPECT_EQ(history_dropped(&log, 2, 0), 0);
    EXPECT_EQ(history_dropped(&log, 2, 1), 0);
    EXPECT_EQ(history_dropped(&log, 2, 2), 4);
    EXPECT_EQ(history_dropped(&log, 2, 3), 0);
    struct out out = json_of(history_log_len(&log));
    history_log(&out, &log, 2);
    expect_text(&out,
                "{\"job_id\":\"00000000-0000-0000-0000-000000000000\",\"status\":\"running\","
                "\"version\":8,\"lines\":["
                "{\"seq\":3,\"at\":\"1970-01-01T00:00:00.001Z\",\"token\":\"9\","
                "\"text\":\"a\\tb\"},"
                "{\"seq\":4,\"at\":\"1970-01-01T00:00:00.002Z\",\"token\":\"9\",\"text\":\"\"},"
                "{\"seq\":9,\"at\":\"1970-01-01T00:00:00.003Z\",\"token\":\"9\","
                "\"text\":\"z\"}],\"dropped\":4}");
}

TEST(history, every_outcome_has_a_name)
{
    EXPECT(history_outcome(OUTCOME_NONE) == NULL);
    for (unsigned outcome = OUTCOME_SUCCEEDED; outcome < OUTCOMES; outcome++)
        EXPECT(history_outcome((enum outcome)outcome) != NULL);
}
