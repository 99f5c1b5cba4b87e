#pragma once

// GET /v1/jobs/{id}/events and GET /v1/batches/{id}/events: every change as it comes, until the
// end.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void streams_job(const struct gateway *gateway, struct http_request *request);
void streams_batch(const struct gateway *gateway, struct http_request *request);
