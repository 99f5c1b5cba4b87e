// Who waits for whom: no job starts before those it waits for have ended, and it is cancelled
// exactly when one of them has failed and that was the wish.

#include "tests/sim/sim.h"

// The newest one of this id.
static struct seen_child *child_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = sim->watch.child_count; i-- > 0;)
        if (id_equal(&sim->watch.children[i].id, id))
            return &sim->watch.children[i];
    return NULL;
}

bool watch_child_must_cancel(struct sim *sim, const struct id *id)
{
    const struct seen_child *child = child_of(sim, id);
    return child != NULL && child->must_cancel;
}

bool watch_child_waits(struct sim *sim, const struct id *id)
{
    const struct seen_child *child = child_of(sim, id);
    for (uint32_t i = 0; child != NULL && !child->is_over && i < child->parent_count; i++)
        if (!child->is_released[i])
            return true;
    return false;
}

void watch_child_release(struct sim *sim, const struct entry *entry)
{
    struct seen_child *child = child_of(sim, &entry->job_id);
    for (uint32_t i = 0; child != NULL && i < child->parent_count; i++) {
        struct id parent = watch_batch_id(&child->parents[i]);
        if (!id_equal(&parent, &entry->release.parent))
            continue;
        SIM_EXPECT(child->has_ended[i], "a job is released by those that have ended");
        child->is_released[i] = true;
    }
}

static void note_end(struct seen_child *child, uint32_t parent, enum job_state state,
                     enum on_failure on_failure)
{
    child->has_ended[parent] = true;
    if (state == JOB_SUCCEEDED)
        return;
    child->has_failed = true;
    child->must_cancel = child->must_cancel || on_failure == ON_FAILURE_CANCEL;
}

static enum on_failure wish_of(const struct sim *sim, const struct id *id)
{
    for (uint32_t i = sim->intent_count; i-- > 0;)
        if (id_equal(&sim->intents[i].job.job_id, id) && !sim->intents[i].is_impostor)
            return sim->intents[i].job.on_dependency_failure;
    return ON_FAILURE_NONE;
}

// Of a job or a batch.
static enum job_state state_of(struct sim *sim, const struct id *id)
{
    enum job_state state = watch_batch_state(sim, id);
    return state != JOB_NONE ? state : watch_state_of(sim, id)->state;
}

static void take(struct sim *sim, const struct entry *entry)
{
    const struct msg_submit_job *job = entry->submit.job;
    if (job->after.count == 0)
        return;
    SIM_EXPECT(sim->watch.child_count < SIM_STATES, "room for children");
    struct seen_child *child = &sim->watch.children[sim->watch.child_count++];
    *child = (struct seen_child){
        .id = entry->job_id, .accepted_at = entry->at, .parent_count = job->after.count};
    for (uint32_t i = 0; i < job->after.count; i++) {
        child->parents[i] = watch_batch_name(job->tenant, &job->after.items[i]);
        enum job_state state = state_of(sim, &child->parents[i]);
        SIM_EXPECT(state != JOB_NONE && state != JOB_REMOVED, "what is waited for is known");
        if (watch_batch_state(sim, &child->parents[i]) != JOB_NONE)
            watch_seen(SEEN_BATCH_AWAITED);
        // One that has failed already keeps the job until a tick has cancelled it.
        bool must_cancel =
            state != JOB_SUCCEEDED && job->on_dependency_failure == ON_FAILURE_CANCEL;
        child->is_released[i] = job->tells || (job_is_done(state) && !must_cancel);
        if (job->tells)
            child->is_retried = child->has_ended[i] = true;
        else if (job_is_done(state))
            note_end(child, i, state, job->on_dependency_failure);
        else
            watch_seen(SEEN_CHILD_WAITS);
    }
}

static void check_start(const struct seen_child *child)
{
    for (uint32_t i = 0; i < child->parent_count; i++)
        SIM_EXPECT(child->has_ended[i], "a job starts after those that it waits for have ended");
    SIM_EXPECT(!child->must_cancel, "a job does not start when one that it waits for has failed");
    watch_seen(SEEN_CHILD_STARTED);
    if (child->has_failed)
        watch_seen(SEEN_CHILD_RAN);
}

static void tell_children(struct sim *sim, const struct id *parent, enum job_state state)
{
    for (uint32_t i = 0; i < sim->watch.child_count; i++) {
        struct seen_child *child = &sim->watch.children[i];
        for (uint32_t j = 0; j < child->parent_count; j++) {
            if (child->is_over || child->is_gone[j] || !id_equal(&child->parents[j], parent))
                continue;
            if (state == JOB_REMOVED || state == JOB_NONE)
                sim_fail("a job is kept as long as one that waited for it is unfinished");
            else if (!child->has_ended[j])
                note_end(child, j, state, wish_of(sim, &child->id));
        }
    }
}

// One that has released the job concerns it no more, whatever becomes of it.
static bool has_failed_parent(struct sim *sim, const struct seen_child *child)
{
    for (uint32_t i = 0; i < child->parent_count; i++) {
        enum job_state state = state_of(sim, &child->parents[i]);
        if (child->has_ended[i] && !child->is_released[i] && job_is_done(state) &&
            state != JOB_SUCCEEDED)
            return true;
    }
    return false;
}

// A parent lives again before its children were released or cancelled: they wait for its next end.
static void revive_parent(struct sim *sim, const struct id *parent)
{
    for (uint32_t i = 0; i < sim->watch.child_count; i++) {
        struct seen_child *child = &sim->watch.children[i];
        if (child->is_over || watch_state_of(sim, &child->id)->state != JOB_SCHEDULED)
            continue;
        for (uint32_t j = 0; j < child->parent_count; j++)
            if (id_equal(&child->parents[j], parent) && !child->is_released[j])
                child->has_ended[j] = false;
        child->has_failed = has_failed_parent(sim, child);
        child->must_cancel = child->has_failed && wish_of(sim, &child->id) == ON_FAILURE_CANCEL;
    }
}

// It waits for nobody, but what is there of its parents stays.
static void begin_second_life(struct sim *sim, struct seen_child *child)
{
    child->is_retried = true;
    child->is_over = child->has_failed = child->must_cancel = false;
    for (uint32_t i = 0; i < child->parent_count; i++) {
        enum job_state state = state_of(sim, &child->parents[i]);
        child->is_gone[i] = state == JOB_NONE || state == JOB_REMOVED;
        child->has_ended[i] = child->is_released[i] = true;
        if (!child->is_gone[i])
            watch_seen(SEEN_PARENT_KEPT_AGAIN);
    }
}

void watch_child_batch(struct sim *sim, const struct id *batch, bool is_removal)
{
    enum job_state state = watch_batch_state(sim, batch);
    if (is_removal)
        tell_children(sim, batch, JOB_REMOVED);
    else if (state == JOB_QUEUED)
        revive_parent(sim, batch);
    else if (state != JOB_NONE)
        tell_children(sim, batch, state);
}

void watch_child_entry(struct sim *sim, const struct entry *entry, enum job_state state)
{
    if (entry->kind == ENTRY_SUBMIT)
        take(sim, entry);
    if (entry->kind == ENTRY_RETRY)
        revive_parent(sim, &entry->job_id);
    struct seen_child *child = child_of(sim, &entry->job_id);
    if (child != NULL && entry->kind == ENTRY_GRANT)
        check_start(child);
    if (child != NULL && entry->kind == ENTRY_RETRY)
        begin_second_life(sim, child);
    if (state != JOB_NONE && !job_is_done(state))
        return;
    tell_children(sim, &entry->job_id, state);
    if (child == NULL || child->is_over)
        return;
    child->is_over = true;
    // Unless its own time to start was over in the same moment.
    SIM_EXPECT(!child->must_cancel || state == JOB_CANCELLED || state == JOB_EXPIRED,
               "a job whose parent has failed is cancelled");
    if (child->must_cancel && state == JOB_CANCELLED)
        watch_seen(SEEN_CHILD_CANCELLED);
}

void watch_child_sweep(const struct sim *sim, const struct command *command)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    for (uint32_t i = 0; command->kind == COMMAND_REMOVE && i < command->job_no_count; i++) {
        const struct job_row *row = &sim->store.rows[command->job_nos[i]];
        struct slice tenant = sim->store.lanes[row->lane].tenant;
        struct dep_name name = ledger_dep_name(ledger, tenant, &row->id);
        if (job_is_done(row->state) && sim->now.store >= row->remove_at &&
            deps_is_parent(&ledger->deps, &name))
            watch_seen(SEEN_PARENT_KEPT);
    }
}

// From the durable rows: what was only in memory never happened.
void watch_child_start(struct sim *sim)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sim->watch.child_count; i++) {
        struct seen_child child = sim->watch.children[i];
        const struct job_row *row = model_find(&sim->store, &child.id);
        if (row == NULL || row->accepted_at != child.accepted_at || row->state == JOB_REMOVED)
            continue;
        if (child.is_retried || job_is_done(row->state)) {
            if (!job_is_done(row->state))
                begin_second_life(sim, &child);
            child.is_over = job_is_done(row->state);
            sim->watch.children[kept++] = child;
            continue;
        }
        child.must_cancel = child.has_failed = child.is_over = false;
        for (uint32_t j = 0; j < child.parent_count; j++) {
            enum job_state parent = state_of(sim, &child.parents[j]);
            SIM_EXPECT(parent != JOB_NONE && parent != JOB_REMOVED, "a parent is kept");
            // A dead one may live again; whoever had waited for it goes on.
            child.has_ended[j] = row->state != JOB_SCHEDULED || row->token != 0;
            child.is_released[j] = row->token != 0;
            if (!child.has_ended[j] && job_is_done(parent))
                note_end(&child, j, parent, wish_of(sim, &child.id));
        }
        sim->watch.children[kept++] = child;
    }
    sim->watch.child_count = kept;
}
