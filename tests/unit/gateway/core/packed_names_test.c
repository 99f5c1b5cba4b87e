#include "gateway/core/packed.h"
#include "tests/support/test.h"

enum { KEYS = 4096 };
static struct names_key keys[KEYS];

#define BYTES(text) slice_of(text, sizeof(text) - 1)

static err judge(struct slice bytes, uint32_t cap)
{
    size_t len;
    EXPECT_EQ(packed_value(bytes, &len), OK);
    EXPECT_EQ(len, bytes.len);
    return packed_names(bytes, keys, cap);
}

TEST(packed_names, one_object_has_no_name_twice_at_any_depth)
{
    // {"a":{"b":1,"b":2}}; [{"a":1,"b":{"a":1},"a":2}]; the same name spelt with another length
    EXPECT_EQ(judge(BYTES("\x81\xa1\x61\x82\xa1\x62\x01\xa1\x62\x02"), KEYS), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\x91\x83\xa1\x61\x01\xa1\x62\x81\xa1\x61\x01\xa1\x61\x02"), KEYS),
              ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\x82\xa1\x61\x01\xd9\x01\x61\x02"), KEYS), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\x82\xa0\x01\xa0\x02"), KEYS), ERR_MALFORMED);
}

TEST(packed_names, different_objects_may_have_the_same)
{
    // {"a":{"a":{"a":1},"b":{"a":1}}}; [{"a":1},{"a":2}]; texts are no names
    EXPECT_EQ(
        judge(BYTES("\x81\xa1\x61\x82\xa1\x61\x81\xa1\x61\x01\xa1\x62\x81\xa1\x61\x01"), KEYS), OK);
    EXPECT_EQ(judge(BYTES("\x92\x81\xa1\x61\x01\x81\xa1\x61\x02"), KEYS), OK);
    EXPECT_EQ(judge(BYTES("\x82\xa1\x61\xa1\x61\xa1\x62\xa1\x61"), KEYS), OK);
    EXPECT_EQ(judge(BYTES("\x80"), 0), OK);
    EXPECT_EQ(judge(BYTES("\x07"), 0), OK);
}

TEST(packed_names, names_open_at_once_have_a_cap)
{
    // {"a":{"b":1}} has two at once, [{"a":1},{"b":1}] one
    EXPECT_EQ(judge(BYTES("\x81\xa1\x61\x81\xa1\x62\x01"), 2), OK);
    EXPECT_EQ(judge(BYTES("\x81\xa1\x61\x81\xa1\x62\x01"), 1), ERR_TOO_LARGE);
    EXPECT_EQ(judge(BYTES("\x92\x81\xa1\x61\x01\x81\xa1\x62\x01"), 1), OK);
}
