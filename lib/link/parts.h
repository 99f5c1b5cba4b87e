#pragma once

// A ROUTER for protocols with messages of any number of frames, as Majordomo's. Shares the rules of
// lib/link/link.h. One thread owns one.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct parts_door;

enum { PARTS_MAX = 64 }; // frames of a message behind its sender's name

struct parts {
    struct slice items[PARTS_MAX];
    uint32_t count;
};

// Binds. `out_endpoint` gets the endpoint really bound, zero-terminated, `cap` bytes at most.
//   ERR_BAD_FIELD, ERR_ADDRESS_IN_USE, ERR_NO_MEMORY, ERR_SYSTEM
struct parts_text {
    char *out;
    size_t cap;
};
MUST_USE err parts_open(const char *endpoint, uint32_t frame_bytes_max,
                        const struct parts_text *endpoint_text, struct parts_door **out_door);
void parts_close(struct parts_door *door); // NULL is fine

// Takes one message without waiting; its slices live until the next call.
//   ERR_AGAIN       nothing is waiting
//   ERR_TOO_LARGE   a message of more frames was swallowed; `out_route` is set
MUST_USE err parts_receive(struct parts_door *door, struct slice *out_route,
                           struct parts *out_parts);

// Sends, all copied, without waiting.
//   ERR_NOT_FOUND   no such peer any more
//   ERR_AGAIN       the peer's queue is full; nothing was sent
MUST_USE err parts_send(struct parts_door *door, struct slice route, const struct parts *parts);

// To be waited for besides asking parts_is_ready(), because the descriptor tells only of news.
int parts_fd(const struct parts_door *door);
bool parts_is_ready(const struct parts_door *door);
