// Documents of both formats.

#include "gateway/core/doc.h"

#include "tests/support/test.h"

enum { KEYS = 256 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[4096];
static char fault[DOC_FAULT_LEN];

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static err parse(enum doc_format format, struct slice bytes, struct doc_members *members)
{
    static struct arena arena;
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault[0] = '\0';
    return doc_read((struct doc_value){format, bytes}, &room, members, fault);
}

static struct doc_value json(const char *text)
{
    return (struct doc_value){DOC_JSON, slice_of_text(text)};
}

TEST(doc, both_formats_look_alike)
{
    struct doc_members a;
    struct doc_members b;
    EXPECT_EQ(parse(DOC_JSON, slice_of_text("{\"ty\\u0070e\":\"x\",\"n\":7}"), &a), OK);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x82\xa4type\xa1x\xa1n\x07"), &b), OK);
    EXPECT_EQ(a.count, 2);
    EXPECT_EQ(b.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        int64_t number;
        struct slice text;
        struct doc_members *members = i == 0 ? &a : &b;
        struct arena arena = {.data = memory, .cap = sizeof memory};
        EXPECT(slice_is_text(b.items[i].name, i == 0 ? "type" : "n"));
        EXPECT_EQ(doc_text(members->items[0].value, &arena, &text), OK);
        EXPECT(slice_is_text(text, "x"));
        EXPECT_EQ(doc_integer(members->items[1].value, &number), OK);
        EXPECT_EQ(number, 7);
    }
}

TEST(doc, broken_documents_are_told_with_their_place)
{
    struct doc_members members;
    EXPECT_EQ(parse(DOC_JSON, slice_of_text("{\"a\":1,}"), &members), ERR_MALFORMED);
    EXPECT_STR(fault, "at byte 7: a name in double quotes is expected");
    EXPECT_EQ(parse(DOC_JSON, slice_of_text("{} x"), &members), ERR_MALFORMED);
    EXPECT_STR(fault, "at byte 3: more text follows the object");
    EXPECT_EQ(parse(DOC_JSON, slice_of_text("[]"), &members), ERR_BAD_FIELD);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x82\xa1x\x01\xa1x\x02"), &members), ERR_MALFORMED);
    EXPECT(strstr(fault, "twice") != NULL);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x81\xa1p\x82\xa1x\x01\xa1x\x02"), &members),
              ERR_MALFORMED);
    EXPECT(strstr(fault, "twice") != NULL);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x80\x80"), &members), ERR_MALFORMED);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x90"), &members), ERR_BAD_FIELD);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES("\x81\xa1x"), &members), ERR_MALFORMED);
    EXPECT_EQ(parse(DOC_MSGPACK, BYTES(""), &members), ERR_MALFORMED);
}

TEST(doc, too_many_members_are_refused)
{
    struct doc_members members;
    char text[1024] = "{";
    char packed[256] = "\xde\0\x21";
    size_t at = 3;
    for (int i = 0; i <= DOC_MEMBERS_MAX; i++) {
        (void)snprintf(text + strlen(text), 32, "%s\"n%02d\":0", i > 0 ? "," : "", i);
        at += (size_t)snprintf(packed + at, 8, "\xa3n%02d", i);
        packed[at++] = 0;
    }
    (void)snprintf(text + strlen(text), 2, "}");
    EXPECT_EQ(parse(DOC_JSON, slice_of_text(text), &members), ERR_BAD_FIELD);
    EXPECT_EQ(parse(DOC_MSGPACK, slice_of(packed, at), &members), ERR_BAD_FIELD);
}

TEST(doc, names_that_do_not_fit_the_arena_are_refused)
{
    static char text[8192];
    struct doc_members members;
    memset(text, 'a', sizeof text);
    memcpy(text, "{\"\\u0061", 8);
    memcpy(text + sizeof text - 5, "\":0}", 4);
    EXPECT_EQ(parse(DOC_JSON, slice_of(text, sizeof text - 1), &members), ERR_TOO_LARGE);
}

TEST(doc, integers_are_whole_and_in_range)
{
    static const char *const others[] = {"1.0", "1e2", "\"1\"", "null", "9999999999999999999",
                                         "[]"};
    int64_t number;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        EXPECT_EQ(doc_integer(json(others[i]), &number), ERR_BAD_FIELD);
    EXPECT_EQ(doc_integer(json("-12"), &number), OK);
    EXPECT_EQ(number, -12);
    struct doc_value packed = {DOC_MSGPACK, BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")};
    EXPECT_EQ(doc_integer(packed, &number), ERR_BAD_FIELD);
    packed.raw = BYTES("\xff");
    EXPECT_EQ(doc_integer(packed, &number), OK);
    EXPECT_EQ(number, -1);
}

TEST(doc, thousandths_are_exact)
{
    static const struct {
        const char *text;
        uint32_t milli;
    } rows[] = {{"2", 2000},      {"1.5", 1500}, {"1.125", 1125},
                {"1.1250", 1125}, {"0.001", 1},  {"1000000", 1000000000}};
    static const char *const others[] = {"1.1255", "-1",  "1e1", "1000001", "99999999999999999999",
                                         "\"2\"",  "true"};
    uint32_t milli;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EXPECT_EQ(doc_milli(json(rows[i].text), &milli), OK);
        EXPECT_EQ(milli, rows[i].milli);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        EXPECT_EQ(doc_milli(json(others[i]), &milli), ERR_BAD_FIELD);
    struct doc_value packed = {DOC_MSGPACK, BYTES("\xcb\x3f\xf1\x99\x99\x99\x99\x99\x9a")};
    EXPECT_EQ(doc_milli(packed, &milli), OK);
    EXPECT_EQ(milli, 1100);
    packed.raw = BYTES("\xcb\x7f\xf8\0\0\0\0\0\0");
    EXPECT_EQ(doc_milli(packed, &milli), ERR_BAD_FIELD);
    packed.raw = BYTES("\xff");
    EXPECT_EQ(doc_milli(packed, &milli), ERR_BAD_FIELD);
    packed.raw = BYTES("\x03");
    EXPECT_EQ(doc_milli(packed, &milli), OK);
    EXPECT_EQ(milli, 3000);
    packed.raw = BYTES("\xa1x");
    EXPECT_EQ(doc_milli(packed, &milli), ERR_BAD_FIELD);
}

TEST(doc, null_is_null_in_both)
{
    EXPECT(doc_is_null(json("null")));
    EXPECT(!doc_is_null(json("0")));
    EXPECT(doc_is_null((struct doc_value){DOC_MSGPACK, BYTES("\xc0")}));
}

TEST(doc, bools_are_true_or_false)
{
    static const struct {
        enum doc_format format;
        const char *bytes;
        bool is_bool, value;
    } rows[] = {{DOC_JSON, "true", true, true},       {DOC_JSON, "false", true, false},
                {DOC_JSON, "null", false, false},     {DOC_JSON, "1", false, false},
                {DOC_MSGPACK, "\xc3", true, true},    {DOC_MSGPACK, "\xc2", true, false},
                {DOC_MSGPACK, "\xc0", false, false},  {DOC_MSGPACK, "\x01", false, false},
                {DOC_JSON, "\"true\"", false, false}, {DOC_MSGPACK, "\xa1t", false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool value = !rows[i].value;
        struct doc_value given = {rows[i].format, slice_of_text(rows[i].bytes)};
        EXPECT_EQ(doc_bool(given, &value), rows[i].is_bool ? OK : ERR_BAD_FIELD);
        EXPECT_EQ(value, rows[i].is_bool ? rows[i].value : !rows[i].value);
    }
}
