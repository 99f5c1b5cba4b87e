// Webhooks: clients want ends of jobs and batches told, and for each such end there is one delivery,
// accepted in the step that ends the job or makes the batch, and none without. The ledger's entries
// alone say what has ended; a batch of commands is durable as a whole, so a crash leaves both or none.

#include "tests/sim/sim.h"

void hook_want(struct sim *sim, struct msg_submit_job *job)
{
    if (!sim->has_hooks)
        return;
    if (plan_optional(sim, 40)) {
        job->webhook = slice_of_text("the broker does not look into it here");
        job->webhook_events = (1 + (uint32_t)world_below(sim, 15)) << JOB_SUCCEEDED;
        job->webhook_has_url = true;
    }
    if (!id_is_zero(&job->batch_id) && plan_optional(sim, 60)) {
        job->batch_webhook = slice_of_text("nor into this");
        job->batch_webhook_has_url = true;
    }
}

bool hook_is_delivery(const struct entry *entry)
{
    return entry->kind == ENTRY_SUBMIT && msg_hook_is_reserved(entry->submit.job->queue);
}

// The tenant is borrowed from the tables of the broker's life that made the delivery.
static const struct msg_submit_job *kept(struct sim *sim, const struct msg_submit_job *job)
{
    struct msg_submit_job *copy = arena_take(&sim->arena, sizeof *copy);
    struct id *parents = arena_take_array(&sim->arena, job->after.count, sizeof *parents);
    SIM_EXPECT(copy != NULL && parents != NULL, "room for deliveries");
    memcpy(parents, job->after.items, job->after.count * sizeof *parents);
    *copy = *job;
    copy->after.items = parents;
    copy->tenant = shell_keep_text(sim, job->tenant);
    copy->payload.bytes = shell_keep_text(sim, job->payload.bytes);
    return copy;
}

void hook_keep(struct sim *sim, struct effects *fx, uint32_t first_entry)
{
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        if (!hook_is_delivery(&fx->entries[i]))
            continue;
        const struct msg_submit_job *made = fx->entries[i].submit.job;
        const struct msg_submit_job *copy = kept(sim, made);
        fx->entries[i].submit.job = copy;
        for (uint32_t at = 0; at < fx->write_count; at++) {
            struct write *write = &fx->writes[at];
            if (write->kind == WRITE_BODY && write->body.job == made)
                write->body.job = copy;
            if (write->kind == WRITE_DEP && write->dep.parents.items == made->after.items)
                write->dep.parents = copy->after;
        }
    }
}

// Deliveries of this step that tell of `id`.
static uint32_t count_of(const struct effects *fx, uint32_t first_entry, const struct id *id)
{
    uint32_t count = 0;
    for (uint32_t i = first_entry; i < fx->entry_count; i++)
        count += hook_is_delivery(&fx->entries[i]) && fx->entries[i].submit.job->after.count == 1 &&
                 id_equal(&fx->entries[i].submit.job->after.items[0], id);
    return count;
}

static bool ends(const struct entry *entry)
{
    return entry->kind == ENTRY_FINISH || entry->kind == ENTRY_LEASE_END ||
           entry->kind == ENTRY_EXPIRE ||
           (entry->kind == ENTRY_CANCEL && !entry->cancel.is_request);
}

static uint32_t expected_of_job(struct sim *sim, const struct entry *entry)
{
    const struct seen_state *state = watch_state_of(sim, &entry->job_id);
    if (!ends(entry) || !job_is_done(state->state))
        return 0;
    uint32_t told = state->events >> state->state & 1;
    if (told == 1)
        watch_seen(SEEN_HOOK_TOLD);
    return told;
}

// The first job of a batch is the one that no batch row knew before; its row is made now.
static uint32_t expected_of_batch(struct sim *sim, const struct entry *entry)
{
    const struct batches *batches = &sim->shell.core->ledger.batches;
    const struct msg_submit_job *job = entry->submit.job;
    uint32_t slot = jobs_find(&sim->shell.core->ledger.jobs, &entry->job_id);
    if (id_is_zero(&job->batch_id) || job->batch_webhook.len == 0 || slot == JOBS_NONE)
        return 0;
    uint32_t batch = batches_find(batches, job->tenant, &job->batch_id);
    bool is_first = batch != BATCHES_NONE && batches_at(batches, batch)->row.first_no ==
                                                 jobs_at(&sim->shell.core->ledger.jobs, slot)->no;
    if (is_first)
        watch_seen(SEEN_HOOK_BATCH);
    return is_first;
}

void hook_step(struct sim *sim, const struct effects *fx, uint32_t first_entry)
{
    uint32_t expected = 0;
    uint32_t found = 0;
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        found += hook_is_delivery(entry);
        uint32_t of_job = expected_of_job(sim, entry);
        if (of_job > 0)
            SIM_EXPECT(count_of(fx, first_entry, &entry->job_id) == 1,
                       "an end that is told brings one delivery, in the same step");
        uint32_t of_batch = entry->kind == ENTRY_SUBMIT ? expected_of_batch(sim, entry) : 0;
        if (of_batch > 0)
            SIM_EXPECT(count_of(fx, first_entry, &entry->submit.job->batch_id) == 1,
                       "a batch that is told has one delivery, made with its first member");
        expected += of_job + of_batch;
    }
    SIM_EXPECT(found == expected, "no delivery comes without an end that is told");
}

void hook_entry(struct sim *sim, const struct entry *entry)
{
    if (entry->kind != ENTRY_SUBMIT)
        return;
    watch_state_of(sim, &entry->job_id)->events = entry->submit.job->webhook_events;
}

static const struct msg_submit_job *body_of(const struct sim *sim, const struct job_row *row)
{
    return sim->store.bodies[row->no];
}

// What was not durable never happened.
void hook_start(struct sim *sim)
{
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no == 0 || row->state == JOB_REMOVED || body_of(sim, row) == NULL)
            continue;
        watch_state_of(sim, &row->id)->events = body_of(sim, row)->webhook_events;
    }
}
