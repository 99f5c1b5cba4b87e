// The first walk: each subschema becomes a node, each $id a resource, each anchor a name in one.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_uri.h"

#include <stdlib.h>

static bool walk(struct compiler *compiler, struct node *node, uint32_t resource);

static struct place keyword_at(const struct node *node, const char *keyword)
{
    return (struct place){.node = node, .keyword = keyword};
}

// A new node at `place`, in no resource yet; NULL after a fault.
static struct node *node_new(struct compiler *compiler, json_t *json, const struct place *place)
{
    if (!json_is_object(json) && !json_is_boolean(json)) {
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, place,
                              "expected a schema here: an object, true or false");
        return NULL;
    }
    if (compiler->node_count == SCHEMA_NODES_MAX) {
        (void)schema_fault_at(compiler, ERR_TOO_LARGE, place,
                              "at most %d subschemas are taken (SCHEMA_NODES_MAX)",
                              SCHEMA_NODES_MAX);
        return NULL;
    }
    struct node *node = schema_room_take(&compiler->schema->room, 1, sizeof *node);
    if (node == NULL) {
        (void)schema_fault_at(compiler, ERR_NO_MEMORY, place, "out of memory");
        return NULL;
    }
    *node = (struct node){
        .json = json,
        .parent = place->node,
        .key = place->key,
        .index = (uint32_t)place->index,
        .number = compiler->node_count,
        .is_many = place->key != NULL || place->is_item,
        .is_never = json_is_false(json),
    };
    compiler->nodes[compiler->node_count++] = node;
    return node;
}

static bool add_child(struct compiler *compiler, const struct node *parent,
                      const struct keyword *keyword, const struct place *place, json_t *json)
{
    struct node *child = node_new(compiler, json, place);
    if (child == NULL)
        return false;
    child->under = keyword;
    return walk(compiler, child, parent->resource);
}

static bool add_list(struct compiler *compiler, const struct node *node,
                     const struct keyword *keyword, json_t *list)
{
    struct place place = keyword_at(node, keyword->name);
    if (json_array_size(list) == 0)
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                               "expected an array of at least one schema");
    place.is_item = true;
    for (; place.index < json_array_size(list); place.index++)
        if (!add_child(compiler, node, keyword, &place, json_array_get(list, place.index)))
            return false;
    return true;
}

// `dependencies` hold lists of names too; those are no schemas.
static bool add_map(struct compiler *compiler, const struct node *node,
                    const struct keyword *keyword, json_t *map)
{
    struct place place = keyword_at(node, keyword->name);
    if (!json_is_object(map))
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                               "expected an object whose members are schemas");
    json_t *value;
    json_object_foreach(map, place.key, value)
    {
        if (keyword->holds == HOLDS_DEPENDENCIES && json_is_array(value))
            continue;
        if (!add_child(compiler, node, keyword, &place, value))
            return false;
    }
    return true;
}

static bool add_children(struct compiler *compiler, const struct node *node,
                         const struct keyword *keyword, json_t *value)
{
    switch (keyword->holds) {
    case HOLDS_NOTHING: return true;
    case HOLDS_LIST: return add_list(compiler, node, keyword, value);
    case HOLDS_MAP:
    case HOLDS_DEPENDENCIES: return add_map(compiler, node, keyword, value);
    case HOLDS_ONE_OR_LIST:
        if (json_is_array(value) && compiler->draft == DRAFT_7)
            return json_array_size(value) == 0 || add_list(compiler, node, keyword, value);
        break;
    case HOLDS_ONE: break;
    }
    struct place place = keyword_at(node, keyword->name);
    if (json_is_array(value) && keyword->holds == HOLDS_ONE_OR_LIST)
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                               "a list of schemas is called prefixItems since draft 2020-12");
    return add_child(compiler, node, keyword, &place, value);
}

// A keyword's text; NULL when it is not there, or after a fault.
static const char *text_of(struct compiler *compiler, const struct node *node, const char *keyword)
{
    json_t *value = json_object_get(node->json, keyword);
    if (value == NULL)
        return NULL;
    const char *text = json_string_value(value);
    if (text != NULL && strlen(text) == json_string_length(value))
        return text;
    struct place place = keyword_at(node, keyword);
    (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected a string");
    return NULL;
}

static bool is_anchor_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool is_first = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        bool is_later = (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == ':';
        if (!is_first && (c == name || !is_later))
            return false;
    }
    return name[0] != '\0';
}

static bool add_anchor(struct compiler *compiler, const struct place *place, struct node *node,
                       struct anchor anchor)
{
    if (!is_anchor_name(anchor.name))
        return schema_fault_at(compiler, ERR_BAD_FIELD, place,
                               "expected a name: a letter or _, then letters, digits and - _ . :");
    for (uint32_t i = 0; i < compiler->anchor_count; i++) {
        const struct anchor *other = &compiler->anchors[i];
        if (other->node->resource == node->resource && other->node != node &&
            strcmp(other->name, anchor.name) == 0)
            return schema_fault_at(compiler, ERR_BAD_FIELD, place, "this name is used twice: %s",
                                   anchor.name);
    }
    CHECK(compiler->anchor_count < 2 * SCHEMA_NODES_MAX);
    compiler->anchors[compiler->anchor_count++] = anchor;
    return true;
}

static bool add_anchors(struct compiler *compiler, struct node *node)
{
    static const char *const keywords[] = {"$anchor", "$dynamicAnchor"};
    for (size_t i = 0; i < 2 && compiler->draft == DRAFT_2020; i++) {
        const char *name = text_of(compiler, node, keywords[i]);
        struct place place = keyword_at(node, keywords[i]);
        if (name != NULL &&
            !add_anchor(compiler, &place, node, (struct anchor){name, node, i == 1}))
            return false;
    }
    return compiler->error == OK;
}

static bool add_resource(struct compiler *compiler, const struct place *place, struct node *node,
                         const char *uri)
{
    for (uint32_t i = 0; i < compiler->resource_count; i++)
        if (uri[0] != '\0' && strcmp(compiler->resources[i].uri, uri) == 0)
            return schema_fault_at(compiler, ERR_BAD_FIELD, place, "this URI is used twice: %s",
                                   uri);
    char *copy = schema_room_take(&compiler->schema->room, strlen(uri) + 1, 1);
    if (copy == NULL)
        return schema_fault_at(compiler, ERR_NO_MEMORY, place, "out of memory");
    memcpy(copy, uri, strlen(uri) + 1);
    node->resource = compiler->resource_count;
    compiler->resources[compiler->resource_count++] = (struct resource){copy, node};
    return true;
}

// Draft 7 names anchors by an $id that is only a fragment.
static bool add_id(struct compiler *compiler, struct node *node, const char *id)
{
    struct place place = keyword_at(node, "$id");
    if (id[0] == '#' && id[1] != '\0' && compiler->draft == DRAFT_7)
        return add_anchor(compiler, &place, node, (struct anchor){id + 1, node, false});
    char uri[SCHEMA_URI_LEN_MAX];
    struct slice fragment;
    if (!schema_uri_resolve(compiler->resources[node->resource].uri, id, uri, sizeof uri,
                            &fragment))
        return schema_fault_at(compiler, ERR_TOO_LARGE, &place,
                               "a URI has at most %d bytes (SCHEMA_URI_LEN_MAX)",
                               SCHEMA_URI_LEN_MAX);
    if (fragment.len > 0)
        return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                               "expected a URI without a fragment (after #)");
    if (strcmp(uri, compiler->resources[node->resource].uri) == 0)
        return true;
    return add_resource(compiler, &place, node, uri);
}

static bool keeps_draft(struct compiler *compiler, struct node *node)
{
    const char *uri = text_of(compiler, node, "$schema");
    if (uri == NULL || schema_keyword_draft(uri) == compiler->draft)
        return compiler->error == OK;
    struct place place = keyword_at(node, "$schema");
    return schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                           "a document keeps to one draft, that of its root");
}

// Below a $ref draft 7 sees no other keyword, but what it holds can be referred to.
static bool is_only_reference(const struct compiler *compiler, const struct node *node)
{
    return compiler->draft == DRAFT_7 && json_object_get(node->json, "$ref") != NULL;
}

static bool walk(struct compiler *compiler, struct node *node, uint32_t resource)
{
    node->resource = resource;
    if (!json_is_object(node->json))
        return true;
    const char *id = text_of(compiler, node, "$id");
    if (id != NULL && !is_only_reference(compiler, node) && !add_id(compiler, node, id))
        return false;
    if (!add_anchors(compiler, node) || !keeps_draft(compiler, node))
        return false;
    for (uint32_t i = 0; i < schema_keyword_count; i++) {
        const struct keyword *keyword = &schema_keywords[i];
        json_t *value = json_object_get(node->json, keyword->name);
        if (value != NULL && (keyword->drafts & compiler->draft) != 0 &&
            !add_children(compiler, node, keyword, value))
            return false;
    }
    return true;
}

static int compare(const struct node *a, const struct node *b)
{
    const struct node *left = a->parent, *right = b->parent;
    if (left != right)
        return left == NULL || (right != NULL && left->number < right->number) ? -1 : 1;
    if (a->under != b->under)
        return a->under < b->under ? -1 : 1;
    if ((a->key == NULL) != (b->key == NULL))
        return a->key == NULL ? -1 : 1;
    if (a->key != NULL)
        return strcmp(a->key, b->key);
    return (a->index > b->index) - (a->index < b->index);
}

static int by_place(const void *left, const void *right)
{
    struct node *const *a = left, *const *b = right;
    return compare(*a, *b);
}

struct node *schema_walk_child(struct compiler *compiler, const struct node *parent,
                               const struct keyword *keyword, const char *key, size_t index)
{
    struct node wanted = {.parent = parent, .under = keyword, .key = key, .index = (uint32_t)index};
    struct node *pointer = &wanted;
    struct node **found = bsearch(&pointer, compiler->sorted, compiler->node_count,
                                  sizeof *compiler->sorted, by_place);
    return found == NULL ? NULL : *found;
}

bool schema_walk(struct compiler *compiler)
{
    struct place whole = {0};
    struct node *root = node_new(compiler, compiler->schema->document, &whole);
    if (root == NULL)
        return false;
    compiler->schema->root = root;
    if (!add_resource(compiler, &whole, root, "") || !walk(compiler, root, 0))
        return false;
    memcpy(compiler->sorted, compiler->nodes, compiler->node_count * sizeof *compiler->nodes);
    qsort(compiler->sorted, compiler->node_count, sizeof *compiler->sorted, by_place);
    return true;
}
