#pragma once

// Answers to HTTP requests, counted. Any thread; each gives the request up.

#include "gateway/core/out.h"
#include "gateway/core/problem.h"
#include "gateway/shell/ask.h"
#include "gateway/shell/tally.h"
#include "lib/http/http.h"

enum { REPLY_HEADERS_MAX = 5, REPLY_VALUE_LEN = 160 };

// Extra headers, each value kept here.
struct reply_headers {
    struct http_header items[REPLY_HEADERS_MAX];
    char values[REPLY_HEADERS_MAX][REPLY_VALUE_LEN];
    uint32_t count;
    struct open_quota open; // for RateLimit; zero: nothing
};
void reply_header(struct reply_headers *headers, const char *name, const char *value);
// "Retry-After: " in seconds, rounded up, at least one.
void reply_retry_after(struct reply_headers *headers, uint32_t ms);
// "ETag: " and the version in quotes.
void reply_etag(struct reply_headers *headers, uint32_t version);

// The format that the request's Accept header prefers.
enum out_format reply_format(const struct http_request *request);

// Violations, which come as JSON, in the format of the answer; into `room` when that is another
// one. Empty when they cannot be told.
struct slice reply_violations(struct slice json, enum out_format format, struct out *room);

struct reply {
    struct tally *tally;
    enum tally_route route;
    struct http_request *request;
};

// `out` is whole; one that is full is answered with 500.
void reply_value(const struct reply *reply, unsigned status, const struct out *out,
                 const struct reply_headers *headers);
void reply_problem(const struct reply *reply, const struct problem *problem,
                   const struct reply_headers *headers);
// No body.
void reply_empty(const struct reply *reply, unsigned status, const struct reply_headers *headers);
void reply_text(const struct reply *reply, unsigned status, const char *type, struct slice text);
// Begins an event stream; the request goes on until http_stream_end().
void reply_stream(const struct reply *reply);
