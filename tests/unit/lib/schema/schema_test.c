// links: PkgConfig::jansson

// Faults and violations name their places, say what was expected, and are bounded in number and length.

#include "tests/unit/lib/schema/schema_told.h"

#include <jansson.h>
#include <pthread.h>

TEST(schema, keeps_the_text_that_it_came_from)
{
    char text[] = " {\"minimum\" : 1}\n";
    struct schema *schema = NULL;
    struct schema_fault fault;
    EXPECT_EQ(schema_compile(slice_of_text(text), &schema, &fault), OK);
    memset(text, 'x', sizeof text - 1); // it is a copy
    EXPECT(slice_is_text(schema_text(schema), " {\"minimum\" : 1}\n"));
    schema_free(schema);
}

static const struct {
    const char *schema, *fault;
} faults[] = {
    {"{", ": not JSON: line 1, column 1: string or '}' expected near end of file"},
    {"{\"a\":1,\"a\":2}", ": not JSON: line 1, column 10: duplicate object key near '\"a\"'"},
    {"7", ": expected a schema here: an object, true or false"},
    {"{\"type\":\"strin\"}", "/type: expected null, boolean, object, array, integer, number or "
                             "string, or an array of different ones"},
    {"{\"type\":[]}", "/type: expected null, boolean, object, array, integer, number or "
                      "string, or an array of different ones"},
    {"{\"type\":[\"null\",\"null\"]}", "/type: expected null, boolean, object, array, integer, "
                                       "number or string, or an array of different ones"},
    {"{\"properties\":{\"a/b\":{\"minimum\":\"1\"}}}",
     "/properties/a~1b/minimum: expected a number"},
    {"{\"properties\":{\"a\":1}}",
     "/properties/a: expected a schema here: an object, true or false"},
    {"{\"properties\":[]}", "/properties: expected an object whose members are schemas"},
    {"{\"allOf\":[{},{\"maxLength\":-1}]}", "/allOf/1/maxLength: expected an integer, not below 0"},
    {"{\"allOf\":[]}", "/allOf: expected an array of at least one schema"},
    {"{\"minItems\":1.5}", "/minItems: expected an integer, not below 0"},
    {"{\"minItems\":1.0}", "ok"},
    {"{\"contains\":{},\"maxContains\":true}", "/maxContains: expected an integer, not below 0"},
    {"{\"multipleOf\":0}", "/multipleOf: expected a number above 0"},
    {"{\"required\":\"a\"}", "/required: expected an array of names"},
    {"{\"required\":[1]}", "/required: expected an array of names"},
    {"{\"required\":[\"a\",\"a\"]}", "/required: \"a\" is named twice"},
    {"{\"dependentRequired\":{\"a\":[1]}}", "/dependentRequired/a: expected an array of names"},
    {"{\"dependentRequired\":[]}",
     "/dependentRequired: expected an object whose members are arrays of names"},
    {"{\"uniqueItems\":1}", "/uniqueItems: expected true or false"},
    {"{\"enum\":{}}", "/enum: expected an array of values"},
    {"{\"pattern\":1}", "/pattern: expected a regular expression"},
    {"{\"pattern\":\"(\"}", "/pattern: not a regular expression that is taken here: missing "
                            "closing parenthesis"},
    {"{\"patternProperties\":{\"\\\\Z\":{}}}",
     "/patternProperties/\\Z: not a regular expression that is taken here: a letter is escaped "
     "that has no such meaning"},
    {"{\"items\":[{}]}", "/items: a list of schemas is called prefixItems since draft 2020-12"},
    {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"items\":[{}]}", "ok"},
    {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}",
     "/$schema: expected draft 2020-12 or draft 7: "
     "https://json-schema.org/draft/2020-12/schema or http://json-schema.org/draft-07/schema#"},
    {"{\"$schema\":1}",
     "/$schema: expected draft 2020-12 or draft 7: "
     "https://json-schema.org/draft/2020-12/schema or http://json-schema.org/draft-07/schema#"},
    {"{\"not\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}}",
     "/not/$schema: a document keeps to one draft, that of its root"},
    {"{\"$id\":\"http://a.example/x#y\"}", "/$id: expected a URI without a fragment (after #)"},
    {"{\"$id\":7}", "/$id: expected a string"},
    {"{\"$anchor\":\"7\"}",
     "/$anchor: expected a name: a letter or _, then letters, digits and - _ . :"},
    {"{\"$anchor\":\"a\",\"not\":{\"$dynamicAnchor\":\"a\"}}",
     "/not/$dynamicAnchor: this name is used twice: a"},
    {"{\"$defs\":{\"a\":{\"$id\":\"x:a\"},\"b\":{\"$id\":\"x:a\"}}}",
     "/$defs/b/$id: this URI is used twice: x:a"},
    {"{\"$ref\":\"https://example.org/person.json\"}",
     "/$ref: references to other documents are not followed: https://example.org/person.json; "
     "put it into $defs, with its $id"},
    {"{\"$ref\":\"#/$defs/nobody\"}", "/$ref: there is no subschema at this place: #/$defs/nobody"},
    {"{\"$ref\":\"#nobody\"}", "/$ref: there is no anchor of this name: #nobody"},
    {"{\"$ref\":\"#%zz\"}", "/$ref: the fragment is not well escaped: #%zz"},
    {"{\"$ref\":1}", "/$ref: expected a URI reference"},
    {"{\"$ref\":\"#/const\",\"const\":{}}", "/$ref: there is no subschema at this place: #/const"},
};

TEST(schema, fault_names_the_offending_keyword)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        EXPECT_STR(fault_of(faults[i].schema), faults[i].fault);
}

TEST(schema, refuses_to_go_round_in_circles)
{
    static const char *const round[] = {
        "{\"$ref\":\"#\"}",
        "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}",
        "{\"anyOf\":[{\"type\":\"string\"},{\"$ref\":\"#\"}]}",
        "{\"if\":{\"not\":{\"$ref\":\"#\"}}}",
        "{\"dependentSchemas\":{\"a\":{\"oneOf\":[{\"$ref\":\"#\"}]}}}",
    };
    for (size_t i = 0; i < sizeof round / sizeof *round; i++)
        EXPECT(strstr(fault_of(round[i]), "leads back to itself") != NULL);
    EXPECT_STR(fault_of("{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"items\":{\"$ref\":\"#\"}}"),
               "ok");
    EXPECT_STR(fault_of("{\"$ref\":\"#/$defs/b\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},"
                        "\"b\":{\"$ref\":\"#/$defs/a\"}}}"),
               "/$defs/b: this schema leads back to itself without going into the value");
    // Where a $dynamicRef leads is known only in a check: its depth ends it.
    EXPECT_STR(verdict("{\"$dynamicAnchor\":\"a\",\"$dynamicRef\":\"#a\"}", "1"),
               " |  | the check goes too deep (SCHEMA_DEPTH_MAX) and was ended");
}

static const struct {
    const char *schema, *value, *told;
} violations[] = {
    {"{\"type\":\"string\"}", "1", " | /type | expected a string, found an integer"},
    {"{\"type\":[\"string\",\"null\",\"array\"]}", "1.5",
     " | /type | expected null or an array or a string, found a number"},
    {"{\"type\":\"integer\"}", "1.0", ""},
    {"{\"const\":{\"a\":[1]}}", "{\"a\":[2]}", " | /const | expected {\"a\":[1]}"},
    {"{\"enum\":[\"a\",2,null]}", "3", " | /enum | expected one of \"a\", 2, null"},
    {"{\"minimum\":0.1}", "0.05", " | /minimum | expected a number of at least 0.1, found 0.05"},
    {"{\"maximum\":3}", "4", " | /maximum | expected a number of at most 3, found 4"},
    {"{\"exclusiveMinimum\":3}", "3",
     " | /exclusiveMinimum | expected a number greater than 3, found 3"},
    {"{\"exclusiveMaximum\":3}", "3",
     " | /exclusiveMaximum | expected a number less than 3, found 3"},
    {"{\"multipleOf\":5}", "7", " | /multipleOf | expected a multiple of 5, found 7"},
    {"{\"minLength\":3}", "\"\\u00e9\\ud83d\\ude00\"",
     " | /minLength | expected at least 3 characters, found 2"},
    {"{\"maxLength\":2}", "\"\\u00e9\\ud83d\\ude00\"", ""},
    {"{\"maxLength\":1}", "\"ab\"", " | /maxLength | expected at most 1 characters, found 2"},
    {"{\"pattern\":\"^a+$\"}", "\"b\"", " | /pattern | expected a text that matches ^a+$"},
    {"{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}", "{\"a\":[null,3]}",
     "/a/1 | /properties/a/items/type | expected null, found an integer"},
    {"{\"required\":[\"a\",\"b\",\"c\"]}", "{\"b\":1}",
     " | /required | the property \"a\" is missing\n"
     " | /required | the property \"c\" is missing"},
    {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"x/y~\":2}",
     "/x~1y~0 | /additionalProperties | no property of this name is expected"},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"null\"}}}", "{\"x1\":1,\"y\":2}",
     "/x1 | /patternProperties/^x/type | expected null, found an integer"},
    {"{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
     "/ab | /propertyNames/maxLength | expected at most 1 characters, found 2"},
    {"{\"minProperties\":2}", "{\"a\":1}",
     " | /minProperties | expected at least 2 properties, found 1"},
    {"{\"maxProperties\":0}", "{\"a\":1}",
     " | /maxProperties | expected at most 0 properties, found 1"},
    {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
     " | /dependentRequired | the property \"b\" is missing, which \"a\" asks for"},
    {"{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"a\":1,\"b\":2}",
     " | /dependentSchemas/a/maxProperties | expected at most 1 properties, found 2"},
    {"{\"prefixItems\":[{},{\"type\":\"null\"}],\"items\":false}", "[1,2,3]",
     "/1 | /prefixItems/1/type | expected null, found an integer\n"
     "/2 | /items | no item is expected here"},
    {"{\"minItems\":1}", "[]", " | /minItems | expected at least 1 items, found 0"},
    {"{\"maxItems\":1}", "[1,2]", " | /maxItems | expected at most 1 items, found 2"},
    {"{\"uniqueItems\":true}", "[1,{\"a\":1,\"b\":2},{\"b\":2.0,\"a\":1}]",
     " | /uniqueItems | expected items that differ; those at 1 and 2 are equal"},
    {"{\"contains\":{\"type\":\"null\"}}", "[1]",
     " | /contains | expected at least 1 items as `contains` wants, found 0"},
    {"{\"contains\":{\"type\":\"null\"},\"minContains\":2}", "[null]",
     " | /minContains | expected at least 2 items as `contains` wants, found 1"},
    {"{\"contains\":{\"type\":\"null\"},\"maxContains\":1}", "[null,null,null]",
     " | /maxContains | expected at most 1 items as `contains` wants, found more"},
    {"{\"$ref\":\"#/$defs/positive\",\"$defs\":{\"positive\":{\"minimum\":1}}}", "0",
     " | /$defs/positive/minimum | expected a number of at least 1, found 0"},
    {"{\"allOf\":[{\"minimum\":1},{\"maximum\":-1}]}", "0",
     " | /allOf/0/minimum | expected a number of at least 1, found 0\n"
     " | /allOf/1/maximum | expected a number of at most -1, found 0"},
    {"{\"anyOf\":[{\"minimum\":1},{\"maximum\":-1}]}", "0",
     " | /anyOf | expected a value that fits at least one of 2 schemas"},
    {"{\"oneOf\":[{\"minimum\":1},{\"maximum\":-1}]}", "0",
     " | /oneOf | expected a value that fits one of 2 schemas"},
    {"{\"oneOf\":[{\"minimum\":1},{\"maximum\":-1},{}]}", "2",
     " | /oneOf | expected a value that fits one of 3 schemas only, not both 0 and 2"},
    {"{\"not\":{\"type\":\"null\"}}", "null",
     " | /not | expected a value that does not fit this schema"},
    {"{\"if\":{\"minimum\":5},\"then\":{\"maximum\":6},\"else\":{\"maximum\":3}}", "7",
     " | /then/maximum | expected a number of at most 6, found 7"},
    {"{\"if\":{\"minimum\":5},\"then\":{\"maximum\":6},\"else\":{\"maximum\":3}}", "4",
     " | /else/maximum | expected a number of at most 3, found 4"},
    {"{\"anyOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false}",
     "{\"a\":1,\"b\":2}", "/b | /unevaluatedProperties | no property of this name is expected"},
    {"{\"prefixItems\":[true],\"unevaluatedItems\":{\"type\":\"null\"}}", "[1,2]",
     "/1 | /unevaluatedItems/type | expected null, found an integer"},
    {"false", "1", " |  | no value is expected here"},
    {"{\"properties\":{\"a\":false}}", "{\"a\":1}",
     "/a | /properties/a | no value is expected here"},
    {"{\"format\":\"email\",\"title\":\"a note\"}", "\"no email\"", ""},
    {"{}", "{\"a\":1", " |  | expected JSON; line 1, column 6: '}' expected near end of file"},
    {"{}", "{\"a\":1,\"a\":2}",
     " |  | expected JSON; line 1, column 10: duplicate object key near '\"a\"'"},
};

TEST(schema, violation_says_where_and_what_was_expected)
{
    for (size_t i = 0; i < sizeof violations / sizeof *violations; i++)
        EXPECT_STR(verdict(violations[i].schema, violations[i].value), violations[i].told);
}

// Marks of few members are one word, of many several.
TEST(schema, remembers_what_was_judged_of_many_members)
{
    static const char *const schemas[] = {
        "{\"patternProperties\":{\"^x\":true},\"unevaluatedProperties\":false}",
        "{\"anyOf\":[{\"patternProperties\":{\"^x\":true}},{\"patternProperties\":{\"y$\":"
        "true}}],\"unevaluatedProperties\":false}",
        "{\"allOf\":[{\"patternProperties\":{\"^x\":true},\"unevaluatedProperties\":{\"type\":"
        "\"null\"}}],\"unevaluatedProperties\":false}",
    };
    static const size_t counts[] = {1, 63, 64, 65, 200};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        static char text[8192];
        size_t len = (size_t)snprintf(text, sizeof text, "{");
        for (size_t m = 0; m < counts[i]; m++)
            len += (size_t)snprintf(text + len, sizeof text - len, "\"x%zu\":0,", m);
        (void)snprintf(text + len, sizeof text - len, "\"xy\":0}");
        for (size_t s = 0; s < sizeof schemas / sizeof *schemas; s++)
            EXPECT_STR(verdict(schemas[s], text), "");
        (void)snprintf(text + len, sizeof text - len, "\"z\":0}");
        EXPECT_STR(verdict(schemas[0], text),
                   "/z | /unevaluatedProperties | no property of this name is expected");
        EXPECT_STR(verdict(schemas[1], text),
                   "/z | /unevaluatedProperties | no property of this name is expected");
        EXPECT(strncmp(verdict(schemas[2], text),
                       "/z | /allOf/0/unevaluatedProperties/type | expected null, found an integer",
                       74) == 0);
    }
    char *items = repeated("[1", ",\"a\",2", 100, "]");
    EXPECT_STR(verdict("{\"contains\":{\"type\":\"string\"},\"unevaluatedItems\":{\"type\":"
                       "\"integer\"}}",
                       items),
               "");
    EXPECT(
        strncmp(verdict("{\"contains\":{\"type\":\"string\"},\"unevaluatedItems\":false}", items),
                "/0 | /unevaluatedItems | no item is expected here\n/2 |", 54) == 0);
    free(items);
}

TEST(schema, numbers_are_exact_where_json_is)
{
    EXPECT_STR(verdict("{\"maximum\":9007199254740992}", "9007199254740992.0"), "");
    EXPECT_STR(verdict("{\"maximum\":9007199254740992}", "9007199254740993"),
               " | /maximum | expected a number of at most 9007199254740992, found "
               "9007199254740993");
    EXPECT_STR(verdict("{\"multipleOf\":3}", "9223372036854775806"), "");
    EXPECT_STR(verdict("{\"multipleOf\":0.01}", "129.95"), "");
    EXPECT(strlen(verdict("{\"multipleOf\":0.01}", "129.955")) > 0);
    EXPECT_STR(verdict("{\"const\":1}", "1.0"), "");
    // Integers beyond 64 bits come as reals.
    EXPECT_STR(verdict("{\"type\":\"integer\",\"minimum\":1}", "123456789012345678901234567890"),
               "");
    EXPECT(strstr(verdict("{}", "[1e999]"), "real number overflow") != NULL);
}

TEST(schema, lists_the_first_violations_and_says_that_there_are_more)
{
    static struct schema_report report;
    struct schema *schema = compiled("{\"items\":{\"type\":\"null\"}}");
    char *text = repeated("[", "1,", SCHEMA_VIOLATIONS_MAX - 1, "1]");
    EXPECT(!schema_check_text(schema, slice_of_text(text), &report));
    EXPECT_EQ(report.count, SCHEMA_VIOLATIONS_MAX);
    EXPECT(!report.has_more);
    free(text);
    text = repeated("[", "1,", 1000, "1]");
    EXPECT(!schema_check_text(schema, slice_of_text(text), &report));
    EXPECT_EQ(report.count, SCHEMA_VIOLATIONS_MAX);
    EXPECT(report.has_more && !report.is_stopped);
    EXPECT_STR(report.violations[15].path, "/15");
    free(text);
    schema_free(schema);
}

TEST(schema, report_is_told_as_json)
{
    static struct schema_report report;
    static char out[SCHEMA_VIOLATIONS_MAX * 8 * SCHEMA_TEXT_MAX];
    struct schema *schema = compiled("{\"additionalProperties\":{\"type\":\"null\"}}");
    EXPECT(!schema_check_text(schema, slice_of_text("{\"a\\n\\\"\":1,\"b\":2,\"c\":3}"), &report));
    size_t len = schema_report_json(&report, out, sizeof out);
    json_t *told = json_loadb(out, len, JSON_REJECT_DUPLICATES, NULL);
    EXPECT_EQ(json_array_size(told), 3);
    json_t *first = json_array_get(told, 0);
    EXPECT_EQ(json_object_size(first), 3);
    EXPECT_STR(json_string_value(json_object_get(first, "path")), "/a\n\"");
    EXPECT_STR(json_string_value(json_object_get(first, "schema_path")),
               "/additionalProperties/type");
    EXPECT_STR(json_string_value(json_object_get(first, "message")),
               "expected null, found an integer");
    json_decref(told);
    // Whole violations only, whatever the room.
    size_t least = len;
    for (size_t cap = 2; cap <= len; cap++) {
        size_t used = schema_report_json(&report, out, cap);
        EXPECT(used <= cap);
        told = json_loadb(out, used, 0, NULL);
        EXPECT(told != NULL);
        least = json_array_size(told) < 3 ? cap : least;
        json_decref(told);
    }
    EXPECT_EQ(least, len - 1);
    schema_free(schema);
}

TEST(schema, cuts_long_texts_at_a_character)
{
    char *text = repeated("{\"", "\xc3\xa9", 300, "\":1}");
    const char *told = verdict("{\"additionalProperties\":false}", text);
    EXPECT(strncmp(told, "/\xc3\xa9\xc3\xa9", 5) == 0);
    EXPECT(strstr(told, "\xc3\xa9... | /additionalProperties") != NULL);
    free(text);
    text = repeated("{\"required\":[\"", "\xc3\xa9", 300, "\"]}");
    told = verdict(text, "{}");
    EXPECT_STR(told + strlen(told) - 5, "\xc3\xa9...");
    free(text);
    text = repeated("{\"enum\":[\"", "x", 500, "\"]}");
    told = verdict(text, "\"y\"");
    EXPECT_STR(told + strlen(told) - 6, "xx...\"");
    free(text);
}

static void *check_often(void *context)
{
    static _Thread_local struct schema_report report;
    const struct schema *schema = context;
    for (int i = 0; i < 2000; i++) {
        EXPECT(schema_check_text(schema, slice_of_text("{\"a\":\"x1\",\"b\":[1,2]}"), &report));
        EXPECT(!schema_check_text(schema, slice_of_text("{\"a\":\"1\",\"c\":1}"), &report));
        EXPECT_EQ(report.count, 2);
    }
    return NULL;
}

TEST(schema, serves_several_threads_at_once)
{
    struct schema *schema =
        compiled("{\"properties\":{\"a\":{\"pattern\":\"^x\"},\"b\":{\"uniqueItems\":true}},"
                 "\"unevaluatedProperties\":false}");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, check_often, schema), 0);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    schema_free(schema);
}

static uint64_t countdown; // 0: nothing fails; 1: the next request for memory does

static void *take_memory(size_t size)
{
    return countdown > 0 && --countdown == 0 ? NULL : malloc(size);
}

// Of jansson's memory; the rest is asked for in the same way.
TEST(schema, survives_a_lack_of_memory_anywhere)
{
    static const char text[] = "{\"properties\":{\"a\":{\"enum\":[1,2]}},\"propertyNames\":{}}";
    static struct schema_report report;
    struct schema *schema = NULL;
    struct schema_fault fault;
    json_set_alloc_funcs(take_memory, free);
    bool ok = false;
    for (uint64_t k = 1; !ok && k < 10000; k++) {
        countdown = k;
        ok = schema_compile(slice_of_text(text), &schema, &fault) == OK;
        EXPECT(ok || fault.message[0] != '\0');
    }
    EXPECT(ok);
    ok = false;
    for (uint64_t k = 1; !ok && k < 10000; k++) {
        countdown = k;
        ok = schema_check_text(schema, slice_of_text("{\"a\":1}"), &report);
        EXPECT(ok || report.count == 1);
    }
    countdown = 0;
    EXPECT(ok);
    schema_free(schema);
    json_set_alloc_funcs(malloc, free);
}
