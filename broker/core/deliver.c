// Station deliver: a job has ended whose end is told. In the same batch a delivery is accepted, a job
// of the reserved queue of the same tenant: it waits for nobody, and keeps the job that it tells of
// until it has ended itself. Its place was kept since that job was accepted, so nothing refuses it.
//
//   ended job ──(same batch)──▶ delivery QUEUED ──▶ RUNNING at a notifier ──▶ SUCCEEDED | DEAD
//                                     ▲                    │ fail, snooze
//                                     └──── RETRYING ◀─────┘

#include "broker/core/core_private.h"

#include "lib/base/prng.h"

// One for each end: the id of the job, the number of this generation and the version at the end are
// in it, so it is the same however often this end is decided. Another job may have it already.
static struct id id_of(const struct core *core, struct now now, const struct job *job)
{
    uint64_t high;
    uint64_t low;
    memcpy(&high, job->id.bytes, sizeof high);
    memcpy(&low, job->id.bytes + 8, sizeof low);
    uint64_t hash = prng_mix(high ^ prng_mix(low ^ prng_mix(job->no)));
    struct id id;
    do {
        hash = prng_mix(hash + job->version);
        id = id_v7(now.store, id_slot(&job->id), hash);
    } while (ledger_lookup(&core->ledger, &id).is_known);
    return id;
}

static struct slice payload_of(enum job_state state)
{
    switch (state) {
    case JOB_SUCCEEDED: return slice_of_text("{\"event\":\"job.succeeded\"}");
    case JOB_DEAD: return slice_of_text("{\"event\":\"job.dead\"}");
    case JOB_CANCELLED: return slice_of_text("{\"event\":\"job.cancelled\"}");
    case JOB_EXPIRED: return slice_of_text("{\"event\":\"job.expired\"}");
    case JOB_SCHEDULED:
    case JOB_QUEUED:
    case JOB_RUNNING:
    case JOB_RETRYING:
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    UNREACHABLE();
}

// It lives as long as the batch.
struct delivery {
    struct msg_submit_job job;
    struct id parent;
};
static_assert(sizeof(struct delivery) <= EFFECTS_DELIVERY_BYTES, "a place in the arena");

static const struct msg_submit_job *made(const struct core *core, struct now now,
                                         const struct job *job, struct effects *fx)
{
    struct delivery *delivery = arena_take(fx->arena, sizeof *delivery);
    CHECK(delivery != NULL);
    *delivery =
        (struct delivery){.parent = job->id,
                          .job = {.job_id = id_of(core, now, job),
                                  .tenant = lanes_row(&core->ledger.lanes, job->lane).tenant,
                                  .queue = slice_of_text(HOOK_QUEUE),
                                  .type = slice_of_text(HOOK_TYPE),
                                  .payload = {CONTENT_JSON, payload_of((enum job_state)job->state)},
                                  .priority = MSG_PRIORITY_NOT_GIVEN,
                                  .on_dependency_failure = ON_FAILURE_RUN}};
    delivery->job.after = (struct msg_ids){.items = &delivery->parent, .count = 1};
    return &delivery->job;
}

void deliver_end(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    if (!ledger_tells(&core->ledger, slot, (enum job_state)job->state))
        return;
    const struct msg_submit_job *delivery = made(core, now, job, fx);
    uint32_t added = ledger_apply(
        &core->ledger,
        &(struct entry){
            .kind = ENTRY_SUBMIT,
            .at = now.store,
            .job_id = delivery->job_id,
            .slot = ENTRY_NO_SLOT,
            .submit = {.job = delivery, .policy = ledger_delivery_policy(), .due_at = now.store}},
        fx);
    wait_begin(core, added);
    core->figures.deliveries++;
}
