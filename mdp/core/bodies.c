// The few forms of MessagePack that are needed: arrays of binaries.

#include "mdp/core/bodies.h"

#include "lib/base/check.h"
#include "lib/base/utf8.h"

enum {
    BIN8 = 0xc4,
    BIN16 = 0xc5,
    BIN32 = 0xc6,
    FIXARRAY = 0x90,
    FIXARRAY_MAX = 15,
    ARRAY16 = 0xdc
};

size_t bodies_len(const struct slice *frames, uint32_t count)
{
    size_t len = 3;
    for (uint32_t i = 0; i < count; i++)
        len += 5 + frames[i].len;
    return len;
}

static void put_binary(struct bytes_out *out, struct slice frame)
{
    if (frame.len <= UINT8_MAX) {
        bytes_put_u8(out, BIN8);
        bytes_put_u8(out, (uint8_t)frame.len);
    } else if (frame.len <= UINT16_MAX) {
        bytes_put_u8(out, BIN16);
        bytes_put_u16(out, (uint16_t)frame.len);
    } else {
        bytes_put_u8(out, BIN32);
        bytes_put_u32(out, (uint32_t)frame.len);
    }
    bytes_put(out, frame.data, frame.len);
}

enum content bodies_pack(const struct slice *frames, uint32_t count, struct bytes_out *out)
{
    CHECK(count <= MDP_BODY_MAX);
    if (count == 0 || (count == 1 && frames[0].len == 0))
        return CONTENT_NONE;
    if (count == 1) {
        bytes_put(out, frames[0].data, frames[0].len);
        CHECK(!out->full);
        return utf8_valid_len(frames[0]) == frames[0].len ? CONTENT_TEXT : CONTENT_BYTES;
    }
    if (count <= FIXARRAY_MAX) {
        bytes_put_u8(out, (uint8_t)(FIXARRAY | count));
    } else {
        bytes_put_u8(out, ARRAY16);
        bytes_put_u16(out, (uint16_t)count);
    }
    for (uint32_t i = 0; i < count; i++)
        put_binary(out, frames[i]);
    CHECK(!out->full);
    return CONTENT_MSGPACK;
}

static struct slice get_binary(struct bytes_in *in)
{
    uint8_t form = bytes_get_u8(in);
    if (form == BIN8)
        return bytes_get(in, bytes_get_u8(in));
    if (form == BIN16)
        return bytes_get(in, bytes_get_u16(in));
    if (form == BIN32)
        return bytes_get(in, bytes_get_u32(in));
    in->bad = true;
    return slice_of(NULL, 0);
}

static uint32_t get_array(struct slice bytes, struct slice frames[MDP_BODY_MAX])
{
    struct bytes_in in = {.left = bytes};
    uint8_t form = bytes_get_u8(&in);
    uint32_t count = 0;
    if ((form & 0xf0) == FIXARRAY)
        count = form & 0x0f;
    else if (form == ARRAY16)
        count = bytes_get_u16(&in);
    if (count > MDP_BODY_MAX)
        return 0;
    for (uint32_t i = 0; i < count && !in.bad; i++)
        frames[i] = get_binary(&in);
    return bytes_is_whole(&in) ? count : 0;
}

uint32_t bodies_unpack(const struct body *body, struct slice frames[MDP_BODY_MAX])
{
    uint32_t count = body->content == CONTENT_MSGPACK ? get_array(body->bytes, frames) : 0;
    if (count > 0)
        return count;
    frames[0] = body->bytes;
    return 1;
}
