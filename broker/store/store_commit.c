// One batch, one flushed transaction. Rows are written where they lie; whether the core counted
// right is worked out from the old rows and the new ones.

#include "broker/store/store_private.h"

#include "lib/sys/failpoint.h"

#include <stdlib.h>

// A batch under way.
struct apply {
    struct store *store;
    struct disk_txn *txn;
    int64_t deltas[JOB_STATES]; // rows by state, after minus before
    bool is_unsure;             // an old row was damaged: the deltas prove nothing
    bool has_ledger;
    struct ledger_row ledger;
};

// Room at the end of the table where numbers grow, else wherever the number belongs.
static err room_for(struct apply *apply, enum store_table table, struct slice key, size_t len,
                    uint8_t **out_room)
{
    err e = disk_append_reserve(apply->txn, table, key, len, out_room);
    return e == ERR_CONFLICT ? disk_reserve(apply->txn, table, key, len, out_room) : e;
}

static err drop_if_there(struct apply *apply, enum store_table table, struct slice key)
{
    err e = disk_drop(apply->txn, table, key);
    return e == ERR_NOT_FOUND ? OK : e;
}

// --- jobs ---

static err count(struct apply *apply, const struct job_row *row, enum job_state from,
                 enum job_state to)
{
    apply->deltas[from]--;
    apply->deltas[to]++;
    store_queues_move(&apply->store->queues, row->lane, from, to);
    return store_segments_stage(&apply->store->segments, row->no, from,
                                to == JOB_NONE ? NULL : row);
}

// The id's way to the number: on disk for time-ordered ids; for keys a row that the start reads.
static err write_id(struct apply *apply, const struct job_row *row, struct slice no)
{
    if (id_version(&row->id) != 8)
        return disk_put(apply->txn, TABLE_IDS, slice_of(row->id.bytes, sizeof row->id.bytes), no);
    uint8_t *room = NULL;
    err e = room_for(apply, TABLE_KEYS, no, STORE_RECORD_KEY_LEN + DISK_SEAL_LEN, &room);
    if (e == OK)
        store_record_put_key(room, no,
                             &(struct store_record_key){.id = row->id,
                                                        .fingerprint = row->fingerprint,
                                                        .dedup_until = row->dedup_until});
    return e;
}

// What stands there now. A damaged row is written anew in full, for the core has it in memory.
static err old_state(struct apply *apply, struct slice key, enum job_state *out_state)
{
    struct slice record = {0};
    struct job_row old;
    err e = disk_txn_get(apply->txn, TABLE_JOBS, key, &record);
    if (e != OK)
        return e;
    e = store_record_get_job(record, key, &old);
    if (e == OK) {
        *out_state = (enum job_state)old.state;
        return OK;
    }
    atomic_fetch_add(&apply->store->damaged, 1);
    apply->is_unsure = true;
    *out_state = JOB_NONE;
    return OK;
}

static err write_job(struct apply *apply, const struct write_job *write)
{
    const size_t len = store_record_job_len(&write->row);
    struct disk_key number = disk_key_of(write->row.no);
    struct slice key = disk_key_slice(&number);
    enum job_state from = JOB_NONE;
    uint8_t *room = NULL;
    err e = write->is_new ? ERR_NOT_FOUND : old_state(apply, key, &from);
    if (e == OK) {
        e = disk_replace(apply->txn, TABLE_JOBS, key, len, &room);
    } else if (e == ERR_NOT_FOUND) {
        e = room_for(apply, TABLE_JOBS, key, len, &room);
    }
    if (e != OK)
        return e;
    store_record_put_job(room, key, &write->row);
    e = count(apply, &write->row, from, (enum job_state)write->row.state);
    return e == OK && write->is_new ? write_id(apply, &write->row, key) : e;
}

static err write_body(struct apply *apply, const struct write_body *write)
{
    struct disk_key number = disk_key_of(write->job_no);
    uint8_t *room = NULL;
    err e = room_for(apply, TABLE_BODIES, disk_key_slice(&number),
                     store_record_body_len(write->job), &room);
    if (e == OK)
        store_record_put_body(room, disk_key_slice(&number), write->job);
    return e;
}

// A success without a result is told by the row alone; reading takes care that an older failure
// is not shown beside it.
static err write_outcome(struct apply *apply, const struct write_outcome *write)
{
    const struct msg_finish_job *finish = write->finish;
    if (finish->outcome == OUTCOME_SUCCEEDED && finish->result.content == CONTENT_NONE &&
        finish->result.bytes.len == 0)
        return OK;
    struct disk_key number = disk_key_of(write->job_no);
    uint8_t *room = NULL;
    err e = room_for(apply, TABLE_OUTCOMES, disk_key_slice(&number),
                     store_record_outcome_len(finish), &room);
    if (e == OK)
        store_record_put_outcome(room, disk_key_slice(&number), finish);
    return e;
}

static err write_progress(struct apply *apply, const struct write_progress *write)
{
    struct disk_key number = disk_key_of(write->job_no);
    uint8_t *room = NULL;
    err e = room_for(apply, TABLE_PROGRESS, disk_key_slice(&number),
                     store_record_progress_len(write->progress), &room);
    if (e == OK)
        store_record_put_progress(room, disk_key_slice(&number), write->progress);
    return e;
}

static err drop_body(struct apply *apply, const struct job_row *row)
{
    static const enum store_table tables[] = {TABLE_BODIES, TABLE_OUTCOMES, TABLE_PROGRESS};
    struct disk_key number = disk_key_of(row->no);
    err e = store_history_drop(apply->txn, row);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && e == OK; i++)
        e = drop_if_there(apply, tables[i], disk_key_slice(&number));
    return e;
}

static err drop_id(struct apply *apply, const struct job_row *row, struct slice no)
{
    if (id_version(&row->id) == 8)
        return drop_if_there(apply, TABLE_KEYS, no);
    return drop_if_there(apply, TABLE_IDS, slice_of(row->id.bytes, sizeof row->id.bytes));
}

// A job counts as removed for ever, whether or not it was a tombstone first.
static err drop_job(struct apply *apply, const struct job_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    struct slice key = disk_key_slice(&number);
    enum job_state from = JOB_NONE;
    err e = old_state(apply, key, &from);
    if (e == ERR_NOT_FOUND)
        return OK; // the counts tell that the core was wrong
    if (e == OK && from != JOB_REMOVED)
        e = drop_body(apply, row);
    if (e == OK)
        e = disk_drop(apply->txn, TABLE_JOBS, key);
    if (e == OK)
        e = drop_id(apply, row, key);
    if (e != OK)
        return e;
    apply->deltas[from]--;
    apply->deltas[JOB_REMOVED]++;
    store_queues_move(&apply->store->queues, row->lane, from, JOB_REMOVED);
    return store_segments_stage(&apply->store->segments, row->no, from, NULL);
}

// --- the rest ---

static err write_lane(struct apply *apply, const struct lane_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_LANES, disk_key_slice(&number),
                         store_record_lane_len(row), &room);
    if (e == OK)
        store_record_put_lane(room, disk_key_slice(&number), row);
    store_queues_lane(&apply->store->queues, row->no, row->queue_no);
    return e;
}

static err write_queue(struct apply *apply, const struct queue_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_QUEUES, disk_key_slice(&number),
                         store_record_queue_len(row), &room);
    if (e == OK)
        store_record_put_queue(room, disk_key_slice(&number), row);
    return e == OK ? store_queues_stage(&apply->store->queues, row) : e;
}

static err write_type(struct apply *apply, const struct type_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_TYPES, disk_key_slice(&number),
                         store_record_type_len(row), &room);
    if (e == OK)
        store_record_put_type(room, disk_key_slice(&number), row);
    return e;
}

static err write_policy(struct apply *apply, const struct write_policy *write)
{
    struct disk_key number = disk_key_of(write->no);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_POLICIES, disk_key_slice(&number),
                         store_record_policy_len(&write->policy), &room);
    if (e == OK)
        store_record_put_policy(room, disk_key_slice(&number), &write->policy);
    return e;
}

static err write_batch(struct apply *apply, const struct batch_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    struct slice key = disk_key_slice(&number);
    struct slice old = {0};
    err e = disk_txn_get(apply->txn, TABLE_BATCHES, key, &old);
    struct store_batch_key id = store_batch_key_of(row->tenant, &row->id);
    if (e == ERR_NOT_FOUND)
        e = disk_put(apply->txn, TABLE_BATCH_IDS, store_batch_key_slice(&id), key);
    uint8_t *room = NULL;
    if (e == OK)
        e = disk_reserve(apply->txn, TABLE_BATCHES, key, store_record_batch_len(row), &room);
    if (e == OK)
        store_record_put_batch(room, key, row);
    return e;
}

static err drop_batch(struct apply *apply, const struct batch_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    struct store_batch_key id = store_batch_key_of(row->tenant, &row->id);
    err e = drop_if_there(apply, TABLE_BATCHES, disk_key_slice(&number));
    if (e == OK)
        e = drop_if_there(apply, TABLE_BATCH_IDS, store_batch_key_slice(&id));
    return e;
}

static err drop_lane(struct apply *apply, const struct lane_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    return drop_if_there(apply, TABLE_LANES, disk_key_slice(&number));
}

static err drop_queue(struct apply *apply, const struct queue_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    store_queues_drop(&apply->store->queues, row->no);
    return drop_if_there(apply, TABLE_QUEUES, disk_key_slice(&number));
}

static err write_unique(struct apply *apply, const struct unique_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_UNIQUES, disk_key_slice(&number),
                         STORE_RECORD_UNIQUE_LEN + DISK_SEAL_LEN, &room);
    if (e == OK)
        store_record_put_unique(room, disk_key_slice(&number), row);
    return e;
}

static err drop_unique(struct apply *apply, const struct unique_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    return drop_if_there(apply, TABLE_UNIQUES, disk_key_slice(&number));
}

// What was given stays. When it is damaged there is nothing to keep: the record stays damaged.
static err write_schedule_row(struct apply *apply, const struct schedule_row *row)
{
    struct slice old = {0};
    struct store_record_schedule schedule;
    err e = disk_txn_get(apply->txn, TABLE_SCHEDULES, row->name, &old);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
    if (store_record_get_schedule(old, row->name, &schedule) != OK) {
        atomic_fetch_add(&apply->store->damaged, 1);
        return OK;
    }
    // The old bytes may move while the new ones are written.
    uint8_t *copy = malloc(old.len);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, old.data, old.len);
    uint8_t *room = NULL;
    e = disk_replace(apply->txn, TABLE_SCHEDULES, row->name, old.len, &room);
    if (e == OK)
        store_record_put_schedule_row(room, row->name, row, slice_of(copy, old.len));
    free(copy);
    return e;
}

static err write_schedule(struct apply *apply, const struct write_schedule *write)
{
    struct slice key = write->row.name;
    if (write->given == NULL)
        return write_schedule_row(apply, &write->row);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_SCHEDULES, key, store_record_schedule_len(write->given),
                         &room);
    if (e == OK)
        store_record_put_schedule(room, key, &write->row, write->given);
    return e;
}

static err write_dep(struct apply *apply, const struct dep_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    uint8_t *room = NULL;
    err e = room_for(apply, TABLE_DEPENDENCIES, disk_key_slice(&number), store_record_dep_len(row),
                     &room);
    if (e == OK)
        store_record_put_dep(room, disk_key_slice(&number), row);
    return e;
}

static err drop_dep(struct apply *apply, const struct dep_row *row)
{
    struct disk_key number = disk_key_of(row->no);
    return drop_if_there(apply, TABLE_DEPENDENCIES, disk_key_slice(&number));
}

static err write_operation(struct apply *apply, const struct operation_row *row)
{
    struct slice key = slice_of(row->id.bytes, sizeof row->id.bytes);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_OPERATIONS, key, store_record_operation_len(row), &room);
    if (e == OK)
        store_record_put_operation(room, key, row);
    return e;
}

static err write_endpoint(struct apply *apply, const struct endpoint_row *row)
{
    uint8_t name[STORE_RECORD_ENDPOINT_KEY_LEN_MAX];
    struct slice key = store_record_endpoint_key(row->tenant, row->given.webhook_id, name);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_ENDPOINTS, key, store_record_endpoint_len(row), &room);
    if (e == OK)
        store_record_put_endpoint(room, key, row);
    return e;
}

static err drop_endpoint(struct apply *apply, const struct endpoint_row *row)
{
    uint8_t name[STORE_RECORD_ENDPOINT_KEY_LEN_MAX];
    return drop_if_there(apply, TABLE_ENDPOINTS,
                         store_record_endpoint_key(row->tenant, row->given.webhook_id, name));
}

static err write_ledger(struct apply *apply, const struct ledger_row *row)
{
    struct disk_key number = disk_key_of(META_LEDGER);
    uint8_t *room = NULL;
    err e = disk_reserve(apply->txn, TABLE_META, disk_key_slice(&number),
                         STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN, &room);
    if (e != OK)
        return e;
    store_record_put_ledger(room, disk_key_slice(&number), row);
    apply->ledger = *row;
    apply->has_ledger = true;
    return OK;
}

static err write_segments(struct apply *apply)
{
    struct store_segments *segments = &apply->store->segments;
    err e = OK;
    for (size_t i = 0; i < segments->stage_count && e == OK; i++) {
        uint64_t no = 0;
        struct store_record_segment segment;
        bool has_rows = store_segments_staged(segments, i, &no, &segment);
        struct disk_key number = disk_key_of(no);
        struct slice key = disk_key_slice(&number);
        uint8_t *room = NULL;
        if (!has_rows) {
            e = drop_if_there(apply, TABLE_SEGMENTS, key);
            continue;
        }
        e = disk_reserve(apply->txn, TABLE_SEGMENTS, key, STORE_RECORD_SEGMENT_LEN + DISK_SEAL_LEN,
                         &room);
        if (e == OK)
            store_record_put_segment(room, key, &segment);
    }
    return e;
}

static err apply_one(struct apply *apply, const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB: return write_job(apply, &write->job);
    case WRITE_BODY: return write_body(apply, &write->body);
    case WRITE_OUTCOME: return write_outcome(apply, &write->outcome);
    case WRITE_PROGRESS: return write_progress(apply, &write->progress);
    case WRITE_EVENT: return store_history_write_event(apply->txn, &write->event);
    case WRITE_LOG: return store_history_write_log(apply->store, apply->txn, &write->log);
    case WRITE_LANE: return write_lane(apply, &write->lane);
    case DROP_LANE: return drop_lane(apply, &write->lane);
    case DROP_QUEUE: return drop_queue(apply, &write->queue);
    case WRITE_POLICY: return write_policy(apply, &write->policy);
    case WRITE_BATCH: return write_batch(apply, &write->batch);
    case WRITE_LEDGER: return write_ledger(apply, &write->ledger);
    case DROP_BODY: return drop_body(apply, &write->drop);
    case DROP_JOB: return drop_job(apply, &write->drop);
    case DROP_BATCH: return drop_batch(apply, &write->batch);
    case WRITE_UNIQUE: return write_unique(apply, &write->unique);
    case DROP_UNIQUE: return drop_unique(apply, &write->unique);
    case WRITE_SCHEDULE: return write_schedule(apply, &write->schedule);
    case DROP_SCHEDULE: return drop_if_there(apply, TABLE_SCHEDULES, write->schedule.row.name);
    case WRITE_QUEUE: return write_queue(apply, &write->queue);
    case WRITE_TYPE: return write_type(apply, &write->type);
    case WRITE_DEP: return write_dep(apply, &write->dep);
    case WRITE_OPERATION: return write_operation(apply, &write->operation);
    case DROP_OPERATION:
        return drop_if_there(apply, TABLE_OPERATIONS,
                             slice_of(write->operation.id.bytes, sizeof write->operation.id.bytes));
    case DROP_DEP: return drop_dep(apply, &write->dep);
    case WRITE_ENDPOINT: return write_endpoint(apply, &write->endpoint);
    case DROP_ENDPOINT: return drop_endpoint(apply, &write->endpoint);
    }
    UNREACHABLE();
}

// --- the law ---

// accepted = all jobs by state, and the ledger moved exactly as the rows did.
static bool law_holds(const struct apply *apply)
{
    const struct ledger_row *before = &apply->store->ledger;
    const struct ledger_row *after = &apply->ledger;
    uint64_t sum = 0;
    bool has_moved_alike = true;
    for (unsigned i = JOB_NONE + 1; i < JOB_STATES; i++) {
        sum += after->counts[i];
        uint64_t expected = before->counts[i] + (uint64_t)apply->deltas[i];
        has_moved_alike = has_moved_alike && after->counts[i] == expected;
    }
    return sum == after->accepted && (has_moved_alike || apply->is_unsure);
}

// --- the batch ---

static err update_keymap(struct store *store, const struct write *writes, uint32_t write_count)
{
    err e = OK;
    for (uint32_t i = 0; i < write_count && e == OK; i++) {
        const struct write *write = &writes[i];
        if (write->kind == WRITE_JOB && write->job.is_new && id_version(&write->job.row.id) == 8)
            e = store_keymap_add(&store->keymap, &write->job.row.id, write->job.row.no);
        if (write->kind == DROP_JOB && id_version(&write->drop.id) == 8)
            store_keymap_drop(&store->keymap, &write->drop.id, write->drop.no);
    }
    return e;
}

static err apply_all(struct apply *apply, const struct write *writes, uint32_t write_count)
{
    err e = OK;
    for (uint32_t i = 0; i < write_count && e == OK; i++)
        e = apply_one(apply, &writes[i]);
    return e == OK ? write_segments(apply) : e;
}

static void settle(struct apply *apply, uint32_t write_count)
{
    struct store *store = apply->store;
    bool holds = store_queues_settle(&store->queues, apply->is_unsure);
    if (!apply->has_ledger || !law_holds(apply) || !holds)
        atomic_fetch_add(&store->violations, 1);
    if (apply->has_ledger) {
        store->ledger = apply->ledger;
        store->has_ledger = true;
    }
    uint64_t commit = atomic_load(&store->commit_count) + 1;
    store_segments_settle(&store->segments, commit);
    atomic_fetch_add(&store->write_count, write_count);
    atomic_store(&store->commit_count, commit);
}

static err commit_once(struct store *store, const struct write *writes, uint32_t write_count)
{
    struct apply apply = {.store = store};
    err e = disk_begin(store->disk, &apply.txn);
    if (e != OK)
        return e;
    e = apply_all(&apply, writes, write_count);
    if (e != OK) {
        disk_abort(apply.txn);
        store_segments_abort(&store->segments);
        store_queues_abort(&store->queues);
        return e;
    }
    failpoint_hit("store.before_commit");
    atomic_fetch_add(&store->begun_count, 1);
    e = disk_commit(apply.txn);
    if (e != OK) {
        atomic_fetch_sub(&store->begun_count, 1); // nothing was written
        store_segments_abort(&store->segments);
        store_queues_abort(&store->queues);
        return e;
    }
    failpoint_hit("store.after_commit");
    settle(&apply, write_count);
    e = update_keymap(store, writes, write_count);
    atomic_fetch_add(&store->settled_count, 1);
    return e;
}

err store_commit(struct store *store, const struct write *writes, uint32_t count)
{
    // A batch larger than the free part of the map is aborted, and tried again in a larger one;
    // each try doubles it, so few are needed.
    enum { TRIES_MAX = 8 };
    if (count == 0)
        return OK;
    err e = ERR_FULL;
    for (unsigned i = 0; i < TRIES_MAX && e == ERR_FULL; i++)
        e = commit_once(store, writes, count);
    return e == ERR_FULL ? ERR_DISK : e;
}
