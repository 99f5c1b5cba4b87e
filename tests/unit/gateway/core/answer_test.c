// Bodies of answers.

#include "gateway/core/answer.h"

#include "tests/support/test.h"

static uint8_t room[4096];

static struct out fresh(void)
{
    return (struct out){.data = room, .cap = sizeof room};
}

static const char *text_of(const struct out *out)
{
    static char text[4096];
    EXPECT(!out->full && slice_to_text(out_slice(out), text, sizeof text));
    return text;
}

static struct id sample_id(void)
{
    struct id id;
    EXPECT_EQ(id_from_text(slice_of_text("01890a5d-ac96-774b-bcce-b302099a8057"), &id), OK);
    return id;
}

TEST(answer, a_stored_job)
{
    struct out out = fresh();
    struct msg_submit_job job = {.type = slice_of_text("a.b")};
    struct msg_submitted_job said = {
        .job_id = sample_id(), .state = JOB_QUEUED, .created_at = 1796112000000};
    answer_submitted(&out, &job, &said, &(struct webhook_secret){0});
    EXPECT_STR(
        text_of(&out),
        "{\"job_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"status\":\"queued\",\"type\":"
        "\"a.b\",\"queue\":\"default\",\"status_url\":\"/v1/jobs/"
        "01890a5d-ac96-774b-bcce-b302099a8057\",\"events_url\":\"/v1/jobs/"
        "01890a5d-ac96-774b-bcce-b302099a8057/events\",\"cancel_url\":\"/v1/jobs/"
        "01890a5d-ac96-774b-bcce-b302099a8057:cancel\",\"durability\":\"flushed\",\"created_at\":"
        "\"2026-12-01T08:00:00.000Z\"}");
}

TEST(answer, what_an_act_has_come_to)
{
    struct out out = fresh();
    struct id id = sample_id();
    struct msg_acted acted = {.state = JOB_RUNNING, .version = 3, .cancel = CANCEL_REQUESTED};
    answer_acted(&out, &id, &acted);
    EXPECT_STR(text_of(&out),
               "{\"job_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"status\":\"running\","
               "\"cancel\":\"requested\",\"version\":3,\"status_url\":\"/v1/jobs/"
               "01890a5d-ac96-774b-bcce-b302099a8057\"}");
    EXPECT_STR(answer_cancel(CANCEL_ACKNOWLEDGED), "acknowledged");
    EXPECT_STR(answer_cancel(CANCEL_FORCED), "forced");
    EXPECT(answer_cancel(CANCEL_NONE) == NULL);
}

TEST(answer, what_a_worker_has_been_told)
{
    struct out out = fresh();
    struct id id = sample_id();
    answer_drained(&out, &id, DRAIN_QUIET);
    EXPECT_STR(text_of(&out), "{\"worker_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\","
                              "\"drain\":\"quiet\"}");
    out = fresh();
    answer_drained(&out, &id, DRAIN_STOP);
    EXPECT_STR(text_of(&out), "{\"worker_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\","
                              "\"drain\":\"stop\"}");
}

TEST(answer, how_far_an_act_on_many_has_come)
{
    struct out out = fresh();
    struct msg_operation_is is = {.operation_id = sample_id(),
                                  .kind = ACT_RETRY,
                                  .filter = {.states = 1u << JOB_DEAD,
                                             .queue = slice_of_text("mail"),
                                             .batch_id = sample_id()},
                                  .actor = slice_of_text("http"),
                                  .version = 3,
                                  .matched = 10,
                                  .done = 8,
                                  .upto = 100,
                                  .cursor = 40,
                                  .created_at = 1};
    answer_operation(&out, &is);
    EXPECT_STR(
        text_of(&out),
        "{\"operation_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"act\":\"retry\","
        "\"status\":\"running\",\"version\":3,\"matched\":10,\"done\":8,\"refused\":2,"
        "\"progress\":{\"done\":60,\"total\":100},\"statuses\":[\"dead\"],\"queue\":\"mail\","
        "\"batch_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"actor\":\"http\","
        "\"status_url\":\"/v1/operations/01890a5d-ac96-774b-bcce-b302099a8057\","
        "\"created_at\":\"1970-01-01T00:00:00.001Z\"}");
    static const enum act_kind kinds[] = {ACT_CANCEL, ACT_DELETE, ACT_PURGE, ACT_RUN_NOW, ACT_NONE};
    static const char *const names[] = {"cancel", "delete", "purge", "run-now", "none"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        out = fresh();
        is.kind = kinds[i];
        answer_operation(&out, &is);
        EXPECT(strstr(text_of(&out), names[i]) != NULL);
    }
    is.rate = 50;
    out = fresh();
    answer_operation(&out, &is);
    EXPECT(strstr(text_of(&out), ",\"rate\":50,\"actor\":\"http\",") != NULL);
}

TEST(answer, an_act_on_many_that_was_cancelled)
{
    struct out out = fresh();
    struct msg_operation_is is = {.operation_id = sample_id(),
                                  .kind = ACT_RETRY,
                                  .upto = 100,
                                  .cursor = 40,
                                  .is_over = true,
                                  .cancelled_by = slice_of_text("boss")};
    EXPECT_STR(answer_operation_status(&is), "cancelled");
    answer_operation(&out, &is);
    EXPECT(strstr(text_of(&out), "\"status\":\"cancelled\"") != NULL);
    EXPECT(strstr(text_of(&out), "\"cancelled_by\":\"boss\"") != NULL);
    is.cursor = 0;
    EXPECT_STR(answer_operation_status(&is), "over");
}

TEST(answer, how_many_an_act_would_mean)
{
    struct out out = fresh();
    answer_counted(&out, &(struct msg_operation_is){.matched = 7, .is_over = true});
    EXPECT_STR(text_of(&out), "{\"dry_run\":true,\"matched\":7}");
    out = fresh();
    answer_counted(&out, &(struct msg_operation_is){.matched = 7, .cursor = 120});
    EXPECT_STR(text_of(&out), "{\"dry_run\":true,\"matched\":7,\"cursor\":\"120\"}");
}

TEST(answer, a_state_with_all_it_may_have)
{
    struct out out = fresh();
    struct msg_status_is status = {
        .job_id = sample_id(),
        .type = slice_of_text("t"),
        .queue = slice_of_text("q"),
        .state = JOB_RETRYING,
        .version = 3,
        .priority = 4,
        .attempt = 2,
        .errors = 1,
        .created_at = 1000,
        .due_at = 2000,
        .failure = {slice_of_text("exit"), slice_of_text("code 1"), slice_of_text("tail")},
        .batch_id = sample_id(),
        .batch_index = 7,
        .progress_done = 1,
        .progress_total = 2,
        .progress_text = slice_of_text("half"),
    };
    answer_status(&out, &status, &(struct answer_result){0}, 7000);
    const char *text = text_of(&out);
    EXPECT(strstr(text, "\"status\":\"retrying\",\"retry_after\":\"7s\",\"version\":3,\"priority\":"
                        "4,\"attempt\":2,\"errors\":1") != NULL);
    EXPECT(strstr(text, "\"progress\":{\"done\":1,\"total\":2,\"text\":\"half\"}") != NULL);
    EXPECT(
        strstr(text, "\"error\":{\"kind\":\"exit\",\"message\":\"code 1\",\"detail\":\"tail\"}") !=
        NULL);
    EXPECT(strstr(text, "\"due_at\":\"1970-01-01T00:00:02.000Z\"") != NULL);
    EXPECT(strstr(text, "\"batch_url\":\"/v1/batches/") != NULL);
    EXPECT(strstr(text, "\"batch_index\":7") != NULL);
    EXPECT(strstr(text, "\"result\"") == NULL);
    EXPECT(strstr(text, "\"ended_at\"") == NULL);
}

static const char *result_as(enum content content, enum answer_form form, const char *bytes)
{
    static char part[512];
    struct out out = fresh();
    struct msg_status_is status = {.state = JOB_SUCCEEDED,
                                   .result = {content, slice_of_text(bytes)}};
    struct answer_result result = {form, slice_of_text(bytes)};
    answer_status(&out, &status, &result, 0);
    const char *start = strstr(text_of(&out), "\"result_type\"");
    EXPECT(start != NULL);
    const char *end = strstr(start, ",\"status_url\"");
    EXPECT(slice_to_text(slice_of(start, (size_t)(end - start)), part, sizeof part));
    return part;
}

TEST(answer, results_of_each_kind)
{
    EXPECT_STR(result_as(CONTENT_JSON, ANSWER_RAW, "{\"a\":1}"),
               "\"result_type\":\"application/json\",\"result\":{\"a\":1}");
    EXPECT_STR(result_as(CONTENT_TEXT, ANSWER_TEXT, "a\n"),
               "\"result_type\":\"text/plain; charset=utf-8\",\"result\":\"a\\n\"");
    EXPECT_STR(result_as(CONTENT_BYTES, ANSWER_BYTES, "foo"),
               "\"result_type\":\"application/"
               "octet-stream\",\"result\":\"Zm9v\",\"result_encoding\":\"base64\"");
}

TEST(answer, a_batch_is_finished_when_all_its_jobs_are)
{
    struct msg_batch_status_is batch = {.batch_id = sample_id(), .version = 2};
    batch.counts[JOB_SUCCEEDED] = 3;
    batch.counts[JOB_DEAD] = 1;
    EXPECT(!answer_batch_is_final(&batch)); // more may come
    batch.is_sealed = true;
    EXPECT(answer_batch_is_final(&batch));
    batch.counts[JOB_RUNNING] = 1;
    EXPECT(!answer_batch_is_final(&batch));
    struct out out = fresh();
    batch.created_at = 1000;
    answer_batch(&out, &batch, 9000);
    const char *text = text_of(&out);
    EXPECT(strstr(text, "\"status\":\"unfinished\"") != NULL);
    EXPECT(strstr(text, "\"progress\":{\"done\":4,\"total\":5},\"rate\":0.500,"
                        "\"eta\":\"1970-01-01T00:00:11.000Z\"") != NULL);
    EXPECT(strstr(text, "\"running\":1,\"retrying\":0,\"succeeded\":3,\"dead\":1") != NULL);
}

TEST(answer, bulk_with_and_without_anything_stored)
{
    struct out out = fresh();
    struct answer_bulk bulk = {.batch_id = sample_id(), .accepted = 2, .is_known = true};
    answer_bulk_begin(&out, &bulk);
    answer_bulk_end(&out);
    EXPECT(strstr(text_of(&out),
                  "\"accepted\":2,\"replayed\":0,\"rejected\":0,\"rejections\":[]}") != NULL);
    EXPECT(strstr(text_of(&out), "\"status_url\":\"/v1/batches/") != NULL);
    out = fresh();
    struct problem problem = {.error = ERR_FULL};
    bulk = (struct answer_bulk){.problem = &problem, .rejected = 1};
    answer_bulk_begin(&out, &bulk);
    answer_bulk_end(&out);
    EXPECT(strstr(text_of(&out), "\"status\":429") != NULL);
    EXPECT(strstr(text_of(&out), "batch_id") == NULL);
}

TEST(answer, states_have_names_and_ends)
{
    EXPECT_STR(answer_state(JOB_NONE), "none");
    EXPECT_STR(answer_state(JOB_EXPIRED), "expired");
    EXPECT(!answer_is_final(JOB_RETRYING));
    EXPECT(answer_is_final(JOB_SUCCEEDED) && answer_is_final(JOB_REMOVED));
}
