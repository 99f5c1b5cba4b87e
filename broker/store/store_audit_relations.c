// What jobs hold of each other's way: unique keys.

#include "broker/store/store_audit_private.h"

static bool is_done(const struct job_row *row)
{
    return row->state >= JOB_SUCCEEDED;
}

// A key that is held for a time may outlive its holder's row; one that is only held while its
// holder is unfinished may not outlive its end.
err store_audit_see_unique(struct store_audit *audit, struct slice key, struct slice record)
{
    struct unique_row unique;
    struct job_row row;
    if (store_record_get_unique(record, key, &unique) != OK) {
        violation_add(&audit->found, VIOLATION_DAMAGED, store_audit_number(key), NULL);
        return OK;
    }
    err e = store_audit_row(audit, unique.no, &row);
    // Before keys were taken back, a dead job that lived again had no mark of a key for a time.
    bool has_held = unique.until != 0 || (row.relations & RELATION_UNIQUE) != 0;
    bool is_its = e != OK || (id_equal(&row.id, &unique.job_id) && has_held);
    bool is_over = e == ERR_NOT_FOUND || (e == OK && is_done(&row));
    if (!is_its || (is_over && unique.until == 0))
        violation_add(&audit->found, VIOLATION_UNIQUE_ORPHAN, unique.no, &unique.job_id);
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
}

// Dependencies go with the end of the job that has them.
err store_audit_see_dep(struct store_audit *audit, struct slice key, struct slice record)
{
    struct dep_row dep;
    struct job_row row;
    if (store_record_get_dep(record, key, &dep) != OK) {
        violation_add(&audit->found, VIOLATION_DAMAGED, store_audit_number(key), NULL);
        return OK;
    }
    err e = store_audit_row(audit, dep.no, &row);
    bool is_its = e == OK && !is_done(&row) && id_equal(&row.id, &dep.job_id) &&
                  (row.relations & RELATION_PARENTS) != 0;
    if (!is_its && e != ERR_DAMAGED)
        violation_add(&audit->found, VIOLATION_DEPENDENCY_ORPHAN, dep.no, &dep.job_id);
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
}

// By the submission: must the job still hold its key?
static bool must_hold(const struct store_audit *audit, const struct job_row *row,
                      const struct msg_submit_job *job)
{
    when_ms until = when_after(row->accepted_at, (when_ms)job->unique_for_s * 1000);
    return job->unique_while_unfinished || until > audit->ledger.store_time;
}

err store_audit_check_unique(struct store_audit *audit, const struct job_row *row)
{
    struct disk_key key = disk_key_of(row->no);
    struct slice record = {0};
    struct msg_submit_job job;
    if ((row->relations & RELATION_UNIQUE) == 0 || is_done(row))
        return OK;
    err e = store_audit_get(audit, TABLE_UNIQUES, row->no, &record);
    if (e != ERR_NOT_FOUND)
        return e;
    e = store_audit_get(audit, TABLE_BODIES, row->no, &record);
    if (e == OK)
        e = store_record_get_body(record, disk_key_slice(&key), &job);
    if (e == OK && must_hold(audit, row, &job))
        violation_add(&audit->found, VIOLATION_UNIQUE_MISSING, row->no, &row->id);
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e; // told by the body's own check
}

// Before its first start a job that waits for others is scheduled; afterwards it may have none
// any more, for it has ended once and lives again.
err store_audit_check_dep(struct store_audit *audit, const struct job_row *row)
{
    struct slice record = {0};
    bool may_wait = row->state == JOB_SCHEDULED && row->token == 0;
    if (!may_wait || (row->relations & RELATION_PARENTS) == 0)
        return OK;
    err e = store_audit_get(audit, TABLE_DEPENDENCIES, row->no, &record);
    if (e == ERR_NOT_FOUND)
        violation_add(&audit->found, VIOLATION_DEPENDENCY_MISSING, row->no, &row->id);
    return e == ERR_NOT_FOUND ? OK : e;
}
