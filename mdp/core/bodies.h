#pragma once

// The frames of a Majordomo body as the payload or result of a job, and back. One frame is the bytes
// themselves, so that workers and clients of other doors understand them; several are a MessagePack
// array of binaries. Pure.

#include "lib/base/bytes.h"
#include "mdp/core/mdp.h"
#include "proto/msg.h"

// What bodies_pack() writes at most.
size_t bodies_len(const struct slice *frames, uint32_t count);
// The content of what was written; `out` has room.
enum content bodies_pack(const struct slice *frames, uint32_t count, struct bytes_out *out);

// Whatever is no array of at most MDP_BODY_MAX binaries is one frame. Borrows; gives the count.
uint32_t bodies_unpack(const struct body *body, struct slice frames[MDP_BODY_MAX]);
