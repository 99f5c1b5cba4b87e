// Where to, and signed by whom: looked up when a delivery is given to a notifier.

#include "broker/shell/intent.h"

#include "lib/base/origin.h"
#include "proto/hook.h"

static void read_own(struct msg_submit_job *job)
{
    struct hook hook;
    const char *detail = NULL;
    if (job->webhook.len == 0 || hook_read(job->webhook, &hook, &detail) != OK)
        return;
    job->webhook_events = hook.events;
    job->webhook_has_url = hook.url.len > 0;
    if (hook.url.len == 0 || hook.secret.len == 0)
        job->webhook_endpoint = hook.endpoint;
}

static void read_batch(struct msg_submit_job *job)
{
    struct hook hook;
    const char *detail = NULL;
    if (job->batch_webhook.len == 0 || hook_read(job->batch_webhook, &hook, &detail) != OK)
        return;
    job->batch_webhook_has_url = hook.url.len > 0;
    if (hook.url.len == 0 || hook.secret.len == 0)
        job->batch_webhook_endpoint = hook.endpoint;
}

void intent_read(struct msg_submit_job *job)
{
    read_own(job);
    read_batch(job);
}

// The payload is the broker's own: {"event":"job.dead"} when the job says where to, or
// {"event":"job.dead","endpoint":"ops"}. The member's value, empty when it is not there.
static struct slice member_of(struct slice payload, const char *head)
{
    size_t head_len = strlen(head);
    for (size_t at = 0; at + head_len <= payload.len; at++) {
        if (memcmp(payload.data + at, head, head_len) != 0)
            continue;
        const uint8_t *value = payload.data + at + head_len;
        const uint8_t *end = memchr(value, '"', payload.len - at - head_len);
        return end != NULL ? slice_of(value, (size_t)(end - value)) : (struct slice){0};
    }
    return (struct slice){0};
}

static void give_up(struct intent *intent, const char *fault)
{
    intent->url = (struct slice){0};
    intent->fault = slice_of_text(fault);
}

// What the endpoint adds: to a url of the job its secrets, to its own url everything.
static void add_endpoint(struct store_view *view, struct intent *intent, when_ms now)
{
    struct endpoint_row row;
    bool goes_there = intent->url.len == 0;
    if (store_view_endpoint(view, intent->tenant, intent->endpoint, &row) != OK) {
        if (goes_there)
            give_up(intent, "the endpoint was deleted");
        return;
    }
    intent->secret = row.secret;
    if (row.before_until > now)
        intent->secret_before = row.secret_before;
    if (!goes_there)
        return;
    intent->url = row.given.url;
    intent->headers = row.given.headers;
    if (row.is_disabled)
        give_up(intent, "the endpoint is disabled; enable it, then retry this delivery");
    else if (row.given.url.len == 0)
        give_up(intent, "the endpoint has no url any more");
}

// What the job says itself.
static void add_own(struct store_view *view, struct intent *intent, uint64_t job_no, when_ms now)
{
    struct hook hook = {0};
    struct msg_submit_job body;
    const char *detail = NULL;
    if (store_view_body(view, job_no, &body) != OK ||
        hook_read(body.webhook, &hook, &detail) != OK) {
        give_up(intent, "the job that it tells of is no longer kept");
        return;
    }
    intent->url = hook.url;
    intent->endpoint = hook.endpoint;
    intent->secret = hook.secret;
    intent->is_own = hook.url.len > 0;
    if (hook.url.len == 0 || hook.secret.len == 0)
        add_endpoint(view, intent, now);
}

// The url has answered a word of the job's progress with 410. A delivery dies of that, and whoever makes
// it live again means it.
static bool is_refused(struct store_view *view, const struct id *delivery)
{
    struct msg_status_is status;
    if (store_view_status(view, delivery, &status) != OK)
        return true;
    return !slice_is_text(status.failure.kind, HOOK_REFUSED) &&
           !slice_is_text(status.failure.kind, HOOK_GONE);
}

// The delivery of a batch carries what to send itself, unless an endpoint wants it.
static void add_batch(struct store_view *view, struct intent *intent, uint64_t delivery_no,
                      when_ms now)
{
    struct msg_batch_status_is batch;
    if (store_view_batch_of(view, intent->tenant, &intent->parent, &batch) != OK ||
        batch.error != OK) {
        give_up(intent, "the batch that it tells of is no longer kept");
        return;
    }
    intent->at = batch.finished_at;
    if (intent->endpoint.len > 0)
        add_endpoint(view, intent, now);
    else
        add_own(view, intent, delivery_no, now);
}

// Whoever follows a trace finds what was told of the job in it.
static struct slice trace_of(struct store_view *view, uint64_t job_no)
{
    struct msg_submit_job body;
    return store_view_body(view, job_no, &body) == OK ? body.traceparent : (struct slice){0};
}

void intent_give(struct store_view *view, when_ms now, uint8_t *room, struct msg_job *job)
{
    struct bytes_out out = {.data = room, .cap = MSG_INTENT_LEN_MAX};
    struct intent intent = {.at = id_time(&job->job_id),
                            .event = member_of(job->payload.bytes, "{\"event\":\""),
                            .endpoint = member_of(job->payload.bytes, ",\"endpoint\":\"")};
    struct job_row row = {0};
    bool is_test = job->after.count == 0;
    bool is_batch = slice_is_text(intent.event, hook_event_name(WEBHOOK_BATCH_FINISHED));
    const struct id *of = is_test || is_batch ? &job->job_id : &job->after.items[0];
    bool is_kept = store_view_kept(view, of, &row, &intent.tenant) == OK;
    if (!is_test)
        intent.parent = job->after.items[0];
    if (!is_test && !is_batch)
        intent.generation = row.no;
    if (!is_test && !is_batch && is_kept)
        job->traceparent = trace_of(view, row.no);
    if (!is_kept)
        give_up(&intent, "the job that it tells of is no longer kept");
    else if (is_batch && !is_test)
        add_batch(view, &intent, row.no, now);
    else if (intent.endpoint.len > 0)
        add_endpoint(view, &intent, now);
    else if (row.endpoint == JOB_URL_GONE && is_refused(view, &job->job_id))
        give_up(&intent, "the url has answered 410 to the job's progress; retry this delivery to "
                         "ask it all the same");
    else
        add_own(view, &intent, row.no, now);
    hook_write_intent(&intent, &out);
    CHECK(!out.full);
    job->intent = slice_of(room, out.len);
}
