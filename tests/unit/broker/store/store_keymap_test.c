// The table of keys against a simple model.

#include "broker/store/store_keymap.h"
#include "lib/base/prng.h"
#include "tests/support/test.h"

enum { KEYS = 50000 };

static struct id id_of(uint64_t number)
{
    uint8_t hash[16];
    uint64_t high = prng_mix(number);
    uint64_t low = prng_mix(high);
    memcpy(hash, &high, 8);
    memcpy(hash + 8, &low, 8);
    return id_v8(1, hash);
}

static bool is_found(struct store_keymap *map, uint64_t number, uint64_t job_no)
{
    uint64_t found[STORE_KEYMAP_FOUND_MAX];
    struct id id = id_of(number);
    uint32_t count = store_keymap_find(map, &id, found);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i] == job_no)
            return true;
    }
    return false;
}

TEST(keymap, holds_what_was_added_and_not_dropped)
{
    static struct store_keymap map;
    static bool model[KEYS];
    memset(model, 0, sizeof model);
    store_keymap_init(&map, test_seed());
    struct prng prng = prng_of(test_seed());
    uint64_t count = 0;
    for (unsigned i = 0; i < 4 * KEYS; i++) {
        uint64_t number = prng_below(&prng, KEYS);
        struct id id = id_of(number);
        if (model[number])
            store_keymap_drop(&map, &id, number + 1);
        else
            EXPECT_EQ(store_keymap_add(&map, &id, number + 1), OK);
        model[number] = !model[number];
        count += model[number] ? 1 : (uint64_t)-1;
    }
    EXPECT_EQ(store_keymap_count(&map), count);
    for (uint64_t number = 0; number < KEYS; number++)
        EXPECT_EQ(is_found(&map, number, number + 1), model[number]);
    store_keymap_deinit(&map);
}

TEST(keymap, newest_of_several_comes_first)
{
    static struct store_keymap map;
    store_keymap_init(&map, 7);
    struct id id = id_of(1);
    for (uint64_t no = 1; no <= STORE_KEYMAP_FOUND_MAX + 3; no++)
        EXPECT_EQ(store_keymap_add(&map, &id, no % 2 == 0 ? no : 100 + no), OK);
    uint64_t found[STORE_KEYMAP_FOUND_MAX];
    EXPECT_EQ(store_keymap_find(&map, &id, found), STORE_KEYMAP_FOUND_MAX);
    EXPECT_EQ(found[0], 111);
    for (unsigned i = 1; i < STORE_KEYMAP_FOUND_MAX; i++)
        EXPECT(found[i] < found[i - 1]);
    store_keymap_deinit(&map);
}

TEST(keymap, unknown_and_empty_find_nothing)
{
    static struct store_keymap map;
    store_keymap_init(&map, 7);
    struct id id = id_of(1);
    uint64_t found[STORE_KEYMAP_FOUND_MAX];
    EXPECT_EQ(store_keymap_find(&map, &id, found), 0);
    store_keymap_drop(&map, &id, 1);
    EXPECT_EQ(store_keymap_count(&map), 0);
    store_keymap_deinit(&map);
}
