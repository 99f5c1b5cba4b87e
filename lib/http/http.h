#pragma once

// The HTTP seam: nothing else includes <microhttpd.h>. A server of HTTP/1.1 on one address, with or
// without TLS, whose
// requests reach the owner complete (head and body judged and read) and are answered at once or
// later, from any thread. It bounds all a client can hold: connections, head, body, buffered
// bytes, waiting requests, and the time of each step.
//
//   connect ─▶ idle ─▶ head ─▶ body ─▶ handler ─▶ [waiting] ─▶ answer ─▶ idle …
//               each step has a deadline; past it the connection is cut, a waiting request gets 504

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#include <stdint.h>

struct http;

// One door. `path` is matched segment by segment; a segment "*" takes any one segment and may
// occur once. A GET route serves HEAD too.
struct http_route {
    const char *method;
    const char *path;
    size_t body_len_max;    // 0: a body is refused
    bool chunked;           // Transfer-Encoding: chunked, alone, is accepted
    uint32_t answer_ms_max; // from the complete request to the answer; 0: 30 s
    uint32_t mark;          // the owner's
};

enum http_header_name {
    HTTP_ACCEPT,
    HTTP_AUTHORIZATION,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_TYPE,
    HTTP_HOST,
    HTTP_IDEMPOTENCY_KEY,
    HTTP_IF_MATCH,
    HTTP_IF_NONE_MATCH,
    HTTP_IF_UNMODIFIED_SINCE,
    HTTP_LAST_EVENT_ID,
    HTTP_PREFER,
    HTTP_SEC_FETCH_SITE,
    HTTP_TRACEPARENT,
};
enum { HTTP_HEADER_NAMES = 13 };

// A complete request. Everything in it is valid until http_answer() is called with it.
struct http_request {
    uint32_t route;       // index into http_options.routes
    struct slice path;    // as sent, not percent-decoded, without the query
    struct slice segment; // what the route's "*" took, as sent; empty without one
    struct slice query;   // as sent, without the question mark; empty when there is none
    struct slice body;
    uint64_t body_len;                       // as announced; 0 when the body comes in chunks
    struct slice headers[HTTP_HEADER_NAMES]; // the value, trimmed; data NULL when not sent
    bool repeated[HTTP_HEADER_NAMES];        // sent more than once; `headers` has the first
    const void *tag;                         // the owner's, see http_options.release
};

struct http_header {
    const char *name;
    const char *value;
};

// Copied by http_answer().
struct http_answer {
    unsigned status;
    const char *content_type; // NULL for an empty body
    struct slice body;
    const struct http_header *headers;
    uint32_t header_count;
};

// Called in a thread of the server, for several requests at once when there are several threads.
// Must not block. Must see to it that http_answer() is called exactly once for each request,
// within the call or later.
typedef void http_handler(void *ctx, struct http_request *request);

// Called in a thread of the server after all requests that came together have been handed over, so
// that the handler can put off what is done for all of them at once.
typedef void http_turned(void *ctx);

// Called in a thread of the server when the head has been judged and the route is known, before the
// body is read. False: it has answered the request, which is not handed over then.
typedef bool http_admit(void *ctx, struct http_request *request);
// Called once for each request with a `tag` when nobody uses it any more. Any thread.
typedef void http_release(const void *tag);

// Makes the answer to a request that the server itself refuses (bad head, unknown path, too
// large …). Called in a thread of the server. `status` is what `error` and the case demand; the
// body is copied before the next call in this thread.
struct http_refusal {
    err error;
    unsigned status;
    const char *detail; // one sentence
};
typedef struct slice http_refuse(void *ctx, const struct http_refusal *refusal, char *room,
                                 size_t room_len);

// A zero means the default, in brackets.
struct http_limits {
    uint32_t thread_count;         // [1]
    uint32_t connection_count_max; // [4096]
    uint32_t waiting_count_max;    // [4096] requests handed to the owner and not yet answered
    uint32_t head_len_max;         // [16 KiB] request line and headers
    uint64_t buffered_bytes_max;   // [256 MiB] bodies of all requests together
    uint32_t idle_ms;              // [60 s] until the first line of the next request is whole
    uint32_t head_ms;              // [10 s] for the rest of the head
    uint32_t body_ms;              // [30 s] and one second for each MiB that has come
    uint32_t send_ms;              // [60 s] until the client has taken the answer, or a piece of it
    uint32_t stream_bytes_max;     // [4 MiB] of one stream, not yet taken by its client
};

struct http_options {
    const char *endpoint;            // "127.0.0.1:7410"; port 0 takes a free one
    const struct http_route *routes; // must outlive the server
    uint32_t route_count;
    http_handler *handler;
    http_turned *turned;     // NULL: nothing is put off
    http_admit *admit;       // NULL: all are
    http_release *release;   // NULL: nothing is to be done
    http_refuse *refuse;     // NULL: the error's text as text/plain
    const char *refuse_type; // content type of what `refuse` makes
    void *ctx;
    struct http_limits limits;
    bool is_tls; // with the certificate of http_tls.h, which has been loaded
};

//   ERR_BAD_FIELD        the endpoint is not ADDRESS:PORT
//   ERR_ADDRESS_IN_USE   the address is in use
//   ERR_SYSTEM           anything else
MUST_USE err http_open(const struct http_options *options, struct http **out_http);

// Gives what is waiting 504, answers nothing more, and returns when all threads have
// ended. Requests the owner still holds stay valid until it answers them (to no effect), so the
// owner may stop its own threads before or after. NULL is allowed.
void http_close(struct http *http);

// "127.0.0.1:41234", the address really bound. Lives as long as `http`.
const char *http_endpoint(const struct http *http);

// Answers and gives the request up. Any thread, exactly once for each request. When the request
// has been given up meanwhile (deadline, disconnect, close) nothing is sent.
void http_answer(struct http_request *request, const struct http_answer *answer);

// Does somebody still wait for the answer? False when the client has closed its end, too. Any
// thread that holds the request.
bool http_is_wanted(struct http_request *request);

// An answer that goes on: instead of http_answer(), in any thread,
//
//   http_stream_begin() ─▶ http_stream_put() … ─▶ http_stream_end()
//
// `head->body` comes first. The request and what it holds, its body excepted, stay valid until
// http_stream_end(), which gives it up and must be called exactly once. A piece that is put leaves as soon as the
// client takes it.
void http_stream_begin(struct http_request *request, const struct http_answer *head);
// Copied. False when nothing more will arrive: the client is gone or was found too slow, the
// server closes, or so much waits for the client that this piece has no room.
bool http_stream_put(struct http_request *request, struct slice piece);
// What has been put still leaves.
void http_stream_end(struct http_request *request);

// For metrics. Any thread.
struct http_figures {
    uint64_t connections_open;
    uint64_t connections_total;
    uint64_t requests_waiting; // with the owner, streams too
    uint64_t streams_open;
    uint64_t buffered_bytes;  // bodies in memory
    uint64_t refused_total;   // by the server itself
    uint64_t deadlines_total; // connections cut and 504s given by the sweep
};
void http_figures(const struct http *http, struct http_figures *out_figures);
