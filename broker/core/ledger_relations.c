// What jobs hold of each other's way: unique keys, and who waits for whom.

#include "broker/core/ledger.h"

static enum parent_state state_of(uint8_t state)
{
    if (!job_is_done((enum job_state)state))
        return PARENT_UNFINISHED;
    return state == JOB_SUCCEEDED ? PARENT_SUCCEEDED : PARENT_FAILED;
}

// One with no member left is no more kept than a job that is removed.
static enum parent_state state_of_batch(const struct batch_row *row)
{
    uint32_t failed = row->counts[JOB_DEAD] + row->counts[JOB_CANCELLED] +
                      row->counts[JOB_EXPIRED] + row->failed_removed;
    uint32_t kept = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_REMOVED; state++)
        kept += row->counts[state];
    if (kept == 0)
        return PARENT_UNKNOWN;
    if (!batches_row_has_ended(row))
        return PARENT_UNFINISHED;
    return failed == 0 ? PARENT_SUCCEEDED : PARENT_FAILED;
}

enum parent_state ledger_parent(const struct ledger *ledger, struct slice tenant,
                                const struct id *id)
{
    uint32_t batch = batches_find(&ledger->batches, tenant, id);
    if (batch != BATCHES_NONE)
        return state_of_batch(&batches_at(&ledger->batches, batch)->row);
    struct ledger_view view = ledger_lookup_of(ledger, tenant, id);
    if (!view.is_known || view.row.state == JOB_REMOVED)
        return PARENT_UNKNOWN;
    // A batch's delivery waits for its members, so they could wait for it for ever.
    if (msg_hook_is_reserved(lanes_row(&ledger->lanes, view.row.lane).queue))
        return PARENT_UNKNOWN;
    return state_of(view.row.state);
}

// Numbers of tenants last as long as one of their jobs does, and so as long as an edge.
struct dep_name ledger_dep_name(const struct ledger *ledger, struct slice tenant,
                                const struct id *id)
{
    return (struct dep_name){.id = *id, .tenant = queues_tenant_no(&ledger->queues, tenant)};
}

static bool is_parent(const struct ledger *ledger, struct slice tenant, const struct id *id)
{
    if (ledger->deps.parent_count == 0)
        return false;
    struct dep_name name = ledger_dep_name(ledger, tenant, id);
    return deps_is_parent(&ledger->deps, &name);
}

// A failed one keeps the job until a tick has cancelled it.
static bool is_open(const struct ledger *ledger, const struct msg_submit_job *job,
                    const struct id *parent)
{
    enum parent_state state = ledger_parent(ledger, job->tenant, parent);
    return state == PARENT_UNFINISHED ||
           (state == PARENT_FAILED && job->on_dependency_failure == ON_FAILURE_CANCEL);
}

bool ledger_must_wait(const struct ledger *ledger, const struct msg_submit_job *job)
{
    for (uint32_t i = 0; i < job->after.count; i++)
        if (is_open(ledger, job, &job->after.items[i]))
            return true;
    return false;
}

static struct dep_row put_edges(struct ledger *ledger, uint32_t slot,
                                const struct msg_submit_job *job)
{
    const struct job *child_job = jobs_at(&ledger->jobs, slot);
    uint32_t child = deps_add_child(&ledger->deps, slot, job->on_dependency_failure);
    if (job->tells)
        deps_set_telling(&ledger->deps, child);
    for (uint32_t i = 0; i < job->after.count; i++) {
        const struct id *parent = &job->after.items[i];
        struct dep_name name = ledger_dep_name(ledger, job->tenant, parent);
        bool open = job->tells || is_open(ledger, job, parent);
        deps_add(&ledger->deps, child, &name, open);
        if (open && ledger_parent(ledger, job->tenant, parent) != PARENT_UNFINISHED)
            deps_end(&ledger->deps, &name);
    }
    return (struct dep_row){.no = child_job->no,
                            .job_id = child_job->id,
                            .on_failure = job->on_dependency_failure,
                            .tells = job->tells,
                            .parents = job->after};
}

bool ledger_waits(const struct ledger *ledger, uint32_t slot)
{
    if (!(jobs_at(&ledger->jobs, slot)->relations & RELATION_PARENTS))
        return false;
    uint32_t child = deps_child(&ledger->deps, slot);
    return child != DEPS_NONE && deps_child_at(&ledger->deps, child)->open_count > 0 &&
           !deps_child_at(&ledger->deps, child)->tells;
}

const struct id *ledger_teller_of(const struct ledger *ledger, uint32_t slot)
{
    if (!(jobs_at(&ledger->jobs, slot)->relations & RELATION_PARENTS))
        return NULL;
    uint32_t child = deps_child(&ledger->deps, slot);
    bool tells = child != DEPS_NONE && deps_child_at(&ledger->deps, child)->tells;
    return tells ? deps_parent_of(&ledger->deps, child) : NULL;
}

bool ledger_is_pinned(const struct ledger *ledger, const struct job_row *row)
{
    struct slice tenant = lanes_row(&ledger->lanes, row->lane).tenant;
    if (is_parent(ledger, tenant, &row->id))
        return true;
    return row->batch > 0 &&
           is_parent(ledger, tenant, &batches_at(&ledger->batches, row->batch - 1)->row.id);
}

// Nobody can wait for a delivery, so one that waits for a batch closes no circle.
static bool is_awaited(const struct ledger *ledger, const struct msg_submit_job *job)
{
    struct dep_name batch = ledger_dep_name(ledger, job->tenant, &job->batch_id);
    uint32_t slot = deps_only_child(&ledger->deps, &batch);
    if (slot == DEPS_NONE)
        return deps_is_parent(&ledger->deps, &batch);
    uint32_t lane = jobs_at(&ledger->jobs, slot)->lane;
    return !msg_hook_is_reserved(lanes_row(&ledger->lanes, lane).queue);
}

// Then it would wait for a batch that cannot end before it: its own, or one that waits for it.
bool ledger_is_circular(const struct ledger *ledger, const struct msg_submit_job *job)
{
    if (job->after.count == 0 || id_is_zero(&job->batch_id))
        return false;
    for (uint32_t i = 0; i < job->after.count; i++)
        if (id_equal(&job->after.items[i], &job->batch_id))
            return true;
    return is_awaited(ledger, job);
}

err ledger_load_dep(struct ledger *ledger, const struct dep_row *row)
{
    uint32_t slot = jobs_find(&ledger->jobs, &row->job_id);
    if (!deps_has_room(&ledger->deps, row->parents.count))
        return ERR_FULL;
    if (slot == JOBS_NONE || jobs_at(&ledger->jobs, slot)->no != row->no ||
        deps_child(&ledger->deps, slot) != DEPS_NONE)
        return ERR_DAMAGED;
    uint32_t child = deps_add_child(&ledger->deps, slot, row->on_failure);
    if (row->tells)
        deps_set_telling(&ledger->deps, child);
    // Which of them have ended is found out by ticks, as it is when they end.
    bool has_started = ledger_past(ledger, jobs_at(&ledger->jobs, slot))->token != 0;
    struct slice tenant = lanes_row(&ledger->lanes, jobs_at(&ledger->jobs, slot)->lane).tenant;
    for (uint32_t i = 0; i < row->parents.count; i++) {
        struct dep_name name = ledger_dep_name(ledger, tenant, &row->parents.items[i]);
        deps_add(&ledger->deps, child, &name, row->tells || !has_started);
    }
    return OK;
}

static uint32_t second_life(struct ledger *ledger, uint32_t slot, bool tells)
{
    uint32_t child = deps_add_second_life(&ledger->deps, slot);
    if (tells)
        deps_set_telling(&ledger->deps, child);
    return child;
}

err ledger_keep_parents(struct ledger *ledger, uint32_t slot)
{
    const struct job *job = jobs_at(&ledger->jobs, slot);
    struct slice tenant = lanes_row(&ledger->lanes, job->lane).tenant;
    struct msg_submit_job body;
    struct id parents[MSG_AFTER_MAX]; // the next question takes the body away
    if (!ledger->known.body(ledger->known.ctx, job->no, tenant, &body) || body.after.count == 0)
        return OK;
    CHECK(body.after.count <= MSG_AFTER_MAX);
    if (!deps_has_room(&ledger->deps, body.after.count))
        return ERR_FULL;
    memcpy(parents, body.after.items, body.after.count * sizeof *parents);
    // Without an edge it has no place among the children: of these there are as many as of edges.
    uint32_t child = DEPS_NONE;
    for (uint32_t i = 0; i < body.after.count; i++) {
        struct dep_name name = ledger_dep_name(ledger, tenant, &parents[i]);
        if (ledger_parent(ledger, tenant, &parents[i]) == PARENT_UNKNOWN)
            continue;
        if (child == DEPS_NONE)
            child = second_life(ledger, slot, body.tells);
        deps_add(&ledger->deps, child, &name, body.tells);
    }
    return OK;
}

err ledger_load_second_lives(struct ledger *ledger)
{
    err e = OK;
    for (uint32_t slot = 0; e == OK && slot < ledger->jobs.used; slot++)
        if (jobs_is_taken(&ledger->jobs, slot) &&
            (jobs_at(&ledger->jobs, slot)->relations & RELATION_PARENTS) != 0 &&
            deps_child(&ledger->deps, slot) == DEPS_NONE)
            e = ledger_keep_parents(ledger, slot);
    return e;
}

// --- entries ---

static void note_unique(struct ledger *ledger, const struct unique_row *row, bool is_held)
{
    ledger_note(ledger, id_hash(&row->hash, row->no) << 1 | is_held);
}

static void hold(struct ledger *ledger, struct job *job, const struct unique_row *row,
                 struct effects *fx)
{
    uniques_hold(&ledger->uniques, row);
    note_unique(ledger, row, true);
    effects_write(fx, WRITE_UNIQUE)->unique = *row;
    job->relations |= RELATION_UNIQUE;
}

static void hold_unique(struct ledger *ledger, struct job *job, const struct msg_submit_job *given,
                        struct effects *fx)
{
    if (given->unique_key.len == 0)
        return;
    struct unique_row row = {.no = job->no,
                             .job_id = job->id,
                             .hash = given->unique_hash,
                             .waits_end = given->unique_while_unfinished};
    if (given->unique_for_s > 0)
        row.until = when_after(job->accepted_at, (when_ms)given->unique_for_s * 1000);
    hold(ledger, job, &row, fx);
}

void ledger_reclaim(struct ledger *ledger, struct job *job, const struct unique_row *row,
                    struct effects *fx)
{
    if (row->no == 0)
        return;
    uint32_t unique = uniques_of(&ledger->uniques, row->no);
    if (unique == UNIQUES_NONE) {
        hold(ledger, job, row, fx);
        return;
    }
    // That the end did not free it was not written, so this is not either.
    uniques_resume(&ledger->uniques, unique);
    note_unique(ledger, row, true);
}

static void drop_unique(struct ledger *ledger, const struct unique_row *row, struct effects *fx)
{
    note_unique(ledger, row, false);
    effects_write(fx, DROP_UNIQUE)->unique = *row;
}

// The job has ended, so it gives back what it does not hold for a time as well.
static void end_unique(struct ledger *ledger, const struct job *job, struct effects *fx)
{
    if (!(job->relations & RELATION_UNIQUE))
        return;
    uint32_t unique = uniques_of(&ledger->uniques, job->no);
    if (unique == UNIQUES_NONE)
        return;
    struct unique_row row = *uniques_at(&ledger->uniques, unique);
    if (uniques_end(&ledger->uniques, unique, job->at))
        drop_unique(ledger, &row, fx);
}

void ledger_pass(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t unique = uniques_of(&ledger->uniques, entry->pass.job_no);
    struct unique_row row = *uniques_at(&ledger->uniques, unique);
    CHECK(row.until <= entry->at);
    uniques_pass(&ledger->uniques, unique);
    drop_unique(ledger, &row, fx);
}

static void take_parents(struct ledger *ledger, uint32_t slot, const struct msg_submit_job *given,
                         struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    if (given->after.count == 0)
        return;
    effects_write(fx, WRITE_DEP)->dep = put_edges(ledger, slot, given);
    job->relations |= RELATION_PARENTS;
    ledger_note(ledger, given->after.count);
}

void ledger_release(struct ledger *ledger, uint32_t slot, const struct entry *entry)
{
    uint32_t child = deps_child(&ledger->deps, slot);
    // Nothing is written and nothing noted: a start finds out anew who has ended.
    if (child != DEPS_NONE)
        (void)deps_close(&ledger->deps, child, &entry->release.parent);
}

// The job has ended: it holds its parents no more, and who waits for it is seen to by ticks.
void ledger_part(struct ledger *ledger, uint32_t slot, struct effects *fx)
{
    const struct job *job = jobs_at(&ledger->jobs, slot);
    end_unique(ledger, job, fx);
    uint32_t child =
        job->relations & RELATION_PARENTS ? deps_child(&ledger->deps, slot) : DEPS_NONE;
    if (child != DEPS_NONE) {
        bool is_stored = deps_child_at(&ledger->deps, child)->is_stored;
        deps_drop_child(&ledger->deps, child);
        if (is_stored)
            effects_write(fx, DROP_DEP)->dep = (struct dep_row){.no = job->no, .job_id = job->id};
    }
    if (ledger->deps.parent_count == 0)
        return;
    struct dep_name name =
        ledger_dep_name(ledger, lanes_row(&ledger->lanes, job->lane).tenant, &job->id);
    deps_end(&ledger->deps, &name);
}

void ledger_relate(struct ledger *ledger, uint32_t slot, const struct msg_submit_job *given,
                   struct effects *fx)
{
    hold_unique(ledger, jobs_at(&ledger->jobs, slot), given, fx);
    take_parents(ledger, slot, given, fx);
}
