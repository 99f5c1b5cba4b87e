// The verb behind the colon, the act it asks for, and the answer.

#include "gateway/shell/acts.h"

#include "gateway/core/answer.h"
#include "gateway/core/query.h"
#include "gateway/core/verb.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/spool_door.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/sys/blake.h"
#include "proto/check.h"

#include <stdlib.h>

enum { ANSWER_LEN = 1024 };

struct deed {
    struct ask ask; // first: the courier's pointer is ours
    struct msg_act act;
    const struct gateway *gateway;
    struct http_request *request;
};

static const struct verb worker_verbs[] = {{"quiet", ACT_QUIET}, {"stop", ACT_STOP}, {0}};
static const struct verb job_verbs[] = {
    {"cancel", ACT_CANCEL}, {"retry", ACT_RETRY}, {"run-now", ACT_RUN_NOW}, {0}};

static struct reply reply_of(const struct deed *deed)
{
    return (struct reply){deed->gateway->tally, TALLY_ACT, deed->request};
}

static void refuse(const struct deed *deed, err e, struct slice detail)
{
    struct reply reply = reply_of(deed);
    reply_problem(&reply, &(struct problem){.error = e, .detail = detail}, NULL);
}

static void refuse_acted(const struct deed *deed, const struct msg_acted *acted)
{
    struct reply reply = reply_of(deed);
    reply_problem(&reply,
                  &(struct problem){.error = acted->error,
                                    .detail = acted->detail,
                                    .holder_id = acted->holder_id},
                  NULL);
}

// What a broker must have before anything can be done with it.
static bool is_in_spool(const struct deed *deed, err e)
{
    struct reply reply = reply_of(deed);
    return !id_is_zero(&deed->act.job_id) &&
           spool_door_refuses(deed->gateway, &reply, &deed->act.job_id, e);
}

// A job itself is only read.
static void refuse_method(const struct deed *deed)
{
    struct reply reply = reply_of(deed);
    struct reply_headers headers = {0};
    reply_header(&headers, "Allow", "GET, HEAD, DELETE");
    reply_problem(
        &reply,
        &(struct problem){.error = ERR_METHOD,
                          .detail = slice_of_text("what is to be done? {id}:cancel, :retry, "
                                                  ":run-now; or GET, HEAD, DELETE")},
        &headers);
}

static void tell_refusal(const struct deed *deed, const struct ask_result *result, err e)
{
    if (is_in_spool(deed, e))
        return;
    if (result->error != OK)
        refuse(deed, e, (struct slice){0});
    else
        refuse_acted(deed, result->acted);
}

static void answer(const struct deed *deed, const struct msg_acted *acted)
{
    struct reply reply = reply_of(deed);
    uint8_t room[ANSWER_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(deed->request)};
    struct reply_headers headers = {0};
    if (acted->drain != DRAIN_NONE) {
        answer_drained(&out, &deed->act.worker_id, acted->drain);
        reply_value(&reply, 202, &out, &headers);
        return;
    }
    reply_etag(&headers, acted->version);
    answer_acted(&out, &deed->act.job_id, acted);
    // 202: it is stored, and will be done.
    bool is_under_way = acted->cancel == CANCEL_REQUESTED && !answer_is_final(acted->state);
    reply_value(&reply, is_under_way ? 202 : 200, &out, &headers);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct deed *deed = (struct deed *)ask;
    // Who has deleted it must not see it any more.
    if (deed->act.kind == ACT_DELETE)
        statuses_forget(deed->gateway->statuses, &deed->act.job_id);
    err e = result->error != OK ? result->error : result->acted->error;
    if (e != OK)
        tell_refusal(deed, result, e);
    else
        answer(deed, result->acted);
    free(deed);
}

// The keys of the default tenant stand for themselves; those of another have its name before them,
// and a line feed, which is in no key.
static void hash_key(struct slice tenant, struct slice key, struct id *out_act_id)
{
    uint8_t room[MSG_NAME_LEN_MAX + 1 + MSG_KEY_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    if (!origin_is_tenant(tenant, (struct slice){0})) {
        bytes_put(&out, tenant.data, tenant.len);
        bytes_put_u8(&out, '\n');
    }
    bytes_put(&out, key.data, key.len);
    CHECK(!out.full);
    blake_hash16(slice_of(room, out.len), out_act_id->bytes);
}

bool acts_name(const struct http_request *request, struct id *out_act_id)
{
    struct slice key = request->headers[HTTP_IDEMPOTENCY_KEY];
    if (key.data == NULL)
        blake_random(out_act_id, sizeof *out_act_id);
    else if (!request->repeated[HTTP_IDEMPOTENCY_KEY] && check_key(key))
        hash_key(guard_caller(request)->tenant, key, out_act_id);
    else
        return false;
    return true;
}

static void ask(const struct deed *asked)
{
    struct id act_id;
    if (!acts_name(asked->request, &act_id)) {
        refuse(asked, ERR_BAD_FIELD,
               slice_of_text("Idempotency-Key: once, 1 to 255 printable ASCII characters"));
        return;
    }
    struct deed *deed = malloc(sizeof *deed);
    if (deed == NULL) {
        refuse(asked, ERR_NO_MEMORY, (struct slice){0});
        return;
    }
    *deed = *asked;
    deed->ask.act = &deed->act;
    deed->act.actor = guard_caller(deed->request)->name;
    deed->act.act_id = act_id;
    guard_ask(deed->gateway, deed->request, &deed->ask);
}

// What an act may not carry yet.
static bool takes_query(const struct deed *deed)
{
    struct query query;
    char fault[QUERY_FAULT_LEN];
    err e = query_read(deed->request->query, 0, &query, fault);
    if (e != OK)
        refuse(deed, e, slice_of_text(fault));
    return e == OK;
}

static struct deed begin(const struct gateway *gateway, struct http_request *request)
{
    return (struct deed){
        .ask = {.kind = ASK_ACT, .done = answered}, .gateway = gateway, .request = request};
}

static void act_on_job(struct deed *deed, struct slice id)
{
    if (id_from_text(id, &deed->act.job_id) != OK)
        refuse(deed, ERR_NOT_FOUND,
               slice_of_text("an id looks like 01890a5d-ac96-774b-bcce-b302099a8057"));
    else if (takes_query(deed) && !is_in_spool(deed, OK))
        ask(deed);
}

void acts_post_job(const struct gateway *gateway, struct http_request *request)
{
    struct deed deed = begin(gateway, request);
    struct slice id;
    deed.act.kind = (enum act_kind)verb_split(request->segment, job_verbs, &id);
    if (deed.act.kind == ACT_NONE && id.data == NULL)
        refuse_method(&deed);
    else if (deed.act.kind == ACT_NONE)
        refuse(&deed, ERR_NO_RESOURCE,
               slice_of_text("what is to be done? {id}:cancel, {id}:retry or {id}:run-now"));
    else
        act_on_job(&deed, id);
}

void acts_delete_job(const struct gateway *gateway, struct http_request *request)
{
    struct deed deed = begin(gateway, request);
    deed.act.kind = ACT_DELETE;
    act_on_job(&deed, request->segment);
}

void acts_post_worker(const struct gateway *gateway, struct http_request *request)
{
    struct deed deed = begin(gateway, request);
    struct slice id;
    deed.act.kind = (enum act_kind)verb_split(request->segment, worker_verbs, &id);
    if (deed.act.kind == ACT_NONE)
        refuse(&deed, ERR_NO_RESOURCE,
               slice_of_text("what is to be done? {id}:quiet or {id}:stop"));
    else if (id_from_text(id, &deed.act.worker_id) != OK)
        refuse(&deed, ERR_NOT_FOUND, slice_of_text("a worker prints its id when it is ready"));
    else if (takes_query(&deed))
        ask(&deed);
}
