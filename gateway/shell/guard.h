#pragma once

// The one place where a request is let in: who asks, and may they. Any thread.

#include "gateway/shell/callers.h"

struct ask;
struct open_quota;
struct gateway;
struct http_request;

// In the place of a scope: the resource is everybody's.
enum { GUARD_OPEN = 1u << 30 };

// Puts the caller into the request. False: it has been answered with 401, 403, 421 or 429. `scope` is what the
// resource needs, or GUARD_OPEN.
bool guard_admits(const struct gateway *gateway, struct http_request *request, uint32_t scope);
// Of a request that was let in; lives as long as it.
const struct caller *guard_caller(const struct http_request *request);
// The body is there: what its head has not announced counts too.
void guard_count_body(const struct http_request *request);
// The values of the headers RateLimit-Policy and RateLimit; false: there are none. `open` is what the
// broker has said with this request.
enum { GUARD_HEADER_LEN = 192 };
bool guard_tell_quotas(const struct http_request *request, const struct open_quota *open,
                       char out_policy[GUARD_HEADER_LEN], char out_left[GUARD_HEADER_LEN]);
// Asks the broker for it, as its tenant.
void guard_ask(const struct gateway *gateway, const struct http_request *request, struct ask *ask);
// The same from within the handler's call: it leaves at the end of the turn, with the others of it.
void guard_put(const struct gateway *gateway, const struct http_request *request, struct ask *ask);
// The same two for the status of a job, which may be known here.
void guard_put_status(const struct gateway *gateway, const struct http_request *request,
                      struct ask *ask);
void guard_ask_status(const struct gateway *gateway, const struct http_request *request,
                      struct ask *ask);
// The http_release of such requests.
void guard_release(const void *tag);
