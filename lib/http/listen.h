#pragma once

// A listening TCP socket on one address.

#include "lib/base/err.h"

enum { LISTEN_TEXT_LEN = 80 };

struct listen_socket {
    int fd;
    char endpoint[LISTEN_TEXT_LEN]; // the address really bound: "127.0.0.1:41234"
    bool is_loopback;
};

// `endpoint` is ADDRESS:PORT, numeric or "localhost", IPv6 in brackets; port 0 takes a free one.
//   ERR_BAD_FIELD        not of that form
//   ERR_ADDRESS_IN_USE   the address is in use
//   ERR_SYSTEM           anything else; errno is kept
MUST_USE err listen_open(const char *endpoint, struct listen_socket *out_socket);
