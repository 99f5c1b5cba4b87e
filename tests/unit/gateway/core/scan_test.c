// links: PkgConfig::jansson

// The strict JSON reader, by cases, by properties, and against jansson.

#include "gateway/core/scan.h"

#include "lib/base/prng.h"
#include "tests/support/oracle.h"
#include "tests/support/test.h"

enum { KEYS = 4096 };

static struct names_key keys[KEYS];

static struct scan scan_of(struct slice text)
{
    return (struct scan){.text = text, .keys = keys, .key_cap = KEYS};
}

static err whole(struct slice text)
{
    struct scan scan = scan_of(text);
    struct scan_value value;
    err e = scan_value(&scan, &value);
    if (e == OK && !scan_is_end(&scan))
        e = ERR_MALFORMED;
    EXPECT(scan.at <= text.len);
    return e;
}

static const char *const good[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "12.5",
    "1e5",
    "1E+5",
    "1.25e-3",
    "-0.0",
    "123456789012345678901234567890",
    "1e9999",
    "\"\"",
    "\"a\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u00e9\"",
    "\"\\ud83d\\ude00\"",
    "\"\xc3\xa9\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\x7f\"",
    "[]",
    "{}",
    "[1,2,3]",
    " [ 1 , 2 ] ",
    "{\"a\":1}",
    "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}",
    "\t\r\n{\"a\" : [ ] }\n",
    "[[[[]]]]",
    "{\"\":0}",
    "{\"a\":1,\"A\":2}",
    "\"\\u0000\"",
    "\"12345678901234567890123456789012\"",
};

static const char *const bad[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "tru",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "1.e1",
    "0x1",
    "NaN",
    "Infinity",
    "1 2",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u123g\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\ud800\"",
    "\"\\ud83dx\"",
    "\"\x01\"",
    "\"\n\"",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xe2\x82\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{1:2}",
    "[}",
    "{]",
    "[1}",
    "{\"a\":1]",
    "\xef\xbb\xbf{}",
    "// x\n1",
    "/**/1",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "[{\"x\":1,\"y\":2,\"x\":3}]",
    "{\"\\u00e9\":1,\"\xc3\xa9\":2}",
    "{\"a\":{\"b\":1,\"b\":1}}",
};

TEST(scan, good_texts_are_taken)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (whole(slice_of_text(good[i])) != OK)
            print_error("%s\n", good[i]);
        EXPECT_EQ(whole(slice_of_text(good[i])), OK);
    }
}

TEST(scan, bad_texts_are_refused)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (whole(slice_of_text(bad[i])) == OK)
            print_error("%s\n", bad[i]);
        EXPECT_EQ(whole(slice_of_text(bad[i])), ERR_MALFORMED);
    }
    EXPECT_EQ(whole(slice_of("\"a\0b\"", 5)), ERR_MALFORMED);
}

TEST(scan, no_part_of_a_text_is_taken_for_the_whole)
{
    static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e9\"],\"b\":{\"c\":null}}";
    for (size_t len = 0; len < sizeof text - 1; len++)
        EXPECT_EQ(whole(slice_of(text, len)), ERR_MALFORMED);
    EXPECT_EQ(whole(slice_of_text(text)), OK);
}

static err nested(unsigned depth)
{
    char text[512];
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return whole(slice_of(text, 2 * depth));
}

TEST(scan, depth_is_capped)
{
    EXPECT_EQ(nested(SCAN_DEPTH_MAX), OK);
    EXPECT_EQ(nested(SCAN_DEPTH_MAX + 1), ERR_TOO_LARGE);
}

// An object of `count` names, the last of which repeats the one at `twin` unless that is `count`.
static size_t many_names(char *room, size_t cap, unsigned count, unsigned twin)
{
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned name = i == count - 1 && twin < count ? twin : i;
        len += (size_t)snprintf(room + len, cap - len, "%s\"n%u\":0", i == 0 ? "{" : ",", name);
    }
    return len + (size_t)snprintf(room + len, cap - len, "}");
}

static err named(unsigned count, unsigned twin)
{
    static char room[(KEYS + 2) * 16];
    return whole(slice_of(room, many_names(room, sizeof room, count, twin)));
}

TEST(scan, doubled_names_are_found_among_few_and_many)
{
    for (unsigned count = 2; count < 40; count++) {
        EXPECT_EQ(named(count, count), OK);
        for (unsigned twin = 0; twin < count - 1; twin++)
            EXPECT_EQ(named(count, twin), ERR_MALFORMED);
    }
    EXPECT_EQ(named(KEYS, KEYS), OK);
    EXPECT_EQ(named(KEYS, 17), ERR_MALFORMED);
    EXPECT_EQ(named(KEYS + 1, KEYS + 1), ERR_TOO_LARGE);
}

TEST(scan, members_come_as_they_were_sent)
{
    struct scan scan = scan_of(
        slice_of_text(" {\"type\": \"a\\u0062\" , \"payload\":{ \"x\" : [1] }, \"n\":-1.50} x"));
    struct scan_member members[4];
    uint32_t count;
    EXPECT_EQ(scan_members(&scan, members, 4, &count), OK);
    EXPECT_EQ(count, 3);
    EXPECT(slice_is_text(members[0].name, "type"));
    EXPECT(slice_is_text(members[0].value.raw, "\"a\\u0062\""));
    EXPECT_EQ(members[0].value.kind, SCAN_STRING);
    EXPECT(slice_is_text(members[1].value.raw, "{ \"x\" : [1] }"));
    EXPECT_EQ(members[1].value.kind, SCAN_OBJECT);
    EXPECT(slice_is_text(members[2].value.raw, "-1.50"));
    EXPECT(!scan_is_end(&scan));
    uint8_t room[8];
    struct slice text;
    EXPECT_EQ(scan_decode(scan_inside(&members[0].value), room, sizeof room, &text), OK);
    EXPECT(slice_is_text(text, "ab"));
    EXPECT_EQ(scan_decode(scan_inside(&members[0].value), room, 1, &text), ERR_TOO_LARGE);
}

TEST(scan, members_are_those_of_an_object_and_not_too_many)
{
    struct scan_member members[2];
    uint32_t count;
    struct scan scan = scan_of(slice_of_text("[1]"));
    EXPECT_EQ(scan_members(&scan, members, 2, &count), ERR_BAD_FIELD);
    scan = scan_of(slice_of_text("{}"));
    EXPECT_EQ(scan_members(&scan, members, 2, &count), OK);
    EXPECT_EQ(count, 0);
    scan = scan_of(slice_of_text("{\"a\":1,\"b\":2,\"c\":3}"));
    EXPECT_EQ(scan_members(&scan, members, 2, &count), ERR_FULL);
}

TEST(scan, elements_come_one_by_one)
{
    struct scan scan = scan_of(slice_of_text("[1, {\"a\":2} ,[3]]"));
    static const char *const wanted[] = {"1", "{\"a\":2}", "[3]"};
    bool at_start = true;
    bool more = true;
    struct scan_value value;
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(scan_element(&scan, &at_start, &more, &value), OK);
        EXPECT(more && slice_is_text(value.raw, wanted[i]));
    }
    EXPECT_EQ(scan_element(&scan, &at_start, &more, &value), OK);
    EXPECT(!more && scan_is_end(&scan));
}

TEST(scan, broken_arrays_are_noticed)
{
    static const char *const texts[] = {"1", "[1 2]", "[1,]", "[1", "{}", "["};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct scan scan = scan_of(slice_of_text(texts[i]));
        bool at_start = true;
        bool more = true;
        struct scan_value value;
        err e = OK;
        while (e == OK && more)
            e = scan_element(&scan, &at_start, &more, &value);
        EXPECT_EQ(e, ERR_MALFORMED);
    }
}

// Changes single bytes of good texts at random and asks jansson for its opinion.
TEST(scan, jansson_agrees_about_damaged_texts)
{
    struct prng prng = prng_of(test_seed());
    static const char alphabet[] = "{}[]\",:\\u0019eE+-. \n\ttfnab\xc3\xa9\xed\xf0\x9f\x80";
    for (unsigned round = 0; round < 60000; round++) {
        char text[256];
        const char *from = good[prng_below(&prng, sizeof good / sizeof good[0])];
        size_t len = strlen(from);
        memcpy(text, from, len);
        for (uint64_t changes = prng_below(&prng, 4); changes > 0 && len > 0; changes--)
            text[prng_below(&prng, len)] = alphabet[prng_below(&prng, sizeof alphabet - 1)];
        EXPECT(oracle_agrees(slice_of(text, len), whole(slice_of(text, len))));
    }
}
