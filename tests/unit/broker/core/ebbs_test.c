// How fast the jobs of tenants end.

#include "broker/core/ebbs.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { TENANT = 2 };

static struct ebbs made;

static struct ebbs *new_ebbs(void)
{
    free(made.items);
    void *memory = calloc(1, ebbs_size(4));
    EXPECT(memory != NULL);
    ebbs_init(&made, memory, 4);
    return &made;
}

TEST(ebbs, the_first_look_knows_nothing)
{
    struct ebbs *ebbs = new_ebbs();
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 70, 5000), 0);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 79, 5999), 0);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 80, 6000), 100);
    EXPECT_EQ(ebbs_look(ebbs, TENANT - 1, 80, 6000), 0);
}

TEST(ebbs, what_is_told_is_the_time_from_end_to_end)
{
    struct ebbs *ebbs = new_ebbs();
    (void)ebbs_look(ebbs, TENANT, 0, 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 4, 41000), 10000);
    // It is looked at as often as somebody asks, and counts once a second.
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 5, 41500), 10000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 5, 42000), 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 2005, 43000), 1);
}

TEST(ebbs, while_none_ends_it_takes_longer)
{
    struct ebbs *ebbs = new_ebbs();
    (void)ebbs_look(ebbs, TENANT, 0, 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 0, 3000), 2000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 0, 31000), 30000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 1, 41000), 40000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 1, 43000), 40000);
}

TEST(ebbs, what_was_long_ago_tells_nothing)
{
    struct ebbs *ebbs = new_ebbs();
    (void)ebbs_look(ebbs, TENANT, 0, 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 10, 11000), 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 20, 11000 + EBBS_GAP_MS + 1), 0);
}

TEST(ebbs, a_number_may_be_anothers)
{
    struct ebbs *ebbs = new_ebbs();
    (void)ebbs_look(ebbs, TENANT, 9, 1000);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 0, 2000), 0);
    EXPECT_EQ(ebbs_look(ebbs, TENANT, 2, 3000), 500);
}
