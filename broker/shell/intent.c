// Where to, and signed by whom: looked up when a delivery is given to a notifier.

#include "broker/shell/intent.h"

#include "proto/hook.h"

err intent_judge(struct slice webhook, const char **out_detail)
{
    struct hook hook;
    const char *detail = NULL;
    if (webhook.len == 0)
        return OK;
    err e = hook_read(webhook, &hook, &detail);
    bool is_plain = e == OK && hook.url.len > 0 && slice_is_text(hook.endpoint, HOOK_DEFAULT);
    if (e == OK && !is_plain) {
        detail = "webhook.endpoint: this broker knows no endpoint of this name; give a url";
        e = ERR_WEBHOOK;
    }
    if (e != OK)
        *out_detail = detail;
    return e;
}

uint32_t intent_events(struct slice webhook)
{
    struct hook hook;
    const char *detail = NULL;
    return webhook.len > 0 && hook_read(webhook, &hook, &detail) == OK ? hook.events : 0;
}

// The payload is the broker's own: {"event":"job.dead"}.
static struct slice event_of(struct slice payload)
{
    static const char head[] = "{\"event\":\"";
    static const char tail[] = "\"}";
    size_t around = sizeof head - 1 + sizeof tail - 1;
    if (payload.len < around)
        return slice_of_text(hook_event_name(0));
    return slice_of(payload.data + sizeof head - 1, payload.len - around);
}

static err look_up(struct store_view *view, struct intent *intent, struct hook *out_hook)
{
    struct job_row row;
    struct msg_submit_job body;
    const char *detail = NULL;
    err e = store_view_kept(view, &intent->parent, &row, &intent->tenant);
    if (e != OK)
        return e;
    intent->generation = row.no;
    e = store_view_body(view, row.no, &body);
    if (e != OK)
        return e;
    return hook_read(body.webhook, out_hook, &detail);
}

struct slice intent_of(struct store_view *view, const struct msg_job *job, uint8_t *room)
{
    struct bytes_out out = {.data = room, .cap = MSG_INTENT_LEN_MAX};
    struct intent intent = {.at = id_time(&job->job_id), .event = event_of(job->payload.bytes)};
    struct hook hook = {0};
    if (job->after.count > 0)
        intent.parent = job->after.items[0];
    if (look_up(view, &intent, &hook) == OK) {
        intent.url = hook.url;
        intent.endpoint = hook.endpoint;
        intent.secret = hook.secret;
        intent.is_own = true;
    } else {
        intent.fault = slice_of_text("the job that it tells of is no longer kept");
    }
    hook_write_intent(&intent, &out);
    CHECK(!out.full);
    return slice_of(room, out.len);
}
