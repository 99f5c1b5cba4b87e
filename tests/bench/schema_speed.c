// What a check against a JSON Schema costs: nanoseconds of processor time, for a typical object of
// ten properties, read from text and already read.
//   schema_speed [rounds]
//
// links: PkgConfig::jansson

#include "lib/schema/schema.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char ORDER_SCHEMA[] =
    "{\"type\":\"object\",\"required\":[\"order\",\"customer\",\"email\",\"total\",\"items\"],"
    "\"properties\":{\"order\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-[0-9]{6}$\"},"
    "\"customer\":{\"type\":\"integer\",\"minimum\":1},"
    "\"email\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":254},"
    "\"total\":{\"type\":\"number\",\"minimum\":0,\"multipleOf\":0.01},"
    "\"currency\":{\"enum\":[\"EUR\",\"USD\",\"GBP\",\"CHF\",\"JPY\"]},"
    "\"paid\":{\"type\":\"boolean\"},\"note\":{\"type\":[\"string\",\"null\"]},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true},"
    "\"address\":{\"$ref\":\"#/$defs/address\"},"
    "\"items\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\","
    "\"required\":[\"sku\",\"count\"],\"properties\":{\"sku\":{\"type\":\"string\"},"
    "\"count\":{\"type\":\"integer\",\"minimum\":1}}}}},"
    "\"additionalProperties\":false,"
    "\"$defs\":{\"address\":{\"type\":\"object\",\"required\":[\"city\"],\"properties\":{"
    "\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"},"
    "\"zip\":{\"type\":\"string\",\"maxLength\":10}}}}}";

static const char ORDER[] =
    "{\"order\":\"AB-123456\",\"customer\":4711,\"email\":\"ada@example.org\",\"total\":129.95,"
    "\"currency\":\"EUR\",\"paid\":true,\"note\":null,\"tags\":[\"new\",\"gift\"],"
    "\"address\":{\"street\":\"High Street 1\",\"city\":\"Oxford\",\"zip\":\"OX1 4BH\"},"
    "\"items\":[{\"sku\":\"A-1\",\"count\":2},{\"sku\":\"B-7\",\"count\":1}]}";

// Ten scalars: what most payloads are.
static const char FLAT_SCHEMA[] =
    "{\"type\":\"object\",\"required\":[\"a\",\"b\",\"c\"],\"properties\":{"
    "\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"integer\",\"minimum\":0},"
    "\"c\":{\"type\":\"boolean\"},\"d\":{\"type\":\"string\",\"maxLength\":100},"
    "\"e\":{\"type\":\"number\"},\"f\":{\"enum\":[\"x\",\"y\",\"z\"]},\"g\":{\"type\":\"string\"},"
    "\"h\":{\"type\":\"integer\"},\"i\":{\"type\":\"string\"},\"j\":{\"type\":\"boolean\"}},"
    "\"additionalProperties\":false}";

static const char FLAT[] =
    "{\"a\":\"something\",\"b\":12,\"c\":true,\"d\":\"a few words of text\",\"e\":1.5,\"f\":\"z\","
    "\"g\":\"more\",\"h\":-3,\"i\":\"and more\",\"j\":false}";

static int64_t cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void measure(const char *name, const char *schema_text, const char *text, unsigned rounds)
{
    static struct schema_report report;
    struct schema_fault fault;
    struct schema *schema = NULL;
    int64_t begun = cpu_ns();
    if (schema_compile(slice_of_text(schema_text), &schema, &fault) != OK) {
        (void)fprintf(stderr, "%s: %s\n", fault.pointer, fault.message);
        abort();
    }
    int64_t start = cpu_ns();
    json_t *value = json_loads(text, 0, NULL);
    for (unsigned i = 0; i < rounds; i++)
        if (!schema_check(schema, value, &report))
            abort();
    int64_t middle = cpu_ns();
    for (unsigned i = 0; i < rounds; i++)
        if (!schema_check_text(schema, slice_of_text(text), &report))
            abort();
    int64_t end = cpu_ns();
    printf("%-28s compile %7.1f us   check %7.0f ns   read and check %7.0f ns   (%zu bytes)\n",
           name, (double)(start - begun) / 1000, (double)(middle - start) / rounds,
           (double)(end - middle) / rounds, strlen(text));
    json_decref(value);
    schema_free(schema);
}

// How long a check takes that is ended by SCHEMA_STEPS_MAX: the longest that somebody can cause.
static void measure_end(const char *name, const char *schema_text, const char *item, size_t count)
{
    static struct schema_report report;
    struct schema_fault fault;
    struct schema *schema = NULL;
    size_t len = strlen(item);
    char *text = malloc(len * count + 3);
    if (text == NULL || schema_compile(slice_of_text(schema_text), &schema, &fault) != OK)
        abort();
    text[0] = item[len - 1] == ',' ? '[' : '"';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + i * len, item, len);
    size_t end = 1 + count * len - (text[0] == '[' ? 1 : 0);
    text[end] = text[0] == '[' ? ']' : '"';
    int64_t start = cpu_ns();
    bool ok = schema_check_text(schema, slice_of(text, end + 1), &report);
    printf("%-28s %s after %.1f ms, reading included\n", name,
           report.is_stopped ? "ended"
           : ok              ? "valid"
                             : "invalid",
           (double)(cpu_ns() - start) / 1e6);
    free(text);
    schema_free(schema);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
    measure("flat object, 10 properties", FLAT_SCHEMA, FLAT, rounds);
    measure("order, nested, a pattern", ORDER_SCHEMA, ORDER, rounds);
    measure_end("many items, many schemas",
                "{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"enum\":[2,3]},{}]}}", "1,", 500000);
    measure_end("nested quantifiers", "{\"pattern\":\"^(a+)+$\"}", "aaaaaaaaab", 1000);
    measure_end("a quadratic pattern", "{\"pattern\":\"[a-z]*[0-9]\"}", "a", 1000000);
    measure_end("references back", "{\"pattern\":\"(a*)*\\\\1[b-c]\"}", "a", 100000);
    measure_end("many patterns", "{\"items\":{\"pattern\":\"(a|b|ab)*c\"}}", "\"ababababab\",",
                70000);
    measure_end("equal items", "{\"uniqueItems\":true}", "[1,[2]],{\"a\":1},", 60000);
    measure_end("decimals", "{\"items\":{\"multipleOf\":1e-300}}", "1.23456789e300,", 60000);
    measure_end("names", "{\"items\":{\"propertyNames\":{\"minLength\":1}}}", "{\"a\":0,\"b\":0},",
                70000);
    measure_end("unevaluated",
                "{\"items\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/a\"}],"
                "\"unevaluatedProperties\":false},\"$defs\":{\"a\":{\"properties\":{\"a\":true,"
                "\"b\":true}}}}",
                "{\"a\":0,\"b\":0},", 70000);
    measure_end("lengths of a long text", "{\"allOf\":[{\"minLength\":1},{\"maxLength\":9}]}", "a",
                1000000);
    return 0;
}
