#pragma once

// Frames to structs and back; with its wire_*.c the only place that knows protobuf-c. Pure but
// for that library. Not thread-safe per arena.

#include "lib/base/arena.h"
#include "proto/msg.h"

#define WIRE_VERSION "WEFT/1"

// Decodes and judges one message: enum ranges, lengths (MSG_*_MAX), parts within the block,
// id lengths, counts. Everything decoded borrows from `block` and `arena`. Unknown fields are
// skipped. Texts for people that are not UTF-8 are repaired (lib/base/utf8.h); names and keys that
// are not are refused. Semantic checks (names, priorities, required fields) are proto/check.h's.
//   ERR_MALFORMED     not a message, or parts outside the block or together longer than it
//   ERR_UNSUPPORTED   a kind of message that this version does not know
//   ERR_TOO_LARGE     a limit is passed, or no message within the limits would need so much arena
//   ERR_NO_MEMORY     the arena is too small
MUST_USE err wire_decode(struct slice envelope, struct slice block, struct arena *arena,
                         struct msg *out_msg);

// What was wrong with a message, in static words, for whoever wrote the peer that sent it.
struct wire_fault {
    const char *field; // as weft.proto calls it; NULL: the message as a whole
    const char *rule;  // what holds for it; NULL: nothing more is known
    uint32_t max;      // the number that `rule` begins with; 0: none
};

// As wire_decode(). `out_fault` is written whatever comes of it.
MUST_USE err wire_decode_or_say(struct slice envelope, struct slice block, struct arena *arena,
                                struct msg *out_msg, struct wire_fault *out_fault);

// The correlation number of a message that wire_decode() refused, as far as its bytes can be
// read; 0 when there is none. For the ERROR that answers it.
uint64_t wire_corr(struct slice envelope);

struct wire_frames {
    struct slice envelope;
    struct slice block;
};

// Both frames live in `arena`, as does everything made on the way. An arena of
// wire_arena_size(MSG_BYTES_MAX) is enough for every message. Counts above MSG_*_MAX are a bug of
// the caller; longer texts and bodies are the receiver's to refuse (proto/check.h says which).
//   ERR_TOO_LARGE   both frames together would pass MSG_BYTES_MAX: make two messages
//   ERR_NO_MEMORY   the arena is too small
MUST_USE err wire_encode(const struct msg *msg, struct arena *arena, struct wire_frames *out);

// Arena bytes that decoding a message within the limits, of `len` bytes in both frames, never
// passes. Only what is used is touched.
size_t wire_arena_size(size_t len);
