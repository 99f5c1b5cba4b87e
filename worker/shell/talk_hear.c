// Receiving.

#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "worker/shell/crew.h"
#include "worker/shell/talk_private.h"

#include <inttypes.h>

enum { CLEAR_AFTER_MS = 1000, TELL_AGAIN_MS = 2000 };

// --- WELCOME ---

static void introduce(struct worker *worker)
{
    if (worker->is_introduced || phase_is_quiet(&worker->phase))
        return; // the line promises that jobs are taken
    worker->is_introduced = true;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&worker->home->worker_id, id);
    (void)printf("ready worker=%s types=%s slots=%" PRIu32 " broker=%s\n", id,
                 worker->setup->config.arguments[0], worker->setup->slot_count,
                 worker->setup->broker);
    (void)fflush(stdout); // whoever waits for the line sees it or is gone
}

static void take_welcome(struct worker *worker, const struct msg *msg)
{
    if (!peer_welcomed(&worker->peer, worker->now, msg->corr))
        return;
    const struct msg_welcome *welcome = &msg->welcome;
    uint32_t renew_ms = welcome->renew_ms > 0 ? welcome->renew_ms : 5000;
    renewal_start(&worker->renewal, worker->now, renew_ms);
    crew_lose(worker, &welcome->lost);
    worker->ready_due = true;
    log_info("worker.welcome",
             "broker=%s epoch=%" PRIu32 " renew_ms=%" PRIu32 " held=%" PRIu32 " outcomes=%" PRIu32,
             worker->setup->broker, welcome->epoch, renew_ms, slots_held_count(&worker->slots),
             worker->outbox.count);
    introduce(worker);
}

// --- JOBS ---

static bool is_known_lease(const struct worker *worker, const struct msg_job *job)
{
    const struct msg_held held = {.job_id = job->job_id, .token = job->token};
    return slots_find(&worker->slots, &held) != SLOTS_NONE ||
           outbox_find(&worker->outbox, &held) != OUTBOX_NONE;
}

// Its credit goes back at once and nothing is burnt.
static void give_back(struct worker *worker, const struct msg_job *job, const char *why)
{
    if (worker->outbox.count == worker->outbox.cap)
        return; // the lease ends by itself
    struct outcome_report report = {0};
    outcome_interrupted(why, &report);
    report.job_id = job->job_id;
    report.generation = job->generation;
    report.token = job->token;
    (void)outbox_add_volatile(&worker->outbox, &report, NULL);
    stats_count_outcome(&worker->stats, OUTCOME_INTERRUPTED);
}

static void answer_from_journal(struct worker *worker, uint32_t entry, const struct msg_job *job)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&job->job_id, id);
    log_info("job.answered_from_journal", "job=%s token=%" PRIu64, id, job->token);
    outbox_rekey(&worker->outbox, entry, job->token);
    worker->stats.answered_from_journal++;
}

// A newer lease of a job that is here under an older one: that one is lost.
static void lose_older(struct worker *worker, const struct msg_job *job)
{
    for (uint32_t i = 0; i < worker->slots.count; i++) {
        const struct slot *slot = &worker->slots.items[i];
        if (slot->state == SLOT_FREE || !id_equal(&slot->job_id, &job->job_id))
            continue;
        const struct msg_held held = {.job_id = slot->job_id, .token = slot->token};
        crew_lose(worker, &(struct msg_held_list){.items = &held, .count = 1});
    }
}

static void take_job(struct worker *worker, const struct msg_job *job)
{
    if (is_known_lease(worker, job))
        return;
    worker->stats.granted++;
    worker->stats.is_changed = true;
    uint32_t entry = outbox_find_success(&worker->outbox, &job->job_id, job->generation);
    if (entry != OUTBOX_NONE) {
        answer_from_journal(worker, entry, job);
        return;
    }
    if (phase_is_quiet(&worker->phase)) {
        give_back(worker, job, "the worker takes no more jobs");
        return;
    }
    lose_older(worker, job);
    uint32_t slot = slots_find_free(&worker->slots);
    if (slot != SLOTS_NONE) {
        crew_grant(worker, slot, job);
        return;
    }
    log_warn("worker.no_slot", "slots=%" PRIu32 " why=\"more jobs than credit\"",
             worker->slots.count);
    give_back(worker, job, "the worker has no free slot");
}

// --- answers ---

static void take_verdict(struct worker *worker, const struct msg_finished_job *verdict)
{
    if (outbox_answer(&worker->outbox, verdict) == OUTBOX_NONE)
        return;
    worker->stats.is_changed = true;
    if (worker->clear_at == WHEN_NEVER)
        worker->clear_at = worker->now + CLEAR_AFTER_MS;
    if (verdict->error == OK) {
        worker->stats.accepted++;
        return;
    }
    worker->stats.stale++;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&verdict->job_id, id);
    log_warn("job.outcome_refused", "job=%s token=%" PRIu64 " error=%s", id, verdict->token,
             err_slug(verdict->error));
}

static void take_finished(struct worker *worker, const struct msg *msg)
{
    uint64_t batch = 0;
    for (uint32_t i = 0; i < msg->finished.count; i++)
        take_verdict(worker, &msg->finished.jobs[i]);
    if (!peer_answered(&worker->peer, msg->corr, &batch) || batch == TALK_USER_RENEW)
        return;
    struct finish *finish = talk_finish_of(worker, batch);
    CHECK(finish != NULL);
    talk_finish_done(finish);
    (void)outbox_close(&worker->outbox, batch); // said again, if anything was left out
}

static void take_renewed(struct worker *worker, const struct msg *msg)
{
    uint64_t user = 0;
    crew_lose(worker, &msg->renewed.lost);
    crew_cancel(worker, &msg->renewed.cancel);
    if (msg->renewed.drain > worker->drain)
        worker->drain = msg->renewed.drain;
    if (!peer_answered(&worker->peer, msg->corr, &user) || user != TALK_USER_RENEW)
        return;
    worker->renew_corr = 0;
    renewal_answered(&worker->renewal, &worker->slots);
}

// --- ERROR ---

// A message with one outcome that is refused for good would be refused for ever; one that may be
// taken later must not be said again and again meanwhile.
static void refuse_finish(struct worker *worker, struct finish *finish, const struct msg_error *why)
{
    uint64_t batch = finish->batch;
    talk_finish_done(finish);
    uint32_t left = outbox_close(&worker->outbox, batch);
    log_error("worker.finish_refused", "outcomes=%" PRIu32 " error=%s detail=%s", left,
              err_slug(why->error), log_quote(why->detail).text);
    if (left != 1)
        return;
    if (err_may_retry(why->error)) {
        outbox_hold(&worker->outbox, batch);
        worker->tell_at = when_min(worker->tell_at, worker->now + TELL_AGAIN_MS);
        return;
    }
    for (uint32_t i = outbox_next(&worker->outbox, OUTBOX_DURABLE, 0); i != OUTBOX_NONE;
         i = outbox_next(&worker->outbox, OUTBOX_DURABLE, i + 1)) {
        struct outbox_entry *entry = &worker->outbox.items[i];
        if (entry->batch != batch)
            continue;
        // The job is not lost: its lease ends and it is given to somebody again.
        entry->batch = 0;
        outbox_forget(&worker->outbox, i);
        if (worker->clear_at == WHEN_NEVER)
            worker->clear_at = worker->now + CLEAR_AFTER_MS;
    }
}

static void take_error(struct worker *worker, const struct msg *msg)
{
    const struct msg_error *error = &msg->error;
    uint64_t user = 0;
    if (error->error == ERR_UNKNOWN_PEER) {
        peer_unknown(&worker->peer, worker->now, msg->corr);
        return;
    }
    if (!peer_answered(&worker->peer, msg->corr, &user)) {
        // To HELLO, which is said again, or to READY.
        log_error("worker.refused", "error=%s detail=%s", err_slug(error->error),
                  log_quote(error->detail).text);
        return;
    }
    if (user == TALK_USER_RENEW) {
        worker->renew_corr = 0;
        return;
    }
    struct finish *finish = talk_finish_of(worker, user);
    CHECK(finish != NULL);
    refuse_finish(worker, finish, error);
}

void talk_hear(struct worker *worker, const struct msg *msg)
{
    peer_heard(&worker->peer);
    switch (msg->kind) {
    case MSG_WELCOME: take_welcome(worker, msg); return;
    case MSG_JOBS:
        for (uint32_t i = 0; i < msg->jobs.count; i++)
            take_job(worker, &msg->jobs.jobs[i]);
        return;
    case MSG_RENEWED: take_renewed(worker, msg); return;
    case MSG_FINISHED: take_finished(worker, msg); return;
    case MSG_ERROR: take_error(worker, msg); return;
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
    case MSG_BYE: return; // not for a worker
    }
    UNREACHABLE();
}
