// The fields of a submission.

#include "gateway/core/submit.h"

#include "proto/hook.h"
#include "tests/support/test.h"

enum { KEYS = 256 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[16 * 1024];
static struct arena arena;
static struct submit_fault fault;
static struct msg_submit_job job;

static const struct msg_submit_job *defaults;

static err read_as(enum doc_format format, struct slice bytes, bool is_record)
{
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    struct submit_options options = {.is_record = is_record, .defaults = defaults};
    fault.detail[0] = '\0';
    return submit_read((struct doc_value){format, bytes}, &options, &room, &job, &fault);
}

static err parse(const char *text)
{
    return read_as(DOC_JSON, slice_of_text(text), false);
}

static int sprintf_after(char *text, size_t cap, unsigned count)
{
    int len = snprintf(text, cap, "{\"type\":\"a\",\"after\":[");
    for (unsigned i = 0; i < count; i++)
        len += snprintf(text + len, cap - (size_t)len,
                        "%s\"01890a5d-ac96-774b-bcce-b302099a8%03x\"", i > 0 ? "," : "", i);
    return len + snprintf(text + len, cap - (size_t)len, "]}");
}

TEST(submit, every_field_has_its_place)
{
    // As read: mapping only.
    EXPECT_EQ(
        parse("{\"type\":\"invoice.render\",\"queue\":\"q\",\"payload\":{\"a\": [1, 2] "
              "},\"priority\":0,"
              "\"delay\":\"5m\",\"timeout\":\"30s\",\"keep\":\"24h\",\"retry\":{\"max_attempts\":3,"
              "\"max_crashes\":2,\"first\":\"1s\",\"longest\":\"1h\",\"factor\":1.5}}"),
        OK);
    EXPECT(slice_is_text(job.type, "invoice.render"));
    EXPECT(slice_is_text(job.queue, "q"));
    EXPECT(slice_is_text(job.payload.bytes, "{\"a\": [1, 2] }"));
    EXPECT_EQ(job.payload.content, CONTENT_JSON);
    EXPECT_EQ(job.priority, 0);
    EXPECT_EQ(job.delay_ms, 300000);
    EXPECT_EQ(job.timeout_ms, 30000);
    EXPECT_EQ(job.keep_s, 86400);
    EXPECT_EQ(job.max_attempts, 3);
    EXPECT_EQ(job.max_crashes, 2);
    EXPECT_EQ(job.retry_first_ms, 1000);
    EXPECT_EQ(job.retry_longest_ms, 3600000);
    EXPECT_EQ(job.retry_factor_milli, 1500);
}

TEST(submit, what_is_not_given_stays_not_given)
{
    EXPECT_EQ(parse("{\"type\":\"a\"}"), OK);
    EXPECT_EQ(job.priority, MSG_PRIORITY_NOT_GIVEN);
    EXPECT_EQ(job.payload.content, CONTENT_NONE);
    EXPECT_EQ(job.run_at, 0);
    EXPECT_EQ(job.queue.len, 0);
}

TEST(submit, defaults_hold_for_what_is_not_given)
{
    // As read: mapping only.
    const struct msg_submit_job given = {.type = slice_of_text("t"),
                                         .queue = slice_of_text("q"),
                                         .priority = 7,
                                         .delay_ms = 1000,
                                         .max_attempts = 3};
    defaults = &given;
    EXPECT_EQ(parse("{\"priority\":0}"), OK);
    EXPECT(slice_is_text(job.type, "t"));
    EXPECT(slice_is_text(job.queue, "q"));
    EXPECT_EQ(job.priority, 0);
    EXPECT_EQ(job.delay_ms, 1000);
    EXPECT_EQ(job.max_attempts, 3);
    EXPECT_EQ(parse("{\"type\":\"a\",\"delay\":\"0ms\"}"), OK);
    EXPECT(slice_is_text(job.type, "a"));
    EXPECT_EQ(job.delay_ms, 0);
    // A moment replaces a delay that the object does not name itself.
    EXPECT_EQ(parse("{\"run_at\":\"2026-12-01T08:00:00Z\"}"), OK);
    EXPECT_EQ(job.delay_ms, 0);
    EXPECT_EQ(parse("{\"run_at\":\"2026-12-01T08:00:00Z\",\"delay\":\"1s\"}"), ERR_BAD_FIELD);
    defaults = NULL;
}

TEST(submit, a_moment_may_be_given_instead_of_a_delay)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"run_at\":\"2026-12-01T08:00:00Z\"}"), OK);
    EXPECT_EQ(job.run_at, 1796112000000);
    EXPECT_EQ(parse("{\"type\":\"a\",\"delay\":\"1s\",\"run_at\":\"2026-12-01T08:00:00Z\"}"),
              ERR_BAD_FIELD);
}

TEST(submit, a_unique_key_is_held_while_the_job_is_unfinished_unless_it_says_for_how_long)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"unique\":{\"key\":\"k\"}}"), OK);
    EXPECT(slice_is_text(job.unique_key, "k"));
    EXPECT(job.unique_while_unfinished && job.unique_for_s == 0);
    EXPECT_EQ(parse("{\"type\":\"a\",\"unique\":{\"key\":\"k\",\"for\":\"1500ms\"}}"), OK);
    EXPECT(!job.unique_while_unfinished && job.unique_for_s == 2);
    EXPECT_EQ(parse("{\"type\":\"a\",\"unique\":{\"key\":\"k\",\"for\":\"24h\","
                    "\"while\":\"unfinished\"}}"),
              OK);
    EXPECT(job.unique_while_unfinished && job.unique_for_s == 86400);
}

TEST(submit, jobs_to_wait_for_are_named_by_their_ids)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"on_dependency_failure\":\"run\",\"after\":["
                    "\"01890a5d-ac96-774b-bcce-b302099a8057\", "
                    "\"01890a5d-ac96-774b-bcce-b3020\\u0039\\u0039a8058\"]}"),
              OK);
    EXPECT_EQ(job.after.count, 2);
    EXPECT_EQ(job.after.items[0].bytes[15], 0x57);
    EXPECT_EQ(job.after.items[1].bytes[15], 0x58);
    EXPECT_EQ(job.on_dependency_failure, ON_FAILURE_RUN);
    static const char packed[] = "\x83\xa4type\xa1z\xa5"
                                 "after\x91\xd9\x24"
                                 "01890a5d-ac96-774b-bcce-b302099a8057"
                                 "\xb5on_dependency_failure\xa6"
                                 "cancel";
    EXPECT_EQ(read_as(DOC_MSGPACK, slice_of(packed, sizeof packed - 1), false), OK);
    EXPECT_EQ(job.after.count, 1);
    EXPECT_EQ(job.on_dependency_failure, ON_FAILURE_CANCEL);
}

TEST(submit, a_hundred_jobs_can_be_waited_for_and_no_more)
{
    static char text[8192];
    for (unsigned count = 100; count <= 101; count++) {
        size_t len = (size_t)sprintf_after(text, sizeof text, count);
        EXPECT_EQ(read_as(DOC_JSON, slice_of(text, len), false), count == 100 ? OK : ERR_BAD_FIELD);
    }
    EXPECT_EQ(job.after.count, 100);
}

TEST(submit, escaped_texts_are_decoded)
{
    EXPECT_EQ(parse("{\"t\\u0079pe\":\"a\\u002eb\"}"), OK);
    EXPECT(slice_is_text(job.type, "a.b"));
}

TEST(submit, packed_objects_mean_the_same)
{
    static const char packed[] =
        "\x83\xa4type\xa1z\xa8priority\x02\xa7payload\x81\xa1k\xc4\x01\xff";
    EXPECT_EQ(read_as(DOC_MSGPACK, slice_of(packed, sizeof packed - 1), false), OK);
    EXPECT(slice_is_text(job.type, "z"));
    EXPECT_EQ(job.priority, 2);
    EXPECT_EQ(job.payload.content, CONTENT_MSGPACK);
    EXPECT(slice_equal(job.payload.bytes, slice_of("\x81\xa1k\xc4\x01\xff", 6)));
}

TEST(submit, labels_of_both_formats_are_the_same_bytes)
{
    static const char expected[] = "\x0a\1a\x0a\1b\x12\6\x0a\1k\x12\1v";
    struct slice packed = slice_of(expected, sizeof expected - 1);
    EXPECT_EQ(read_as(DOC_JSON,
                      slice_of_text("{\"metadata\":{\"k\":\"\\u0076\"},\"tags\":[\"a\",\"b\"]}"),
                      false),
              OK);
    EXPECT(slice_equal(job.labels, packed));
    static const char body[] = "\x82\xa4tags\x92\xa1\x61\xa1\x62\xa8metadata\x81\xa1k\xa1v";
    EXPECT_EQ(read_as(DOC_MSGPACK, slice_of(body, sizeof body - 1), false), OK);
    EXPECT(slice_equal(job.labels, packed));
}

TEST(submit, wrong_values_name_their_field)
{
    static const struct {
        const char *text;
        const char *field;
    } rows[] = {
        {"{\"type\":1}", "type "},
        {"{\"queue\":\"\"}", "queue "},
        {"{\"tags\":\"a\"}", "tags "},
        {"{\"tags\":[\"a b\"]}", "tags "},
        {"{\"tags\":[\"a\",\"a\"],\"metadata\":{}}", "tags "},
        {"{\"metadata\":[]}", "metadata "},
        {"{\"metadata\":{\"k\":1}}", "metadata.k "},
        {"{\"metadata\":{\"a b\":\"\"}}", "metadata.a b "},
        {"{\"priority\":10}", "priority "},
        {"{\"priority\":-1}", "priority "},
        {"{\"priority\":1.5}", "priority "},
        {"{\"priority\":\"1\"}", "priority "},
        {"{\"priority\":null}", "priority "},
        {"{\"delay\":5}", "delay "},
        {"{\"delay\":\"5 m\"}", "delay "},
        {"{\"run_at\":\"tomorrow\"}", "run_at "},
        {"{\"timeout\":\"0s\"}", "timeout "},
        {"{\"timeout\":\"50d\"}", "timeout "},
        {"{\"keep\":\"10ms\"}", "keep "},
        {"{\"retry\":5}", "retry "},
        {"{\"retry\":{\"max_attempts\":0}}", "retry.max_attempts "},
        {"{\"retry\":{\"max_attempts\":10001}}",
         "retry.max_attempts must be a whole number from 1 to 10,000"},
        {"{\"retry\":{\"max_crashes\":1.5}}", "retry.max_crashes "},
        {"{\"retry\":{\"first\":\"0s\"}}", "retry.first "},
        {"{\"retry\":{\"longest\":1}}", "retry.longest "},
        {"{\"retry\":{\"factor\":0.5}}", "retry.factor "},
        {"{\"retry\":{\"factor\":101}}", "retry.factor "},
        {"{\"key\":\"k\"}", "key "},
        {"{\"after\":\"x\"}", "after "},
        {"{\"after\":[]}", "after "},
        {"{\"after\":[1]}", "after "},
        {"{\"after\":[\"x\"]}", "after must be an array of 1 to 100 ids of jobs or batches"},
        {"{\"after\":[[\"x\"]]}", "after "},
        {"{\"on_dependency_failure\":\"maybe\"}", "on_dependency_failure "},
        {"{\"on_dependency_failure\":1}", "on_dependency_failure "},
        {"{\"unique\":1}", "unique must be an object"},
        {"{\"unique\":{}}", "unique needs a key"},
        {"{\"unique\":{\"key\":\"\"}}", "unique needs a key"},
        {"{\"unique\":{\"key\":1}}", "unique.key "},
        {"{\"unique\":{\"key\":\"a\",\"for\":\"10ms\"}}", "unique.for "},
        {"{\"unique\":{\"key\":\"a\",\"while\":\"queued\"}}", "unique.while "},
        {"{\"unique\":{\"key\":\"a\",\"until\":1}}", "unique.until is no field"},
        {"{\"key\":\"\"}", "key "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (parse(rows[i].text) != ERR_BAD_FIELD)
            print_error("%s\n", rows[i].text);
        EXPECT_EQ(parse(rows[i].text), ERR_BAD_FIELD);
        EXPECT(strncmp(fault.detail, rows[i].field, strlen(rows[i].field)) == 0);
    }
}

TEST(submit, bounds_in_time)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"ttl\":\"90d\",\"retry\":{\"within\":\"3d\"}}"), OK);
    EXPECT_EQ(job.ttl_ms, UINT64_C(90) * 24 * 3600 * 1000);
    EXPECT_EQ(job.retry_within_s, 3 * 24 * 3600);
    EXPECT_EQ(parse("{\"type\":\"a\",\"ttl\":\"0s\"}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "ttl must be more than nothing");
    EXPECT_EQ(parse("{\"type\":\"a\",\"ttl\":5}"), ERR_BAD_FIELD);
    EXPECT_EQ(parse("{\"type\":\"a\",\"retry\":{\"within\":\"1ms\"}}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "retry.within must be at least one second");
}

TEST(submit, a_concurrency_key_and_its_order)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"concurrency_key\":\"t-42\",\"order\":\"fifo\"}"), OK);
    EXPECT(slice_is_text(job.concurrency_key, "t-42"));
    EXPECT_EQ(job.order, ORDER_FIFO);
    EXPECT_EQ(parse("{\"type\":\"a\",\"concurrency_key\":\"t\",\"order\":\"fifo-skip\"}"), OK);
    EXPECT_EQ(job.order, ORDER_FIFO_SKIP);
    EXPECT_EQ(parse("{\"type\":\"a\",\"concurrency_key\":\"t\",\"order\":\"lifo\"}"),
              ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "order must be \"fifo\" or \"fifo-skip\"");
    EXPECT_EQ(parse("{\"type\":\"a\",\"concurrency_key\":7}"), ERR_BAD_FIELD);
    EXPECT_EQ(parse("{\"type\":\"a\",\"concurrency_key\":\"\"}"), ERR_BAD_FIELD);
}

TEST(submit, a_cost)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"cost\":7}"), OK);
    EXPECT_EQ(job.cost, 7);
    EXPECT_EQ(parse("{\"type\":\"a\",\"cost\":0}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "cost must be a whole number from 1 to 10,000");
    EXPECT_EQ(parse("{\"type\":\"a\",\"cost\":10001}"), ERR_BAD_FIELD);
}

TEST(submit, a_webhook_is_packed_and_its_secret_is_apart)
{
    struct hook hook;
    const char *detail = NULL;
    EXPECT_EQ(parse("{\"type\":\"a\",\"webhook\":{\"url\":\"https://a.test/\\u0068ook\","
                    "\"events\":[\"dead\",\"expired\"],\"endpoint\":\"ops\"}}"),
              OK);
    EXPECT_EQ(hook_read(job.webhook, &hook, &detail), OK);
    EXPECT(slice_is_text(hook.url, "https://a.test/hook"));
    EXPECT(slice_is_text(hook.endpoint, "ops"));
    EXPECT_EQ(hook.events, 1u << JOB_DEAD | 1u << JOB_EXPIRED);
    EXPECT_EQ(parse("{\"type\":\"a\",\"webhook\":7}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "webhook must be an object like {\"url\": \"https://…\"}");
}

TEST(submit, dedup_is_by_content_and_not_beside_a_key)
{
    EXPECT_EQ(parse("{\"type\":\"a\",\"dedup\":\"content\"}"), OK);
    EXPECT(job.by_content);
    EXPECT_EQ(parse("{\"type\":\"a\",\"dedup\":\"id\"}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "dedup must be \"content\"");
    EXPECT_EQ(parse("{\"type\":\"a\",\"dedup\":true}"), ERR_BAD_FIELD);
}

TEST(submit, unknown_fields_are_refused_with_a_guess)
{
    EXPECT_EQ(parse("{\"typ\":\"a\"}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "typ is no field of a job; did you mean type?");
    EXPECT_EQ(parse("{\"retry\":{\"max_atempts\":1}}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "retry.max_atempts is no field of a job; did you mean max_attempts?");
    EXPECT_EQ(parse("{\"retry\":{\"attempts\":1}}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail,
               "retry.attempts is no field of a job; did you mean retry.max_attempts?");
    EXPECT_EQ(parse("{\"max_attempts\":1}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "max_attempts is no field of a job; did you mean retry.max_attempts?");
    EXPECT_EQ(parse("{\"within\":\"1m\"}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "within is no field of a job; did you mean retry.within?");
    EXPECT_EQ(parse("{\"colour\":\"a\"}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail,
               "colour is no field of a job; known: type, queue, payload, priority, delay, run_at, "
               "ttl, timeout, retry, keep, key, unique, concurrency_key, order, cost, after, "
               "on_dependency_failure, tags, metadata, dedup, webhook, batch_webhook");
    EXPECT_EQ(parse("{\"retry\":{\"max\":1}}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "retry.max is no field of a job; known: max_attempts, max_crashes, "
                             "first, longest, factor, within");
    EXPECT_EQ(parse("{\"retry\":3}"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail,
               "retry must be an object like {\"max_attempts\": 5, \"first\": \"1s\"}");
}

TEST(submit, many_jobs_in_the_place_of_one_are_told_where_they_go)
{
    static const struct submit_options one = {.is_body = true};
    static const struct submit_options record = {.is_record = true};
    static const uint8_t packed[] = {0x90};
    struct doc_room room = {keys, KEYS, &arena};
    struct doc_value many = {DOC_JSON, slice_of_text("[{\"type\":\"a\"}]")};
    EXPECT_EQ(submit_read(many, &one, &room, &job, &fault), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "POST /v1/batches takes many jobs at once, as an array or one a line; "
                             "here one object is expected");
    EXPECT_EQ(submit_read(many, &record, &room, &job, &fault), ERR_BAD_FIELD);
    EXPECT(strstr(fault.detail, "batches") == NULL);
    many = (struct doc_value){DOC_MSGPACK, slice_of(packed, sizeof packed)};
    EXPECT_EQ(submit_read(many, &one, &room, &job, &fault), ERR_BAD_FIELD);
    EXPECT(strstr(fault.detail, "/v1/batches") != NULL);
    EXPECT_EQ(
        submit_read((struct doc_value){DOC_JSON, slice_of_text("7")}, &one, &room, &job, &fault),
        ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "at byte 1: an object is expected");
}

TEST(submit, records_may_have_a_key)
{
    EXPECT_EQ(read_as(DOC_JSON, slice_of_text("{\"type\":\"a\",\"key\":\"k 1\"}"), true), OK);
    EXPECT(slice_is_text(job.key, "k 1"));
}

TEST(submit, a_refusal_leaves_the_job_alone)
{
    EXPECT_EQ(parse("{\"type\":\"first\"}"), OK);
    EXPECT_EQ(parse("{\"type\":\"second\",\"priority\":99}"), ERR_BAD_FIELD);
    EXPECT(slice_is_text(job.type, "first"));
    EXPECT_EQ(parse("{\"type\":\"third\""), ERR_MALFORMED);
    EXPECT(slice_is_text(job.type, "first"));
}
