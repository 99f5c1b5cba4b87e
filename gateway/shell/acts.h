#pragma once

// POST /v1/jobs/{id}:cancel, :retry, and DELETE /v1/jobs/{id}: what is to be done with one job, one
// question each.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void acts_post_job(const struct gateway *gateway, struct http_request *request);
// POST /v1/workers/{id}:quiet, :stop.
void acts_post_worker(const struct gateway *gateway, struct http_request *request);
void acts_delete_job(const struct gateway *gateway, struct http_request *request);
