#pragma once

// The messages of Majordomo, 0.1 (RFC 7) and 0.2 (RFC 18), as frames and as what they say. A frame
// that is not there is an error, never guessed. Pure.
//
//     client   0.1   [""] "MDPC01"        service body…        answer: the same
//              0.2   [""] "MDPC02" 01     service body…        answer: 02 (partial), 03 (final)
//     worker         [""] "MDPW01|02" command …
//
// The empty frame in front is what REQ sockets make; who sends it gets it back.

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
    MDP_FRAMES_MAX = 64,
    MDP_BODY_MAX = 48, // frames of a body; leaves room for all that stands before it
    MDP_SERVICE_LEN_MAX = 128,
};

enum mdp_kind {
    MDP_ASK,        // client: a request
    MDP_READY,      // worker: serves `service`
    MDP_REPLY,      // worker: the end of a request; 0.2 calls it FINAL
    MDP_PARTIAL,    // worker, 0.2
    MDP_HEARTBEAT,  // worker, both ways
    MDP_DISCONNECT, // worker, both ways
    MDP_REQUEST,    // to a worker
    MDP_ANSWER,     // to a client
    MDP_ANSWER_PARTIAL,
};

// How a peer speaks.
struct mdp_style {
    bool is_second; // 0.2
    bool has_delimiter;
};

struct mdp_message {
    enum mdp_kind kind;
    struct mdp_style style;
    struct slice service; // of MDP_ASK, MDP_READY, MDP_ANSWER…
    struct slice address; // of MDP_REPLY, MDP_PARTIAL, MDP_REQUEST: whose request it is
    const struct slice *body;
    uint32_t body_count; // at most MDP_BODY_MAX
};

struct mdp_frames {
    struct slice items[MDP_FRAMES_MAX];
    uint32_t count;
};

// From a peer, without its route. The body is borrowed from `frames`.
//   ERR_MALFORMED   not of the protocol
//   ERR_VERSION     of another version of it
//   ERR_TOO_LARGE   a body of more frames
MUST_USE err mdp_read(const struct slice *frames, uint32_t count, struct mdp_message *out_message);

// To a peer: MDP_REQUEST, MDP_ANSWER…, MDP_HEARTBEAT or MDP_DISCONNECT, in its style. Borrows.
void mdp_write(const struct mdp_message *message, struct mdp_frames *out_frames);
