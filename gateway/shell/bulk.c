// The bulk thread.

#include "gateway/shell/bulk.h"

#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/shell/batch_seal.h"
#include "gateway/shell/bulk_private.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/spool_door.h"
#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/process.h"
#include "proto/check.h"

#include <stdlib.h>

enum { PIECE_BYTES_MAX = 2 * 1024 * 1024 };

struct reply bulk_reply(const struct load *load)
{
    return (struct reply){load->bulk->gateway->tally, TALLY_BULK, load->request};
}

void bulk_free(struct load *load)
{
    while (load->chunks != NULL) {
        struct chunk *next = load->chunks->next;
        free(load->chunks);
        load->chunks = next;
    }
    for (uint32_t i = 0; i < load->rejected_count; i++) {
        free((void *)(uintptr_t)load->rejected[i].detail.data);
        free((void *)(uintptr_t)load->rejected[i].violations.data);
    }
    struct bulk *bulk = load->bulk;
    free(load->rejected);
    free(load->replays);
    bulk_simulation_free(load->simulation, load->job_count);
    free(load->jobs);
    free(load->lines);
    free(load->pieces);
    free(load->keeping);
    free(load);
    pthread_mutex_lock(&bulk->lock);
    bulk->count--;
    pthread_mutex_unlock(&bulk->lock);
}

void bulk_refuse(struct load *load, err e, const char *detail)
{
    struct reply reply = bulk_reply(load);
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
    bulk_free(load);
}

void bulk_refuse_other(struct load *load)
{
    char detail[sizeof "another body was sent under this key, as batch " + ID_TEXT_LEN] =
        "another body was sent under this key, as batch ";
    struct reply reply = bulk_reply(load);
    id_to_text(&load->batch_id, detail + strlen(detail));
    tally_add(load->bulk->gateway->tally, TALLY_JOBS_REFUSED, load->job_count);
    reply_problem(&reply,
                  &(struct problem){.error = ERR_KEY_REUSED,
                                    .detail = slice_of_text(detail),
                                    .holder_id = load->batch_id},
                  NULL);
    bulk_free(load);
}

static void remember(const struct load *load)
{
    if (load->key.len == 0 || load->accepted_count + load->replayed_count == 0)
        return;
    posting_remember(load->bulk->gateway, &(struct keys_note){
                                              .id = load->batch_id,
                                              .kind = KEYS_BATCH,
                                              .fingerprint = load->fingerprint,
                                              .count = load->accepted_count + load->replayed_count,
                                              .created_at = clock_wall_ms(),
                                              .dedup_until = load->dedup_until,
                                          });
}

static err recall(const struct load *load, struct keys_note *out_note)
{
    const struct keys_note asked = {
        .id = load->batch_id, .kind = KEYS_BATCH, .fingerprint = load->fingerprint};
    if (load->key.len == 0)
        return ERR_NOT_FOUND;
    err e = posting_recall(load->bulk->gateway, &asked, out_note);
    // It came out of the spool, and how much of it was stored is not known.
    return e == OK && out_note->count == 0 ? ERR_NOT_FOUND : e;
}

static const char *why_unanswered(const struct load *load)
{
    bool would_spool = load->is_atomic && load->failure == ERR_NO_BROKER &&
                       spool_door_takes(load->bulk->gateway, load->failure, false);
    return would_spool ? "all or nothing needs the broker; with mode=partial its records go into "
                         "the spool"
                       : "the batch as a whole has no answer from the broker";
}

// No broker has answered for some of it: what this gateway knows by itself.
static void answer_alone(struct load *load)
{
    const struct gateway *gateway = load->bulk->gateway;
    struct keys_note note;
    err e = recall(load, &note);
    if (e == ERR_NOT_FOUND && bulk_may_spool(load)) {
        bulk_spool(load);
    } else if (e == ERR_NOT_FOUND) {
        bulk_refuse(load, load->failure, why_unanswered(load));
    } else if (e != OK) {
        bulk_refuse_other(load);
    } else if (note.count != load->job_count) {
        // The broker refused some of its records, and only it can say which and whether still.
        bulk_refuse(load, load->failure, "not all records of the batch were stored before");
    } else {
        load->accepted_count = 0;
        load->replayed_count = note.count;
        tally_add(gateway->tally, TALLY_KEYS_ANSWERED, 1);
        bulk_answer(load);
    }
}

static void finish_dry(struct load *load)
{
    if (load->failure != OK && !load->is_refused) {
        bulk_refuse(load, load->failure, "");
        return;
    }
    // Without the broker's word too it is known that nothing would be stored.
    if (load->is_refused)
        load->accepted_count = 0;
    if (!bulk_simulate(load))
        bulk_answer_dry(load);
}

static void finish(struct load *load)
{
    struct tally *tally = load->bulk->gateway->tally;
    if (load->is_dry_run) {
        finish_dry(load);
        return;
    }
    // Whatever came of the other pieces: were one of them stored, the batch would be of this body.
    if (load->is_other && load->accepted_count == 0) {
        bulk_refuse_other(load);
        return;
    }
    if (load->failure == ERR_NO_BROKER || load->failure == ERR_TIMEOUT) {
        answer_alone(load);
        return;
    }
    if (load->failure != OK) {
        bulk_refuse(load, load->failure, "");
        return;
    }
    tally_add(tally, TALLY_JOBS_ACCEPTED, load->accepted_count);
    tally_add(tally, TALLY_JOBS_REPLAYED, load->replayed_count);
    tally_add(tally, TALLY_JOBS_REFUSED, load->rejected_count);
    failpoint_hit("gateway.before_remember");
    remember(load);
    if (bulk_is_known(load))
        batch_seal_say(load->bulk->gateway, load->tenant, &load->batch_id);
    failpoint_hit("gateway.before_answer");
    bulk_answer(load);
}

// --- verdicts of the broker ---

static void count_answers(struct load *load, const struct piece *piece,
                          const struct msg_submitted_job *jobs)
{
    for (uint32_t i = 0; i < piece->ask.job_count; i++) {
        const struct msg_submitted_job *said = &jobs[i];
        if (said->error == ERR_ATOMIC)
            continue; // others are at fault, and told
        if (said->error == ERR_DEPENDENCY && load->is_refused)
            continue; // on one of those that the broker has not seen, perhaps
        load->is_other = load->is_other || (said->error == ERR_KEY_REUSED &&
                                            id_equal(&said->holder_id, &load->batch_id));
        if (said->error != OK) {
            struct problem problem = {
                .error = said->error, .detail = said->detail, .violations = said->violations};
            if (!bulk_reject(load, load->lines[piece->first + i], &problem))
                load->failure = ERR_NO_MEMORY;
        } else {
            load->replayed_count += said->replayed;
            if (load->replays != NULL)
                load->replays[piece->first + i] = said->replayed;
            load->accepted_count += !said->replayed;
            if (!said->replayed && id_version(&said->job_id) == 8)
                statuses_forget(load->bulk->gateway->statuses, &said->job_id); // used anew
            if (said->dedup_until > 0)
                load->dedup_until = when_min(load->dedup_until, said->dedup_until);
        }
    }
}

static void enqueue(struct bulk *bulk, struct load *load)
{
    load->next = NULL;
    if (bulk->last != NULL)
        bulk->last->next = load;
    else
        bulk->first = load;
    bulk->last = load;
    (void)pthread_cond_signal(&bulk->news);
}

void bulk_return(struct load *load)
{
    struct bulk *bulk = load->bulk;
    pthread_mutex_lock(&bulk->lock);
    enqueue(bulk, load);
    pthread_mutex_unlock(&bulk->lock);
}

// The broker's clock is another: once more, with ids of its time. A piece of which something is
// stored is not sent again.
static bool asks_again(struct piece *piece, const struct ask_result *result)
{
    struct load *load = piece->load;
    const struct gateway *gateway = load->bulk->gateway;
    if (result->error != OK || piece->is_minted_again)
        return false;
    uint32_t minted_count = 0;
    uint32_t spared_count = 0; // refused only because of the others
    for (uint32_t i = 0; i < piece->ask.job_count; i++) {
        const struct msg_submitted_job *said = &result->jobs[i];
        broker_time_hear(gateway->broker_time, said);
        minted_count +=
            posting_mint_again(gateway, load->tenant, &load->jobs[piece->first + i], said);
        spared_count += said->error == ERR_ATOMIC;
    }
    if (minted_count == 0 || minted_count + spared_count < piece->ask.job_count)
        return false;
    piece->is_minted_again = true;
    courier_ask(gateway->courier, &piece->ask);
    return true;
}

// The answer to a dry run, as those to submissions are.
static struct ask_result tried(const struct piece *piece, const struct ask_result *result)
{
    const struct msg *answer = result->answer;
    if (result->error != OK)
        return *result;
    if (answer->kind != MSG_SUBMITTED || answer->submitted.count != piece->ask.job_count)
        return (struct ask_result){.error = ERR_MALFORMED};
    return (struct ask_result){.jobs = answer->submitted.jobs,
                               .open = {answer->submitted.open_max, answer->submitted.open_left}};
}

// In the courier's thread.
static void piece_done(struct ask *ask, const struct ask_result *result)
{
    struct piece *piece = (struct piece *)ask;
    struct load *load = piece->load;
    struct ask_result told;
    if (load->is_dry_run) {
        told = tried(piece, result);
        result = &told;
    }
    if (asks_again(piece, result))
        return;
    if (result->error == OK) {
        load->open = result->open;
        count_answers(load, piece, result->jobs);
    } else if (load->failure != ERR_TIMEOUT) {
        // Once a part of it has been sent, nothing is certain about the whole.
        bool is_unsure = load->failure != OK && load->failure != result->error;
        load->failure = is_unsure ? ERR_TIMEOUT : result->error;
    }
    if (--load->left_count > 0)
        return;
    if (load->failure != OK && load->accepted_count + load->replayed_count > 0)
        load->failure = ERR_TIMEOUT; // any other error would say that nothing is stored
    bulk_return(load);
}

// --- submitting ---

// Is it one message, whose records see each other?
static bool is_whole(const struct load *load)
{
    return load->is_atomic || load->is_dry_run;
}

// The one message of a dry run.
static bool make_dry(struct load *load)
{
    load->replays = calloc(load->job_count, sizeof *load->replays);
    if (load->replays == NULL)
        return false;
    load->question = (struct msg){.kind = MSG_SUBMIT,
                                  .submit = {.jobs = load->jobs,
                                             .count = load->job_count,
                                             .is_atomic = load->is_atomic,
                                             .dry_run = true,
                                             .tenant_open_max = load->tenant_open_max}};
    load->pieces[0].ask.kind = ASK_MSG;
    load->pieces[0].ask.question = &load->question;
    return true;
}

// Cuts the jobs into pieces that a message carries.
static bool cut(struct load *load)
{
    struct piece *pieces = calloc(load->job_count, sizeof *pieces);
    if (pieces == NULL)
        return false;
    load->pieces = pieces;
    struct piece *piece = NULL;
    for (uint32_t i = 0; i < load->job_count; i++) {
        size_t len = load->jobs[i].payload.bytes.len;
        bool fits =
            piece != NULL && (is_whole(load) || (piece->ask.job_count < GATHER_JOBS_MAX &&
                                                 piece->ask.byte_count + len <= PIECE_BYTES_MAX));
        if (!fits) {
            piece = &pieces[load->piece_count++];
            piece->load = load;
            piece->first = i;
            piece->ask = (struct ask){
                .kind = ASK_SUBMIT,
                .tenant = load->tenant,
                .tenant_open_max = load->tenant_open_max,
                .is_bulk = true,
                .is_atomic = load->is_atomic,
                .done = piece_done,
                .jobs = load->jobs + i,
            };
        }
        piece->ask.job_count++;
        piece->ask.byte_count += len;
    }
    return !load->is_dry_run || make_dry(load);
}

static size_t payload_bytes(const struct load *load)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < load->job_count; i++)
        bytes += load->jobs[i].payload.bytes.len;
    return bytes;
}

static void submit(struct load *load)
{
    if (is_whole(load) && payload_bytes(load) > MSG_ATOMIC_BYTES_MAX) {
        bulk_refuse(load, ERR_TOO_LARGE,
                    load->is_atomic ? "an atomic batch has at most 16 MiB of payloads"
                                    : "a dry run has at most 16 MiB of payloads");
        return;
    }
    load->is_refused = load->is_atomic && load->is_dry_run && load->rejected_count > 0;
    if (load->job_count == 0 ||
        (load->is_atomic && load->rejected_count > 0 && !load->is_refused)) {
        finish(load);
        return;
    }
    if (!cut(load)) {
        bulk_refuse(load, ERR_NO_MEMORY, "");
        return;
    }
    load->left_count = load->piece_count;
    // The last answer may come before the loop ends, and then the load is not ours any more.
    uint32_t count = load->piece_count;
    struct piece *pieces = load->pieces;
    struct courier *courier = load->bulk->gateway->courier;
    failpoint_hit("gateway.before_submit");
    for (uint32_t i = 0; i < count; i++)
        courier_ask(courier, &pieces[i].ask);
}

static void begin(struct load *load, enum records_form form)
{
    const char *detail = "";
    load->batch_id = posting_batch_id(load->bulk->gateway, load->tenant, load->key);
    load->dedup_until = WHEN_NEVER;
    if (load->key.len > 0)
        load->fingerprint = blake_u64(slice_of_text("weft/batch/1"), load->request->body);
    // Also with a broker, which has not heard of it yet.
    if (load->key.len > 0 &&
        spool_is_other_body(load->bulk->gateway->spool, &load->batch_id, load->fingerprint)) {
        bulk_refuse_other(load);
        return;
    }
    err e = bulk_read_records(load, form, &detail);
    if (e == OK && load->job_count == 0 && load->rejected_count == 0) {
        e = ERR_BAD_FIELD;
        detail = "the batch has no records";
    }
    if (e != OK)
        bulk_refuse(load, e, detail);
    else
        submit(load);
}

// What the head says about the body; OK, or why it is refused.
static err judge(struct load *load, enum records_form *out_form, char detail[QUERY_FAULT_LEN])
{
    const struct http_request *request = load->request;
    struct query query;
    err e =
        query_read(request->query, 1u << QUERY_MODE | 1u << QUERY_DRY_RUN | 1u << QUERY_SIMULATE,
                   &query, detail);
    if (e == OK && query.has[QUERY_SIMULATE] && !query.dry_run) {
        (void)slice_to_text(slice_of_text("simulate: only with dry_run=true"), detail,
                            QUERY_FAULT_LEN);
        e = ERR_BAD_FIELD;
    }
    if (e != OK)
        return e;
    enum media media = media_of(request->headers[HTTP_CONTENT_TYPE]);
    *out_form = media == MEDIA_NDJSON ? RECORDS_LINES : RECORDS_ARRAY;
    if (media != MEDIA_NDJSON && media != MEDIA_JSON) {
        (void)slice_to_text(
            slice_of_text("send Content-Type: application/x-ndjson (one object a line) or "
                          "application/json (an array)"),
            detail, QUERY_FAULT_LEN);
        return ERR_MEDIA_TYPE;
    }
    struct slice key = request->headers[HTTP_IDEMPOTENCY_KEY];
    load->is_atomic = query.is_atomic;
    load->is_dry_run = query.dry_run;
    load->simulate_ms = query.simulate;
    load->key = key;
    if (key.data == NULL)
        return OK;
    bool is_good =
        !request->repeated[HTTP_IDEMPOTENCY_KEY] && check_key(key) && key.len <= BULK_KEY_LEN_MAX;
    if (!is_good)
        (void)slice_to_text(
            slice_of_text("Idempotency-Key of a batch: once, 1 to 249 printable ASCII characters"),
            detail, QUERY_FAULT_LEN);
    return is_good ? OK : ERR_BAD_FIELD;
}

// --- the thread ---

static struct load *take(struct bulk *bulk)
{
    pthread_mutex_lock(&bulk->lock);
    while (bulk->first == NULL && !bulk->is_closing)
        (void)pthread_cond_wait(&bulk->news, &bulk->lock);
    struct load *load = bulk->first;
    if (load != NULL) {
        bulk->first = load->next;
        bulk->last = bulk->first != NULL ? bulk->last : NULL;
    }
    pthread_mutex_unlock(&bulk->lock);
    return load;
}

static void *run(void *ctx)
{
    struct bulk *bulk = ctx;
    process_name("bulk");
    for (struct load *load = take(bulk); load != NULL; load = take(bulk)) {
        char detail[QUERY_FAULT_LEN];
        enum records_form form;
        if (load->keeping != NULL) {
            bulk_spooled(load);
            continue;
        }
        if (load->piece_count > 0) {
            finish(load);
            continue;
        }
        err e = judge(load, &form, detail);
        if (e != OK)
            bulk_refuse(load, e, detail);
        else
            begin(load, form);
    }
    return NULL;
}

void bulk_take(struct bulk *bulk, struct http_request *request)
{
    struct load *load = calloc(1, sizeof *load);
    struct reply reply = {bulk->gateway->tally, TALLY_BULK, request};
    err e = load == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK) {
        load->bulk = bulk;
        load->request = request;
        load->tenant = guard_caller(request)->tenant;
        load->tenant_open_max = callers_open_max(guard_caller(request));
        pthread_mutex_lock(&bulk->lock);
        if (bulk->is_closing)
            e = ERR_SHUTTING_DOWN;
        else if (bulk->count >= BULK_LOADS_MAX)
            e = ERR_FULL;
        if (e == OK) {
            bulk->count++;
            enqueue(bulk, load);
        }
        pthread_mutex_unlock(&bulk->lock);
    }
    if (e == OK)
        return;
    free(load);
    reply_problem(&reply, &(struct problem){.error = e, .status = 503}, NULL);
}

err bulk_open(const struct gateway *gateway, struct bulk **out_bulk)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk == NULL)
        return ERR_NO_MEMORY;
    bulk->gateway = gateway;
    bulk->scratch = malloc(sizeof *bulk->scratch);
    (void)pthread_mutex_init(&bulk->lock, NULL);
    (void)pthread_cond_init(&bulk->news, NULL);
    if (bulk->scratch != NULL && pthread_create(&bulk->thread, NULL, run, bulk) == 0) {
        *out_bulk = bulk;
        return OK;
    }
    free(bulk->scratch);
    free(bulk);
    return ERR_SYSTEM;
}

void bulk_close(struct bulk *bulk)
{
    if (bulk == NULL)
        return;
    pthread_mutex_lock(&bulk->lock);
    bulk->is_closing = true;
    (void)pthread_cond_signal(&bulk->news);
    pthread_mutex_unlock(&bulk->lock);
    (void)pthread_join(bulk->thread, NULL);
    (void)pthread_cond_destroy(&bulk->news);
    (void)pthread_mutex_destroy(&bulk->lock);
    free(bulk->scratch);
    free(bulk);
}
