// Words: case, blanks, nothing at all.

#include "lib/base/word.h"

#include "tests/support/test.h"

TEST(word, only_ascii_letters_have_a_case)
{
    EXPECT_EQ(word_lower('A'), 'a');
    EXPECT_EQ(word_lower('Z'), 'z');
    EXPECT_EQ(word_lower('@'), '@');
    EXPECT_EQ(word_lower('['), '[');
    EXPECT_EQ(word_lower(0xc0), 0xc0);
}

TEST(word, case_does_not_matter_but_every_byte_does)
{
    EXPECT(word_is(slice_of_text("Content-LENGTH"), "content-length"));
    EXPECT(!word_is(slice_of_text("content-lengt"), "content-length"));
    EXPECT(!word_is(slice_of_text("content-lengthx"), "content-length"));
    EXPECT(word_is((struct slice){0}, ""));
}

TEST(word, blanks_are_cut_on_both_sides_only)
{
    EXPECT(slice_is_text(word_trim(slice_of_text(" \t a b\t ")), "a b"));
    EXPECT_EQ(word_trim(slice_of_text(" \t ")).len, 0);
    EXPECT_EQ(word_trim((struct slice){0}).len, 0);
}
