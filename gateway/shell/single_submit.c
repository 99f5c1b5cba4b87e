// POST /v1/jobs.

#include "gateway/core/again.h"
#include "gateway/core/answer.h"
#include "gateway/core/forecast.h"
#include "gateway/core/media.h"
#include "gateway/core/prefer.h"
#include "gateway/core/query.h"
#include "gateway/core/spool_answer.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/posting.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/shown.h"
#include "gateway/shell/single.h"
#include "gateway/shell/spool_door.h"
#include "gateway/shell/values.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DECODED_LEN_MAX = 24 * 1024,
    ANSWER_LEN_MAX = 2048,
    DRY_LEN_MAX = 4096 + 2 * MSG_VIOLATIONS_LEN_MAX,
    LOCATION_LEN = 64,
    BEAT_MS = 3000, // so often a waiting client is asked whether it is still there
};

static ask_done heard_state;

// A job on its way into the spool.
struct keeping {
    struct spool_order order; // first: the spool's pointer is ours
    struct spool_item item;
    struct visit *visit;
};

// A request on its way to the broker and back.
struct visit {
    struct ask ask; // first: the courier's pointer is ours
    const struct gateway *gateway;
    struct http_request *request;
    struct msg_submit_job job;
    struct webhook_secret secret; // of its webhook
    uint64_t fingerprint;         // of a job with a key
    bool is_minted_again;
    struct msg question;           // of a dry run
    uint32_t wait_s;               // for the end, as the client prefers
    when_ms wait_until;            // monotonic
    struct msg_submitted_job said; // meanwhile, without its texts
    struct open_quota open;        // as the broker has said with it
    struct keeping keeping;        // while no broker answers
    struct arena arena;            // of `decoded`
    _Alignas(16) uint8_t decoded[DECODED_LEN_MAX];
};

static struct reply reply_of(const struct gateway *gateway, struct http_request *request)
{
    return (struct reply){gateway->tally, TALLY_SUBMIT, request};
}

static void refuse(const struct gateway *gateway, struct http_request *request, err e,
                   const char *detail)
{
    struct reply reply = reply_of(gateway, request);
    tally_add(gateway->tally, TALLY_JOBS_REFUSED, 1);
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

// --- answers ---

static void put_headers(const struct visit *visit, const struct msg_submitted_job *said,
                        struct reply_headers *headers)
{
    char location[LOCATION_LEN] = "/v1/jobs/";
    char applied[LOCATION_LEN];
    id_to_text(&said->job_id, location + strlen(location));
    reply_header(headers, "Location", location);
    if (said->replayed)
        reply_header(headers, "Idempotency-Replayed", "true");
    if (visit->wait_s == 0)
        return;
    (void)snprintf(applied, sizeof applied, "wait=%u", visit->wait_s);
    reply_header(headers, "Preference-Applied", applied);
}

static void answer_stored(struct visit *visit, const struct msg_submitted_job *said)
{
    struct reply reply = reply_of(visit->gateway, visit->request);
    uint8_t room[ANSWER_LEN_MAX];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(visit->request)};
    struct reply_headers headers = {.open = visit->open};
    put_headers(visit, said, &headers);
    reply_retry_after(
        &headers, again_submitted(&visit->job, said, broker_time_now(visit->gateway->broker_time)));
    answer_submitted(&out, &visit->job, said, &visit->secret);
    failpoint_hit("gateway.before_answer");
    reply_value(&reply, 202, &out, &headers);
}

static void count(const struct visit *visit, const struct msg_submitted_job *said)
{
    tally_add(visit->gateway->tally, said->replayed ? TALLY_JOBS_REPLAYED : TALLY_JOBS_ACCEPTED, 1);
}

static void remember(const struct visit *visit, const struct msg_submitted_job *said)
{
    if (visit->job.key.len == 0)
        return;
    // An id that is used anew: what its former job had come to is the past.
    if (!said->replayed)
        statuses_forget(visit->gateway->statuses, &said->job_id);
    posting_remember(visit->gateway, &(struct keys_note){
                                         .id = said->job_id,
                                         .kind = KEYS_JOB,
                                         .fingerprint = visit->fingerprint,
                                         .state = (uint8_t)said->state,
                                         .created_at = said->created_at,
                                         .dedup_until = said->dedup_until,
                                     });
}

static void answer_refused(struct visit *visit, err e, const struct msg_submitted_job *said)
{
    struct reply reply = reply_of(visit->gateway, visit->request);
    struct reply_headers headers = {.open = visit->open};
    if (err_may_retry(e))
        reply_retry_after(&headers, said != NULL ? said->retry_after_ms : 1000);
    tally_add(visit->gateway->tally, TALLY_JOBS_REFUSED, 1);
    struct problem problem = {.error = e, .holder_id = problem_holder(e, &visit->job, said)};
    if (said != NULL) {
        problem.detail = said->detail;
        problem.violations = said->violations;
    }
    reply_problem(&reply, &problem, &headers);
}

// --- no broker answers ---

static void answer_spooled(struct visit *visit)
{
    const struct spool_item *item = &visit->keeping.item;
    struct reply reply = reply_of(visit->gateway, visit->request);
    uint8_t room[ANSWER_LEN_MAX];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(visit->request)};
    struct reply_headers headers = {0};
    visit->wait_s = 0; // nobody tells of its end
    put_headers(visit,
                &(struct msg_submitted_job){.job_id = item->record.id, .replayed = item->is_known},
                &headers);
    reply_retry_after(&headers, 1000);
    spool_answer_job(&out, &(struct spool_told){.id = item->record.id,
                                                .type = visit->job.type,
                                                .queue = visit->job.queue,
                                                .spooled_at = item->record.spooled_at,
                                                .secret = &visit->secret});
    failpoint_hit("gateway.before_answer");
    reply_value(&reply, 202, &out, &headers);
}

// In the spool's thread.
static void kept(struct spool_order *order, err e)
{
    struct keeping *keeping = (struct keeping *)order;
    struct visit *visit = keeping->visit;
    const struct msg_submitted_job full = {.retry_after_ms = SPOOL_RETRY_MS};
    spool_pack_free(&keeping->item.record);
    if (e == OK)
        e = keeping->item.error;
    if (e == OK) {
        if (keeping->item.is_known)
            tally_add(visit->gateway->tally, TALLY_JOBS_REPLAYED, 1);
        spool_forward_wake(visit->gateway->forward);
        answer_spooled(visit);
    } else {
        bool is_full = e == ERR_SPOOL_FULL || e == ERR_SPOOL_SHARE;
        answer_refused(visit, e, is_full ? &full : NULL);
    }
    free(visit);
}

static void keep(struct visit *visit)
{
    struct keeping *keeping = &visit->keeping;
    struct arena arena = spool_pack_arena();
    err e = arena.data == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK)
        e = spool_pack(&visit->job, visit->ask.tenant, &arena, &keeping->item.record);
    free(arena.data);
    if (e != OK) {
        answer_refused(visit, e, NULL);
        free(visit);
        return;
    }
    keeping->visit = visit;
    keeping->order =
        (struct spool_order){.act = SPOOL_TAKE, .items = &keeping->item, .count = 1, .done = kept};
    spool_do(visit->gateway->spool, &keeping->order);
}

// What this gateway knows by itself, and can keep. The visit ends here.
static void answer_alone(struct visit *visit, err e)
{
    struct keys_note note;
    const struct keys_note asked = {
        .id = visit->job.job_id, .kind = KEYS_JOB, .fingerprint = visit->fingerprint};
    err known = ERR_NOT_FOUND;
    if (visit->job.key.len > 0)
        known = posting_recall(visit->gateway, &asked, &note);
    if (known == ERR_NOT_FOUND && spool_door_takes(visit->gateway, e, visit->job.key.len > 0)) {
        keep(visit);
        return;
    }
    if (known == ERR_NOT_FOUND) {
        answer_refused(visit, e, NULL);
    } else if (known != OK) {
        answer_refused(visit, known, NULL);
    } else {
        const struct msg_submitted_job said = {
            .job_id = note.id,
            .replayed = true,
            .state = (enum job_state)note.state,
            .created_at = note.created_at,
            .dedup_until = note.dedup_until,
        };
        tally_add(visit->gateway->tally, TALLY_KEYS_ANSWERED, 1);
        count(visit, &said);
        visit->wait_s = 0; // nobody tells of its end
        answer_stored(visit, &said);
    }
    free(visit);
}

// The broker's clock is another: once more, with an id of its time.
static bool asks_again(struct visit *visit, const struct ask_result *result)
{
    const struct gateway *gateway = visit->gateway;
    if (result->error != OK)
        return false;
    broker_time_hear(gateway->broker_time, &result->jobs[0]);
    if (visit->is_minted_again ||
        !posting_mint_again(gateway, visit->ask.tenant, &visit->job, &result->jobs[0]))
        return false;
    visit->is_minted_again = true;
    guard_ask(gateway, visit->request, &visit->ask);
    return true;
}

// --- stored, and the client waits for the end ---

static void answer_ended(struct visit *visit, const struct ask_result *result)
{
    struct reply reply = reply_of(visit->gateway, visit->request);
    struct reply_headers headers = {.open = visit->open};
    struct out out = {0};
    // What is stored is stored, whether or not its end can be shown.
    if (shown_put(result, reply_format(visit->request),
                  broker_time_now(visit->gateway->broker_time), 0, &out) != OK) {
        answer_stored(visit, &visit->said);
        return;
    }
    put_headers(visit, &visit->said, &headers);
    reply_etag(&headers, result->status->version);
    reply_value(&reply, 200, &out, &headers);
    shown_free(&out);
}

// The state, or the next one after `version`, within a beat.
static void ask_state(struct visit *visit, uint32_t version)
{
    when_ms left = visit->wait_until - clock_mono_ms();
    left = left > 0 ? when_min(left, BEAT_MS) : 0;
    visit->ask = (struct ask){.kind = ASK_STATUS,
                              .tenant = visit->ask.tenant,
                              .done = heard_state,
                              .id = visit->said.job_id,
                              .version = version,
                              .wait_ms = version > 0 ? (uint32_t)left : 0};
    guard_ask(visit->gateway, visit->request, &visit->ask);
}

static void heard_state(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    struct shown shown = shown_of(result, broker_time_now(visit->gateway->broker_time));
    bool is_late = clock_mono_ms() >= visit->wait_until || !http_is_wanted(visit->request);
    if (shown.error == OK && !shown.is_final && !is_late) {
        visit->said.state = result->status->state;
        ask_state(visit, shown.version);
        return;
    }
    if (shown.error == OK && shown.is_final)
        answer_ended(visit, result);
    else
        answer_stored(visit, &visit->said);
    free(visit);
}

static void wait_for_end(struct visit *visit, const struct msg_submitted_job *said)
{
    visit->said = (struct msg_submitted_job){.job_id = said->job_id,
                                             .replayed = said->replayed,
                                             .state = said->state,
                                             .created_at = said->created_at,
                                             .dedup_until = said->dedup_until};
    ask_state(visit, 0);
}

static void submitted(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    if (asks_again(visit, result))
        return;
    visit->open = result->open;
    if (result->error == ERR_NO_BROKER || result->error == ERR_TIMEOUT) {
        answer_alone(visit, result->error);
        return;
    }
    if (result->error != OK) {
        answer_refused(visit, result->error, NULL);
    } else if (result->jobs[0].error != OK) {
        answer_refused(visit, result->jobs[0].error, &result->jobs[0]);
    } else {
        remember(visit, &result->jobs[0]);
        count(visit, &result->jobs[0]);
        if (visit->wait_s > 0) {
            wait_for_end(visit, &result->jobs[0]);
            return;
        }
        answer_stored(visit, &result->jobs[0]);
    }
    free(visit);
}

// --- a dry run: nothing is counted or remembered ---

static void answer_dry(struct visit *visit, const struct msg_submitted *told)
{
    struct reply reply = reply_of(visit->gateway, visit->request);
    uint8_t packed[MSG_VIOLATIONS_LEN_MAX];
    static const struct msg_forecast none;
    const struct msg_forecast *forecast = told->forecast_count > 0 ? told->forecasts : &none;
    // What a worker says may become longer: escapes to six bytes, binary to base64.
    size_t converted_cap = values_room(forecast->simulated.bytes.len);
    size_t cap = DRY_LEN_MAX + converted_cap +
                 6 * (forecast->failure.kind.len + forecast->failure.message.len +
                      forecast->failure.detail.len);
    uint8_t *room = malloc(cap + converted_cap);
    if (room == NULL) {
        reply_problem(&reply, &(struct problem){.error = ERR_NO_MEMORY}, NULL);
        return;
    }
    struct out out = {.data = room, .cap = cap, .format = reply_format(visit->request)};
    struct out converted = {.data = room + cap, .cap = converted_cap, .format = out.format};
    struct forecast_told answer = {
        .job = &visit->job,
        .said = told->jobs,
        .forecast = told->forecast_count > 0 ? forecast : NULL,
        .simulated = values_answer(out.format, &forecast->simulated, &converted),
        .violations = reply_violations(told->jobs->violations, out.format,
                                       &(struct out){.data = packed, .cap = sizeof packed}),
    };
    forecast_put(&out, &answer);
    reply_value(&reply, 200, &out, &(struct reply_headers){.open = visit->open});
    free(room);
}

static void tried(struct ask *ask, const struct ask_result *result)
{
    struct visit *visit = (struct visit *)ask;
    const struct msg *answer = result->answer;
    err e = result->error;
    if (e == OK && (answer->kind != MSG_SUBMITTED || answer->submitted.count != 1))
        e = ERR_MALFORMED;
    struct ask_result told = {.error = e, .jobs = e == OK ? answer->submitted.jobs : NULL};
    if (asks_again(visit, &told))
        return;
    if (e == OK)
        visit->open = (struct open_quota){answer->submitted.open_max, answer->submitted.open_left};
    struct reply reply = reply_of(visit->gateway, visit->request);
    if (e == OK)
        answer_dry(visit, &answer->submitted);
    else
        reply_problem(&reply, &(struct problem){.error = e}, NULL);
    free(visit);
}

static void make_dry(struct visit *visit)
{
    visit->question =
        (struct msg){.kind = MSG_SUBMIT,
                     .submit = {.jobs = &visit->job,
                                .count = 1,
                                .dry_run = true,
                                .tenant_open_max = callers_open_max(guard_caller(visit->request))}};
    visit->ask = (struct ask){.kind = ASK_MSG, .done = tried, .question = &visit->question};
}

// --- questions ---

static err format_of(const struct http_request *request, enum doc_format *out_format)
{
    enum media media = media_of(request->headers[HTTP_CONTENT_TYPE]);
    *out_format = media == MEDIA_MSGPACK ? DOC_MSGPACK : DOC_JSON;
    bool is_known = media == MEDIA_NONE || media == MEDIA_JSON || media == MEDIA_MSGPACK;
    return is_known ? OK : ERR_MEDIA_TYPE;
}

static const char *key_fault(const struct http_request *request)
{
    struct slice key = request->headers[HTTP_IDEMPOTENCY_KEY];
    if (key.data == NULL)
        return NULL;
    if (request->repeated[HTTP_IDEMPOTENCY_KEY])
        return "send Idempotency-Key only once";
    return check_key(key) ? NULL : "Idempotency-Key must be 1 to 255 printable ASCII characters";
}

static err read_job(struct visit *visit, enum doc_format format, struct submit_fault *fault)
{
    const struct gateway *gateway = visit->gateway;
    struct http_request *request = visit->request;
    struct scratch *scratch = scratch_take(gateway->scratch);
    if (scratch == NULL) {
        fault->detail[0] = '\0';
        return ERR_NO_MEMORY;
    }
    struct doc_room room = {scratch->keys, SCRATCH_KEYS_MAX, &visit->arena};
    err e = posting_read((struct doc_value){format, request->body},
                         &(struct submit_options){.secret = &visit->secret, .is_body = true}, &room,
                         &visit->job, fault);
    scratch_give(gateway->scratch, scratch);
    if (e != OK)
        return e;
    struct slice key = request->headers[HTTP_IDEMPOTENCY_KEY];
    if (key.data != NULL && visit->job.by_content) {
        submit_fault_tell(fault, "", slice_of_text("dedup"),
                          "and Idempotency-Key exclude each other", NULL);
        return ERR_BAD_FIELD;
    }
    if (!visit->job.by_content)
        visit->job.key = key;
    visit->job.traceparent = posting_trace(request);
    return OK;
}

// Its id, and what comes from it.
static err name_job(struct visit *visit, struct submit_fault *fault)
{
    const struct gateway *gateway = visit->gateway;
    struct slice tenant = guard_caller(visit->request)->tenant;
    posting_mint(gateway, tenant, &visit->job);
    const struct sealer_name name = {"webhook.", tenant, &visit->job.job_id};
    err e = sealer_make(&gateway->sealer, &name, &visit->secret, fault);
    if (e == OK)
        e = sealer_seal(&gateway->sealer, &visit->secret, &visit->arena, &visit->job.webhook);
    if (e == OK && visit->job.key.len > 0)
        visit->fingerprint = posting_fingerprint(&visit->job);
    return e;
}

static err prepare(const struct gateway *gateway, struct http_request *request,
                   enum doc_format format, struct visit **out_visit, struct submit_fault *fault)
{
    struct visit *visit = malloc(sizeof *visit);
    fault->detail[0] = '\0';
    if (visit == NULL)
        return ERR_NO_MEMORY;
    // All but the room for decoded texts.
    memset(visit, 0, offsetof(struct visit, decoded));
    visit->gateway = gateway;
    visit->request = request;
    visit->arena = (struct arena){.data = visit->decoded, .cap = sizeof visit->decoded};
    err e = read_job(visit, format, fault);
    if (e == OK)
        e = name_job(visit, fault);
    if (e != OK) {
        free(visit);
        return e;
    }
    visit->wait_s = prefer_wait_s(request->headers[HTTP_PREFER]);
    visit->wait_until = clock_mono_ms() + (when_ms)visit->wait_s * 1000;
    visit->ask = (struct ask){
        .kind = ASK_SUBMIT,
        .done = submitted,
        .jobs = &visit->job,
        .job_count = 1,
        .byte_count = visit->job.payload.bytes.len,
    };
    *out_visit = visit;
    return OK;
}

void single_submit(const struct gateway *gateway, struct http_request *request)
{
    enum doc_format format;
    struct query query;
    struct visit *visit = NULL;
    struct submit_fault fault;
    char query_fault[QUERY_FAULT_LEN];
    err e = query_read(request->query, 1u << QUERY_DRY_RUN, &query, query_fault);
    if (e != OK) {
        refuse(gateway, request, e, query_fault);
        return;
    }
    if (format_of(request, &format) != OK) {
        refuse(gateway, request, ERR_MEDIA_TYPE,
               "send Content-Type: application/json or application/msgpack; many jobs at once, as "
               "application/x-ndjson, go to POST /v1/batches");
        return;
    }
    const char *bad_key = key_fault(request);
    if (bad_key != NULL) {
        refuse(gateway, request, ERR_BAD_FIELD, bad_key);
        return;
    }
    e = prepare(gateway, request, format, &visit, &fault);
    if (e != OK) {
        refuse(gateway, request, e, fault.detail);
        return;
    }
    if (spool_door_conflicts(gateway, &visit->job, visit->fingerprint)) {
        answer_refused(visit, ERR_KEY_REUSED, NULL);
        free(visit);
        return;
    }
    if (query.dry_run)
        make_dry(visit);
    guard_put(gateway, visit->request, &visit->ask);
}
