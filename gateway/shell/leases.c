// An errand keeps question and request together until the lessor has answered.

#include "gateway/shell/leases.h"

#include "gateway/core/lease.h"
#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/core/verb.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/lessor.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/values.h"
#include "proto/check.h"

#include <stddef.h>
#include <stdlib.h>

enum {
    ANSWER_LEN = 512,
    JOB_LEN = 16 * 1024, // of a job in the answer, besides its payload and its labels
    DECODED_LEN = 8 * 1024,
};

struct errand {
    struct lessor_ask ask; // first: the lessor's pointer is ours
    const struct gateway *gateway;
    struct http_request *request;
    struct lease_wish wish;
    struct lease_word word;
    struct ask hand_on; // of a word about a job that is not held here
    struct msg question;
    struct msg_log_line lines[LEASE_LINES_MAX];
    enum lease_verb verb;
    struct arena arena; // decoded texts, in the same memory
};

static struct reply reply_of(const struct gateway *gateway, struct http_request *request)
{
    return (struct reply){gateway->tally, TALLY_LEASE, request};
}

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   const char *detail)
{
    struct reply reply = reply_of(gateway, request);
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

// --- answers ---

static size_t room_of(const struct lessor_result *result, size_t *out_converted)
{
    size_t len = ANSWER_LEN;
    size_t converted = 0;
    for (uint32_t i = 0; i < result->job_count; i++) {
        const struct msg_job *job = &result->jobs[i];
        size_t value = values_room(job->payload.bytes.len);
        converted = value > converted ? value : converted;
        len += JOB_LEN + value + 6 * job->labels.len;
    }
    *out_converted = converted;
    return len;
}

static void put_jobs(struct out *out, const struct lessor_result *result, uint8_t *room, size_t cap)
{
    lease_put_begin(out, &result->terms);
    for (uint32_t i = 0; i < result->job_count; i++) {
        const struct msg_job *job = &result->jobs[i];
        struct out converted = {.data = room, .cap = cap, .format = out->format};
        struct answer_result payload = values_answer(out->format, &job->payload, &converted);
        lease_put_job(out, job, &payload);
    }
    lease_put_end(out);
}

// Jobs that are not told come again when their leases have passed.
static void taken(struct lessor_ask *ask, const struct lessor_result *result)
{
    struct errand *errand = (struct errand *)ask;
    struct reply reply = reply_of(errand->gateway, errand->request);
    size_t converted_cap;
    size_t cap = room_of(result, &converted_cap);
    uint8_t *room = result->error == OK ? malloc(cap + converted_cap) : NULL;
    if (result->error != OK) {
        refuse(errand->gateway, errand->request, result->error, "");
    } else if (room == NULL) {
        refuse(errand->gateway, errand->request, ERR_NO_MEMORY, "");
    } else {
        struct out out = {.data = room, .cap = cap, .format = reply_format(errand->request)};
        put_jobs(&out, result, room + cap, converted_cap);
        reply_value(&reply, 200, &out, &(struct reply_headers){0});
    }
    free(room);
    free(errand);
}

static void answer_word(struct errand *errand, const struct lessor_result *result)
{
    struct reply reply = reply_of(errand->gateway, errand->request);
    uint8_t room[ANSWER_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(errand->request)};
    bool is_over = errand->ask.finish != NULL;
    if (result->error == OK) {
        lease_put_taken(&out, &errand->ask.held.job_id, is_over ? NULL : &result->terms,
                        result->is_cancelled);
        reply_value(&reply, 200, &out, &(struct reply_headers){0});
    } else {
        refuse(errand->gateway, errand->request, result->error, "");
    }
    free(errand);
}

static void heard(struct ask *ask, const struct ask_result *result)
{
    struct errand *errand =
        (struct errand *)(void *)((char *)ask - offsetof(struct errand, hand_on));
    const struct msg *answer = result->answer;
    err e = result->error;
    if (e == OK && (answer->kind != MSG_FINISHED || answer->finished.count != 1))
        e = ERR_MALFORMED;
    if (e == ERR_BAD_FIELD) // its fields are good: an older broker takes it from workers only
        e = ERR_STALE_LEASE;
    answer_word(errand,
                &(struct lessor_result){.error = e != OK ? e : answer->finished.jobs[0].error});
}

// Late, or said before: no worker of ours has the job, and only the broker knows what has become of it.
// It takes no such word from whoever is no worker but from a gateway.
static void hand_on(struct errand *errand)
{
    errand->question =
        (struct msg){.kind = MSG_FINISH, .finish = {.jobs = &errand->word.finish, .count = 1}};
    errand->hand_on = (struct ask){.kind = ASK_MSG, .question = &errand->question, .done = heard};
    guard_ask(errand->gateway, errand->request, &errand->hand_on);
}

static void said(struct lessor_ask *ask, const struct lessor_result *result)
{
    struct errand *errand = (struct errand *)ask;
    if (result->is_unheld && ask->finish != NULL)
        hand_on(errand);
    else
        answer_word(errand, result);
}

// --- questions ---

static err format_of(const struct http_request *request, enum doc_format *out_format)
{
    enum media media = media_of(request->headers[HTTP_CONTENT_TYPE]);
    *out_format = media == MEDIA_MSGPACK ? DOC_MSGPACK : DOC_JSON;
    bool is_known = media == MEDIA_NONE || media == MEDIA_JSON || media == MEDIA_MSGPACK;
    return is_known ? OK : ERR_MEDIA_TYPE;
}

static struct errand *errand_new(const struct gateway *gateway, struct http_request *request)
{
    // Decoded texts are never longer than they were sent, but each begins at a place of its own.
    size_t len = DECODED_LEN + request->body.len + LEASE_LINES_MAX * 32;
    struct errand *errand = malloc(sizeof *errand + len);
    if (errand == NULL)
        return NULL;
    memset(errand, 0, sizeof *errand);
    uint8_t *room = (uint8_t *)(errand + 1);
    size_t odd = (uintptr_t)room % 16;
    errand->arena = (struct arena){.data = room + (odd > 0 ? 16 - odd : 0), .cap = len - 16};
    errand->gateway = gateway;
    errand->request = request;
    errand->ask.request = request;
    errand->ask.tenant = guard_caller(request)->tenant;
    return errand;
}

static err check_wish(const struct lease_wish *wish, struct submit_fault *fault)
{
    const struct msg_ready ready = {.types = wish->types,
                                    .type_count = wish->type_count,
                                    .queues = wish->queues,
                                    .queue_count = wish->queue_count,
                                    .slots = wish->max};
    const char *detail = NULL;
    err e = check_ready(&ready, ROLE_WORKER, &detail);
    if (e != OK)
        (void)slice_to_text(slice_of_text(detail), fault->detail, sizeof fault->detail);
    return e;
}

static err check_word(const struct errand *errand, struct submit_fault *fault)
{
    const char *detail = NULL;
    err e = errand->verb < LEASE_RENEW ? check_finish_job(&errand->word.finish, &detail) : OK;
    for (uint32_t i = 0; e == OK && i < errand->word.line_count; i++) {
        if (errand->word.lines[i].len <= MSG_LOG_TEXT_LEN_MAX)
            continue;
        e = ERR_BAD_FIELD;
        detail = "log: a line has at most 1,024 bytes";
    }
    if (e == OK && errand->word.progress.text.len > MSG_PROGRESS_TEXT_LEN_MAX) {
        e = ERR_BAD_FIELD;
        detail = "text: at most 256 bytes";
    }
    if (e != OK)
        (void)slice_to_text(slice_of_text(detail), fault->detail, sizeof fault->detail);
    return e;
}

// Fills in the errand, whose kind is known.
static err read_body(struct errand *errand, bool is_wish, struct submit_fault *fault)
{
    struct query query;
    struct doc_value body = {.raw = errand->request->body};
    err e = query_read(errand->request->query, 0, &query, fault->detail);
    if (e != OK)
        return e;
    e = format_of(errand->request, &body.format);
    if (e != OK) {
        (void)slice_to_text(
            slice_of_text("send Content-Type: application/json or application/msgpack"),
            fault->detail, sizeof fault->detail);
        return e;
    }
    struct scratch *scratch = scratch_take(errand->gateway->scratch);
    if (scratch == NULL)
        return ERR_NO_MEMORY;
    struct doc_room room = {scratch->keys, SCRATCH_KEYS_MAX, &errand->arena};
    e = is_wish ? lease_read_wish(body, &room, &errand->wish, fault)
                : lease_read_word(body, errand->verb, &room, &errand->word, fault);
    scratch_give(errand->gateway->scratch, scratch);
    errand->word.finish.job_id = errand->word.progress.job_id = errand->ask.held.job_id;
    if (e == OK)
        e = is_wish ? check_wish(&errand->wish, fault) : check_word(errand, fault);
    return e;
}

// False after a refusal, with which the errand is over.
static bool is_read(struct errand *errand, bool is_wish)
{
    struct submit_fault fault = {{0}};
    err e = read_body(errand, is_wish, &fault);
    if (e == OK)
        return true;
    refuse(errand->gateway, errand->request, e, fault.detail);
    free(errand);
    return false;
}

void leases_take(const struct gateway *gateway, struct http_request *request)
{
    struct errand *errand = errand_new(gateway, request);
    if (errand == NULL) {
        refuse(gateway, request, ERR_NO_MEMORY, "");
        return;
    }
    errand->ask.done = taken;
    errand->ask.wish = &errand->wish;
    if (is_read(errand, true))
        lessor_ask(gateway->lessor, &errand->ask);
}

// What goes out for a word.
static void say(struct errand *errand)
{
    struct lessor_ask *ask = &errand->ask;
    ask->done = said;
    ask->held.token = errand->word.token;
    ask->finish = errand->verb < LEASE_RENEW ? &errand->word.finish : NULL;
    ask->progress = errand->word.has_progress ? &errand->word.progress : NULL;
    for (uint32_t i = 0; i < errand->word.line_count; i++)
        errand->lines[i] = (struct msg_log_line){
            .job_id = ask->held.job_id, .token = ask->held.token, .text = errand->word.lines[i]};
    ask->lines = errand->lines;
    ask->line_count = errand->word.line_count;
    lessor_ask(errand->gateway->lessor, ask);
}

void leases_say(const struct gateway *gateway, struct http_request *request)
{
    static const struct verb verbs[] = {{"finish", LEASE_FINISH},     {"fail", LEASE_FAIL},
                                        {"release", LEASE_RELEASE},   {"renew", LEASE_RENEW},
                                        {"progress", LEASE_PROGRESS}, {0}};
    struct slice text;
    struct id id;
    enum lease_verb verb = (enum lease_verb)verb_split(request->segment, verbs, &text);
    if (verb == LEASE_NONE) {
        refuse(gateway, request, ERR_NO_RESOURCE,
               "what is said? {job}:finish, :fail, :release, :renew or :progress");
        return;
    }
    if (id_from_text(text, &id) != OK) {
        refuse(gateway, request, ERR_NOT_FOUND,
               "an id looks like 01890a5d-ac96-774b-bcce-b302099a8057");
        return;
    }
    struct errand *errand = errand_new(gateway, request);
    if (errand == NULL) {
        refuse(gateway, request, ERR_NO_MEMORY, "");
        return;
    }
    errand->verb = verb;
    errand->ask.held.job_id = id;
    if (is_read(errand, false))
        say(errand);
}
