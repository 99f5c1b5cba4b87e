// A schema and a value from anybody, with a zero between them: both end in bounded time, and what
// they are told is well formed, whatever they are.
//
// links: weft_schema PkgConfig::jansson

#include "lib/schema/schema.h"

#include "lib/base/utf8.h"

#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_text(const char text[SCHEMA_TEXT_MAX])
{
    CHECK(memchr(text, 0, SCHEMA_TEXT_MAX) != NULL);
    struct slice slice = slice_of_text(text);
    CHECK(utf8_valid_len(slice) == slice.len);
}

static void expect_report(const struct schema_report *report, bool is_valid)
{
    CHECK(is_valid == (report->count == 0));
    CHECK(report->count <= SCHEMA_VIOLATIONS_MAX);
    CHECK(!report->has_more || report->count == SCHEMA_VIOLATIONS_MAX);
    CHECK(!report->is_stopped || !is_valid);
    static char json[8192];
    size_t len = schema_report_json(report, json, sizeof json);
    json_t *told = json_loadb(json, len, 0, NULL);
    CHECK(json_array_size(told) <= report->count && json_is_array(told));
    json_decref(told);
    for (uint32_t i = 0; i < report->count; i++) {
        const struct schema_violation *violation = &report->violations[i];
        expect_text(violation->path);
        expect_text(violation->keyword);
        expect_text(violation->message);
        CHECK(violation->path[0] == '\0' || violation->path[0] == '/');
        CHECK(violation->keyword[0] == '\0' || violation->keyword[0] == '/');
        CHECK(violation->message[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct schema_report first, second;
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = zero != NULL ? (size_t)(zero - data) : size;
    struct slice value = zero != NULL ? slice_of(zero + 1, size - len - 1) : slice_of("null", 4);
    struct schema *schema = NULL;
    struct schema_fault fault;
    if (schema_compile(slice_of(data, len), &schema, &fault) != OK) {
        expect_text(fault.pointer);
        expect_text(fault.message);
        CHECK(schema == NULL && fault.message[0] != '\0');
        return 0;
    }
    bool is_valid = schema_check_text(schema, value, &first);
    expect_report(&first, is_valid);
    // A check leaves nothing behind.
    CHECK(schema_check_text(schema, value, &second) == is_valid);
    CHECK(second.count == first.count && second.is_stopped == first.is_stopped);
    // The same bytes as MessagePack are another value, or none.
    expect_report(&second, schema_check_packed(schema, value, &second));
    schema_free(schema);
    return 0;
}
