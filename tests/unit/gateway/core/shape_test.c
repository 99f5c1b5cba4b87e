// Bodies that are not what is taken, and what is told of them.

#include "gateway/core/shape.h"

#include "tests/support/test.h"

static bool says(const char *lesson, const char *part)
{
    return lesson != NULL ? part != NULL && strstr(lesson, part) != NULL : part == NULL;
}

struct row {
    const char *body;
    const char *part; // of the lesson; NULL: there is none
};

TEST(shape, many_jobs_are_sent_to_where_they_are_taken)
{
    static const struct row rows[] = {
        {"[{\"type\":\"a\"}]", "POST /v1/batches"},
        {" \t\r\n[]", "POST /v1/batches"},
        {"[{\"type\":\"a\"", "POST /v1/batches"},
        {"{\"type\":\"a\"}\n{\"type\":\"a\"}\n", "POST /v1/batches"},
        {"{\"type\":\"a\"}\r\n\r\n{\"type\":\"a\"}", "POST /v1/batches"},
        {"{\"a\":{\"b\":\"}\\\"{\"}}{", "POST /v1/batches"},
        {"{\"type\":\"a\"}, {\"type\":\"a\"}", "POST /v1/batches"},
        {"\x1e{\"type\":\"a\"}", "POST /v1/batches"},
        {"{\"type\":\"a\"} x", NULL},
        {"{\"type\":\"a\"},", NULL},
        {"{\"type\":\"a\"", NULL},
        {"{\"type\":\"a}{", NULL},
        {"{'type':'a'}", NULL},
        {"}{", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct doc_value body = {DOC_JSON, slice_of_text(rows[i].body)};
        EXPECT(says(shape_of_job(body), rows[i].part));
    }
}

TEST(shape, what_is_no_json_is_named)
{
    static const struct row rows[] = {
        {"", "empty"},
        {" \n", "empty"},
        {"\xef\xbb\xbf{\"type\":\"a\"}", "byte order mark"},
        {"\x1f\x8b\x08", "compressed"},
        {"\x28\xb5\x2f\xfd", "compressed"},
        {"\x81\xa4type\xa1"
         "a",
         "application/msgpack"},
        {"\xde\x01", "application/msgpack"},
        {"type=a&payload=1", "no JSON"},
        {"type: a", "no JSON"},
        {"\"{}\"", "encoded twice"},
        {"true", NULL},
        {"null", NULL},
        {"7", NULL},
        {"-", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct doc_value body = {DOC_JSON, slice_of_text(rows[i].body)};
        EXPECT(says(shape_of_job(body), rows[i].part));
    }
}

TEST(shape, what_is_no_messagepack_is_named)
{
    static const struct row rows[] = {
        {"", "empty"},
        {"{\"type\":\"a\"}", "application/json"},
        {" [", "application/json"},
        {"\x1f\x8b", "compressed"},
        {"\x90", "POST /v1/batches"},
        {"\x80", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct doc_value body = {DOC_MSGPACK, slice_of_text(rows[i].body)};
        EXPECT(says(shape_of_job(body), rows[i].part));
    }
}

TEST(shape, where_many_are_taken_one_is_sent_elsewhere)
{
    static const struct row arrays[] = {
        {"{\"type\":\"a\"}", "POST /v1/jobs"},
        {"{\"jobs\":[{}]}", "POST /v1/jobs"},
        {"{\"type\":\"a\"}\n{\"type\":\"a\"}", "application/x-ndjson"},
        {"", "empty"},
        {"\xef\xbb\xbf[]", "byte order mark"},
        {"\x1f\x8b", "compressed"},
        {"7", NULL},
        {"[1 2]", NULL},
    };
    static const struct row lines[] = {
        {"[{\"type\":\"a\"}]", "application/json"},
        {"\xef\xbb\xbf{\"type\":\"a\"}", "byte order mark"},
        {"\x1f\x8b", "compressed"},
        {"{\"type\":", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        EXPECT(says(shape_of_array(slice_of_text(arrays[i].body)), arrays[i].part));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        EXPECT(says(shape_of_line(slice_of_text(lines[i].body)), lines[i].part));
}

TEST(shape, a_member_that_wraps_jobs_is_known)
{
    static const struct row rows[] = {
        {"jobs", "POST /v1/batches"},
        {"records", "POST /v1/batches"},
        {"job", "in the body itself"},
        {"idempotency_key", "Idempotency-Key header"},
        {"typ", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct doc_member member = {.name = slice_of_text(rows[i].body)};
        EXPECT(says(shape_of_member(&member), rows[i].part));
    }
}
