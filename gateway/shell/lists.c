// One LIST, one page.

#include "gateway/shell/lists.h"

#include "gateway/core/answer.h"
#include "gateway/core/query.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "proto/check.h"

#include <stdlib.h>

// Names, moments and the like of one job, and what stands around them.
enum { JOB_LEN_MAX = 1024, AROUND_LEN = 128 };

struct browse {
    struct ask ask; // first: the courier's pointer is ours
    struct query query;
    const struct gateway *gateway;
    struct http_request *request;
};

static struct reply reply_of(const struct browse *browse)
{
    return (struct reply){browse->gateway->tally, TALLY_LIST, browse->request};
}

static void refuse(const struct browse *browse, err e, const char *detail)
{
    struct reply reply = reply_of(browse);
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

static void answer(const struct browse *browse, const struct msg_listed *listed)
{
    struct reply reply = reply_of(browse);
    size_t cap = AROUND_LEN + (size_t)listed->count * JOB_LEN_MAX;
    uint8_t *room = malloc(cap);
    if (room == NULL) {
        refuse(browse, ERR_NO_MEMORY, "");
        return;
    }
    struct out out = {.data = room, .cap = cap, .format = reply_format(browse->request)};
    answer_listed_begin(&out);
    for (uint32_t i = 0; i < listed->count; i++)
        answer_listed_job(&out, &listed->jobs[i], !id_is_zero(&browse->query.list.filter.batch_id));
    answer_listed_end(&out, listed->cursor);
    reply_value(&reply, 200, &out, NULL);
    free(room);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct browse *browse = (struct browse *)ask;
    err e = result->error != OK ? result->error : result->listed->error;
    if (e != OK)
        refuse(browse, e, "");
    else
        answer(browse, result->listed);
    free(browse);
}

// What is listed: the jobs of a batch, the deliveries that tell of a job or a batch, or all when both
// are zero.
struct of {
    struct id batch_id;
    struct id told_of;
    bool told_of_batch;
};

static void list(const struct gateway *gateway, struct http_request *request, const struct of *of)
{
    struct reply reply = {gateway->tally, TALLY_LIST, request};
    char fault[QUERY_FAULT_LEN] = "";
    const char *detail = fault;
    struct browse *browse = calloc(1, sizeof *browse);
    err e = browse == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK)
        e = query_read(request->query, id_is_zero(&of->told_of) ? QUERY_FILTER | QUERY_PAGE : 0,
                       &browse->query, fault);
    if (e == OK) {
        browse->query.list.filter.batch_id = of->batch_id;
        browse->query.list.told_of = of->told_of;
        browse->query.list.told_of_batch = of->told_of_batch;
    }
    if (e == OK)
        e = check_list(&browse->query.list, &detail);
    if (e != OK) {
        free(browse);
        reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
        return;
    }
    browse->ask = (struct ask){.kind = ASK_LIST, .done = answered, .list = &browse->query.list};
    browse->gateway = gateway;
    browse->request = request;
    guard_ask(gateway, browse->request, &browse->ask);
}

void lists_jobs(const struct gateway *gateway, struct http_request *request)
{
    list(gateway, request, &(struct of){.told_of_batch = false});
}

// The id in the path; false after an answer.
static bool read_id(const struct gateway *gateway, struct http_request *request, struct id *out_id)
{
    struct reply reply = {gateway->tally, TALLY_LIST, request};
    if (id_from_text(request->segment, out_id) == OK && !id_is_zero(out_id))
        return true;
    reply_problem(&reply,
                  &(struct problem){.error = ERR_NOT_FOUND,
                                    .detail = slice_of_text(
                                        "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057")},
                  NULL);
    return false;
}

void lists_deliveries(const struct gateway *gateway, struct http_request *request)
{
    struct of of = {.told_of_batch = false};
    if (read_id(gateway, request, &of.told_of))
        list(gateway, request, &of);
}

void lists_batch_deliveries(const struct gateway *gateway, struct http_request *request)
{
    struct of of = {.told_of_batch = true};
    if (read_id(gateway, request, &of.told_of))
        list(gateway, request, &of);
}

void lists_items(const struct gateway *gateway, struct http_request *request)
{
    struct of of = {.told_of_batch = false};
    if (read_id(gateway, request, &of.batch_id))
        list(gateway, request, &of);
}
