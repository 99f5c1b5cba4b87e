// Receiving.

#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "worker/duty/talk_private.h"

#include <inttypes.h>

enum { CLEAR_AFTER_MS = 1000, TELL_AGAIN_MS = 2000 };

// --- WELCOME ---

static void introduce(struct duty *duty)
{
    if (duty->is_introduced || phase_is_quiet(&duty->phase))
        return; // the line promises that jobs are taken
    duty->is_introduced = true;
    duty->crew.introduce(duty->crew.ctx);
}

static void take_welcome(struct duty *duty, const struct msg *msg)
{
    if (!peer_welcomed(&duty->peer, duty->now, msg->corr))
        return;
    const struct msg_welcome *welcome = &msg->welcome;
    duty->lineage = welcome->lineage;
    uint32_t renew_ms = welcome->renew_ms > 0 ? welcome->renew_ms : 5000;
    renewal_start(&duty->renewal, duty->now, renew_ms);
    duty_lose(duty, &welcome->lost);
    duty_drop_simulations(duty);
    duty->ready_due = true;
    duty_log(duty, LOG_LEVEL_INFO, "worker.welcome",
             "broker=%s epoch=%" PRIu32 " renew_ms=%" PRIu32 " held=%" PRIu32 " outcomes=%" PRIu32,
             duty->setup.broker, welcome->epoch, renew_ms, slots_held_count(&duty->slots),
             duty->outbox.count);
    introduce(duty);
}

// --- JOBS ---

static bool is_known_lease(const struct duty *duty, const struct msg_job *job)
{
    const struct msg_held held = {.job_id = job->job_id, .token = job->token};
    return slots_find(&duty->slots, &held) != SLOTS_NONE ||
           outbox_find(&duty->outbox, &held) != OUTBOX_NONE;
}

// Its credit goes back at once and nothing is burnt.
static void give_back(struct duty *duty, const struct msg_job *job, struct outcome_report *report)
{
    if (duty->outbox.count == duty->outbox.cap)
        return; // the lease ends by itself
    report->job_id = job->job_id;
    report->generation = job->generation;
    report->token = job->token;
    (void)outbox_add_volatile(&duty->outbox, report, NULL);
    stats_count_outcome(&duty->stats, report->outcome);
}

// The broker has more credit on its books than there is. A RENEW that crossed the JOBS of leases that have passed
// by now, after a long stop, did not name them, and they are at work here all the same. The next RENEW names them,
// and what it is answered frees their slots; until then the job would come again at once, and go back again.
static void put_off(struct duty *duty, const struct msg_job *job)
{
    struct outcome_report report = {0};
    duty_log(duty, LOG_LEVEL_WARN, "worker.no_slot",
             "slots=%" PRIu32 " why=\"more jobs than credit\"", duty->slots.job_count);
    outcome_put_off("the worker has no free slot", &report);
    give_back(duty, job, &report);
    renewal_hurry(&duty->renewal);
}

static void answer_from_journal(struct duty *duty, uint32_t entry, const struct msg_job *job)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&job->job_id, id);
    duty_log(duty, LOG_LEVEL_INFO, "job.answered_from_journal", "job=%s token=%" PRIu64, id,
             job->token);
    outbox_rekey(&duty->outbox, entry, job->token);
    duty->stats.answered_from_journal++;
}

// A newer lease of a job that is here under an older one: that one is lost.
static void lose_older(struct duty *duty, const struct msg_job *job)
{
    for (uint32_t i = 0; i < duty->slots.job_count; i++) {
        const struct slot *slot = &duty->slots.items[i];
        if (slot->state == SLOT_FREE || !id_equal(&slot->job_id, &job->job_id))
            continue;
        const struct msg_held held = {.job_id = slot->job_id, .token = slot->token};
        duty_lose(duty, &(struct msg_held_list){.items = &held, .count = 1});
    }
}

static void take_job(struct duty *duty, const struct msg_job *job)
{
    if (is_known_lease(duty, job))
        return;
    duty->stats.granted++;
    duty->stats.is_changed = true;
    const struct outbox_job meant = {
        .id = job->job_id, .generation = job->generation, .lineage = duty->lineage};
    uint32_t entry = outbox_find_success(&duty->outbox, &meant);
    if (entry != OUTBOX_NONE) {
        answer_from_journal(duty, entry, job);
        return;
    }
    if (phase_is_quiet(&duty->phase)) {
        struct outcome_report report = {0};
        outcome_interrupted("the worker takes no more jobs", &report);
        give_back(duty, job, &report);
        return;
    }
    lose_older(duty, job);
    uint32_t slot = slots_find_free(&duty->slots);
    if (slot != SLOTS_NONE)
        duty_grant(duty, slot, job);
    else
        put_off(duty, job);
}

// Not taken, it is answered by nobody: the broker does not wait for long.
static void take_simulate(struct duty *duty, const struct msg *msg)
{
    uint32_t slot = slots_find_free_simulation(&duty->slots);
    bool is_sound = msg->simulate.count == 1 && msg->simulate.jobs->token == 0 && msg->corr != 0;
    if (slot == SLOTS_NONE || !is_sound || phase_is_quiet(&duty->phase)) {
        duty_log(duty, LOG_LEVEL_WARN, "worker.simulation_not_taken", "number=%" PRIu64, msg->corr);
        return;
    }
    duty_simulate(duty, slot, msg->simulate.jobs, msg->corr);
}

// --- answers ---

static void take_verdict(struct duty *duty, const struct msg_finished_job *verdict)
{
    if (outbox_answer(&duty->outbox, verdict) == OUTBOX_NONE)
        return;
    duty->stats.is_changed = true;
    if (duty->clear_at == WHEN_NEVER)
        duty->clear_at = duty->now + CLEAR_AFTER_MS;
    if (verdict->error == OK) {
        duty->stats.accepted++;
        return;
    }
    duty->stats.stale++;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&verdict->job_id, id);
    duty_log(duty, LOG_LEVEL_WARN, "job.outcome_refused", "job=%s token=%" PRIu64 " error=%s", id,
             verdict->token, err_slug(verdict->error));
}

static void take_finished(struct duty *duty, const struct msg *msg)
{
    uint64_t batch = 0;
    for (uint32_t i = 0; i < msg->finished.count; i++)
        take_verdict(duty, &msg->finished.jobs[i]);
    if (!peer_answered(&duty->peer, msg->corr, &batch) || batch == TALK_USER_RENEW)
        return;
    struct finish *finish = talk_finish_of(duty, batch);
    CHECK(finish != NULL);
    talk_finish_done(finish);
    (void)outbox_close(&duty->outbox, batch); // said again, if anything was left out
}

static void take_renewed(struct duty *duty, const struct msg *msg)
{
    uint64_t user = 0;
    duty_lose(duty, &msg->renewed.lost);
    duty_cancel(duty, &msg->renewed.cancel);
    if (msg->renewed.drain > duty->drain)
        duty->drain = msg->renewed.drain;
    if (!peer_answered(&duty->peer, msg->corr, &user) || user != TALK_USER_RENEW)
        return;
    duty->renew_corr = 0;
    renewal_answered(&duty->renewal, &duty->slots);
}

// --- ERROR ---

// A message with one outcome that is refused for good would be refused for ever; one that may be
// taken later must not be said again and again meanwhile.
static void refuse_finish(struct duty *duty, struct finish *finish, const struct msg_error *why)
{
    uint64_t batch = finish->batch;
    talk_finish_done(finish);
    uint32_t left = outbox_close(&duty->outbox, batch);
    duty_log(duty, LOG_LEVEL_ERROR, "worker.finish_refused",
             "outcomes=%" PRIu32 " error=%s detail=%s", left, err_slug(why->error),
             log_quote(why->detail).text);
    if (left != 1)
        return;
    if (err_may_retry(why->error)) {
        outbox_hold(&duty->outbox, batch);
        duty->tell_at = when_min(duty->tell_at, duty->now + TELL_AGAIN_MS);
        return;
    }
    for (uint32_t i = outbox_next(&duty->outbox, OUTBOX_DURABLE, 0); i != OUTBOX_NONE;
         i = outbox_next(&duty->outbox, OUTBOX_DURABLE, i + 1)) {
        struct outbox_entry *entry = &duty->outbox.items[i];
        if (entry->batch != batch)
            continue;
        // The job is not lost: its lease ends and it is given to somebody again.
        entry->batch = 0;
        outbox_forget(&duty->outbox, i);
        if (duty->clear_at == WHEN_NEVER)
            duty->clear_at = duty->now + CLEAR_AFTER_MS;
    }
}

static void take_error(struct duty *duty, const struct msg *msg)
{
    const struct msg_error *error = &msg->error;
    uint64_t user = 0;
    if (error->error == ERR_UNKNOWN_PEER) {
        peer_unknown(&duty->peer, duty->now, msg->corr);
        return;
    }
    if (!peer_answered(&duty->peer, msg->corr, &user)) {
        // To HELLO, which is said again, or to READY.
        duty_log(duty, LOG_LEVEL_ERROR, "worker.refused", "error=%s detail=%s",
                 err_slug(error->error), log_quote(error->detail).text);
        return;
    }
    if (user == TALK_USER_RENEW) {
        duty->renew_corr = 0;
        return;
    }
    struct finish *finish = talk_finish_of(duty, user);
    CHECK(finish != NULL);
    refuse_finish(duty, finish, error);
}

void talk_hear(struct duty *duty, const struct msg *msg)
{
    peer_heard(&duty->peer);
    switch (msg->kind) {
    case MSG_WELCOME: take_welcome(duty, msg); return;
    case MSG_JOBS:
        for (uint32_t i = 0; i < msg->jobs.count; i++)
            take_job(duty, &msg->jobs.jobs[i]);
        return;
    case MSG_RENEWED: take_renewed(duty, msg); return;
    case MSG_FINISHED: take_finished(duty, msg); return;
    case MSG_SIMULATE: take_simulate(duty, msg); return;
    case MSG_ERROR: take_error(duty, msg); return;
    case MSG_HELLO:
    case MSG_SUBMIT:
    case MSG_SUBMITTED:
    case MSG_READY:
    case MSG_RENEW:
    case MSG_FINISH:
    case MSG_STATUS:
    case MSG_STATUS_IS:
    case MSG_BATCH_STATUS:
    case MSG_BATCH_STATUS_IS:
    case MSG_BATCH_SEAL:
    case MSG_WEBHOOK_SET:
    case MSG_WEBHOOK_STATUS:
    case MSG_WEBHOOK_STATUS_IS:
    case MSG_ACT:
    case MSG_ACTED:
    case MSG_QUEUE_SET:
    case MSG_QUEUE_STATUS:
    case MSG_QUEUE_STATUS_IS:
    case MSG_TYPE_SET:
    case MSG_TYPE_STATUS:
    case MSG_TYPE_STATUS_IS:
    case MSG_SCHEDULE_SET:
    case MSG_SCHEDULE_STATUS:
    case MSG_SCHEDULE_STATUS_IS:
    case MSG_SCHEDULE_LIST:
    case MSG_SCHEDULE_LISTED:
    case MSG_WORKER_LIST:
    case MSG_WORKER_LISTED:
    case MSG_LIST:
    case MSG_LISTED:
    case MSG_TIMELINE:
    case MSG_TIMELINE_IS:
    case MSG_LOG:
    case MSG_LOG_IS:
    case MSG_OPERATE:
    case MSG_OPERATION:
    case MSG_OPERATION_IS:
    case MSG_OPERATION_LIST:
    case MSG_OPERATION_LISTED:
    case MSG_SIMULATED:
    case MSG_WATCH:
    case MSG_EVENT:
    case MSG_BYE: return; // not for a worker
    }
    UNREACHABLE();
}
