#include "broker/shell/readers_jobs.h"

#include "broker/core/job.h"
#include "broker/core/operations.h"
#include "broker/shell/listing.h"
#include "lib/sys/log.h"

#include <stdlib.h>

// Where an answer is put together.
struct desk {
    struct store_view *view;
    struct readers_jobs *jobs;
    struct arena *arena;
};

err readers_jobs_init(struct readers_jobs *jobs)
{
    jobs->listed = calloc(MSG_LISTED_MAX, sizeof *jobs->listed);
    jobs->events = calloc(STORE_EVENTS_ROOM, sizeof *jobs->events);
    jobs->lines = calloc(MSG_LOG_LINES_MAX, sizeof *jobs->lines);
    bool is_whole = jobs->listed != NULL && jobs->events != NULL && jobs->lines != NULL;
    return is_whole ? OK : ERR_NO_MEMORY;
}

void readers_jobs_deinit(struct readers_jobs *jobs)
{
    free(jobs->lines);
    free(jobs->events);
    free(jobs->listed);
}

static bool is_batch_done(const struct msg_batch_status_is *is)
{
    return is->is_sealed && is->counts[JOB_SCHEDULED] + is->counts[JOB_QUEUED] +
                                    is->counts[JOB_RUNNING] + is->counts[JOB_RETRYING] ==
                                0;
}

// Memory may be ahead of the snapshot, or behind it: then only what the state itself says is true.
static enum waiting_on waiting_on(enum waiting_on asked, enum job_state state)
{
    if (state == JOB_SCHEDULED)
        return asked == WAITING_DEPENDENCY ? asked : WAITING_SCHEDULED;
    if (state == JOB_RETRYING)
        return WAITING_BACKOFF;
    bool is_of_queued = asked != WAITING_DEPENDENCY && asked != WAITING_SCHEDULED;
    return state == JOB_QUEUED && is_of_queued && asked != WAITING_BACKOFF ? asked : WAITING_NONE;
}

static err look_up_job(const struct desk *desk, const struct watch_question *question,
                       struct msg *out_msg, bool *out_is_news)
{
    struct msg_status_is *is = &out_msg->status_is;
    out_msg->kind = MSG_STATUS_IS;
    err e = store_view_status(desk->view, &question->id, is);
    is->waiting_on = waiting_on(question->waiting_on, is->state);
    *out_is_news = is->error != OK || is->version > question->version || job_is_done(is->state);
    return e;
}

static err look_up_batch(const struct desk *desk, const struct watch_question *question,
                         struct msg *out_msg, bool *out_is_news)
{
    struct msg_batch_status_is *is = &out_msg->batch_status_is;
    out_msg->kind = MSG_BATCH_STATUS_IS;
    err e = store_view_batch(desk->view, &question->id, is);
    *out_is_news = is->error != OK || is->version > question->version || is_batch_done(is);
    return e;
}

static err look_up_list(const struct desk *desk, const struct watch_question *question,
                        struct msg *out_msg)
{
    const struct msg_list *list = &question->list->list;
    out_msg->kind = MSG_LISTED;
    if (!id_is_zero(&list->told_of))
        return store_view_told(desk->view, list, desk->jobs->listed, &out_msg->listed);
    return store_view_list(desk->view, list, desk->jobs->listed, &out_msg->listed);
}

static err look_up_operation(const struct desk *desk, const struct watch_question *question,
                             struct msg *out_msg, bool *out_is_news)
{
    struct operation_row row;
    out_msg->kind = MSG_OPERATION_IS;
    err e = store_view_operation(desk->view, &question->id, &row);
    if (e == OK)
        out_msg->operation_is = operations_is(&row);
    if (e == ERR_NOT_FOUND)
        out_msg->operation_is = (struct msg_operation_is){
            .error = e,
            .detail = slice_of_text("no such operation, or over since long; check the id"),
            .operation_id = question->id};
    *out_is_news = e != OK || row.version > question->version || operations_is_over(&row);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err list_operations(const struct desk *desk, const struct watch_question *question,
                           struct msg *out_msg)
{
    uint32_t limit = question->after > 0 ? question->after : MSG_OPERATIONS_MAX;
    uint32_t count = 0;
    struct operation_row *rows =
        arena_take_array(desk->arena, MSG_OPERATIONS_MAX + 1, sizeof *rows);
    struct msg_operation_is *told =
        arena_take_array(desk->arena, MSG_OPERATIONS_MAX + 1, sizeof *told);
    if (rows == NULL || told == NULL)
        return ERR_NO_MEMORY;
    // One more than is told says whether there are more.
    const struct store_operation_page page = {
        .before = question->before, .before_id = question->id, .cap = limit + 1};
    err e = store_view_operation_page(desk->view, &page, rows, &count);
    bool is_more = count > limit;
    count -= is_more;
    for (uint32_t i = 0; i < count; i++)
        told[i] = operations_is(&rows[i]);
    *out_msg =
        (struct msg){.kind = MSG_OPERATION_LISTED,
                     .operation_listed = {.operations = told, .count = count, .is_more = is_more}};
    return e;
}

static err count(const struct desk *desk, const struct watch_question *question,
                 struct msg *out_msg)
{
    const struct msg_list *list = &question->list->list;
    struct msg_operation_is *is = &out_msg->operation_is;
    out_msg->kind = MSG_OPERATION_IS;
    *is = (struct msg_operation_is){.filter = list->filter, .cursor = list->cursor};
    err e = store_view_operation_count(desk->view, &list->filter, &is->cursor, &is->matched);
    is->is_over = is->cursor == 0;
    return e;
}

static err look_up(const struct desk *desk, const struct watch_question *question,
                   struct msg *out_msg, bool *out_is_news)
{
    *out_is_news = true;
    switch (question->kind) {
    case WATCH_JOB: return look_up_job(desk, question, out_msg, out_is_news);
    case WATCH_BATCH: return look_up_batch(desk, question, out_msg, out_is_news);
    case WATCH_OPERATION: return look_up_operation(desk, question, out_msg, out_is_news);
    case WATCH_LIST: return look_up_list(desk, question, out_msg);
    case WATCH_COUNT: return count(desk, question, out_msg);
    case WATCH_OPERATIONS: return list_operations(desk, question, out_msg);
    case WATCH_TIMELINE:
        out_msg->kind = MSG_TIMELINE_IS;
        return store_view_timeline(desk->view, &question->id, desk->jobs->events,
                                   &out_msg->timeline_is);
    case WATCH_LOG:
        out_msg->kind = MSG_LOG_IS;
        return store_view_log(desk->view,
                              &(struct msg_log){.job_id = question->id, .after = question->after},
                              desk->jobs->lines, &out_msg->log_is);
    }
    UNREACHABLE();
}

// What cannot be read is told as it is; the job itself is not touched.
static struct msg trouble(const struct watch_question *question, err e)
{
    char text[ID_TEXT_LEN + 1];
    id_to_text(&question->id, text);
    log_error("store.read_failed", "id=%s error=%s", text, err_slug(e));
    switch (question->kind) {
    case WATCH_JOB: break;
    case WATCH_BATCH:
        return (struct msg){.kind = MSG_BATCH_STATUS_IS,
                            .batch_status_is = {.error = e, .batch_id = question->id}};
    case WATCH_OPERATION:
    case WATCH_COUNT:
        return (struct msg){.kind = MSG_OPERATION_IS,
                            .operation_is = {.error = e, .operation_id = question->id}};
    case WATCH_OPERATIONS:
        return (struct msg){.kind = MSG_OPERATION_LISTED, .operation_listed = {.error = e}};
    case WATCH_LIST: return (struct msg){.kind = MSG_LISTED, .listed = {.error = e}};
    case WATCH_TIMELINE:
        return (struct msg){.kind = MSG_TIMELINE_IS,
                            .timeline_is = {.error = e, .job_id = question->id}};
    case WATCH_LOG:
        return (struct msg){.kind = MSG_LOG_IS, .log_is = {.error = e, .job_id = question->id}};
    }
    return (struct msg){.kind = MSG_STATUS_IS, .status_is = {.error = e, .job_id = question->id}};
}

bool readers_jobs_answer(struct readers_jobs *jobs, const struct watch_question *question,
                         struct store_view *view, struct arena *arena, struct msg *out_msg)
{
    bool is_news = false;
    store_view_as(view, question->tenant);
    err e = look_up(&(struct desk){view, jobs, arena}, question, out_msg, &is_news);
    if (e != OK)
        *out_msg = trouble(question, e);
    return e != OK || is_news;
}
