#pragma once

// ZAP (ZeroMQ RFC 27): who may come in by the doors of a context that speak CURVE. libzmq asks
// once for each connection and waits for the answer; the owner of the doors gives it. While there
// is no handler nobody gets in. One thread.

#include "lib/link/link.h"

enum { ZAP_DOMAIN_LEN_MAX = 31, ZAP_ADDRESS_LEN_MAX = 63, ZAP_ID_LEN_MAX = 31 };

struct zap_request {
    char key[LINK_KEY_LEN + 1]; // whose connection it is; it has proved that it has the secret
    char domain[ZAP_DOMAIN_LEN_MAX + 1];   // of which door (link_curve.domain)
    char address[ZAP_ADDRESS_LEN_MAX + 1]; // of the other side
    uint8_t id[ZAP_ID_LEN_MAX];
    size_t id_len;
};

// One of a context, before its doors. It is waited for as other links are, and closed by
// link_close().
//   ERR_ADDRESS_IN_USE   the context has one already
//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err zap_open(struct link_context *context, struct link **out_zap);

// Takes a request without waiting; each must be answered before the next one is taken. What is no
// sound request has been refused.
//   ERR_AGAIN   nothing is waiting
MUST_USE err zap_take(struct link *zap, struct zap_request *out_request);
// The key becomes link_user() of the connection's messages.
void zap_answer(struct link *zap, const struct zap_request *request, bool is_allowed);
