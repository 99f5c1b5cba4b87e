// links: PkgConfig::msgpack

// The pre-scan of MessagePack, by cases and against msgpack-c.

#include "gateway/core/packed.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <msgpack.h>

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static err judge(struct slice bytes)
{
    size_t len = 0;
    err e = packed_value(bytes, &len);
    if (e == OK)
        EXPECT(len <= bytes.len);
    return e == OK && len != bytes.len ? ERR_CONFLICT : e;
}

TEST(packed, every_form_is_known)
{
    const struct slice rows[] = {
        BYTES("\xc0"),
        BYTES("\xc2"),
        BYTES("\xc3"),
        BYTES("\x00"),
        BYTES("\x7f"),
        BYTES("\xff"),
        BYTES("\xe0"),
        BYTES("\xcc\xff"),
        BYTES("\xcd\xff\xff"),
        BYTES("\xce\0\0\0\0"),
        BYTES("\xcf\0\0\0\0\0\0\0\0"),
        BYTES("\xd0\x80"),
        BYTES("\xd1\x80\0"),
        BYTES("\xd2\x80\0\0\0"),
        BYTES("\xd3\x80\0\0\0\0\0\0\0"),
        BYTES("\xca\0\0\0\0"),
        BYTES("\xcb\0\0\0\0\0\0\0\0"),
        BYTES("\xa1x"),
        BYTES("\xd9\x01x"),
        BYTES("\xda\0\x01x"),
        BYTES("\xdb\0\0\0\x01x"),
        BYTES("\xc4\x01\xff"),
        BYTES("\xc5\0\x01\xff"),
        BYTES("\xc6\0\0\0\x01\xff"),
        BYTES("\x90"),
        BYTES("\x92\x01\x02"),
        BYTES("\xdc\0\x01\x01"),
        BYTES("\xdd\0\0\0\x01\x01"),
        BYTES("\x80"),
        BYTES("\x81\xa1x\x01"),
        BYTES("\xde\0\x01\xa1x\x01"),
        BYTES("\xdf\0\0\0\x01\xa1x\x01"),
        BYTES("\xd4\x01\x02"),
        BYTES("\xd8\x01zzzzzzzzzzzzzzzz"),
        BYTES("\xc7\x01\x05z"),
        BYTES("\xc8\0\x01\x05z"),
        BYTES("\xc9\0\0\0\x01\x05z"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EXPECT_EQ(judge(rows[i]), OK);
        for (size_t len = 0; len < rows[i].len; len++)
            EXPECT_EQ(judge(slice_of(rows[i].data, len)), ERR_MALFORMED);
    }
}

TEST(packed, claims_beyond_the_bytes_are_refused)
{
    EXPECT_EQ(judge(BYTES("\xdd\xff\xff\xff\xff")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xdf\xff\xff\xff\xff\xa1x")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xdb\xff\xff\xff\xffx")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xc6\xff\xff\xff\xff")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xc9\xff\xff\xff\xff\x01")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xc1")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\x81\x01\x01")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xa1\xff")), ERR_MALFORMED);
    EXPECT_EQ(judge(BYTES("\xc0\xc0")), ERR_CONFLICT);
}

TEST(packed, depth_and_items_are_capped)
{
    static uint8_t room[PACKED_ITEMS_MAX + 8];
    memset(room, 0x91, sizeof room);
    room[PACKED_DEPTH_MAX] = 0xc0;
    EXPECT_EQ(judge(slice_of(room, PACKED_DEPTH_MAX + 1)), OK);
    room[PACKED_DEPTH_MAX] = 0x91;
    room[PACKED_DEPTH_MAX + 1] = 0xc0;
    EXPECT_EQ(judge(slice_of(room, PACKED_DEPTH_MAX + 2)), ERR_TOO_LARGE);
    memset(room, 0xc0, sizeof room);
    memcpy(room, "\xdd\0\x10\0\0", 5);
    EXPECT_EQ(judge(slice_of(room, PACKED_ITEMS_MAX + 5)), ERR_TOO_LARGE);
    memcpy(room, "\xdd\0\x0f\xff\xff", 5);
    EXPECT_EQ(judge(slice_of(room, PACKED_ITEMS_MAX + 4)), OK);
}

TEST(packed, numbers_have_their_value_and_sign)
{
    struct packed_head head;
    EXPECT_EQ(packed_head(BYTES("\xd1\xff\xfe"), &head), OK);
    EXPECT(head.is_negative && (int64_t)head.number == -2);
    EXPECT_EQ(packed_head(BYTES("\xe0"), &head), OK);
    EXPECT_EQ((int64_t)head.number, -32);
    EXPECT_EQ(packed_head(BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), &head), OK);
    EXPECT(!head.is_negative && head.number == UINT64_MAX);
    EXPECT_EQ(packed_head(BYTES("\xca\x3f\xc0\0\0"), &head), OK);
    double number;
    memcpy(&number, &head.number, sizeof number);
    EXPECT(head.kind == PACKED_FLOAT && number > 1.49 && number < 1.51);
}

// What the pre-scan takes, the library takes too, to the same byte.
TEST(packed, the_library_unpacks_what_passed)
{
    struct prng prng = prng_of(test_seed());
    unsigned taken = 0;
    for (unsigned round = 0; round < 60000; round++) {
        uint8_t bytes[24];
        size_t count = 1 + prng_below(&prng, sizeof bytes);
        for (size_t i = 0; i < count; i++)
            bytes[i] = prng_chance(&prng, 40) ? (uint8_t)(0x80 + prng_below(&prng, 4))
                                              : (uint8_t)prng_next(&prng);
        size_t len;
        if (packed_value(slice_of(bytes, count), &len) != OK)
            continue;
        taken++;
        msgpack_unpacked unpacked;
        size_t offset = 0;
        msgpack_unpacked_init(&unpacked);
        msgpack_unpack_return got =
            msgpack_unpack_next(&unpacked, (const char *)bytes, count, &offset);
        EXPECT(got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES);
        EXPECT_EQ(offset, len);
        msgpack_unpacked_destroy(&unpacked);
    }
    EXPECT(taken > 1000);
}
