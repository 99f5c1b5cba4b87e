// The table of names: numbers in order, each name under its own number, names that stay.

#include "broker/core/names.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static void *make(struct names *names, uint32_t cap)
{
    void *memory = calloc(1, names_size(cap));
    EXPECT(memory != NULL);
    names_init(names, memory, cap, test_seed());
    return memory;
}

static uint32_t find(const struct names *names, uint16_t scope, const char *name)
{
    return names_find(names, scope, slice_of_text(name));
}

TEST(names, numbers_are_given_in_order_and_found_again)
{
    enum { COUNT = 200 };
    struct names names;
    void *memory = make(&names, COUNT);
    struct prng prng = prng_of(test_seed());
    for (uint32_t i = 0; i < COUNT; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "n%u", i);
        EXPECT_EQ(find(&names, 0, text), NAMES_NONE);
        EXPECT(names_room(&names) > 0);
        EXPECT_EQ(names_add(&names, 0, slice_of_text(text)), i);
        uint32_t any = (uint32_t)prng_below(&prng, i + 1);
        (void)snprintf(text, sizeof text, "n%u", any);
        EXPECT_EQ(find(&names, 0, text), any);
    }
    EXPECT_EQ(names_room(&names), 0);
    EXPECT_DIES((void)names_add(&names, 0, slice_of_text("one more")));
    free(memory);
}

TEST(names, the_same_name_of_another_owner_is_another)
{
    struct names names;
    void *memory = make(&names, 4);
    EXPECT_EQ(names_add(&names, 1, slice_of_text("mail")), 0);
    EXPECT_EQ(find(&names, 2, "mail"), NAMES_NONE);
    EXPECT_EQ(names_add(&names, 2, slice_of_text("mail")), 1);
    EXPECT_EQ(find(&names, 1, "mail"), 0);
    EXPECT_EQ(names_scope(&names, 1), 2);
    EXPECT_DIES((void)names_scope(&names, 2));
    EXPECT_DIES((void)names_at(&names, 2));
    free(memory);
}

TEST(names, dropped_numbers_are_given_again_after_reuse)
{
    struct names names;
    void *memory = make(&names, 3);
    (void)names_add(&names, 0, slice_of_text("a"));
    (void)names_add(&names, 0, slice_of_text("b"));
    (void)names_add(&names, 0, slice_of_text("c"));
    names_drop(&names, 0);
    names_drop(&names, 1);
    EXPECT_DIES(names_drop(&names, 1));
    EXPECT_EQ(names_room(&names), 0);
    EXPECT_EQ(find(&names, 0, "a"), NAMES_NONE);
    EXPECT_EQ(find(&names, 0, "c"), 2);
    names_reuse(&names);
    EXPECT_EQ(names_room(&names), 2);
    EXPECT(names_add(&names, 0, slice_of_text("d")) < 2);
    EXPECT(names_add(&names, 0, slice_of_text("e")) < 2);
    EXPECT(find(&names, 0, "d") != find(&names, 0, "e"));
    EXPECT_EQ(names_room(&names), 0);
    free(memory);
}

// A look begins where the last one ended.
TEST(names, what_was_found_last_is_not_taken_for_another)
{
    struct names names;
    void *memory = make(&names, 3);
    (void)names_add(&names, 1, slice_of_text("mail"));
    (void)names_add(&names, 2, slice_of_text("mail"));
    (void)names_add(&names, 1, slice_of_text("mails"));
    for (unsigned round = 0; round < 2; round++) {
        EXPECT_EQ(find(&names, 1, "mail"), 0);
        EXPECT_EQ(find(&names, 2, "mail"), 1);
        EXPECT_EQ(find(&names, 1, "mails"), 2);
        EXPECT_EQ(find(&names, 1, "mail"), 0);
        EXPECT_EQ(find(&names, 1, "mai"), NAMES_NONE);
        EXPECT_EQ(find(&names, 1, ""), NAMES_NONE);
    }
    names_drop(&names, 0);
    EXPECT_EQ(find(&names, 1, "mail"), NAMES_NONE);
    names_reuse(&names);
    EXPECT_EQ(names_add(&names, 1, slice_of_text("post")), 0);
    EXPECT_EQ(find(&names, 1, "mail"), NAMES_NONE);
    EXPECT_EQ(find(&names, 1, "post"), 0);
    free(memory);
}

TEST(names, names_are_copied)
{
    struct names names;
    void *memory = make(&names, 1);
    char text[] = "mail";
    EXPECT_EQ(names_add(&names, 0, slice_of_text(text)), 0);
    text[0] = 'x';
    EXPECT(slice_is_text(names_at(&names, 0), "mail"));
    free(memory);
}

TEST(names, names_of_the_longest_and_no_other_length_fit)
{
    struct names names;
    void *memory = make(&names, 2);
    char text[MSG_NAME_LEN_MAX + 1];
    memset(text, 'n', sizeof text);
    struct slice longest = slice_of(text, MSG_NAME_LEN_MAX);
    EXPECT_EQ(names_add(&names, 0, longest), 0);
    EXPECT_EQ(names_find(&names, 0, longest), 0);
    EXPECT_DIES((void)names_add(&names, 0, slice_of(text, sizeof text)));
    EXPECT_DIES((void)names_add(&names, 0, (struct slice){0}));
    free(memory);
}
