// Station progress: who is told how far a running job is. Nobody is told of every word: one delivery at
// most is unfinished for each job and receiver, it brings what it finds when it is sent, and what the
// job says meanwhile is for the next one, no more often than once in BULLETINS_GAP_MS. None begins after
// the job's end.
//
//   word ──▶ delivery SCHEDULED until the next round, QUEUED ──▶ RUNNING at a notifier ──▶ ended
//                ▲                    │ the job has ended: CANCELLED       │ the job has said more
//                └────────────────────┼────────────────────────────────────┘ and runs
//
// No place is kept for them: when there is none, it is left out.

#include "broker/core/core_private.h"

#include "lib/base/prng.h"

enum { SHARES = 8 }; // of a flush: one is what the words of one message may bring

// Of one receiver of a job's: an endpoint, or what the job's body says.
static uint64_t receiver_of(const struct core *core, uint32_t endpoint)
{
    uint64_t hash = prng_mix(WEBHOOK_PROGRESS);
    if (endpoint == ENDPOINTS_NONE)
        return hash;
    struct slice id = endpoints_at(&core->ledger.endpoints, endpoint)->given.webhook_id;
    for (size_t i = 0; i < id.len; i++)
        hash = prng_mix(hash ^ id.data[i]);
    return hash;
}

// The job that it tells of, when that has not ended; else JOBS_NONE.
static uint32_t job_of(const struct core *core, const struct id *parent)
{
    uint32_t slot = jobs_find(&core->ledger.jobs, parent);
    if (slot == JOBS_NONE || job_is_done(jobs_at(&core->ledger.jobs, slot)->state))
        return JOBS_NONE;
    return slot;
}

// `room`: deliveries that may still be made here; one less when one is.
static void tell(struct core *core, struct now now, const struct deliver_word *word, uint32_t *room,
                 struct effects *fx)
{
    uint32_t slot = JOBS_NONE;
    if (*room > 0 && bulletins_has_room(&core->bulletins))
        slot = deliver_progress(core, now, word, fx);
    if (slot == JOBS_NONE) {
        core->figures.progress_left_out++;
        return;
    }
    --*room;
    core->figures.progress_deliveries++;
    progress_begin(core, slot);
    wait_begin(core, slot);
}

uint32_t progress_weight(const struct core *core, uint32_t words)
{
    uint64_t wanted = (uint64_t)words * ledger_progress_most(&core->ledger);
    uint32_t most = core->limits.changed_count_max / SHARES;
    return wanted < most ? (uint32_t)wanted : most;
}

void progress_tell(struct core *core, struct now now, uint32_t slot, uint32_t *room,
                   struct effects *fx)
{
    uint32_t told[LEDGER_TOLD_MAX];
    uint32_t count = ledger_told(&core->ledger, slot, JOB_RUNNING, told);
    when_ms due_at = WHEN_NEVER;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t receiver = receiver_of(core, told[i]);
        const struct id *parent = &jobs_at(&core->ledger.jobs, slot)->id;
        uint32_t no = bulletins_find(&core->bulletins, parent, receiver);
        if (no != BULLETINS_NONE) {
            bulletins_at(&core->bulletins, no)->is_behind = true;
            continue;
        }
        if (due_at == WHEN_NEVER)
            due_at = bulletins_round(&core->bulletins, slot, now.store);
        tell(core, now, &(struct deliver_word){slot, told[i], receiver, due_at}, room, fx);
    }
}

void progress_begin(struct core *core, uint32_t slot)
{
    const struct id *parent = ledger_teller_of(&core->ledger, slot);
    if (parent == NULL || !bulletins_has_room(&core->bulletins))
        return;
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    if (bulletins_find(&core->bulletins, parent, job->fingerprint) != BULLETINS_NONE)
        return;
    // What was said while nobody ran the broker is not known: one that is out may be behind.
    bulletins_add(&core->bulletins, &(struct bulletin){.parent = *parent,
                                                       .receiver = job->fingerprint,
                                                       .slot = slot,
                                                       .is_behind = job->state == JOB_RUNNING});
}

void progress_grant(struct core *core, uint32_t slot)
{
    uint32_t no = bulletins_of(&core->bulletins, slot);
    if (no != BULLETINS_NONE)
        bulletins_at(&core->bulletins, no)->is_behind = false;
}

bool progress_is_void(const struct core *core, uint32_t slot)
{
    const struct id *parent = ledger_teller_of(&core->ledger, slot);
    if (parent == NULL)
        return false;
    return job_of(core, parent) == JOBS_NONE ||
           bulletins_of(&core->bulletins, slot) == BULLETINS_NONE;
}

// One that is out is no more to be tried again.
void progress_drop(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    if (job->state == JOB_RUNNING && job->cancel != CANCEL_NONE)
        return;
    struct entry entry = {.kind = ENTRY_CANCEL,
                          .at = now.store,
                          .job_id = job->id,
                          .reason = slice_of_text("the job whose progress it tells has ended"),
                          .slot = slot};
    act_cancel(core, now, &entry, fx);
}

// Of those that are told of the job's progress, the one with this hash; LEDGER_TOLD_MAX: none.
static uint32_t find_receiver(const struct core *core, uint32_t slot, uint64_t receiver,
                              uint32_t told[LEDGER_TOLD_MAX])
{
    uint32_t count = ledger_told(&core->ledger, slot, JOB_RUNNING, told);
    for (uint32_t i = 0; i < count; i++)
        if (receiver_of(core, told[i]) == receiver)
            return i;
    return LEDGER_TOLD_MAX;
}

void progress_end(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    if ((jobs_at(&core->ledger.jobs, slot)->relations & RELATION_HOOK) != 0)
        bulletins_forget(&core->bulletins, slot);
    uint32_t no = bulletins_of(&core->bulletins, slot);
    if (no == BULLETINS_NONE)
        return;
    const struct bulletin bulletin = *bulletins_at(&core->bulletins, no);
    bulletins_drop(&core->bulletins, no);
    uint32_t of = bulletin.is_behind ? job_of(core, &bulletin.parent) : JOBS_NONE;
    if (of == JOBS_NONE || jobs_at(&core->ledger.jobs, of)->state != JOB_RUNNING)
        return;
    uint32_t told[LEDGER_TOLD_MAX];
    uint32_t at = find_receiver(core, of, bulletin.receiver, told);
    if (at == LEDGER_TOLD_MAX)
        return;
    when_ms due_at = bulletins_round(&core->bulletins, of, now.store);
    uint32_t room = 1;
    tell(core, now, &(struct deliver_word){of, told[at], bulletin.receiver, due_at}, &room, fx);
}

bool progress_is_gone(const struct core *core, uint32_t slot, const struct msg_finish_job *finish)
{
    uint32_t no = bulletins_of(&core->bulletins, slot);
    if (no == BULLETINS_NONE || finish->outcome != OUTCOME_DEAD ||
        !slice_is_text(finish->error_kind, HOOK_GONE))
        return false;
    const struct bulletin *bulletin = bulletins_at(&core->bulletins, no);
    uint32_t of = job_of(core, &bulletin->parent);
    return of != JOBS_NONE && bulletin->receiver == receiver_of(core, ENDPOINTS_NONE) &&
           core->ledger.bonds[of].has_progress && core->ledger.bonds[of].endpoint == 0;
}

uint32_t progress_places(const struct core *core, uint32_t slot)
{
    return bulletins_of(&core->bulletins, slot) != BULLETINS_NONE;
}
