#pragma once

// GET /v1/jobs: pages of jobs by filter.

#include "gateway/shell/gateway.h"

struct http_request;

// GET /v1/batches/{id}/items
void lists_items(const struct gateway *gateway, struct http_request *request);
void lists_jobs(const struct gateway *gateway, struct http_request *request);
