// Sentences about fields.

#include "gateway/core/submit_fault.h"

#include "tests/support/test.h"

static struct submit_fault fault;
static const char *const names[] = {"max_attempts", "first"};
static const struct submit_names known = {names, 2};

TEST(submit_fault, a_sentence_names_the_field_and_the_rule)
{
    submit_fault_tell(&fault, "retry.", slice_of_text("first"), "must be more", NULL);
    EXPECT_STR(fault.detail, "retry.first must be more");
    submit_fault_tell(&fault, "", slice_of_text("a"), "is none", "b");
    EXPECT_STR(fault.detail, "a is none; did you mean b?");
}

TEST(submit_fault, a_stranger_is_told_the_nearest_or_all)
{
    submit_fault_unknown(&fault, "retry.", slice_of_text("frist"), "is no field", &known);
    EXPECT_STR(fault.detail, "retry.frist is no field; did you mean first?");
    submit_fault_unknown(&fault, "", slice_of_text("colour"), "is no field", &known);
    EXPECT_STR(fault.detail, "colour is no field; known: max_attempts, first");
}

TEST(submit_fault, names_are_cut_and_harmless_and_the_sentence_has_an_end)
{
    static const char *const wide[] = {"a-name-of-fifty-letters-that-somebody-has-made-up-x",
                                       "a-name-of-fifty-letters-that-somebody-has-made-up-y"};
    const char *many[16];
    uint8_t name[100];
    memset(name, 'x', sizeof name);
    name[3] = '\n';
    submit_fault_tell(&fault, "", slice_of(name, sizeof name), "no", NULL);
    EXPECT_EQ(strlen(fault.detail), 64 + strlen(" no"));
    EXPECT(memcmp(fault.detail, "xxx?xxx", 7) == 0);
    for (unsigned i = 0; i < 16; i++)
        many[i] = wide[i % 2];
    submit_fault_unknown(&fault, "", slice_of_text("colour"), "is no field",
                         &(struct submit_names){many, 16});
    EXPECT(strlen(fault.detail) < SUBMIT_DETAIL_LEN);
}
