// Fields of small messages by hand.

#include "tests/support/test.h"

#include "proto/field.h"

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static struct field get(struct slice bytes, bool is_good)
{
    struct bytes_in in = {.left = bytes};
    struct field field = field_get(&in);
    EXPECT_EQ(!in.bad, is_good);
    return field;
}

TEST(field, what_is_written_is_read)
{
    uint8_t room[64];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    field_put_number(&out, 3, 300);
    field_put_number(&out, 4, 0);
    field_put_text(&out, 5, (struct slice){0});
    field_put_text(&out, 6, slice_of_text("abc"));
    EXPECT_EQ(field_len(6, 3), 5);
    EXPECT_MEM(room, "\x18\xac\x02\x32\3abc", 8);
    EXPECT_EQ(out.len, 8);
    struct bytes_in in = {.left = slice_of(room, out.len)};
    struct field number = field_get(&in);
    struct field text = field_get(&in);
    EXPECT(!in.bad && in.left.len == 0);
    EXPECT(number.number == 3 && !number.is_bytes && number.value == 300);
    EXPECT(text.number == 6 && text.is_bytes && slice_is_text(text.bytes, "abc"));
}

TEST(field, anything_else_is_bad)
{
    EXPECT_EQ(get(BYTES("\x0a\1x"), true).number, 1);
    EXPECT_EQ(get(BYTES("\x0a\2x"), false).number, 0);      // cut off
    EXPECT_EQ(get(BYTES("\x0a"), false).number, 0);         // no length
    EXPECT_EQ(get(BYTES("\x08\x81\x00"), false).number, 0); // a needless group
    EXPECT_EQ(get(BYTES("\x0d\1\2\3\4"), false).number, 0); // another type
    EXPECT_EQ(get(BYTES("\x82\x02\1x"), false).number, 0);  // number 32
    EXPECT_EQ(get(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), false).number, 0);
    EXPECT_EQ(get(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), true).value, INT64_MAX);
}
