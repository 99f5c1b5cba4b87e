// links: PkgConfig::jansson

// MessagePack is judged as the JSON it stands for, and refused where it stands for none.

#include "lib/schema/schema_private.h"

#include "tests/support/test.h"

#include <stdlib.h>

// The JSON of some bytes, or why there is none. Lives until the next call.
static const char *read_as(const void *bytes, size_t len)
{
    static char *text;
    const char *why = NULL;
    free(text);
    text = NULL;
    json_t *value = schema_packed_read(slice_of(bytes, len), &why);
    EXPECT((value == NULL) == (why != NULL));
    if (value == NULL)
        return why;
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(value);
    return text;
}

#define READ(bytes) read_as(bytes, sizeof(bytes) - 1)

TEST(packed, stands_for_json)
{
    EXPECT_STR(READ("\xc0"), "null");
    EXPECT_STR(READ("\x92\xc2\xc3"), "[false,true]");
    EXPECT_STR(READ("\x93\x00\x7f\xff"), "[0,127,-1]");
    EXPECT_STR(READ("\x92\xcc\xff\xcd\xff\xff"), "[255,65535]");
    EXPECT_STR(READ("\xce\xff\xff\xff\xff"), "4294967295");
    EXPECT_STR(READ("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807");
    EXPECT_STR(READ("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "1.84467440737096e19");
    EXPECT_STR(READ("\x92\xd0\x80\xd1\x80\x00"), "[-128,-32768]");
    EXPECT_STR(READ("\xd2\x80\x00\x00\x00"), "-2147483648");
    EXPECT_STR(READ("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808");
    EXPECT_STR(READ("\xca\x3f\xc0\x00\x00"), "1.5");
    EXPECT_STR(READ("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5");
    EXPECT_STR(READ("\xa2\xc3\xa9"), "\"\xc3\xa9\"");
    EXPECT_STR(READ("\x93\xd9\x01"
                    "a\xda\x00\x01"
                    "b\xdb\x00\x00\x00\x01"
                    "c"),
               "[\"a\",\"b\",\"c\"]");
    EXPECT_STR(READ("\xdc\x00\x01\xdd\x00\x00\x00\x01\x90"), "[[[]]]");
    EXPECT_STR(READ("\xde\x00\x01\xa1"
                    "a\xdf\x00\x00\x00\x01\xa0\x80"),
               "{\"a\":{\"\":{}}}");
}

TEST(packed, is_refused_where_it_stands_for_nothing)
{
    EXPECT_STR(READ(""), "it ends too early");
    EXPECT_STR(READ("\x92\x01"), "it ends too early");
    EXPECT_STR(READ("\xa3"
                    "ab"),
               "it ends too early");
    EXPECT_STR(READ("\xcf\x01"), "it ends too early");
    EXPECT_STR(READ("\xdd\xff\xff\xff\xff\x01"), "it ends too early");
    EXPECT_STR(READ("\xdd\x00"), "it ends too early");
    EXPECT_STR(READ("\x82\xa1"
                    "a\x01"),
               "it ends too early");
    EXPECT_STR(READ("\x01\x02"), "something follows it");
    EXPECT_STR(READ("\xa1\xff"), "a text is not UTF-8");
    EXPECT_STR(READ("\xc4\x01x"), "binary data and extensions have no form in JSON");
    EXPECT_STR(READ("\xd4\x01x"), "binary data and extensions have no form in JSON");
    EXPECT_STR(READ("\xc1"), "binary data and extensions have no form in JSON");
    EXPECT_STR(READ("\xca\x7f\x80\x00\x00"), "a number is not finite");
    EXPECT_STR(READ("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "a number is not finite");
    EXPECT_STR(READ("\x81\x01\x02"), "a name is not a text");
    EXPECT_STR(READ("\x82\xa1"
                    "a\x01\xa1"
                    "a\x02"),
               "a name has a zero, or is there twice");
    EXPECT_STR(READ("\x81\xa1\x00\x01"), "a name has a zero, or is there twice");
}

TEST(packed, is_bounded)
{
    static char bytes[SCHEMA_CONTAINERS_MAX + 16];
    memset(bytes, 0x91, SCHEMA_DEPTH_MAX);
    bytes[SCHEMA_DEPTH_MAX] = 1;
    EXPECT(read_as(bytes, SCHEMA_DEPTH_MAX + 1)[0] == '[');
    bytes[SCHEMA_DEPTH_MAX] = (char)0x91;
    bytes[SCHEMA_DEPTH_MAX + 1] = 1;
    EXPECT_STR(read_as(bytes, SCHEMA_DEPTH_MAX + 2), "it goes too deep (SCHEMA_DEPTH_MAX)");
    memset(bytes, 0x90, sizeof bytes);
    memcpy(bytes, "\xdd\x00\x00\xff\xff", 5);
    EXPECT(read_as(bytes, SCHEMA_CONTAINERS_MAX + 4)[0] == '[');
    memcpy(bytes, "\xdd\x00\x01\x00\x00", 5);
    EXPECT_STR(read_as(bytes, SCHEMA_CONTAINERS_MAX + 5),
               "too many arrays and objects (SCHEMA_CONTAINERS_MAX)");
}

TEST(packed, is_checked_like_json)
{
    static struct schema_report report;
    struct schema *schema = NULL;
    struct schema_fault fault;
    EXPECT_EQ(
        schema_compile(slice_of_text("{\"properties\":{\"a\":{\"minimum\":2}}}"), &schema, &fault),
        OK);
    EXPECT(schema_check_packed(schema,
                               slice_of("\x81\xa1"
                                        "a\x02",
                                        4),
                               &report));
    EXPECT(!schema_check_packed(schema,
                                slice_of("\x81\xa1"
                                         "a\x01",
                                         4),
                                &report));
    EXPECT_STR(report.violations[0].path, "/a");
    EXPECT_STR(report.violations[0].message, "expected a number of at least 2, found 1");
    EXPECT(!schema_check_packed(schema, slice_of("\xc1", 1), &report));
    EXPECT_STR(report.violations[0].message, "expected MessagePack that stands for JSON: binary "
                                             "data and extensions have no form in JSON");
    schema_free(schema);
}
