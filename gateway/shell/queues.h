#pragma once

// /v1/queues and /v1/types: one, all, and what is set for one. The handler's thread calls them.

#include "lib/http/http.h"

struct gateway;

void queues_list(const struct gateway *gateway, struct http_request *request);
void queues_get(const struct gateway *gateway, struct http_request *request);
// :pause, :resume, :drain
void queues_post(const struct gateway *gateway, struct http_request *request);
void queues_put(const struct gateway *gateway, struct http_request *request);
void queues_patch(const struct gateway *gateway, struct http_request *request);

void queues_list_types(const struct gateway *gateway, struct http_request *request);
void queues_get_type(const struct gateway *gateway, struct http_request *request);
void queues_put_type(const struct gateway *gateway, struct http_request *request);
void queues_patch_type(const struct gateway *gateway, struct http_request *request);
