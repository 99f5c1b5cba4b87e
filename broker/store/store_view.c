// Snapshots: the core's questions, bodies for workers, statuses for readers.

#include "broker/store/store_private.h"
#include "lib/sys/mint.h"

#include <stdlib.h>

err store_view_open(struct store *store, struct store_view **out_view)
{
    struct store_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return ERR_NO_MEMORY;
    view->store = store;
    err e = disk_reader_open(store->disk, &view->reader);
    if (e != OK) {
        free(view);
        return e;
    }
    *out_view = view;
    return OK;
}

void store_view_close(struct store_view *view)
{
    if (view == NULL)
        return;
    disk_reader_close(view->reader);
    free(view);
}

err store_view_begin(struct store_view *view)
{
    // Read before the snapshot is taken, so that the snapshot holds at least these commits.
    view->seen = atomic_load(&view->store->commit_count);
    err e = disk_read_begin(view->reader);
    view->is_begun = e == OK;
    return e;
}

void store_view_end(struct store_view *view)
{
    CHECK(view->is_begun);
    disk_read_end(view->reader);
    view->is_begun = false;
}

void store_view_as(struct store_view *view, struct slice tenant)
{
    view->is_of_one = true;
    view->tenant = tenant;
}

bool store_view_shows(const struct store_view *view, struct slice tenant)
{
    return !view->is_of_one || origin_is_tenant(tenant, view->tenant);
}

static err count_damage(struct store_view *view, err e)
{
    if (e == ERR_DAMAGED)
        atomic_fetch_add(&view->store->damaged, 1);
    return e;
}

err store_view_row(struct store_view *view, uint64_t job_no, struct job_row *out_row)
{
    struct disk_key key = disk_key_of(job_no);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_JOBS, disk_key_slice(&key), &record);
    if (e != OK)
        return e;
    return count_damage(view, store_record_get_job(record, disk_key_slice(&key), out_row));
}

static err find_key(struct store_view *view, const struct id *id, struct job_row *out_row)
{
    uint64_t job_nos[STORE_KEYMAP_FOUND_MAX];
    uint32_t count = store_keymap_find(&view->store->keymap, id, job_nos);
    for (uint32_t i = 0; i < count; i++) {
        struct job_row row;
        err e = store_view_row(view, job_nos[i], &row);
        if (e == ERR_NOT_FOUND || (e == OK && !id_equal(&row.id, id)))
            continue; // not in this snapshot, or another key with the same bits of hash
        if (e == OK)
            *out_row = row;
        return e;
    }
    return ERR_NOT_FOUND;
}

static err find_id(struct store_view *view, const struct id *id, struct job_row *out_row)
{
    struct slice value = {0};
    err e = disk_get(view->reader, TABLE_IDS, slice_of(id->bytes, sizeof id->bytes), &value);
    if (e != OK)
        return e;
    if (value.len != sizeof(struct disk_key))
        return count_damage(view, ERR_DAMAGED);
    struct job_row row;
    e = store_view_row(view, disk_key_number(value), &row);
    if (e == ERR_NOT_FOUND || (e == OK && !id_equal(&row.id, id)))
        return count_damage(view, ERR_DAMAGED);
    if (e == OK)
        *out_row = row;
    return e;
}

err store_view_lane(struct store_view *view, uint16_t no, struct lane_row *out_lane)
{
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_LANES, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_lane(record, disk_key_slice(&key), out_lane);
    return count_damage(view, e == ERR_NOT_FOUND ? ERR_DAMAGED : e);
}

// What cannot be told to be the tenant's is not shown.
static err judge_tenant(struct store_view *view, const struct job_row *row)
{
    struct lane_row lane;
    if (!view->is_of_one)
        return OK;
    err e = store_view_lane(view, row->lane, &lane);
    return e == OK && !store_view_shows(view, lane.tenant) ? ERR_NOT_FOUND : e;
}

err store_view_find(struct store_view *view, const struct id *id, struct job_row *out_row)
{
    CHECK(view->is_begun);
    struct job_row row;
    err e = id_version(id) == 8 ? find_key(view, id, &row) : find_id(view, id, &row);
    if (e == OK)
        e = judge_tenant(view, &row);
    if (e == OK)
        *out_row = row;
    return e;
}

// --- the core's questions ---

// The core can do nothing about a disk that does not answer, and must not take it for a no.
static bool is_there(err e)
{
    CHECK(e == OK || e == ERR_NOT_FOUND || e == ERR_DAMAGED);
    return e == OK;
}

static bool known_by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    return is_there(store_view_find(ctx, id, out_row));
}

static bool known_body(void *ctx, uint64_t job_no, struct slice tenant,
                       struct msg_submit_job *out_job)
{
    if (!is_there(store_view_body(ctx, job_no, out_job)))
        return false;
    out_job->tenant = tenant;
    struct origin origin = {.tenant = origin_tenant(tenant), .queue = out_job->queue};
    if (out_job->unique_key.len > 0)
        out_job->unique_hash = mint_unique(&origin, out_job->unique_key);
    return true;
}

static bool known_by_no(void *ctx, uint64_t job_no, struct job_row *out_row)
{
    return is_there(store_view_row(ctx, job_no, out_row));
}

struct known store_view_known(struct store_view *view)
{
    return (struct known){
        .ctx = view, .by_id = known_by_id, .by_no = known_by_no, .body = known_body};
}

// --- bodies and statuses ---

err store_view_body(struct store_view *view, uint64_t job_no, struct msg_submit_job *out_job)
{
    struct disk_key key = disk_key_of(job_no);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_BODIES, disk_key_slice(&key), &record);
    if (e != OK)
        return e;
    return count_damage(view, store_record_get_body(record, disk_key_slice(&key), out_job));
}

static err get_outcome(struct store_view *view, const struct job_row *row,
                       struct msg_status_is *status)
{
    struct disk_key key = disk_key_of(row->no);
    struct slice record = {0};
    struct msg_finish_job finish;
    err e = disk_get(view->reader, TABLE_OUTCOMES, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_outcome(record, disk_key_slice(&key), &finish);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : count_damage(view, e);
    bool has_succeeded = row->state == JOB_SUCCEEDED;
    if (has_succeeded && finish.outcome == OUTCOME_SUCCEEDED)
        status->result = finish.result;
    // A success without a result leaves an older failure in place; it is nobody's business now.
    if (!has_succeeded && finish.outcome != OUTCOME_SUCCEEDED)
        status->failure = (struct msg_failure){.kind = finish.error_kind,
                                               .message = finish.error_message,
                                               .detail = finish.error_detail};
    return OK;
}

static err get_progress(struct store_view *view, const struct job_row *row,
                        struct msg_status_is *status)
{
    struct disk_key key = disk_key_of(row->no);
    struct slice record = {0};
    struct msg_progress progress;
    err e = disk_get(view->reader, TABLE_PROGRESS, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_progress(record, disk_key_slice(&key), &progress);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : count_damage(view, e);
    status->progress_done = progress.done;
    status->progress_total = progress.total;
    status->progress_text = progress.text;
    return OK;
}

static err get_names(struct store_view *view, uint16_t no, struct msg_status_is *status)
{
    struct lane_row lane;
    err e = store_view_lane(view, no, &lane);
    if (e != OK)
        return e;
    status->queue = lane.queue;
    status->type = lane.type;
    return OK;
}

static err get_batch_row(struct store_view *view, uint64_t no, struct batch_row *out_row)
{
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_BATCHES, disk_key_slice(&key), &record);
    if (e != OK)
        return e;
    return count_damage(view, store_record_get_batch(record, disk_key_slice(&key), out_row));
}

static err get_batch_id(struct store_view *view, uint32_t batch, struct msg_status_is *status)
{
    struct batch_row row;
    if (batch == 0)
        return OK;
    err e = get_batch_row(view, batch - 1, &row);
    if (e == OK)
        status->batch_id = row.id;
    return e == ERR_NOT_FOUND ? OK : e;
}

// What follows from the options of a job that has not ended: those of an ended one may be others'.
static err get_policy(struct store_view *view, const struct job_row *row,
                      struct msg_status_is *status)
{
    struct disk_key key = disk_key_of(row->policy);
    struct slice record = {0};
    struct policy policy;
    bool is_running = row->state == JOB_RUNNING;
    if (row->state >= JOB_SUCCEEDED || (row->token != 0 && !is_running))
        return OK;
    err e = disk_get(view->reader, TABLE_POLICIES, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_policy(record, disk_key_slice(&key), &policy);
    if (e != OK)
        return count_damage(view, e == ERR_NOT_FOUND ? ERR_DAMAGED : e);
    if (is_running)
        status->deadline_at =
            when_after(row->granted_at, (when_ms)policy.timeout_ms + row->extend_ms);
    else if (policy.ttl_ms > 0)
        status->start_before = when_after(row->accepted_at, (when_ms)policy.ttl_ms);
    return OK;
}

// 1 + errors + crashes; a job that ended with a failure has none to come.
static uint32_t attempt_of(const struct job_row *row)
{
    uint32_t burnt = (uint32_t)row->errors + row->crashes;
    bool is_over = row->state == JOB_DEAD || row->ended_as == JOB_DEAD;
    return is_over && burnt > 0 ? burnt : burnt + 1;
}

static struct msg_status_is status_of(const struct job_row *row)
{
    return (struct msg_status_is){
        .error = row->state == JOB_REMOVED ? ERR_GONE : OK,
        .job_id = row->id,
        .state = (enum job_state)row->state,
        .version = row->version,
        .priority = row->priority,
        .attempt = attempt_of(row),
        .errors = row->errors,
        .crashes = row->crashes,
        .interruptions = row->interruptions,
        .created_at = row->accepted_at,
        .due_at = row->due_at,
        .started_at = row->granted_at,
        .ended_at = row->ended_at,
        .expires_at = row->remove_at,
        .dedup_until = row->dedup_until,
        .cancel = (enum cancel)row->cancel,
        .worker_id = row->worker,
        .order = (enum job_order)row->order,
    };
}

static void fill_submitted(const struct msg_submit_job *job, struct msg_status_is *status)
{
    status->unique_key = job->unique_key;
    status->concurrency_key = job->concurrency_key;
    status->cost = job->cost;
    status->batch_index = job->batch_index;
    status->after = job->after;
    status->labels = job->labels;
    status->on_dependency_failure = job->on_dependency_failure;
}

// What the submission said and the row does not repeat: only of jobs that have such a thing.
static err get_submitted(struct store_view *view, const struct job_row *row,
                         struct msg_status_is *status)
{
    struct msg_submit_job job;
    bool has_more = row->relations != 0 || row->batch != 0 || row->key_hash != 0 || row->cost != 0;
    if (!has_more || row->state == JOB_REMOVED)
        return OK;
    err e = store_view_body(view, row->no, &job);
    if (e == OK)
        fill_submitted(&job, status);
    return e == ERR_NOT_FOUND ? count_damage(view, ERR_DAMAGED) : e;
}

static err fill_status(struct store_view *view, const struct job_row *row,
                       struct msg_status_is *status)
{
    err e = get_names(view, row->lane, status);
    if (e == OK)
        e = get_outcome(view, row, status);
    if (e == OK)
        e = get_progress(view, row, status);
    if (e == OK)
        e = get_batch_id(view, row->batch, status);
    if (e == OK)
        e = get_submitted(view, row, status);
    if (e == OK)
        e = get_policy(view, row, status);
    return e;
}

err store_view_kept(struct store_view *view, const struct id *id, struct job_row *out_row,
                    struct slice *out_tenant)
{
    struct job_row row;
    struct lane_row lane = {0};
    err e = store_view_find(view, id, &row);
    if (e == OK && row.state == JOB_REMOVED)
        e = ERR_GONE;
    if (e == OK)
        e = store_view_lane(view, row.lane, &lane);
    if (e != OK)
        return e;
    *out_row = row;
    *out_tenant = lane.tenant;
    return OK;
}

err store_view_status(struct store_view *view, const struct id *id,
                      struct msg_status_is *out_status)
{
    struct job_row row;
    struct msg_status_is status = {.job_id = *id};
    err e = store_view_find(view, id, &row);
    if (e == OK) {
        status = status_of(&row);
        e = fill_status(view, &row, &status);
    }
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_DAMAGED)
        return e;
    // What is damaged is not shown in part: the reader could not tell what is missing.
    if (e != OK)
        status = (struct msg_status_is){.job_id = *id, .error = e};
    *out_status = status;
    return OK;
}

static err find_batch(struct store_view *view, struct slice tenant, const struct id *id,
                      struct batch_row *out_row)
{
    struct batch_row row;
    struct slice value = {0};
    struct store_batch_key key = store_batch_key_of(tenant, id);
    err e = disk_get(view->reader, TABLE_BATCH_IDS, store_batch_key_slice(&key), &value);
    if (e == OK && value.len != sizeof(struct disk_key))
        e = count_damage(view, ERR_DAMAGED);
    if (e == OK)
        e = get_batch_row(view, disk_key_number(value), &row);
    if (e == OK && !(id_equal(&row.id, id) && origin_is_tenant(row.tenant, tenant)))
        e = count_damage(view, ERR_DAMAGED);
    if (e == OK)
        *out_row = row;
    return e;
}

err store_view_find_batch(struct store_view *view, const struct id *id, struct batch_row *out_row)
{
    return find_batch(view, view->tenant, id, out_row);
}

err store_view_batch(struct store_view *view, const struct id *id,
                     struct msg_batch_status_is *out_status)
{
    return store_view_batch_of(view, view->tenant, id, out_status);
}

err store_view_batch_of(struct store_view *view, struct slice tenant, const struct id *id,
                        struct msg_batch_status_is *out_status)
{
    struct msg_batch_status_is status = {.batch_id = *id};
    struct batch_row row;
    err e = find_batch(view, tenant, id, &row);
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_DAMAGED)
        return e;
    status.error = e;
    if (e == OK) {
        status.created_at = row.created_at;
        status.version = row.version;
        memcpy(status.counts, row.counts, sizeof status.counts);
        status.finished_at = row.finished_at;
        status.is_sealed = row.sealed_at != 0;
    }
    *out_status = status;
    return OK;
}
