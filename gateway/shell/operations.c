// One OPERATE, or one OPERATION that may wait.

#include "gateway/shell/operations.h"

#include "gateway/core/answer.h"
#include "gateway/core/query.h"
#include "gateway/core/verb.h"
#include "gateway/shell/acts.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_LEN = 2048, URL_LEN = 64 };

static const char purge_verb[] = ":purge";
// What each act may say besides which jobs are meant.
static const uint32_t act_names = 1u << QUERY_DRY_RUN | 1u << QUERY_CURSOR | 1u << QUERY_RATE;

struct work {
    struct ask ask; // first: the courier's pointer is ours
    struct msg msg;
    struct query query; // the filter's names point into it
    const struct gateway *gateway;
    struct http_request *request;
};

static struct reply reply_of(const struct work *work)
{
    return (struct reply){work->gateway->tally, TALLY_ACT, work->request};
}

static void refuse(const struct work *work, err e, struct slice detail)
{
    struct reply reply = reply_of(work);
    bool is_purge = work->msg.kind == MSG_OPERATE && work->msg.operate.kind == ACT_PURGE;
    // The table's texts speak of ids and jobs.
    const char *fix =
        e == ERR_NOT_FOUND && is_purge ? "check the name; GET /v1/queues lists them" : NULL;
    if (e == ERR_CONFLICT)
        fix = "look at the status first: GET the operation";
    reply_problem(&reply, &(struct problem){.error = e, .detail = detail, .fix = fix}, NULL);
}

static void answer(const struct work *work, const struct msg_operation_is *is)
{
    struct reply reply = reply_of(work);
    uint8_t room[ANSWER_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(work->request)};
    struct reply_headers headers = {0};
    bool is_begun = work->msg.kind == MSG_OPERATE && work->msg.operate.kind != ACT_STOP;
    if (is_begun && work->msg.operate.dry_run) {
        answer_counted(&out, is);
        reply_value(&reply, 200, &out, NULL);
        return;
    }
    char url[URL_LEN] = "/v1/operations/";
    id_to_text(&is->operation_id, url + strlen(url));
    reply_etag(&headers, is->version);
    if (is_begun)
        reply_header(&headers, "Location", url);
    answer_operation(&out, is);
    // 202: it is stored, and goes on by itself.
    reply_value(&reply, is_begun && !is->is_over ? 202 : 200, &out, &headers);
}

static void answer_list(const struct work *work, const struct msg_operation_listed *listed)
{
    struct reply reply = reply_of(work);
    size_t cap = ANSWER_LEN * ((size_t)listed->count + 1);
    uint8_t *room = malloc(cap);
    if (room == NULL) {
        refuse(work, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    struct out out = {.data = room, .cap = cap, .format = reply_format(work->request)};
    answer_operations(&out, listed);
    reply_value(&reply, 200, &out, NULL);
    free(room);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct work *work = (struct work *)ask;
    const struct msg *msg = result->answer;
    if (result->error != OK)
        refuse(work, result->error, (struct slice){0});
    else if (msg->kind == MSG_OPERATION_LISTED && msg->operation_listed.error == OK)
        answer_list(work, &msg->operation_listed);
    else if (msg->kind == MSG_OPERATION_LISTED)
        refuse(work, msg->operation_listed.error, (struct slice){0});
    else if (msg->kind != MSG_OPERATION_IS)
        refuse(work, ERR_MALFORMED, (struct slice){0});
    else if (msg->operation_is.error != OK)
        refuse(work, msg->operation_is.error, msg->operation_is.detail);
    else
        answer(work, &msg->operation_is);
    free(work);
}

static struct work *make(const struct gateway *gateway, struct http_request *request)
{
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        refuse(&(struct work){.gateway = gateway, .request = request}, ERR_NO_MEMORY,
               (struct slice){0});
        return NULL;
    }
    work->gateway = gateway;
    work->request = request;
    work->ask = (struct ask){.kind = ASK_MSG, .done = answered, .question = &work->msg};
    return work;
}

// Frees the work when something is wrong.
static bool is_right(struct work *work, err e, const char *detail)
{
    if (e == OK)
        return true;
    refuse(work, e, slice_of_text(detail));
    free(work);
    return false;
}

static bool says_which(const struct query *query)
{
    return query->list.filter.queue.len > 0 || query->has[QUERY_STATUS] || query->has[QUERY_TYPE] ||
           query->has[QUERY_TAG] || query->has[QUERY_CREATED_AFTER] ||
           query->has[QUERY_CREATED_BEFORE];
}

// What stands before the verb.
static struct slice queue_of(const struct http_request *request)
{
    return slice_of(request->segment.data, request->segment.len - strlen(purge_verb));
}

// What is asked for, after its query has been read.
static err fill_operate(struct work *work, enum act_kind kind, const char **out_detail)
{
    struct msg_operate *operate = &work->msg.operate;
    *out_detail = "cursor: of a dry run only";
    if (work->query.has[QUERY_CURSOR] && !work->query.dry_run)
        return ERR_BAD_FIELD;
    *operate = (struct msg_operate){.kind = kind,
                                    .filter = work->query.list.filter,
                                    .actor = guard_caller(work->request)->name,
                                    .dry_run = work->query.dry_run,
                                    .rate = work->query.rate,
                                    .cursor = work->query.list.cursor};
    *out_detail = "Idempotency-Key: once, 1 to 255 printable ASCII characters";
    if (!acts_name(work->request, &operate->operation_id))
        return ERR_BAD_FIELD;
    return check_operate(operate, out_detail);
}

static err read_operate(struct work *work, enum act_kind kind, char fault[QUERY_FAULT_LEN],
                        const char **out_detail)
{
    bool is_purge = kind == ACT_PURGE;
    uint32_t names = QUERY_FILTER | act_names;
    err e = query_read(work->request->query, is_purge ? names & ~(1u << QUERY_QUEUE) : names,
                       &work->query, fault);
    *out_detail = fault;
    if (e != OK)
        return e;
    if (is_purge)
        work->query.list.filter.queue = queue_of(work->request);
    *out_detail = "which jobs? give status, queue, type, tag, created_after or created_before";
    if (!says_which(&work->query))
        return ERR_BAD_FIELD;
    return fill_operate(work, kind, out_detail);
}

// "{id}:verb". `hint` names the verbs.
static err read_act(struct work *work, const struct verb *verbs, const char *hint,
                    struct id *out_id, const char **out_detail)
{
    struct slice text;
    work->msg.operate.kind = (enum act_kind)verb_split(work->request->segment, verbs, &text);
    *out_detail = hint;
    if (work->msg.operate.kind == ACT_NONE)
        return ERR_NO_RESOURCE;
    *out_detail = "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057";
    return id_from_text(text, out_id) == OK && !id_is_zero(out_id) ? OK : ERR_NOT_FOUND;
}

static err read_batch(struct work *work, char fault[QUERY_FAULT_LEN], const char **out_detail)
{
    static const struct verb verbs[] = {
        {"cancel", ACT_CANCEL}, {"retry", ACT_RETRY}, {"run-now", ACT_RUN_NOW}, {0}};
    struct id id;
    err e = read_act(work, verbs, "what is to be done? {id}:cancel, {id}:retry or {id}:run-now",
                     &id, out_detail);
    if (e != OK)
        return e;
    *out_detail = fault;
    e = query_read(work->request->query, act_names, &work->query, fault);
    if (e != OK)
        return e;
    work->query.list.filter.batch_id = id;
    return fill_operate(work, work->msg.operate.kind, out_detail);
}

static void operate(const struct gateway *gateway, struct http_request *request,
                    err (*read)(struct work *work, char fault[QUERY_FAULT_LEN],
                                const char **out_detail))
{
    char fault[QUERY_FAULT_LEN] = "";
    const char *detail = fault;
    struct work *work = make(gateway, request);
    if (work == NULL)
        return;
    work->msg.kind = MSG_OPERATE;
    err e = read(work, fault, &detail);
    if (is_right(work, e, detail))
        guard_ask(gateway, work->request, &work->ask);
}

void operations_batch(const struct gateway *gateway, struct http_request *request)
{
    operate(gateway, request, read_batch);
}

void operations_begin(const struct gateway *gateway, struct http_request *request,
                      enum act_kind kind)
{
    char fault[QUERY_FAULT_LEN] = "";
    const char *detail = fault;
    struct work *work = make(gateway, request);
    if (work == NULL)
        return;
    work->msg.kind = MSG_OPERATE;
    err e = read_operate(work, kind, fault, &detail);
    if (is_right(work, e, detail))
        guard_ask(gateway, work->request, &work->ask);
}

bool operations_purge(const struct gateway *gateway, struct http_request *request)
{
    size_t len = strlen(purge_verb);
    struct slice segment = request->segment;
    if (segment.len <= len || memcmp(segment.data + segment.len - len, purge_verb, len) != 0)
        return false;
    operations_begin(gateway, request, ACT_PURGE);
    return true;
}

void operations_get(const struct gateway *gateway, struct http_request *request)
{
    char fault[QUERY_FAULT_LEN] = "";
    struct work *work = make(gateway, request);
    if (work == NULL)
        return;
    work->msg.kind = MSG_OPERATION;
    struct msg_operation *operation = &work->msg.operation;
    if (!is_right(work,
                  id_from_text(request->segment, &operation->operation_id) == OK ? OK
                                                                                 : ERR_NOT_FOUND,
                  "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057"))
        return;
    err e = query_read(request->query, 1u << QUERY_WAIT | 1u << QUERY_VERSION, &work->query, fault);
    if (!is_right(work, e, fault))
        return;
    // Without a version the end is waited for.
    operation->wait_ms = work->ask.wait_ms = (uint32_t)work->query.wait;
    operation->version = work->query.has[QUERY_VERSION] ? work->query.version : UINT32_MAX;
    guard_ask(gateway, work->request, &work->ask);
}

static err read_end(struct work *work, char fault[QUERY_FAULT_LEN], const char **out_detail)
{
    static const struct verb verbs[] = {{"cancel", ACT_STOP}, {0}};
    struct msg_operate *operate = &work->msg.operate;
    err e = read_act(work, verbs, "what is to be done? {id}:cancel", &operate->operation_id,
                     out_detail);
    if (e != OK)
        return e;
    operate->actor = guard_caller(work->request)->name;
    *out_detail = fault;
    return query_read(work->request->query, 0, &work->query, fault);
}

void operations_act(const struct gateway *gateway, struct http_request *request)
{
    operate(gateway, request, read_end);
}

void operations_list(const struct gateway *gateway, struct http_request *request)
{
    char fault[QUERY_FAULT_LEN] = "";
    struct work *work = make(gateway, request);
    if (work == NULL)
        return;
    work->msg.kind = MSG_OPERATION_LIST;
    struct msg_operation_list *list = &work->msg.operation_list;
    err e =
        query_read(request->query, 1u << QUERY_LIMIT | 1u << QUERY_AFTER_NAME, &work->query, fault);
    if (!is_right(work, e, fault))
        return;
    bool is_good = work->query.list.limit <= MSG_OPERATIONS_MAX &&
                   (!work->query.has[QUERY_AFTER_NAME] ||
                    answer_read_operation(work->query.after_name, &list->before, &list->before_id));
    if (!is_right(work, is_good ? OK : ERR_BAD_FIELD,
                  "limit is at most 256, and cursor is one that a list has given"))
        return;
    list->limit = work->query.list.limit;
    guard_ask(gateway, work->request, &work->ask);
}
