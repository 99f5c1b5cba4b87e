#pragma once

// Frames to structs and back; the only place that knows protobuf-c. Pure but for that library.
// Not thread-safe per arena.

#include "lib/base/arena.h"
#include "proto/msg.h"

#define WIRE_VERSION "WEFT/1"

// Decodes and judges one message: enum ranges, lengths (MSG_*_MAX), parts within the block,
// id lengths, counts. Everything decoded borrows from `envelope`, `block` and `arena`.
// Semantic checks (names, priorities, required fields) are proto/check.h's.
//   ERR_MALFORMED   not a message, or a part outside the block
//   ERR_TOO_LARGE   a limit is passed
//   ERR_NO_MEMORY   the arena is too small
MUST_USE err wire_decode(struct slice envelope, struct slice block, struct arena *arena,
                         struct msg *out_msg);

struct wire_frames {
    struct slice envelope;
    struct slice block;
};

// Both frames live in `arena`.
//   ERR_NO_MEMORY   the arena is too small
MUST_USE err wire_encode(const struct msg *msg, struct arena *arena, struct wire_frames *out);

// Arena bytes that decoding a message of `len` bytes never passes.
size_t wire_arena_size(size_t len);
