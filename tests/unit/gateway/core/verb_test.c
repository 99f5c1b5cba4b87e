#include "gateway/core/verb.h"
#include "tests/support/test.h"

static const struct verb verbs[] = {{"pause", 3}, {"resume", 4}, {0}};

static uint32_t split(const char *segment, struct slice *out_name)
{
    return verb_split(slice_of_text(segment), verbs, out_name);
}

TEST(verb, stands_behind_the_first_colon)
{
    struct slice name;
    EXPECT_EQ(split("mail:resume", &name), 4);
    EXPECT(slice_is_text(name, "mail"));
    EXPECT_EQ(split("mail:pause", &name), 3);
}

TEST(verb, is_one_of_those_that_are_known_to_the_letter)
{
    static const char *const wrong[] = {"mail:",      "mail:pauses", "mail:paus",
                                        "mail:PAUSE", "mail:pause:", "mail:to:pause"};
    struct slice name;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_EQ(split(wrong[i], &name), 0);
        EXPECT(slice_is_text(name, "mail"));
    }
}

TEST(verb, without_a_colon_there_is_no_name)
{
    struct slice name;
    EXPECT_EQ(split("mail", &name), 0);
    EXPECT(name.data == NULL);
    EXPECT_EQ(split("", &name), 0);
    EXPECT_EQ(split(":pause", &name), 3);
    EXPECT(name.data != NULL && name.len == 0);
}
