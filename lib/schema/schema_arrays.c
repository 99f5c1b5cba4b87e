// Keywords about the items of an array.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_equal.h"

#include <inttypes.h>

static struct place place_of(const struct node *node, const char *keyword)
{
    return (struct place){.node = node, .keyword = keyword};
}

static const struct node *child(struct compiler *compiler, const struct node *node,
                                const char *keyword, size_t index)
{
    const struct keyword *found = schema_keyword_find(compiler->draft, keyword);
    return found == NULL ? NULL : schema_walk_child(compiler, node, found, NULL, index);
}

static bool check_elements(struct check *check, const struct rule *rule, const struct frame *frame)
{
    const struct elements *elements = rule->elements;
    size_t count = json_array_size(frame->spot->value);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        const struct node *node = i < elements->first_count ? elements->first[i] : elements->rest;
        if (node == NULL)
            break;
        ok = schema_check_item(check, node, frame, i) && ok;
        if (!ok && schema_check_is_settled(check))
            return false;
        marks_set(frame->marks, i);
    }
    return ok;
}

// Draft 7 says `items` for both a list and the rest; with a list the rest is `additionalItems`.
void schema_rule_elements(struct compiler *compiler, struct node *node, json_t *value,
                          struct rule *rule)
{
    if (node->rule_count > 0 && node->rules[node->rule_count - 1].check == check_elements)
        return;
    (void)value;
    bool is_draft_7 = compiler->draft == DRAFT_7;
    const char *first = is_draft_7 ? "items" : "prefixItems";
    json_t *list = json_object_get(node->json, first);
    size_t count = json_array_size(list);
    const char *rest = json_is_array(list) && is_draft_7 ? "additionalItems" : "items";
    struct elements *elements = schema_room_take(&compiler->schema->room, 1, sizeof *elements);
    const struct node **nodes =
        schema_room_take(&compiler->schema->room, count, sizeof(struct node *));
    struct place place = place_of(node, rule->keyword);
    if (elements == NULL || nodes == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++)
        nodes[i] = child(compiler, node, first, i);
    *elements = (struct elements){
        .first = nodes, .first_count = (uint32_t)count, .rest = child(compiler, node, rest, 0)};
    rule->check = check_elements;
    rule->elements = elements;
}

static bool check_min_items(struct check *check, const struct rule *rule, const struct frame *frame)
{
    size_t count = json_array_size(frame->spot->value);
    return count >= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at least %" PRIu64 " items, found %zu", rule->limit, count);
}

static bool check_max_items(struct check *check, const struct rule *rule, const struct frame *frame)
{
    size_t count = json_array_size(frame->spot->value);
    return count <= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at most %" PRIu64 " items, found %zu", rule->limit, count);
}

void schema_rule_min_items(struct compiler *compiler, struct node *node, json_t *value,
                           struct rule *rule)
{
    rule->check = check_min_items;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

void schema_rule_max_items(struct compiler *compiler, struct node *node, json_t *value,
                           struct rule *rule)
{
    rule->check = check_max_items;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

static bool check_unique(struct check *check, const struct rule *rule, const struct frame *frame)
{
    size_t pair[2];
    int found = schema_equal_pair(frame->spot->value, &check->budget, pair);
    if (found == 0)
        return true;
    if (found < 0)
        return schema_check_spend(check, frame, 1)
                   ? schema_report_stop(check, frame, "the check is out of memory")
                   : false;
    return schema_report_add(check, frame, rule->keyword,
                             "expected items that differ; those at %zu and %zu are equal", pair[0],
                             pair[1]);
}

void schema_rule_unique_items(struct compiler *compiler, struct node *node, json_t *value,
                              struct rule *rule)
{
    struct place place = place_of(node, rule->keyword);
    if (!json_is_boolean(value))
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected true or false");
    if (json_is_true(value))
        rule->check = check_unique;
}

static bool report_contains(struct check *check, const struct rule *rule, const struct frame *frame,
                            uint64_t found)
{
    uint64_t least = rule->contains.least, most = rule->contains.most;
    if (found > most)
        return schema_report_add(check, frame, "maxContains",
                                 "expected at most %" PRIu64 " items as `contains` wants, found "
                                 "more",
                                 most);
    bool is_plain = json_object_get(frame->node->json, "minContains") == NULL;
    return schema_report_add(check, frame, is_plain ? "contains" : "minContains",
                             "expected at least %" PRIu64 " items as `contains` wants, found "
                             "%" PRIu64,
                             least, found);
}

static bool check_contains(struct check *check, const struct rule *rule, const struct frame *frame)
{
    uint64_t found = 0, most = rule->contains.most;
    size_t count = json_array_size(frame->spot->value);
    check->quiet++;
    for (size_t i = 0; i < count && !check->is_stopped; i++) {
        if (schema_check_item(check, rule->contains.node, frame, i)) {
            found++;
            marks_set(frame->marks, i);
        }
        bool is_enough = found >= rule->contains.least && most == UINT64_MAX;
        if (frame->marks == NULL && (is_enough || found > most))
            break;
    }
    check->quiet--;
    if (check->is_stopped)
        return false;
    return (found >= rule->contains.least && found <= most) ||
           report_contains(check, rule, frame, found);
}

static uint64_t count_of(struct compiler *compiler, struct node *node, const char *keyword,
                         uint64_t otherwise)
{
    json_t *value = json_object_get(node->json, keyword);
    struct rule named = {.keyword = keyword};
    if (value == NULL || compiler->draft == DRAFT_7)
        return otherwise;
    return schema_build_count(compiler, node, value, &named);
}

void schema_rule_contains(struct compiler *compiler, struct node *node, json_t *value,
                          struct rule *rule)
{
    if (node->rule_count > 0 && node->rules[node->rule_count - 1].check == check_contains)
        return;
    (void)value;
    rule->contains.node = child(compiler, node, "contains", 0);
    rule->contains.least = count_of(compiler, node, "minContains", 1);
    rule->contains.most = count_of(compiler, node, "maxContains", UINT64_MAX);
    if (rule->contains.node != NULL)
        rule->check = check_contains;
}

static bool check_unevaluated(struct check *check, const struct rule *rule,
                              const struct frame *frame)
{
    CHECK(frame->marks != NULL);
    size_t count = json_array_size(frame->spot->value);
    bool ok = true;
    if (!schema_check_spend(check, frame, count / 16))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (marks_has(frame->marks, i))
            continue;
        ok = schema_check_item(check, rule->node, frame, i) && ok;
        marks_set(frame->marks, i);
        if (!ok && schema_check_is_settled(check))
            return false;
    }
    return ok;
}

void schema_rule_unevaluated_items(struct compiler *compiler, struct node *node, json_t *value,
                                   struct rule *rule)
{
    (void)value;
    node->gathers_items = true;
    rule->check = check_unevaluated;
    rule->node = child(compiler, node, rule->keyword, 0);
}
