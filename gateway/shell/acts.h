#pragma once

// POST /v1/jobs/{id}:cancel, :retry, :run-now, and DELETE /v1/jobs/{id}: what is to be done with one job, one
// question each.

#include "lib/base/id.h"
#include "lib/http/http.h"

struct gateway;

// The same key is the same act, so that it may be asked for again and is done once; without a key it
// has a random id. False: the header is not as it must be.
bool acts_name(const struct http_request *request, struct id *out_act_id);

// Each answers the request, now or later. Called in a thread of the server.
void acts_post_job(const struct gateway *gateway, struct http_request *request);
// POST /v1/workers/{id}:quiet, :stop.
void acts_post_worker(const struct gateway *gateway, struct http_request *request);
void acts_delete_job(const struct gateway *gateway, struct http_request *request);
