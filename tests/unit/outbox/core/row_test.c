// Rows as the jobs that they ask for.
// links: weft_gateway_core weft_proto

#include "outbox/core/row.h"

#include "tests/support/test.h"

static struct names_key names[1024];
static uint8_t memory[ROW_ARENA_LEN];
static struct submit_fault fault;
static const struct row_origin origin = {
    .tenant = {.data = (const uint8_t *)"acme", .len = 4},
    .outbox_id = {.data = (const uint8_t *)"00ff", .len = 4},
};

static struct row row_of(const char *payload, const char *options)
{
    return (struct row){
        .row_id = 42,
        .type = slice_of_text("t"),
        .queue = slice_of_text("q"),
        .payload = slice_of_text(payload),
        .options = slice_of_text(options),
    };
}

static err read_row(const struct row *row, struct msg_submit_job *job)
{
    static struct arena arena;
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    fault.detail[0] = '\0';
    return row_read(row, &origin,
                    &(struct doc_room){.keys = names, .key_cap = 1024, .arena = &arena}, job,
                    &fault);
}

TEST(row, asks_for_one_job_with_the_rows_own_key)
{
    struct row row = row_of("{\"a\":1}", "{\"priority\": 2, \"delay\": \"5s\"}");
    struct msg_submit_job job;
    EXPECT_EQ(read_row(&row, &job), OK);
    EXPECT(slice_is_text(job.key, "outbox/00ff/42"));
    EXPECT(slice_is_text(job.tenant, "acme"));
    EXPECT(slice_is_text(job.type, "t"));
    EXPECT(slice_is_text(job.queue, "q"));
    EXPECT(slice_is_text(job.payload.bytes, "{\"a\":1}"));
    EXPECT_EQ(job.payload.content, CONTENT_JSON);
    EXPECT_EQ(job.priority, 2);
    EXPECT_EQ(job.delay_ms, 5000);
}

TEST(row, keys_have_all_numbers)
{
    struct row row = row_of("", "");
    struct msg_submit_job job;
    const struct {
        int64_t row_id;
        const char *key;
    } cases[] = {
        {0, "outbox/00ff/0"},
        {-7, "outbox/00ff/-7"},
        {INT64_MAX, "outbox/00ff/9223372036854775807"},
        {INT64_MIN, "outbox/00ff/-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        row.row_id = cases[i].row_id;
        EXPECT_EQ(read_row(&row, &job), OK);
        EXPECT(slice_is_text(job.key, cases[i].key));
        EXPECT_EQ(job.payload.content, CONTENT_NONE);
    }
}

TEST(row, a_key_of_the_users_own_counts)
{
    struct row row = row_of("1", "{\"key\": \"mine\"}");
    struct msg_submit_job job;
    EXPECT_EQ(read_row(&row, &job), OK);
    EXPECT(slice_is_text(job.key, "mine"));
}

TEST(row, what_is_wrong_is_told_and_nothing_is_made)
{
    const struct {
        const char *payload;
        const char *options;
        err error;
        const char *detail; // begins so
    } cases[] = {
        {"{", "", ERR_MALFORMED, "the payload is no JSON value"},
        {"1 2", "", ERR_MALFORMED, "the payload is no JSON value"},
        {"1", "{", ERR_MALFORMED, ""},
        {"1", "{\"no\": 1}", ERR_BAD_FIELD, "no is no field of a job"},
        {"1", "{\"type\": \"u\"}", ERR_BAD_FIELD, "type has a column"},
        {"1", "{\"queue\": \"q\"}", ERR_BAD_FIELD, "queue has a column"},
        {"1", "{\"payload\": 1}", ERR_BAD_FIELD, "payload has a column"},
        {"", "{\"payload\": 1}", ERR_BAD_FIELD, "payload has a column"},
        {"1", "{\"dedup\": \"content\"}", ERR_BAD_FIELD, "dedup is not for rows"},
        {"1", "{\"priority\": 99}", ERR_BAD_FIELD, "priority"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row = row_of(cases[i].payload, cases[i].options);
        struct msg_submit_job job = {.cost = 77};
        EXPECT_EQ(read_row(&row, &job), cases[i].error);
        EXPECT_EQ(strncmp(fault.detail, cases[i].detail, strlen(cases[i].detail)), 0);
        EXPECT_EQ(job.cost, 77);
    }
    struct row row = row_of("1", "");
    struct msg_submit_job job = {.cost = 77};
    row.type = slice_of_text("No Type");
    EXPECT_EQ(read_row(&row, &job), ERR_BAD_FIELD);
    row = row_of("", "");
    row.is_too_long = true;
    EXPECT_EQ(read_row(&row, &job), ERR_TOO_LARGE);
    EXPECT_EQ(job.cost, 77);
}

TEST(row, the_largest_options_fit_into_a_rows_share_of_the_arena)
{
    static char options[ROW_OPTIONS_LEN_MAX];
    size_t len = (size_t)snprintf(options, sizeof options, "{\"tags\": [");
    for (int i = 0; i < MSG_TAGS_MAX; i++)
        len += (size_t)snprintf(options + len, sizeof options - len, "%s\"%064d\"",
                                i > 0 ? "," : "", i);
    len += (size_t)snprintf(options + len, sizeof options - len, "], \"metadata\": {");
    for (int i = 0; i < MSG_METADATA_MAX; i++)
        len += (size_t)snprintf(options + len, sizeof options - len, "%s\"name%d\": \"%0100d\"",
                                i > 0 ? "," : "", i, i);
    len += (size_t)snprintf(options + len, sizeof options - len, "}, \"after\": [");
    for (int i = 0; i < MSG_AFTER_MAX; i++)
        len +=
            (size_t)snprintf(options + len, sizeof options - len,
                             "%s\"01890a5d-ac96-774b-bcce-b302099a80%02d\"", i > 0 ? "," : "", i);
    len += (size_t)snprintf(options + len, sizeof options - len,
                            "], \"on_dependency_failure\": \"run\"}");
    struct row row = row_of("1", options);
    struct msg_submit_job job;
    EXPECT(len < sizeof options);
    err e = read_row(&row, &job);
    EXPECT_STR(fault.detail, "");
    EXPECT_EQ(e, OK);
    EXPECT_EQ(job.after.count, MSG_AFTER_MAX);
}
