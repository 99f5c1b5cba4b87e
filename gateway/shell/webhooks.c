// A visit keeps question and request together until the broker has answered. Only here is a secret
// ever told: when the broker says that the one of this request is the one that signs.

#include "gateway/shell/webhooks.h"

#include "gateway/core/endpoint.h"
#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/core/verb.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/visit.h"
#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/check_hook.h"

#include <assert.h>
#include <stdlib.h>

static_assert((int)ENDPOINT_OVERLAP_S_MAX == (int)CHECK_HOOK_OVERLAP_S_MAX, "the same bound");

enum {
    DECODED_LEN_MAX = 32 * 1024, // texts of the object, decoded and joined
    ANSWER_LEN = 1024,
};

struct visit {
    struct visit_head head; // first: the courier's pointer is ours
    struct endpoint_put put;
    char made_id[ID_TEXT_LEN + 1]; // of one without a name
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t after[MSG_NAME_LEN_MAX]; // of a list
    struct arena arena;
    _Alignas(16) uint8_t decoded[DECODED_LEN_MAX];
};

static struct reply reply_to(const struct gateway *gateway, struct http_request *request)
{
    return (struct reply){gateway->tally, TALLY_WEBHOOK, request};
}

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   struct slice detail)
{
    struct reply reply = reply_to(gateway, request);
    struct reply_headers headers = {0};
    if (err_may_retry(e))
        reply_retry_after(&headers, 1000);
    // The table's text speaks of jobs.
    const char *fix = e == ERR_NOT_FOUND  ? "check the id; GET /v1/webhooks lists them"
                      : e == ERR_CONFLICT ? "POST /v1/webhooks/{id}:enable, then try it again"
                                          : NULL;
    reply_problem(&reply, &(struct problem){.error = e, .detail = detail, .fix = fix}, &headers);
}

// --- answers ---

static enum webhook_act act_of(const struct visit *visit)
{
    return visit->head.question.kind == MSG_WEBHOOK_SET ? visit->head.question.webhook_set.act
                                                        : WEBHOOK_NONE;
}

static enum endpoint_secret fate_of(const struct visit *visit,
                                    const struct msg_webhook_status_is *is)
{
    enum webhook_act act = act_of(visit);
    if (act != WEBHOOK_SET && act != WEBHOOK_ROTATE)
        return ENDPOINT_SECRET_UNASKED;
    return is->signs ? ENDPOINT_SECRET_TAKEN : ENDPOINT_SECRET_KEPT;
}

static void put_answer(const struct visit *visit, const struct msg_webhook_status_is *is,
                       struct out *out)
{
    if (visit->head.question.kind == MSG_WEBHOOK_STATUS &&
        visit->head.question.webhook_status.webhook_id.len == 0)
        endpoint_answer_list(out, is);
    else if (act_of(visit) == WEBHOOK_TEST)
        endpoint_answer_test(out, visit->head.question.webhook_set.given.webhook_id,
                             &visit->head.question.webhook_set.test_id);
    else
        endpoint_answer(out, &(struct endpoint_told){.line = &is->webhooks[0],
                                                     .fate = fate_of(visit, is),
                                                     .secret = &visit->put.secret});
}

static void put_location(const struct visit *visit, struct reply_headers *headers)
{
    char location[REPLY_VALUE_LEN] = "/v1/webhooks/";
    struct slice id = visit->head.question.webhook_set.given.webhook_id;
    size_t at = strlen(location);
    CHECK(at + id.len < sizeof location);
    memcpy(location + at, id.data, id.len);
    location[at + id.len] = '\0';
    reply_header(headers, "Location", location);
}

static void answer(const struct visit *visit, const struct msg_webhook_status_is *is)
{
    struct reply reply = reply_to(visit->head.gateway, visit->head.request);
    struct reply_headers headers = {0};
    size_t cap = ANSWER_LEN + (size_t)is->count * ENDPOINT_ANSWER_LEN;
    struct out out = {.data = malloc(cap), .cap = cap, .format = reply_format(visit->head.request)};
    bool is_new = act_of(visit) == WEBHOOK_SET && is->signs;
    if (out.data == NULL) {
        refuse(visit->head.gateway, visit->head.request, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    if (is_new)
        put_location(visit, &headers);
    put_answer(visit, is, &out);
    unsigned status = act_of(visit) == WEBHOOK_TEST ? 202 : is_new ? 201 : 200;
    reply_value(&reply, status, &out, &headers);
    free(out.data);
}

// Every answer but a list's and that of a deletion tells one.
static bool is_whole(const struct visit *visit, const struct msg_webhook_status_is *is)
{
    bool is_list = visit->head.question.kind == MSG_WEBHOOK_STATUS &&
                   visit->head.question.webhook_status.webhook_id.len == 0;
    enum webhook_act act = act_of(visit);
    return is_list || act == WEBHOOK_DELETE || act == WEBHOOK_TEST || is->count == 1;
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    const struct msg_webhook_status_is *is = NULL;
    err e = result->error;
    if (e == OK && result->answer->kind != MSG_WEBHOOK_STATUS_IS)
        e = ERR_MALFORMED;
    if (e == OK) {
        is = &result->answer->webhook_status_is;
        e = is->error;
    }
    if (e == OK && !is_whole(visit, is))
        e = ERR_MALFORMED;
    if (e != OK) {
        refuse(visit->head.gateway, visit->head.request, e,
               is != NULL ? is->detail : (struct slice){0});
    } else if (act_of(visit) == WEBHOOK_DELETE) {
        struct reply reply = reply_to(visit->head.gateway, visit->head.request);
        struct reply_headers headers = {0};
        reply_empty(&reply, 204, &headers);
    } else {
        answer(visit, is);
    }
    free(visit);
}

// --- questions ---

// NULL after an answer.
static struct visit *begin(const struct gateway *gateway, struct http_request *request,
                           uint32_t allowed, struct query *out_query)
{
    const struct visit_kind kind = {.size = sizeof(struct visit),
                                    .zeroed = offsetof(struct visit, decoded),
                                    .allowed = allowed,
                                    .done = answered,
                                    .refuse = refuse};
    struct visit_head *head = visit_new(&kind, gateway, request, out_query);
    if (head == NULL)
        return NULL;
    struct visit *visit = (struct visit *)head;
    visit->arena = (struct arena){.data = visit->decoded, .cap = sizeof visit->decoded};
    return visit;
}

static void refuse_visit(struct visit *visit, err e, const char *detail)
{
    refuse(visit->head.gateway, visit->head.request, e, slice_of_text(detail));
    free(visit);
}

// Checked as the broker will check it.
static void ask_set(struct visit *visit)
{
    const char *detail = NULL;
    visit->head.question.webhook_set.actor = guard_caller(visit->head.request)->name;
    err e = check_hook_set(&visit->head.question.webhook_set, &detail);
    if (e != OK)
        refuse_visit(visit, e, detail);
    else
        guard_ask(visit->head.gateway, visit->head.request, &visit->head.ask);
}

// A secret of an endpoint is random: one that is made anew under the same id has another.
static err seal(struct visit *visit, struct submit_fault *fault)
{
    struct webhook_secret *secret = &visit->put.secret;
    struct msg_webhook_set *set = &visit->head.question.webhook_set;
    if (secret->is_new) {
        secret->len = SEAL_DERIVED_LEN;
        blake_random(secret->bytes, secret->len);
    }
    return sealer_put(&visit->head.gateway->sealer, secret, visit->sealed, &set->secret, fault);
}

typedef err body_reader(struct visit *visit, const struct doc_room *room, struct doc_value body,
                        struct submit_fault *fault);

static err read_endpoint(struct visit *visit, const struct doc_room *room, struct doc_value body,
                         struct submit_fault *fault)
{
    err e = endpoint_read(body, room, &visit->put, fault);
    if (e == OK)
        e = sealer_judge_endpoint(&visit->put.given, fault);
    if (e == OK)
        e = seal(visit, fault);
    return e;
}

static err read_rotation(struct visit *visit, const struct doc_room *room, struct doc_value body,
                         struct submit_fault *fault)
{
    struct endpoint_rotation rotation;
    err e = endpoint_read_rotation(body, room, &rotation, fault);
    if (e != OK)
        return e;
    visit->put.secret = rotation.secret;
    visit->head.question.webhook_set.overlap_s = rotation.overlap_s;
    return seal(visit, fault);
}

static err read_reason(struct visit *visit, const struct doc_room *room, struct doc_value body,
                       struct submit_fault *fault)
{
    return endpoint_read_reason(body, room, &visit->head.question.webhook_set.reason, fault);
}

// Nothing at all is an object with nothing in it.
static err read_body(struct visit *visit, body_reader *read, struct submit_fault *fault)
{
    const struct http_request *request = visit->head.request;
    enum media media = media_of(request->headers[HTTP_CONTENT_TYPE]);
    if (media != MEDIA_NONE && media != MEDIA_JSON && media != MEDIA_MSGPACK) {
        (void)slice_to_text(
            slice_of_text("send Content-Type: application/json or application/msgpack"),
            fault->detail, sizeof fault->detail);
        return ERR_MEDIA_TYPE;
    }
    struct scratch *scratch = scratch_take(visit->head.gateway->scratch);
    if (scratch == NULL)
        return ERR_NO_MEMORY;
    struct doc_room room = {scratch->keys, SCRATCH_KEYS_MAX, &visit->arena};
    struct doc_value body = {media == MEDIA_MSGPACK ? DOC_MSGPACK : DOC_JSON, request->body};
    if (request->body.len == 0)
        body = (struct doc_value){DOC_JSON, slice_of_text("{}")};
    err e = read(visit, &room, body, fault);
    scratch_give(visit->head.gateway->scratch, scratch);
    return e;
}

static void ask_with_body(struct visit *visit, body_reader *read)
{
    struct submit_fault fault = {{0}};
    err e = read_body(visit, read, &fault);
    if (e != OK)
        refuse_visit(visit, e, fault.detail);
    else
        ask_set(visit);
}

static void set(const struct gateway *gateway, struct http_request *request, struct slice id)
{
    struct query query;
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit == NULL)
        return;
    if (id.len == 0) {
        struct id made;
        blake_random(&made, sizeof made);
        id_to_text(&made, visit->made_id);
        id = slice_of(visit->made_id, ID_TEXT_LEN);
    }
    visit->head.question =
        (struct msg){.kind = MSG_WEBHOOK_SET, .webhook_set = {.act = WEBHOOK_SET}};
    struct submit_fault fault = {{0}};
    err e = read_body(visit, read_endpoint, &fault);
    if (e != OK) {
        refuse_visit(visit, e, fault.detail);
        return;
    }
    visit->put.given.webhook_id = id;
    visit->head.question.webhook_set.given = visit->put.given;
    ask_set(visit);
}

void webhooks_post(const struct gateway *gateway, struct http_request *request)
{
    set(gateway, request, (struct slice){0});
}

void webhooks_put(const struct gateway *gateway, struct http_request *request)
{
    if (request->segment.len == 0)
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
    else
        set(gateway, request, request->segment);
}

void webhooks_delete(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    if (!check_name(request->segment)) {
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
        return;
    }
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit == NULL)
        return;
    visit->head.question = (struct msg){
        .kind = MSG_WEBHOOK_SET,
        .webhook_set = {.act = WEBHOOK_DELETE, .given = {.webhook_id = request->segment}}};
    ask_set(visit);
}

static struct id mint_test(const struct visit *visit)
{
    struct slice tenant = guard_caller(visit->head.request)->tenant;
    return mint_fresh(broker_time_now(visit->head.gateway->broker_time),
                      &(struct origin){tenant, slice_of_text(HOOK_QUEUE)});
}

void webhooks_act(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    struct slice id;
    static const struct verb verbs[] = {{"rotate", WEBHOOK_ROTATE},
                                        {"enable", WEBHOOK_ENABLE},
                                        {"disable", WEBHOOK_DISABLE},
                                        {"test", WEBHOOK_TEST},
                                        {0}};
    enum webhook_act act = (enum webhook_act)verb_split(request->segment, verbs, &id);
    if (act == WEBHOOK_NONE || !check_name(id)) {
        refuse(gateway, request, ERR_NO_RESOURCE,
               slice_of_text("what is to be done? {id}:rotate, :enable, :disable or :test"));
        return;
    }
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit == NULL)
        return;
    visit->head.question = (struct msg){.kind = MSG_WEBHOOK_SET,
                                        .webhook_set = {.act = act, .given = {.webhook_id = id}}};
    if (act == WEBHOOK_TEST)
        visit->head.question.webhook_set.test_id = mint_test(visit);
    if (act == WEBHOOK_ROTATE)
        ask_with_body(visit, read_rotation);
    else if (act == WEBHOOK_DISABLE)
        ask_with_body(visit, read_reason);
    else
        ask_set(visit);
}

static void ask_status(struct visit *visit, const struct msg_webhook_status *status)
{
    visit->head.question = (struct msg){.kind = MSG_WEBHOOK_STATUS, .webhook_status = *status};
    guard_ask(visit->head.gateway, visit->head.request, &visit->head.ask);
}

void webhooks_get(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    if (!check_name(request->segment)) {
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
        return;
    }
    struct visit *visit = begin(gateway, request, 0, &query);
    if (visit != NULL)
        ask_status(visit, &(struct msg_webhook_status){.webhook_id = request->segment});
}

void webhooks_list(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    struct visit *visit =
        begin(gateway, request, 1u << QUERY_LIMIT | 1u << QUERY_AFTER_NAME, &query);
    if (visit == NULL)
        return;
    if (query.list.limit > MSG_HOOKS_MAX) {
        refuse_visit(visit, ERR_BAD_FIELD, "the parameter limit must be from 1 to 64");
        return;
    }
    if (query.after_name.len > 0)
        memcpy(visit->after, query.after_name.data, query.after_name.len);
    ask_status(visit,
               &(struct msg_webhook_status){.after = slice_of(visit->after, query.after_name.len),
                                            .limit = query.list.limit});
}
