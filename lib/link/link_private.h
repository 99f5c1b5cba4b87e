#pragma once

// Between the files of this folder: what a link is.

#include "lib/link/link.h"

#include <stdatomic.h>

struct link_context {
    void *zmq;
    atomic_uint monitor_count; // for their names
};

struct link {
    void *socket;
    void *monitor; // of a dealer: tells of connections; else NULL
    int fd;        // becomes readable when the socket has news
    int monitor_fd;
    enum link_kind kind;
    uint32_t connection_count;
    bool is_connected;
    err refusal;                     // of the last handshake
    uint32_t broken_handshake_count; // in a row
    uint32_t subscription_count;
    bool is_draining; // the rest of an over-long message is still waiting
};

// A socket of the context without any settings but LINGER 0. NULL: errno tells.
struct link *link_private_new(struct link_context *context, int socket_type);
// Takes in all that the monitor has told.
void link_private_hear(struct link *link);
// errno as an error.
err link_private_err(int number);
