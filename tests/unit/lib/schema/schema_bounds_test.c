// links: PkgConfig::jansson

// Schemas and values that want too much are refused or ended, by name and in time.

#include "tests/unit/lib/schema/schema_told.h"

TEST(schema, is_bounded_in_every_dimension)
{
    static const struct {
        const char *head, *part;
        size_t count;
        const char *tail, *fault;
    } cases[] = {
        {"{\"title\":\"", "x", SCHEMA_BYTES_MAX - 12, "\"}", "ok"},
        {"{\"title\":\"", "x", SCHEMA_BYTES_MAX - 11, "\"}",
         "too large: : a schema has at most 65536 bytes (SCHEMA_BYTES_MAX)"},
        {"{\"allOf\":[{}", ",{}", SCHEMA_NODES_MAX - 2, "]}", "ok"},
        {"{\"allOf\":[{}", ",{}", SCHEMA_NODES_MAX - 1, "]}",
         "too large: /allOf/2047: at most 2048 subschemas are taken (SCHEMA_NODES_MAX)"},
        {"", "{\"x\":", SCHEMA_NESTING_MAX + 1, "",
         "too large: : arrays and objects are at most 64 deep (SCHEMA_NESTING_MAX)"},
        {"", "{\"x\":", SCHEMA_NESTING_MAX, "", "ok"},
        {"{\"$id\":\"x:", "y", SCHEMA_URI_LEN_MAX, "\"}",
         "too large: /$id: a URI has at most 512 bytes (SCHEMA_URI_LEN_MAX)"},
        {"{\"$ref\":\"#", "y", SCHEMA_URI_LEN_MAX, "\"}",
         "too large: /$ref: a URI has at most 512 bytes (SCHEMA_URI_LEN_MAX)"},
        {"{\"pattern\":\"", "y", SCHEMA_PATTERN_LEN_MAX + 1, "\"}",
         "too large: /pattern: not a regular expression that is taken here: it is longer than 1024 "
         "bytes"},
        {"{\"pattern\":\"", "(", SCHEMA_PATTERN_NESTING_MAX + 2, "\"}",
         "too large: /pattern: not a regular expression that is taken here: parentheses are too "
         "deeply nested"},
        {"{\"allOf\":[{}", ",{\"pattern\":\"a\"}", SCHEMA_PATTERN_COUNT_MAX, "]}", "ok"},
        {"{\"allOf\":[{}", ",{\"pattern\":\"a\"}", SCHEMA_PATTERN_COUNT_MAX + 1, "]}",
         "too large: /allOf/257/pattern: at most 256 patterns are taken "
         "(SCHEMA_PATTERN_COUNT_MAX)"},
        {"{\"allOf\":[{}", ",{\"pattern\":\"(a{0,50}b{0,50}c){0,100}\"}", 200, "]}",
         "bytes compiled (SCHEMA_PATTERN_BYTES_MAX)"},
        {"{\"pattern\":\"", "(((a{0,200}b){0,200}c){0,200}d)", 1, "\"}",
         "too large: /pattern: not a regular expression that is taken here: regular expression is "
         "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_nested = cases[i].head[0] == '\0';
        char *closing = repeated("0", is_nested ? "}" : "", cases[i].count, "");
        char *text = repeated(cases[i].head, cases[i].part, cases[i].count,
                              is_nested ? closing : cases[i].tail);
        const char *fault = fault_of(text);
        if (strstr(fault, cases[i].fault) == NULL)
            EXPECT_STR(fault, cases[i].fault);
        free(text);
        free(closing);
    }
}

static const char STEPS[] = "the check takes too many steps (SCHEMA_STEPS_MAX) and was ended";

static bool is_stopped_by(const char *schema_text, const char *text, const char *why)
{
    static struct schema_report report;
    struct schema *schema = compiled(schema_text);
    EXPECT(!schema_check_text(schema, slice_of_text(text), &report));
    schema_free(schema);
    const char *last = report.violations[report.count - 1].message;
    if (strcmp(last, why) != 0)
        print_message("%s\n", last);
    return report.is_stopped && strcmp(last, why) == 0;
}

// Each of these would take years.
TEST(schema, hostile_pattern_does_not_stall)
{
    static const char *const patterns[] = {
        "^(a+)+$",
        "^(a|a)*$",
        "(a*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "^(.*a){20}$",
        "(?=(a+)+b)",
        "([a-z]+)*\\\\1c",
        "(?<!(a{0,50}))(a*)*(?!a)",
        "^((a?){50}){50}a{3000}$",
        "[a-z]*[A-Z]",
        ".*.*.*.*X",
        "^(?:a?){64}a{64}b$",
        "(a+|b+|a*)*c",
        "((a{0,30}){0,30}){0,30}b",
    };
    char *text = repeated("\"", "a", 30000, "!\"");
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        static struct schema_report report;
        char schema_text[256];
        struct schema *schema = NULL;
        struct schema_fault fault;
        (void)snprintf(schema_text, sizeof schema_text, "{\"pattern\":\"%s\"}", patterns[i]);
        // Refused at once, or ended after a bounded time: the test has a timeout.
        if (schema_compile(slice_of_text(schema_text), &schema, &fault) == OK)
            (void)schema_check_text(schema, slice_of_text(text), &report);
        schema_free(schema);
    }
    EXPECT(is_stopped_by("{\"pattern\":\"^(a+)+$\"}", text, STEPS));
    EXPECT(is_stopped_by("{\"pattern\":\"[a-z]*[A-Z]\"}", text, STEPS));
    // Not even where it is turned round, or one of many.
    EXPECT(is_stopped_by("{\"not\":{\"pattern\":\"^(a+)+$\"}}", text, STEPS));
    EXPECT(is_stopped_by("{\"anyOf\":[{\"pattern\":\"^(a+)+$\"},true],\"type\":\"null\"}", text,
                         STEPS));
    free(text);
}

TEST(schema, hostile_pattern_takes_no_memory)
{
    char *text = repeated("\"", "ab", 200000, "\"");
    EXPECT(is_stopped_by("{\"pattern\":\"^(?:a(b))*c\"}", text,
                         "a pattern takes too much memory (SCHEMA_PATTERN_HEAP_KIB) on this text"));
    free(text);
}

TEST(schema, hostile_references_do_not_blow_up)
{
    // Each refers to the next one twice: two to the power of 40.
    static const char *const keywords[] = {"allOf", "anyOf", "oneOf"};
    for (size_t k = 0; k < 3; k++) {
        char text[8192];
        size_t len = (size_t)snprintf(text, sizeof text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
        for (int i = 0; i < 40; i++)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "\"d%d\":{\"%s\":[{\"$ref\":\"#/$defs/d%d\"},"
                                    "{\"$ref\":\"#/$defs/d%d\"}]},",
                                    i, keywords[k], i + 1, i + 1);
        (void)snprintf(text + len, sizeof text - len, "\"d40\":{\"%s\":[%s]}}}", "allOf",
                       k == 0 ? "true" : "false");
        EXPECT(is_stopped_by(text, "1", STEPS));
    }
}

TEST(schema, containers_of_a_text_are_counted)
{
    static const char told[] =
        " |  | expected at most 65536 arrays and objects (SCHEMA_CONTAINERS_MAX)";
    char *text = repeated("[\"[\\\"[[\"", ",{}", SCHEMA_CONTAINERS_MAX - 1, "]");
    EXPECT_STR(verdict("{}", text), "");
    free(text);
    text = repeated("[\"[\\\"[[\"", ",{}", SCHEMA_CONTAINERS_MAX, "]");
    EXPECT_STR(verdict("{}", text), told);
    free(text);
}

TEST(schema, depth_of_a_check_is_bounded)
{
    static const char list[] = "{\"properties\":{\"n\":{\"$ref\":\"#\"}}}";
    // Two levels for each of the value's: the member's schema, and the one it refers to.
    char *text = repeated("", "{\"n\":", SCHEMA_DEPTH_MAX / 2 - 1, "1");
    char *closing = repeated(text, "}", SCHEMA_DEPTH_MAX / 2 - 1, "");
    EXPECT_STR(verdict(list, closing), "");
    free(text);
    free(closing);
    text = repeated("", "{\"n\":", SCHEMA_DEPTH_MAX / 2 + 1, "1");
    closing = repeated(text, "}", SCHEMA_DEPTH_MAX / 2 + 1, "");
    EXPECT(
        is_stopped_by(list, closing, "the check goes too deep (SCHEMA_DEPTH_MAX) and was ended"));
    free(text);
    free(closing);
}

TEST(schema, deep_and_wide_values_end_in_time)
{
    char *text = repeated("", "[", 2000, "");
    char *closing = repeated(text, "]", 2000, "");
    EXPECT_STR(verdict("{}", closing), "");
    EXPECT(strlen(verdict("{\"enum\":[[[]]]}", closing)) > 0);
    free(text);
    text = repeated("[", closing, 2, "");
    free(text);
    free(closing);
    // A quadratic comparison of so many would not end in time.
    text = repeated("[0", ",[{\"a\":1},\"xxxx\"]", 30000, "]");
    EXPECT(strstr(verdict("{\"uniqueItems\":true}", text), "are equal") != NULL);
    free(text);
    text = repeated("[0", ",1", 500000, "]");
    EXPECT_STR(verdict("{\"items\":{\"type\":\"integer\"}}", text), "");
    EXPECT(is_stopped_by("{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}}",
                         text, STEPS));
    free(text);
}
