// Names of tenants: kept for good, up to their number.

#include "broker/shell/tenants.h"
#include "tests/support/test.h"

TEST(tenants, a_name_is_kept_once_and_outlives_what_it_was_read_from)
{
    struct tenants *tenants = tenants_new(2, 7);
    char text[] = "acme";
    struct slice first = {0};
    struct slice again = {0};
    EXPECT_EQ(tenants_keep(tenants, slice_of_text(text), &first), OK);
    text[0] = 'x';
    EXPECT(slice_is_text(first, "acme"));
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("acme"), &again), OK);
    EXPECT(again.data == first.data);
    tenants_free(tenants);
}

TEST(tenants, the_default_one_is_the_empty_name_and_takes_no_place)
{
    struct tenants *tenants = tenants_new(1, 7);
    struct slice name = slice_of_text("x");
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("default"), &name), OK);
    EXPECT_EQ(name.len, 0);
    EXPECT_EQ(tenants_keep(tenants, (struct slice){0}, &name), OK);
    EXPECT_EQ(name.len, 0);
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("acme"), &name), OK);
    tenants_free(tenants);
}

TEST(tenants, a_full_table_refuses_new_names_only)
{
    struct tenants *tenants = tenants_new(2, 7);
    struct slice name = {0};
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("a"), &name), OK);
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("b"), &name), OK);
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("c"), &name), ERR_FULL);
    EXPECT(slice_is_text(name, "b"));
    EXPECT_EQ(tenants_keep(tenants, slice_of_text("a"), &name), OK);
    EXPECT(slice_is_text(name, "a"));
    tenants_free(tenants);
}
