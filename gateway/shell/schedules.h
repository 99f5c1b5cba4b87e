#pragma once

// /v1/schedules and what lies below it: one question each.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
void schedules_put(const struct gateway *gateway, struct http_request *request);
void schedules_get(const struct gateway *gateway, struct http_request *request);
void schedules_delete(const struct gateway *gateway, struct http_request *request);
void schedules_list(const struct gateway *gateway, struct http_request *request);
// {id}:pause and {id}:resume
void schedules_post(const struct gateway *gateway, struct http_request *request);
