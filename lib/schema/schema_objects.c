// Keywords about the members of an object. Those that name members, match them and take the rest
// are one rule: a single pass over the object serves all four.

#include "lib/schema/schema_private.h"

#include <inttypes.h>
#include <stdlib.h>

static struct place place_of(const struct node *node, const char *keyword)
{
    return (struct place){.node = node, .keyword = keyword};
}

static int compare(const char *a, size_t a_len, const struct name *b)
{
    if (a_len != b->len)
        return a_len < b->len ? -1 : 1;
    return memcmp(a, b->text, a_len);
}

static int by_name(const void *left, const void *right)
{
    const struct name *a = left;
    return compare(a->text, a->len, right);
}

static const struct name *find(const struct members *members, const char *key, size_t len)
{
    uint32_t low = 0, high = members->name_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(key, len, &members->names[middle]);
        if (order == 0)
            return &members->names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool has(const json_t *object, const json_t *name)
{
    return json_object_getn(object, json_string_value(name), json_string_length(name)) != NULL;
}

static bool report_missing(struct check *check, const struct rule *rule, const struct frame *frame)
{
    if (check->quiet > 0)
        return false;
    json_t *required = rule->members->required;
    for (size_t i = 0; i < json_array_size(required); i++) {
        const json_t *name = json_array_get(required, i);
        if (!has(frame->spot->value, name))
            (void)schema_report_add(check, frame, "required", "the property \"%s\" is missing",
                                    json_string_value(name));
    }
    return false;
}

// All subschemas that one member is held against.
static bool check_member(struct check *check, const struct rule *rule, const struct frame *frame,
                         const struct name *name, const struct spot *member)
{
    const struct members *members = rule->members;
    bool ok = true, is_known = name != NULL && name->node != NULL;
    if (is_known)
        ok = schema_check_member(check, name->node, frame, member->key, member->value);
    for (uint32_t i = 0; i < members->pattern_count; i++) {
        const struct pattern *pattern = &members->patterns[i];
        struct slice text = slice_of_text(member->key);
        int matches = schema_check_match(check, frame, pattern->regex, text);
        if (matches < 0)
            return false;
        if (matches == 0)
            continue;
        is_known = true;
        ok = schema_check_member(check, pattern->node, frame, member->key, member->value) && ok;
    }
    if (!is_known && members->rest != NULL) {
        is_known = true;
        ok = schema_check_member(check, members->rest, frame, member->key, member->value) && ok;
    }
    if (is_known)
        marks_set(frame->marks, member->index);
    return ok;
}

static bool check_members(struct check *check, const struct rule *rule, const struct frame *frame)
{
    const struct members *members = rule->members;
    struct spot member = {0};
    uint32_t required = 0;
    bool ok = true;
    if (!schema_check_spend(check, frame, json_object_size(frame->spot->value)))
        return false;
    size_t len;
    json_object_keylen_foreach(frame->spot->value, member.key, len, member.value)
    {
        const struct name *name = find(members, member.key, len);
        required += name != NULL && name->is_required ? 1 : 0;
        ok = check_member(check, rule, frame, name, &member) && ok;
        if (!ok && schema_check_is_settled(check))
            return false;
        member.index++;
    }
    if (required < members->required_count)
        ok = report_missing(check, rule, frame);
    return ok;
}

static bool read_required(struct compiler *compiler, const struct node *node,
                          struct members *members, json_t *required)
{
    struct place place = place_of(node, "required");
    if (required != NULL && !json_is_array(required))
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected an array of names");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const json_t *name = json_array_get(required, i);
        if (!json_is_string(name))
            return schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected an array of names");
        members->names[members->name_count++] =
            (struct name){json_string_value(name), json_string_length(name), NULL, true};
    }
    members->required = required;
    members->required_count = (uint32_t)json_array_size(required);
    return true;
}

// A name that is both required and described becomes one; one that is required twice is refused.
static bool join_names(struct compiler *compiler, const struct node *node, struct members *members)
{
    uint32_t kept = 0;
    qsort(members->names, members->name_count, sizeof *members->names, by_name);
    for (uint32_t i = 0; i < members->name_count; i++) {
        struct name *name = &members->names[i];
        struct name *last = kept > 0 ? &members->names[kept - 1] : NULL;
        if (last == NULL || by_name(last, name) != 0) {
            members->names[kept++] = *name;
            continue;
        }
        struct place place = place_of(node, "required");
        if (last->is_required && name->is_required)
            return schema_fault_at(compiler, ERR_BAD_FIELD, &place, "\"%s\" is named twice",
                                   name->text);
        last->is_required = true;
        last->node = last->node != NULL ? last->node : name->node;
    }
    members->name_count = kept;
    return true;
}

static const struct node *child(struct compiler *compiler, const struct node *node,
                                const char *keyword, const char *key)
{
    return schema_walk_child(compiler, node, schema_keyword_find(compiler->draft, keyword), key, 0);
}

static bool read_patterns(struct compiler *compiler, const struct node *node,
                          struct members *members, json_t *patterns)
{
    struct place place = place_of(node, "patternProperties");
    json_t *value;
    json_object_foreach(patterns, place.key, value)
    {
        const struct regex *regex =
            schema_build_regex(compiler, &place, place.key, strlen(place.key));
        if (regex == NULL)
            return false;
        const struct node *held = child(compiler, node, "patternProperties", place.key);
        members->patterns[members->pattern_count++] = (struct pattern){regex, held};
    }
    return true;
}

void schema_rule_members(struct compiler *compiler, struct node *node, json_t *value,
                         struct rule *rule)
{
    if (node->rule_count > 0 && node->rules[node->rule_count - 1].check == check_members)
        return;
    (void)value;
    json_t *properties = json_object_get(node->json, "properties");
    json_t *patterns = json_object_get(node->json, "patternProperties");
    json_t *required = json_object_get(node->json, "required");
    struct room *room = &compiler->schema->room;
    size_t name_count = json_object_size(properties) + json_array_size(required);
    struct members *members = schema_room_take(room, 1, sizeof *members);
    struct name *names = schema_room_take(room, name_count, sizeof *names);
    struct pattern *room_of_patterns =
        schema_room_take(room, json_object_size(patterns), sizeof *room_of_patterns);
    struct place place = place_of(node, NULL);
    if (members == NULL || names == NULL || room_of_patterns == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
        return;
    }
    members->names = names;
    members->patterns = room_of_patterns;
    const char *key;
    json_t *property;
    json_object_foreach(properties, key, property) names[members->name_count++] =
        (struct name){key, strlen(key), child(compiler, node, "properties", key), false};
    members->rest = child(compiler, node, "additionalProperties", NULL);
    rule->check = check_members;
    rule->members = members;
    if (read_required(compiler, node, members, required) &&
        read_patterns(compiler, node, members, patterns))
        (void)join_names(compiler, node, members);
}

static bool check_min_properties(struct check *check, const struct rule *rule,
                                 const struct frame *frame)
{
    size_t count = json_object_size(frame->spot->value);
    return count >= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at least %" PRIu64 " properties, found %zu", rule->limit,
                             count);
}

static bool check_max_properties(struct check *check, const struct rule *rule,
                                 const struct frame *frame)
{
    size_t count = json_object_size(frame->spot->value);
    return count <= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at most %" PRIu64 " properties, found %zu", rule->limit,
                             count);
}

void schema_rule_min_properties(struct compiler *compiler, struct node *node, json_t *value,
                                struct rule *rule)
{
    rule->check = check_min_properties;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

void schema_rule_max_properties(struct compiler *compiler, struct node *node, json_t *value,
                                struct rule *rule)
{
    rule->check = check_max_properties;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

// The name itself is the value here; its place is the member that has it.
static bool check_names(struct check *check, const struct rule *rule, const struct frame *frame)
{
    const char *key;
    size_t len;
    json_t *value;
    bool ok = true;
    json_object_keylen_foreach(frame->spot->value, key, len, value)
    {
        json_t *name = json_stringn_nocheck(key, len);
        if (name == NULL)
            return schema_report_stop(check, frame, "the check is out of memory");
        ok = schema_check_member(check, rule->node, frame, key, name) && ok;
        json_decref(name);
        if (!ok && schema_check_is_settled(check))
            return false;
    }
    return ok;
}

void schema_rule_property_names(struct compiler *compiler, struct node *node, json_t *value,
                                struct rule *rule)
{
    (void)value;
    rule->check = check_names;
    rule->node = child(compiler, node, rule->keyword, NULL);
}

static bool check_dependent_names(struct check *check, const struct rule *rule,
                                  const struct frame *frame, const struct dependency *dependency)
{
    bool ok = true;
    for (size_t i = 0; i < json_array_size(dependency->names); i++) {
        const json_t *name = json_array_get(dependency->names, i);
        if (!has(frame->spot->value, name))
            ok = schema_report_add(check, frame, rule->keyword,
                                   "the property \"%s\" is missing, which \"%s\" asks for",
                                   json_string_value(name), dependency->name);
    }
    return ok;
}

static bool check_dependencies(struct check *check, const struct rule *rule,
                               const struct frame *frame)
{
    bool ok = true;
    for (uint32_t i = 0; i < rule->count; i++) {
        const struct dependency *dependency = &rule->dependencies[i];
        if (!schema_check_spend(check, frame, 1 + json_array_size(dependency->names)))
            return false;
        if (json_object_get(frame->spot->value, dependency->name) == NULL)
            continue;
        if (dependency->node == NULL)
            ok = check_dependent_names(check, rule, frame, dependency) && ok;
        else
            ok = schema_check_node(check, dependency->node, frame) && ok;
        if (!ok && schema_check_is_settled(check))
            return false;
    }
    return ok;
}

static bool are_names(const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (!json_is_string(json_array_get(names, i)))
            return false;
    return json_is_array(names);
}

void schema_rule_dependencies(struct compiler *compiler, struct node *node, json_t *value,
                              struct rule *rule)
{
    struct place place = place_of(node, rule->keyword);
    struct dependency *dependencies =
        schema_room_take(&compiler->schema->room, json_object_size(value), sizeof *dependencies);
    if (dependencies == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
        return;
    }
    rule->check = check_dependencies;
    rule->dependencies = dependencies;
    json_t *dependency;
    if (!json_is_object(value))
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                              "expected an object whose members are arrays of names");
    json_object_foreach(value, place.key, dependency)
    {
        const struct node *held = child(compiler, node, rule->keyword, place.key);
        if (held == NULL && !are_names(dependency))
            (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected an array of names");
        if (held != NULL)
            schema_circle_edge(compiler, node, held);
        dependencies[rule->count++] =
            (struct dependency){place.key, held == NULL ? dependency : NULL, held};
    }
}

// The members that no other keyword has judged, here or in the schemas that judge the same object.
static bool check_unevaluated(struct check *check, const struct rule *rule,
                              const struct frame *frame)
{
    CHECK(frame->marks != NULL);
    struct spot member = {0};
    bool ok = true;
    if (!schema_check_spend(check, frame, json_object_size(frame->spot->value) / 16))
        return false;
    json_object_foreach(frame->spot->value, member.key, member.value)
    {
        if (!marks_has(frame->marks, member.index)) {
            ok = schema_check_member(check, rule->node, frame, member.key, member.value) && ok;
            marks_set(frame->marks, member.index);
        }
        if (!ok && schema_check_is_settled(check))
            return false;
        member.index++;
    }
    return ok;
}

void schema_rule_unevaluated_properties(struct compiler *compiler, struct node *node, json_t *value,
                                        struct rule *rule)
{
    (void)value;
    node->gathers_names = true;
    rule->check = check_unevaluated;
    rule->node = child(compiler, node, rule->keyword, NULL);
}
