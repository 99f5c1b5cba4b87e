// What a job brings along.

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "proto/labels.h"
#include "worker/sdk/worker_private.h"

#include <stdlib.h>

const char *weft_job_id(const weft_job *job)
{
    return job->id;
}

bool weft_job_is_dry_run(const weft_job *job)
{
    return job->is_dry_run;
}

const char *weft_job_type(const weft_job *job)
{
    return job->type;
}

const char *weft_job_queue(const weft_job *job)
{
    return job->queue;
}

const char *weft_job_traceparent(const weft_job *job)
{
    return job->traceparent;
}

uint32_t weft_job_attempt(const weft_job *job)
{
    return job->msg.attempt;
}

uint64_t weft_job_token(const weft_job *job)
{
    return job->msg.token;
}

struct weft_body weft_job_payload(const weft_job *job)
{
    const struct body *payload = &job->msg.payload;
    return (struct weft_body){.content = (enum weft_content)payload->content,
                              .data = payload->bytes.data,
                              .len = payload->bytes.len};
}

uint64_t weft_job_generation(const weft_job *job)
{
    return job->msg.generation;
}

int64_t weft_job_deadline(const weft_job *job)
{
    return job->deadline;
}

const char *const *weft_job_after(const weft_job *job)
{
    return job->after;
}

const char *const *weft_job_tags(const weft_job *job)
{
    return job->tags;
}

const struct weft_pair *weft_job_metadata(const weft_job *job)
{
    return job->metadata;
}

const char *weft_job_metadata_value(const weft_job *job, const char *name)
{
    for (const struct weft_pair *pair = job->metadata; name != NULL && pair->name != NULL; pair++) {
        if (strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

// --- for the loop ---

// Copies it to `*at` with a zero behind it.
static const char *put_text(char **at, struct slice text)
{
    char *copy = *at;
    (void)slice_to_text(text, copy, text.len + 1);
    *at += text.len + 1;
    return copy;
}

static void take_texts(struct weft_job *job)
{
    struct labels labels;
    const char *detail = NULL;
    if (labels_read(job->msg.labels, &labels, &detail) != OK)
        labels = (struct labels){.tag_count = 0}; // of a broker that allows more
    const struct msg_ids *after = &job->msg.after;
    CHECK(after->count <= MSG_AFTER_MAX);
    // Each text has a head on the wire, which is longer than its zero here.
    job->texts_of_grant = malloc(job->msg.labels.len + after->count * (size_t)WEFT_ID_SIZE + 1);
    CHECK(job->texts_of_grant != NULL);
    char *at = job->texts_of_grant;
    for (uint32_t i = 0; i < labels.tag_count; i++)
        job->tags[i] = put_text(&at, labels.tags[i]);
    job->tags[labels.tag_count] = NULL;
    for (uint32_t i = 0; i < labels.pair_count; i++) {
        job->metadata[i].name = put_text(&at, labels.pairs[i].name);
        job->metadata[i].value = put_text(&at, labels.pairs[i].value);
    }
    job->metadata[labels.pair_count] = (struct weft_pair){.name = NULL};
    for (uint32_t i = 0; i < after->count; i++) {
        id_to_text(&after->items[i], at);
        job->after[i] = at;
        at += WEFT_ID_SIZE;
    }
    job->after[after->count] = NULL;
}

void weft_private_take_grant(struct weft_job *job, const struct msg_job *msg, void *memory)
{
    job->msg = *msg;
    job->memory = memory;
    job->deadline = when_after(clock_wall_ms(), msg->timeout_ms);
    id_to_text(&job->msg.job_id, job->id);
    (void)slice_to_text(job->msg.type, job->type, sizeof job->type);
    (void)slice_to_text(job->msg.queue, job->queue, sizeof job->queue);
    (void)slice_to_text(job->msg.traceparent, job->traceparent, sizeof job->traceparent);
    take_texts(job);
}
