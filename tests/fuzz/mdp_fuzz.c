// Frames of a Majordomo peer, and bodies as payloads. What is read is written in the words of the other
// direction, and what was packed comes back.

#include "lib/base/check.h"
#include "mdp/core/bodies.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Each frame has its length before it in one byte.
static uint32_t cut(const uint8_t *data, size_t size, struct slice frames[MDP_FRAMES_MAX + 2])
{
    uint32_t count = 0;
    for (size_t at = 0; at < size && count < MDP_FRAMES_MAX + 2; count++) {
        size_t len = data[at++];
        len = len < size - at ? len : size - at;
        frames[count] = slice_of(data + at, len);
        at += len;
    }
    return count;
}

static void read_frames(const struct slice *frames, uint32_t count)
{
    struct mdp_message message;
    struct mdp_frames written;
    if (mdp_read(frames, count, &message) != OK)
        return;
    CHECK(message.body_count <= MDP_BODY_MAX && message.body_count <= count);
    message.kind = message.kind == MDP_ASK     ? MDP_ANSWER
                   : message.kind == MDP_REPLY ? MDP_REQUEST
                                               : MDP_HEARTBEAT;
    if (message.kind == MDP_HEARTBEAT)
        message.body_count = 0;
    mdp_write(&message, &written);
    CHECK(written.count >= message.body_count);
}

static void pack_and_unpack(const struct slice *frames, uint32_t count)
{
    struct slice back[MDP_BODY_MAX];
    if (count == 0 || count > MDP_BODY_MAX)
        return;
    struct bytes_out out = {.cap = bodies_len(frames, count)};
    out.data = malloc(out.cap);
    CHECK(out.data != NULL);
    struct body body = {.content = bodies_pack(frames, count, &out)};
    body.bytes = slice_of(out.data, out.len);
    CHECK(bodies_unpack(&body, back) == count);
    for (uint32_t i = 0; i < count; i++)
        CHECK(slice_equal(back[i], frames[i]));
    free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice frames[MDP_FRAMES_MAX + 2] = {0};
    struct slice back[MDP_BODY_MAX];
    const struct body body = {.content = CONTENT_MSGPACK, .bytes = slice_of(data, size)};
    uint32_t count = cut(data, size, frames);
    read_frames(frames, count);
    pack_and_unpack(frames, count);
    CHECK(bodies_unpack(&body, back) >= 1);
    return 0;
}
