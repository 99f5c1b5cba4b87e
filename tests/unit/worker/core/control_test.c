// Words on descriptor 3.

#include "worker/core/control.h"

#include "tests/support/test.h"

static err parse(const char *line, struct control *out_control)
{
    return control_parse(slice_of_text(line), out_control);
}

TEST(control, progress_has_two_numbers_and_a_text)
{
    struct control control;
    EXPECT_EQ(parse("progress 40 100 row 40 of 100", &control), OK);
    EXPECT_EQ(control.kind, CONTROL_PROGRESS);
    EXPECT_EQ(control.done, 40);
    EXPECT_EQ(control.total, 100);
    EXPECT(slice_is_text(control.text, "row 40 of 100"));
    EXPECT_EQ(parse("progress 0 18446744073709551615", &control), OK);
    EXPECT(control.total == UINT64_MAX);
    EXPECT_EQ(control.text.len, 0);
}

TEST(control, blanks_do_not_matter)
{
    struct control control;
    EXPECT_EQ(parse(" progress  1\t2  a  b\r", &control), OK);
    EXPECT_EQ(control.done, 1);
    EXPECT(slice_is_text(control.text, "a  b"));
    EXPECT_EQ(parse("extend  90s ", &control), OK);
    EXPECT_EQ(control.extend_ms, 90000);
}

TEST(control, extend_has_a_span)
{
    struct control control;
    EXPECT_EQ(parse("extend 60s", &control), OK);
    EXPECT_EQ(control.kind, CONTROL_EXTEND);
    EXPECT_EQ(control.extend_ms, 60000);
    EXPECT_EQ(parse("extend 250ms", &control), OK);
    EXPECT_EQ(control.extend_ms, 250);
}

TEST(control, anything_else_is_malformed_and_changes_nothing)
{
    static const char *const lines[] = {
        "",
        "progress",
        "progress 1",
        "progress a 2",
        "progress -1 2",
        "progress 1 2\xff",
        "progress 18446744073709551616 1",
        "extend",
        "extend 60",
        "extend 60s 1",
        "extend s",
        "Progress 1 2",
        "progress1 2",
        "hello",
    };
    struct control control = {.done = 7};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        EXPECT_EQ(parse(lines[i], &control), ERR_MALFORMED);
    EXPECT_EQ(control.done, 7);
}

TEST(control, a_long_text_is_cut_after_a_whole_character)
{
    char line[512] = "progress 1 2 ";
    size_t start = strlen(line);
    memset(line + start, 'x', MSG_PROGRESS_TEXT_LEN_MAX - 1);
    memcpy(line + start + MSG_PROGRESS_TEXT_LEN_MAX - 1, "\xc3\xa9zz", 5);
    struct control control;
    EXPECT_EQ(parse(line, &control), OK);
    EXPECT_EQ(control.text.len, MSG_PROGRESS_TEXT_LEN_MAX - 1);
}

TEST(control, line_of_the_log_is_the_rest)
{
    struct control control;
    EXPECT_EQ(parse("log row 7  is odd\r", &control), OK);
    EXPECT_EQ(control.kind, CONTROL_LOG);
    EXPECT(slice_is_text(control.text, "row 7  is odd"));
    EXPECT_EQ(parse("log", &control), OK);
    EXPECT_EQ(control.text.len, 0);
}
