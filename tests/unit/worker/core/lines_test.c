// The two lines of --lines.

#include "worker/core/lines.h"

#include "tests/support/test.h"
#include "worker/core/jsontext.h"

static const char id_text[] = "01890a5d-ac96-774b-bcce-b302099a8057";

static struct lines_job job_of(const char *payload, enum content content)
{
    struct lines_job job = {.token = UINT64_MAX,
                            .type = slice_of_text("resize"),
                            .queue = slice_of_text("default"),
                            .attempt = 3,
                            .deadline = 1767225600000,
                            .payload = {.content = content, .bytes = slice_of_text(payload)}};
    EXPECT_EQ(id_from_text(slice_of_text(id_text), &job.job_id), OK);
    return job;
}

static void expect_request(const struct lines_job *job, const char *rest)
{
    uint8_t room[2048];
    size_t size = lines_request_size(job);
    EXPECT(size <= sizeof room);
    struct bytes_out out = {.data = room, .cap = size};
    lines_request(job, &out);
    char line[2048];
    (void)snprintf(line, sizeof line,
                   "{\"job_id\":\"%s\",\"token\":\"18446744073709551615\",\"type\":\"resize\","
                   "\"queue\":\"default\",\"attempt\":3,\"deadline\":1767225600000%s}\n",
                   id_text, rest);
    EXPECT_EQ(out.len, strlen(line));
    EXPECT_MEM(room, line, out.len);
    EXPECT(jsontext_is_valid(slice_of(room, out.len)));
}

TEST(lines, json_goes_as_it_is_on_one_line)
{
    struct lines_job job = job_of(" {\"a\":\n[1,\r\n2]}\n", CONTENT_JSON);
    expect_request(&job, ",\"payload\":{\"a\": [1,  2]}");
}

TEST(lines, text_is_a_string)
{
    struct lines_job job = job_of("say \"h\xc3\xa9\"\n\x01", CONTENT_TEXT);
    expect_request(&job, ",\"payload\":\"say \\\"h\xc3\xa9\\\"\\u000a\\u0001\"");
}

TEST(lines, other_payloads_are_base64)
{
    struct lines_job job = job_of("f", CONTENT_BYTES);
    expect_request(&job,
                   ",\"payload_base64\":\"Zg==\",\"content_type\":\"application/octet-stream\"");
    job = job_of("fo", CONTENT_MSGPACK);
    expect_request(&job, ",\"payload_base64\":\"Zm8=\",\"content_type\":\"application/msgpack\"");
    job = job_of("foobar", CONTENT_BYTES);
    expect_request(
        &job, ",\"payload_base64\":\"Zm9vYmFy\",\"content_type\":\"application/octet-stream\"");
    job = job_of("\xff", CONTENT_TEXT);
    expect_request(&job,
                   ",\"payload_base64\":\"/w==\",\"content_type\":\"text/plain; charset=utf-8\"");
    job = job_of("{", CONTENT_JSON);
    expect_request(&job, ",\"payload_base64\":\"ew==\",\"content_type\":\"application/json\"");
    job = job_of("", CONTENT_NONE);
    expect_request(&job, ",\"payload\":null");
}

TEST(lines, odd_bytes_in_names_are_escaped)
{
    struct lines_job job = job_of("", CONTENT_NONE);
    job.traceparent = slice_of_text("a\"\\\n\x1f");
    expect_request(&job, ",\"traceparent\":\"a\\\"\\\\\\u000a\\u001f\",\"payload\":null");
    job.traceparent = (struct slice){0};
    job.labels = slice_of_text("\x0a\1a\x12\6\x0a\1k\x12\1\n\x12\3\x0a\1l\x0a\1b");
    expect_request(
        &job,
        ",\"tags\":[\"a\",\"b\"],\"metadata\":{\"k\":\"\\u000a\",\"l\":\"\"},\"payload\":null");
    job.labels = slice_of_text("\x0a"); // not ours: nothing is told
    expect_request(&job, ",\"payload\":null");
}

static err answer(const char *format, struct lines_answer *out_answer)
{
    static char line[4096];
    (void)snprintf(line, sizeof line, "{\"job_id\":\"%s\",%s}", id_text, format);
    return lines_answer(slice_of_text(line), out_answer);
}

TEST(lines, a_success_has_a_result)
{
    struct lines_answer got;
    struct outcome_report report;
    EXPECT_EQ(answer("\"ok\":true,\"result\":{\"b\": 2},\"more\":[1]", &got), OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_SUCCEEDED);
    EXPECT_EQ(report.result.content, CONTENT_JSON);
    EXPECT(slice_is_text(report.result.bytes, "{\"b\": 2}"));
    char id[ID_TEXT_LEN + 1];
    id_to_text(&got.job_id, id);
    EXPECT_STR(id, id_text);
}

TEST(lines, no_result_and_null_are_none)
{
    struct lines_answer got;
    struct outcome_report report;
    EXPECT_EQ(answer("\"ok\":true", &got), OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.result.content, CONTENT_NONE);
    EXPECT_EQ(answer("\"ok\":true,\"result\":null", &got), OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.result.content, CONTENT_NONE);
}

TEST(lines, a_failure_says_what_to_do)
{
    struct lines_answer got;
    struct outcome_report report;
    EXPECT_EQ(
        answer("\"ok\":false,\"kind\":\"busy\",\"message\":\"no\\u0021\",\"retry_after\":\"2m\"",
               &got),
        OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_FAILED);
    EXPECT(slice_is_text(report.kind, "busy"));
    EXPECT(slice_is_text(report.message, "no!"));
    EXPECT_EQ(report.retry_after_ms, 120000);
    EXPECT_EQ(answer("\"ok\":false,\"retry\":false,\"retry_after\":\"2m\",\"kind\":null", &got),
              OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_DEAD);
    EXPECT(slice_is_text(report.kind, "error"));
    EXPECT_EQ(report.retry_after_ms, 0);
}

TEST(lines, long_texts_are_cut)
{
    char text[3000] = "\"ok\":false,\"kind\":\"";
    memset(text + strlen(text), 'k', 100);
    (void)snprintf(text + strlen(text), 100, "\",\"message\":\"");
    memset(text + strlen(text), 'm', 2000);
    (void)snprintf(text + strlen(text), 100, "\"");
    struct lines_answer got;
    EXPECT_EQ(answer(text, &got), OK);
    EXPECT_EQ(got.kind_len, MSG_ERROR_KIND_LEN_MAX);
    EXPECT_EQ(got.message_len, MSG_ERROR_MESSAGE_LEN_MAX);
}

TEST(lines, a_result_too_large_is_dead)
{
    static uint8_t large[MSG_RESULT_LEN_MAX + 1];
    struct lines_answer got = {.ok = true, .result = slice_of(large, sizeof large)};
    struct outcome_report report;
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_DEAD);
    EXPECT(slice_is_text(report.kind, "result-too-large"));
}

TEST(lines, wrong_answers_are_refused)
{
    struct lines_answer got;
    EXPECT_EQ(lines_answer(slice_of_text("hello"), &got), ERR_MALFORMED);
    EXPECT_EQ(lines_answer(slice_of_text("[1]"), &got), ERR_MALFORMED);
    EXPECT_EQ(lines_answer(slice_of_text("{\"ok\":true}"), &got), ERR_BAD_FIELD);
    EXPECT_EQ(lines_answer(slice_of_text("{\"ok\":true,\"job_id\":7}"), &got), ERR_BAD_FIELD);
    EXPECT_EQ(lines_answer(slice_of_text("{\"ok\":true,\"job_id\":\"7\"}"), &got), ERR_BAD_FIELD);
    static const char *const rests[] = {
        "\"x\":1",
        "\"ok\":1",
        "\"ok\":\"true\"",
        "\"ok\":false,\"retry\":0",
        "\"ok\":false,\"retry_after\":30",
        "\"ok\":false,\"retry_after\":\"soon\"",
        "\"ok\":false,\"kind\":{}",
        "\"ok\":false,\"message\":[]",
    };
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++)
        EXPECT_EQ(answer(rests[i], &got), ERR_BAD_FIELD);
}

TEST(lines, too_many_members_are_refused)
{
    char text[1024] = "\"ok\":true";
    for (int i = 0; i < LINES_MEMBERS_MAX; i++)
        (void)snprintf(text + strlen(text), 20, ",\"m%d\":0", i);
    struct lines_answer got;
    EXPECT_EQ(answer(text, &got), ERR_MALFORMED);
}

TEST(lines, a_cancel_is_a_line_of_its_own)
{
    uint8_t room[LINES_CANCEL_SIZE];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct msg_held held = {.token = UINT64_MAX};
    EXPECT_EQ(id_from_text(slice_of_text(id_text), &held.job_id), OK);
    lines_cancel(&held, &out);
    char expected[128];
    (void)snprintf(expected, sizeof expected,
                   "{\"cancel\":\"%s\",\"token\":\"18446744073709551615\"}\n", id_text);
    EXPECT(slice_is_text(slice_of(out.data, out.len), expected));
}

TEST(lines, who_stopped_when_asked_says_so)
{
    struct lines_answer got;
    struct outcome_report report;
    EXPECT_EQ(answer("\"ok\":false,\"cancelled\":true", &got), OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_CANCELLED);
    EXPECT(slice_is_text(report.kind, "cancelled"));
    EXPECT_EQ(answer("\"ok\":true,\"cancelled\":true", &got), OK);
    lines_report(&got, &report);
    EXPECT_EQ(report.outcome, OUTCOME_SUCCEEDED);
    EXPECT_EQ(answer("\"ok\":false,\"cancelled\":1", &got), ERR_BAD_FIELD);
}
