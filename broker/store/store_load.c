// Start: everything the core must have in memory, in one snapshot.

#include "broker/store/store_private.h"

#include <stdlib.h>

// A walk over one table.
struct walk {
    struct store_view *view;
    struct core *core;
    struct store_loaded *loaded;
    uint64_t queue_sums[JOB_STATES]; // what the rows of queues say of their jobs
    bool are_queues_unsure;          // … and one could not be read
};

typedef err load_record(struct walk *walk, struct slice key, struct slice record);

static err walk_table(struct walk *walk, enum store_table table, load_record *load)
{
    struct slice key = {0};
    struct slice record = {0};
    struct disk_reader *reader = walk->view->reader;
    err e = disk_seek(reader, table, slice_of(NULL, 0), &key, &record);
    while (e == OK) {
        e = load(walk, key, record);
        if (e == OK)
            e = disk_next(reader, &key, &record);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

// A damaged record is left out and counted; the first one is named for the log.
static err leave_out(struct walk *walk, uint64_t number)
{
    if (walk->loaded->damaged_count++ == 0)
        walk->loaded->damaged_first = number;
    atomic_fetch_add(&walk->view->store->damaged, 1);
    return OK;
}

static uint64_t number_of(struct slice key)
{
    return key.len == sizeof(struct disk_key) ? disk_key_number(key) : 0;
}

static err load_lane(struct walk *walk, struct slice key, struct slice record)
{
    struct lane_row row;
    err e = store_record_get_lane(record, key, &row);
    return e == OK ? core_load_lane(walk->core, &row) : e;
}

static err load_queue(struct walk *walk, struct slice key, struct slice record)
{
    struct queue_row row;
    err e = store_record_get_queue(record, key, &row);
    if (e == OK)
        e = core_load_queue(walk->core, &row);
    if (e == ERR_DAMAGED) {
        walk->are_queues_unsure = true;
        return leave_out(walk, number_of(key));
    }
    for (unsigned state = 0; state < JOB_STATES; state++)
        walk->queue_sums[state] += row.counts[state];
    return e;
}

static err load_type(struct walk *walk, struct slice key, struct slice record)
{
    struct type_row row;
    err e = store_record_get_type(record, key, &row);
    if (e == OK)
        e = core_load_type(walk->core, &row);
    return e == ERR_DAMAGED ? leave_out(walk, number_of(key)) : e;
}

static err load_policy(struct walk *walk, struct slice key, struct slice record)
{
    struct policy policy;
    uint64_t no = number_of(key);
    err e = store_record_get_policy(record, key, &policy);
    if (e != OK || no > UINT16_MAX)
        return ERR_DAMAGED;
    return core_load_policy(walk->core, (uint16_t)no, &policy);
}

static err load_schedule(struct walk *walk, struct slice key, struct slice record)
{
    struct store_record_schedule schedule;
    if (store_record_get_schedule(record, key, &schedule) != OK)
        return leave_out(walk, 0);
    return core_load_schedule(walk->core, &schedule.row);
}

static err load_operation(struct walk *walk, struct slice key, struct slice record)
{
    struct operation_row row;
    if (store_record_get_operation(record, key, &row) != OK)
        return leave_out(walk, 0);
    err e = core_load_operation(walk->core, &row);
    return e == ERR_DAMAGED ? leave_out(walk, 0) : e;
}

// One that is left out is told of nothing any more, and may be set anew.
static err load_endpoint(struct walk *walk, struct slice key, struct slice record)
{
    struct endpoint_row row;
    err e = store_record_get_endpoint(record, key, &row);
    if (e == OK)
        e = core_load_endpoint(walk->core, &row);
    return e == ERR_DAMAGED ? leave_out(walk, 0) : e;
}

static err load_batch(struct walk *walk, struct slice key, struct slice record)
{
    struct batch_row row;
    err e = store_record_get_batch(record, key, &row);
    return e == OK ? core_load_batch(walk->core, &row) : e;
}

// The id is in the job's row too, so a damaged key is healed where the row is whole.
static err read_key(struct walk *walk, struct slice key, struct slice record, struct id *out_id)
{
    struct store_record_key value;
    struct job_row row;
    err e = store_record_get_key(record, key, &value);
    if (e == OK) {
        *out_id = value.id;
        return OK;
    }
    (void)leave_out(walk, number_of(key)); // counts it; always OK
    e = store_view_row(walk->view, number_of(key), &row);
    if (e == OK)
        *out_id = row.id;
    return e;
}

static err load_key(struct walk *walk, struct slice key, struct slice record)
{
    struct id id;
    err e = read_key(walk, key, record, &id);
    if (e == ERR_DAMAGED || e == ERR_NOT_FOUND)
        return OK; // counted
    if (e == OK)
        e = store_keymap_add(&walk->view->store->keymap, &id, number_of(key));
    if (e == OK)
        e = core_load_key(walk->core, &id, number_of(key));
    walk->loaded->key_count += e == OK;
    return e == ERR_DAMAGED ? leave_out(walk, number_of(key)) : e;
}

static err load_unique(struct walk *walk, struct slice key, struct slice record)
{
    struct unique_row row;
    if (store_record_get_unique(record, key, &row) != OK)
        return leave_out(walk, number_of(key));
    err e = core_load_unique(walk->core, &row);
    return e == ERR_DAMAGED ? leave_out(walk, row.no) : e;
}

static err load_dep(struct walk *walk, struct slice key, struct slice record)
{
    struct dep_row row;
    if (store_record_get_dep(record, key, &row) != OK)
        return leave_out(walk, number_of(key));
    err e = core_load_dep(walk->core, &row);
    return e == ERR_DAMAGED ? leave_out(walk, row.no) : e;
}

static bool is_unfinished(const struct job_row *row)
{
    return row->state == JOB_SCHEDULED || row->state == JOB_QUEUED || row->state == JOB_RUNNING ||
           row->state == JOB_RETRYING;
}

static err load_job(struct walk *walk, struct slice key, struct slice record)
{
    struct job_row row;
    if (store_record_get_job(record, key, &row) != OK)
        return leave_out(walk, number_of(key));
    if (!is_unfinished(&row))
        return OK;
    err e = core_load_job(walk->core, &row);
    if (e == ERR_DAMAGED)
        return leave_out(walk, row.no);
    walk->loaded->job_count += e == OK;
    return e;
}

// --- segments ---

typedef err see_row(void *ctx, struct slice key, struct slice record);

// All rows of one segment, in order.
static err walk_segment(struct store_view *view, uint64_t no, see_row *see, void *ctx)
{
    struct disk_key from = disk_key_of(no * STORE_SEGMENT_JOBS);
    struct slice key = {0};
    struct slice record = {0};
    err e = disk_seek(view->reader, TABLE_JOBS, disk_key_slice(&from), &key, &record);
    while (e == OK && number_of(key) / STORE_SEGMENT_JOBS == no) {
        e = see(ctx, key, record);
        if (e == OK)
            e = disk_next(view->reader, &key, &record);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err see_load(void *ctx, struct slice key, struct slice record)
{
    return load_job(ctx, key, record);
}

static err see_count(void *ctx, struct slice key, struct slice record)
{
    struct store_record_segment *segment = ctx;
    struct job_row row;
    if (store_record_get_job(record, key, &row) != OK)
        return OK; // counted as damaged when it is loaded or asked for
    segment->counts[row.state]++;
    segment->earliest_at = when_min(segment->earliest_at, store_record_sweep_at(&row));
    return OK;
}

static err count_anew(struct store_view *view, uint64_t no, struct store_record_segment *out)
{
    *out = (struct store_record_segment){.earliest_at = WHEN_NEVER};
    return walk_segment(view, no, see_count, out);
}

err store_load_segments(struct store *store, struct store_view *view)
{
    struct slice key = {0};
    struct slice record = {0};
    uint64_t sums[JOB_STATES] = {0};
    err e = disk_seek(view->reader, TABLE_SEGMENTS, slice_of(NULL, 0), &key, &record);
    while (e == OK) {
        struct store_record_segment segment;
        uint64_t no = number_of(key);
        if (store_record_get_segment(record, key, &segment) != OK) {
            atomic_fetch_add(&store->damaged, 1);
            e = count_anew(view, no, &segment);
        }
        if (e == OK)
            e = store_segments_load(&store->segments, no, &segment);
        for (unsigned i = 0; i < JOB_STATES; i++)
            sums[i] += segment.counts[i];
        if (e == OK)
            e = disk_next(view->reader, &key, &record);
    }
    // Removed jobs count for ever in the ledger, here only while their tombstone stands.
    for (unsigned i = JOB_NONE + 1; i < JOB_REMOVED && e == ERR_NOT_FOUND; i++) {
        if (sums[i] != store->ledger.counts[i]) {
            atomic_fetch_add(&store->violations, 1);
            break;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err load_jobs(struct walk *walk)
{
    const struct store_segments *segments = &walk->view->store->segments;
    err e = OK;
    for (size_t i = 0; i < segments->count && e == OK; i++) {
        if (store_segments_has_unfinished(&segments->items[i].settled))
            e = walk_segment(walk->view, segments->first_no + i, see_load, walk);
    }
    return e;
}

// --- counts of queues ---

// Removed jobs are counted for ever, and no row tells whose the forgotten ones were.
static bool agree_queues(const struct walk *walk)
{
    const uint64_t *counts = walk->view->store->ledger.counts;
    bool agrees = walk->queue_sums[JOB_REMOVED] <= counts[JOB_REMOVED];
    for (unsigned state = JOB_NONE + 1; state < JOB_REMOVED; state++)
        agrees = agrees && walk->queue_sums[state] == counts[state];
    return agrees && !walk->are_queues_unsure;
}

struct recount {
    uint64_t (*lanes)[JOB_STATES];
    uint32_t lane_count;
};

static err count_all(struct store_view *view, const struct recount *recount)
{
    struct slice key = {0};
    struct slice record = {0};
    err e = disk_seek(view->reader, TABLE_JOBS, slice_of(NULL, 0), &key, &record);
    for (; e == OK; e = disk_next(view->reader, &key, &record)) {
        struct job_row row;
        if (store_record_get_job(record, key, &row) == OK && row.lane < recount->lane_count)
            recount->lanes[row.lane][row.state]++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

// A store of before there were rows of queues, or one of them is damaged: every job is looked at.
static err recount_queues(struct walk *walk)
{
    struct core_figures figures;
    core_figures(walk->core, &figures);
    struct recount recount = {.lane_count = figures.lane_count};
    recount.lanes = calloc(figures.lane_count + 1u, sizeof *recount.lanes);
    if (recount.lanes == NULL)
        return ERR_NO_MEMORY;
    err e = count_all(walk->view, &recount);
    if (e == OK)
        core_load_counts(walk->core, recount.lanes, recount.lane_count);
    free(recount.lanes);
    return e;
}

// What the commits will be compared with is what the core has by now.
static err note_queues(const struct walk *walk)
{
    struct store_queues *queues = &walk->view->store->queues;
    struct lane_figures lane;
    struct queue_row row;
    err e = OK;
    struct core_figures figures;
    core_figures(walk->core, &figures);
    for (uint32_t no = 0; no < figures.lane_count; no++)
        if (core_lane(walk->core, (uint16_t)no, &lane))
            store_queues_lane(queues, (uint16_t)no, lane.lane.queue_no);
    for (uint32_t no = 0; e == OK && no < figures.queue_count; no++)
        if (core_queue(walk->core, no, &row))
            e = store_queues_load(queues, &row);
    return e;
}

// The order matters: a row is checked against what was loaded before it.
static err load_all(struct walk *walk)
{
    err e = core_load_ledger(walk->core, &walk->view->store->ledger);
    if (e == OK)
        e = walk_table(walk, TABLE_QUEUES, load_queue);
    if (e == OK)
        e = walk_table(walk, TABLE_LANES, load_lane);
    if (e == OK && !agree_queues(walk))
        e = recount_queues(walk);
    if (e == OK)
        e = walk_table(walk, TABLE_TYPES, load_type);
    if (e == OK)
        e = walk_table(walk, TABLE_POLICIES, load_policy);
    if (e == OK)
        e = walk_table(walk, TABLE_BATCHES, load_batch);
    if (e == OK)
        e = walk_table(walk, TABLE_SCHEDULES, load_schedule);
    if (e == OK)
        e = walk_table(walk, TABLE_OPERATIONS, load_operation);
    if (e == OK)
        e = walk_table(walk, TABLE_ENDPOINTS, load_endpoint);
    if (e == OK)
        e = load_jobs(walk);
    if (e == OK)
        e = walk_table(walk, TABLE_KEYS, load_key);
    if (e == OK)
        e = walk_table(walk, TABLE_UNIQUES, load_unique);
    if (e == OK)
        e = walk_table(walk, TABLE_DEPENDENCIES, load_dep);
    if (e == OK)
        e = core_load_second_lives(walk->core);
    return e == OK ? note_queues(walk) : e;
}

err store_load(struct store *store, struct core *core, struct store_loaded *out_loaded)
{
    struct store_loaded loaded = {0};
    struct walk walk = {.core = core, .loaded = &loaded};
    err e = OK;
    if (store->has_ledger) {
        disk_warm(store->disk);
        e = store_view_open(store, &walk.view);
        if (e != OK)
            return e;
        e = store_view_begin(walk.view);
        if (e == OK)
            e = load_all(&walk);
        store_view_close(walk.view);
    }
    if (e == OK)
        *out_loaded = loaded;
    return e;
}
