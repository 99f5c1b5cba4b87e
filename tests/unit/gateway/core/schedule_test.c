// The fields of a schedule, and what is told of one.
// links: weft_proto

#include "gateway/core/schedule.h"

#include "proto/identity.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { KEYS = 256 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[4096];
static struct arena arena;
static struct submit_fault fault;
static struct schedule_put put;

static err read_as(enum doc_format format, struct slice bytes)
{
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault.detail[0] = '\0';
    return schedule_read((struct doc_value){format, bytes}, &room, &put, &fault);
}

static err parse(const char *text)
{
    return read_as(DOC_JSON, slice_of_text(text));
}

TEST(schedule, every_field_has_its_place)
{
    // As read: mapping only.
    EXPECT_EQ(parse("{\"cron\":\"0 3 * * *\",\"time_zone\":\"Europe/Berlin\",\"overlap\":\"queue\","
                    "\"catch_up\":\"all\",\"jitter\":\"30s\",\"paused\":true,"
                    "\"job\":{\"type\":\"report\",\"payload\":[1],\"timeout\":\"5m\"}}"),
              OK);
    EXPECT(slice_is_text(put.given.cron, "0 3 * * *"));
    EXPECT(slice_is_text(put.given.zone, "Europe/Berlin"));
    EXPECT_EQ(put.given.overlap, OVERLAP_QUEUE);
    EXPECT_EQ(put.given.catch_up, CATCH_UP_ALL);
    EXPECT_EQ(put.given.jitter_ms, 30000);
    EXPECT(put.given.paused);
    EXPECT_EQ(put.given.job_count, 1);
    EXPECT(put.given.jobs == &put.job);
    EXPECT(slice_is_text(put.job.type, "report"));
    EXPECT(slice_is_text(put.job.payload.bytes, "[1]"));
    EXPECT_EQ(put.job.timeout_ms, 300000);
    EXPECT_EQ(put.job.priority, MSG_PRIORITY_NOT_GIVEN);
}

TEST(schedule, what_is_not_given_is_the_brokers_to_fill_in)
{
    EXPECT_EQ(parse("{}"), OK);
    EXPECT_EQ(put.given.overlap, OVERLAP_NONE);
    EXPECT_EQ(put.given.catch_up, CATCH_UP_NOT_GIVEN);
    EXPECT_EQ(put.given.job_count, 0);
    EXPECT(!put.given.paused);
}

TEST(schedule, each_word_has_its_value)
{
    static const char *const overlaps[] = {"skip", "queue", "allow", "replace"};
    static const char *const catch_ups[] = {"none", "latest", "all", "all"};
    for (unsigned i = 0; i < 4; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "{\"overlap\":\"%s\",\"catch_up\":\"%s\"}", overlaps[i],
                       catch_ups[i]);
        EXPECT_EQ(parse(text), OK);
        EXPECT_EQ(put.given.overlap, OVERLAP_SKIP + i);
        EXPECT_EQ(put.given.catch_up, i < 3 ? CATCH_UP_NONE + i : CATCH_UP_ALL);
    }
}

TEST(schedule, wrong_values_are_named)
{
    static const struct {
        const char *text;
        const char *fault;
    } rows[] = {
        {"{\"cron\":5}", "cron must be a string"},
        {"{\"time_zone\":null}", "time_zone must be a string"},
        {"{\"overlap\":\"forbid\"}", "overlap must be skip, queue, allow or replace"},
        {"{\"overlap\":1}", "overlap must be skip, queue, allow or replace"},
        {"{\"catch_up\":\"\"}", "catch_up must be none, latest or all"},
        {"{\"jitter\":30}", "jitter must be a duration like \"30s\" or \"5m\""},
        {"{\"paused\":\"true\"}", "paused must be true or false"},
        {"{\"crom\":\"@daily\"}", "crom is no field of a schedule; did you mean cron?"},
        {"{\"next\":1}", "next is no field of a schedule"},
        {"{\"job\":{\"tipe\":\"a\"}}", "tipe is no field of a job; did you mean type?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EXPECT_EQ(parse(rows[i].text), ERR_BAD_FIELD);
        EXPECT_EQ(strncmp(fault.detail, rows[i].fault, strlen(rows[i].fault)), 0);
    }
    EXPECT_EQ(parse("[]"), ERR_BAD_FIELD);
    EXPECT_EQ(parse("{"), ERR_MALFORMED);
    EXPECT(parse("{\"job\":7}") != OK);
    EXPECT_EQ(parse("{\"cron\":\"a\",\"cron\":\"b\"}"), ERR_MALFORMED);
}

TEST(schedule, messagepack_is_read_alike)
{
    static const char bytes[] = "\x83\xa4"
                                "cron\xa6@daily\xa6paused\xc3\xa3job\x81\xa4type\xa1t";
    EXPECT_EQ(read_as(DOC_MSGPACK, slice_of(bytes, sizeof bytes - 1)), OK);
    EXPECT(slice_is_text(put.given.cron, "@daily"));
    EXPECT(put.given.paused);
    EXPECT(slice_is_text(put.job.type, "t"));
}

// --- answers ---

static char text[4096];

static struct out out_json(void)
{
    return (struct out){.data = (uint8_t *)text, .cap = sizeof text - 1, .format = OUT_JSON};
}

static struct msg_schedule_status_is full(void)
{
    static struct msg_submit_job job;
    static const struct msg_moment moments[] = {{1796112000000}, {1796198400000}};
    job = (struct msg_submit_job){.type = slice_of_text("report"),
                                  .queue = slice_of_text("q"),
                                  .priority = 2,
                                  .timeout_ms = 300000,
                                  .max_attempts = 3,
                                  .retry_factor_milli = 1500,
                                  .keep_s = 86400,
                                  .unique_key = slice_of_text("u"),
                                  .unique_while_unfinished = true};
    return (struct msg_schedule_status_is){.given = {.schedule_id = slice_of_text("nightly"),
                                                     .cron = slice_of_text("0 8 * * *"),
                                                     .zone = slice_of_text("UTC"),
                                                     .overlap = OVERLAP_SKIP,
                                                     .catch_up = CATCH_UP_LATEST,
                                                     .jitter_ms = 30000,
                                                     .jobs = &job,
                                                     .job_count = 1},
                                           .is = {.generation = 3,
                                                  .created_at = 1,
                                                  .since_at = 2,
                                                  .last_at = 1796025600000,
                                                  .fired_count = 7,
                                                  .skipped_count = 1},
                                           .next = {moments, 2}};
}

TEST(schedule, all_of_it_is_told)
{
    struct msg_schedule_status_is is = full();
    struct answer_result payload = {ANSWER_RAW, slice_of_text("[1]")};
    struct out out = out_json();
    schedule_answer(&out, &is, &payload, false);
    EXPECT(!out.full);
    text[out.len] = '\0';
    EXPECT_STR(text,
               "{\"schedule_id\":\"nightly\",\"cron\":\"0 8 * * *\",\"time_zone\":\"UTC\","
               "\"overlap\":\"skip\",\"catch_up\":\"latest\",\"jitter\":\"30s\",\"paused\":false,"
               "\"job\":{\"type\":\"report\",\"queue\":\"q\",\"payload\":[1],\"priority\":2,"
               "\"timeout\":\"5m\",\"retry\":{\"max_attempts\":3,\"factor\":1.500},"
               "\"unique\":{\"key\":\"u\",\"while\":\"unfinished\"},\"keep\":\"1d\"},"
               "\"generation\":3,\"created_at\":\"1970-01-01T00:00:00.001Z\","
               "\"since\":\"1970-01-01T00:00:00.002Z\",\"last_at\":\"2026-11-30T08:00:00.000Z\","
               "\"fired\":7,\"skipped\":1,\"next\":[\"2026-12-01T08:00:00.000Z\","
               "\"2026-12-02T08:00:00.000Z\"],\"schedule_url\":\"/v1/schedules/nightly\"}");
}

// Each field that a schedule's job may have.
static struct slice packed_hook(const char *secret)
{
    static uint8_t room[MSG_HOOK_LEN_MAX];
    struct bytes_out packed = {.data = room, .cap = sizeof room};
    hook_write(&(struct hook){.url = slice_of_text("https://shop.example/"),
                              .events = 1u << JOB_DEAD,
                              .secret = slice_of_text(secret)},
               &packed);
    return slice_of(room, packed.len);
}

static struct msg_submit_job whole_job(void)
{
    static const struct id parents[] = {{.bytes = {1}}, {.bytes = {2}}};
    return (struct msg_submit_job){.type = slice_of_text("report"),
                                   .queue = slice_of_text("q"),
                                   .priority = 0,
                                   .ttl_ms = 3600000,
                                   .timeout_ms = 300000,
                                   .max_attempts = 3,
                                   .max_crashes = 2,
                                   .retry_first_ms = 1500,
                                   .retry_longest_ms = 60000,
                                   .retry_factor_milli = 1500,
                                   .retry_within_s = 86400,
                                   .keep_s = 86400,
                                   .unique_key = slice_of_text("u"),
                                   .unique_for_s = 60,
                                   .unique_while_unfinished = true,
                                   .concurrency_key = slice_of_text("c"),
                                   .order = ORDER_FIFO_SKIP,
                                   .after = {.items = parents, .count = 2},
                                   .on_dependency_failure = ON_FAILURE_CANCEL,
                                   .webhook = packed_hook("")};
}

static struct slice identity_of(const struct msg_submit_job *job, uint8_t *room)
{
    struct bytes_out out = {.data = room, .cap = IDENTITY_LEN_MAX};
    identity_put_options(&out, job);
    EXPECT(!out.full);
    return slice_of(room, out.len);
}

TEST(schedule, job_is_told_with_every_field_and_can_be_put_again)
{
    struct msg_schedule_status_is is = full();
    struct answer_result none = {.form = ANSWER_NONE};
    struct msg_submit_job job = whole_job();
    is.given.jobs = &job;
    struct out out = out_json();
    schedule_answer(&out, &is, &none, true);
    text[out.len] = '\0';
    const char *from = strstr(text, "\"job\":");
    const char *end = strstr(text, ",\"dry_run\":true");
    EXPECT(from != NULL && end != NULL);
    char again[2048];
    (void)snprintf(again, sizeof again, "{%.*s}", (int)(end - from), from);
    EXPECT_EQ(parse(again), OK);
    uint8_t rooms[2][IDENTITY_LEN_MAX];
    EXPECT(slice_equal(identity_of(&job, rooms[0]), identity_of(&put.job, rooms[1])));
}

TEST(schedule, job_that_is_told_can_be_put_again)
{
    struct msg_schedule_status_is is = full();
    struct answer_result payload = {ANSWER_RAW, slice_of_text("[1]")};
    struct out out = out_json();
    schedule_answer(&out, &is, &payload, true);
    text[out.len] = '\0';
    const char *job = strstr(text, "\"job\":");
    const char *end = strstr(text, ",\"dry_run\":true");
    EXPECT(job != NULL && end != NULL);
    char again[2048];
    (void)snprintf(again, sizeof again, "{%.*s}", (int)(end - job), job);
    EXPECT_EQ(parse(again), OK);
    EXPECT_EQ(put.job.retry_factor_milli, 1500);
    EXPECT_EQ(put.job.max_attempts, 3);
    EXPECT_EQ(put.job.keep_s, 86400);
    EXPECT(put.job.unique_while_unfinished);
}

TEST(schedule, webhook_is_told_and_no_secret)
{
    struct msg_schedule_status_is is = full();
    struct answer_result none = {.form = ANSWER_NONE};
    struct msg_submit_job job = whole_job();
    job.webhook = packed_hook("sealed");
    is.given.jobs = &job;
    struct out out = out_json();
    schedule_answer(&out, &is, &none, false);
    text[out.len] = '\0';
    EXPECT(strstr(text, "\"webhook\":{\"url\":\"https://shop.example/\",\"events\":[\"dead\"]}") !=
           NULL);
    EXPECT(strstr(text, "sealed") == NULL);
}

TEST(schedule, factors_are_written_as_they_are_read)
{
    static const uint32_t factors[] = {1000, 1001, 1050, 2000, 12345, 99999, 100000};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        for (unsigned format = 0; format < 2; format++) {
            struct msg_schedule_status_is is = full();
            is.given.jobs->retry_factor_milli = factors[i];
            struct out out = out_json();
            out.format = format == 0 ? OUT_JSON : OUT_MSGPACK;
            struct answer_result none = {.form = ANSWER_NONE};
            schedule_answer(&out, &is, &none, true);
            // The job alone, read back by its own name.
            struct doc_members members;
            char why[DOC_FAULT_LEN];
            arena = (struct arena){.data = memory, .cap = sizeof memory};
            struct doc_room room = {keys, KEYS, &arena};
            struct doc_value whole = {format == 0 ? DOC_JSON : DOC_MSGPACK, out_slice(&out)};
            EXPECT_EQ(doc_read(whole, &room, &members, why), OK);
            for (uint32_t k = 0; k < members.count; k++) {
                if (!slice_is_text(members.items[k].name, "job"))
                    continue;
                struct msg_submit_job job;
                EXPECT_EQ(submit_read(members.items[k].value, &(struct submit_options){0}, &room,
                                      &job, &fault),
                          OK);
                EXPECT_EQ(job.retry_factor_milli, factors[i]);
            }
        }
    }
}

TEST(schedule, list_has_a_cursor_when_there_is_more)
{
    struct msg_schedule_status_is one = full();
    struct msg_schedule_line line = {.given = one.given,
                                     .is = one.is,
                                     .queue = slice_of_text("q"),
                                     .type = slice_of_text("report"),
                                     .next_at = 1796112000000};
    struct msg_schedule_listed listed = {.schedules = &line, .count = 1, .is_more = true};
    struct out out = out_json();
    schedule_answer_list(&out, &listed);
    text[out.len] = '\0';
    EXPECT(strstr(text, "\"next_at\":\"2026-12-01T08:00:00.000Z\"") != NULL);
    EXPECT(strstr(text, "],\"cursor\":\"nightly\"}") != NULL);
    listed = (struct msg_schedule_listed){0};
    out = out_json();
    schedule_answer_list(&out, &listed);
    text[out.len] = '\0';
    EXPECT_STR(text, "{\"schedules\":[]}");
}
