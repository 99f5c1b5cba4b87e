// Making and counting answers.

#include "gateway/shell/reply.h"

#include "gateway/core/event.h"
#include "gateway/core/media.h"
#include "gateway/http/convert.h"
#include "gateway/shell/guard.h"
#include "lib/base/check.h"
#include "proto/msg_limits.h"

#include <stdio.h>

enum { PROBLEM_LEN_MAX = 2048 + MSG_VIOLATIONS_LEN_MAX };

void reply_header(struct reply_headers *headers, const char *name, const char *value)
{
    CHECK(headers->count < REPLY_HEADERS_MAX);
    char *kept = headers->values[headers->count];
    (void)slice_to_text(slice_of_text(value), kept, REPLY_VALUE_LEN);
    headers->items[headers->count++] = (struct http_header){name, kept};
}

void reply_retry_after(struct reply_headers *headers, uint32_t ms)
{
    char text[16];
    uint32_t seconds = ms / 1000 + (ms % 1000 > 0);
    (void)snprintf(text, sizeof text, "%u", seconds > 0 ? seconds : 1);
    reply_header(headers, "Retry-After", text);
}

void reply_etag(struct reply_headers *headers, uint32_t version)
{
    char text[16];
    (void)snprintf(text, sizeof text, "\"%u\"", version);
    reply_header(headers, "ETag", text);
}

enum out_format reply_format(const struct http_request *request)
{
    return media_wanted(request->headers[HTTP_ACCEPT]) == MEDIA_MSGPACK ? OUT_MSGPACK : OUT_JSON;
}

static const struct open_quota no_open;

// Where both headers are kept until the answer has been given.
struct quotas_told {
    char policy[GUARD_HEADER_LEN];
    char left[GUARD_HEADER_LEN];
};

static void tell_quotas(const struct reply *reply, const struct open_quota *open,
                        struct http_answer *answer, struct http_header *all,
                        struct quotas_told *room)
{
    if (!guard_tell_quotas(reply->request, open, room->policy, room->left))
        return;
    all[answer->header_count++] = (struct http_header){"RateLimit-Policy", room->policy};
    all[answer->header_count++] = (struct http_header){"RateLimit", room->left};
}

// What is told changes by itself, and by what the client accepts; a cache may keep it and ask with
// the ETag. That there is no such thing may be wrong in a moment.
static void tell_caches(struct http_answer *answer, struct http_header *all)
{
    bool is_state = answer->status == 200 || answer->status == 304;
    bool is_missing = answer->status == 404 || answer->status == 410;
    if (!is_state && !is_missing)
        return;
    const char *rule = is_state ? "private, no-cache" : "no-store";
    all[answer->header_count++] = (struct http_header){"Cache-Control", rule};
    if (is_state)
        all[answer->header_count++] = (struct http_header){"Vary", "Accept"};
}

static void send(const struct reply *reply, struct http_answer *answer,
                 const struct reply_headers *headers)
{
    struct http_header all[REPLY_HEADERS_MAX + 4];
    struct quotas_told room;
    for (uint32_t i = 0; headers != NULL && i < headers->count; i++)
        all[answer->header_count++] = headers->items[i];
    tell_quotas(reply, headers != NULL ? &headers->open : &no_open, answer, all, &room);
    tell_caches(answer, all);
    answer->headers = all;
    tally_answer(reply->tally, reply->route, answer->status);
    http_answer(reply->request, answer);
    answer->headers = NULL; // they end here
}

void reply_value(const struct reply *reply, unsigned status, const struct out *out,
                 const struct reply_headers *headers)
{
    if (out->full) {
        reply_problem(reply,
                      &(struct problem){
                          .error = ERR_SYSTEM,
                          .detail = slice_of_text("the answer is too large to be given"),
                      },
                      NULL);
        return;
    }
    const char *json = status < 400 ? "application/json" : PROBLEM_TYPE_JSON;
    const char *type = out->format == OUT_JSON ? json : "application/msgpack";
    struct http_answer answer = {.status = status, .content_type = type, .body = out_slice(out)};
    send(reply, &answer, headers);
}

void reply_problem(const struct reply *reply, const struct problem *problem,
                   const struct reply_headers *headers)
{
    uint8_t room[PROBLEM_LEN_MAX];
    struct http_answer answer = {
        .status = problem_status(problem),
        .content_type = PROBLEM_TYPE_JSON,
        .body = problem_text(problem, room, sizeof room),
    };
    struct reply_headers own = {0};
    bool is_told = headers != NULL && headers->count > 0;
    // Whoever may retry is told when.
    if (!is_told && (answer.status == 429 || answer.status == 503 || answer.status == 504 ||
                     answer.status == 507 || problem->error == ERR_UNKNOWN_YET ||
                     problem->error == ERR_SPOOLED)) {
        if (headers != NULL)
            own.open = headers->open;
        reply_retry_after(&own, 1000);
        headers = &own;
    }
    send(reply, &answer, headers);
}

void reply_empty(const struct reply *reply, unsigned status, const struct reply_headers *headers)
{
    struct http_answer answer = {.status = status};
    send(reply, &answer, headers);
}

void reply_text(const struct reply *reply, unsigned status, const char *type, struct slice text)
{
    struct http_answer answer = {.status = status, .content_type = type, .body = text};
    send(reply, &answer, NULL);
}

void reply_stream(const struct reply *reply)
{
    struct quotas_told room;
    struct http_header all[4] = {
        {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}, // nginx would hold events back
    };
    struct http_answer answer = {.status = 200,
                                 .content_type = "text/event-stream",
                                 .body = slice_of_text(EVENT_STREAM_HEAD),
                                 .headers = all,
                                 .header_count = 2};
    tell_quotas(reply, &no_open, &answer, all, &room);
    tally_answer(reply->tally, reply->route, 200);
    http_stream_begin(reply->request, &answer);
}

struct slice reply_violations(struct slice json, enum out_format format, struct out *room)
{
    if (format == OUT_JSON || json.len == 0)
        return json;
    room->format = format;
    bool is_good = convert_json(json, room) == OK && !room->full;
    return is_good ? out_slice(room) : (struct slice){0};
}
