// Reading, judging and naming jobs.

#include "gateway/shell/posting.h"

#include "gateway/shell/gateway.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/identity.h"

enum { TRACE_LEN = 55 }; // of version 00

static struct slice queue_of(const struct msg_submit_job *job)
{
    return job->queue.len > 0 ? job->queue : slice_of_text("default");
}

// False: there is no room.
static bool give_key(struct msg_submit_job *job, struct arena *arena)
{
    char *key = arena_take(arena, MINT_CONTENT_LEN + 1);
    if (key == NULL)
        return false;
    mint_content(&(struct mint_content){.queue = queue_of(job),
                                        .type = job->type,
                                        .payload = job->payload.bytes,
                                        .kind = (uint8_t)job->payload.content},
                 key);
    job->key = slice_of(key, MINT_CONTENT_LEN);
    return true;
}

err posting_read(struct doc_value object, const struct submit_options *options,
                 const struct doc_room *room, struct msg_submit_job *out_job,
                 struct submit_fault *out_fault)
{
    struct msg_submit_job job;
    const char *detail = NULL;
    err e = submit_read(object, options, room, &job, out_fault);
    if (e != OK)
        return e;
    if (job.by_content && !give_key(&job, room->arena))
        return ERR_NO_MEMORY;
    e = check_submit_job(&job, &detail);
    if (e != OK) {
        (void)slice_to_text(slice_of_text(detail), out_fault->detail, sizeof out_fault->detail);
        return e;
    }
    e = sealer_judge_url("webhook.", job.webhook, out_fault);
    if (e == OK)
        *out_job = job;
    return e;
}

static struct id mint(const struct gateway *gateway, const struct origin *origin, struct slice key)
{
    return key.len > 0 ? mint_keyed(origin, key)
                       : mint_fresh(broker_time_now(gateway->broker_time), origin);
}

void posting_mint(const struct gateway *gateway, struct slice tenant, struct msg_submit_job *job)
{
    job->job_id = mint(gateway, &(struct origin){tenant, queue_of(job)}, job->key);
}

bool posting_mint_again(const struct gateway *gateway, struct slice tenant,
                        struct msg_submit_job *job, const struct msg_submitted_job *said)
{
    if (said->error != ERR_ID_TOO_OLD || said->created_at == 0 || job->key.len > 0)
        return false;
    posting_mint(gateway, tenant, job);
    return true;
}

struct slice posting_trace(const struct http_request *request)
{
    struct slice trace = request->headers[HTTP_TRACEPARENT];
    bool is_one = trace.len == TRACE_LEN && !request->repeated[HTTP_TRACEPARENT];
    return is_one ? trace : (struct slice){0};
}

struct id posting_batch_id(const struct gateway *gateway, struct slice tenant, struct slice key)
{
    return mint(gateway, &(struct origin){tenant, slice_of_text(GATEWAY_BATCH_QUEUE)}, key);
}

uint64_t posting_fingerprint(const struct msg_submit_job *job)
{
    return identity_fingerprint(job, blake_u64);
}

static uint64_t lineage_of(const struct gateway *gateway)
{
    struct courier_figures figures;
    courier_figures(gateway->courier, &figures);
    return figures.lineage;
}

void posting_remember(const struct gateway *gateway, struct keys_note *note)
{
    note->lineage = lineage_of(gateway);
    keys_put(gateway->keys, note);
}

err posting_recall(const struct gateway *gateway, const struct keys_note *asked,
                   struct keys_note *out_note)
{
    struct keys_note note;
    uint64_t lineage = lineage_of(gateway);
    err e = keys_find(gateway->keys, &asked->id, clock_wall_ms(), &note);
    if (e != OK || note.kind != asked->kind)
        return ERR_NOT_FOUND;
    // Before the first WELCOME there is no other broker known than the one of the note.
    if (lineage != 0 && note.lineage != lineage)
        return ERR_NOT_FOUND;
    if (note.fingerprint != asked->fingerprint)
        return ERR_KEY_REUSED;
    *out_note = note;
    return OK;
}
