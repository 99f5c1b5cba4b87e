// The writer, in both formats.

#include "gateway/core/out.h"

#include "tests/support/test.h"

static struct out out_over(uint8_t *room, size_t cap, enum out_format format)
{
    return (struct out){.data = room, .cap = cap, .format = format};
}

static void put_sample(struct out *out)
{
    out_open_object(out);
    out_put_text(out, "t", slice_of_text("a\"\\\n\x01z"));
    out_put_unsigned(out, "n", 7);
    out_name(out, slice_of_text("l"));
    out_open_array(out);
    out_bool(out, true);
    out_null(out);
    out_signed(out, -1);
    out_open_object(out);
    out_close(out);
    out_close(out);
    out_put_bool(out, "b", false);
    out_close(out);
}

TEST(out, json_is_separated_and_escaped)
{
    uint8_t room[256];
    struct out out = out_over(room, sizeof room, OUT_JSON);
    put_sample(&out);
    EXPECT(!out.full);
    EXPECT(slice_is_text(
        out_slice(&out),
        "{\"t\":\"a\\\"\\\\\\n\\u0001z\",\"n\":7,\"l\":[true,null,-1,{}],\"b\":false}"));
}

TEST(out, msgpack_counts_members)
{
    static const uint8_t wanted[] = {0xdf, 0,   0,    0,    4,    0xa1, 't',  0xa6, 'a',  '"', '\\',
                                     '\n', 1,   'z',  0xa1, 'n',  7,    0xa1, 'l',  0xdd, 0,   0,
                                     0,    4,   0xc3, 0xc0, 0xd3, 255,  255,  255,  255,  255, 255,
                                     255,  255, 0xdf, 0,    0,    0,    0,    0xa1, 'b',  0xc2};
    uint8_t room[256];
    struct out out = out_over(room, sizeof room, OUT_MSGPACK);
    put_sample(&out);
    EXPECT(slice_equal(out_slice(&out), slice_of(wanted, sizeof wanted)));
}

TEST(out, numbers_keep_all_their_digits)
{
    uint8_t room[128];
    struct out out = out_over(room, sizeof room, OUT_JSON);
    out_open_array(&out);
    out_unsigned(&out, 0);
    out_unsigned(&out, UINT64_MAX);
    out_signed(&out, INT64_MIN);
    out_close(&out);
    EXPECT(slice_is_text(out_slice(&out), "[0,18446744073709551615,-9223372036854775808]"));
    out = out_over(room, sizeof room, OUT_MSGPACK);
    out_unsigned(&out, 127);
    out_unsigned(&out, 128);
    out_unsigned(&out, (uint64_t)1 << 40);
    static const uint8_t wanted[] = {127, 0xce, 0, 0, 0, 128, 0xcf, 0, 0, 1, 0, 0, 0, 0, 0};
    EXPECT(slice_equal(out_slice(&out), slice_of(wanted, sizeof wanted)));
}

TEST(out, bytes_are_base64_in_json)
{
    static const char *const wanted[] = {"\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"",
                                         "\"Zm9vYg==\""};
    for (size_t len = 0; len < 5; len++) {
        uint8_t room[32];
        struct out out = out_over(room, sizeof room, OUT_JSON);
        out_bytes(&out, slice_of("foobar", len));
        EXPECT(slice_is_text(out_slice(&out), wanted[len]));
    }
    uint8_t room[32];
    struct out out = out_over(room, sizeof room, OUT_MSGPACK);
    out_bytes(&out, slice_of("\xff\x00", 2));
    EXPECT(slice_equal(out_slice(&out), slice_of("\xc6\0\0\0\x02\xff\0", 7)));
}

TEST(out, broken_text_is_repaired_and_keeps_its_length)
{
    uint8_t room[32];
    struct out out = out_over(room, sizeof room, OUT_JSON);
    out_text(&out, slice_of_text("\xc3\xa9\xff!"));
    EXPECT(slice_is_text(out_slice(&out), "\"\xc3\xa9?!\""));
    out = out_over(room, sizeof room, OUT_MSGPACK);
    out_text(&out, slice_of_text("\xff\xfe"));
    EXPECT(slice_is_text(out_slice(&out), "\xa2??"));
}

TEST(out, text_heads_have_the_shortest_form)
{
    static uint8_t room[70000];
    static char text[66000];
    static const struct {
        size_t len;
        uint8_t first;
        size_t head;
    } rows[] = {{31, 0xbf, 1},  {32, 0xd9, 2},    {255, 0xd9, 2},
                {256, 0xda, 3}, {65535, 0xda, 3}, {65536, 0xdb, 5}};
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct out out = out_over(room, sizeof room, OUT_MSGPACK);
        out_text(&out, slice_of(text, rows[i].len));
        EXPECT_EQ(room[0], rows[i].first);
        EXPECT_EQ(out.len, rows[i].head + rows[i].len);
    }
}

TEST(out, what_does_not_fit_is_noticed_and_nothing_is_written_beyond)
{
    uint8_t whole[256];
    for (int format = OUT_JSON; format <= OUT_MSGPACK; format++) {
        struct out full = out_over(whole, sizeof whole, (enum out_format)format);
        put_sample(&full);
        for (size_t cap = 0; cap < full.len; cap++) {
            uint8_t room[256];
            memset(room, 0xee, sizeof room);
            struct out out = out_over(room, cap, (enum out_format)format);
            put_sample(&out);
            EXPECT(out.full && out.len <= cap);
            EXPECT_EQ(room[cap], 0xee);
        }
    }
}

TEST(out, raw_values_stand_as_they_are)
{
    uint8_t room[32];
    struct out out = out_over(room, sizeof room, OUT_JSON);
    out_open_array(&out);
    out_raw(&out, slice_of_text("1.50"));
    out_raw(&out, slice_of_text("{ }"));
    out_close(&out);
    EXPECT(slice_is_text(out_slice(&out), "[1.50,{ }]"));
}

TEST(out, wrong_order_is_a_bug)
{
    uint8_t room[32];
    struct out out = out_over(room, sizeof room, OUT_JSON);
    EXPECT_DIES(out_close(&out));
    EXPECT_DIES(out_name(&out, slice_of_text("a")));
    out_open_object(&out);
    EXPECT_DIES(out_null(&out));
}
