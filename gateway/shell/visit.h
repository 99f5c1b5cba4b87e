#pragma once

// A request that is answered by one question to the broker.

#include "gateway/core/query.h"
#include "gateway/shell/courier.h"
#include "gateway/shell/gateway.h"

#include <stddef.h>

// What every such request keeps, at the head of a struct of its own.
struct visit_head {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    const struct gateway *gateway;
    struct http_request *request;
};

struct visit_kind {
    size_t size;      // of the struct, whatever follows it included
    size_t zeroed;    // of it; the rest is room for decoded texts
    uint32_t allowed; // parameters: 1 << enum query_name, together
    void (*done)(struct ask *ask, const struct ask_result *result);
    void (*refuse)(const struct gateway *gateway, struct http_request *request, err e,
                   struct slice detail);
};

// Reads the parameters and makes the struct, from malloc(). NULL after an answer.
struct visit_head *visit_new(const struct visit_kind *kind, const struct gateway *gateway,
                             struct http_request *request, struct query *out_query);
