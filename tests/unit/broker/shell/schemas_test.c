// links: PkgConfig::jansson

// Types have schemas; payloads of a message are held against them, within its bounds.

#include "broker/shell/schemas.h"

#include "tests/support/test.h"

#include <jansson.h>
#include <stdlib.h>

static _Alignas(16) uint8_t memory[2 * SCHEMAS_TEXT_MAX];

static struct schemas_name named(struct slice type)
{
    return (struct schemas_name){.type = type};
}

static struct schema *schema_of(const char *text)
{
    struct schema *schema = NULL;
    struct schema_fault fault;
    EXPECT_EQ(schema_compile(slice_of_text(text), &schema, &fault), OK);
    return schema;
}

static void put(struct schemas *schemas, const char *type, const char *schema)
{
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text(type)), schema_of(schema), 9), OK);
}

static struct msg_submit_job job_of(const char *type, const char *payload)
{
    return (struct msg_submit_job){.type = slice_of_text(type),
                                   .payload = {CONTENT_JSON, slice_of_text(payload)}};
}

static void judge(struct schemas *schemas, struct msg_submit_job *jobs, uint32_t count, size_t cap)
{
    struct arena arena = {.data = memory, .cap = cap};
    schemas_judge(schemas, &(struct msg_submit){.jobs = jobs, .count = count}, &arena);
}

TEST(schemas, are_found_by_their_type)
{
    struct schemas *schemas = schemas_new(16);
    char type[2] = "a";
    for (int i = 0; i < 16; i++) {
        type[0] = (char)('a' + i * 7 % 16);
        EXPECT_EQ(schemas_put(schemas, named(slice_of(type, 1)), schema_of("true"), 9), OK);
    }
    for (type[0] = 'a'; type[0] < 'a' + 16; type[0]++)
        EXPECT(schemas_peek(schemas, named(slice_of(type, 1))) != NULL);
    EXPECT(schemas_peek(schemas, named(slice_of_text("ab"))) == NULL);
    struct schema *more = schema_of("true");
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text("z")), more, 9), ERR_FULL);
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text("c")), NULL, 9), OK);
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text("c")), NULL, 9), OK);
    EXPECT(schemas_peek(schemas, named(slice_of_text("c"))) == NULL);
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text("z")), more, 9), OK);
    EXPECT(schemas_peek(schemas, named(slice_of_text("z"))) == more);
    more = schema_of("false");
    EXPECT_EQ(schemas_put(schemas, named(slice_of_text("z")), more, 9), OK);
    EXPECT(schemas_peek(schemas, named(slice_of_text("z"))) == more);
    schemas_free(schemas);
}

TEST(schemas, say_what_breaks_them)
{
    struct schemas *schemas = schemas_new(4);
    put(schemas, "mail", "{\"properties\":{\"to\":{\"type\":\"string\"}},\"required\":[\"to\"]}");
    struct msg_submit_job jobs[] = {job_of("mail", "{\"to\":\"a\"}"),
                                    job_of("mail", "{\"to\":1}"),
                                    job_of("else", "{\"to\":1}"),
                                    job_of("mail", "{"),
                                    job_of("mail", "\x80"),
                                    job_of("mail", "x"),
                                    job_of("mail", "1")};
    jobs[4].payload.content = CONTENT_MSGPACK;
    jobs[5].payload.content = CONTENT_TEXT;
    jobs[6].verdict = ERR_BAD_FIELD;
    judge(schemas, jobs, 7, sizeof memory);
    EXPECT_EQ(jobs[0].schema, OK);
    EXPECT_EQ(jobs[1].schema, ERR_SCHEMA);
    EXPECT(slice_is_text(jobs[1].detail, "payload/to: expected a string, found an integer"));
    EXPECT(slice_is_text(jobs[1].violations,
                         "[{\"path\":\"/to\",\"schema_path\":\"/properties/to/type\",\"message\":"
                         "\"expected a string, found an integer\"}]"));
    EXPECT_EQ(jobs[2].schema, OK);
    EXPECT_EQ(jobs[3].schema, ERR_SCHEMA);
    EXPECT_EQ(jobs[4].schema, ERR_SCHEMA);
    EXPECT(slice_is_text(jobs[4].detail, "payload: the property \"to\" is missing"));
    EXPECT_EQ(jobs[5].schema, ERR_SCHEMA);
    EXPECT_EQ(jobs[5].violations.len, 0);
    EXPECT_EQ(jobs[6].schema, OK); // its refusal is another
    schemas_free(schemas);
}

TEST(schemas, take_no_payload_for_null)
{
    struct schemas *schemas = schemas_new(4);
    put(schemas, "any", "true");
    put(schemas, "some", "{\"type\":\"object\"}");
    struct msg_submit_job jobs[] = {job_of("any", ""), job_of("some", "")};
    jobs[0].payload.content = jobs[1].payload.content = CONTENT_NONE;
    judge(schemas, jobs, 2, sizeof memory);
    EXPECT_EQ(jobs[0].schema, OK);
    EXPECT(slice_is_text(jobs[1].detail, "payload: expected an object, found null"));
    schemas_free(schemas);
}

TEST(schemas, tell_less_where_there_is_no_room)
{
    struct schemas *schemas = schemas_new(4);
    put(schemas, "a", "{\"type\":\"object\"}");
    struct msg_submit_job job = job_of("a", "1");
    judge(schemas, &job, 1, 64);
    EXPECT_EQ(job.schema, ERR_SCHEMA);
    EXPECT(slice_is_text(job.detail, "payload: expected an object, found an integer"));
    EXPECT_EQ(job.violations.len, 0);
    job = job_of("a", "1");
    judge(schemas, &job, 1, 0);
    EXPECT(slice_is_text(job.detail, "payload: it breaks the schema of its type"));
    schemas_free(schemas);
}

TEST(schemas, texts_of_a_message_are_bounded)
{
    enum { JOBS = 4000 };
    struct schemas *schemas = schemas_new(4);
    put(schemas, "a", "{\"items\":{\"type\":\"null\"}}");
    struct msg_submit_job *jobs = calloc(JOBS, sizeof *jobs);
    for (uint32_t i = 0; i < JOBS; i++)
        jobs[i] = job_of("a", "[1,2,3,4,5,6,7,8,9,10]");
    judge(schemas, jobs, JOBS, sizeof memory);
    size_t told = 0;
    for (uint32_t i = 0; i < JOBS; i++) {
        EXPECT_EQ(jobs[i].schema, ERR_SCHEMA);
        EXPECT(jobs[i].detail.len > 0);
        told += jobs[i].violations.len;
    }
    EXPECT(told > SCHEMAS_TEXT_MAX / 2 && told <= SCHEMAS_TEXT_MAX);
    EXPECT_EQ(jobs[JOBS - 1].violations.len, 0);
    free(jobs);
    schemas_free(schemas);
}

TEST(schemas, steps_of_a_message_are_bounded)
{
    enum { JOBS = 16, LEN = 30000 };
    struct schemas *schemas = schemas_new(4);
    put(schemas, "a", "{\"pattern\":\"^(a+)+$\"}");
    put(schemas, "b", "{\"pattern\":\"^a\"}");
    char *text = malloc(LEN + 1);
    memset(text, 'a', LEN);
    text[0] = text[LEN - 1] = '"';
    text[LEN - 2] = '!';
    text[LEN] = '\0';
    struct msg_submit_job jobs[JOBS];
    for (uint32_t i = 0; i < JOBS; i++)
        jobs[i] = job_of(i < JOBS - 1 ? "a" : "b", i < JOBS - 1 ? text : "\"a\"");
    judge(schemas, jobs, JOBS, sizeof memory);
    for (uint32_t i = 0; i < JOBS; i++)
        EXPECT_EQ(jobs[i].schema,
                  i < SCHEMAS_STEPS_MAX / SCHEMA_STEPS_MAX ? ERR_SCHEMA : ERR_TOO_LARGE);
    // The next message has steps of its own.
    jobs[0] = job_of("b", "\"a\"");
    judge(schemas, jobs, 1, sizeof memory);
    EXPECT_EQ(jobs[0].schema, OK);
    free(text);
    schemas_free(schemas);
}

static struct msg_type_set set_of(const char *type, const char *schema)
{
    return (struct msg_type_set){.type = slice_of_text(type),
                                 .schema = {CONTENT_JSON, slice_of_text(schema)}};
}

TEST(schemas, that_are_wrong_are_refused_with_the_place)
{
    struct schemas *schemas = schemas_new(4);
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct msg_type_set set = set_of("a", "{\"properties\":{\"age\":{\"minimum\":\"1\"}}}");
    EXPECT(schemas_compile(schemas, &set, &arena) == NULL);
    EXPECT_EQ(set.verdict, ERR_BAD_FIELD);
    EXPECT(slice_is_text(set.detail, "schema/properties/age/minimum: expected a number"));
    set = set_of("a", "x");
    set.schema.content = CONTENT_MSGPACK;
    EXPECT(schemas_compile(schemas, &set, &arena) == NULL);
    EXPECT(slice_is_text(set.detail, "schema: it has to be JSON"));
    set = (struct msg_type_set){.type = slice_of_text("a")};
    EXPECT(schemas_compile(schemas, &set, &arena) == NULL);
    EXPECT(set.verdict == OK && set.schema_hash == 0);
    set = set_of("a", "true");
    struct schema *schema = schemas_compile(schemas, &set, &arena);
    EXPECT(schema != NULL && set.verdict == OK && set.schema_hash != 0);
    schema_free(schema);
    schemas_free(schemas);
}

TEST(schemas, stay_when_they_are_not_named)
{
    struct schemas *schemas = schemas_new(4);
    struct arena arena = {.data = memory, .cap = 16};
    put(schemas, "a", "{\"minimum\":1}");
    struct msg_type_set set = set_of("a", "false");
    EXPECT_EQ(schemas_keep(schemas, &set, &arena), OK); // all is meant
    set.named = 1u << TYPE_SCHEMA | 1u << QUEUE_KEEP;
    EXPECT_EQ(schemas_keep(schemas, &set, &arena), OK);
    EXPECT(slice_is_text(set.schema.bytes, "false") && arena.used == 0);
    set.named = 1u << QUEUE_KEEP;
    EXPECT_EQ(schemas_keep(schemas, &set, &arena), OK);
    EXPECT(slice_is_text(set.schema.bytes, "{\"minimum\":1}"));
    put(schemas, "a", "true"); // what is kept is a copy
    EXPECT(slice_is_text(set.schema.bytes, "{\"minimum\":1}"));
    EXPECT_EQ(schemas_keep(schemas, &set, &arena), ERR_NO_MEMORY);
    EXPECT(slice_is_text(set.schema.bytes, "{\"minimum\":1}"));
    arena_reset(&arena);
    set = set_of("b", "false");
    set.named = 1u << QUEUE_KEEP;
    EXPECT_EQ(schemas_keep(schemas, &set, &arena), OK);
    EXPECT(set.schema.content == CONTENT_NONE && set.schema.bytes.len == 0);
    schemas_free(schemas);
}

TEST(schemas, texts_of_all_are_bounded)
{
    struct schemas *schemas = schemas_new(4);
    struct arena arena = {.data = memory, .cap = sizeof memory};
    EXPECT_EQ(
        schemas_put(schemas, named(slice_of_text("a")), schema_of("true"), SCHEMAS_BYTES_MAX - 4),
        OK);
    struct msg_type_set set = set_of("b", "false");
    EXPECT(schemas_compile(schemas, &set, &arena) == NULL);
    EXPECT_EQ(set.verdict, ERR_FULL);
    set = set_of("a", "false"); // in the place of the long one
    schema_free(schemas_compile(schemas, &set, &arena));
    EXPECT_EQ(set.verdict, OK);
    set = set_of("b", "true");
    schema_free(schemas_compile(schemas, &set, &arena));
    EXPECT_EQ(set.verdict, OK);
    schemas_free(schemas);
}

TEST(schemas, of_tenants_are_apart_and_schedules_keep_to_them)
{
    struct schemas *schemas = schemas_new(4);
    struct arena arena = {.data = memory, .cap = sizeof memory};
    put(schemas, "a", "{\"type\":\"object\"}");
    struct msg_submit_job job = job_of("a", "1");
    job.tenant = slice_of_text("other");
    struct msg_schedule_set set = {.given = {.jobs = &job, .job_count = 1}};
    schemas_judge_schedule(schemas, &set, &arena);
    EXPECT_EQ(set.verdict, OK);
    job.tenant = slice_of_text("default");
    schemas_judge_schedule(schemas, &set, &arena);
    EXPECT_EQ(set.verdict, ERR_SCHEMA);
    EXPECT(slice_is_text(set.detail, "payload: expected an object, found an integer"));
    EXPECT(slice_is_text(set.violations,
                         "[{\"path\":\"\",\"schema_path\":\"/type\",\"message\":\"expected an "
                         "object, found an integer\"}]"));
    schemas_free(schemas);
}
