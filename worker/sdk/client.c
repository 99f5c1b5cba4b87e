// Questions about jobs that are there, and acts on them.

#include "worker/sdk/weft/client.h"

#include "lib/base/check.h"
#include "lib/link/curve.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "proto/check.h"
#include "worker/sdk/client_private.h"

#include <stdlib.h>
#include <unistd.h>

#define BROKER_DEFAULT "tcp://127.0.0.1:7400"
enum { TIMEOUT_DEFAULT_MS = 10000, SIMULATE_DEFAULT_MS = 10000, WAIT_MS_MAX = 20000 };

// --- open and close ---

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    CHECK(copy != NULL); // the header says what happens without memory
    return copy;
}

int weft_client_open(const struct weft_client_options *options, weft_client **out_client,
                     struct weft_error *error)
{
    struct weft_client_options read;
    if (!weft_private_read(options, &read, sizeof read))
        return weft_private_fail(error, ERR_BAD_FIELD,
                                 "WEFT_CLIENT_OPTIONS_INIT sets size" WEFT_PRIVATE_OR_LATER);
    const char *tenant = read.tenant != NULL ? read.tenant : "default";
    if (!check_name(slice_of_text(tenant)))
        return weft_private_fail(error, ERR_BAD_FIELD, "tenant is 1 to 128 of a-z 0-9 . _ -");
    struct link_curve curve;
    bool has_curve = false;
    char problem[CURVE_PROBLEM_LEN];
    if (curve_load(read.curve_key, read.curve_server, &curve, &has_curve, problem) != OK)
        return weft_private_fail(error, ERR_BAD_FIELD, problem);
    struct weft_client *client = calloc(1, sizeof *client);
    CHECK(client != NULL);
    client->process = getpid();
    client->tenant = copy_text(tenant);
    client->timeout_ms = read.timeout_ms > 0 ? read.timeout_ms : TIMEOUT_DEFAULT_MS;
    client->simulate_ms = read.simulate_ms > 0 ? read.simulate_ms : SIMULATE_DEFAULT_MS;
    const struct client_options asking = {.endpoint =
                                              read.broker != NULL ? read.broker : BROKER_DEFAULT,
                                          .tenant = slice_of_text(client->tenant),
                                          .curve = has_curve ? &curve : NULL};
    err opened = client_open(&asking, &client->client);
    if (opened != OK) {
        weft_client_close(client);
        return weft_private_fail(error, opened,
                                 opened == ERR_BAD_FIELD ? "broker is tcp://HOST:PORT" : NULL);
    }
    *out_client = client;
    return OK;
}

static void drop_events(struct weft_client *client)
{
    free(client->event_items);
    free(client->event_places);
}

void weft_client_close(weft_client *client)
{
    if (client == NULL)
        return;
    // In a child of fork() the threads behind the socket are missing, and its end would be waited for in vain.
    if (client->process == getpid())
        client_close(client->client);
    weft_private_drop_verdicts(client);
    drop_events(client);
    free(client->texts);
    free(client->tenant);
    free(client);
}

// --- asking ---

int weft_private_ask(struct weft_client *client, struct msg *question, uint32_t wait_ms,
                     const struct msg **out_answer, struct weft_error *error)
{
    const struct client_patience patience = {.give_up_ms = client->timeout_ms,
                                             .answer_ms = wait_ms};
    if (client->process != getpid())
        return weft_private_fail(error, ERR_CONFLICT,
                                 "this client was opened before fork(); the child opens its own");
    err asked = client_ask(client->client, question, &patience, out_answer);
    if (asked == OK)
        return OK;
    char detail[sizeof error->text];
    (void)slice_to_text(client_detail(client->client), detail, sizeof detail);
    return weft_private_fail(error, asked, detail[0] != '\0' ? detail : NULL);
}

// Room for so many bytes of texts; those of the answer before are gone.
static void begin_texts(struct weft_client *client, size_t len)
{
    client->text_len = 0;
    if (len <= client->text_cap)
        return;
    free(client->texts);
    client->texts = malloc(len);
    CHECK(client->texts != NULL);
    client->text_cap = len;
}

static const char *keep_text(struct weft_client *client, struct slice text)
{
    char *at = client->texts + client->text_len;
    CHECK(client->text_len + text.len + 1 <= client->text_cap);
    (void)slice_to_text(text, at, text.len + 1);
    client->text_len += text.len + 1;
    return at;
}

const char *weft_state_name(enum weft_state state)
{
    static const char *const names[] = {"none",     "scheduled", "queued", "running",
                                        "retrying", "succeeded", "dead",   "cancelled",
                                        "expired",  "removed"};
    size_t number = (size_t)state;
    return number < sizeof names / sizeof *names ? names[number] : "unknown";
}

bool weft_state_is_end(enum weft_state state)
{
    return (int)state >= WEFT_SUCCEEDED;
}

// --- jobs ---

static void take_status(struct weft_client *client, const struct msg_status_is *is)
{
    begin_texts(client, is->type.len + is->queue.len + is->failure.kind.len +
                            is->failure.message.len + is->failure.detail.len +
                            is->progress_text.len + 6);
    client->status =
        (struct weft_status){.state = (enum weft_state)is->state,
                             .version = is->version,
                             .type = keep_text(client, is->type),
                             .queue = keep_text(client, is->queue),
                             .priority = is->priority,
                             .attempt = is->attempt,
                             .errors = is->errors,
                             .crashes = is->crashes,
                             .interruptions = is->interruptions,
                             .created_at_ms = is->created_at,
                             .due_at_ms = is->due_at,
                             .started_at_ms = is->started_at,
                             .ended_at_ms = is->ended_at,
                             .expires_at_ms = is->expires_at,
                             .result = {.content = (enum weft_content)is->result.content,
                                        .data = is->result.bytes.data,
                                        .len = is->result.bytes.len},
                             .error_kind = keep_text(client, is->failure.kind),
                             .error_message = keep_text(client, is->failure.message),
                             .error_detail = keep_text(client, is->failure.detail),
                             .progress_done = is->progress_done,
                             .progress_total = is->progress_total,
                             .progress_text = keep_text(client, is->progress_text)};
    id_to_text(&is->job_id, client->status.id);
}

int weft_client_status(weft_client *client, const char *id, const struct weft_patience *patience,
                       const struct weft_status **out_status, struct weft_error *error)
{
    const struct weft_patience now = {.wait_ms = 0};
    const struct weft_patience *wait = patience != NULL ? patience : &now;
    struct msg question = {.kind = MSG_STATUS,
                           .status = {.wait_ms = wait->wait_ms, .version = wait->version}};
    const struct msg *answer = NULL;
    if (!weft_private_id(id, &question.status.job_id))
        return weft_private_fail(error, ERR_BAD_FIELD, "id is a UUID");
    int asked = weft_private_ask(client, &question, wait->wait_ms, &answer, error);
    if (asked != OK)
        return asked;
    if (answer->kind != MSG_STATUS_IS || answer->status_is.error != OK)
        return weft_private_fail(
            error, answer->kind == MSG_STATUS_IS ? answer->status_is.error : ERR_MALFORMED, NULL);
    take_status(client, &answer->status_is);
    *out_status = &client->status;
    return OK;
}

int weft_client_wait(weft_client *client, const char *id, uint32_t timeout_ms,
                     const struct weft_status **out_status, struct weft_error *error)
{
    when_ms until = when_after(clock_mono_ms(), timeout_ms);
    struct weft_patience patience = {.version = 0};
    for (;;) {
        when_ms left = until - clock_mono_ms();
        patience.wait_ms = left > WAIT_MS_MAX ? WAIT_MS_MAX : left > 0 ? (uint32_t)left : 0;
        int asked = weft_client_status(client, id, &patience, out_status, error);
        if (asked != OK || weft_state_is_end(client->status.state))
            return asked;
        patience.version = client->status.version;
        if (patience.wait_ms == 0)
            return weft_private_fail(error, ERR_TIMEOUT, "the job has not ended in this time");
    }
}

// --- batches ---

static int ask_batch(struct weft_client *client, struct msg *question, uint32_t wait_ms,
                     const struct weft_batch **out_batch, struct weft_error *error)
{
    const struct msg *answer = NULL;
    int asked = weft_private_ask(client, question, wait_ms, &answer, error);
    if (asked != OK)
        return asked;
    if (answer->kind != MSG_BATCH_STATUS_IS || answer->batch_status_is.error != OK)
        return weft_private_fail(error,
                                 answer->kind == MSG_BATCH_STATUS_IS ? answer->batch_status_is.error
                                                                     : ERR_MALFORMED,
                                 NULL);
    const struct msg_batch_status_is *is = &answer->batch_status_is;
    client->batch = (struct weft_batch){.version = is->version,
                                        .created_at_ms = is->created_at,
                                        .finished_at_ms = is->finished_at,
                                        .is_sealed = is->is_sealed};
    static_assert(sizeof client->batch.counts == sizeof is->counts, "a count for each state");
    memcpy(client->batch.counts, is->counts, sizeof is->counts);
    id_to_text(&is->batch_id, client->batch.id);
    *out_batch = &client->batch;
    return OK;
}

int weft_client_batch(weft_client *client, const char *id, const struct weft_patience *patience,
                      const struct weft_batch **out_batch, struct weft_error *error)
{
    const struct weft_patience now = {.wait_ms = 0};
    const struct weft_patience *wait = patience != NULL ? patience : &now;
    struct msg question = {.kind = MSG_BATCH_STATUS,
                           .batch_status = {.wait_ms = wait->wait_ms, .version = wait->version}};
    if (!weft_private_id(id, &question.batch_status.batch_id))
        return weft_private_fail(error, ERR_BAD_FIELD, "id is a UUID");
    return ask_batch(client, &question, wait->wait_ms, out_batch, error);
}

int weft_client_batch_seal(weft_client *client, const char *id, const struct weft_batch **out_batch,
                           struct weft_error *error)
{
    struct msg question = {.kind = MSG_BATCH_SEAL};
    if (!weft_private_id(id, &question.batch_seal.batch_id))
        return weft_private_fail(error, ERR_BAD_FIELD, "id is a UUID");
    return ask_batch(client, &question, 0, out_batch, error);
}

// --- the stream ---

static void take_events(struct weft_client *client, const struct msg_event *event)
{
    size_t len = 0;
    for (uint32_t i = 0; i < event->count; i++)
        len += event->events[i].queue.len + event->events[i].type.len + 2;
    begin_texts(client, len);
    drop_events(client);
    client->event_items = calloc((size_t)event->count + 1, sizeof *client->event_items);
    client->event_places = calloc((size_t)event->count + 1, sizeof *client->event_places);
    CHECK(client->event_items != NULL && client->event_places != NULL);
    for (uint32_t i = 0; i < event->count; i++) {
        const struct msg_job_event *from = &event->events[i];
        struct weft_event *to = &client->event_items[i];
        *to = (struct weft_event){.state = (enum weft_state)from->state,
                                  .version = from->version,
                                  .at_ms = from->at,
                                  .queue = keep_text(client, from->queue),
                                  .type = keep_text(client, from->type)};
        id_to_text(&from->job_id, to->job_id);
        client->event_places[i] = to;
    }
    client->events = (struct weft_events){
        .gap = event->gap, .count = event->count, .items = client->event_places};
}

static bool read_watch(const struct weft_watch *read, struct msg_watch *out)
{
    *out = (struct msg_watch){.since = {.lineage = read->lineage,
                                        .epoch = read->epoch,
                                        .position = read->position,
                                        .index = read->index},
                              .limit = read->limit,
                              .wait_ms = read->wait_ms,
                              .states = read->states,
                              .queue = weft_private_slice(read->queue),
                              .type = weft_private_slice(read->type)};
    return read->job_id == NULL || weft_private_id(read->job_id, &out->job_id);
}

int weft_client_watch(weft_client *client, struct weft_watch *watch,
                      const struct weft_events **out_events, struct weft_error *error)
{
    struct weft_watch read;
    struct msg question = {.kind = MSG_WATCH};
    const struct msg *answer = NULL;
    if (watch == NULL || !weft_private_read(watch, &read, sizeof read))
        return weft_private_fail(error, ERR_BAD_FIELD,
                                 "WEFT_WATCH_INIT sets size" WEFT_PRIVATE_OR_LATER);
    if (!read_watch(&read, &question.watch))
        return weft_private_fail(error, ERR_BAD_FIELD, "job_id is a UUID");
    int asked = weft_private_ask(client, &question, read.wait_ms, &answer, error);
    if (asked != OK)
        return asked;
    if (answer->kind != MSG_EVENT)
        return weft_private_fail(error, ERR_MALFORMED, NULL);
    take_events(client, &answer->event);
    watch->lineage = answer->event.next.lineage;
    watch->epoch = answer->event.next.epoch;
    watch->position = answer->event.next.position;
    watch->index = answer->event.next.index;
    *out_events = &client->events;
    return OK;
}

// --- acts ---

int weft_client_act(weft_client *client, enum weft_act act, const char *id, const char *actor,
                    struct weft_error *error)
{
    struct msg question = {.kind = MSG_ACT, .act = {.actor = weft_private_slice(actor)}};
    const struct msg *answer = NULL;
    switch (act) {
    case WEFT_ACT_CANCEL: question.act.kind = ACT_CANCEL; break;
    case WEFT_ACT_RETRY: question.act.kind = ACT_RETRY; break;
    case WEFT_ACT_RUN_NOW: question.act.kind = ACT_RUN_NOW; break;
    case WEFT_ACT_DELETE: question.act.kind = ACT_DELETE; break;
    }
    if (question.act.kind == ACT_NONE || !weft_private_id(id, &question.act.job_id))
        return weft_private_fail(error, ERR_BAD_FIELD, "act is a weft_act, id a UUID");
    blake_random(&question.act.act_id, sizeof question.act.act_id);
    int asked = weft_private_ask(client, &question, 0, &answer, error);
    if (asked != OK)
        return asked;
    if (answer->kind != MSG_ACTED)
        return weft_private_fail(error, ERR_MALFORMED, NULL);
    if (answer->acted.error == OK)
        return OK;
    char detail[sizeof error->text];
    (void)slice_to_text(answer->acted.detail, detail, sizeof detail);
    return weft_private_fail(error, answer->acted.error, detail[0] != '\0' ? detail : NULL);
}
