// Two short arrays' items are compared each with each, those of longer ones only where they have the
// same digest. Somebody who makes digests collide runs out of steps.

#include "lib/schema/schema_equal.h"

#include "lib/schema/schema_number.h"

#include <stdlib.h>

enum { EACH_WITH_EACH_MAX = 12, DEPTH_MAX = 512 };

struct digest {
    uint64_t value;
    size_t index;
};

static bool equal_at(json_t *a, json_t *b, struct budget *budget, unsigned depth);

static bool equal_strings(const json_t *a, const json_t *b, struct budget *budget)
{
    size_t len = json_string_length(a);
    return len == json_string_length(b) && budget_spend(budget, len / 64) &&
           memcmp(json_string_value(a), json_string_value(b), len) == 0;
}

static bool equal_arrays(json_t *a, json_t *b, struct budget *budget, unsigned depth)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!equal_at(json_array_get(a, i), json_array_get(b, i), budget, depth))
            return false;
    return true;
}

static bool equal_objects(json_t *a, json_t *b, struct budget *budget, unsigned depth)
{
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key;
    size_t len;
    json_t *value;
    json_object_keylen_foreach(a, key, len, value)
    {
        json_t *other = json_object_getn(b, key, len);
        if (other == NULL || !equal_at(value, other, budget, depth))
            return false;
    }
    return true;
}

static bool equal_at(json_t *a, json_t *b, struct budget *budget, unsigned depth)
{
    if (!budget_spend(budget, 1))
        return false;
    if (a == b)
        return true;
    if (depth == DEPTH_MAX) {
        budget->steps_left = 0;
        return false;
    }
    if (json_is_number(a) && json_is_number(b))
        return schema_number_compare(schema_number_of(a), schema_number_of(b)) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_string(a))
        return equal_strings(a, b, budget);
    if (json_is_array(a))
        return equal_arrays(a, b, budget, depth + 1);
    return !json_is_object(a) || equal_objects(a, b, budget, depth + 1);
}

bool schema_equal(json_t *a, json_t *b, struct budget *budget)
{
    return equal_at(a, b, budget, 0);
}

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * 0x9e3779b97f4a7c15u;
    return digest ^ digest >> 29;
}

static uint64_t digest_bytes(uint64_t digest, const char *bytes, size_t len)
{
    digest = mix(digest, len);
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        digest = mix(digest, word);
    }
    uint64_t word = 0;
    memcpy(&word, bytes, len);
    return mix(digest, word);
}

// Equal numbers are the same double, whatever is lost on the way there.
static uint64_t digest_number(const json_t *value)
{
    double real = json_number_value(value) + 0.0; // -0.0 becomes 0.0
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return mix(TYPE_NUMBER, bits);
}

static uint64_t digest_at(json_t *value, struct budget *budget, unsigned depth)
{
    if (!budget_spend(budget, 1))
        return 0;
    if (depth == DEPTH_MAX) {
        budget->steps_left = 0;
        return 0;
    }
    uint64_t digest = schema_type_of(value);
    if (json_is_number(value))
        return digest_number(value);
    if (json_is_string(value)) {
        (void)budget_spend(budget, json_string_length(value) / 64);
        return digest_bytes(digest, json_string_value(value), json_string_length(value));
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        digest = mix(digest, digest_at(json_array_get(value, i), budget, depth + 1));
    const char *key;
    size_t len;
    json_t *member;
    json_object_keylen_foreach(value, key, len, member)
    {
        uint64_t name = digest_bytes(TYPE_OBJECT, key, len);
        digest += mix(name, digest_at(member, budget, depth + 1));
    }
    return digest;
}

static int by_digest(const void *left, const void *right)
{
    const struct digest *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

// Compares those that stand one after the other with the same digest.
static int pair_among(json_t *array, const struct digest *digests, size_t count,
                      struct budget *budget, size_t out_pair[2])
{
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(array, digests[i].index);
        for (size_t j = i + 1; j < count && digests[j].value == digests[i].value; j++) {
            if (schema_equal(item, json_array_get(array, digests[j].index), budget)) {
                out_pair[0] = digests[i].index;
                out_pair[1] = digests[j].index;
                return 1;
            }
            if (budget->steps_left == 0)
                return -1;
        }
    }
    return 0;
}

int schema_equal_pair(json_t *array, struct budget *budget, size_t out_pair[2])
{
    size_t count = json_array_size(array);
    struct digest few[EACH_WITH_EACH_MAX];
    struct digest *digests = few;
    if (count > EACH_WITH_EACH_MAX) {
        digests = malloc(count * sizeof *digests);
        if (digests == NULL)
            return -1;
    }
    bool is_short = count <= EACH_WITH_EACH_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = is_short ? 0 : digest_at(json_array_get(array, i), budget, 0);
        digests[i] = (struct digest){value, i};
    }
    if (!is_short)
        qsort(digests, count, sizeof *digests, by_digest);
    int found = budget->steps_left == 0 ? -1 : pair_among(array, digests, count, budget, out_pair);
    if (digests != few)
        free(digests);
    return found;
}
