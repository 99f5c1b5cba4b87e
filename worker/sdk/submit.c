// Submissions.

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/hook.h"
#include "proto/labels.h"
#include "worker/sdk/client_private.h"

#include <stdlib.h>

// Everything that one call needs, gone when it returns.
struct work {
    struct msg_submit_job *jobs; // as they go out
    uint32_t *places;            // which job of the call each of these is
    bool *is_minted;             // by job of the call
    uint32_t count;
    void **rooms; // by job of the call: labels and ids
    size_t room_count;
    bool is_atomic;
    bool is_dry_run;
    bool asks_workers; // about each job of it
    err refusal;       // of what is wrong with a job
};

static bool is_whole(const struct work *work)
{
    return work->is_atomic || work->is_dry_run;
}

static void *take_memory(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    CHECK(memory != NULL); // the header says what happens without memory
    return memory;
}

static void free_work(struct work *work)
{
    for (size_t i = 0; i < work->room_count; i++)
        free(work->rooms[i]);
    free(work->rooms);
    free(work->is_minted);
    free(work->places);
    free(work->jobs);
}

// --- reading one submission ---

struct room {
    struct id after[MSG_AFTER_MAX];
    uint8_t labels[MSG_LABELS_LEN_MAX];
    uint8_t webhook[MSG_HOOK_LEN_MAX];
    uint8_t batch_webhook[MSG_HOOK_LEN_MAX];
    char key[MINT_CONTENT_LEN + 1];
};

static struct slice queue_of(const struct msg_submit_job *job)
{
    return job->queue.len > 0 ? job->queue : slice_of_text("default");
}

static const char *read_after(const struct weft_submission *from, struct room *room,
                              struct msg_submit_job *job)
{
    if (from->after_count > MSG_AFTER_MAX)
        return "after: at most 100 ids";
    if (from->after_count > 0 && from->after == NULL)
        return "after_count without after";
    for (size_t i = 0; i < from->after_count; i++) {
        if (!weft_private_id(from->after[i], &room->after[i]))
            return "after: each is a UUID";
    }
    job->after = (struct msg_ids){.items = room->after, .count = (uint32_t)from->after_count};
    job->on_dependency_failure = (enum on_failure)from->on_dependency_failure;
    return NULL;
}

static const char *read_labels(const struct weft_submission *from, struct room *room,
                               struct msg_submit_job *job)
{
    struct labels labels = {.tag_count = 0};
    if (from->tag_count > MSG_TAGS_MAX || from->metadata_count > MSG_METADATA_MAX)
        return "at most 16 tags and 32 pairs of metadata";
    if ((from->tag_count > 0 && from->tags == NULL) ||
        (from->metadata_count > 0 && from->metadata == NULL))
        return "tag_count without tags, or metadata_count without metadata";
    for (size_t i = 0; i < from->tag_count; i++)
        labels.tags[labels.tag_count++] = weft_private_slice(from->tags[i]);
    for (size_t i = 0; i < from->metadata_count; i++) {
        labels.pairs[labels.pair_count++] =
            (struct labels_pair){.name = weft_private_slice(from->metadata[i].name),
                                 .value = weft_private_slice(from->metadata[i].value)};
    }
    struct bytes_out out = {.data = room->labels, .cap = sizeof room->labels};
    labels_write(&labels, &out);
    const char *detail = "tags and metadata are too long";
    job->labels = slice_of(out.data, out.len);
    return out.full || labels_check(job->labels, &detail) != OK ? detail : NULL;
}

static const char *read_webhook(const struct weft_submission *from, struct room *room,
                                struct msg_submit_job *job)
{
    const struct hook hook = {.url = weft_private_slice(from->webhook_url),
                              .endpoint = weft_private_slice(from->webhook_endpoint),
                              .events = from->webhook_events};
    if (hook.url.len == 0 && hook.endpoint.len == 0)
        return from->webhook_events == 0 ? NULL : "webhook_events: of a webhook";
    struct bytes_out out = {.data = room->webhook, .cap = sizeof room->webhook};
    const char *detail = "webhook_url is too long";
    hook_write(&hook, &out);
    job->webhook = slice_of(out.data, out.len);
    return out.full || hook_check(job->webhook, &detail) != OK ? detail : NULL;
}

static const char *read_batch_webhook(const struct weft_submission *from, struct room *room,
                                      struct msg_submit_job *job)
{
    const struct hook hook = {.url = weft_private_slice(from->batch_webhook_url),
                              .endpoint = weft_private_slice(from->batch_webhook_endpoint)};
    if (hook.url.len == 0 && hook.endpoint.len == 0)
        return NULL;
    struct bytes_out out = {.data = room->batch_webhook, .cap = sizeof room->batch_webhook};
    hook_write(&hook, &out);
    job->batch_webhook = slice_of(out.data, out.len); // check_submit_job() judges it
    return out.full ? "batch_webhook_url is too long" : NULL;
}

static const char *read_key(const struct weft_submission *from, struct room *room,
                            struct msg_submit_job *job)
{
    if (!from->key_is_of_content)
        return NULL;
    if (job->key.len > 0)
        return "key and key_is_of_content exclude each other";
    mint_content(&(struct mint_content){.queue = queue_of(job),
                                        .type = job->type,
                                        .payload = job->payload.bytes,
                                        .kind = (uint8_t)job->payload.content},
                 room->key);
    job->key = slice_of(room->key, MINT_CONTENT_LEN);
    return NULL;
}

// NULL, or what is wrong with a value that has no place on the wire.
static const char *check_values(const struct weft_submission *from)
{
    const struct weft_body *payload = &from->payload;
    if (from->priority_is_given && from->priority > MSG_PRIORITY_MAX)
        return "priority: 0 (first) to 9";
    if (payload->content < WEFT_CONTENT_NONE || payload->content > WEFT_CONTENT_TEXT)
        return "payload: content is a weft_content";
    if (payload->len > 0 && payload->data == NULL)
        return "payload: a length and no bytes";
    if (from->order < 0 || from->order > 2)
        return "order: 1 or 2, or 0";
    if (from->on_dependency_failure < 0 || from->on_dependency_failure > 2)
        return "on_dependency_failure: 1 (cancel) or 2 (run)";
    return NULL;
}

static bool needs_room(const struct weft_submission *from)
{
    return from->after_count + from->tag_count + from->metadata_count > 0 ||
           from->key_is_of_content || from->webhook_url != NULL || from->webhook_endpoint != NULL ||
           from->webhook_events != 0 || from->batch_webhook_url != NULL ||
           from->batch_webhook_endpoint != NULL;
}

static void read_plain(const struct weft_submission *from, struct msg_submit_job *job)
{
    job->key = weft_private_slice(from->key);
    job->queue = weft_private_slice(from->queue);
    job->type = weft_private_slice(from->type);
    job->payload = (struct body){.content = (enum content)from->payload.content,
                                 .bytes = slice_of(from->payload.data, from->payload.len)};
    job->priority = from->priority_is_given ? from->priority : MSG_PRIORITY_NOT_GIVEN;
    job->delay_ms = from->delay_ms;
    job->run_at = from->run_at_ms;
    job->timeout_ms = from->timeout_ms;
    job->max_attempts = from->max_attempts;
    job->max_crashes = from->max_crashes;
    job->retry_first_ms = from->retry_first_ms;
    job->retry_longest_ms = from->retry_longest_ms;
    job->retry_factor_milli = from->retry_factor_milli;
    job->retry_within_s = from->retry_within_s;
    job->keep_s = from->keep_s;
    job->ttl_ms = from->ttl_ms;
    job->traceparent = weft_private_slice(from->traceparent);
    job->concurrency_key = weft_private_slice(from->concurrency_key);
    job->cost = from->cost;
    job->order = (enum job_order)from->order;
    job->unique_key = weft_private_slice(from->unique_key);
    job->unique_for_s = from->unique_for_s;
    job->unique_while_unfinished = from->unique_while_unfinished;
    job->batch_index = from->batch_index;
}

static void mint(const struct weft_client *client, struct msg_submit_job *job, when_ms now)
{
    const struct origin origin = {.tenant = slice_of_text(client->tenant), .queue = queue_of(job)};
    job->job_id = job->key.len > 0 ? mint_keyed(&origin, job->key) : mint_fresh(now, &origin);
}

// NULL, or what is wrong.
static const char *read_ids(const struct weft_submission *from, struct msg_submit_job *job)
{
    if (from->batch_id != NULL && !weft_private_id(from->batch_id, &job->batch_id))
        return "batch_id is a UUID";
    if (from->id != NULL && !weft_private_id(from->id, &job->job_id))
        return "id is a UUID";
    return NULL;
}

static const char *read_job(struct weft_client *client, struct work *work, uint32_t place,
                            const struct weft_submission *from)
{
    struct msg_submit_job *job = &work->jobs[place];
    struct room *room = NULL;
    const char *wrong = check_values(from);
    if (wrong == NULL)
        wrong = read_ids(from, job);
    read_plain(from, job);
    work->refusal = ERR_BAD_FIELD;
    if (wrong == NULL && needs_room(from)) {
        room = take_memory(1, sizeof *room);
        work->rooms[work->room_count++] = room;
        wrong = read_after(from, room, job);
        if (wrong == NULL)
            wrong = read_labels(from, room, job);
        if (wrong == NULL)
            wrong = read_webhook(from, room, job);
        if (wrong == NULL)
            wrong = read_batch_webhook(from, room, job);
        if (wrong == NULL)
            wrong = read_key(from, room, job);
    }
    if (wrong != NULL)
        return wrong;
    work->refusal = check_submit_job(job, &wrong);
    if (work->refusal != OK)
        return wrong;
    work->places[place] = place;
    work->is_minted[place] = from->id == NULL;
    if (work->is_minted[place])
        mint(client, job, clock_wall_ms());
    id_to_text(&job->job_id, client->verdicts[place].id);
    return NULL;
}

// --- verdicts ---

static void take_verdict(struct weft_verdict *verdict, const struct msg_submitted_job *said)
{
    verdict->error = (int)said->error;
    verdict->replayed = said->replayed;
    verdict->state = (enum weft_state)said->state;
    verdict->created_at_ms = said->created_at;
    verdict->dedup_until_ms = said->dedup_until;
    verdict->retry_after_ms = said->retry_after_ms;
    verdict->holder_id[0] = '\0';
    if (!id_is_zero(&said->holder_id))
        id_to_text(&said->holder_id, verdict->holder_id);
    (void)slice_to_text(said->detail, verdict->detail, sizeof verdict->detail);
}

static void tell_opinion(struct weft_verdict *verdict, const struct opinion *opinion, bool is_asked)
{
    const struct msg_forecast said = opinion_forecast(opinion, is_asked);
    verdict->simulation =
        opinion->is_alone ? WEFT_SIMULATION_ALONE : (enum weft_simulation)said.simulation;
    (void)slice_to_text(said.failure.message, verdict->simulated_error,
                        sizeof verdict->simulated_error);
    verdict->simulated = (struct weft_body){.content = (enum weft_content)said.simulated.content,
                                            .data = said.simulated.bytes.data,
                                            .len = said.simulated.bytes.len};
}

// Of a dry run of one job, which a worker was asked about together with the broker.
static void take_forecast(struct weft_client *client, const struct msg *answer)
{
    size_t kept = 0;
    if (answer->submitted.forecast_count != 1)
        return;
    (void)opinion_take(client->opinions, answer, &kept);
    client->verdicts->starts_at_ms = answer->submitted.forecasts->starts_at;
    tell_opinion(client->verdicts, client->opinions, true);
}

// Asks workers about the jobs of a dry run that would be stored.
static void try_all(struct weft_client *client, const struct work *work)
{
    uint8_t *states = take_memory(work->count, sizeof *states);
    for (uint32_t i = 0; i < work->count; i++) {
        const struct weft_verdict *verdict = &client->verdicts[i];
        states[i] = verdict->error == 0 && !verdict->replayed ? TRIAL_WANTED : TRIAL_UNWANTED;
    }
    const struct client_patience patience = {.give_up_ms = client->timeout_ms};
    client_try(client->client,
               &(struct client_trial){.jobs = work->jobs,
                                      .states = states,
                                      .opinions = client->opinions,
                                      .count = work->count,
                                      .for_ms = client->simulate_ms},
               &patience);
    for (uint32_t i = 0; i < work->count; i++) {
        if (states[i] != TRIAL_UNWANTED)
            tell_opinion(&client->verdicts[i], &client->opinions[i], states[i] == TRIAL_ASKED);
    }
    free(states);
}

// An id whose time is not the broker's was stored nowhere: it is minted anew by the broker's clock.
static bool goes_again(struct weft_client *client, struct work *work, uint32_t at,
                       const struct msg_submitted_job *said)
{
    uint32_t place = work->places[at];
    bool is_untimely = said->error == ERR_ID_TOO_OLD && said->created_at != 0;
    if (!is_untimely || !work->is_minted[place] || work->jobs[at].key.len > 0)
        return false;
    mint(client, &work->jobs[at], said->created_at);
    id_to_text(&work->jobs[at].job_id, client->verdicts[place].id);
    return true;
}

// Takes the verdicts in. What goes again moves to the front of `work`; of an atomic submission or a dry run, whose
// jobs see each other, that is all of it or nothing.
static bool take_verdicts(struct weft_client *client, struct work *work,
                          const struct msg_submitted *submitted, bool may_go_again)
{
    uint32_t again = 0;
    for (uint32_t i = 0; i < submitted->count && i < work->count; i++) {
        take_verdict(&client->verdicts[work->places[i]], &submitted->jobs[i]);
        if (!may_go_again || !goes_again(client, work, i, &submitted->jobs[i]))
            continue;
        if (!is_whole(work)) {
            work->jobs[again] = work->jobs[i];
            work->places[again] = work->places[i];
        }
        again++;
    }
    if (!is_whole(work))
        work->count = again;
    return again > 0;
}

static int send_all(struct weft_client *client, struct work *work, struct weft_error *error)
{
    bool is_first = true;
    const char *wrong = NULL;
    for (;;) {
        struct msg question = {.kind = MSG_SUBMIT,
                               .submit = {.jobs = work->jobs,
                                          .count = work->count,
                                          .is_atomic = work->is_atomic,
                                          .dry_run = work->is_dry_run}};
        const struct msg *answer = NULL;
        err checked = check_submit(&question.submit, &wrong);
        if (checked != OK)
            return weft_private_fail(error, checked, wrong);
        int asked = weft_private_ask(client, &question, 0, &answer, error);
        if (asked != OK)
            return asked;
        if (answer->kind != MSG_SUBMITTED || answer->submitted.count != work->count)
            return weft_private_fail(error, ERR_MALFORMED, NULL);
        if (!take_verdicts(client, work, &answer->submitted, is_first)) {
            if (work->asks_workers && work->count > 1)
                try_all(client, work);
            else if (work->is_dry_run)
                take_forecast(client, answer);
            return OK;
        }
        is_first = false;
    }
}

static int read_jobs(struct weft_client *client, struct work *work,
                     const struct weft_submission *jobs, struct weft_error *error)
{
    const char *at = (const char *)jobs;
    for (uint32_t i = 0; i < work->count; i++) {
        struct weft_submission read;
        if (!weft_private_read(at, &read, sizeof read) || read.size != jobs->size)
            return weft_private_fail(
                error, ERR_BAD_FIELD,
                "WEFT_SUBMISSION_INIT sets size, the same for all" WEFT_PRIVATE_OR_LATER);
        const char *wrong = read_job(client, work, i, &read);
        if (wrong != NULL)
            return weft_private_fail(error, work->refusal, wrong);
        at += jobs->size;
    }
    return OK;
}

void weft_private_drop_verdicts(struct weft_client *client)
{
    for (size_t i = 0; client->opinions != NULL && i < client->verdict_count; i++)
        opinion_deinit(&client->opinions[i]);
    free(client->opinions);
    free(client->verdicts);
    client->opinions = NULL;
    client->verdicts = NULL;
    client->verdict_count = 0;
}

int weft_client_submit(weft_client *client, const struct weft_submission *jobs, size_t count,
                       unsigned flags, struct weft_error *error)
{
    struct work work = {.count = (uint32_t)count,
                        .is_atomic = (flags & WEFT_SUBMIT_ATOMIC) != 0,
                        .is_dry_run = (flags & WEFT_SUBMIT_DRY_RUN) != 0,
                        .asks_workers = (flags & WEFT_SUBMIT_SIMULATE) != 0};
    weft_private_drop_verdicts(client);
    size_t most = is_whole(&work) ? MSG_ATOMIC_JOBS_MAX : MSG_JOBS_MAX;
    if (count == 0 || count > most || jobs->size < sizeof jobs->size)
        return weft_private_fail(
            error, count > most ? ERR_TOO_LARGE : ERR_BAD_FIELD,
            "1 to 1,024 jobs, atomic 1 to 10,000; WEFT_SUBMISSION_INIT sets size");
    const unsigned known = WEFT_SUBMIT_ATOMIC | WEFT_SUBMIT_DRY_RUN | WEFT_SUBMIT_SIMULATE;
    if ((flags & ~known) != 0)
        return weft_private_fail(error, ERR_BAD_FIELD, "flags: of WEFT_SUBMIT_…");
    if (work.asks_workers && !work.is_dry_run)
        return weft_private_fail(error, ERR_BAD_FIELD,
                                 "WEFT_SUBMIT_SIMULATE goes with WEFT_SUBMIT_DRY_RUN");
    client->verdicts = take_memory(count, sizeof *client->verdicts);
    if (work.is_dry_run)
        client->opinions = take_memory(count, sizeof *client->opinions);
    client->verdict_count = count;
    work.jobs = take_memory(count, sizeof *work.jobs);
    work.places = take_memory(count, sizeof *work.places);
    work.is_minted = take_memory(count, sizeof *work.is_minted);
    work.rooms = take_memory(count, sizeof *work.rooms);
    int result = read_jobs(client, &work, jobs, error);
    if (result == OK)
        result = send_all(client, &work, error);
    free_work(&work);
    return result;
}

const struct weft_verdict *weft_client_verdict(const weft_client *client, size_t index)
{
    return index < client->verdict_count ? &client->verdicts[index] : NULL;
}
