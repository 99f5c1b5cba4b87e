// The front: texts in, schemas and reports out.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_regex.h"

#include <stdlib.h>

static const size_t READ_FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;

// At most `left` arrays and objects within each other?
static bool is_flat(json_t *value, unsigned left)
{
    if (!json_is_array(value) && !json_is_object(value))
        return true;
    if (left == 0)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!is_flat(json_array_get(value, i), left - 1))
            return false;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member) if (!is_flat(member, left - 1)) return false;
    return true;
}

static bool read_document(struct compiler *compiler, struct slice text)
{
    struct place whole = {0};
    json_error_t error = {0};
    if (text.len > SCHEMA_BYTES_MAX)
        return schema_fault_at(compiler, ERR_TOO_LARGE, &whole,
                               "a schema has at most %d bytes (SCHEMA_BYTES_MAX)",
                               SCHEMA_BYTES_MAX);
    json_t *document = json_loadb((const char *)text.data, text.len, READ_FLAGS, &error);
    compiler->schema->document = document;
    // It says nothing at all when memory is short.
    if (document == NULL && error.text[0] == '\0')
        return schema_fault_at(compiler, ERR_NO_MEMORY, &whole, "out of memory");
    if (document == NULL)
        return schema_fault_at(compiler, ERR_BAD_FIELD, &whole, "not JSON: line %d, column %d: %s",
                               error.line, error.column, error.text);
    return is_flat(document, SCHEMA_NESTING_MAX) ||
           schema_fault_at(compiler, ERR_TOO_LARGE, &whole,
                           "arrays and objects are at most %d deep (SCHEMA_NESTING_MAX)",
                           SCHEMA_NESTING_MAX);
}

static bool choose_draft(struct compiler *compiler)
{
    json_t *named = json_object_get(compiler->schema->document, "$schema");
    uint32_t draft = DRAFT_2020;
    if (named != NULL)
        draft = json_is_string(named) ? schema_keyword_draft(json_string_value(named)) : 0;
    // The place is spelt out because there are no nodes yet.
    struct place place = {.keyword = "$schema"};
    if (draft == 0)
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                               "expected draft 2020-12 or draft 7: "
                               "https://json-schema.org/draft/2020-12/schema or "
                               "http://json-schema.org/draft-07/schema#");
    compiler->draft = (enum draft_bit)draft;
    return true;
}

static bool keep_text(struct compiler *compiler, struct slice text)
{
    uint8_t *copy = schema_room_take(&compiler->schema->room, text.len, 1);
    if (copy == NULL) {
        compiler->error = ERR_NO_MEMORY;
        return false;
    }
    memcpy(copy, text.data, text.len);
    compiler->schema->text = slice_of(copy, text.len);
    return true;
}

static err compile(struct compiler *compiler, struct slice text)
{
    bool ok = read_document(compiler, text) && choose_draft(compiler) && schema_walk(compiler) &&
              schema_build(compiler) && schema_circle_free(compiler) && keep_text(compiler, text);
    CHECK(ok == (compiler->error == OK));
    return compiler->error;
}

err schema_compile(struct slice text, struct schema **out_schema, struct schema_fault *out_fault)
{
    *out_fault = (struct schema_fault){.message = "out of memory"};
    struct compiler *compiler = calloc(1, sizeof *compiler);
    struct schema *schema = calloc(1, sizeof *schema);
    err e = ERR_NO_MEMORY;
    if (compiler != NULL && schema != NULL) {
        compiler->schema = schema;
        compiler->fault = out_fault;
        e = compile(compiler, text);
    }
    free(compiler);
    if (e != OK) {
        schema_free(schema);
        return e;
    }
    out_fault->message[0] = '\0';
    *out_schema = schema;
    return OK;
}

struct slice schema_text(const struct schema *schema)
{
    return schema->text;
}

void schema_free(struct schema *schema)
{
    if (schema == NULL)
        return;
    while (schema->regexes != NULL) {
        struct regex *next = schema_regex_next(schema->regexes);
        schema_regex_free(schema->regexes);
        schema->regexes = next;
    }
    schema_room_deinit(&schema->room);
    json_decref(schema->document);
    free(schema);
}

bool schema_check(const struct schema *schema, struct json_t *value,
                  struct schema_report *out_report)
{
    out_report->count = 0;
    out_report->has_more = false;
    out_report->is_stopped = false;
    struct check check = {.report = out_report, .budget = {SCHEMA_STEPS_MAX}};
    struct spot spot = {.value = value, .types = schema_type_of(value)};
    struct frame frame = {.spot = &spot};
    bool ok = schema_check_node(&check, schema->root, &frame);
    schema_regex_matcher_free(check.matcher);
    out_report->steps = (uint32_t)(SCHEMA_STEPS_MAX - check.budget.steps_left);
    CHECK(ok == (out_report->count == 0));
    return ok;
}

// Arrays and objects that are begun, outside of strings.
static size_t count_containers(struct slice text)
{
    size_t count = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"')
            is_in_string = !is_in_string;
        else if (c == '\\')
            i++;
        else if (!is_in_string && (c == '[' || c == '{'))
            count++;
    }
    return count;
}

bool schema_check_text(const struct schema *schema, struct slice text,
                       struct schema_report *out_report)
{
    json_error_t error = {0};
    if (text.len > SCHEMA_CONTAINERS_MAX && count_containers(text) > SCHEMA_CONTAINERS_MAX) {
        schema_report_whole(out_report,
                            "expected at most %d arrays and objects "
                            "(SCHEMA_CONTAINERS_MAX)",
                            SCHEMA_CONTAINERS_MAX);
        return false;
    }
    const char *data = text.len > 0 ? (const char *)text.data : "";
    json_t *value = json_loadb(data, text.len, READ_FLAGS, &error);
    if (value == NULL && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(data, text.len, READ_FLAGS | JSON_DECODE_INT_AS_REAL, &error);
    if (value == NULL) {
        schema_report_whole(out_report, "expected JSON; line %d, column %d: %s", error.line,
                            error.column, error.text);
        return false;
    }
    bool ok = schema_check(schema, value, out_report);
    json_decref(value);
    return ok;
}

bool schema_check_packed(const struct schema *schema, struct slice bytes,
                         struct schema_report *out_report)
{
    const char *why = NULL;
    json_t *value = schema_packed_read(bytes, &why);
    if (value == NULL) {
        schema_report_whole(out_report, "expected MessagePack that stands for JSON: %s", why);
        return false;
    }
    bool ok = schema_check(schema, value, out_report);
    json_decref(value);
    return ok;
}
