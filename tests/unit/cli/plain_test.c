#include "cli/plain.h"
#include "tests/support/test.h"

#include <stdlib.h>

static const struct {
    const char *written;
    const char *shown;
} cases[] = {
    {"", ""},
    {"plain words", "plain words"},
    {"a\tb", "a\tb"},
    {"\033[2Jgone", "?[2Jgone"},
    {"one\r\ntwo\a", "one??two?"},
    {"\x7f", "?"},
    {"\xc2\x9b"
     "2J",
     "?2J"}, // CSI as one character
    {"\x9b"
     "2J",
     "?2J"},       // and as a lone byte
    {"\xc2", "?"}, // cut off
    {"\xc2\xa0", "\xc2\xa0"},
    {"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91",
     "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91"},
    {"\xff\xc3\xbc\xff\xff\033", "?\xc3\xbc???"},
    {"\xe2\x82z", "??z"},
};

TEST(plain, nothing_that_a_terminal_would_obey_is_left)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        plain_put(out, slice_of_text(cases[i].written));
        EXPECT_EQ(fclose(out), 0);
        EXPECT_STR(text, cases[i].shown);
        free(text);
        char copied[64];
        plain_copy(slice_of_text(cases[i].written), copied, sizeof copied);
        EXPECT_STR(copied, cases[i].shown);
    }
}

TEST(plain, a_copy_is_cut_between_two_characters)
{
    char copied[4];
    plain_copy(slice_of_text("ab\xe2\x82\xac"), copied, sizeof copied);
    EXPECT_STR(copied, "ab");
    plain_copy(slice_of_text("\xe2\x82\xacz"), copied, sizeof copied);
    EXPECT_STR(copied, "\xe2\x82\xac");
    plain_copy(slice_of_text("abcdef"), copied, sizeof copied);
    EXPECT_STR(copied, "abc");
    plain_copy(slice_of_text("abc"), copied, 1);
    EXPECT_STR(copied, "");
}

TEST(plain, a_nul_is_shown_too)
{
    char copied[8];
    plain_copy(slice_of("a\0b", 3), copied, sizeof copied);
    EXPECT_STR(copied, "a?b");
}
