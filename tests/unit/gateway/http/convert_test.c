// Values between the formats.

#include "gateway/http/convert.h"

#include "tests/support/test.h"

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static const char *to_json(struct slice packed)
{
    static char text[1024];
    static uint8_t room[1023];
    struct out out = {.data = room, .cap = sizeof room};
    err e = convert_msgpack(packed, &out);
    if (e != OK)
        return err_name(e);
    EXPECT(!out.full && slice_to_text(out_slice(&out), text, sizeof text));
    return text;
}

// There and back again.
static const char *around(const char *text)
{
    uint8_t room[1024];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_MSGPACK};
    err e = convert_json(slice_of_text(text), &out);
    return e == OK ? to_json(out_slice(&out)) : err_name(e);
}

TEST(convert, json_survives_the_way_there_and_back)
{
    static const char *const texts[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-1",
                                        "18446744073709551615",
                                        "-9223372036854775808",
                                        "1.5",
                                        "\"\"",
                                        "\"a\\n\\\"\\\\\"",
                                        "[]",
                                        "{}",
                                        "[1,[2,[3,{}]],{\"a\":{\"b\":[]}}]",
                                        "{\"a\":1,\"b\":\"\xc3\xa9\"}",
                                        "[\"a:b\",\"c,d\"]",
                                        "{\"x\":\"y\",\"z\":[true,null]}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT_STR(around(texts[i]), texts[i]);
    EXPECT_STR(around(" { \"a\" : [ 1 , 2 ] } "), "{\"a\":[1,2]}");
    EXPECT_STR(around("\"\\u00e9\\ud83d\\ude00\\/\""), "\"\xc3\xa9\xf0\x9f\x98\x80/\"");
    EXPECT_STR(around("{\"\\u0061\" :1}"), "{\"a\":1}");
}

TEST(convert, numbers_beyond_integers_become_floats)
{
    EXPECT_STR(around("18446744073709551616"), "1.8446744073709552e+19");
    EXPECT_STR(around("1e3"), "1000");
    EXPECT_STR(around("1e999"), "null");
    EXPECT_STR(around("100000000000000000000000000000000000000000000000000000000000000000000000"),
               "1e+71");
}

TEST(convert, what_is_broken_is_refused)
{
    EXPECT_STR(around("{"), "ERR_MALFORMED");
    EXPECT_STR(around(""), "ERR_MALFORMED");
    EXPECT_STR(around("{\"a\":1,\"a\":2}"), "ERR_MALFORMED");
    EXPECT_STR(to_json(BYTES("\xdd\xff\xff\xff\xff")), "ERR_MALFORMED");
    EXPECT_STR(to_json(BYTES("\xc0\xc0")), "ERR_MALFORMED");
    EXPECT_STR(to_json(BYTES("\xd4\x01\x02")), "ERR_MALFORMED");
}

TEST(convert, what_json_has_no_form_for)
{
    EXPECT_STR(to_json(BYTES("\xc4\x03"
                             "foo")),
               "\"Zm9v\"");
    EXPECT_STR(to_json(BYTES("\xcb\x7f\xf8\0\0\0\0\0\0")), "null");
    EXPECT_STR(to_json(BYTES("\xca\x3f\xc0\0\0")), "1.5");
}

TEST(convert, json_is_recognised)
{
    EXPECT(convert_is_json(slice_of_text("{\"a\":[1]}")));
    EXPECT(!convert_is_json(slice_of_text("{\"a\":[1]} x")));
    EXPECT(!convert_is_json(slice_of_text("")));
}
