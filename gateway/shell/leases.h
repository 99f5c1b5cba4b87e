#pragma once

// POST /v1/leases and what is said of a leased job: workers without ZeroMQ. Any thread.

struct gateway;
struct http_request;

void leases_take(const struct gateway *gateway, struct http_request *request);
// "{job}:finish" and so on.
void leases_say(const struct gateway *gateway, struct http_request *request);
