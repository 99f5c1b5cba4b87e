// Keywords that hold the same value against other schemas. What those judge is marked here only if
// they hold.

#include "lib/schema/schema_private.h"

static const struct node *child(struct compiler *compiler, const struct node *node,
                                const char *keyword, size_t index)
{
    return schema_walk_child(compiler, node, schema_keyword_find(compiler->draft, keyword), NULL,
                             index);
}

// The verdict only; marks are kept if it is good.
static bool try_node(struct check *check, const struct node *node, const struct frame *frame)
{
    struct marks marks = {0};
    struct frame inner = *frame;
    if (frame->marks != NULL) {
        if (!schema_check_spend(check, frame, frame->marks->count / 64))
            return false;
        if (!schema_marks_init(&marks, frame->marks->count))
            return schema_report_stop(check, frame, "the check is out of memory");
        inner.marks = &marks;
    }
    check->quiet++;
    bool ok = schema_check_node(check, node, &inner);
    check->quiet--;
    if (frame->marks != NULL) {
        if (ok)
            schema_marks_join(frame->marks, &marks);
        schema_marks_deinit(&marks);
    }
    return ok;
}

static void build_list(struct compiler *compiler, const struct node *node, struct rule *rule,
                       const json_t *value)
{
    size_t count = json_array_size(value);
    const struct node **nodes =
        schema_room_take(&compiler->schema->room, count, sizeof(struct node *));
    struct place place = {.node = node, .keyword = rule->keyword};
    if (nodes == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        nodes[i] = child(compiler, node, rule->keyword, i);
        schema_circle_edge(compiler, node, nodes[i]);
    }
    rule->nodes = nodes;
    rule->count = (uint32_t)count;
}

static bool check_all_of(struct check *check, const struct rule *rule, const struct frame *frame)
{
    bool ok = true;
    for (uint32_t i = 0; i < rule->count; i++) {
        ok = schema_check_node(check, rule->nodes[i], frame) && ok;
        if (!ok && schema_check_is_settled(check))
            return false;
    }
    return ok;
}

void schema_rule_all_of(struct compiler *compiler, struct node *node, json_t *value,
                        struct rule *rule)
{
    rule->check = check_all_of;
    build_list(compiler, node, rule, value);
}

static bool check_any_of(struct check *check, const struct rule *rule, const struct frame *frame)
{
    bool ok = false;
    for (uint32_t i = 0; i < rule->count && !check->is_stopped; i++) {
        ok = try_node(check, rule->nodes[i], frame) || ok;
        if (ok && frame->marks == NULL)
            return true;
    }
    if (ok || check->is_stopped)
        return ok && !check->is_stopped;
    return schema_report_add(check, frame, rule->keyword,
                             "expected a value that fits at least one of %u schemas", rule->count);
}

void schema_rule_any_of(struct compiler *compiler, struct node *node, json_t *value,
                        struct rule *rule)
{
    rule->check = check_any_of;
    build_list(compiler, node, rule, value);
}

static bool check_one_of(struct check *check, const struct rule *rule, const struct frame *frame)
{
    uint32_t fits[2] = {0, 0}, count = 0;
    for (uint32_t i = 0; i < rule->count && count < 2; i++) {
        if (try_node(check, rule->nodes[i], frame))
            fits[count++] = i;
        if (check->is_stopped)
            return false;
    }
    if (count == 1)
        return true;
    if (count == 0)
        return schema_report_add(check, frame, rule->keyword,
                                 "expected a value that fits one of %u schemas", rule->count);
    return schema_report_add(
        check, frame, rule->keyword,
        "expected a value that fits one of %u schemas only, not both %u and %u", rule->count,
        fits[0], fits[1]);
}

void schema_rule_one_of(struct compiler *compiler, struct node *node, json_t *value,
                        struct rule *rule)
{
    rule->check = check_one_of;
    build_list(compiler, node, rule, value);
}

static bool check_not(struct check *check, const struct rule *rule, const struct frame *frame)
{
    struct frame inner = *frame;
    inner.marks = NULL;
    check->quiet++;
    bool fits = schema_check_node(check, rule->node, &inner);
    check->quiet--;
    if (check->is_stopped)
        return false;
    return !fits || schema_report_add(check, frame, rule->keyword,
                                      "expected a value that does not fit this schema");
}

void schema_rule_not(struct compiler *compiler, struct node *node, json_t *value, struct rule *rule)
{
    (void)value;
    rule->check = check_not;
    rule->node = child(compiler, node, rule->keyword, 0);
    schema_circle_edge(compiler, node, rule->node);
}

static bool check_branch(struct check *check, const struct rule *rule, const struct frame *frame)
{
    bool holds = try_node(check, rule->branch.condition, frame);
    if (check->is_stopped)
        return false;
    const struct node *next = holds ? rule->branch.then : rule->branch.otherwise;
    return next == NULL || schema_check_node(check, next, frame);
}

void schema_rule_if(struct compiler *compiler, struct node *node, json_t *value, struct rule *rule)
{
    (void)value;
    rule->check = check_branch;
    rule->branch.condition = child(compiler, node, "if", 0);
    rule->branch.then = child(compiler, node, "then", 0);
    rule->branch.otherwise = child(compiler, node, "else", 0);
    schema_circle_edge(compiler, node, rule->branch.condition);
    if (rule->branch.then != NULL)
        schema_circle_edge(compiler, node, rule->branch.then);
    if (rule->branch.otherwise != NULL)
        schema_circle_edge(compiler, node, rule->branch.otherwise);
}

static bool check_ref(struct check *check, const struct rule *rule, const struct frame *frame)
{
    return schema_check_node(check, rule->reference.node, frame);
}

static struct node *refer(struct compiler *compiler, const struct node *node, const json_t *value,
                          const struct rule *rule, const struct anchor **out_anchor)
{
    struct place place = {.node = node, .keyword = rule->keyword};
    const char *reference = json_string_value(value);
    if (reference != NULL && strlen(reference) == json_string_length(value))
        return schema_refer(compiler, &place, reference, out_anchor);
    (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected a URI reference");
    return NULL;
}

void schema_rule_ref(struct compiler *compiler, struct node *node, json_t *value, struct rule *rule)
{
    const struct anchor *anchor;
    rule->check = check_ref;
    rule->reference.node = refer(compiler, node, value, rule, &anchor);
    if (rule->reference.node != NULL)
        schema_circle_edge(compiler, node, rule->reference.node);
}

// The outermost resource that is being checked in and has the anchor.
static bool check_dynamic_ref(struct check *check, const struct rule *rule,
                              const struct frame *frame)
{
    const struct node *found = rule->reference.node;
    if (!schema_check_spend(check, frame, (uint64_t)rule->count * check->depth / 16))
        return false;
    for (const struct scope *scope = frame->scope; scope != NULL; scope = scope->up)
        for (uint32_t i = 0; i < rule->count; i++)
            if (rule->reference.dynamic[i]->resource == scope->resource)
                found = rule->reference.dynamic[i];
    return schema_check_node(check, found, frame);
}

static uint32_t gather(const struct compiler *compiler, const char *name,
                       const struct node **out_nodes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < compiler->anchor_count; i++) {
        const struct anchor *anchor = &compiler->anchors[i];
        if (!anchor->is_dynamic || strcmp(anchor->name, name) != 0)
            continue;
        if (out_nodes != NULL)
            out_nodes[count] = anchor->node;
        count++;
    }
    return count;
}

// A reference that leads to no $dynamicAnchor at first is a plain one.
void schema_rule_dynamic_ref(struct compiler *compiler, struct node *node, json_t *value,
                             struct rule *rule)
{
    const struct anchor *anchor;
    rule->check = check_ref;
    rule->reference.node = refer(compiler, node, value, rule, &anchor);
    if (rule->reference.node == NULL)
        return;
    if (anchor == NULL || !anchor->is_dynamic) {
        schema_circle_edge(compiler, node, rule->reference.node);
        return;
    }
    uint32_t count = gather(compiler, anchor->name, NULL);
    const struct node **nodes =
        schema_room_take(&compiler->schema->room, count, sizeof(struct node *));
    struct place place = {.node = node, .keyword = rule->keyword};
    if (nodes == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
        return;
    }
    rule->check = check_dynamic_ref;
    rule->reference.dynamic = nodes;
    rule->count = gather(compiler, anchor->name, nodes);
}
