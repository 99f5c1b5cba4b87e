// A visit keeps question and request together until the broker has answered. After a pause or a
// resume it asks once more, because the answer tells the whole schedule.

#include "gateway/shell/schedules.h"

#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/core/schedule.h"
#include "gateway/core/verb.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/values.h"
#include "gateway/shell/visit.h"
#include "lib/base/check.h"
#include "proto/check.h"

#include <stdlib.h>

enum {
    DECODED_LEN_MAX = 64 * 1024, // texts of the object that had escapes
    ANSWER_LEN = 16 * 1024,
    LINE_LEN = 2048, // of a list
    NEXT_DEFAULT = 1,
};

struct visit {
    struct visit_head head; // first: the courier's pointer is ours
    struct schedule_put put;
    uint8_t after[MSG_NAME_LEN_MAX]; // of a list
    uint32_t next_count;
    bool is_dry_run;
    _Alignas(16) uint8_t decoded[];
};

static struct reply reply_to(const struct gateway *gateway, struct http_request *request)
{
    return (struct reply){gateway->tally, TALLY_SCHEDULE, request};
}

static void refuse_with(const struct gateway *gateway, struct http_request *request,
                        struct problem problem)
{
    struct reply reply = reply_to(gateway, request);
    struct reply_headers headers = {0};
    if (err_may_retry(problem.error))
        reply_retry_after(&headers, 1000);
    if (problem.error == ERR_NOT_FOUND) // the table's text speaks of jobs
        problem.fix = "check the id; GET /v1/schedules lists them";
    reply_problem(&reply, &problem, &headers);
}

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   struct slice detail)
{
    refuse_with(gateway, request, (struct problem){.error = e, .detail = detail});
}

static void tell_refusal(const struct visit *visit, const struct msg_schedule_status_is *is)
{
    uint8_t packed[MSG_VIOLATIONS_LEN_MAX];
    enum out_format format = reply_format(visit->head.request);
    struct out room = {.data = packed, .cap = sizeof packed};
    refuse_with(visit->head.gateway, visit->head.request,
                (struct problem){.error = is->error,
                                 .detail = is->detail,
                                 .violations = reply_violations(is->violations, format, &room)});
}

// --- answers ---

static void put_answer(const struct visit *visit, const struct msg_schedule_status_is *is,
                       struct out *out, struct out *converted)
{
    struct reply reply = reply_to(visit->head.gateway, visit->head.request);
    struct reply_headers headers = {0};
    struct answer_result payload = {.form = ANSWER_NONE};
    if (is->given.job_count > 0)
        payload = values_answer(out->format, &is->given.jobs->payload, converted);
    schedule_answer(out, is, &payload, visit->is_dry_run);
    reply_value(&reply, 200, out, &headers);
}

static void answer_one(const struct visit *visit, const struct msg_schedule_status_is *is)
{
    size_t payload_len = is->given.job_count > 0 ? is->given.jobs->payload.bytes.len : 0;
    size_t converted_cap = values_room(payload_len);
    size_t cap = ANSWER_LEN + converted_cap;
    uint8_t *room = malloc(cap + converted_cap);
    if (room == NULL) {
        refuse(visit->head.gateway, visit->head.request, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    enum out_format format = reply_format(visit->head.request);
    struct out out = {.data = room, .cap = cap, .format = format};
    struct out converted = {.data = room + cap, .cap = converted_cap, .format = format};
    put_answer(visit, is, &out, &converted);
    free(room);
}

static void answer_list(const struct visit *visit, const struct msg_schedule_listed *listed)
{
    struct reply reply = reply_to(visit->head.gateway, visit->head.request);
    size_t cap = ANSWER_LEN + (size_t)listed->count * LINE_LEN;
    uint8_t *room = malloc(cap);
    if (room == NULL) {
        refuse(visit->head.gateway, visit->head.request, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    struct reply_headers headers = {0};
    struct out out = {.data = room, .cap = cap, .format = reply_format(visit->head.request)};
    schedule_answer_list(&out, listed);
    reply_value(&reply, 200, &out, &headers);
    free(room);
}

static void answer_deleted(const struct visit *visit)
{
    struct reply reply = reply_to(visit->head.gateway, visit->head.request);
    struct reply_headers headers = {0};
    reply_empty(&reply, 204, &headers);
}

// True when the visit goes on: the schedule itself is asked for now.
static bool look_again(struct visit *visit)
{
    if (visit->head.question.kind != MSG_SCHEDULE_SET)
        return false;
    enum schedule_act act = visit->head.question.schedule_set.act;
    if (act != SCHEDULE_PAUSE && act != SCHEDULE_RESUME)
        return false;
    struct slice id = visit->head.question.schedule_set.given.schedule_id;
    visit->head.question =
        (struct msg){.kind = MSG_SCHEDULE_STATUS,
                     .schedule_status = {.schedule_id = id, .next_count = visit->next_count}};
    guard_ask(visit->head.gateway, visit->head.request, &visit->head.ask);
    return true;
}

static bool is_delete(const struct visit *visit)
{
    return visit->head.question.kind == MSG_SCHEDULE_SET &&
           visit->head.question.schedule_set.act == SCHEDULE_DELETE;
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    bool is_list = visit->head.question.kind == MSG_SCHEDULE_LIST;
    enum msg_kind wanted = is_list ? MSG_SCHEDULE_LISTED : MSG_SCHEDULE_STATUS_IS;
    err e = result->error;
    if (e == OK && result->answer->kind != wanted)
        e = ERR_MALFORMED;
    if (e != OK) {
        refuse(visit->head.gateway, visit->head.request, e, (struct slice){0});
    } else if (is_list) {
        const struct msg_schedule_listed *listed = &result->answer->schedule_listed;
        if (listed->error != OK)
            refuse(visit->head.gateway, visit->head.request, listed->error, listed->detail);
        else
            answer_list(visit, listed);
    } else {
        const struct msg_schedule_status_is *is = &result->answer->schedule_status_is;
        if (is->error != OK)
            tell_refusal(visit, is);
        else if (look_again(visit))
            return;
        else if (is_delete(visit))
            answer_deleted(visit);
        else
            answer_one(visit, is);
    }
    free(visit);
}

// --- questions ---

// NULL after an answer.
static struct visit *begin(const struct gateway *gateway, struct http_request *request,
                           uint32_t allowed, struct query *out_query)
{
    const struct visit_kind kind = {.size = sizeof(struct visit) + DECODED_LEN_MAX,
                                    .zeroed = sizeof(struct visit),
                                    .allowed = allowed,
                                    .done = answered,
                                    .refuse = refuse};
    struct visit_head *head = visit_new(&kind, gateway, request, out_query);
    if (head == NULL)
        return NULL;
    struct visit *visit = (struct visit *)head;
    visit->next_count = out_query->has[QUERY_NEXT] ? out_query->next : NEXT_DEFAULT;
    visit->is_dry_run = out_query->dry_run;
    return visit;
}

static void ask_act(const struct gateway *gateway, struct http_request *request,
                    enum schedule_act act, struct slice id)
{
    struct query query;
    uint32_t allowed = act == SCHEDULE_DELETE ? 0 : 1u << QUERY_NEXT;
    struct visit *visit = begin(gateway, request, allowed, &query);
    if (visit == NULL)
        return;
    visit->head.question = (struct msg){.kind = MSG_SCHEDULE_SET,
                                        .schedule_set = {.act = act, .given = {.schedule_id = id}}};
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

void schedules_delete(const struct gateway *gateway, struct http_request *request)
{
    if (!check_name(request->segment))
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
    else
        ask_act(gateway, request, SCHEDULE_DELETE, request->segment);
}

void schedules_post(const struct gateway *gateway, struct http_request *request)
{
    struct slice id;
    static const struct verb verbs[] = {
        {"pause", SCHEDULE_PAUSE}, {"resume", SCHEDULE_RESUME}, {0}};
    enum schedule_act act = (enum schedule_act)verb_split(request->segment, verbs, &id);
    if (act == SCHEDULE_NONE || !check_name(id))
        refuse(gateway, request, ERR_NO_RESOURCE,
               slice_of_text("what is to be done? {id}:pause or {id}:resume"));
    else
        ask_act(gateway, request, act, id);
}

void schedules_get(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    if (!check_name(request->segment)) {
        refuse(gateway, request, ERR_NOT_FOUND, (struct slice){0});
        return;
    }
    struct visit *visit = begin(gateway, request, 1u << QUERY_NEXT, &query);
    if (visit == NULL)
        return;
    visit->head.question = (struct msg){
        .kind = MSG_SCHEDULE_STATUS,
        .schedule_status = {.schedule_id = request->segment, .next_count = visit->next_count}};
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

void schedules_list(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    struct visit *visit =
        begin(gateway, request, 1u << QUERY_LIMIT | 1u << QUERY_AFTER_NAME, &query);
    if (visit == NULL)
        return;
    if (query.list.limit > MSG_SCHEDULES_MAX) {
        free(visit);
        refuse(gateway, request, ERR_BAD_FIELD,
               slice_of_text("the parameter limit must be from 1 to 256"));
        return;
    }
    if (query.has[QUERY_AFTER_NAME] && !check_name(query.after_name)) {
        free(visit);
        refuse(gateway, request, ERR_BAD_FIELD,
               slice_of_text("the parameter cursor must be one that an answer gave"));
        return;
    }
    if (query.after_name.len > 0)
        memcpy(visit->after, query.after_name.data, query.after_name.len);
    visit->head.question =
        (struct msg){.kind = MSG_SCHEDULE_LIST,
                     .schedule_list = {.after = slice_of(visit->after, query.after_name.len),
                                       .limit = query.list.limit}};
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}

static err read_put(struct visit *visit, struct submit_fault *fault)
{
    enum media media = media_of(visit->head.request->headers[HTTP_CONTENT_TYPE]);
    if (media != MEDIA_NONE && media != MEDIA_JSON && media != MEDIA_MSGPACK) {
        (void)slice_to_text(
            slice_of_text("send Content-Type: application/json or application/msgpack"),
            fault->detail, sizeof fault->detail);
        return ERR_MEDIA_TYPE;
    }
    enum doc_format format = media == MEDIA_MSGPACK ? DOC_MSGPACK : DOC_JSON;
    struct scratch *scratch = scratch_take(visit->head.gateway->scratch);
    if (scratch == NULL)
        return ERR_NO_MEMORY;
    struct arena arena = {.data = visit->decoded, .cap = DECODED_LEN_MAX};
    struct doc_room room = {scratch->keys, SCRATCH_KEYS_MAX, &arena};
    err e = schedule_read((struct doc_value){format, visit->head.request->body}, &room, &visit->put,
                          fault);
    scratch_give(visit->head.gateway->scratch, scratch);
    return e;
}

void schedules_put(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    struct visit *visit = begin(gateway, request, 1u << QUERY_NEXT | 1u << QUERY_DRY_RUN, &query);
    if (visit == NULL)
        return;
    struct submit_fault fault = {{0}};
    err e = read_put(visit, &fault);
    if (e != OK) {
        free(visit);
        refuse(gateway, request, e, slice_of_text(fault.detail));
        return;
    }
    visit->put.given.schedule_id = request->segment;
    visit->head.question = (struct msg){.kind = MSG_SCHEDULE_SET,
                                        .schedule_set = {.act = SCHEDULE_SET,
                                                         .given = visit->put.given,
                                                         .dry_run = query.dry_run,
                                                         .next_count = visit->next_count}};
    const char *detail = NULL;
    e = check_schedule_set(&visit->head.question.schedule_set, &detail);
    if (e != OK) {
        free(visit);
        refuse(gateway, request, e, slice_of_text(detail));
        return;
    }
    guard_ask(gateway, visit->head.request, &visit->head.ask);
}
