// Runs the rules of a node on a place of the value. Every step is counted, every level too, so a
// check ends whatever schema and value have been made to do.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_number.h"
#include "lib/schema/schema_regex.h"

uint32_t schema_type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL: return TYPE_NULL;
    case JSON_TRUE:
    case JSON_FALSE: return TYPE_BOOLEAN;
    case JSON_OBJECT: return TYPE_OBJECT;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_NUMBER | TYPE_INTEGER;
    case JSON_REAL:
        return schema_number_is_integer(schema_number_of(value)) ? TYPE_NUMBER | TYPE_INTEGER
                                                                 : TYPE_NUMBER;
    }
    UNREACHABLE();
}

bool schema_check_is_settled(const struct check *check)
{
    return check->quiet > 0 || check->is_stopped || check->report->has_more;
}

bool schema_check_spend(struct check *check, const struct frame *frame, uint64_t steps)
{
    return budget_spend(&check->budget, steps) ||
           schema_report_stop(check, frame,
                              "the check takes too many steps (SCHEMA_STEPS_MAX) and was ended");
}

static bool check_rules(struct check *check, const struct frame *frame)
{
    bool ok = true;
    for (uint32_t i = 0; i < frame->node->rule_count; i++) {
        const struct rule *rule = &frame->node->rules[i];
        if ((rule->applies & frame->spot->types) == 0)
            continue;
        ok = rule->check(check, rule, frame) && ok;
        if (!ok && schema_check_is_settled(check))
            return false;
    }
    return ok;
}

// With marks of its own, because unevaluated* hears only of the schemas below it; those above may
// hear of its marks.
static bool check_gathering(struct check *check, const struct frame *frame)
{
    json_t *value = frame->spot->value;
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    struct frame inner = *frame;
    struct marks marks;
    if (!schema_check_spend(check, frame, count / 64))
        return false;
    if (!schema_marks_init(&marks, count))
        return schema_report_stop(check, frame, "the check is out of memory");
    inner.marks = &marks;
    bool ok = check_rules(check, &inner);
    if (ok && frame->marks != NULL)
        schema_marks_join(frame->marks, &marks);
    schema_marks_deinit(&marks);
    return ok;
}

static bool report_never(struct check *check, const struct frame *frame)
{
    const struct keyword *under = frame->node->under;
    const char *name = under == NULL ? "" : under->name;
    if (strcmp(name, "additionalProperties") == 0 || strcmp(name, "unevaluatedProperties") == 0)
        return schema_report_add(check, frame, NULL, "no property of this name is expected");
    if (strcmp(name, "items") == 0 || strcmp(name, "additionalItems") == 0 ||
        strcmp(name, "unevaluatedItems") == 0)
        return schema_report_add(check, frame, NULL, "no item is expected here");
    return schema_report_add(check, frame, NULL, "no value is expected here");
}

bool schema_check_node(struct check *check, const struct node *node, const struct frame *frame)
{
    struct frame inner = *frame;
    inner.node = node;
    if (!schema_check_spend(check, &inner, 1))
        return false;
    if (node->is_never)
        return report_never(check, &inner);
    if (node->rule_count == 0)
        return true;
    if (check->depth == SCHEMA_DEPTH_MAX)
        return schema_report_stop(check, &inner,
                                  "the check goes too deep (SCHEMA_DEPTH_MAX) and was ended");
    struct scope scope = {frame->scope, node->resource};
    if (frame->scope == NULL || frame->scope->resource != node->resource)
        inner.scope = &scope;
    uint32_t types = inner.spot->types;
    bool is_gathering = (node->gathers_names && (types & TYPE_OBJECT) != 0) ||
                        (node->gathers_items && (types & TYPE_ARRAY) != 0);
    check->depth++;
    bool ok = is_gathering ? check_gathering(check, &inner) : check_rules(check, &inner);
    check->depth--;
    return ok;
}

static bool check_part(struct check *check, const struct node *node, const struct frame *frame,
                       struct spot *spot)
{
    spot->up = frame->spot;
    spot->types = schema_type_of(spot->value);
    struct frame inner = {.node = frame->node, .spot = spot, .scope = frame->scope};
    return schema_check_node(check, node, &inner);
}

bool schema_check_member(struct check *check, const struct node *node, const struct frame *frame,
                         const char *key, json_t *value)
{
    struct spot spot = {.key = key, .value = value};
    return check_part(check, node, frame, &spot);
}

bool schema_check_item(struct check *check, const struct node *node, const struct frame *frame,
                       size_t index)
{
    struct spot spot = {.index = index, .value = json_array_get(frame->spot->value, index)};
    return check_part(check, node, frame, &spot);
}

int schema_check_match(struct check *check, const struct frame *frame, const struct regex *regex,
                       struct slice text)
{
    if (!schema_check_spend(check, frame, 1))
        return -1;
    if (check->matcher == NULL)
        check->matcher = schema_regex_matcher_new();
    if (check->matcher == NULL) {
        (void)schema_report_stop(check, frame, "the check is out of memory");
        return -1;
    }
    switch (schema_regex_match(regex, text, check->matcher, &check->budget)) {
    case REGEX_MATCH: return 1;
    case REGEX_NO_MATCH: return 0;
    case REGEX_STEPS: (void)schema_check_spend(check, frame, 1); return -1;
    case REGEX_MEMORY:
        (void)schema_report_stop(
            check, frame, "a pattern takes too much memory (SCHEMA_PATTERN_HEAP_KIB) on this text");
        return -1;
    }
    UNREACHABLE();
}
