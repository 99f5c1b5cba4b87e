// The judge of results, against lists of what JSON is and is not.

#include "worker/core/jsontext.h"

#include "tests/support/test.h"

static bool is_valid(const char *text)
{
    return jsontext_is_valid(slice_of_text(text));
}

TEST(jsontext, valid_texts)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1.5e+10",
        "-12E-3",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[{},[],\"\"]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\"",
        "\n{\"a\"\t:\r1}\n",
        "[[[[1]]]]",
        "[null,true]",
        "\"\\u0000\"",
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT(is_valid(texts[i]));
}

TEST(jsontext, invalid_texts)
{
    static const char *const texts[] = {
        "",
        " ",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "1 2",
        "tru",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "'a'",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\x01\"",
        "\"\n\"",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
        "[]]",
        "{}{}",
        "//\n1",
        "1//",
        "\xef\xbb\xbf{}",
        "\"\\ud83d\\ud83d\"",
        "{\"a\"::1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT(!is_valid(texts[i]));
}

TEST(jsontext, depth_has_a_limit)
{
    char text[2 * JSONTEXT_DEPTH_MAX + 3];
    memset(text, '[', JSONTEXT_DEPTH_MAX);
    memset(text + JSONTEXT_DEPTH_MAX, ']', JSONTEXT_DEPTH_MAX);
    EXPECT(jsontext_is_valid(slice_of(text, 2 * JSONTEXT_DEPTH_MAX)));
    memset(text, '[', JSONTEXT_DEPTH_MAX + 1);
    memset(text + JSONTEXT_DEPTH_MAX + 1, ']', JSONTEXT_DEPTH_MAX + 1);
    EXPECT(!jsontext_is_valid(slice_of(text, 2 * JSONTEXT_DEPTH_MAX + 2)));
}

TEST(jsontext, a_zero_byte_is_not_the_end)
{
    EXPECT(!jsontext_is_valid(slice_of("1\0", 2)));
    EXPECT(!jsontext_is_valid(slice_of("[\0]", 3)));
    EXPECT(!jsontext_is_valid(slice_of("\"\\\0\"", 4)));
}

TEST(jsontext, members_are_given_as_written)
{
    struct jsontext_member members[4];
    uint32_t count = 0;
    struct slice text = slice_of_text(" {\"a\" : [1, {\"x\":2}] ,\"b\\n\":\"c\", \"\":-1.5 } ");
    EXPECT_EQ(jsontext_members(text, members, 4, &count), OK);
    EXPECT_EQ(count, 3);
    EXPECT(slice_is_text(members[0].name, "a") &&
           slice_is_text(members[0].value, "[1, {\"x\":2}]"));
    EXPECT(slice_is_text(members[1].name, "b\\n") && slice_is_text(members[1].value, "\"c\""));
    EXPECT(slice_is_text(members[2].name, "") && slice_is_text(members[2].value, "-1.5"));
    EXPECT_EQ(jsontext_members(slice_of_text("{}"), members, 4, &count), OK);
    EXPECT_EQ(count, 0);
}

TEST(jsontext, members_want_one_whole_object)
{
    struct jsontext_member members[2];
    uint32_t count = 7;
    static const char *const texts[] = {
        "", "[]", "1", "{", "{\"a\":1", "{\"a\":1} x", "{\"a\" 1}", "{\"a\":1,}", "{\"a\":tru}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT_EQ(jsontext_members(slice_of_text(texts[i]), members, 2, &count), ERR_MALFORMED);
    struct slice three = slice_of_text("{\"a\":1,\"b\":2,\"c\":3}");
    EXPECT_EQ(jsontext_members(three, members, 2, &count), ERR_FULL);
    EXPECT_EQ(count, 7);
}

static void expect_found(const char *text, const char *name, const char *value)
{
    struct slice found = slice_of_text("untouched");
    err e = jsontext_find(slice_of_text(text), slice_of_text(name), &found);
    EXPECT_EQ(e, value != NULL ? OK : ERR_NOT_FOUND);
    EXPECT(slice_is_text(found, value != NULL ? value : "untouched"));
}

TEST(jsontext, a_member_is_found_by_the_meaning_of_its_name)
{
    expect_found(" {\"a\" : [1, {\"b\":2}] ,\"b\":\"c\"}", "b", "\"c\"");
    expect_found("{\"gr\\u00f6\\u00dfe\":7}",
                 "gr\xc3\xb6\xc3\x9f"
                 "e",
                 "7");
    expect_found("{\"\\ud83d\\ude00\":7}", "\xf0\x9f\x98\x80", "7");
    expect_found("{\"a\\u0062\":1,\"ab\":2}", "ab", "1"); // the first one
    expect_found("{\"\":0}", "", "0");
    expect_found("{\"ab\":1}", "a", NULL);
    expect_found("{\"a\":1}", "ab", NULL);
    expect_found("{\"a\\u0000\":1}", "a", NULL);
    expect_found("{}", "a", NULL);
}

TEST(jsontext, a_member_is_found_among_any_number)
{
    static char text[64 * 1024];
    size_t len = 0;
    for (int i = 0; i < 5000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%c\"m%d\":%d", i == 0 ? '{' : ',',
                                i, i);
    text[len++] = '}';
    expect_found(text, "m4999", "4999");
    expect_found(text, "m5000", NULL);
}

TEST(jsontext, nothing_is_found_in_what_is_not_one_whole_object)
{
    static const char *const texts[] = {
        "",           "[]",          "1",         "{\"a\":1",           "{\"a\":1} x",
        "{\"a\":1,}", "{\"a\":1,2}", "{\"a\":1]", "{\"a\":1,\"b\":tru}"};
    struct slice found;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT_EQ(jsontext_find(slice_of_text(texts[i]), slice_of_text("a"), &found),
                  ERR_MALFORMED);
}

static void expect_meaning(const char *value, const char *meaning, size_t cap)
{
    uint8_t room[64];
    struct slice text;
    EXPECT_EQ(jsontext_string(slice_of_text(value), room, cap, &text), OK);
    EXPECT(slice_is_text(text, meaning));
}

TEST(jsontext, strings_are_decoded)
{
    expect_meaning("\"\"", "", 64);
    expect_meaning("\"a\\\"\\\\\\/\\n\\u00e9\\u20ac\\ud83d\\ude00\"",
                   "a\"\\/\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 64);
    expect_meaning("\"\xc3\xa9x\"", "\xc3\xa9x", 64);
}

TEST(jsontext, a_long_string_is_cut_after_a_whole_character)
{
    expect_meaning("\"abc\"", "ab", 2);
    expect_meaning("\"a\xc3\xa9\"", "a", 2);
    expect_meaning("\"a\\u00e9\"", "a", 2);
}

TEST(jsontext, only_strings_are_strings)
{
    uint8_t room[8];
    struct slice text;
    EXPECT_EQ(jsontext_string(slice_of_text("12"), room, sizeof room, &text), ERR_BAD_FIELD);
    EXPECT_EQ(jsontext_string(slice_of_text(""), room, sizeof room, &text), ERR_BAD_FIELD);
    EXPECT_EQ(jsontext_string(slice_of_text("[\"\"]"), room, sizeof room, &text), ERR_BAD_FIELD);
}

TEST(jsontext, trim_takes_blanks_only)
{
    EXPECT(slice_is_text(jsontext_trim(slice_of_text(" \n\t1 2\r ")), "1 2"));
    EXPECT_EQ(jsontext_trim(slice_of_text("  ")).len, 0);
}

static void expect_ascii(const char *text, const char *expected)
{
    uint8_t room[64];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    jsontext_ascii(slice_of_text(text), &out);
    EXPECT(!out.full);
    EXPECT(slice_is_text(slice_of(room, out.len), expected));
}

TEST(jsontext, other_characters_are_escaped_in_ascii)
{
    expect_ascii("{\"a\":\"b\\n\x7f\"}", "{\"a\":\"b\\n\x7f\"}");
    expect_ascii("\"\xc2\x80\xc3\xa9\xdf\xbf\"", "\"\\u0080\\u00e9\\u07ff\"");
    expect_ascii("\"\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf\"", "\"\\u0800\\u20ac\\uffff\"");
    expect_ascii("\"\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"",
                 "\"\\ud800\\udc00\\ud83d\\ude00\\udbff\\udfff\"");
    expect_ascii("", "");
}
