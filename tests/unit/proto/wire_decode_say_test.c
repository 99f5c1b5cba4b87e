// What is wrong with a message is named as weft.proto names it.

#include "tests/support/test.h"

#include "proto/wire.h"

#include <string.h>

enum { ROOM = 65536 };

static err say(struct slice envelope, struct wire_fault *out_fault)
{
    struct arena arena = {.data = test_calloc(1, ROOM), .cap = ROOM};
    struct msg msg;
    err e = wire_decode_or_say(envelope, (struct slice){0}, &arena, &msg, out_fault);
    test_free(arena.data);
    return e;
}

#define SAY(bytes, out_fault) say(slice_of((bytes), sizeof(bytes) - 1), (out_fault))

TEST(wire_decode_say, a_field_is_named_and_its_rule)
{
    const struct {
        const char *bytes;
        size_t len;
        const char *field;
        const char *rule;
    } rows[] = {
#define ROW(bytes, field, rule) {(bytes), sizeof(bytes) - 1, (field), (rule)}
        ROW("\x62\x05\x0a\x03"
            "abc",
            "job_id", "an id is 16 bytes as they are, not their text"),
        ROW("\x12\x07\x2a\x05\x0a\x03"
            "abc",
            "job_id", "an id is 16 bytes as they are, not their text"),
        ROW("\x12\x02\x08\x63", "role", "no value of its enum"),
        ROW("\x32\x03\x0a\x01\xff", "types", "not UTF-8"),
        ROW("\x22\x0a\x0a\x08\x2a\x06\x08\x05\x10\x05\x18\x01", "payload",
            "a part lies within the block, shares no bytes with another, and says what its bytes "
            "are"),
        ROW("\x8a\x01\x00\xe2\x03\x01\xff", "tenant", "not UTF-8"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_fault fault;
        EXPECT_EQ(say(slice_of(rows[i].bytes, rows[i].len), &fault), ERR_MALFORMED);
        EXPECT(fault.field != NULL);
        EXPECT_STR(fault.field, rows[i].field);
        EXPECT_STR(fault.rule, rows[i].rule);
        EXPECT_EQ(fault.max, 0);
    }
}

TEST(wire_decode_say, a_limit_is_told)
{
    uint8_t ready[3 + 130] = {0x32, 0x82, 0x01};
    for (unsigned i = 0; i < 65; i++)
        ready[3 + 2 * i] = 0x0a;
    struct wire_fault fault;
    EXPECT_EQ(say(slice_of(ready, sizeof ready), &fault), ERR_TOO_LARGE);
    EXPECT_STR(fault.field, "types");
    EXPECT_STR(fault.rule, "entries at most");
    EXPECT_EQ(fault.max, MSG_TYPES_MAX);

    uint8_t submit[9 + 129] = {0x22, 0x87, 0x01, 0x0a, 0x84, 0x01, 0x22, 0x81, 0x01};
    memset(submit + 9, 'a', 129);
    EXPECT_EQ(say(slice_of(submit, sizeof submit), &fault), ERR_TOO_LARGE);
    EXPECT_STR(fault.field, "type");
    EXPECT_STR(fault.rule, "bytes at most");
    EXPECT_EQ(fault.max, MSG_NAME_LEN_MAX);
}

TEST(wire_decode_say, what_is_no_message_is_said_to_be_none)
{
    struct wire_fault fault;
    EXPECT_EQ(SAY("\xff", &fault), ERR_MALFORMED);
    EXPECT(fault.field == NULL);
    EXPECT_STR(fault.rule, "frame 2 is no Envelope");
    EXPECT_EQ(SAY("\x08\x05", &fault), ERR_MALFORMED);
    EXPECT(fault.field == NULL);
    EXPECT_STR(fault.rule, "the Envelope has no message in it");
}

TEST(wire_decode_say, a_sound_message_has_no_fault)
{
    struct wire_fault fault = {.field = "left over", .rule = "left over", .max = 1};
    EXPECT_EQ(SAY("\x8a\x01\x00", &fault), OK);
    EXPECT(fault.field == NULL);
    EXPECT(fault.rule == NULL);
    EXPECT_EQ(SAY("\xc2\x3e\x00", &fault), ERR_UNSUPPORTED); // a kind that nobody knows
    EXPECT(fault.rule == NULL);
}
