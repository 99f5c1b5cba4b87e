#pragma once

// POST /v1/jobs:cancel, :retry, :run-now, :delete with a filter behind the question mark, and GET
// /v1/operations/{id}: acts on many jobs, how far they have come, and their end before that.

#include "lib/http/http.h"
#include "proto/msg.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void operations_begin(const struct gateway *gateway, struct http_request *request,
                      enum act_kind kind);
// POST /v1/queues/{name}:purge. False, and nothing is done, when another verb stands there.
bool operations_purge(const struct gateway *gateway, struct http_request *request);
// POST /v1/batches/{id}:cancel, :retry, :run-now
void operations_batch(const struct gateway *gateway, struct http_request *request);
// GET /v1/operations
void operations_list(const struct gateway *gateway, struct http_request *request);
void operations_get(const struct gateway *gateway, struct http_request *request);
// POST /v1/operations/{id}:cancel
void operations_act(const struct gateway *gateway, struct http_request *request);
