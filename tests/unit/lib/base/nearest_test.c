// The name that was probably meant.

#include "lib/base/nearest.h"

#include "tests/support/test.h"

static const char *const names[] = {"type", "queue", "payload", "priority", "ttl"};

static const char *near(const char *name)
{
    return nearest_of(slice_of_text(name), names, sizeof names / sizeof names[0]);
}

TEST(nearest, slips_are_recognised)
{
    EXPECT_STR(near("typ"), "type");
    EXPECT_STR(near("pay_load"), "payload");
    EXPECT_STR(near("paylaod"), "payload");
    EXPECT_STR(near("proirity"), "priority");
    EXPECT_STR(near("queues"), "queue");
    EXPECT_STR(near("tt"), "ttl");
    EXPECT_STR(near("tpye"), "type"); // two letters that changed places are one slip
    EXPECT(near("tpey") == NULL);     // two slips in four letters are another word
}

TEST(nearest, the_rest_of_the_sentence_names_one_or_all)
{
    char text[64] = "";
    struct bytes_out out = {.data = (uint8_t *)text, .cap = sizeof text - 1};
    nearest_tell(&out, slice_of_text("typ"), names, 2);
    nearest_tell(&out, slice_of_text("colour"), names, 2);
    nearest_tell(&out, slice_of_text("colour"), names, 0);
    EXPECT_STR(text, "; did you mean type?; known: type, queue; there are none");
}

TEST(nearest, strangers_are_not)
{
    EXPECT(near("") == NULL);
    EXPECT(near("colour") == NULL);
    EXPECT(near("x") == NULL);
    EXPECT(near("a-name-that-is-much-longer-than-any-known-one") == NULL);
}
