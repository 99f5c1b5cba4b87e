// One queue, or a page of them by name.

#include "broker/shell/readers_queues.h"

#include "lib/sys/log.h"

#include <stdlib.h>

static const char tenant[] = "default"; // the only one so far

struct readers_queues *readers_queues_new(const struct msg_queue_status *status)
{
    CHECK(status->queue.len <= MSG_NAME_LEN_MAX && status->after.len <= MSG_NAME_LEN_MAX);
    struct readers_queues *queues = calloc(1, sizeof *queues);
    if (queues == NULL)
        return NULL;
    queues->limit = status->limit > 0 ? status->limit : MSG_QUEUES_MAX;
    queues->queue_len = (uint8_t)status->queue.len;
    queues->after_len = (uint8_t)status->after.len;
    if (status->queue.len > 0)
        memcpy(queues->queue, status->queue.data, status->queue.len);
    if (status->after.len > 0)
        memcpy(queues->after, status->after.data, status->after.len);
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
    err e = store_view_queue(view, slice_of_text(tenant),
                             slice_of(question->queue, question->queue_len), &row);
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
    const struct store_queue_page page = {.tenant = slice_of_text(tenant),
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

void readers_queues_answer(const struct readers_queues *question, struct store_view *view,
                           struct arena *arena, struct msg *out_msg)
{
    struct msg_queue_status_is is = {0};
    bool is_list = question->queue_len == 0;
    err e = is_list ? list(question, view, arena, &is) : look_up(question, view, arena, &is);
    if (e != OK)
        is = (struct msg_queue_status_is){.error = e};
    if (e == ERR_NOT_FOUND)
        is.detail = slice_of_text("no job and no setting has named this queue yet");
    else if (e != OK)
        log_error("queue.unreadable", "error=%s", err_slug(e));
    *out_msg = (struct msg){.kind = MSG_QUEUE_STATUS_IS, .queue_status_is = is};
}
