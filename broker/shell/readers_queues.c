// One queue, or a page of them by name.

#include "broker/shell/readers_queues.h"

#include "lib/base/origin.h"
#include "lib/sys/log.h"

#include <stdlib.h>

struct readers_queues *readers_queues_new(const struct msg *msg)
{
    bool is_type = msg->kind == MSG_TYPE_STATUS;
    struct slice name = is_type ? msg->type_status.type : msg->queue_status.queue;
    struct slice after = is_type ? msg->type_status.after : msg->queue_status.after;
    uint32_t limit = is_type ? msg->type_status.limit : msg->queue_status.limit;
    CHECK(name.len <= MSG_NAME_LEN_MAX && after.len <= MSG_NAME_LEN_MAX);
    struct readers_queues *queues = calloc(1, sizeof *queues);
    if (queues == NULL)
        return NULL;
    queues->tenant = origin_tenant(msg->tenant);
    queues->is_type = is_type;
    queues->limit = limit > 0 ? limit : MSG_QUEUES_MAX;
    queues->name_len = (uint8_t)name.len;
    queues->after_len = (uint8_t)after.len;
    if (name.len > 0)
        memcpy(queues->name, name.data, name.len);
    if (after.len > 0)
        memcpy(queues->after, after.data, after.len);
    return queues;
}

void readers_queues_free(struct readers_queues *queues)
{
    free(queues);
}

static struct msg_queue told(const struct queue_row *row)
{
    struct msg_queue is = {
        .queue = row->queue, .settings = row->settings, .paused = (enum direction)row->paused};
    memcpy(is.counts, row->counts, sizeof is.counts);
    return is;
}

static err look_up(const struct readers_queues *question, struct store_view *view,
                   struct arena *arena, struct msg_queue_status_is *is)
{
    struct queue_row row;
    struct msg_queue *one = arena_take(arena, sizeof *one);
    if (one == NULL)
        return ERR_NO_MEMORY;
    err e = store_view_queue(view, question->tenant, slice_of(question->name, question->name_len),
                             &row);
    if (e != OK)
        return e;
    *one = told(&row);
    is->queues = one;
    is->count = 1;
    return OK;
}

// One more than is told says whether there are more.
static err list(const struct readers_queues *question, struct store_view *view, struct arena *arena,
                struct msg_queue_status_is *is)
{
    uint32_t cap = question->limit + 1;
    struct queue_row *rows = arena_take_array(arena, cap, sizeof *rows);
    struct msg_queue *lines = arena_take_array(arena, cap, sizeof *lines);
    if (rows == NULL || lines == NULL)
        return ERR_NO_MEMORY;
    uint32_t count = 0;
    const struct store_queue_page page = {.tenant = question->tenant,
                                          .after = slice_of(question->after, question->after_len),
                                          .cap = cap};
    err e = store_view_queue_page(view, &page, rows, &count);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < count; i++)
        lines[i] = told(&rows[i]);
    is->queues = lines;
    is->is_more = count == cap;
    is->count = is->is_more ? cap - 1 : count;
    return OK;
}

static err look_up_type(const struct readers_queues *question, struct store_view *view,
                        struct arena *arena, struct msg_type_status_is *is)
{
    struct type_row row;
    struct msg_type *one = arena_take(arena, sizeof *one);
    if (one == NULL)
        return ERR_NO_MEMORY;
    err e = store_view_queue_type(view, question->tenant,
                                  slice_of(question->name, question->name_len), &row);
    if (e != OK)
        return e;
    *one = (struct msg_type){.type = row.type, .defaults = row.defaults};
    if (row.schema.len > 0)
        one->schema = (struct body){.content = CONTENT_JSON, .bytes = row.schema};
    is->types = one;
    is->count = 1;
    return OK;
}

static err list_types(const struct readers_queues *question, struct store_view *view,
                      struct arena *arena, struct msg_type_status_is *is)
{
    uint32_t cap = question->limit + 1;
    struct type_row *rows = arena_take_array(arena, cap, sizeof *rows);
    struct msg_type *lines = arena_take_array(arena, cap, sizeof *lines);
    if (rows == NULL || lines == NULL)
        return ERR_NO_MEMORY;
    uint32_t count = 0;
    const struct store_queue_page page = {.tenant = question->tenant,
                                          .after = slice_of(question->after, question->after_len),
                                          .cap = cap};
    err e = store_view_queue_types(view, &page, rows, &count);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < count; i++)
        lines[i] = (struct msg_type){.type = rows[i].type, .defaults = rows[i].defaults};
    is->types = lines;
    is->is_more = count == cap;
    is->count = is->is_more ? cap - 1 : count;
    return OK;
}

static struct slice detail_of(err e, const char *unknown)
{
    if (e != OK && e != ERR_NOT_FOUND)
        log_error("queue.unreadable", "error=%s", err_slug(e));
    return e == ERR_NOT_FOUND ? slice_of_text(unknown) : (struct slice){0};
}

static void answer_types(const struct readers_queues *question, struct store_view *view,
                         struct arena *arena, struct msg *out_msg)
{
    struct msg_type_status_is is = {0};
    bool is_list = question->name_len == 0;
    err e =
        is_list ? list_types(question, view, arena, &is) : look_up_type(question, view, arena, &is);
    if (e != OK)
        is = (struct msg_type_status_is){
            .error = e, .detail = detail_of(e, "nothing was ever set for this type")};
    *out_msg = (struct msg){.kind = MSG_TYPE_STATUS_IS, .type_status_is = is};
}

void readers_queues_answer(const struct readers_queues *question, struct store_view *view,
                           struct arena *arena, struct msg *out_msg)
{
    if (question->is_type) {
        answer_types(question, view, arena, out_msg);
        return;
    }
    struct msg_queue_status_is is = {0};
    bool is_list = question->name_len == 0;
    err e = is_list ? list(question, view, arena, &is) : look_up(question, view, arena, &is);
    if (e != OK)
        is = (struct msg_queue_status_is){
            .error = e, .detail = detail_of(e, "no job and no setting has named this queue yet")};
    *out_msg = (struct msg){.kind = MSG_QUEUE_STATUS_IS, .queue_status_is = is};
}
