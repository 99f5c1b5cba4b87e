#pragma once

// GET /v1/jobs: pages of jobs by filter.

#include "gateway/shell/gateway.h"

struct http_request;

// GET /v1/batches/{id}/items
// GET /v1/jobs/{id}/deliveries: who is told of its last end, and how far that is.
void lists_deliveries(const struct gateway *gateway, struct http_request *request);
// GET /v1/batches/{id}/deliveries: who is told that it has finished.
void lists_batch_deliveries(const struct gateway *gateway, struct http_request *request);
void lists_items(const struct gateway *gateway, struct http_request *request);
void lists_jobs(const struct gateway *gateway, struct http_request *request);
