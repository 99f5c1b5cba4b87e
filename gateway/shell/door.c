// The table of routes.

#include "gateway/shell/door.h"

#include "gateway/core/problem.h"
#include "gateway/shell/acts.h"
#include "gateway/shell/feeds.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/histories.h"
#include "gateway/shell/leases.h"
#include "gateway/shell/lists.h"
#include "gateway/shell/operations.h"
#include "gateway/shell/queues.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/rosters.h"
#include "gateway/shell/schedules.h"
#include "gateway/shell/single.h"
#include "gateway/shell/spool_door.h"
#include "gateway/shell/streams.h"
#include "gateway/shell/webhooks.h"
#include "lib/base/check.h"
#include "proto/msg.h"

#include <stdio.h>
#include <stdlib.h>

enum route {
    ROUTE_SUBMIT,
    ROUTE_LIST,
    ROUTE_STATUS,
    ROUTE_EVENTS,
    ROUTE_TIMELINE,
    ROUTE_LOG,
    ROUTE_DELIVERIES,
    ROUTE_ACT,
    ROUTE_DELETE,
    ROUTE_WORKERS,
    ROUTE_WORKER,
    ROUTE_OPERATIONS,
    ROUTE_CANCEL_MANY,
    ROUTE_RETRY_MANY,
    ROUTE_RUN_NOW_MANY,
    ROUTE_DELETE_MANY,
    ROUTE_OPERATION,
    ROUTE_OPERATION_ACT,
    ROUTE_BULK,
    ROUTE_BATCH,
    ROUTE_BATCH_EVENTS,
    ROUTE_ITEMS,
    ROUTE_BATCH_DELIVERIES,
    ROUTE_BATCH_ACT,
    ROUTE_SCHEDULES,
    ROUTE_SCHEDULE,
    ROUTE_SCHEDULE_PUT,
    ROUTE_SCHEDULE_DELETE,
    ROUTE_SCHEDULE_ACT,
    ROUTE_QUEUES,
    ROUTE_QUEUE,
    ROUTE_QUEUE_PUT,
    ROUTE_QUEUE_PATCH,
    ROUTE_QUEUE_ACT,
    ROUTE_TYPES,
    ROUTE_TYPE,
    ROUTE_TYPE_PUT,
    ROUTE_TYPE_PATCH,
    ROUTE_LEASES,
    ROUTE_LEASE,
    ROUTE_WEBHOOKS,
    ROUTE_WEBHOOK_POST,
    ROUTE_WEBHOOK,
    ROUTE_WEBHOOK_PUT,
    ROUTE_WEBHOOK_DELETE,
    ROUTE_WEBHOOK_ACT,
    ROUTE_FEED,
    ROUTE_SPOOL,
    ROUTE_SPOOL_WAITING,
    ROUTE_SPOOL_REFUSED,
    ROUTE_SPOOL_DELETE,
    ROUTE_LIVE,
    ROUTE_READY,
    ROUTE_METRICS,
    ROUTE_OPENAPI,
    ROUTE_INDEX,
};

enum {
    // The payload's limit, and room for the fields around it.
    SUBMIT_BODY_LEN_MAX = MSG_PAYLOAD_LEN_MAX + 64 * 1024,
    SETTINGS_BODY_LEN_MAX = 64 * 1024,
    SUBMIT_ANSWER_MS = COURIER_PATIENCE_MS + COURIER_DEADLINE_MS + 3000,
    WAIT_ANSWER_MS = 60000 + SUBMIT_ANSWER_MS,
    BULK_ANSWER_MS = 60000, // QUERY_SIMULATE_MS_MAX, and twice what the courier waits for an answer
};

// The mark is the scope that a token needs.
static const struct http_route routes[] = {
    [ROUTE_SUBMIT] = {.method = "POST",
                      .path = "/v1/jobs",
                      .mark = SCOPE_SUBMIT,
                      .body_len_max = SUBMIT_BODY_LEN_MAX,
                      .answer_ms_max = WAIT_ANSWER_MS},
    [ROUTE_LIST] = {.method = "GET",
                    .path = "/v1/jobs",
                    .mark = SCOPE_READ,
                    .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_STATUS] = {.method = "GET",
                      .path = "/v1/jobs/*",
                      .mark = SCOPE_READ,
                      .answer_ms_max = WAIT_ANSWER_MS},
    [ROUTE_EVENTS] = {.method = "GET",
                      .path = "/v1/jobs/*/events",
                      .mark = SCOPE_READ,
                      .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_TIMELINE] = {.method = "GET",
                        .path = "/v1/jobs/*/timeline",
                        .mark = SCOPE_READ,
                        .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_LOG] = {.method = "GET",
                   .path = "/v1/jobs/*/log",
                   .mark = SCOPE_READ,
                   .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_DELIVERIES] = {.method = "GET",
                          .path = "/v1/jobs/*/deliveries",
                          .mark = SCOPE_READ,
                          .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_ACT] = {.method = "POST",
                   .path = "/v1/jobs/*",
                   .mark = SCOPE_SUBMIT,
                   .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WORKERS] = {.method = "GET",
                       .path = "/v1/workers",
                       .mark = SCOPE_READ,
                       .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WORKER] = {.method = "POST",
                      .path = "/v1/workers/*",
                      .mark = SCOPE_ADMIN,
                      .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_OPERATIONS] = {.method = "GET",
                          .path = "/v1/operations",
                          .mark = SCOPE_READ,
                          .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_CANCEL_MANY] = {.method = "POST",
                           .path = "/v1/jobs:cancel",
                           .mark = SCOPE_ADMIN,
                           .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_RETRY_MANY] = {.method = "POST",
                          .path = "/v1/jobs:retry",
                          .mark = SCOPE_ADMIN,
                          .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_RUN_NOW_MANY] = {.method = "POST",
                            .path = "/v1/jobs:run-now",
                            .mark = SCOPE_ADMIN,
                            .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_DELETE_MANY] = {.method = "POST",
                           .path = "/v1/jobs:delete",
                           .mark = SCOPE_ADMIN,
                           .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_OPERATION] = {.method = "GET",
                         .path = "/v1/operations/*",
                         .mark = SCOPE_READ,
                         .answer_ms_max = WAIT_ANSWER_MS},
    [ROUTE_OPERATION_ACT] = {.method = "POST",
                             .path = "/v1/operations/*",
                             .mark = SCOPE_ADMIN,
                             .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_DELETE] = {.method = "DELETE",
                      .path = "/v1/jobs/*",
                      .mark = SCOPE_ADMIN,
                      .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_BULK] = {.method = "POST",
                    .path = "/v1/batches",
                    .mark = SCOPE_SUBMIT,
                    .body_len_max = BULK_BODY_LEN_MAX,
                    .chunked = true,
                    .answer_ms_max = BULK_ANSWER_MS},
    [ROUTE_BATCH] = {.method = "GET",
                     .path = "/v1/batches/*",
                     .mark = SCOPE_READ,
                     .answer_ms_max = WAIT_ANSWER_MS},
    [ROUTE_BATCH_EVENTS] = {.method = "GET",
                            .path = "/v1/batches/*/events",
                            .mark = SCOPE_READ,
                            .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_ITEMS] = {.method = "GET",
                     .path = "/v1/batches/*/items",
                     .mark = SCOPE_READ,
                     .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_BATCH_DELIVERIES] = {.method = "GET",
                                .path = "/v1/batches/*/deliveries",
                                .mark = SCOPE_READ,
                                .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_BATCH_ACT] = {.method = "POST",
                         .path = "/v1/batches/*",
                         .mark = SCOPE_SUBMIT,
                         .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SCHEDULES] = {.method = "GET",
                         .path = "/v1/schedules",
                         .mark = SCOPE_READ,
                         .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SCHEDULE] = {.method = "GET",
                        .path = "/v1/schedules/*",
                        .mark = SCOPE_READ,
                        .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SCHEDULE_PUT] = {.method = "PUT",
                            .path = "/v1/schedules/*",
                            .mark = SCOPE_ADMIN,
                            .body_len_max = SUBMIT_BODY_LEN_MAX,
                            .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SCHEDULE_DELETE] = {.method = "DELETE",
                               .path = "/v1/schedules/*",
                               .mark = SCOPE_ADMIN,
                               .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SCHEDULE_ACT] = {.method = "POST",
                            .path = "/v1/schedules/*",
                            .mark = SCOPE_ADMIN,
                            .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_QUEUES] = {.method = "GET",
                      .path = "/v1/queues",
                      .mark = SCOPE_READ,
                      .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_QUEUE] = {.method = "GET",
                     .path = "/v1/queues/*",
                     .mark = SCOPE_READ,
                     .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_QUEUE_PUT] = {.method = "PUT",
                         .path = "/v1/queues/*",
                         .mark = SCOPE_ADMIN,
                         .body_len_max = SETTINGS_BODY_LEN_MAX,
                         .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_QUEUE_PATCH] = {.method = "PATCH",
                           .path = "/v1/queues/*",
                           .mark = SCOPE_ADMIN,
                           .body_len_max = SETTINGS_BODY_LEN_MAX,
                           .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_QUEUE_ACT] = {.method = "POST",
                         .path = "/v1/queues/*",
                         .mark = SCOPE_ADMIN,
                         .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_TYPES] = {.method = "GET",
                     .path = "/v1/types",
                     .mark = SCOPE_READ,
                     .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_TYPE] = {.method = "GET",
                    .path = "/v1/types/*",
                    .mark = SCOPE_READ,
                    .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_TYPE_PUT] = {.method = "PUT",
                        .path = "/v1/types/*",
                        .mark = SCOPE_ADMIN,
                        .body_len_max = SETTINGS_BODY_LEN_MAX,
                        .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_TYPE_PATCH] = {.method = "PATCH",
                          .path = "/v1/types/*",
                          .mark = SCOPE_ADMIN,
                          .body_len_max = SETTINGS_BODY_LEN_MAX,
                          .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_LEASES] = {.method = "POST",
                      .path = "/v1/leases",
                      .mark = SCOPE_WORK,
                      .body_len_max = SETTINGS_BODY_LEN_MAX,
                      .answer_ms_max = WAIT_ANSWER_MS},
    [ROUTE_LEASE] = {.method = "POST",
                     .path = "/v1/leases/*",
                     .mark = SCOPE_WORK,
                     .body_len_max = SUBMIT_BODY_LEN_MAX,
                     .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOKS] = {.method = "GET",
                        .path = "/v1/webhooks",
                        .mark = SCOPE_READ,
                        .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOK_POST] = {.method = "POST",
                            .path = "/v1/webhooks",
                            .mark = SCOPE_ADMIN,
                            .body_len_max = SETTINGS_BODY_LEN_MAX,
                            .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOK] = {.method = "GET",
                       .path = "/v1/webhooks/*",
                       .mark = SCOPE_READ,
                       .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOK_PUT] = {.method = "PUT",
                           .path = "/v1/webhooks/*",
                           .mark = SCOPE_ADMIN,
                           .body_len_max = SETTINGS_BODY_LEN_MAX,
                           .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOK_DELETE] = {.method = "DELETE",
                              .path = "/v1/webhooks/*",
                              .mark = SCOPE_ADMIN,
                              .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_WEBHOOK_ACT] = {.method = "POST",
                           .path = "/v1/webhooks/*",
                           .mark = SCOPE_ADMIN,
                           .body_len_max = SETTINGS_BODY_LEN_MAX,
                           .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_FEED] = {.method = "GET",
                    .path = "/v1/events",
                    .mark = SCOPE_READ,
                    .answer_ms_max = SUBMIT_ANSWER_MS},
    [ROUTE_SPOOL] = {.method = "GET", .path = "/v1/spool", .mark = SCOPE_ADMIN},
    [ROUTE_SPOOL_WAITING] = {.method = "GET", .path = "/v1/spool/waiting", .mark = SCOPE_READ},
    [ROUTE_SPOOL_REFUSED] = {.method = "GET", .path = "/v1/spool/refused", .mark = SCOPE_READ},
    [ROUTE_SPOOL_DELETE] = {.method = "DELETE", .path = "/v1/spool/*", .mark = SCOPE_ADMIN},
    [ROUTE_LIVE] = {.method = "GET", .path = "/livez", .mark = GUARD_OPEN},
    [ROUTE_READY] = {.method = "GET", .path = "/readyz", .mark = GUARD_OPEN},
    [ROUTE_METRICS] = {.method = "GET", .path = "/metrics", .mark = SCOPE_ADMIN},
    [ROUTE_OPENAPI] = {.method = "GET", .path = "/openapi.json", .mark = GUARD_OPEN},
    [ROUTE_INDEX] = {.method = "GET", .path = "/", .mark = GUARD_OPEN},
};

// gateway/openapi.json, which the build makes a source of.
extern const uint8_t openapi_json[];
extern const size_t openapi_json_len;

static struct reply reply_of(const struct gateway *gateway, struct http_request *request)
{
    return (struct reply){gateway->tally, TALLY_OTHER, request};
}

// What is served, as a method and a path each. "*" is a name or an id.
static void answer_index(const struct gateway *gateway, struct http_request *request)
{
    const struct reply reply = reply_of(gateway, request);
    enum { ROOM = 8192, LINE = 96 };
    uint8_t room[ROOM];
    char line[LINE];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(request)};
    out_open_object(&out);
    out_put_text(&out, "service", slice_of_text("weft"));
    out_put_text(&out, "submit", slice_of_text("/v1/jobs"));
    out_put_text(&out, "openapi", slice_of_text("/openapi.json"));
    out_name(&out, slice_of_text("routes"));
    out_open_array(&out);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        (void)snprintf(line, sizeof line, "%s %s", routes[i].method, routes[i].path);
        out_text(&out, slice_of_text(line));
    }
    out_close(&out);
    out_close(&out);
    reply_value(&reply, 200, &out, NULL);
}

static void answer_live(const struct gateway *gateway, struct http_request *request)
{
    const struct reply reply = reply_of(gateway, request);
    reply_text(&reply, 200, "text/plain", slice_of_text("live\n"));
}

static void answer_ready(const struct gateway *gateway, struct http_request *request)
{
    const struct reply reply = reply_of(gateway, request);
    if (courier_is_ready(gateway->courier))
        reply_text(&reply, 200, "text/plain", slice_of_text("ready\n"));
    else if (spool_is_open(gateway->spool)) // jobs need not be turned away
        reply_text(&reply, 200, "text/plain", slice_of_text("spooling\n"));
    else
        reply_problem(&reply, &(struct problem){.error = ERR_NO_BROKER}, NULL);
}

static void answer_metrics(const struct gateway *gateway, struct http_request *request)
{
    const struct reply reply = reply_of(gateway, request);
    size_t len = 0;
    char *text = tally_text(gateway, &len);
    if (text == NULL) {
        reply_problem(&reply, &(struct problem){.error = ERR_NO_MEMORY}, NULL);
        return;
    }
    reply_text(&reply, 200, "text/plain; version=0.0.4", slice_of(text, len));
    free(text);
}

static void answer_openapi(const struct gateway *gateway, struct http_request *request)
{
    const struct reply reply = reply_of(gateway, request);
    reply_text(&reply, 200, "application/json", slice_of(openapi_json, openapi_json_len));
}

// A purge is an act on many, the others are on the queue.
static void act_on_queue(const struct gateway *gateway, struct http_request *request)
{
    if (!operations_purge(gateway, request))
        queues_post(gateway, request);
}

static void cancel_many(const struct gateway *gateway, struct http_request *request)
{
    operations_begin(gateway, request, ACT_CANCEL);
}

static void retry_many(const struct gateway *gateway, struct http_request *request)
{
    operations_begin(gateway, request, ACT_RETRY);
}

static void run_many_now(const struct gateway *gateway, struct http_request *request)
{
    operations_begin(gateway, request, ACT_RUN_NOW);
}

static void delete_many(const struct gateway *gateway, struct http_request *request)
{
    operations_begin(gateway, request, ACT_DELETE);
}

static void take_bulk(const struct gateway *gateway, struct http_request *request)
{
    bulk_take(gateway->bulk, request);
}

static void list_waiting(const struct gateway *gateway, struct http_request *request)
{
    spool_door_list(gateway, request, SPOOL_WAITING);
}

static void list_refused(const struct gateway *gateway, struct http_request *request)
{
    spool_door_list(gateway, request, SPOOL_REFUSED);
}

static void (*const handlers[])(const struct gateway *gateway, struct http_request *request) = {
    [ROUTE_SUBMIT] = single_submit,
    [ROUTE_LIST] = lists_jobs,
    [ROUTE_STATUS] = single_status,
    [ROUTE_EVENTS] = streams_job,
    [ROUTE_TIMELINE] = histories_timeline,
    [ROUTE_LOG] = histories_log,
    [ROUTE_DELIVERIES] = lists_deliveries,
    [ROUTE_ACT] = acts_post_job,
    [ROUTE_WORKERS] = rosters_list,
    [ROUTE_WORKER] = acts_post_worker,
    [ROUTE_CANCEL_MANY] = cancel_many,
    [ROUTE_RETRY_MANY] = retry_many,
    [ROUTE_RUN_NOW_MANY] = run_many_now,
    [ROUTE_DELETE_MANY] = delete_many,
    [ROUTE_OPERATIONS] = operations_list,
    [ROUTE_OPERATION] = operations_get,
    [ROUTE_OPERATION_ACT] = operations_act,
    [ROUTE_DELETE] = acts_delete_job,
    [ROUTE_BULK] = take_bulk,
    [ROUTE_BATCH] = single_batch,
    [ROUTE_BATCH_EVENTS] = streams_batch,
    [ROUTE_ITEMS] = lists_items,
    [ROUTE_BATCH_DELIVERIES] = lists_batch_deliveries,
    [ROUTE_BATCH_ACT] = operations_batch,
    [ROUTE_SCHEDULES] = schedules_list,
    [ROUTE_SCHEDULE] = schedules_get,
    [ROUTE_SCHEDULE_PUT] = schedules_put,
    [ROUTE_SCHEDULE_DELETE] = schedules_delete,
    [ROUTE_SCHEDULE_ACT] = schedules_post,
    [ROUTE_QUEUES] = queues_list,
    [ROUTE_QUEUE] = queues_get,
    [ROUTE_QUEUE_PUT] = queues_put,
    [ROUTE_QUEUE_PATCH] = queues_patch,
    [ROUTE_QUEUE_ACT] = act_on_queue,
    [ROUTE_TYPES] = queues_list_types,
    [ROUTE_TYPE] = queues_get_type,
    [ROUTE_TYPE_PUT] = queues_put_type,
    [ROUTE_TYPE_PATCH] = queues_patch_type,
    [ROUTE_LEASES] = leases_take,
    [ROUTE_LEASE] = leases_say,
    [ROUTE_WEBHOOKS] = webhooks_list,
    [ROUTE_WEBHOOK_POST] = webhooks_post,
    [ROUTE_WEBHOOK] = webhooks_get,
    [ROUTE_WEBHOOK_PUT] = webhooks_put,
    [ROUTE_WEBHOOK_DELETE] = webhooks_delete,
    [ROUTE_WEBHOOK_ACT] = webhooks_act,
    [ROUTE_FEED] = feeds_follow,
    [ROUTE_SPOOL] = spool_door_books,
    [ROUTE_SPOOL_WAITING] = list_waiting,
    [ROUTE_SPOOL_REFUSED] = list_refused,
    [ROUTE_SPOOL_DELETE] = spool_door_delete,
    [ROUTE_LIVE] = answer_live,
    [ROUTE_READY] = answer_ready,
    [ROUTE_METRICS] = answer_metrics,
    [ROUTE_OPENAPI] = answer_openapi,
    [ROUTE_INDEX] = answer_index,
};
static_assert(sizeof handlers / sizeof *handlers == sizeof routes / sizeof *routes,
              "each route has its handler");

static void handle(void *ctx, struct http_request *request)
{
    const struct gateway *gateway = ctx;
    guard_count_body(request);
    CHECK(handlers[request->route] != NULL);
    handlers[request->route](gateway, request);
}

// A change that is made on a condition must not be made without it.
static bool has_condition(const struct http_request *request)
{
    return strcmp(routes[request->route].method, "GET") != 0 &&
           (request->headers[HTTP_IF_MATCH].data != NULL ||
            request->headers[HTTP_IF_NONE_MATCH].data != NULL ||
            request->headers[HTTP_IF_UNMODIFIED_SINCE].data != NULL);
}

static void refuse_condition(const struct gateway *gateway, struct http_request *request)
{
    struct reply reply = {gateway->tally, TALLY_OTHER, request};
    reply_problem(
        &reply,
        &(struct problem){
            .error = ERR_UNSUPPORTED,
            .status = 412,
            .detail = slice_of_text("nothing is changed on a condition: leave out If-Match, "
                                    "If-None-Match and If-Unmodified-Since"),
        },
        NULL);
}

static bool admit(void *ctx, struct http_request *request)
{
    if (has_condition(request)) {
        refuse_condition(ctx, request);
        return false;
    }
    return guard_admits(ctx, request, routes[request->route].mark);
}

static void turned(void *ctx)
{
    const struct gateway *gateway = ctx;
    courier_send(gateway->courier);
}

static struct slice refuse(void *ctx, const struct http_refusal *refusal, char *room,
                           size_t room_len)
{
    (void)ctx;
    const struct problem problem = {
        .error = refusal->error,
        .status = refusal->status,
        .detail = slice_of_text(refusal->detail),
    };
    return problem_text(&problem, (uint8_t *)room, room_len);
}

err door_open(struct gateway *gateway)
{
    const struct settings *settings = gateway->settings;
    const struct http_options options = {
        .endpoint = settings->http,
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .handler = handle,
        .turned = turned,
        .admit = admit,
        .release = guard_release,
        .refuse = refuse,
        .refuse_type = PROBLEM_TYPE_JSON,
        .ctx = gateway,
        .is_tls = settings->certificate != NULL,
        .limits =
            {
                .thread_count = settings->thread_count,
                .connection_count_max = settings->connection_count_max,
                .waiting_count_max = settings->connection_count_max,
                .buffered_bytes_max = settings->buffered_bytes_max,
                .idle_ms = settings->idle_ms,
                .head_ms = settings->head_ms,
                .body_ms = settings->body_ms,
            },
    };
    struct http *http = NULL;
    err e = http_open(&options, &http);
    gateway->http = http;
    return e;
}
