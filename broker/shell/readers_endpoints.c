// One webhook endpoint, or a page of them by id.

#include "broker/shell/readers_endpoints.h"

#include "lib/base/origin.h"
#include "lib/sys/log.h"

#include <stdlib.h>

struct readers_endpoints *readers_endpoints_new(const struct msg *msg)
{
    const struct msg_webhook_status *status = &msg->webhook_status;
    bool is_list = status->webhook_id.len == 0;
    struct slice name = is_list ? status->after : status->webhook_id;
    CHECK(name.len <= MSG_NAME_LEN_MAX);
    struct readers_endpoints *endpoints = calloc(1, sizeof *endpoints);
    if (endpoints == NULL)
        return NULL;
    endpoints->tenant = origin_tenant(msg->tenant);
    endpoints->is_list = is_list;
    endpoints->limit = status->limit > 0 ? status->limit : MSG_HOOKS_MAX;
    endpoints->name_len = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(endpoints->name, name.data, name.len);
    return endpoints;
}

void readers_endpoints_free(struct readers_endpoints *endpoints)
{
    free(endpoints);
}

static struct msg_webhook_line told(const struct endpoint_row *row, when_ms now)
{
    return (struct msg_webhook_line){.given = row->given,
                                     .disabled = row->is_disabled,
                                     .reason = row->reason,
                                     .generation = row->generation,
                                     .created_at = row->created_at,
                                     .rotated_at = row->rotated_at,
                                     .before_until =
                                         row->before_until > now ? row->before_until : 0};
}

static err list(const struct readers_endpoints *question, struct store_view *view, when_ms now,
                struct msg_webhook_line *lines, struct msg_webhook_status_is *is)
{
    struct endpoint_row row;
    struct slice after = slice_of(question->name, question->name_len);
    err e = store_view_endpoint_after(view, question->tenant, after, &row);
    while (e == OK && is->count < question->limit) {
        lines[is->count++] = told(&row, now);
        e = store_view_endpoint_after(view, question->tenant, row.given.webhook_id, &row);
    }
    is->is_more = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static err look_up(const struct readers_endpoints *question, struct store_view *view, when_ms now,
                   struct msg_webhook_line *lines, struct msg_webhook_status_is *is)
{
    if (question->is_list)
        return list(question, view, now, lines, is);
    struct endpoint_row row;
    err e = store_view_endpoint(view, question->tenant,
                                slice_of(question->name, question->name_len), &row);
    if (e != OK)
        return e;
    lines[is->count++] = told(&row, now);
    return OK;
}

void readers_endpoints_answer(const struct readers_endpoints *question, struct store_view *view,
                              struct arena *arena, when_ms now, struct msg *out_msg)
{
    struct msg_webhook_status_is is = {0};
    struct msg_webhook_line *lines = arena_take_array(arena, question->limit, sizeof *lines);
    err e = lines != NULL ? look_up(question, view, now, lines, &is) : ERR_NO_MEMORY;
    is.webhooks = lines;
    if (e != OK)
        is = (struct msg_webhook_status_is){.error = e};
    if (e == ERR_NOT_FOUND)
        is.detail = slice_of_text("no such webhook endpoint; check the id");
    else if (e != OK)
        log_error("webhook.unreadable", "webhook=%.*s error=%s", (int)question->name_len,
                  (const char *)question->name, err_slug(e));
    *out_msg = (struct msg){.kind = MSG_WEBHOOK_STATUS_IS, .webhook_status_is = is};
}
