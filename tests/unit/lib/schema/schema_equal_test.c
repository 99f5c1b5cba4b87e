// links: PkgConfig::jansson

// Equality, and pairs among many, agree with each other; a budget ends both.

#include "lib/schema/schema_equal.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

static json_t *value_of(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    EXPECT(value != NULL);
    return value;
}

static bool are_equal(const char *left, const char *right)
{
    struct budget budget = {1000};
    json_t *a = value_of(left), *b = value_of(right);
    bool is_equal = schema_equal(a, b, &budget);
    EXPECT_EQ(schema_equal(b, a, &budget), is_equal);
    json_decref(a);
    json_decref(b);
    return is_equal;
}

TEST(equal, is_what_json_schema_means)
{
    EXPECT(are_equal("1", "1.0"));
    EXPECT(are_equal("0", "-0.0"));
    EXPECT(!are_equal("1", "true"));
    EXPECT(!are_equal("false", "0"));
    EXPECT(!are_equal("null", "false"));
    EXPECT(are_equal("\"a\\u0000b\"", "\"a\\u0000b\""));
    EXPECT(!are_equal("\"a\\u0000b\"", "\"a\\u0000c\""));
    EXPECT(are_equal("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}"));
    EXPECT(!are_equal("{\"a\":1}", "{\"b\":1}"));
    EXPECT(!are_equal("{\"a\":1}", "{\"a\":1,\"b\":1}"));
    EXPECT(!are_equal("[1,2]", "[2,1]"));
    EXPECT(!are_equal("[1]", "[1,2]"));
    EXPECT(!are_equal("[]", "{}"));
}

TEST(equal, ends_with_its_budget)
{
    struct budget budget = {3};
    json_t *a = value_of("[1,2,3,4]"), *b = value_of("[1,2,3,4]");
    EXPECT(!schema_equal(a, b, &budget));
    EXPECT_EQ(budget.steps_left, 0);
    size_t pair[2];
    budget = (struct budget){2};
    EXPECT_EQ(schema_equal_pair(a, &budget, pair), -1);
    json_decref(a);
    json_decref(b);
}

static json_t *any_value(struct prng *prng, unsigned depth)
{
    switch (prng_below(prng, depth == 0 ? 5 : 7)) {
    case 0: return json_null();
    case 1: return json_boolean(prng_below(prng, 2) == 0);
    case 2: return json_integer((json_int_t)prng_below(prng, 4));
    case 3: return json_real((double)prng_below(prng, 8) / 2);
    case 4: return json_string(prng_below(prng, 2) == 0 ? "a" : "a longer one");
    case 5: {
        json_t *array = json_array();
        for (uint64_t i = prng_below(prng, 3); i > 0; i--)
            (void)json_array_append_new(array, any_value(prng, depth - 1));
        return array;
    }
    default: {
        json_t *object = json_object();
        for (uint64_t i = prng_below(prng, 3); i > 0; i--)
            (void)json_object_set_new(object, prng_below(prng, 2) == 0 ? "x" : "y",
                                      any_value(prng, depth - 1));
        return object;
    }
    }
}

// Short arrays are searched each with each, long ones by digests: the same is found.
TEST(equal, finds_a_pair_wherever_there_is_one)
{
    struct prng prng = prng_of(test_seed());
    for (int round = 0; round < 3000; round++) {
        struct budget budget = {1000000};
        json_t *array = json_array();
        for (uint64_t i = prng_below(&prng, 30); i > 0; i--)
            (void)json_array_append_new(array, any_value(&prng, 2));
        bool is_there = false;
        for (size_t i = 0; i < json_array_size(array); i++)
            for (size_t j = i + 1; j < json_array_size(array); j++)
                is_there |=
                    schema_equal(json_array_get(array, i), json_array_get(array, j), &budget);
        size_t pair[2] = {0, 0};
        EXPECT_EQ(schema_equal_pair(array, &budget, pair), is_there ? 1 : 0);
        if (is_there)
            EXPECT(pair[0] != pair[1] && schema_equal(json_array_get(array, pair[0]),
                                                      json_array_get(array, pair[1]), &budget));
        json_decref(array);
    }
}
