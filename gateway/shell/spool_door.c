// Looking into the spool, and clearing it of refusals.

#include "gateway/shell/spool_door.h"

#include "gateway/core/answer.h"
#include "gateway/core/query.h"
#include "gateway/core/spool_answer.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "lib/base/check.h"

#include <stdlib.h>

enum {
    TOLD_LEN_MAX = 4096, // of a job: its detail may take six bytes for one, and is cut to fit
    DETAIL_LEN_MAX = 512,
    AROUND_LEN = 128,
    BOOKS_LEN = 512,
    LIST_DEFAULT = 50,
    LIST_MAX = 256,
    LOOK_MAX = 10000, // jobs looked at for one page
};

bool spool_door_takes(const struct gateway *gateway, err said, bool has_keys)
{
    bool is_sure = said == ERR_NO_BROKER || (said == ERR_TIMEOUT && has_keys);
    return is_sure && spool_is_open(gateway->spool) && !atomic_load(&gateway->is_stopping);
}

static bool is_empty(const struct gateway *gateway)
{
    struct spool_account books;
    spool_books(gateway->spool, &books);
    return books.waiting + books.kept == 0;
}

err spool_door_unknown(const struct gateway *gateway, err e)
{
    bool is_unsure = e == ERR_NOT_FOUND && spool_waiting(gateway->spool) > 0;
    return is_unsure ? ERR_UNKNOWN_YET : e;
}

// --- one job ---

// A job is copied out of the store's snapshot as what is told of it.
struct view {
    struct slice tenant;
    struct arena arena;
    struct out *out;
    bool is_found;
};

static void put_job(struct view *view, const struct spool_record *record)
{
    struct msg_submit_job job;
    arena_reset(&view->arena);
    if (spool_pack_read(record, &view->arena, &job) != OK)
        job = (struct msg_submit_job){0}; // it is told all the same
    view->is_found = true;
    spool_answer_job(view->out,
                     &(struct spool_told){
                         .id = record->id,
                         .type = job.type,
                         .queue = job.queue,
                         .spooled_at = record->spooled_at,
                         .error = record->error,
                         .refused_at = record->refused_at,
                         .detail = slice_of(record->detail.data, record->detail.len < DETAIL_LEN_MAX
                                                                     ? record->detail.len
                                                                     : DETAIL_LEN_MAX),
                     });
}

static bool see(void *ctx, const struct spool_record *record)
{
    struct view *view = ctx;
    if (slice_equal(record->tenant, view->tenant))
        put_job(view, record);
    return false;
}

bool spool_door_status(const struct gateway *gateway, struct http_request *request,
                       const struct id *id)
{
    uint8_t room[TOLD_LEN_MAX];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(request)};
    struct reply reply = {gateway->tally, TALLY_JOB, request};
    struct reply_headers headers = {0};
    if (is_empty(gateway))
        return false;
    struct view view = {
        .tenant = guard_caller(request)->tenant, .arena = spool_pack_arena(), .out = &out};
    if (view.arena.data == NULL)
        return false;
    err e = spool_look(gateway->spool, id, see, &view);
    free(view.arena.data);
    if (e != OK || !view.is_found)
        return false;
    reply_retry_after(&headers, 1000);
    reply_value(&reply, 200, &out, &headers);
    return true;
}

struct holding {
    struct slice tenant;
    enum spool_place place; // 0: not of this tenant
};

static bool hold(void *ctx, const struct spool_record *record)
{
    struct holding *holding = ctx;
    if (slice_equal(record->tenant, holding->tenant))
        holding->place = record->place;
    return false;
}

bool spool_door_refuses(const struct gateway *gateway, const struct reply *reply,
                        const struct id *id, err e)
{
    struct holding holding = {.tenant = guard_caller(reply->request)->tenant};
    bool is_alone = e == OK && !courier_is_ready(gateway->courier);
    if (!(is_alone || e == ERR_NOT_FOUND || e == ERR_NO_BROKER) || is_empty(gateway))
        return false;
    if (spool_look(gateway->spool, id, hold, &holding) != OK || holding.place == 0)
        return false;
    struct problem problem = {.error = ERR_SPOOLED};
    if (holding.place == SPOOL_REFUSED) {
        problem.error = ERR_CONFLICT;
        problem.detail = slice_of_text("a broker refused the job when the spool brought it");
        problem.fix = "GET /v1/jobs/{id} tells why; DELETE /v1/spool/{id} forgets it";
    }
    reply_problem(reply, &problem, NULL);
    return true;
}

struct twin {
    uint64_t fingerprint;
    bool is_other;
};

static bool compare(void *ctx, const struct spool_record *record)
{
    struct twin *twin = ctx;
    // Under the id of a refused one the broker may have another job, or none.
    twin->is_other = record->place == SPOOL_WAITING && record->fingerprint != twin->fingerprint;
    return false;
}

bool spool_door_conflicts(const struct gateway *gateway, const struct msg_submit_job *job,
                          uint64_t fingerprint)
{
    struct twin twin = {.fingerprint = fingerprint};
    if (job->key.len == 0 || spool_waiting(gateway->spool) == 0)
        return false;
    return spool_look(gateway->spool, &job->job_id, compare, &twin) == OK && twin.is_other;
}

// --- all ---

void spool_door_books(const struct gateway *gateway, struct http_request *request)
{
    uint8_t room[BOOKS_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(request)};
    struct reply reply = {gateway->tally, TALLY_SPOOL, request};
    struct spool_account books;
    spool_books(gateway->spool, &books);
    spool_answer_books(&out, &books, spool_bytes_max(gateway->spool));
    reply_value(&reply, 200, &out, NULL);
}

struct page {
    struct view view; // first
    uint32_t limit;
    uint32_t count;
    uint32_t looked_count;
    uint64_t cursor; // of the next page; 0: there is none
};

static bool add(void *ctx, const struct spool_record *record)
{
    struct page *page = ctx;
    if (page->count == page->limit || page->looked_count == LOOK_MAX) {
        page->cursor = record->number;
        return false;
    }
    page->looked_count++;
    page->view.is_found = false;
    if (slice_equal(record->tenant, page->view.tenant))
        put_job(&page->view, record);
    page->count += page->view.is_found;
    return true;
}

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   const char *detail)
{
    struct reply reply = {gateway->tally, TALLY_SPOOL, request};
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

static void list(const struct gateway *gateway, struct http_request *request,
                 const struct query *query, enum spool_place place)
{
    struct reply reply = {gateway->tally, TALLY_SPOOL, request};
    uint32_t limit = query->has[QUERY_LIMIT] ? query->list.limit : LIST_DEFAULT;
    struct out out = {.cap = AROUND_LEN + (size_t)limit * TOLD_LEN_MAX,
                      .format = reply_format(request)};
    struct page page = {.limit = limit};
    page.view = (struct view){
        .tenant = guard_caller(request)->tenant, .arena = spool_pack_arena(), .out = &out};
    out.data = malloc(out.cap);
    err e = out.data == NULL || page.view.arena.data == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK) {
        answer_listed_begin(&out);
        e = spool_walk(gateway->spool, place, query->list.cursor, add, &page);
    }
    if (e == OK) {
        answer_listed_end(&out, page.cursor);
        reply_value(&reply, 200, &out, NULL);
    } else {
        refuse(gateway, request, e, "");
    }
    free(page.view.arena.data);
    free(out.data);
}

void spool_door_list(const struct gateway *gateway, struct http_request *request,
                     enum spool_place place)
{
    struct query query;
    char fault[QUERY_FAULT_LEN] = "";
    err e = query_read(request->query, QUERY_PAGE, &query, fault);
    if (e != OK)
        refuse(gateway, request, e, fault);
    else if (query.list.limit > LIST_MAX)
        refuse(gateway, request, ERR_BAD_FIELD, "the parameter limit must be from 1 to 256");
    else
        list(gateway, request, &query, place);
}

// --- a refusal is not wanted any more ---

struct removal {
    struct spool_order order; // first
    struct spool_item item;
    const struct gateway *gateway;
    struct http_request *request;
};

static void removed(struct spool_order *order, err e)
{
    struct removal *removal = (struct removal *)order;
    struct reply reply = {removal->gateway->tally, TALLY_SPOOL, removal->request};
    if (e == OK)
        e = removal->item.error;
    if (e == OK)
        reply_empty(&reply, 204, NULL);
    else
        refuse(removal->gateway, removal->request, e,
               e == ERR_CONFLICT ? "it still waits for a broker; cancel it when one has it" : "");
    free(removal);
}

void spool_door_delete(const struct gateway *gateway, struct http_request *request)
{
    struct id id;
    if (id_from_text(request->segment, &id) != OK) {
        refuse(gateway, request, ERR_NOT_FOUND,
               "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057");
        return;
    }
    struct removal *removal = malloc(sizeof *removal);
    if (removal == NULL) {
        refuse(gateway, request, ERR_NO_MEMORY, "");
        return;
    }
    *removal = (struct removal){.gateway = gateway, .request = request};
    removal->item.record.id = id;
    removal->item.record.tenant = guard_caller(request)->tenant;
    removal->order = (struct spool_order){
        .act = SPOOL_DELETE, .items = &removal->item, .count = 1, .done = removed};
    spool_do(gateway->spool, &removal->order);
}
