// From what libmicrohttpd has parsed to a judged and prepared request.

#include "lib/base/word.h"
#include "lib/http/admission.h"
#include "lib/http/http_private.h"

#include <stdlib.h>

enum { DISCARD_LEN_MAX = 2 * 1024 * 1024 };

static const char *const header_names[HTTP_HEADER_NAMES] = {
    [HTTP_ACCEPT] = "accept",
    [HTTP_AUTHORIZATION] = "authorization",
    [HTTP_CONTENT_ENCODING] = "content-encoding",
    [HTTP_CONTENT_TYPE] = "content-type",
    [HTTP_HOST] = "host",
    [HTTP_IDEMPOTENCY_KEY] = "idempotency-key",
    [HTTP_IF_MATCH] = "if-match",
    [HTTP_IF_NONE_MATCH] = "if-none-match",
    [HTTP_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
    [HTTP_LAST_EVENT_ID] = "last-event-id",
    [HTTP_PREFER] = "prefer",
    [HTTP_SEC_FETCH_SITE] = "sec-fetch-site",
    [HTTP_TRACEPARENT] = "traceparent",
};

struct lines {
    struct admission_line items[ADMISSION_LINES_MAX];
    uint32_t count;
    bool too_many;
};

// The shape is the library's.
static enum MHD_Result on_line(void *ctx, enum MHD_ValueKind kind, const char *name,
                               size_t name_len, const char *value, size_t value_len)
{
    struct lines *lines = ctx;
    (void)kind;
    if (lines->count == ADMISSION_LINES_MAX) {
        lines->too_many = true;
        return MHD_NO;
    }
    lines->items[lines->count++] = (struct admission_line){
        .name = slice_of(name, name_len),
        .value = slice_of(value, value_len),
    };
    return MHD_YES;
}

// The parser's memory may be gone when a late answer is made, so the headers are copied.
static bool keep_headers(struct exchange *exchange, const struct lines *lines)
{
    struct slice found[HTTP_HEADER_NAMES] = {{0}};
    struct http_request *request = &exchange->request;
    size_t total = 0;
    for (uint32_t i = 0; i < lines->count; i++) {
        for (unsigned name = 0; name < HTTP_HEADER_NAMES; name++) {
            if (!word_is(lines->items[i].name, header_names[name]))
                continue;
            request->repeated[name] = found[name].data != NULL;
            if (found[name].data == NULL) {
                found[name] = word_trim(lines->items[i].value);
                total += found[name].len;
            }
        }
    }
    exchange->head_text = malloc(total + 1);
    if (exchange->head_text == NULL)
        return false;
    size_t at = 0;
    for (unsigned name = 0; name < HTTP_HEADER_NAMES; name++) {
        if (found[name].data == NULL)
            continue;
        memcpy(exchange->head_text + at, found[name].data, found[name].len);
        request->headers[name] = slice_of(exchange->head_text + at, found[name].len);
        at += found[name].len;
    }
    return true;
}

static err refuse(struct exchange *exchange, err e, unsigned status, const char *detail)
{
    exchange->refusal = (struct http_refusal){.error = e, .status = status, .detail = detail};
    return e;
}

struct head {
    const char *method;
    const char *version;
    struct lines lines;
    struct admission_verdict verdict;
};

static err judge(struct exchange *exchange, struct head *head)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    CHECK(info != NULL);
    // The library's memory is twice as large, because what it makes of the lines lies there too.
    if (info->header_size > exchange->http->limits.head_len_max)
        return refuse(exchange, ERR_HEADERS, 431, "the request line and the headers are too long");
    (void)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, on_line, &head->lines);
    if (head->lines.too_many)
        return refuse(exchange, ERR_HEADERS, 431, "too many header lines");
    head->verdict = admission_judge(&(struct admission_head){
        .head = slice_of(head->method, info->header_size),
        .method = slice_of_text(head->method),
        .target = slice_of(exchange->target, exchange->target_len),
        .target_at = exchange->target_at,
        .version = slice_of_text(head->version),
        .lines = head->lines.items,
        .line_count = head->lines.count,
    });
    if (head->verdict.error != OK)
        return refuse(exchange, ERR_MALFORMED, 400, head->verdict.detail);
    return OK;
}

static err find_route(struct exchange *exchange, const char *method)
{
    struct http_request *request = &exchange->request;
    struct slice target = slice_of(exchange->target, exchange->target_len);
    const uint8_t *mark = memchr(target.data, '?', target.len);
    size_t path_len = mark != NULL ? (size_t)(mark - target.data) : target.len;
    request->path = slice_of(target.data, path_len);
    if (mark != NULL)
        request->query = slice_of(mark + 1, target.len - path_len - 1);
    struct route_match match =
        route_find(&exchange->http->table, slice_of_text(method), request->path);
    if (match.error == ERR_METHOD)
        return refuse(exchange, ERR_METHOD, 405, "another method is needed; allowed here");
    if (match.error != OK)
        return refuse(exchange, ERR_NO_RESOURCE, 404,
                      "there is no such resource; GET / lists those that there are");
    request->route = match.route;
    request->segment = match.segment;
    return OK;
}

// What the body is must be said in one way, and it must be that.
static err judge_body(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct slice coding = request->headers[HTTP_CONTENT_ENCODING];
    bool is_plain = coding.data == NULL || word_is(coding, "identity");
    if (request->repeated[HTTP_CONTENT_TYPE])
        return refuse(exchange, ERR_MALFORMED, 400, "send Content-Type only once");
    if (!is_plain || request->repeated[HTTP_CONTENT_ENCODING])
        return refuse(exchange, ERR_MEDIA_TYPE, 415,
                      "send the body as it is: no Content-Encoding is understood");
    return OK;
}

static err admit(struct exchange *exchange, struct head *head)
{
    struct http *http = exchange->http;
    const struct http_route *route = &http->options.routes[exchange->request.route];
    struct admission_verdict *verdict = &head->verdict;
    admission_apply(verdict, &(struct admission_rule){
                                 .body = route->body_len_max > 0,
                                 .chunked = route->chunked,
                             });
    if (verdict->error != OK)
        return refuse(exchange, verdict->error, (unsigned)err_http(verdict->error),
                      verdict->detail);
    if (verdict->body_len > route->body_len_max)
        return refuse(exchange, ERR_TOO_LARGE, 413, "the body is larger than this resource takes");
    if (atomic_load(&http->waiting_count) >= http->limits.waiting_count_max)
        return refuse(exchange, ERR_FULL, 503, "too many requests are waiting; retry later");
    if (!keep_headers(exchange, &head->lines))
        return refuse(exchange, ERR_NO_MEMORY, 503, "out of memory; retry later");
    err e = route->body_len_max > 0 ? judge_body(exchange) : OK;
    if (e != OK)
        return e;
    exchange->request.body_len = verdict->chunked ? 0 : verdict->body_len;
    exchange->body_expected = verdict->chunked ? route->body_len_max : verdict->body_len;
    return OK;
}

err http_head_read(struct exchange *exchange, const char *method, const char *version,
                   bool *out_read_on)
{
    struct head head = {.method = method, .version = version};
    *out_read_on = false;
    err e = judge(exchange, &head);
    if (e != OK)
        return e;
    e = find_route(exchange, method);
    if (e == OK)
        e = admit(exchange, &head);
    // A sound request that is merely unwelcome keeps its connection if its body is small.
    bool is_sound = e != ERR_MALFORMED && e != ERR_LENGTH_REQUIRED && !head.verdict.chunked;
    *out_read_on = is_sound && head.verdict.body_len <= DISCARD_LEN_MAX;
    if (e != OK && *out_read_on)
        exchange->body_expected = head.verdict.body_len;
    return e;
}
