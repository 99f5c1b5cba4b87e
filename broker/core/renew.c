// Station renew: the heartbeat of workers. Leases named in it are counted in full from now, passed
// ones that are not named give their credit back; progress is written at most once a second and
// job, unless it asks for time; workers gather log lines as long. The answer names what was lost and
// what is to be stopped.

#include "broker/core/core_private.h"

enum { PROGRESS_GAP_MS = 1000 };

// The live lease of this worker for this (job, token), or LEASES_NONE.
static uint32_t held_by(const struct core *core, uint32_t worker, const struct id *job_id,
                        uint64_t token)
{
    uint32_t no = leases_find(&core->leases, token);
    if (no == LEASES_NONE)
        return LEASES_NONE;
    const struct lease *lease = leases_at(&core->leases, no);
    bool is_held = lease->is_live && lease->worker == worker && id_equal(&lease->job_id, job_id);
    return is_held ? no : LEASES_NONE;
}

// What the handler asks for beyond what it has been given.
static uint32_t extension(const struct core *core, const struct lease *lease,
                          const struct msg_progress *progress)
{
    const struct job *job = jobs_at(&core->ledger.jobs, lease->slot);
    uint32_t given_ms = ledger_past(&core->ledger, job)->extend_ms;
    uint32_t asked_ms = limits_extend_ms(progress->extend_ms);
    return asked_ms > given_ms ? asked_ms - given_ms : 0;
}

// The job whose progress is stored now, or JOBS_NONE.
static uint32_t note_progress(struct core *core, struct now now, uint32_t worker,
                              const struct msg_progress *progress, struct effects *fx)
{
    uint32_t no = held_by(core, worker, &progress->job_id, progress->token);
    if (no == LEASES_NONE)
        return JOBS_NONE;
    struct lease *lease = leases_at(&core->leases, no);
    uint32_t extend_ms = extension(core, lease, progress);
    if (extend_ms == 0 && lease->progress_at != 0 &&
        now.mono < lease->progress_at + PROGRESS_GAP_MS)
        return JOBS_NONE;
    if (extend_ms > 0)
        leases_extend(&core->leases, no, extend_ms);
    lease->progress_at = now.mono;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_PROGRESS,
                                 .at = now.store,
                                 .job_id = lease->job_id,
                                 .slot = lease->slot,
                                 .progress = {.said = progress}},
                 fx);
    return lease->slot;
}

void renew_take_log(struct core *core, struct now now, uint32_t slot, struct logs_lines lines,
                    struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    lines = logs_new(lines, ledger_past(&core->ledger, job)->log_count);
    if (lines.count == 0)
        return;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_LOG,
                                 .at = now.store,
                                 .job_id = job->id,
                                 .slot = slot,
                                 .log = {.lines = lines.items, .count = lines.count}},
                 fx);
}

// At most as many jobs as the message names: that is what it was weighed for.
static void note_log(struct core *core, struct now now, uint32_t worker,
                     const struct msg_renew *renew, struct effects *fx)
{
    struct logs_lines left = {.items = renew->log, .count = renew->log_count};
    for (uint32_t i = 0; i < renew->running.count && left.count > 0; i++) {
        struct logs_lines group = logs_take_group(&left);
        uint32_t no = held_by(core, worker, &group.items->job_id, group.items->token);
        if (no != LEASES_NONE)
            renew_take_log(core, now, leases_at(&core->leases, no)->slot, group, fx);
    }
}

// A worker that no longer names a lease whose time has passed has spoken of it: credit comes
// back. Live ones stay: their job may still be on its way.
static void drop_unnamed(struct core *core, uint32_t worker, const struct msg_held_list *running)
{
    uint64_t naming = lease_mark_named(core, worker, running);
    uint32_t at = workers_at(&core->workers, worker)->leases;
    while (at != LEASES_NONE) {
        const struct lease *lease = leases_at(&core->leases, at);
        uint32_t next = lease->next;
        if (!lease->is_live && lease->named_in != naming)
            lease_drop(core, at);
        at = next;
    }
}

void renew_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx)
{
    const struct msg_held_list *running = &msg->renew.running;
    uint32_t worker = workers_of_peer(&core->workers, peer);
    // One list for both: what is lost from the front, what is to be stopped from the back.
    struct msg_held *told = arena_take_array(fx->arena, running->count, sizeof *told);
    CHECK(told != NULL);
    uint32_t lost_count = 0;
    uint32_t cancel_count = 0;
    for (uint32_t i = 0; i < running->count; i++) {
        uint32_t no = held_by(core, worker, &running->items[i].job_id, running->items[i].token);
        if (no == LEASES_NONE) {
            told[lost_count++] = running->items[i];
            continue;
        }
        leases_renew(&core->leases, no, now.mono);
        if (leases_at(&core->leases, no)->is_cancelled)
            told[running->count - ++cancel_count] = running->items[i];
    }
    drop_unnamed(core, worker, running);
    uint32_t room = progress_weight(core, msg->renew.progress_count);
    for (uint32_t i = 0; i < msg->renew.progress_count; i++) {
        uint32_t slot = note_progress(core, now, worker, &msg->renew.progress[i], fx);
        if (slot != JOBS_NONE)
            progress_tell(core, now, slot, &room, fx);
    }
    note_log(core, now, worker, &msg->renew, fx);
    effects_send(fx, peer, MSG_RENEWED, msg->corr)->renewed = (struct msg_renewed){
        .lost = {.items = told, .count = lost_count},
        .cancel = {.items = told + running->count - cancel_count, .count = cancel_count},
        .drain = workers_at(&core->workers, worker)->drain};
}
