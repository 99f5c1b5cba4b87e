// One WORKER_LIST, one page.

#include "gateway/shell/rosters.h"

#include "gateway/core/query.h"
#include "gateway/core/roster.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"

#include <stdlib.h>

// What is told of a worker beside its names, and what stands around all of them.
enum { WORKER_LEN = 512, AROUND_LEN = 128 };

struct look {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    const struct gateway *gateway;
    struct http_request *request;
};

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   const char *detail)
{
    struct reply reply = {gateway->tally, TALLY_LIST, request};
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

// A byte of a name may take six, and names are quoted one by one.
static size_t answer_len(const struct msg_worker_listed *listed)
{
    size_t len = AROUND_LEN + (size_t)listed->count * WORKER_LEN;
    for (uint32_t i = 0; i < listed->count; i++)
        len += 6 * (listed->workers[i].name.len + listed->workers[i].types.len +
                    listed->workers[i].queues.len);
    return len;
}

static void answer(const struct look *look, const struct msg_worker_listed *listed)
{
    struct reply reply = {look->gateway->tally, TALLY_LIST, look->request};
    struct out out = {.cap = answer_len(listed), .format = reply_format(look->request)};
    out.data = malloc(out.cap);
    if (out.data == NULL) {
        refuse(look->gateway, look->request, ERR_NO_MEMORY, "");
        return;
    }
    roster_answer(&out, listed);
    reply_value(&reply, 200, &out, NULL);
    free(out.data);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct look *look = (struct look *)ask;
    err e = result->error;
    if (e == OK && result->answer->kind != MSG_WORKER_LISTED)
        e = ERR_MALFORMED;
    if (e != OK)
        refuse(look->gateway, look->request, e, "");
    else
        answer(look, &result->answer->worker_listed);
    free(look);
}

void rosters_list(const struct gateway *gateway, struct http_request *request)
{
    struct query query;
    char fault[QUERY_FAULT_LEN] = "";
    err e = query_read(request->query, QUERY_PAGE, &query, fault);
    if (e == OK && query.list.limit > MSG_WORKERS_MAX) {
        refuse(gateway, request, ERR_BAD_FIELD, "the parameter limit must be from 1 to 64");
        return;
    }
    struct look *look = e == OK ? malloc(sizeof *look) : NULL;
    if (look == NULL) {
        refuse(gateway, request, e != OK ? e : ERR_NO_MEMORY, fault);
        return;
    }
    *look = (struct look){
        .ask = {.kind = ASK_MSG, .done = answered},
        .question = {.kind = MSG_WORKER_LIST,
                     .worker_list = {.cursor = query.list.cursor, .limit = query.list.limit}},
        .gateway = gateway,
        .request = request};
    look->ask.question = &look->question;
    guard_ask(gateway, look->request, &look->ask);
}
