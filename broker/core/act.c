// Station act: what somebody wants done with one job, one worker or one queue. Each act may be said
// again: what is done already is answered as done.

#include "broker/core/core_private.h"

static struct entry entry_of(struct now now, const struct msg_act *act, enum entry_kind kind,
                             uint32_t slot)
{
    return (struct entry){
        .kind = kind, .at = now.store, .job_id = act->job_id, .actor = act->actor, .slot = slot};
}

static struct msg_acted refused(err error, const char *detail)
{
    return (struct msg_acted){.error = error, .detail = slice_of_text(detail)};
}

static struct msg_acted done(const struct job_row *row)
{
    return (struct msg_acted){.state = (enum job_state)row->state,
                              .version = row->version,
                              .cancel = (enum cancel)row->cancel};
}

static struct msg_acted done_in_memory(const struct core *core, uint32_t slot)
{
    struct job_row row = ledger_row_of(&core->ledger, slot);
    return done(&row);
}

// An ended job's answer to what only an unfinished one can take.
static struct msg_acted has_ended(const struct job_row *row)
{
    if (row->state == JOB_REMOVED)
        return refused(ERR_GONE, err_text(ERR_GONE));
    struct msg_acted answer = done(row);
    answer.error = ERR_CONFLICT;
    answer.detail = slice_of_text("the job has ended");
    return answer;
}

// Its worker is told at once; should that be lost, every RENEWED says it again.
static void tell_worker(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    uint32_t no = leases_find(&core->leases, ledger_past(&core->ledger, job)->token);
    CHECK(no != LEASES_NONE);
    leases_cancel(&core->leases, no, now.mono);
    const struct lease *lease = leases_at(&core->leases, no);
    uint32_t peer = workers_at(&core->workers, lease->worker)->peer;
    if (peer == WORKERS_NONE || fx->send_count + 1 >= fx->send_cap)
        return; // the last place is the answer's
    struct msg_held *held = arena_take(fx->arena, sizeof *held);
    CHECK(held != NULL);
    *held = (struct msg_held){.job_id = lease->job_id, .token = lease->token};
    effects_send(fx, peer, MSG_RENEWED, 0)->renewed =
        (struct msg_renewed){.cancel = {.items = held, .count = 1}};
}

void act_cancel(struct core *core, struct now now, struct entry *entry, struct effects *fx)
{
    uint32_t slot = entry->slot;
    entry->cancel.is_request = jobs_at(&core->ledger.jobs, slot)->state == JOB_RUNNING;
    if (entry->cancel.is_request)
        tell_worker(core, now, slot, fx);
    else
        wait_leave(core, slot);
    ledger_apply(&core->ledger, entry, fx);
    if (!entry->cancel.is_request)
        wait_enter(core, slot);
    deliver_end(core, now, slot, fx);
}

static struct msg_acted cancel(struct core *core, struct now now, const struct msg_act *act,
                               struct effects *fx)
{
    struct ledger_view view = ledger_lookup_of(&core->ledger, act->tenant, &act->job_id);
    if (!view.is_known)
        return refused(ERR_NOT_FOUND, err_text(ERR_NOT_FOUND));
    if (view.row.state == JOB_CANCELLED)
        return done(&view.row);
    if (job_is_done((enum job_state)view.row.state))
        return has_ended(&view.row);
    if (view.row.cancel == CANCEL_REQUESTED)
        return done(&view.row);
    struct entry entry = entry_of(now, act, ENTRY_CANCEL, view.slot);
    act_cancel(core, now, &entry, fx);
    return done_in_memory(core, view.slot);
}

// An act is known by the low half of its id; the job remembers the last one, 0 when there was none.
// The steps of an operation have no id: their cursor lets none be done twice, and what was done to
// the job by itself stays known.
static uint64_t act_low(const struct msg_act *act)
{
    if (id_is_zero(&act->act_id))
        return 0;
    uint64_t low;
    memcpy(&low, act->act_id.bytes + 8, sizeof low);
    return low != 0 ? low : 1;
}

// Its options with the defaults of today: those of its first life may have been given up.
static struct policy policy_of(const struct core *core, const struct job_row *row,
                               const struct msg_submit_job *body)
{
    struct policy policy =
        submit_policy_in(core, body, lanes_queue(&core->ledger.lanes, row->lane));
    // What was said of its id stays true.
    policy.dedup_s = (uint32_t)((row->dedup_until - row->accepted_at) / 1000);
    return policy;
}

static struct msg_acted held_by(const struct id *holder)
{
    struct msg_acted answer = refused(ERR_UNIQUE, "another job holds its unique key now");
    answer.holder_id = *holder;
    return answer;
}

static bool holds_while_unfinished(const struct msg_submit_job *body)
{
    return body->unique_key.len > 0 && body->unique_while_unfinished;
}

// The key that it holds in its next life too; number 0: it asked for none, or for a time only.
static struct unique_row key_of(const struct job_row *row, const struct msg_submit_job *body)
{
    struct unique_row key = {
        .no = row->no, .job_id = row->id, .hash = body->unique_hash, .waits_end = true};
    if (body->unique_for_s > 0)
        key.until = when_after(row->accepted_at, (when_ms)body->unique_for_s * 1000);
    return holds_while_unfinished(body) ? key : (struct unique_row){0};
}

static struct msg_acted key_refusal(struct core *core, struct now now, uint64_t job_no,
                                    const struct msg_submit_job *body, struct effects *fx)
{
    const struct uniques *uniques = &core->ledger.uniques;
    if (!holds_while_unfinished(body))
        return (struct msg_acted){0};
    const struct id *holder = unique_holder(core, now, body);
    bool is_own = holder != NULL && uniques_of(uniques, job_no) != UNIQUES_NONE;
    if (holder != NULL && !is_own)
        return held_by(holder);
    if (holder == NULL)
        unique_free(core, now, body, fx);
    if (!is_own && !uniques_has_room(uniques))
        return refused(ERR_FULL, "unique_count_max: too many unique keys are held");
    return (struct msg_acted){0};
}

static struct msg_acted revive(struct core *core, struct now now, const struct msg_act *act,
                               const struct job_row *row, struct effects *fx)
{
    struct entry entry = entry_of(now, act, ENTRY_RETRY, ENTRY_NO_SLOT);
    entry.retry.job_no = row->no;
    entry.retry.act = act_low(act);
    struct msg_submit_job body;
    struct slice tenant = lanes_row(&core->ledger.lanes, row->lane).tenant;
    if (!core->ledger.known.body(core->ledger.known.ctx, row->no, tenant, &body))
        return refused(ERR_DAMAGED, err_text(ERR_DAMAGED));
    entry.retry.policy = policy_of(core, row, &body);
    entry.retry.unique = key_of(row, &body);
    const char *detail = NULL;
    uint32_t queue = lanes_queue(&core->ledger.lanes, row->lane);
    err refusal = queue_refusal(core, queue, &detail);
    if (refusal == OK && queue_quota_left(core, &body) == 0) {
        refusal = ERR_QUOTA;
        detail = queue_quota_spent;
    }
    const struct retry_needs needs = {&entry.retry.policy, body.after.count};
    if (refusal == OK)
        refusal = ledger_retry_refusal(&core->ledger, row, &needs, &detail);
    if (refusal == OK && !wait_has_room(core, row->lane, row->key_hash, &detail))
        refusal = ERR_FULL;
    if (refusal != OK)
        return refused(refusal, detail);
    struct msg_acted answer = key_refusal(core, now, row->no, &body, fx);
    if (answer.error != OK)
        return answer;
    uint32_t slot = ledger_apply(&core->ledger, &entry, fx);
    if ((row->relations & RELATION_PARENTS) != 0) {
        refusal = ledger_keep_parents(&core->ledger, slot);
        CHECK(refusal == OK); // there was room
        progress_begin(core, slot);
    }
    wait_begin(core, slot);
    core->figures.retried++;
    return done_in_memory(core, slot);
}

// A job that has ended in a batch on its way to the disk has not ended yet, as far as anybody was
// told; so what is done to it comes before that.
static struct msg_acted too_early(const struct ledger_view *view, bool is_ending, const char *why)
{
    struct msg_acted answer = done(&view->row);
    answer.error = ERR_CONFLICT;
    answer.detail = slice_of_text(is_ending ? "its end is being stored; say it again" : why);
    return answer;
}

static struct msg_acted retry(struct core *core, struct now now, const struct msg_act *act,
                              struct effects *fx)
{
    struct ledger_view view = ledger_lookup_of(&core->ledger, act->tenant, &act->job_id);
    if (!view.is_known)
        return refused(ERR_NOT_FOUND, err_text(ERR_NOT_FOUND));
    if (view.row.state == JOB_REMOVED)
        return refused(ERR_GONE, err_text(ERR_GONE));
    if (view.row.act != 0 && view.row.act == act_low(act))
        return done(&view.row);
    if (view.row.state == JOB_DEAD && view.slot == JOBS_NONE)
        return revive(core, now, act, &view.row, fx);
    return too_early(&view, view.row.state == JOB_DEAD, "only a dead job is made to live again");
}

// It takes its place in line as one that has just become due; what it waits for besides a moment it
// goes on waiting for.
static struct msg_acted run_now(struct core *core, struct now now, const struct msg_act *act,
                                struct effects *fx)
{
    struct ledger_view view = ledger_lookup_of(&core->ledger, act->tenant, &act->job_id);
    if (!view.is_known)
        return refused(ERR_NOT_FOUND, err_text(ERR_NOT_FOUND));
    enum job_state state = (enum job_state)view.row.state;
    if (state != JOB_REMOVED && view.row.act != 0 && view.row.act == act_low(act))
        return done(&view.row);
    if (state == JOB_DEAD)
        return too_early(&view, false, "a dead job is retried, not run now");
    if (job_is_done(state))
        return has_ended(&view.row);
    if (!job_may(state, JOB_RUN_NOW))
        return done(&view.row); // nothing but its turn is between it and its worker
    if (ledger_waits(&core->ledger, view.slot))
        return too_early(&view, false,
                         "it waits for jobs of its `after`, and no act goes before them: let them "
                         "end, or cancel them");
    struct entry entry = entry_of(now, act, ENTRY_RUN_NOW, view.slot);
    entry.run_now.job_no = view.row.no;
    entry.run_now.act = act_low(act);
    delayed_drop(&core->delayed, view.slot);
    ledger_apply(&core->ledger, &entry, fx);
    wait_enter(core, view.slot);
    return done_in_memory(core, view.slot);
}

static struct msg_acted remove_now(struct core *core, struct now now, const struct msg_act *act,
                                   struct effects *fx)
{
    struct ledger_view view = ledger_lookup_of(&core->ledger, act->tenant, &act->job_id);
    if (!view.is_known)
        return refused(ERR_NOT_FOUND, err_text(ERR_NOT_FOUND));
    if (view.row.state == JOB_REMOVED)
        return done(&view.row);
    bool has_ended = job_is_done((enum job_state)view.row.state);
    if (view.slot != JOBS_NONE || !has_ended)
        return too_early(&view, has_ended, "the job has not ended; cancel it first");
    if (ledger_is_pinned(&core->ledger, &view.row)) {
        struct msg_acted answer = done(&view.row);
        answer.error = ERR_CONFLICT;
        answer.detail =
            slice_of_text("an unfinished job has waited for it and may read its result");
        return answer;
    }
    if (overlay_room(&core->ledger.overlay) == 0)
        return refused(ERR_AGAIN, "too much is being removed; ask again");
    struct entry entry = entry_of(now, act, ENTRY_REMOVE, ENTRY_NO_SLOT);
    entry.remove.job_no = view.row.no;
    ledger_apply(&core->ledger, &entry, fx);
    view = ledger_lookup_of(&core->ledger, act->tenant, &act->job_id);
    return done(&view.row);
}

struct msg_acted act_one(struct core *core, struct now now, const struct msg_act *act,
                         struct effects *fx)
{
    switch (act->kind) {
    case ACT_CANCEL: return cancel(core, now, act, fx);
    case ACT_RETRY: return retry(core, now, act, fx);
    case ACT_DELETE: return remove_now(core, now, act, fx);
    case ACT_RUN_NOW: return run_now(core, now, act, fx);
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_DRAIN: return queue_act(core, now, act, fx);
    case ACT_QUIET:
    case ACT_STOP: return drain_worker(core, act, fx);
    case ACT_PURGE:
    case ACT_NONE: break;
    }
    return refused(ERR_UNSUPPORTED, "this act is not known here");
}

void act_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
              struct effects *fx)
{
    struct msg_acted acted = act_one(core, now, &msg->act, fx);
    effects_send(fx, peer, MSG_ACTED, msg->corr)->acted = acted;
}
