// What is told of dry runs.

#include "gateway/core/forecast.h"

#include "tests/support/test.h"

static uint8_t room[2048];
static char text[sizeof room + 1];

static const char *told(const struct forecast_told *given)
{
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    forecast_put(&out, given);
    EXPECT(!out.full && slice_to_text(out_slice(&out), text, sizeof text));
    return text;
}

static const struct msg_forecast forecast = {.due_at = 1000,
                                             .waiting_on = WAITING_PAUSED,
                                             .ahead = 3,
                                             .paused = DIRECTION_OUT,
                                             .open_left = 7,
                                             .course = {.timeout_ms = 30000,
                                                        .max_attempts = 4,
                                                        .retry_first_ms = 1000,
                                                        .retry_longest_ms = 60000,
                                                        .retry_factor_milli = 2000}};

TEST(forecast, an_accepted_job_has_its_way_told)
{
    struct msg_submit_job job = {.type = slice_of_text("t")};
    struct msg_submitted_job said = {.state = JOB_QUEUED, .dedup_until = 2000};
    EXPECT_STR(
        told(&(struct forecast_told){.job = &job, .said = &said, .forecast = &forecast}),
        "{\"dry_run\":true,\"would_be\":\"accepted\",\"type\":\"t\",\"queue\":\"default\","
        "\"status\":\"queued\",\"dedup_until\":\"1970-01-01T00:00:02.000Z\",\"due_at\":"
        "\"1970-01-01T00:00:01.000Z\",\"waiting_on\":\"paused\",\"queue_state\":{\"paused\":"
        "\"out\",\"ahead\":3,\"open_left\":7},\"timeout\":\"30s\",\"retry\":{\"max_attempts\":4,"
        "\"first\":\"1s\",\"longest\":\"1m\",\"factor\":2},\"retry_exact\":false,"
        "\"retry_pauses\":[\"1s\",\"2s\",\"4s\"]}");
}

TEST(forecast, an_estimate_is_told_when_there_is_one)
{
    struct msg_submit_job job = {.type = slice_of_text("t")};
    struct msg_submitted_job said = {.state = JOB_QUEUED};
    struct msg_forecast given = forecast;
    given.starts_at = 3000;
    const char *is = told(&(struct forecast_told){.job = &job, .said = &said, .forecast = &given});
    EXPECT(strstr(is, "\"estimated_start\":\"1970-01-01T00:00:03.000Z\"") != NULL);
}

TEST(forecast, what_a_worker_says_is_told_and_why_none_does)
{
    struct msg_submit_job job = {.type = slice_of_text("t")};
    struct msg_submitted_job said = {.state = JOB_QUEUED};
    struct msg_forecast given = forecast;
    given.simulation = SIMULATION_OK;
    given.simulated.content = CONTENT_JSON;
    const struct forecast_told asked = {.job = &job,
                                        .said = &said,
                                        .forecast = &given,
                                        .simulated = {ANSWER_RAW, slice_of_text("{\"n\":1}")}};
    EXPECT(strstr(told(&asked), ",\"simulated\":{\"ok\":true,\"result_type\":\"application/json\","
                                "\"result\":{\"n\":1}}}") != NULL);
    given.simulation = SIMULATION_FAILED;
    given.failure.message = slice_of_text("bad row");
    EXPECT(strstr(told(&asked), ",\"simulated\":{\"ok\":false,\"error\":{\"kind\":\"\","
                                "\"message\":\"bad row\"}}}") != NULL);
    static const char *const words[] = {"late", "gone", "busy"};
    for (unsigned i = 0; i < 3; i++) {
        given.simulation = (enum simulation)(SIMULATION_LATE + i);
        const char *at = strstr(told(&asked), ",\"not_simulated\":\"");
        EXPECT(at != NULL && strncmp(at + 18, words[i], 4) == 0);
    }
}

TEST(forecast, pauses_are_those_of_a_known_id_and_end_with_the_retries)
{
    struct msg_submit_job job = {.type = slice_of_text("t"), .key = slice_of_text("k")};
    struct msg_submitted_job said = {.job_id = {{7}}, .state = JOB_QUEUED};
    struct msg_forecast given = forecast;
    given.course.retry_within_s = 2;
    const char *is = told(&(struct forecast_told){.job = &job, .said = &said, .forecast = &given});
    EXPECT(strstr(is, "\"retry_exact\":true") != NULL);
    EXPECT(strstr(is, "\"job_id\":\"07000000-") != NULL);
    // At most two seconds, however they are drawn: the third pause is two at least.
    const char *pauses = strstr(is, "\"retry_pauses\":[");
    EXPECT(pauses != NULL && strchr(pauses, ',') == strrchr(pauses, ','));
}

TEST(forecast, a_refusal_and_a_replay_are_told)
{
    struct msg_submit_job job = {.type = slice_of_text("t")};
    struct msg_submitted_job said = {.error = ERR_FULL, .detail = slice_of_text("why")};
    const char *is = told(&(struct forecast_told){.job = &job, .said = &said});
    EXPECT(strstr(is, "\"would_be\":\"refused\"") != NULL);
    EXPECT(strstr(is, "\"status\":429") != NULL && strstr(is, "\"detail\":\"why\"") != NULL);
    said = (struct msg_submitted_job){.replayed = true, .state = JOB_DEAD, .job_id = {{7}}};
    is = told(&(struct forecast_told){.job = &job, .said = &said});
    EXPECT(strstr(is, "\"would_be\":\"replayed\",\"duplicate_of\":\"07") != NULL);
    EXPECT(strstr(is, "\"status\":\"dead\"") != NULL);
}

static const char *head(struct forecast_many many)
{
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    forecast_begin(&out, &many);
    out_close(&out);
    EXPECT(slice_to_text(out_slice(&out), text, sizeof text));
    return strstr(text, "would_be");
}

TEST(forecast, many_are_accepted_unless_none_is_or_one_is_not_of_an_atomic_one)
{
    EXPECT(strstr(head((struct forecast_many){1, 0, 1, false}), "\"accepted\",\"acc") != NULL);
    EXPECT(strstr(head((struct forecast_many){0, 1, 1, false}), "\"replayed\",\"acc") != NULL);
    EXPECT(strstr(head((struct forecast_many){0, 0, 1, false}), "\"refused\",\"acc") != NULL);
    EXPECT(strstr(head((struct forecast_many){0, 1, 1, true}), "\"refused\",\"acc") != NULL);
}
