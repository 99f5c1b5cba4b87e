// Where a reference leads: to a resource of the document, and in it by pointer or by anchor. Other
// documents are never fetched.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_uri.h"

#include <stdlib.h>

static struct node *lost(struct compiler *compiler, const struct place *place, const char *why,
                         const char *reference)
{
    (void)schema_fault_at(compiler, ERR_BAD_FIELD, place, "%s: %s", why, reference);
    return NULL;
}

// To another document, perhaps a draft's meta-schema.
static struct node *elsewhere(struct compiler *compiler, const struct place *place,
                              const char *reference)
{
    (void)schema_fault_at(
        compiler, ERR_BAD_FIELD, place,
        "references to other documents are not followed: %s; put it into %s, with its $id",
        reference, compiler->draft == DRAFT_7 ? "definitions" : "$defs");
    return NULL;
}

// The index that a token names; false when it is none.
static bool index_of(const char *token, size_t *out_index)
{
    size_t len = strlen(token);
    if (len == 0 || len > 6 || strspn(token, "0123456789") != len || (token[0] == '0' && len > 1))
        return false;
    *out_index = strtoul(token, NULL, 10);
    return true;
}

static bool holds_many(const struct keyword *keyword, const json_t *value)
{
    switch (keyword->holds) {
    case HOLDS_LIST:
    case HOLDS_MAP:
    case HOLDS_DEPENDENCIES: return true;
    case HOLDS_ONE_OR_LIST: return json_is_array(value);
    case HOLDS_ONE:
    case HOLDS_NOTHING: break;
    }
    return false;
}

// The tokens of a pointer, decoded, one after the other in one text.
struct tokens {
    char texts[SCHEMA_URI_LEN_MAX];
    const char *next;
    size_t left;
};

// `pointer` begins with a slash.
static void split(const char *pointer, struct tokens *tokens)
{
    char *to = tokens->texts;
    CHECK(strlen(pointer) < sizeof tokens->texts);
    for (const char *at = pointer; *at != '\0'; at++) {
        if (*at == '/') {
            tokens->left++;
            if (at != pointer)
                *to++ = '\0';
        } else if (*at == '~' && (at[1] == '0' || at[1] == '1')) {
            *to++ = *++at == '0' ? '~' : '/';
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static const char *take(struct tokens *tokens)
{
    if (tokens->left == 0)
        return NULL;
    const char *token = tokens->next;
    tokens->next += strlen(token) + 1;
    tokens->left--;
    return token;
}

// The subschema that the next one or two tokens name below `node`.
static struct node *step(struct compiler *compiler, const struct node *node, struct tokens *tokens)
{
    const struct keyword *keyword = schema_keyword_find(compiler->draft, take(tokens));
    if (keyword == NULL)
        return NULL;
    json_t *value = json_object_get(node->json, keyword->name);
    if (value == NULL || !holds_many(keyword, value))
        return schema_walk_child(compiler, node, keyword, NULL, 0);
    const char *token = take(tokens);
    size_t index = 0;
    if (token == NULL || (json_is_array(value) && !index_of(token, &index)))
        return NULL;
    const char *key = json_is_array(value) ? NULL : token;
    return schema_walk_child(compiler, node, keyword, key, index);
}

// Follows a pointer from the root of a resource; NULL when it names no subschema.
static struct node *follow(struct compiler *compiler, struct node *node, const char *pointer)
{
    struct tokens tokens = {.left = 0};
    tokens.next = tokens.texts;
    split(pointer, &tokens);
    while (node != NULL && tokens.left > 0)
        node = step(compiler, node, &tokens);
    return node;
}

static const struct anchor *anchor_find(const struct compiler *compiler, uint32_t resource,
                                        const char *name)
{
    for (uint32_t i = 0; i < compiler->anchor_count; i++) {
        const struct anchor *anchor = &compiler->anchors[i];
        if (anchor->node->resource == resource && strcmp(anchor->name, name) == 0)
            return anchor;
    }
    return NULL;
}

static struct resource *resource_find(struct compiler *compiler, const char *uri)
{
    for (uint32_t i = 0; i < compiler->resource_count; i++)
        if (strcmp(compiler->resources[i].uri, uri) == 0)
            return &compiler->resources[i];
    return NULL;
}

struct node *schema_refer(struct compiler *compiler, const struct place *place,
                          const char *reference, const struct anchor **out_anchor)
{
    char uri[SCHEMA_URI_LEN_MAX], fragment[SCHEMA_URI_LEN_MAX];
    struct slice rest;
    const char *base = compiler->resources[place->node->resource].uri;
    *out_anchor = NULL;
    if (!schema_uri_resolve(base, reference, uri, sizeof uri, &rest) ||
        rest.len >= sizeof fragment) {
        (void)schema_fault_at(compiler, ERR_TOO_LARGE, place,
                              "a URI has at most %d bytes (SCHEMA_URI_LEN_MAX)",
                              SCHEMA_URI_LEN_MAX);
        return NULL;
    }
    struct resource *resource = resource_find(compiler, uri);
    if (resource == NULL)
        return elsewhere(compiler, place, reference);
    (void)slice_to_text(rest, fragment, sizeof fragment);
    if (!schema_uri_decode(fragment, &rest.len) || memchr(fragment, 0, rest.len) != NULL)
        return lost(compiler, place, "the fragment is not well escaped", reference);
    fragment[rest.len] = '\0';
    if (fragment[0] == '\0')
        return resource->root;
    if (fragment[0] == '/') {
        struct node *node = follow(compiler, resource->root, fragment);
        return node != NULL
                   ? node
                   : lost(compiler, place, "there is no subschema at this place", reference);
    }
    *out_anchor = anchor_find(compiler, resource->root->resource, fragment);
    return *out_anchor != NULL
               ? (*out_anchor)->node
               : lost(compiler, place, "there is no anchor of this name", reference);
}
