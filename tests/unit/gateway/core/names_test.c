#include "gateway/core/names.h"
#include "tests/support/test.h"

// Names by number: equal numbers are equal names.
static int by_number(const void *ctx, struct names_key a, struct names_key b)
{
    const uint32_t *numbers = ctx;
    return numbers[a.at] < numbers[b.at] ? -1 : numbers[a.at] > numbers[b.at];
}

enum { COUNT = 1000 };

static bool has_double(const uint32_t numbers[COUNT], uint32_t hashes, uint32_t count)
{
    struct names_key keys[COUNT];
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (struct names_key){.hash = numbers[i] % hashes, .at = i};
    return names_has_double(&(struct names){by_number, numbers}, keys, count);
}

TEST(names, two_of_many_are_found_wherever_they_stand_and_whatever_they_hash_to)
{
    static const uint32_t hashes[] = {1, 3, 64, UINT32_MAX};
    uint32_t numbers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        numbers[i] = i * 7919 % 100003;
    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        EXPECT(!has_double(numbers, hashes[h], COUNT));
        for (uint32_t at = 1; at < COUNT; at += 37) {
            uint32_t kept = numbers[at];
            numbers[at] = numbers[at - 1];
            EXPECT(has_double(numbers, hashes[h], COUNT));
            numbers[at] = kept;
        }
    }
}

TEST(names, none_and_one_are_not_two)
{
    const uint32_t numbers[COUNT] = {5, 5};
    EXPECT(!has_double(numbers, 1, 0));
    EXPECT(!has_double(numbers, 1, 1));
    EXPECT(has_double(numbers, 1, 2));
}
