// Bump allocation: alignment, the exact end, overflow.

#include "tests/support/test.h"

#include "lib/base/arena.h"

static _Alignas(16) uint8_t memory[256];

static struct arena arena_over(size_t cap)
{
    return (struct arena){.data = memory, .cap = cap};
}

TEST(arena, rooms_are_aligned_and_apart)
{
    struct arena arena = arena_over(sizeof memory);
    uint8_t *a = arena_take(&arena, 1);
    uint8_t *b = arena_take(&arena, 17);
    uint8_t *c = arena_take(&arena, 16);
    EXPECT(a == memory);
    EXPECT(b == memory + 16);
    EXPECT(c == memory + 48);
    EXPECT_EQ(arena.used, 64);
}

TEST(arena, fills_to_the_last_byte_and_no_further)
{
    struct arena arena = arena_over(100);
    EXPECT(arena_take(&arena, 100) != NULL);
    EXPECT(arena_take(&arena, 1) == NULL);
    arena_reset(&arena);
    EXPECT(arena_take(&arena, 101) == NULL);
    EXPECT_EQ(arena.used, 0);
    // The rest after rounding up is shorter than what is left by count.
    EXPECT(arena_take(&arena, 85) != NULL);
    EXPECT(arena_take(&arena, 4) != NULL);
    EXPECT(arena_take(&arena, 1) == NULL);
}

TEST(arena, refusal_changes_nothing)
{
    struct arena arena = arena_over(64);
    EXPECT(arena_take(&arena, 10) != NULL);
    EXPECT(arena_take(&arena, SIZE_MAX) == NULL);
    EXPECT(arena_take_array(&arena, SIZE_MAX, 2) == NULL);
    EXPECT(arena_take_array(&arena, SIZE_MAX / 2 + 1, 2) == NULL);
    EXPECT_EQ(arena.used, 10);
}

TEST(arena, arrays_are_zeroed_and_plain_rooms_are_not)
{
    memset(memory, 0xaa, sizeof memory);
    struct arena arena = arena_over(sizeof memory);
    const uint8_t *plain = arena_take(&arena, 8);
    const uint8_t *array = arena_take_array(&arena, 3, 8);
    EXPECT_EQ(plain[0], 0xaa);
    for (unsigned i = 0; i < 24; i++)
        EXPECT_EQ(array[i], 0);
    EXPECT_EQ(array[24], 0xaa);
}

TEST(arena, nothing_is_something_else_than_no_room)
{
    struct arena arena = arena_over(16);
    EXPECT(arena_take(&arena, 0) != NULL);
    EXPECT(arena_take_array(&arena, 0, 8) != NULL);
    EXPECT(arena_take(&arena, 16) != NULL);
}

TEST(arena, elements_of_no_size_are_a_bug)
{
    struct arena arena = arena_over(16);
    EXPECT_DIES((void)arena_take_array(&arena, 1, 0));
}
