// The indexes and side tables, one after another: does each entry belong to a job?

#include "broker/store/store_audit_private.h"

// Looks at one entry; what it finds wrong it accuses. An error is the disk's.
typedef err see_entry(struct store_audit *audit, struct slice key, struct slice record);

static err accuse(struct store_audit *audit, enum violation kind, uint64_t no, const struct id *id)
{
    violation_add(&audit->found, kind, no, id);
    return OK;
}

static err accuse_damaged(struct store_audit *audit, struct slice key)
{
    return accuse(audit, VIOLATION_DAMAGED, store_audit_number(key), NULL);
}

static bool id_of(struct slice key, struct id *out_id)
{
    return id_from_bytes(key, out_id) == OK;
}

// The job that owns what lies under `key` and still has a body. When there is none: an
// accusation. *out_is_owned is false also when the row is damaged, which its own check tells.
static err owner_of(struct store_audit *audit, struct slice key, enum violation kind,
                    struct job_row *out_row, bool *out_is_owned)
{
    err e = store_audit_row(audit, store_audit_number(key), out_row);
    *out_is_owned = e == OK && out_row->state != JOB_REMOVED;
    if (e == ERR_NOT_FOUND)
        return accuse(audit, kind, store_audit_number(key), NULL);
    if (e == OK && !*out_is_owned)
        return accuse(audit, kind, out_row->no, &out_row->id);
    return e == ERR_DAMAGED ? OK : e;
}

// --- ids and keys ---

static err see_id(struct store_audit *audit, struct slice key, struct slice value)
{
    struct id id = {{0}};
    struct job_row row;
    if (!id_of(key, &id))
        return accuse_damaged(audit, key);
    uint64_t no = store_audit_number(value);
    err e = store_audit_row(audit, no, &row);
    if (e == ERR_NOT_FOUND || (e == OK && !id_equal(&row.id, &id)))
        return accuse(audit, VIOLATION_ID_ORPHAN, no, &id);
    return e == ERR_DAMAGED ? OK : e;
}

static err see_key(struct store_audit *audit, struct slice key, struct slice record)
{
    struct store_record_key value;
    struct job_row row;
    uint64_t no = store_audit_number(key);
    if (store_record_get_key(record, key, &value) != OK)
        return accuse_damaged(audit, key);
    err e = store_audit_row(audit, no, &row);
    if (e == ERR_NOT_FOUND ||
        (e == OK && (!id_equal(&row.id, &value.id) || row.fingerprint != value.fingerprint)))
        return accuse(audit, VIOLATION_KEY_ORPHAN, no, &value.id);
    return e == ERR_DAMAGED ? OK : e;
}

// --- what belongs to a job ---

static err lane_of(struct store_audit *audit, uint16_t no, struct lane_row *out_lane)
{
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    err e = store_audit_get(audit, TABLE_LANES, no, &record);
    return e == OK ? store_record_get_lane(record, disk_key_slice(&key), out_lane) : e;
}

static err see_body(struct store_audit *audit, struct slice key, struct slice record)
{
    struct msg_submit_job job;
    struct job_row row;
    struct lane_row lane;
    bool is_owned = false;
    if (store_record_get_body(record, key, &job) != OK)
        return accuse_damaged(audit, key);
    err e = owner_of(audit, key, VIOLATION_BODY_ORPHAN, &row, &is_owned);
    if (e != OK || !is_owned)
        return e;
    // Endpoints that want a job are no part of its body. A batch's delivery carries the batch's
    // webhook, which nobody else keeps.
    bool is_told = row.relations >> RELATION_EVENTS_SHIFT != 0 || row.has_progress ||
                   (job.webhook.len > 0 && msg_hook_is_reserved(job.queue));
    bool agrees = job.payload.bytes.len == row.body_len &&
                  (job.labels.len > 0) == ((row.relations & RELATION_LABELS) != 0) &&
                  (job.webhook.len > 0) == is_told;
    e = lane_of(audit, row.lane, &lane);
    if (e == OK)
        agrees = agrees && slice_equal(lane.queue, job.queue) && slice_equal(lane.type, job.type);
    if (!agrees)
        return accuse(audit, VIOLATION_BODY_DIFFERS, row.no, &row.id);
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e; // told by the row, or the lane
}

// At most one finish is accepted of each grant, and the last word stays. An older failure may
// stay beside a success that has no result.
static bool is_of_this_finish(const struct job_row *row, const struct msg_finish_job *finish)
{
    bool has_finished = row->token_use == TOKEN_FINISHED && finish->token == row->token;
    if (finish->token > row->token)
        return false;
    if (finish->outcome == OUTCOME_SUCCEEDED)
        return has_finished && row->state == JOB_SUCCEEDED;
    bool must_be_last =
        row->token_use == TOKEN_FINISHED && (row->state == JOB_DEAD || row->state == JOB_RETRYING);
    return has_finished || !must_be_last;
}

static err see_outcome(struct store_audit *audit, struct slice key, struct slice record)
{
    struct msg_finish_job finish;
    struct job_row row;
    bool is_owned = false;
    if (store_record_get_outcome(record, key, &finish) != OK)
        return accuse_damaged(audit, key);
    err e = owner_of(audit, key, VIOLATION_OUTCOME_ORPHAN, &row, &is_owned);
    if (e != OK || !is_owned || is_of_this_finish(&row, &finish))
        return e;
    return accuse(audit, VIOLATION_FINISH_DOUBLED, row.no, &row.id);
}

static err see_progress(struct store_audit *audit, struct slice key, struct slice record)
{
    struct msg_progress progress;
    struct job_row row;
    bool is_owned = false;
    if (store_record_get_progress(record, key, &progress) != OK)
        return accuse_damaged(audit, key);
    err e = owner_of(audit, key, VIOLATION_PROGRESS_ORPHAN, &row, &is_owned);
    if (e == OK && is_owned && progress.token > row.token)
        return accuse(audit, VIOLATION_PROGRESS_ORPHAN, row.no, &row.id);
    return e;
}

// --- shared by jobs ---

static err see_batch(struct store_audit *audit, struct slice key, struct slice record)
{
    struct batch_row row;
    struct slice value = {0};
    if (store_record_get_batch(record, key, &row) != OK)
        return accuse_damaged(audit, key);
    struct store_batch_key id = store_batch_key_of(row.tenant, &row.id);
    err e = disk_get(audit->view->reader, TABLE_BATCH_IDS, store_batch_key_slice(&id), &value);
    if (e == ERR_NOT_FOUND || (e == OK && store_audit_number(value) != row.no))
        return accuse(audit, VIOLATION_BATCH_INDEX, row.no, &row.id);
    return e;
}

static err see_batch_id(struct store_audit *audit, struct slice key, struct slice value)
{
    struct id id = {{0}};
    struct batch_row row;
    struct slice record = {0};
    uint64_t no = store_audit_number(value);
    struct disk_key number = disk_key_of(no);
    if (key.len < sizeof id || !id_of(slice_of(key.data, sizeof id), &id))
        return accuse_damaged(audit, key);
    err e = store_audit_get(audit, TABLE_BATCHES, no, &record);
    if (e == OK)
        e = store_record_get_batch(record, disk_key_slice(&number), &row);
    bool is_its = false;
    if (e == OK) {
        struct store_batch_key own = store_batch_key_of(row.tenant, &row.id);
        is_its = slice_equal(store_batch_key_slice(&own), key);
    }
    if (e == ERR_NOT_FOUND || (e == OK && !is_its))
        return accuse(audit, VIOLATION_BATCH_INDEX, no, &id);
    return e == ERR_DAMAGED ? OK : e;
}

static err see_lane(struct store_audit *audit, struct slice key, struct slice record)
{
    struct lane_row row;
    return store_record_get_lane(record, key, &row) == OK ? OK : accuse_damaged(audit, key);
}

static err see_policy(struct store_audit *audit, struct slice key, struct slice record)
{
    struct policy policy;
    return store_record_get_policy(record, key, &policy) == OK ? OK : accuse_damaged(audit, key);
}

// What contradicts itself is no record of an operation.
static err see_operation(struct store_audit *audit, struct slice key, struct slice record)
{
    struct operation_row row;
    if (store_record_get_operation(record, key, &row) != OK)
        return accuse_damaged(audit, key);
    bool is_ahead = row.upto >= audit->ledger.job_no_next;
    return is_ahead ? accuse(audit, VIOLATION_OPERATION, row.upto, &row.id) : OK;
}

static err see_endpoint(struct store_audit *audit, struct slice key, struct slice record)
{
    struct endpoint_row row;
    bool is_whole = store_record_get_endpoint(record, key, &row) == OK &&
                    row.since_no <= audit->ledger.job_no_next;
    return is_whole ? OK : accuse_damaged(audit, key);
}

// For records that nothing refers to: whole, and under their own key.
static err see_sealed(struct store_audit *audit, struct slice key, struct slice record)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content = {0};
    bool is_whole = disk_unseal(record, key, &version, &kind, &content) == OK;
    return is_whole ? OK : accuse_damaged(audit, key);
}

// --- the walk ---

// Every table but those that the round reads otherwise (meta, jobs, segments) has a row here.
static const struct {
    enum store_table table;
    see_entry *see;
} walks[] = {
    {TABLE_IDS, see_id},
    {TABLE_KEYS, see_key},
    {TABLE_BODIES, see_body},
    {TABLE_OUTCOMES, see_outcome},
    {TABLE_PROGRESS, see_progress},
    {TABLE_BATCHES, see_batch},
    {TABLE_BATCH_IDS, see_batch_id},
    {TABLE_LANES, see_lane},
    {TABLE_POLICIES, see_policy},
    {TABLE_TIMELINE, store_audit_see_event},
    {TABLE_LOGS, store_audit_see_log},
    {TABLE_UNIQUES, store_audit_see_unique},
    {TABLE_DEPENDENCIES, store_audit_see_dep},
    {TABLE_SCHEDULES, see_sealed},
    {TABLE_QUEUES, see_sealed},
    {TABLE_OPERATIONS, see_operation},
    {TABLE_TYPES, see_sealed},
    {TABLE_ENDPOINTS, see_endpoint},
};

enum { WALKS = sizeof walks / sizeof walks[0] };

// The entry at which the round goes on, which may be gone by now: then the one behind it.
static err find_place(struct store_audit *audit, struct slice *out_key, struct slice *out_record)
{
    return disk_seek(audit->view->reader, walks[audit->walk].table, store_audit_key(&audit->place),
                     out_key, out_record);
}

// Keys of a table are in the order of their bytes.
static bool is_new(const struct store_audit *audit, struct slice key)
{
    const struct store_audit_place *end = &audit->ends[walks[audit->walk].table];
    size_t len = key.len < end->len ? key.len : end->len;
    int order = memcmp(key.data, end->key, len);
    return order > 0 || (order == 0 && key.len > end->len);
}

// A look-up of `see` in the walked table would lose the place, and none of them does that. But a
// seek elsewhere would change what disk_next() goes on with, and none of them seeks.
static err walk_table(struct store_audit *audit, bool *out_is_done)
{
    struct slice key = {0};
    struct slice record = {0};
    size_t bytes = 0;
    err e = find_place(audit, &key, &record);
    for (uint32_t i = 0; e == OK; i++) {
        if (i == STORE_AUDIT_ENTRIES_MAX || bytes > STORE_AUDIT_BYTES_MAX) {
            store_audit_keep(&audit->place, key);
            return OK;
        }
        if (is_new(audit, key))
            break;
        bytes += record.len;
        e = walks[audit->walk].see(audit, key, record);
        if (e == OK)
            e = disk_next(audit->view->reader, &key, &record);
    }
    *out_is_done = e == OK || e == ERR_NOT_FOUND;
    return e == ERR_NOT_FOUND ? OK : e;
}

err store_audit_walk(struct store_audit *audit, bool *out_is_done)
{
    bool is_table_done = false;
    err e = walk_table(audit, &is_table_done);
    if (e == OK && is_table_done) {
        audit->walk++;
        audit->place.len = 0;
    }
    *out_is_done = audit->walk == WALKS;
    return e;
}
