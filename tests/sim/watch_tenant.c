// Tenants: an answer tells only of its tenant's jobs, and what is done to a job was asked for by its
// own. Whose a job or batch is follows from the submissions alone.

#include "lib/base/origin.h"
#include "tests/sim/sim.h"

static struct seen_owner *find(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.owner_count; i++)
        if (id_equal(&sim->watch.owners[i].id, id))
            return &sim->watch.owners[i];
    return NULL;
}

bool watch_tenant_owns(struct sim *sim, struct slice tenant, const struct id *id)
{
    struct id name = watch_batch_name(tenant, id);
    const struct seen_owner *owner = find(sim, &name);
    return owner != NULL && origin_is_tenant(owner->tenant, tenant);
}

static bool is_anothers(struct sim *sim, struct slice tenant, const struct id *id)
{
    return find(sim, id) != NULL && !watch_tenant_owns(sim, tenant, id);
}

static void note(struct sim *sim, const struct id *id, struct slice tenant)
{
    struct seen_owner *owner = find(sim, id);
    if (id_is_zero(id))
        return;
    SIM_EXPECT(sim->watch.owner_count < SIM_OWNERS, "room for owners");
    if (owner == NULL)
        owner = &sim->watch.owners[sim->watch.owner_count++];
    *owner = (struct seen_owner){.id = *id, .tenant = tenant};
}

void watch_tenant_entry(struct sim *sim, const struct entry *entry)
{
    if (entry->kind != ENTRY_SUBMIT)
        return;
    const struct msg_submit_job *job = entry->submit.job;
    for (uint32_t i = 0; i < job->after.count; i++)
        SIM_EXPECT(watch_tenant_owns(sim, job->tenant, &job->after.items[i]),
                   "a job waits for its own tenant's only");
    note(sim, &entry->job_id, job->tenant);
    struct id batch = watch_batch_name(job->tenant, &job->batch_id);
    note(sim, &batch, job->tenant);
}

// Whose was not stored is nobody's; an id that was to be used anew is still of whose job is stored.
void watch_tenant_start(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.owner_count; i++) {
        struct seen_owner *owner = &sim->watch.owners[i];
        const struct job_row *row = model_find(&sim->store, &owner->id);
        if (row == NULL)
            continue;
        bool is_default = origin_is_tenant(sim->store.lanes[row->lane].tenant, (struct slice){0});
        owner->tenant = is_default ? (struct slice){0} : slice_of_text(SIM_TENANT);
    }
}

static void check_submitted(struct sim *sim, const struct msg_submitted_job *answer,
                            struct slice tenant)
{
    if (answer->error == OK)
        SIM_EXPECT(watch_tenant_owns(sim, tenant, &answer->job_id),
                   "a submission is told of its own tenant's job only");
    if (answer->error == ERR_KEY_REUSED)
        SIM_EXPECT(answer->state == JOB_NONE && answer->created_at == 0,
                   "a reused id tells nothing of its job");
    if (answer->error == ERR_KEY_REUSED && is_anothers(sim, tenant, &answer->job_id))
        watch_seen(SEEN_STRANGE_ID);
    // A batch of another body may be one that only records of the same message would make.
    struct id batch = watch_batch_name(tenant, &answer->holder_id);
    bool is_nobodys = answer->error == ERR_KEY_REUSED && find(sim, &batch) == NULL;
    if (!id_is_zero(&answer->holder_id))
        SIM_EXPECT(is_nobodys || watch_tenant_owns(sim, tenant, &answer->holder_id),
                   "a unique key is held within its tenant");
}

static void check_acted(struct sim *sim, const struct msg_act *act, const struct msg_acted *answer)
{
    if (id_is_zero(&act->job_id) || !is_anothers(sim, act->tenant, &act->job_id))
        return;
    SIM_EXPECT(answer->error == ERR_NOT_FOUND && answer->state == JOB_NONE && answer->version == 0,
               "another tenant's job is not known to who acts");
    watch_seen(SEEN_STRANGE_ACT);
}

void watch_tenant_heard(struct sim *sim, const struct command *command, const struct effects *fx)
{
    if (command->kind != COMMAND_MESSAGE || fx->send_count == 0)
        return;
    const struct msg *msg = command->msg;
    // What is said of a dry run is answered to somebody else, or not at all; nor is a farewell.
    if (msg->kind == MSG_SIMULATED || msg->kind == MSG_BYE)
        return;
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    bool is_submit = msg->kind == MSG_SUBMIT && answer->kind == MSG_SUBMITTED;
    for (uint32_t i = 0; is_submit && i < answer->submitted.count; i++)
        check_submitted(sim, &answer->submitted.jobs[i], msg->tenant);
    for (uint32_t i = 0; answer->kind == MSG_FINISHED && i < answer->finished.count; i++)
        SIM_EXPECT(watch_worker_of_peer(sim, command->peer) == SIM_NOTIFIER ||
                       !is_anothers(sim, msg->tenant, &answer->finished.jobs[i].job_id) ||
                       answer->finished.jobs[i].error == ERR_NOT_FOUND,
                   "another tenant's job is not known to who finishes");
    watch_queue_heard(sim, msg, answer);
    if (msg->kind == MSG_ACT && answer->kind == MSG_ACTED)
        check_acted(sim, &msg->act, &answer->acted);
    if (msg->kind == MSG_BATCH_SEAL && answer->batch_status_is.error == OK)
        SIM_EXPECT(watch_tenant_owns(sim, msg->tenant, &msg->batch_seal.batch_id),
                   "another tenant's batch is not known to who seals");
}

void watch_tenant_grants(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        uint32_t worker = watch_worker_of_peer(sim, fx->grants[i].peer);
        SIM_EXPECT(msg_hook_is_reserved(fx->grants[i].job.queue) == (worker == SIM_NOTIFIER),
                   "a notifier gets deliveries, and nobody else does");
        SIM_EXPECT(worker == SIM_NOTIFIER || watch_tenant_owns(sim, sim->workers[worker].tenant,
                                                               &fx->grants[i].job.job_id),
                   "a worker gets its own tenant's jobs only");
    }
}
