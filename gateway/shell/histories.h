#pragma once

// GET /v1/jobs/{id}/timeline and GET /v1/jobs/{id}/log: one question each.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void histories_timeline(const struct gateway *gateway, struct http_request *request);
void histories_log(const struct gateway *gateway, struct http_request *request);
