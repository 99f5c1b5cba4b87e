// Who has been told of a job's end, or a batch's. A job's deliveries were accepted with its end, those
// of a batch with its first member, under ids of that moment and of the slot of what they tell of, so
// they stand together among the ids, which are in order of time.

#include "broker/store/store_private.h"

#include "lib/base/origin.h"

enum {
    ID_TIME_LEN = 6,      // bytes of an id of version 7 that tell the millisecond
    EXAMINED_MAX = 10000, // ids of one millisecond
};

static struct id first_of(when_ms at)
{
    struct id first = {{0}};
    for (size_t i = 0; i < ID_TIME_LEN; i++)
        first.bytes[i] = (uint8_t)((uint64_t)at >> 8 * (ID_TIME_LEN - 1 - i));
    return first;
}

// Does the job tell of it? Rows and records that cannot be read are not shown.
static err see(const struct store_told *told, uint64_t job_no)
{
    struct job_row row;
    struct lane_row lane;
    struct msg_submit_job body;
    err e = store_view_row(told->view, job_no, &row);
    if (e == OK)
        e = store_view_lane(told->view, row.lane, &lane);
    // Another tenant may have a batch of the same id.
    if (e != OK || !slice_is_text(lane.queue, HOOK_QUEUE) || row.state == JOB_REMOVED ||
        !origin_is_tenant(lane.tenant, told->view->tenant))
        return e;
    e = store_view_body(told->view, job_no, &body);
    if (e == OK && body.after.count == 1 && id_equal(&body.after.items[0], &told->of))
        e = told->see(told->ctx, &row, &lane);
    return e;
}

// An entry of the table of ids: one that cannot be read is counted, the auditor names it, and what
// was asked for is told without it.
static err see_entry(const struct store_told *told, struct slice key, struct slice value)
{
    struct id id;
    if (key.len != sizeof id.bytes || value.len != sizeof(struct disk_key)) {
        atomic_fetch_add(&told->view->store->damaged, 1);
        return ERR_DAMAGED;
    }
    memcpy(id.bytes, key.data, sizeof id.bytes);
    return id_slot(&id) == id_slot(&told->of) ? see(told, disk_key_number(value)) : OK;
}

err store_view_told_walk(const struct store_told *told)
{
    struct id from = first_of(told->at);
    struct slice key = {0};
    struct slice value = {0};
    err e = told->at > 0 ? disk_seek(told->view->reader, TABLE_IDS,
                                     slice_of(from.bytes, sizeof from.bytes), &key, &value)
                         : ERR_NOT_FOUND;
    for (uint32_t i = 0; e == OK && i < EXAMINED_MAX; i++) {
        if (key.len >= ID_TIME_LEN && memcmp(key.data, from.bytes, ID_TIME_LEN) != 0)
            return OK;
        e = see_entry(told, key, value);
        if (e == OK || e == ERR_DAMAGED || e == ERR_NOT_FOUND)
            e = disk_next(told->view->reader, &key, &value);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

struct page {
    struct msg_listed_job *jobs;
    uint32_t count;
};

static err list(void *ctx, const struct job_row *row, const struct lane_row *lane)
{
    struct page *page = ctx;
    if (page->count < MSG_LISTED_MAX)
        page->jobs[page->count++] = store_list_line(row, lane, 0);
    return OK;
}

// When the deliveries were accepted; 0: not yet.
static err find_moment(struct store_view *view, const struct msg_list *list, when_ms *out_at)
{
    struct job_row job = {0};
    struct batch_row batch = {0};
    err e = list->told_of_batch ? store_view_find_batch(view, &list->told_of, &batch)
                                : store_view_find(view, &list->told_of, &job);
    *out_at = list->told_of_batch ? batch.created_at : job.ended_at;
    return e;
}

err store_view_told(struct store_view *view, const struct msg_list *asked,
                    struct msg_listed_job *jobs, struct msg_listed *out_listed)
{
    struct page page = {.jobs = jobs};
    struct store_told told = {.view = view, .see = list, .ctx = &page, .of = asked->told_of};
    err e = find_moment(view, asked, &told.at);
    if (e == OK)
        e = store_view_told_walk(&told);
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) {
        *out_listed = (struct msg_listed){.error = e};
        return OK;
    }
    if (e == OK)
        *out_listed = (struct msg_listed){.jobs = jobs, .count = page.count};
    return e;
}
