#pragma once

// POST /v1/jobs, GET /v1/jobs/{id} and GET /v1/batches/{id}: one question each.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void single_submit(const struct gateway *gateway, struct http_request *request);
void single_status(const struct gateway *gateway, struct http_request *request);
void single_batch(const struct gateway *gateway, struct http_request *request);
