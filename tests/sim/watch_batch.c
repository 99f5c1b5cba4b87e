// Batches: each finishes once, in the moment in which it is sealed and no member is unfinished for
// the first time. The model knows who joined and how jobs stand, nothing of the core's counts.

#include "lib/base/origin.h"
#include "tests/sim/sim.h"

// Clients name batches by eight bytes, see client.c.
static bool is_batch(const struct id *id)
{
    static const uint8_t none[7] = {0};
    return !id_is_zero(id) && memcmp(id->bytes + 8, none, sizeof none) == 0;
}

struct id watch_batch_name(struct slice tenant, const struct id *id)
{
    struct id name = *id;
    if (is_batch(id) && !origin_is_tenant(tenant, (struct slice){0}))
        name.bytes[15] = 1;
    return name;
}

struct id watch_batch_id(const struct id *name)
{
    struct id id = *name;
    if (is_batch(name))
        id.bytes[15] = 0;
    return id;
}

static struct slice tenant_of(const struct id *name)
{
    return name->bytes[15] == 1 ? slice_of_text(SIM_TENANT) : (struct slice){0};
}

static struct seen_batch *batch_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.batch_count; i++)
        if (id_equal(&sim->watch.batches[i].id, id))
            return &sim->watch.batches[i];
    return NULL;
}

static struct seen_batch *add(struct sim *sim, const struct id *id)
{
    SIM_EXPECT(sim->watch.batch_count < SIM_BATCHES, "room for batches");
    struct id twin = *id;
    twin.bytes[15] ^= 1;
    if (batch_of(sim, &twin) != NULL)
        watch_seen(SEEN_BATCH_TWIN);
    struct seen_batch *batch = &sim->watch.batches[sim->watch.batch_count++];
    *batch = (struct seen_batch){.id = *id};
    return batch;
}

static bool has_member(const struct sim *sim, const struct seen_batch *batch, bool unfinished)
{
    for (uint32_t i = 0; i < sim->watch.state_count; i++) {
        const struct seen_state *seen = &sim->watch.states[i];
        bool is_there = seen->state != JOB_NONE && seen->state != JOB_REMOVED;
        if (is_there && id_equal(&seen->batch, &batch->id) &&
            !(unfinished && job_is_done(seen->state)))
            return true;
    }
    return false;
}

static bool has_failed(const struct sim *sim, const struct seen_batch *batch)
{
    for (uint32_t i = 0; i < sim->watch.state_count; i++) {
        enum job_state state = sim->watch.states[i].state;
        bool is_failed = state == JOB_DEAD || state == JOB_CANCELLED || state == JOB_EXPIRED;
        if (is_failed && id_equal(&sim->watch.states[i].batch, &batch->id))
            return true;
    }
    return batch->has_lost;
}

enum job_state watch_batch_state(struct sim *sim, const struct id *id)
{
    const struct seen_batch *batch = batch_of(sim, id);
    if (batch == NULL || !has_member(sim, batch, false))
        return JOB_NONE;
    if (!batch->is_sealed || has_member(sim, batch, true))
        return JOB_QUEUED;
    return has_failed(sim, batch) ? JOB_DEAD : JOB_SUCCEEDED;
}

static void check_member(const struct sim *sim, const struct id *job_id, const struct id *name)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t slot = jobs_find(&ledger->jobs, job_id);
    if (slot == JOBS_NONE)
        return;
    uint32_t batch = jobs_at(&ledger->jobs, slot)->batch;
    SIM_EXPECT(batch > 0, "a job that names a batch joins one");
    const struct batch_row *row = &batches_at(&ledger->batches, batch - 1)->row;
    struct id joined = watch_batch_name(row->tenant, &row->id);
    SIM_EXPECT(id_equal(&joined, name), "a job joins its own tenant's batch");
}

static bool differs(const struct seen_batch *batch, const struct msg_submit_job *job)
{
    return batch->fingerprint != 0 && job->batch_fingerprint != 0 &&
           batch->fingerprint != job->batch_fingerprint;
}

static void join(struct sim *sim, const struct entry *entry)
{
    const struct msg_submit_job *job = entry->submit.job;
    struct id name = watch_batch_name(job->tenant, &job->batch_id);
    watch_state_of(sim, &entry->job_id)->batch = name;
    if (id_is_zero(&name))
        return;
    check_member(sim, &entry->job_id, &name);
    struct seen_batch *batch = batch_of(sim, &name);
    if (batch == NULL) {
        batch = add(sim, &name);
        batch->is_fresh = true;
        batch->fingerprint = job->batch_fingerprint;
    }
    SIM_EXPECT(!differs(batch, job), "no record of another body joins a batch");
    when_ms until = entry->at + (when_ms)entry->submit.policy.dedup_s * 1000;
    if (batch->fingerprint != 0 && batch->dedup_until < until)
        batch->dedup_until = until;
    if (batch->is_sealed)
        watch_seen(SEEN_BATCH_OPENED);
    batch->is_sealed = false;
    batch->joined_at = entry->at;
}

static void seal(struct sim *sim, const struct entry *entry, bool by_tick)
{
    struct id name = watch_batch_name(entry->seal.tenant, &entry->seal.batch);
    struct seen_batch *batch = batch_of(sim, &name);
    SIM_EXPECT(batch != NULL && !batch->is_sealed, "what is sealed was open");
    SIM_EXPECT(!by_tick || entry->at >= batch->joined_at + SIM_SEAL_MS,
               "a batch is open for its time after its last member");
    watch_seen(by_tick ? SEEN_BATCH_SEALED_LATE : SEEN_BATCH_SEALED);
    batch->is_sealed = true;
}

static void free_id(struct sim *sim, const struct entry *entry)
{
    struct id name = watch_batch_name(entry->seal.tenant, &entry->seal.batch);
    const struct seen_batch *batch = batch_of(sim, &name);
    SIM_EXPECT(batch != NULL && batch->is_sealed && !has_member(sim, batch, false),
               "only a batch without members is given up");
    SIM_EXPECT(entry->at >= batch->dedup_until, "a batch's id is taken for its time");
    watch_seen(SEEN_BATCH_FREE);
}

void watch_batch_entry(struct sim *sim, const struct entry *entry, bool by_tick)
{
    if (entry->kind == ENTRY_FREE) {
        free_id(sim, entry);
        return;
    }
    if (entry->kind == ENTRY_SUBMIT)
        join(sim, entry);
    if (entry->kind == ENTRY_SEAL)
        seal(sim, entry, by_tick);
    struct id name = entry->kind == ENTRY_SEAL
                         ? watch_batch_name(entry->seal.tenant, &entry->seal.batch)
                         : watch_state_of(sim, &entry->job_id)->batch;
    struct seen_batch *batch = id_is_zero(&name) ? NULL : batch_of(sim, &name);
    // What is removed was stored.
    if (batch != NULL && entry->kind == ENTRY_REMOVE)
        batch->has_lost =
            batch->has_lost || sim->store.rows[entry->remove.job_no].state != JOB_SUCCEEDED;
    if (batch == NULL || !batch->is_sealed || has_member(sim, batch, true))
        return;
    if (batch->finished_at == 0)
        watch_seen(SEEN_BATCH_FINISHED);
    if (batch->finished_at == 0)
        batch->finished_at = entry->at;
    else if (entry->kind != ENTRY_REMOVE && entry->kind != ENTRY_FORGET)
        watch_seen(SEEN_BATCH_ENDED_AGAIN);
}

static void check_body(struct sim *sim, const struct msg_submit_job *job,
                       const struct msg_submitted_job *answer)
{
    struct id name = watch_batch_name(job->tenant, &job->batch_id);
    const struct seen_batch *batch = id_is_zero(&name) ? NULL : batch_of(sim, &name);
    bool is_other = batch != NULL && differs(batch, job);
    SIM_EXPECT(!is_other || batch->is_fresh || answer->error != OK,
               "another body is refused, what is known of it too");
    bool is_told = answer->error == ERR_KEY_REUSED && !id_is_zero(&answer->holder_id);
    SIM_EXPECT(!is_told || id_equal(&answer->holder_id, &job->batch_id),
               "who has another body is told the batch");
    // What an earlier record of a dry run would have made is not there.
    SIM_EXPECT(!is_told || is_other || batch == NULL, "only another body is refused for its batch");
    if (is_told)
        watch_seen(SEEN_BATCH_OTHER);
    if (is_told && batch != NULL && batch->is_sealed && !has_member(sim, batch, false))
        watch_seen(SEEN_BATCH_RESTS);
}

// Another body is refused whole, and no other.
static void check_bodies(struct sim *sim, const struct command *command, const struct effects *fx)
{
    bool is_submit =
        command != NULL && command->kind == COMMAND_MESSAGE && command->msg->kind == MSG_SUBMIT;
    if (!is_submit || fx->send_count == 0)
        return;
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (answer->kind != MSG_SUBMITTED || answer->submitted.count != command->msg->submit.count)
        return;
    for (uint32_t i = 0; i < answer->submitted.count; i++)
        check_body(sim, &command->msg->submit.jobs[i], &answer->submitted.jobs[i]);
}

void watch_batch_step(struct sim *sim, const struct command *command, const struct effects *fx)
{
    const struct batches *batches = &sim->shell.core->ledger.batches;
    uint32_t kept = 0;
    check_bodies(sim, command, fx);
    for (uint32_t i = 0; i < sim->watch.batch_count; i++) {
        struct seen_batch seen = sim->watch.batches[i];
        struct id id = watch_batch_id(&seen.id);
        uint32_t no = batches_find(batches, tenant_of(&seen.id), &id);
        if (no == BATCHES_NONE) {
            SIM_EXPECT(seen.is_sealed && !has_member(sim, &seen, false),
                       "a batch is kept while it is open or has members");
            SIM_EXPECT(seen.dedup_until <= sim->now.store, "a batch is kept while its id is taken");
            continue;
        }
        const struct batch_row *row = &batches_at(batches, no)->row;
        SIM_EXPECT(seen.is_sealed == (row->sealed_at != 0), "a batch is open until it is sealed");
        SIM_EXPECT(seen.finished_at == row->finished_at,
                   "a batch finishes once, when it is sealed and its members have ended");
        SIM_EXPECT(seen.fingerprint == row->fingerprint && seen.dedup_until == row->dedup_until,
                   "a batch knows what it is made of, and for how long");
        seen.is_fresh = false;
        sim->watch.batches[kept++] = seen;
    }
    sim->watch.batch_count = kept;
}

void watch_batch_atomic(const struct command *command, const struct effects *fx,
                        uint32_t first_entry)
{
    if (command->kind != COMMAND_MESSAGE || command->msg->kind != MSG_SUBMIT ||
        !command->msg->submit.is_atomic || fx->send_count == 0)
        return;
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (answer->kind != MSG_SUBMITTED)
        return;
    uint32_t accepted = 0;
    uint32_t refused = 0;
    for (uint32_t i = first_entry; i < fx->entry_count; i++)
        accepted += fx->entries[i].kind == ENTRY_SUBMIT;
    for (uint32_t i = 0; i < answer->submitted.count; i++)
        refused += answer->submitted.jobs[i].error != OK;
    SIM_EXPECT(refused == 0 || refused == answer->submitted.count,
               "an atomic submission is refused whole or not at all");
    SIM_EXPECT(refused == 0 || accepted == 0, "an atomic submission is stored whole or not at all");
    if (accepted > 1)
        watch_seen(SEEN_ATOMIC);
    if (refused > 1)
        watch_seen(SEEN_ATOMIC_REFUSED);
}

// Before the writes reach the store.
void watch_batch_commit(const struct sim *sim, const struct batch_row *row)
{
    const struct batch_row *old = &sim->store.batches[row->no];
    if (!sim->store.has_batch[row->no])
        return;
    SIM_EXPECT(row->fingerprint == old->fingerprint, "what a batch is made of stays");
    if (old->finished_at != 0)
        SIM_EXPECT(row->finished_at == old->finished_at, "a stored finish of a batch stays");
}

// From the durable rows: what was only in memory never happened. The time begins anew.
void watch_batch_start(struct sim *sim)
{
    sim->watch.batch_count = 0;
    for (uint32_t no = 0; no < SIM_BATCHES; no++) {
        const struct batch_row *row = &sim->store.batches[no];
        if (!sim->store.has_batch[no])
            continue;
        struct id name = watch_batch_name(row->tenant, &row->id);
        struct seen_batch *batch = add(sim, &name);
        batch->is_sealed = row->sealed_at != 0;
        batch->finished_at = row->finished_at;
        batch->has_lost = row->failed_removed > 0;
        batch->fingerprint = row->fingerprint;
        batch->dedup_until = row->dedup_until;
        batch->joined_at = sim->now.store;
    }
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no == 0 || row->batch == 0)
            continue;
        const struct batch_row *batch = &sim->store.batches[row->batch - 1];
        watch_state_of(sim, &row->id)->batch = watch_batch_name(batch->tenant, &batch->id);
    }
}
