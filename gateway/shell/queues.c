// A visit keeps question and request together until the broker has answered.

#include "gateway/shell/queues.h"

#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/core/queue.h"
#include "gateway/core/verb.h"
#include "gateway/http/convert.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/visit.h"
#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "proto/check.h"

#include <stdlib.h>

enum {
    DECODED_LEN_MAX = 16 * 1024, // texts of the object that had escapes
    LINE_LEN = 1024,
    SCHEMA_GROWTH = 5, // a number of two bytes may take nine in MessagePack
};

struct visit {
    struct visit_head head;         // first: the courier's pointer is ours
    uint8_t name[MSG_NAME_LEN_MAX]; // the queue's; of a list the last one told
    bool is_list;
    bool is_type;
    bool is_change; // of what is named alone
};

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   struct slice detail)
{
    struct reply reply = {gateway->tally, TALLY_QUEUE, request};
    struct reply_headers headers = {0};
    if (err_may_retry(e))
        reply_retry_after(&headers, 1000);
    // The table's text speaks of jobs.
    const char *fix =
        e == ERR_NOT_FOUND ? "check the name; GET /v1/queues and /v1/types list them" : NULL;
    reply_problem(&reply, &(struct problem){.error = e, .detail = detail, .fix = fix}, &headers);
}

// A schema that has no form in MessagePack is left out.
static void put_type(const struct msg_type *type, struct out *out)
{
    struct msg_type told = *type;
    size_t cap = SCHEMA_GROWTH * told.schema.bytes.len;
    uint8_t *room = out->format == OUT_JSON || cap == 0 ? NULL : malloc(cap);
    struct out converted = {.data = room, .cap = cap, .format = out->format};
    if (room != NULL && convert_json(told.schema.bytes, &converted) == OK && !converted.full)
        told.schema.bytes = out_slice(&converted);
    else if (out->format != OUT_JSON)
        told.schema = (struct body){0};
    queue_answer_type(out, &told);
    free(room);
}

static void put(const struct visit *visit, const struct msg *answer, struct out *out)
{
    if (visit->is_type && visit->is_list)
        queue_answer_types(out, &answer->type_status_is);
    else if (visit->is_type)
        put_type(answer->type_status_is.types, out);
    else if (visit->is_list)
        queue_answer_list(out, &answer->queue_status_is);
    else
        queue_answer(out, answer->queue_status_is.queues);
}

static void tell(const struct visit *visit, const struct msg *answer)
{
    struct reply reply = {visit->head.gateway->tally, TALLY_QUEUE, visit->head.request};
    uint32_t count = visit->is_type ? answer->type_status_is.count : answer->queue_status_is.count;
    bool has_schema = visit->is_type && !visit->is_list;
    size_t schema = has_schema ? answer->type_status_is.types->schema.bytes.len : 0;
    size_t cap = ((size_t)count + 1) * LINE_LEN + SCHEMA_GROWTH * schema;
    uint8_t *room = malloc(cap);
    if (room == NULL) {
        refuse(visit->head.gateway, visit->head.request, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    struct reply_headers headers = {0};
    struct out out = {.data = room, .cap = cap, .format = reply_format(visit->head.request)};
    put(visit, answer, &out);
    reply_value(&reply, 200, &out, &headers);
    free(room);
}

// True when the visit goes on: the act is done, and now the queue itself is asked for.
static bool look_again(struct visit *visit, const struct msg *answer)
{
    if (visit->head.question.kind != MSG_ACT || answer->acted.error != OK)
        return false;
    struct slice queue = visit->head.question.act.queue;
    visit->head.question = (struct msg){.kind = MSG_QUEUE_STATUS, .queue_status = {.queue = queue}};
    guard_ask(visit->head.gateway, visit->head.request, &visit->head.ask);
    return true;
}

// What the broker says of it, in `out_detail` why not.
static err verdict_of(const struct visit *visit, const struct msg *answer, struct slice *out_detail)
{
    bool is_act = visit->head.question.kind == MSG_ACT;
    enum msg_kind status = visit->is_type ? MSG_TYPE_STATUS_IS : MSG_QUEUE_STATUS_IS;
    if (answer->kind != (is_act ? MSG_ACTED : status))
        return ERR_MALFORMED;
    if (is_act) {
        *out_detail = answer->acted.detail;
        return answer->acted.error;
    }
    const struct msg_queue_status_is *is = &answer->queue_status_is;
    const struct msg_type_status_is *type = &answer->type_status_is;
    err e = visit->is_type ? type->error : is->error;
    uint32_t count = visit->is_type ? type->count : is->count;
    *out_detail = visit->is_type ? type->detail : is->detail;
    return e != OK || visit->is_list || count == 1 ? e : ERR_MALFORMED;
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    err e = result->error;
    struct slice detail = {0};
    if (e == OK)
        e = verdict_of(visit, result->answer, &detail);
    if (e == OK && look_again(visit, result->answer))
        return;
    if (e == OK)
        tell(visit, result->answer);
    else
        refuse(visit->head.gateway, visit->head.request, e, detail);
    free(visit);
}

// NULL after an answer.
static struct visit *begin(const struct gateway *gateway, struct http_request *request,
                           uint32_t allowed, struct query *out_query)
{
    const struct visit_kind kind = {.size = sizeof(struct visit),
                                    .zeroed = sizeof(struct visit),
                                    .allowed = allowed,
                                    .done = answered,
                                    .refuse = refuse};
    struct visit_head *head = visit_new(&kind, gateway, request, out_query);
    return (struct visit *)head;
}

static void list(const struct gateway *gateway, struct http_request *request, bool is_type)
{
    struct query query;
    struct visit *visit =
        begin(gateway, request, 1u << QUERY_LIMIT | 1u << QUERY_AFTER_NAME, &query);
    if (visit == NULL)
        return;
    if (query.list.limit > MSG_QUEUES_MAX) {
        free(visit);
        refuse(gateway, request, ERR_BAD_FIELD,
               slice_of_text("the parameter limit must be from 1 to 256"));
        return;
    }
    visit->is_list = true;
    visit->is_type = is_type;
    if (query.after_name.len > 0)
        memcpy(visit->name, query.after_name.data, query.after_name.len);
    struct slice after = slice_of(visit->name, query.after_name.len);
    uint32_t limit = query.list.limit;
    if (is_type)
        visit->head.question =
            (struct msg){.kind = MSG_TYPE_STATUS, .type_status = {.after = after, .limit = limit}};
    else
        visit->head.question = (struct msg){.kind = MSG_QUEUE_STATUS,
                                            .queue_status = {.after = after, .limit = limit}};
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

void queues_list(const struct gateway *gateway, struct http_request *request)
{
    list(gateway, request, false);
}

void queues_list_types(const struct gateway *gateway, struct http_request *request)
{
    list(gateway, request, true);
}

static void get(const struct gateway *gateway, struct http_request *request, bool is_type)
{
    struct query query;
    if (!check_name(request->segment)) {
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
        return;
    }
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit == NULL)
        return;
    visit->is_type = is_type;
    if (is_type)
        visit->head.question =
            (struct msg){.kind = MSG_TYPE_STATUS, .type_status = {.type = request->segment}};
    else
        visit->head.question =
            (struct msg){.kind = MSG_QUEUE_STATUS, .queue_status = {.queue = request->segment}};
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

void queues_get(const struct gateway *gateway, struct http_request *request)
{
    get(gateway, request, false);
}

void queues_get_type(const struct gateway *gateway, struct http_request *request)
{
    get(gateway, request, true);
}

static err read_settings(const struct visit *visit, struct doc_value body,
                         const struct doc_room *room, struct msg *question,
                         struct submit_fault *fault)
{
    if (visit->is_type && visit->is_change)
        return queue_read_type_change(body, room, &question->type_set, fault);
    if (visit->is_type)
        return queue_read_type(body, room, &question->type_set, fault);
    if (visit->is_change)
        return queue_read_change(body, room, &question->queue_set, fault);
    return queue_read(body, room, &question->queue_set.settings, fault);
}

// Into the settings of the question.
static err read_body(struct visit *visit, struct submit_fault *fault)
{
    const struct http_request *request = visit->head.request;
    enum media media = media_of(request->headers[HTTP_CONTENT_TYPE]);
    bool is_patch = media == MEDIA_MERGE_PATCH && visit->is_change;
    if (media != MEDIA_NONE && media != MEDIA_JSON && media != MEDIA_MSGPACK && !is_patch) {
        (void)slice_to_text(
            slice_of_text("send Content-Type: application/json or application/msgpack"),
            fault->detail, sizeof fault->detail);
        return ERR_MEDIA_TYPE;
    }
    enum doc_format format = media == MEDIA_MSGPACK ? DOC_MSGPACK : DOC_JSON;
    struct scratch *scratch = scratch_take(visit->head.gateway->scratch);
    if (scratch == NULL)
        return ERR_NO_MEMORY;
    _Alignas(16) uint8_t decoded[DECODED_LEN_MAX];
    struct arena arena = {.data = decoded, .cap = sizeof decoded};
    struct doc_room room = {scratch->keys, SCRATCH_KEYS_MAX, &arena};
    struct doc_value body = {format, request->body};
    err e = read_settings(visit, body, &room, &visit->head.question, fault);
    scratch_give(visit->head.gateway->scratch, scratch);
    return e;
}

static void set(const struct gateway *gateway, struct http_request *request,
                const struct msg *question, bool is_change)
{
    struct query query;
    if (!check_name(request->segment)) { // a long one would not even travel
        refuse(gateway, request, ERR_BAD_FIELD, slice_of_text("name: 1 to 128 of a-z 0-9 . _ -"));
        return;
    }
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit == NULL)
        return;
    struct submit_fault fault = {{0}};
    visit->is_type = question->kind == MSG_TYPE_SET;
    visit->is_change = is_change;
    visit->head.question = *question;
    err e = read_body(visit, &fault);
    if (e != OK) {
        free(visit);
        refuse(gateway, request, e, slice_of_text(fault.detail));
        return;
    }
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

void queues_put(const struct gateway *gateway, struct http_request *request)
{
    set(gateway, request,
        &(struct msg){.kind = MSG_QUEUE_SET, .queue_set = {.queue = request->segment}}, false);
}

void queues_patch(const struct gateway *gateway, struct http_request *request)
{
    set(gateway, request,
        &(struct msg){.kind = MSG_QUEUE_SET, .queue_set = {.queue = request->segment}}, true);
}

void queues_put_type(const struct gateway *gateway, struct http_request *request)
{
    set(gateway, request,
        &(struct msg){.kind = MSG_TYPE_SET, .type_set = {.type = request->segment}}, false);
}

void queues_patch_type(const struct gateway *gateway, struct http_request *request)
{
    set(gateway, request,
        &(struct msg){.kind = MSG_TYPE_SET, .type_set = {.type = request->segment}}, true);
}

void queues_post(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    struct slice name;
    static const struct verb verbs[] = {
        {"pause", ACT_PAUSE}, {"resume", ACT_RESUME}, {"drain", ACT_DRAIN}, {0}};
    enum act_kind kind = (enum act_kind)verb_split(request->segment, verbs, &name);
    if (kind == ACT_NONE || !check_name(name)) {
        refuse(gateway, request, ERR_NO_RESOURCE,
               slice_of_text("what is to be done? {name}:pause, :resume, :drain or :purge"));
        return;
    }
    uint32_t allowed = kind == ACT_DRAIN ? 0 : 1u << QUERY_DIRECTION;
    struct visit *visit = begin(gateway, request, allowed, &query);
    if (visit == NULL)
        return;
    memcpy(visit->name, name.data, name.len);
    visit->head.question = (struct msg){.kind = MSG_ACT,
                                        .act = {.kind = kind,
                                                .queue = slice_of(visit->name, name.len),
                                                .direction = query.direction,
                                                .actor = guard_caller(request)->name}};
    blake_random(&visit->head.question.act.act_id, sizeof visit->head.question.act.act_id);
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}
