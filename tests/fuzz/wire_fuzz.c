// Frames from anybody. The input is two bytes of the envelope's length (little-endian), the
// envelope, and the block. What decodes must encode, and then be stable byte for byte; the
// promised arena must be enough; wire_corr() must find what the decoder found.
//
// links: weft_proto

#include "proto/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena_of(size_t cap)
{
    struct arena arena = {.data = malloc(cap), .cap = cap};
    CHECK(arena.data != NULL);
    return arena;
}

static struct wire_frames encode(const struct msg *msg, struct arena *arena)
{
    struct wire_frames frames;
    err e = wire_encode(msg, arena, &frames);
    CHECK(e == OK);
    return frames;
}

static void expect_stable(const struct msg *msg, size_t len)
{
    // Repaired texts keep their length and lists their count, so this is enough for both ways.
    struct arena arena = arena_of(8 * wire_arena_size(2 * len));
    struct wire_frames first = encode(msg, &arena);
    struct msg again;
    err e = wire_decode(first.envelope, first.block, &arena, &again);
    CHECK(e == OK);
    struct wire_frames second = encode(&again, &arena);
    CHECK(slice_equal(first.envelope, second.envelope));
    CHECK(slice_equal(first.block, second.block));
    free(arena.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t len = (size_t)data[0] | (size_t)data[1] << 8;
    if (len > size - 2)
        len = size - 2;
    struct slice envelope = slice_of(data + 2, len);
    struct slice block = slice_of(data + 2 + len, size - 2 - len);
    struct arena arena = arena_of(wire_arena_size(size - 2));
    struct msg msg;
    err e = wire_decode(envelope, block, &arena, &msg);
    uint64_t corr = wire_corr(envelope);
    CHECK(e == OK || e == ERR_MALFORMED || e == ERR_TOO_LARGE || e == ERR_UNSUPPORTED);
    if (e == OK) {
        CHECK(corr == msg.corr);
        expect_stable(&msg, size);
    }
    free(arena.data);
    return 0;
}
