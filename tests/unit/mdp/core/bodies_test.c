// Bodies of many frames as payloads, and back.
// links: weft_base

#include "mdp/core/bodies.h"

#include "tests/support/test.h"

static uint8_t room[2 * 1024 * 1024];

static struct body pack(const struct slice *frames, uint32_t count)
{
    struct bytes_out out = {.data = room, .cap = bodies_len(frames, count)};
    enum content content = bodies_pack(frames, count, &out);
    return (struct body){.content = content, .bytes = slice_of(out.data, out.len)};
}

TEST(bodies, one_frame_is_itself)
{
    struct slice frames[MDP_BODY_MAX];
    const struct {
        struct slice frame;
        enum content content;
    } cases[] = {
        {slice_of_text("text"), CONTENT_TEXT},
        {slice_of("\xff\x00", 2), CONTENT_BYTES},
        {slice_of_text(""), CONTENT_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct body body = pack(&cases[i].frame, 1);
        EXPECT_EQ(body.content, cases[i].content);
        EXPECT(slice_equal(body.bytes, cases[i].frame));
        EXPECT_EQ(bodies_unpack(&body, frames), 1);
        EXPECT(slice_equal(frames[0], cases[i].frame));
    }
    EXPECT_EQ(pack(NULL, 0).content, CONTENT_NONE);
}

TEST(bodies, many_frames_are_an_array_of_binaries)
{
    const struct slice two[] = {slice_of_text("ab"), slice_of_text("")};
    const uint8_t golden[] = {0x92, 0xc4, 2, 'a', 'b', 0xc4, 0};
    struct body body = pack(two, 2);
    EXPECT_EQ(body.content, CONTENT_MSGPACK);
    EXPECT_EQ(body.bytes.len, sizeof golden);
    EXPECT_MEM(body.bytes.data, golden, sizeof golden);
}

TEST(bodies, all_counts_and_sizes_come_back)
{
    static uint8_t bytes[70000];
    const size_t lens[] = {0, 1, 255, 256, 65535, 65536, 70000};
    struct slice frames[MDP_BODY_MAX];
    struct slice back[MDP_BODY_MAX];
    for (size_t i = 0; i < MDP_BODY_MAX; i++)
        frames[i] = slice_of(bytes, lens[i % 4]);
    for (uint32_t count = 2; count <= MDP_BODY_MAX; count++) {
        struct body body = pack(frames, count);
        EXPECT_EQ(bodies_unpack(&body, back), count);
        for (uint32_t i = 0; i < count; i++)
            EXPECT(slice_equal(back[i], frames[i]));
    }
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        const struct slice two[] = {slice_of(bytes, lens[i]), slice_of(bytes, 3)};
        struct body body = pack(two, 2);
        EXPECT_EQ(bodies_unpack(&body, back), 2);
        EXPECT_EQ(back[0].len, lens[i]);
    }
}

TEST(bodies, whatever_else_is_one_frame)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x90", 1},         {"\x92\xc4\x01", 3}, {"\x91\xc4\x01x.", 5}, {"\x91\xa1x", 3},
        {"\xdc\x00\x31", 3}, {"\xdc\x00", 2},     {"\x01", 1},           {"", 0},
    };
    struct slice frames[MDP_BODY_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct body body = {CONTENT_MSGPACK, slice_of(cases[i].bytes, cases[i].len)};
        EXPECT_EQ(bodies_unpack(&body, frames), 1);
        EXPECT_EQ(frames[0].len, cases[i].len);
    }
    struct body text = {CONTENT_TEXT, slice_of("\x92\xc4\x00\xc4\x00", 5)};
    EXPECT_EQ(bodies_unpack(&text, frames), 1);
}
