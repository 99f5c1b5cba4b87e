// The second walk: each keyword of a node becomes a rule, in the table's order.

#include "lib/schema/schema_private.h"

#include "lib/base/utf8.h"
#include "lib/schema/schema_regex.h"

#include <math.h>
#include <stdarg.h>

bool schema_fault_at(struct compiler *compiler, err error, const struct place *place,
                     const char *format, ...)
{
    if (compiler->error != OK)
        return false;
    compiler->error = error;
    schema_report_place(place, compiler->fault->pointer);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(compiler->fault->message, SCHEMA_TEXT_MAX, format, args);
    va_end(args);
    // A reader's complaint may quote bytes that are no characters.
    utf8_repair((uint8_t *)compiler->fault->message, strlen(compiler->fault->message));
    schema_report_end_text(compiler->fault->message, len < 0 ? 0 : (size_t)len);
    return false;
}

const struct regex *schema_build_regex(struct compiler *compiler, const struct place *place,
                                       const char *text, size_t len)
{
    struct regex *regex = NULL;
    char why[SCHEMA_TEXT_MAX / 2];
    if (compiler->pattern_count == SCHEMA_PATTERN_COUNT_MAX) {
        (void)schema_fault_at(compiler, ERR_TOO_LARGE, place,
                              "at most %d patterns are taken (SCHEMA_PATTERN_COUNT_MAX)",
                              SCHEMA_PATTERN_COUNT_MAX);
        return NULL;
    }
    err e = schema_regex_new(slice_of(text, len), &regex, why, sizeof why);
    if (e != OK) {
        (void)schema_fault_at(compiler, e, place, "not a regular expression that is taken here: %s",
                              why);
        return NULL;
    }
    compiler->schema->regexes = schema_regex_push(regex, compiler->schema->regexes);
    compiler->pattern_count++;
    compiler->pattern_bytes += schema_regex_size(regex);
    if (compiler->pattern_bytes <= SCHEMA_PATTERN_BYTES_MAX)
        return regex;
    (void)schema_fault_at(compiler, ERR_TOO_LARGE, place,
                          "all patterns take at most %d bytes compiled (SCHEMA_PATTERN_BYTES_MAX)",
                          SCHEMA_PATTERN_BYTES_MAX);
    return NULL;
}

uint64_t schema_build_count(struct compiler *compiler, const struct node *node, json_t *value,
                            const struct rule *rule)
{
    struct place place = {.node = node, .keyword = rule->keyword};
    double real = json_is_number(value) ? json_number_value(value) : -1;
    if (real < 0 || real != floor(real)) {
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected an integer, not below 0");
        return 0;
    }
    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    return real < 1e18 ? (uint64_t)real : UINT64_MAX;
}

// In draft 7 a $ref stands alone.
static bool is_heard(const struct compiler *compiler, const struct node *node,
                     const struct keyword *keyword)
{
    if (keyword->build == NULL || (keyword->drafts & compiler->draft) == 0 ||
        json_object_get(node->json, keyword->name) == NULL)
        return false;
    return compiler->draft != DRAFT_7 || json_object_get(node->json, "$ref") == NULL ||
           strcmp(keyword->name, "$ref") == 0;
}

static bool build_node(struct compiler *compiler, struct node *node)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema_keyword_count; i++)
        count += is_heard(compiler, node, &schema_keywords[i]) ? 1 : 0;
    struct place place = {.node = node};
    node->rules = schema_room_take(&compiler->schema->room, count, sizeof *node->rules);
    if (node->rules == NULL)
        return schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
    for (uint32_t i = 0; i < schema_keyword_count && compiler->error == OK; i++) {
        const struct keyword *keyword = &schema_keywords[i];
        if (!is_heard(compiler, node, keyword))
            continue;
        struct rule *rule = &node->rules[node->rule_count];
        *rule = (struct rule){.keyword = keyword->name, .applies = keyword->applies};
        keyword->build(compiler, node, json_object_get(node->json, keyword->name), rule);
        if (rule->check != NULL)
            node->rule_count++;
    }
    return compiler->error == OK;
}

bool schema_build(struct compiler *compiler)
{
    for (uint32_t i = 0; i < compiler->node_count; i++)
        if (json_is_object(compiler->nodes[i]->json) && !build_node(compiler, compiler->nodes[i]))
            return false;
    return true;
}
