#pragma once

// /v1/webhooks and what lies below it: one question each.

#include "lib/http/http.h"

struct gateway;

// Each answers the request, now or later. Called in a thread of the server.
// POST /v1/webhooks: one with an id that is made here.
void webhooks_post(const struct gateway *gateway, struct http_request *request);
void webhooks_put(const struct gateway *gateway, struct http_request *request);
void webhooks_get(const struct gateway *gateway, struct http_request *request);
void webhooks_delete(const struct gateway *gateway, struct http_request *request);
void webhooks_list(const struct gateway *gateway, struct http_request *request);
// {id}:rotate, :enable, :disable and :test
void webhooks_act(const struct gateway *gateway, struct http_request *request);
