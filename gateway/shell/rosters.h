#pragma once

// GET /v1/workers: who is there.

#include "lib/http/http.h"

struct gateway;

// Answers the request, later. Called in a thread of the server.
void rosters_list(const struct gateway *gateway, struct http_request *request);
