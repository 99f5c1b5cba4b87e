// What clients ask: requests, MMI (RFC 8), and the three services of Titanic (RFC 9).

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/mint.h"
#include "mdp/shell/front_private.h"
#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STATUS_WAIT_MS = 20000, // one long poll
    GIVE_UP_MS = 10000,     // Titanic's clients are told 500 then, and ask again
};

// --- places ---

static struct request *place_of(struct front *front, struct slice route,
                                const struct mdp_message *message)
{
    for (uint32_t i = 0; i < FRONT_REQUESTS_MAX; i++) {
        struct request *request = &front->requests[i];
        if (request->step != REQUEST_FREE)
            continue;
        uint32_t generation = request->generation + 1;
        *request = (struct request){
            .generation = generation, .style = message->style, .route_len = route.len};
        memcpy(request->route, route.data, route.len);
        (void)slice_to_text(message->service, request->service, sizeof request->service); // fits
        return request;
    }
    return NULL;
}

static void ask(struct front *front, struct request *request, struct msg *msg, when_ms patience_ms)
{
    bool is_plain = request_is_plain(request);
    const struct asker_question question = {
        .msg = msg,
        .user = (uint64_t)request->generation << 32 | (uint64_t)(request - front->requests),
        .patience_ms = patience_ms,
        .give_up_ms = is_plain ? front->options->ttl_ms + patience_ms : GIVE_UP_MS,
    };
    err e = asker_ask(front->asker, front->now, &question);
    if (e == OK)
        return;
    log_warn("mdp.request_dropped", "service=%s error=%s", request->service, err_slug(e));
    request->step = REQUEST_FREE;
}

static void finish(struct front *front, struct request *request, const struct slice *body,
                   uint32_t count)
{
    front_answer(front, request, body, count);
    request->step = REQUEST_FREE;
}

static void finish_code(struct front *front, struct request *request, const char *code)
{
    const struct slice body = slice_of_text(code);
    finish(front, request, &body, 1);
}

// Majordomo has no word for a request that failed: the client's patience ends, and it asks again.
static void finish_silent(struct request *request, const char *why)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&request->job_id, id);
    log_warn("mdp.request_failed", "service=%s job=%s why=%s", request->service, id,
             log_quote_text(why).text);
    request->step = REQUEST_FREE;
}

// --- submitting ---

struct wanted {
    struct slice service;
    const struct slice *body;
    uint32_t count;
    when_ms ttl_ms;
    when_ms keep_ms;
};

// False when it is no job that the broker would take; then *out_why says so.
static bool submit(struct front *front, struct request *request, const struct wanted *wanted,
                   const char **out_why)
{
    size_t len = bodies_len(wanted->body, wanted->count);
    struct bytes_out out = {.data = malloc(len), .cap = len};
    struct msg_submit_job job = {.tenant = slice_of_text(front->options->tenant),
                                 .queue = slice_of_text("default"),
                                 .type = wanted->service,
                                 .priority = MSG_PRIORITY_NOT_GIVEN,
                                 .ttl_ms = (uint64_t)wanted->ttl_ms,
                                 .keep_s = (uint32_t)((wanted->keep_ms + 999) / 1000)};
    const struct origin origin = {origin_tenant(job.tenant), job.queue};
    if (out.data == NULL) {
        *out_why = "out of memory";
        return false;
    }
    job.payload.content = bodies_pack(wanted->body, wanted->count, &out);
    job.payload.bytes = slice_of(out.data, out.len);
    job.job_id = request->job_id = mint_fresh(clock_wall_ms(), &origin);
    bool is_good = check_submit_job(&job, out_why) == OK;
    if (is_good) {
        struct msg msg = {.kind = MSG_SUBMIT, .submit = {.jobs = &job, .count = 1}};
        ask(front, request, &msg, 0);
    }
    free(out.data); // the question was copied
    return is_good;
}

static void take_plain(struct front *front, struct request *request,
                       const struct mdp_message *message)
{
    const struct wanted wanted = {.service = message->service,
                                  .body = message->body,
                                  .count = message->body_count,
                                  .ttl_ms = front->options->ttl_ms,
                                  .keep_ms = front->options->keep_ms};
    const char *why = NULL;
    request->step = REQUEST_SUBMITS;
    if (!submit(front, request, &wanted, &why))
        finish_silent(request, why);
}

static void take_titanic_request(struct front *front, struct request *request,
                                 const struct mdp_message *message)
{
    const char *why = NULL;
    request->step = REQUEST_STORES;
    if (message->body_count == 0) {
        finish_code(front, request, "500");
        return;
    }
    const struct wanted wanted = {.service = message->body[0],
                                  .body = message->body + 1,
                                  .count = message->body_count - 1,
                                  .keep_ms = front->options->titanic_ms};
    if (!submit(front, request, &wanted, &why)) {
        log_warn("mdp.request_refused", "why=%s", log_quote_text(why).text);
        finish_code(front, request, "500");
    }
}

// --- Titanic's other two ---

static void ask_status(struct front *front, struct request *request, uint32_t wait_ms)
{
    struct msg msg = {
        .kind = MSG_STATUS,
        .status = {.job_id = request->job_id, .wait_ms = wait_ms, .version = request->version}};
    ask(front, request, &msg, wait_ms);
}

static void ask_act(struct front *front, struct request *request, enum act_kind kind)
{
    struct msg msg = {
        .kind = MSG_ACT,
        .act = {.kind = kind, .job_id = request->job_id, .actor = slice_of_text("titanic.close")}};
    blake_random(&msg.act.act_id, sizeof msg.act.act_id);
    ask(front, request, &msg, 0);
}

static void take_titanic_id(struct front *front, struct request *request,
                            const struct mdp_message *message, enum request_step step)
{
    request->step = step;
    if (message->body_count != 1 || id_from_text(message->body[0], &request->job_id) != OK)
        finish_code(front, request, "400");
    else if (step == REQUEST_FETCHES)
        ask_status(front, request, 0);
    else
        ask_act(front, request, ACT_DELETE);
}

// --- MMI ---

static void take_mmi(struct front *front, struct request *request,
                     const struct mdp_message *message)
{
    static const char *const titanic[] = {"titanic.request", "titanic.reply", "titanic.close"};
    if (!slice_is_text(message->service, "mmi.service")) {
        finish_code(front, request, "501");
        return;
    }
    bool is_there = message->body_count == 1 && hands_serve(front->hands, message->body[0]);
    for (size_t i = 0; message->body_count == 1 && i < sizeof titanic / sizeof titanic[0]; i++)
        is_there = is_there || slice_is_text(message->body[0], titanic[i]);
    finish_code(front, request, is_there ? "200" : "404");
}

void request_take(struct front *front, struct slice route, const struct mdp_message *message)
{
    struct request *request = place_of(front, route, message);
    bool is_mmi = message->service.len >= 4 && memcmp(message->service.data, "mmi.", 4) == 0;
    if (request == NULL)
        log_warn("mdp.request_dropped", "service=%s why=\"as many requests as one front takes\"",
                 log_quote(message->service).text);
    else if (is_mmi)
        take_mmi(front, request, message);
    else if (slice_is_text(message->service, "titanic.request"))
        take_titanic_request(front, request, message);
    else if (slice_is_text(message->service, "titanic.reply"))
        take_titanic_id(front, request, message, REQUEST_FETCHES);
    else if (slice_is_text(message->service, "titanic.close"))
        take_titanic_id(front, request, message, REQUEST_DELETES);
    else
        take_plain(front, request, message);
}

// --- answers of the broker ---

static void hear_submitted(struct front *front, struct request *request,
                           const struct msg_submitted *said)
{
    bool is_stored = said->count == 1 && said->jobs[0].error == OK;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&request->job_id, id);
    if (request->step == REQUEST_STORES) {
        const struct slice body[] = {slice_of_text(is_stored ? "200" : "500"), slice_of_text(id)};
        finish(front, request, body, is_stored ? 2 : 1);
    } else if (!is_stored) {
        finish_silent(request, said->count == 1 ? err_text(said->jobs[0].error) : "no verdict");
    } else {
        request->step = REQUEST_RUNS;
        ask_status(front, request, STATUS_WAIT_MS);
    }
}

static bool is_final(enum job_state state)
{
    return state == JOB_SUCCEEDED || state == JOB_DEAD || state == JOB_CANCELLED ||
           state == JOB_EXPIRED || state == JOB_REMOVED;
}

static void hear_status_plain(struct front *front, struct request *request,
                              const struct msg_status_is *is)
{
    struct slice frames[MDP_BODY_MAX];
    if (is->error != OK) {
        finish_silent(request, err_text(is->error));
    } else if (is->state == JOB_SUCCEEDED) {
        finish(front, request, frames, bodies_unpack(&is->result, frames));
    } else if (is_final(is->state)) {
        finish_silent(request, "the job has ended without a result");
    } else {
        request->version = is->version;
        ask_status(front, request, STATUS_WAIT_MS);
    }
}

static void hear_status_titanic(struct front *front, struct request *request,
                                const struct msg_status_is *is)
{
    struct slice frames[MDP_BODY_MAX + 1] = {slice_of_text("200")};
    if (is->error == ERR_NOT_FOUND || is->error == ERR_GONE || is->state == JOB_REMOVED)
        finish_code(front, request, "400");
    else if (is->error != OK)
        finish_code(front, request, "500");
    else if (is->state == JOB_SUCCEEDED) {
        uint32_t count = bodies_unpack(&is->result, frames + 1);
        finish(front, request, frames, count < MDP_BODY_MAX ? count + 1 : MDP_BODY_MAX);
    } else
        finish_code(front, request, is_final(is->state) ? "500" : "300");
}

// An unfinished job is cancelled first; one that runs ends as cancelled later, and retention takes it.
static void hear_acted(struct front *front, struct request *request, const struct msg_acted *acted)
{
    bool may_retry = acted->error != OK && err_may_retry(acted->error);
    if (request->step == REQUEST_DELETES && acted->error == ERR_CONFLICT) {
        request->step = REQUEST_CANCELS;
        ask_act(front, request, ACT_CANCEL);
    } else if (request->step == REQUEST_CANCELS) {
        request->step = REQUEST_DELETES_AGAIN;
        ask_act(front, request, ACT_DELETE);
    } else {
        finish_code(front, request, may_retry ? "500" : "200");
    }
}

static void hear(struct front *front, struct request *request, const struct msg *answer)
{
    bool is_plain = request_is_plain(request);
    if (answer != NULL && answer->kind == MSG_SUBMITTED)
        hear_submitted(front, request, &answer->submitted);
    else if (answer != NULL && answer->kind == MSG_STATUS_IS && is_plain)
        hear_status_plain(front, request, &answer->status_is);
    else if (answer != NULL && answer->kind == MSG_STATUS_IS)
        hear_status_titanic(front, request, &answer->status_is);
    else if (answer != NULL && answer->kind == MSG_ACTED)
        hear_acted(front, request, &answer->acted);
    else if (is_plain)
        finish_silent(request, answer == NULL ? "no broker in time" : "the broker refused");
    else
        finish_code(front, request, "500");
}

void request_answered(void *ctx, uint64_t user, const struct msg *answer)
{
    struct front *front = ctx;
    struct request *request = &front->requests[(uint32_t)user];
    CHECK((uint32_t)user < FRONT_REQUESTS_MAX);
    if (request->step != REQUEST_FREE && request->generation == (uint32_t)(user >> 32))
        hear(front, request, answer);
}
