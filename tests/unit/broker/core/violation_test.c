// The kinds of violations are an interface: slugs are unique, well formed, and tell what to do.

#include "broker/core/violation.h"

#include "tests/support/test.h"

TEST(violation, slugs_are_lower_case_words_and_unique)
{
    for (unsigned a = 0; a < VIOLATION_COUNT; a++) {
        const char *slug = violation_slug((enum violation)a);
        EXPECT_EQ(strspn(slug, "abcdefghijklmnopqrstuvwxyz-"), strlen(slug));
        for (unsigned b = 0; b < a; b++)
            EXPECT(strcmp(slug, violation_slug((enum violation)b)) != 0);
    }
}

TEST(violation, each_says_what_it_is_and_what_to_do)
{
    for (unsigned kind = 1; kind < VIOLATION_COUNT; kind++) {
        EXPECT(strlen(violation_text((enum violation)kind)) > 10);
        EXPECT(strlen(violation_fix((enum violation)kind)) > 10);
    }
    EXPECT_DIES(violation_slug(VIOLATION_COUNT));
    EXPECT_DIES(violation_text(VIOLATION_COUNT));
    EXPECT_DIES(violation_fix(VIOLATION_COUNT));
}

TEST(violation, a_list_counts_and_keeps_the_first)
{
    struct violation_list list = {0};
    struct id id = {{7}};
    violation_add(&list, VIOLATION_NONE, 1, NULL);
    EXPECT_EQ(violation_sum(&list), 0);
    violation_add(&list, VIOLATION_LEASE_LOST, 5, &id);
    violation_add(&list, VIOLATION_LEASE_LOST, 6, NULL);
    violation_add(&list, VIOLATION_LAW, 0, NULL);
    EXPECT_EQ(violation_sum(&list), 3);
    EXPECT_EQ(list.of[VIOLATION_LEASE_LOST].count, 2);
    EXPECT_EQ(list.of[VIOLATION_LEASE_LOST].no, 5);
    EXPECT(id_equal(&list.of[VIOLATION_LEASE_LOST].id, &id));
    EXPECT_DIES(violation_add(&list, VIOLATION_COUNT, 0, NULL));
}
