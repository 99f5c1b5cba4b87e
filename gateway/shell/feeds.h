#pragma once

// GET /v1/events: everything that happens to the jobs of the caller's tenant, as an event stream.

#include "lib/http/http.h"

struct gateway;

// Answers the request, now or later. Called in a thread of the server.
void feeds_follow(const struct gateway *gateway, struct http_request *request);
