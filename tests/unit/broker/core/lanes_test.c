// The table of lanes: numbers in order, names that stay.

#include "broker/core/lanes.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static void *make(struct lanes *lanes, uint32_t cap)
{
    void *memory = calloc(1, lanes_size(cap));
    EXPECT(memory != NULL);
    lanes_init(lanes, memory, cap, test_seed());
    return memory;
}

static uint32_t find(const struct lanes *lanes, const char *queue, const char *type)
{
    return lanes_find(lanes, slice_of_text(queue), slice_of_text(type));
}

static uint32_t add(struct lanes *lanes, const char *queue, const char *type)
{
    return lanes_add(lanes, slice_of_text(queue), slice_of_text(type));
}

TEST(lanes, numbers_are_given_in_order_and_found_again)
{
    enum { COUNT = 200 };
    struct lanes lanes;
    void *memory = make(&lanes, COUNT);
    struct prng prng = prng_of(test_seed());
    for (uint32_t i = 0; i < COUNT; i++) {
        char queue[24];
        (void)snprintf(queue, sizeof queue, "q%u", i);
        EXPECT_EQ(find(&lanes, queue, "t"), LANES_NONE);
        EXPECT(lanes_has_room(&lanes));
        EXPECT_EQ(add(&lanes, queue, "t"), i);
        uint32_t any = (uint32_t)prng_below(&prng, i + 1);
        (void)snprintf(queue, sizeof queue, "q%u", any);
        EXPECT_EQ(find(&lanes, queue, "t"), any);
    }
    EXPECT(!lanes_has_room(&lanes));
    EXPECT_DIES((void)add(&lanes, "one", "more"));
    free(memory);
}

TEST(lanes, queue_and_type_are_not_one_text)
{
    struct lanes lanes;
    void *memory = make(&lanes, 4);
    uint32_t first = add(&lanes, "ab", "c");
    EXPECT_EQ(find(&lanes, "a", "bc"), LANES_NONE);
    EXPECT(add(&lanes, "a", "bc") != first);
    EXPECT_EQ(find(&lanes, "ab", "c"), first);
    struct lane_row row = lanes_row(&lanes, first);
    EXPECT(slice_is_text(row.queue, "ab") && slice_is_text(row.type, "c"));
    EXPECT_DIES((void)lanes_row(&lanes, 2));
    free(memory);
}

TEST(lanes, names_are_copied)
{
    struct lanes lanes;
    void *memory = make(&lanes, 1);
    char name[] = "mail";
    EXPECT_EQ(add(&lanes, name, name), 0);
    name[0] = 'x';
    EXPECT_EQ(find(&lanes, "mail", "mail"), 0);
    free(memory);
}

TEST(lanes, names_of_the_longest_and_no_other_length_fit)
{
    struct lanes lanes;
    void *memory = make(&lanes, 2);
    char name[MSG_NAME_LEN_MAX + 1];
    memset(name, 'n', sizeof name);
    struct slice longest = slice_of(name, MSG_NAME_LEN_MAX);
    struct slice longer = slice_of(name, sizeof name);
    EXPECT_EQ(lanes_add(&lanes, longest, longest), 0);
    EXPECT_EQ(lanes_find(&lanes, longest, longest), 0);
    EXPECT_DIES((void)lanes_add(&lanes, longer, longest));
    EXPECT_DIES((void)lanes_add(&lanes, longest, (struct slice){0}));
    free(memory);
}

static err load(struct lanes *lanes, uint16_t no, struct slice queue, struct slice type)
{
    return lanes_load(lanes, &(struct lane_row){.no = no, .queue = queue, .type = type});
}

TEST(lanes, loading_refuses_what_was_never_written)
{
    struct lanes lanes;
    void *memory = make(&lanes, 2);
    struct slice name = slice_of_text("a");
    char text[MSG_NAME_LEN_MAX + 1] = {0};
    struct slice longer = slice_of(text, sizeof text);
    struct slice empty = {0};
    EXPECT_EQ(load(&lanes, 1, name, name), ERR_DAMAGED); // 0 is missing
    EXPECT_EQ(load(&lanes, 0, empty, name), ERR_DAMAGED);
    EXPECT_EQ(load(&lanes, 0, name, empty), ERR_DAMAGED);
    EXPECT_EQ(load(&lanes, 0, longer, name), ERR_DAMAGED);
    EXPECT_EQ(load(&lanes, 0, name, longer), ERR_DAMAGED);
    EXPECT_EQ(lanes.count, 0);
    EXPECT_EQ(load(&lanes, 0, name, name), OK);
    EXPECT_EQ(load(&lanes, 0, name, name), ERR_DAMAGED);
    EXPECT_EQ(load(&lanes, 1, name, slice_of_text("b")), OK);
    EXPECT_EQ(load(&lanes, 2, name, slice_of_text("c")), ERR_FULL);
    EXPECT_EQ(find(&lanes, "a", "b"), 1);
    free(memory);
}
