// Is a job's row sound in itself, and does everything lead to it that should?

#include "broker/store/store_audit_private.h"
#include "lib/base/origin.h"

// Each looks at one aspect. An error is the disk's.
typedef err check_row(struct store_audit *audit, const struct job_row *row);

static err accuse(struct store_audit *audit, enum violation kind, const struct job_row *row)
{
    violation_add(&audit->found, kind, row->no, &row->id);
    return OK;
}

static bool is_done(const struct job_row *row)
{
    return row->state >= JOB_SUCCEEDED;
}

static_assert(JOB_RETRYING + 1 == JOB_SUCCEEDED && JOB_EXPIRED + 1 == JOB_REMOVED,
              "the unfinished states come first");

// Accuses when `table` has nothing under the number.
static err expect_there(struct store_audit *audit, enum store_table table, uint64_t no,
                        enum violation kind, const struct job_row *row)
{
    struct slice record = {0};
    err e = store_audit_get(audit, table, no, &record);
    return e == ERR_NOT_FOUND ? accuse(audit, kind, row) : e;
}

// --- in itself ---

static err check_numbers(struct store_audit *audit, const struct job_row *row)
{
    uint64_t newest = (uint64_t)audit->ledger.epoch << 40 | audit->ledger.token_counter;
    if (row->no == 0 || row->no >= audit->ledger.job_no_next)
        return accuse(audit, VIOLATION_NUMBER, row);
    return row->token > newest ? accuse(audit, VIOLATION_TOKEN, row) : OK;
}

static err check_state(struct store_audit *audit, const struct job_row *row)
{
    bool is_running = row->state == JOB_RUNNING;
    bool is_held = !id_is_zero(&row->worker);
    bool is_open = row->token_use == TOKEN_OPEN;
    bool is_removed = row->state == JOB_REMOVED;
    bool ended_well = row->ended_as >= JOB_SUCCEEDED && row->ended_as < JOB_REMOVED;
    // Only what was granted has a token, and only a failed attempt is counted.
    bool is_blank = row->granted_at == 0 && row->errors == 0 && row->crashes == 0 &&
                    row->token_use == TOKEN_NONE && !is_held;
    bool is_sound = is_running == is_open && (!is_running || is_held) &&
                    (is_done(row) || is_running || !is_held) && (row->token != 0 || is_blank) &&
                    (is_removed ? ended_well : row->ended_as == JOB_NONE) &&
                    (row->state != JOB_SUCCEEDED || row->token_use == TOKEN_FINISHED) &&
                    (row->state != JOB_EXPIRED || row->token == 0); // it was never started
    return is_sound ? OK : accuse(audit, VIOLATION_STATE, row);
}

// A request is either open, or was overtaken by a success, or has come to its end.
static err check_cancel(struct store_audit *audit, const struct job_row *row)
{
    uint8_t state = row->state == JOB_REMOVED ? row->ended_as : row->state;
    bool is_sound = true;
    if (row->cancel == CANCEL_REQUESTED)
        is_sound = state == JOB_RUNNING || state == JOB_SUCCEEDED;
    else if (row->cancel == CANCEL_ACKNOWLEDGED)
        is_sound = state == JOB_CANCELLED && row->token_use == TOKEN_FINISHED;
    else if (row->cancel == CANCEL_FORCED)
        is_sound = state == JOB_CANCELLED && row->token_use == TOKEN_EXPIRED;
    return is_sound ? OK : accuse(audit, VIOLATION_STATE, row);
}

static err check_times(struct store_audit *audit, const struct job_row *row)
{
    when_ms now = audit->ledger.store_time;
    bool is_sound = row->accepted_at > 0 && row->accepted_at <= now && row->granted_at <= now &&
                    row->dedup_until >= row->accepted_at;
    if (is_done(row))
        is_sound = is_sound && row->due_at == 0 && row->ended_at >= row->accepted_at &&
                   row->ended_at <= now && row->remove_at >= row->ended_at;
    else
        is_sound = is_sound && row->due_at > 0 && row->ended_at == 0 && row->remove_at == 0;
    return is_sound ? OK : accuse(audit, VIOLATION_TIMES, row);
}

// --- what it refers to ---

static err check_lane(struct store_audit *audit, const struct job_row *row)
{
    return expect_there(audit, TABLE_LANES, row->lane, VIOLATION_LANE, row);
}

// The number of an ended job's options may mean others by now.
static err check_policy(struct store_audit *audit, const struct job_row *row)
{
    if (is_done(row))
        return OK;
    return expect_there(audit, TABLE_POLICIES, row->policy, VIOLATION_POLICY, row);
}

// Of records that cannot be read their own walks tell.
//  ERR_NOT_FOUND   the batch
static err is_batch_its(struct store_audit *audit, const struct job_row *row, bool *out_is_its)
{
    struct slice batch_record = {0};
    struct slice lane_record = {0};
    struct disk_key batch_key = disk_key_of(row->batch - 1u);
    struct disk_key lane_key = disk_key_of(row->lane);
    struct batch_row batch;
    struct lane_row lane;
    err e = store_audit_get(audit, TABLE_BATCHES, row->batch - 1u, &batch_record);
    if (e != OK)
        return e;
    e = store_audit_get(audit, TABLE_LANES, row->lane, &lane_record);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if (store_record_get_batch(batch_record, disk_key_slice(&batch_key), &batch) == OK &&
        store_record_get_lane(lane_record, disk_key_slice(&lane_key), &lane) == OK)
        *out_is_its = origin_is_tenant(batch.tenant, lane.tenant);
    return OK;
}

static err check_batch(struct store_audit *audit, const struct job_row *row)
{
    if (row->batch == 0)
        return OK;
    uint32_t no = row->batch - 1;
    if (no < audit->batch_count) {
        struct store_audit_batch *batch = &audit->batches[no];
        batch->counts[row->state]++;
        batch->first_no = batch->first_no != 0 ? batch->first_no : row->no;
        batch->last_no = row->no; // rows come by their numbers
    }
    bool is_its = true;
    err e = is_batch_its(audit, row, &is_its);
    if (e == ERR_NOT_FOUND || !is_its)
        return accuse(audit, VIOLATION_BATCH, row);
    return e;
}

// --- what leads to it ---

static err check_id(struct store_audit *audit, const struct job_row *row)
{
    struct slice value = {0};
    if (id_version(&row->id) == 8)
        return OK;
    err e = disk_get(audit->view->reader, TABLE_IDS, slice_of(row->id.bytes, sizeof row->id.bytes),
                     &value);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    bool leads_here = e == OK && store_audit_number(value) == row->no;
    return leads_here ? OK : accuse(audit, VIOLATION_ID_MISSING, row);
}

static err check_key(struct store_audit *audit, const struct job_row *row)
{
    if (id_version(&row->id) != 8)
        return OK;
    if (audit->options.has_keymap && !store_keymap_has(&audit->store->keymap, &row->id, row->no))
        store_audit_suspect(audit, VIOLATION_KEYMAP, row);
    return expect_there(audit, TABLE_KEYS, row->no, VIOLATION_KEY_MISSING, row);
}

// --- what belongs to it ---

static err check_body(struct store_audit *audit, const struct job_row *row)
{
    if (row->state == JOB_REMOVED)
        return OK; // the bodies' own walk finds one that should be gone
    return expect_there(audit, TABLE_BODIES, row->no, VIOLATION_BODY_MISSING, row);
}

// A failure that was told by the worker is stored; a success only when it has a result.
static err check_outcome(struct store_audit *audit, const struct job_row *row)
{
    bool has_failed = row->state == JOB_DEAD || row->state == JOB_RETRYING;
    if (!has_failed || row->token_use != TOKEN_FINISHED)
        return OK;
    return expect_there(audit, TABLE_OUTCOMES, row->no, VIOLATION_OUTCOME_MISSING, row);
}

// --- all of it ---

static check_row *const row_checks[] = {
    check_numbers,
    check_state,
    check_cancel,
    check_times,
    check_lane,
    check_policy,
    check_batch,
    check_id,
    check_key,
    check_body,
    check_outcome,
    store_audit_check_events,
    store_audit_check_unique,
    store_audit_check_dep,
};

err store_audit_check_row(struct store_audit *audit, const struct job_row *row)
{
    err e = OK;
    for (size_t i = 0; i < sizeof row_checks / sizeof row_checks[0] && e == OK; i++)
        e = row_checks[i](audit, row);
    return e;
}
