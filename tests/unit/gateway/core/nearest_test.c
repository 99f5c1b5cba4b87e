// The name that was probably meant.

#include "gateway/core/nearest.h"

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
}

TEST(nearest, strangers_are_not)
{
    EXPECT(near("") == NULL);
    EXPECT(near("colour") == NULL);
    EXPECT(near("x") == NULL);
    EXPECT(near("a-name-that-is-much-longer-than-any-known-one") == NULL);
}
