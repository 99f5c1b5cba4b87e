#pragma once

// Which route a request takes. Pure.

#include "lib/http/http.h"

#include <stddef.h>

struct route_match {
    err error;            // OK, ERR_NOT_FOUND, ERR_METHOD
    uint32_t route;       // when OK
    struct slice segment; // what "*" took
};

struct route_table {
    const struct http_route *routes;
    uint32_t count;
};

// `path` is as sent, without the query. The first fitting route counts.
struct route_match route_find(const struct route_table *table, struct slice method,
                              struct slice path);

// The methods a path allows, for the Allow header: "GET, HEAD, POST". Zero-terminated.
void route_allowed(const struct route_table *table, struct slice path, char *room, size_t room_len);
