// Station finish: a worker's last word about a job. Idempotent: the record keeps the last token
// and whether it is open, expired or finished, and the same word gets the same answer.

#include "broker/core/core_private.h"

#include "broker/core/retry.h"
#include "lib/base/origin.h"

struct verdict {
    enum job_event event;
    when_ms due_at;
};

static when_ms again_at(const struct core *core, const struct job *job,
                        const struct msg_finish_job *finish, when_ms now)
{
    const struct policy *policy = policies_at(&core->ledger.policies, job->policy);
    const struct past *past = ledger_past(&core->ledger, job);
    when_ms delay = retry_delay_ms(policy, &job->id, 1u + past->errors + past->crashes);
    if (delay < finish->retry_after_ms)
        delay = finish->retry_after_ms;
    return when_after(now, delay);
}

// A burnt attempt: is one left?
static struct verdict retry_or_die(const struct core *core, const struct job *job,
                                   const struct msg_finish_job *finish, when_ms now)
{
    const struct retry_case burnt = {.policy = policies_at(&core->ledger.policies, job->policy),
                                     .job = job,
                                     .past = ledger_past(&core->ledger, job),
                                     .is_crash = finish->outcome == OUTCOME_CRASHED,
                                     .due_at = again_at(core, job, finish, now)};
    if (retry_is_over(&burnt))
        return (struct verdict){.event = JOB_DIE, .due_at = now};
    return (struct verdict){.event = JOB_FAIL, .due_at = burnt.due_at};
}

static struct verdict verdict_in_time(const struct core *core, const struct job *job,
                                      const struct msg_finish_job *finish, when_ms now)
{
    // Whatever it is, the handler has stopped.
    if (job->cancel == CANCEL_REQUESTED && finish->outcome != OUTCOME_SUCCEEDED)
        return (struct verdict){.event = JOB_CANCEL, .due_at = now};
    switch (finish->outcome) {
    case OUTCOME_SUCCEEDED: return (struct verdict){.event = JOB_SUCCEED, .due_at = now};
    case OUTCOME_FAILED:
    case OUTCOME_CANCELLED: // of its own accord
    case OUTCOME_CRASHED: return retry_or_die(core, job, finish, now);
    case OUTCOME_DEAD: return (struct verdict){.event = JOB_DIE, .due_at = now};
    case OUTCOME_INTERRUPTED: return (struct verdict){.event = JOB_RETURN, .due_at = now};
    case OUTCOME_SNOOZED:
        return (struct verdict){.event = JOB_SNOOZE,
                                .due_at = when_after(now, finish->retry_after_ms)};
    case OUTCOME_NONE: break;
    }
    UNREACHABLE();
}

// The lease had ended and nobody has the job: its attempt was charged then, so a failure is only
// noted.
static struct verdict verdict_late(const struct job *job, const struct msg_finish_job *finish)
{
    struct verdict verdict = {.event = JOB_REPORT, .due_at = job->at};
    if (finish->outcome == OUTCOME_SUCCEEDED)
        verdict.event = JOB_SUCCEED;
    if (finish->outcome == OUTCOME_DEAD)
        verdict.event = JOB_DIE;
    return verdict;
}

static void apply(struct core *core, struct now now, uint32_t slot,
                  const struct msg_finish_job *finish, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    bool is_late = job->token_use == TOKEN_EXPIRED;
    struct verdict verdict =
        is_late ? verdict_late(job, finish) : verdict_in_time(core, job, finish, now.store);
    bool stays = verdict.event == JOB_REPORT; // where it waits, its place among the others too
    if (is_late && !stays)
        wait_leave(core, slot);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_FINISH,
                                 .at = now.store,
                                 .job_id = job->id,
                                 .slot = slot,
                                 .finish = {.finish = finish,
                                            .event = (uint8_t)verdict.event,
                                            .due_at = verdict.due_at,
                                            .is_gone = progress_is_gone(core, slot, finish)}},
                 fx);
    if (!stays)
        wait_enter(core, slot);
    deliver_end(core, now, slot, fx);
    core->figures.finished[finish->outcome]++;
    core->figures.late += is_late;
    core->figures.resent += finish->resent;
}

// Who says it: a worker, or a gateway that hands on what was said to it of a lease that none of its
// workers has, late or once more.
struct teller {
    uint32_t worker; // WORKERS_NONE: a gateway
    bool is_notifier;
    struct slice tenant;
};

static struct teller teller_of(const struct core *core, uint32_t peer, const struct msg *msg)
{
    uint32_t no = workers_of_peer(&core->workers, peer);
    if (no == WORKERS_NONE)
        return (struct teller){.worker = no, .tenant = msg->tenant};
    const struct worker *worker = workers_at(&core->workers, no);
    return (struct teller){no, worker->is_notifier, worker->tenant};
}

// Deliveries are a notifier's, all others its tenant's workers'.
static bool may_hold(const struct core *core, const struct teller *teller, uint16_t lane)
{
    bool is_delivery = msg_hook_is_reserved(lanes_row(&core->ledger.lanes, lane).queue);
    return teller->is_notifier ? is_delivery
                               : !is_delivery && ledger_is_of(&core->ledger, lane, teller->tenant);
}

// The word about a finished token again? Another outcome contradicts the one that was taken, and whoever
// says it must not believe that it counts. Of rows without an outcome a success is known by the state.
static bool is_same_word(enum outcome taken, enum job_state state, enum outcome said)
{
    if (taken == OUTCOME_NONE)
        return (state == JOB_SUCCEEDED) == (said == OUTCOME_SUCCEEDED);
    return taken == said;
}

// What is said about a job that has left memory.
static err answer_stored(const struct core *core, const struct teller *teller,
                         const struct msg_finish_job *finish)
{
    struct ledger_view view = ledger_lookup(&core->ledger, &finish->job_id);
    if (!view.is_known || !may_hold(core, teller, view.row.lane))
        return ERR_NOT_FOUND;
    const struct job_row *row = &view.row;
    uint8_t state = row->state == JOB_REMOVED ? row->ended_as : row->state;
    bool is_repeat =
        row->token == finish->token && row->token_use == TOKEN_FINISHED &&
        is_same_word((enum outcome)row->outcome, (enum job_state)state, finish->outcome);
    return is_repeat ? OK : ERR_STALE_LEASE;
}

// The worker has spoken of this lease, so its credit comes back, whatever the verdict. False
// when the lease is another worker's; one of another tenant is not known, nor is a delivery's, nor that
// of another job than is said, which may be another tenant's.
static bool give_back(struct core *core, const struct teller *teller,
                      const struct msg_finish_job *finish)
{
    uint32_t no = leases_find(&core->leases, finish->token);
    if (no == LEASES_NONE)
        return true;
    const struct lease *lease = leases_at(&core->leases, no);
    const struct worker *holder = workers_at(&core->workers, lease->worker);
    if (!origin_is_tenant(holder->tenant, teller->tenant) ||
        holder->is_notifier != teller->is_notifier || !id_equal(&lease->job_id, &finish->job_id))
        return true;
    if (lease->worker != teller->worker)
        return false;
    lease_drop(core, no);
    return true;
}

// What is said of one job.
struct word {
    const struct msg_finish_job *finish;
    struct logs_lines log;
};

// Its handler's last word about how far it is, however soon after the one before.
static void take_progress(struct core *core, struct now now, uint32_t slot,
                          const struct msg_progress *said, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    bool is_said = said->done > 0 || said->total > 0 || said->text.len > 0;
    if (!is_said || job->state != JOB_RUNNING)
        return;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_PROGRESS,
                                 .at = now.store,
                                 .job_id = job->id,
                                 .slot = slot,
                                 .progress = {.said = said}},
                 fx);
}

static err judge(struct core *core, struct now now, const struct teller *teller,
                 const struct word *word, struct effects *fx)
{
    const struct msg_finish_job *finish = word->finish;
    if (!give_back(core, teller, finish))
        return ERR_STALE_LEASE;
    uint32_t slot = jobs_find(&core->ledger.jobs, &finish->job_id);
    if (slot == JOBS_NONE)
        return answer_stored(core, teller, finish);
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    if (!may_hold(core, teller, job->lane))
        return ERR_NOT_FOUND;
    uint64_t last_token = ledger_past(&core->ledger, job)->token;
    if (last_token != finish->token || job->token_use == TOKEN_NONE)
        return ERR_STALE_LEASE;
    if (job->token_use == TOKEN_FINISHED) {
        enum outcome taken = (enum outcome)ledger_past(&core->ledger, job)->outcome;
        return is_same_word(taken, job->state, finish->outcome) ? OK : ERR_STALE_LEASE;
    }
    bool is_free = job->state == JOB_QUEUED || job->state == JOB_RETRYING;
    if (job->token_use == TOKEN_EXPIRED && !is_free)
        return ERR_STALE_LEASE;
    renew_take_log(core, now, slot, word->log, fx);
    take_progress(core, now, slot, &finish->progress, fx);
    apply(core, now, slot, finish, fx);
    return OK;
}

// The lines at the front of `left` when they are this job's.
static struct logs_lines log_of(const struct msg_finish_job *finish, struct logs_lines *left)
{
    bool is_its = left->count > 0 && left->items->token == finish->token &&
                  id_equal(&left->items->job_id, &finish->job_id);
    return is_its ? logs_take_group(left) : (struct logs_lines){0};
}

void finish_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                 struct effects *fx)
{
    const struct msg_finish *finish = &msg->finish;
    const struct teller teller = teller_of(core, peer, msg);
    struct msg_finished_job *answers = arena_take_array(fx->arena, finish->count, sizeof *answers);
    CHECK(answers != NULL);
    struct logs_lines left = {.items = finish->log, .count = finish->log_count};
    for (uint32_t i = 0; i < finish->count; i++) {
        const struct msg_finish_job *job = &finish->jobs[i];
        answers[i] = (struct msg_finished_job){.job_id = job->job_id, .token = job->token};
        answers[i].error =
            judge(core, now, &teller, &(struct word){.finish = job, .log = log_of(job, &left)}, fx);
        core->figures.stale += answers[i].error == ERR_STALE_LEASE;
    }
    effects_send(fx, peer, MSG_FINISHED, msg->corr)->finished =
        (struct msg_finished){.jobs = answers, .count = finish->count};
}
