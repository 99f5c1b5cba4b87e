// All keywords that are checked or hold subschemas, in the order of checking: what is cheap and
// telling first. Keywords not listed (title, format, contentEncoding, unknown ones …) are notes.

#include "lib/schema/schema_private.h"

const struct keyword schema_keywords[] = {
    {"type", DRAFT_ALL, HOLDS_NOTHING, TYPE_ANY, schema_rule_type},
    {"const", DRAFT_ALL, HOLDS_NOTHING, TYPE_ANY, schema_rule_const},
    {"enum", DRAFT_ALL, HOLDS_NOTHING, TYPE_ANY, schema_rule_enum},
    {"minimum", DRAFT_ALL, HOLDS_NOTHING, TYPE_NUMBER, schema_rule_minimum},
    {"maximum", DRAFT_ALL, HOLDS_NOTHING, TYPE_NUMBER, schema_rule_maximum},
    {"exclusiveMinimum", DRAFT_ALL, HOLDS_NOTHING, TYPE_NUMBER, schema_rule_exclusive_minimum},
    {"exclusiveMaximum", DRAFT_ALL, HOLDS_NOTHING, TYPE_NUMBER, schema_rule_exclusive_maximum},
    {"multipleOf", DRAFT_ALL, HOLDS_NOTHING, TYPE_NUMBER, schema_rule_multiple_of},
    {"minLength", DRAFT_ALL, HOLDS_NOTHING, TYPE_STRING, schema_rule_min_length},
    {"maxLength", DRAFT_ALL, HOLDS_NOTHING, TYPE_STRING, schema_rule_max_length},
    {"pattern", DRAFT_ALL, HOLDS_NOTHING, TYPE_STRING, schema_rule_pattern},
    {"minProperties", DRAFT_ALL, HOLDS_NOTHING, TYPE_OBJECT, schema_rule_min_properties},
    {"maxProperties", DRAFT_ALL, HOLDS_NOTHING, TYPE_OBJECT, schema_rule_max_properties},
    {"minItems", DRAFT_ALL, HOLDS_NOTHING, TYPE_ARRAY, schema_rule_min_items},
    {"maxItems", DRAFT_ALL, HOLDS_NOTHING, TYPE_ARRAY, schema_rule_max_items},
    // Whichever of a group comes first builds the one rule for all of it.
    {"required", DRAFT_ALL, HOLDS_NOTHING, TYPE_OBJECT, schema_rule_members},
    {"properties", DRAFT_ALL, HOLDS_MAP, TYPE_OBJECT, schema_rule_members},
    {"patternProperties", DRAFT_ALL, HOLDS_MAP, TYPE_OBJECT, schema_rule_members},
    {"additionalProperties", DRAFT_ALL, HOLDS_ONE, TYPE_OBJECT, schema_rule_members},
    {"propertyNames", DRAFT_ALL, HOLDS_ONE, TYPE_OBJECT, schema_rule_property_names},
    {"dependentRequired", DRAFT_2020, HOLDS_NOTHING, TYPE_OBJECT, schema_rule_dependencies},
    {"dependentSchemas", DRAFT_2020, HOLDS_MAP, TYPE_OBJECT, schema_rule_dependencies},
    {"dependencies", DRAFT_ALL, HOLDS_DEPENDENCIES, TYPE_OBJECT, schema_rule_dependencies},
    {"prefixItems", DRAFT_2020, HOLDS_LIST, TYPE_ARRAY, schema_rule_elements},
    {"items", DRAFT_ALL, HOLDS_ONE_OR_LIST, TYPE_ARRAY, schema_rule_elements},
    {"additionalItems", DRAFT_7, HOLDS_ONE, TYPE_ARRAY, schema_rule_elements},
    {"contains", DRAFT_ALL, HOLDS_ONE, TYPE_ARRAY, schema_rule_contains},
    {"minContains", DRAFT_2020, HOLDS_NOTHING, TYPE_ARRAY, schema_rule_contains},
    {"maxContains", DRAFT_2020, HOLDS_NOTHING, TYPE_ARRAY, schema_rule_contains},
    {"uniqueItems", DRAFT_ALL, HOLDS_NOTHING, TYPE_ARRAY, schema_rule_unique_items},
    {"$ref", DRAFT_ALL, HOLDS_NOTHING, TYPE_ANY, schema_rule_ref},
    {"$dynamicRef", DRAFT_2020, HOLDS_NOTHING, TYPE_ANY, schema_rule_dynamic_ref},
    {"allOf", DRAFT_ALL, HOLDS_LIST, TYPE_ANY, schema_rule_all_of},
    {"anyOf", DRAFT_ALL, HOLDS_LIST, TYPE_ANY, schema_rule_any_of},
    {"oneOf", DRAFT_ALL, HOLDS_LIST, TYPE_ANY, schema_rule_one_of},
    {"not", DRAFT_ALL, HOLDS_ONE, TYPE_ANY, schema_rule_not},
    {"if", DRAFT_ALL, HOLDS_ONE, TYPE_ANY, schema_rule_if},
    {"then", DRAFT_ALL, HOLDS_ONE, TYPE_ANY, NULL},
    {"else", DRAFT_ALL, HOLDS_ONE, TYPE_ANY, NULL},
    {"unevaluatedItems", DRAFT_2020, HOLDS_ONE, TYPE_ARRAY, schema_rule_unevaluated_items},
    {"unevaluatedProperties", DRAFT_2020, HOLDS_ONE, TYPE_OBJECT,
     schema_rule_unevaluated_properties},
    {"$defs", DRAFT_ALL, HOLDS_MAP, TYPE_ANY, NULL},
    {"definitions", DRAFT_ALL, HOLDS_MAP, TYPE_ANY, NULL},
};

const uint32_t schema_keyword_count = sizeof schema_keywords / sizeof *schema_keywords;

const struct keyword *schema_keyword_find(enum draft_bit draft, const char *name)
{
    for (uint32_t i = 0; i < schema_keyword_count; i++)
        if ((schema_keywords[i].drafts & draft) != 0 && strcmp(schema_keywords[i].name, name) == 0)
            return &schema_keywords[i];
    return NULL;
}

uint32_t schema_keyword_draft(const char *uri)
{
    static const struct {
        const char *rest;
        enum draft_bit draft;
    } known[] = {{"json-schema.org/draft/2020-12/schema", DRAFT_2020},
                 {"json-schema.org/draft-07/schema", DRAFT_7}};
    if (strncmp(uri, "https://", 8) == 0)
        uri += 8;
    else if (strncmp(uri, "http://", 7) == 0)
        uri += 7;
    else
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].rest);
        if (strncmp(uri, known[i].rest, len) == 0 &&
            (uri[len] == '\0' || strcmp(uri + len, "#") == 0))
            return known[i].draft;
    }
    return 0;
}
