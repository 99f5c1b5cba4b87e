// The auditor of memory: every index must agree with the jobs. What is wrong has a name; a live
// broker asks for a piece at a time, tests die of the first name.

#include "broker/core/core_private.h"

// --- one thing at a time: O(1) ---

static enum violation audit_running(const struct core *core, uint32_t slot)
{
    // No job is ownerless: its lease is live and leads back to it.
    const struct past *past = ledger_past(&core->ledger, jobs_at(&core->ledger.jobs, slot));
    uint32_t no = leases_find(&core->leases, past->token);
    if (past->token == 0 || no == LEASES_NONE)
        return VIOLATION_LEASE_LOST;
    const struct lease *lease = leases_at(&core->leases, no);
    if (!lease->is_live || lease->slot != slot || lease->place >= core->leases.ends.count ||
        core->leases.ends.entries[lease->place].item != no)
        return VIOLATION_LEASE_LOST;
    return id_is_zero(&past->worker) ? VIOLATION_STATE : VIOLATION_NONE;
}

static enum violation audit_job(const struct core *core, uint32_t slot)
{
    const struct ledger *ledger = &core->ledger;
    const struct job *job = jobs_at(&ledger->jobs, slot);
    bool is_running = job->state == JOB_RUNNING;
    if (jobs_find(&ledger->jobs, &job->id) != slot || job->no >= ledger->row.job_no_next ||
        !policies_is_known(&ledger->policies, job->policy) ||
        !lanes_is_known(&ledger->lanes, job->lane) ||
        (job->batch > 0 && !job_is_done(job->state) &&
         !batches_is_known(&ledger->batches, job->batch - 1)))
        return VIOLATION_MEMORY_INDEX;
    if (job_is_done(job->state) ? is_running : is_running != (job->token_use == TOKEN_OPEN))
        return VIOLATION_STATE;
    if (is_running)
        return audit_running(core, slot);
    bool expires = !job_is_done(job->state) && expire_at(core, slot) != WHEN_NEVER;
    if (expiry_has(&core->expiry, slot) != expires)
        return VIOLATION_MEMORY_INDEX;
    bool waits = job->state == JOB_QUEUED
                     ? wait_has(core, slot)
                     : delayed_has(&core->delayed, slot) ||
                           (job->state == JOB_SCHEDULED && ledger_waits(ledger, slot));
    return job_is_done(job->state) || waits ? VIOLATION_NONE : VIOLATION_WAITS_NOWHERE;
}

// An entry of the heap of delayed jobs leads to a job that waits for just this moment.
static enum violation audit_delayed(const struct core *core, uint32_t place)
{
    const struct heap_entry *entry = &core->delayed.heap.entries[place];
    if (!jobs_is_taken(&core->ledger.jobs, entry->item))
        return VIOLATION_MEMORY_INDEX;
    const struct job *job = jobs_at(&core->ledger.jobs, entry->item);
    bool is_delayed = job->state == JOB_SCHEDULED || job->state == JOB_RETRYING;
    bool is_right = is_delayed && entry->key == job->at && entry->tie == job->no;
    return is_right ? VIOLATION_NONE : VIOLATION_MEMORY_INDEX;
}

static enum violation audit_lease(const struct core *core, uint32_t no)
{
    const struct lease *lease = &core->leases.items[no];
    if (lease->token == 0 || !lease->is_live)
        return VIOLATION_NONE; // free, or its time has passed
    if (!jobs_is_taken(&core->ledger.jobs, lease->slot))
        return VIOLATION_LEASE_ORPHAN;
    const struct job *job = jobs_at(&core->ledger.jobs, lease->slot);
    bool is_its = job->state == JOB_RUNNING &&
                  ledger_past(&core->ledger, job)->token == lease->token &&
                  id_equal(&job->id, &lease->job_id);
    return is_its ? VIOLATION_NONE : VIOLATION_LEASE_ORPHAN;
}

// O(leases of the worker).
static enum violation audit_worker(const struct core *core, uint32_t no)
{
    const struct worker *worker = &core->workers.items[no];
    uint32_t count = 0;
    uint64_t bytes = 0;
    if (!worker->is_used)
        return VIOLATION_NONE;
    for (uint32_t at = worker->leases; at != LEASES_NONE; at = leases_at(&core->leases, at)->next) {
        const struct lease *lease = leases_at(&core->leases, at);
        if (lease->worker != no || count == core->leases.count)
            return VIOLATION_CREDIT;
        count++;
        bytes += lease->body_len;
    }
    bool may_stand = count < worker->slots && worker->peer != WORKERS_NONE;
    if (count != worker->out_count || bytes != worker->out_bytes)
        return VIOLATION_CREDIT;
    return worker->in_rings && !may_stand ? VIOLATION_CREDIT : VIOLATION_NONE;
}

// A held key is found both ways; one that waits for its holder's end has an unfinished holder.
static enum violation audit_unique(const struct core *core, uint32_t at)
{
    const struct uniques *uniques = &core->ledger.uniques;
    const struct unique_row *row = &uniques->items[at].row;
    if (row->no == 0)
        return VIOLATION_NONE;
    if (uniques_find(uniques, &row->hash) != at || uniques_of(uniques, row->no) != at)
        return VIOLATION_MEMORY_INDEX;
    uint32_t slot = jobs_find(&core->ledger.jobs, &row->job_id);
    bool is_unfinished =
        slot != JOBS_NONE && !job_is_done(jobs_at(&core->ledger.jobs, slot)->state);
    return row->waits_end && !is_unfinished ? VIOLATION_STATE : VIOLATION_NONE;
}

static bool is_known_tenant(const struct core *core, struct slice tenant)
{
    return tenant.len == 0 || queues_knows_tenant(&core->ledger.queues, tenant);
}

// One that rests stands in the heap under its moment.
static bool rests_well(const struct batches *batches, uint32_t no)
{
    const struct batch *batch = batches_at(batches, no);
    if (batch->place == BATCHES_NONE)
        return true;
    const struct heap *resting = &batches->resting;
    return batch->row.sealed_at != 0 && batch->place < resting->count &&
           resting->entries[batch->place].item == no &&
           resting->entries[batch->place].key == batch->row.dedup_until;
}

// The open ones, and only they, stand in the list, in the order in which their time ends.
static enum violation audit_batch(const struct core *core, uint32_t no)
{
    const struct batches *batches = &core->ledger.batches;
    if (!batches_is_known(batches, no))
        return VIOLATION_NONE;
    const struct batch *batch = batches_at(batches, no);
    if (batches_find(batches, batch->row.tenant, &batch->row.id) != no ||
        !rests_well(batches, no) || !is_known_tenant(core, batch->row.tenant))
        return VIOLATION_MEMORY_INDEX;
    if (batch->row.sealed_at != 0)
        return batches_row_has_ended(&batch->row) && batch->row.finished_at == 0 ? VIOLATION_STATE
                                                                                 : VIOLATION_NONE;
    bool is_first = batch->prev == BATCHES_NONE;
    bool agrees = is_first ? batches->open_first == no
                           : batches_is_known(batches, batch->prev) &&
                                 batches->items[batch->prev].next == no &&
                                 batches->items[batch->prev].joined_at <= batch->joined_at;
    return agrees ? VIOLATION_NONE : VIOLATION_MEMORY_INDEX;
}

// A lane has its turns exactly while a job waits in it.
static enum violation audit_lane(const struct core *core, uint32_t lane)
{
    if (!lanes_is_known(&core->ledger.lanes, lane))
        return wait_count(core, lane) == 0 ? VIOLATION_NONE : VIOLATION_MEMORY_INDEX;
    bool agrees = share_urgency(&core->share, lane) == wait_urgency(core, lane) &&
                  share_is_sound(&core->share, lane);
    if (!rate_has(core, lanes_queue(&core->ledger.lanes, lane)))
        return VIOLATION_WAITS_NOWHERE;
    return agrees ? VIOLATION_NONE : VIOLATION_MEMORY_INDEX;
}

static enum violation audit_key(const struct core *core, uint32_t key)
{
    return rate_has_key(core, key) ? VIOLATION_NONE : VIOLATION_WAITS_NOWHERE;
}

// --- sums that hold between any two commands: O(lanes) ---

// Of each queue, and of all together: O(queues).
static enum violation audit_queues(const struct core *core)
{
    uint64_t sums[JOB_STATES] = {0};
    for (uint32_t queue = 0; queue < queues_count(&core->ledger.queues); queue++) {
        if (!queues_is_known(&core->ledger.queues, queue))
            continue;
        const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
        uint64_t all = 0;
        for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
            all += row->counts[state];
            sums[state] += row->counts[state];
        }
        if (all != row->accepted)
            return VIOLATION_QUEUE_COUNTS;
    }
    // Whose the removed ones were that a recount has not found, nobody knows.
    for (unsigned state = JOB_SCHEDULED; state < JOB_REMOVED; state++)
        if (sums[state] != core->ledger.row.counts[state])
            return VIOLATION_QUEUE_COUNTS;
    return queues_agree(&core->ledger.queues) ? VIOLATION_NONE : VIOLATION_QUEUE_COUNTS;
}

static enum violation audit_sums(const struct core *core)
{
    const uint64_t *counts = core->ledger.row.counts;
    uint64_t all = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        all += counts[state];
    if (all != core->ledger.row.accepted)
        return VIOLATION_LAW;
    uint64_t ready = 0;
    for (uint32_t lane = 0; lane < lanes_count(&core->ledger.lanes); lane++)
        ready += wait_count(core, lane);
    uint64_t delayed = counts[JOB_SCHEDULED] + counts[JOB_RETRYING];
    uint64_t leaving = core->ledger.leaver_end - core->ledger.leaver_first;
    bool agrees = ready == counts[JOB_QUEUED] &&
                  delayed == core->delayed.heap.count + core->held_back &&
                  core->leases.ends.count == counts[JOB_RUNNING] &&
                  core->ledger.jobs.count == ready + delayed + counts[JOB_RUNNING] + leaving;
    return agrees ? audit_queues(core) : VIOLATION_MEMORY_COUNTS;
}

// --- the walk ---

enum part {
    PART_SUMS,
    PART_JOBS,
    PART_DELAYED,
    PART_LEASES,
    PART_WORKERS,
    PART_UNIQUES,
    PART_BATCHES,
    PART_LANES,
    PART_KEYS,
    PARTS
};

static uint32_t part_len(const struct core *core, enum part part)
{
    switch (part) {
    case PART_SUMS: return 1;
    case PART_JOBS: return core->ledger.jobs.used;
    case PART_DELAYED: return core->delayed.heap.count;
    case PART_LEASES: return core->leases.used;
    case PART_WORKERS: return core->workers.used;
    case PART_UNIQUES: return core->ledger.uniques.used;
    case PART_BATCHES: return core->ledger.batches.used;
    case PART_LANES: return lanes_count(&core->ledger.lanes);
    case PART_KEYS: return core->strands.key_used;
    case PARTS: break;
    }
    UNREACHABLE();
}

static void look_at_job(const struct core *core, uint32_t slot, struct violation_list *found)
{
    if (!jobs_is_taken(&core->ledger.jobs, slot))
        return;
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    violation_add(found, audit_job(core, slot), job->no, &job->id);
}

static void look_at(const struct core *core, enum part part, uint32_t at,
                    struct violation_list *found)
{
    switch (part) {
    case PART_SUMS: violation_add(found, audit_sums(core), 0, NULL); return;
    case PART_JOBS: look_at_job(core, at, found); return;
    case PART_DELAYED: violation_add(found, audit_delayed(core, at), at, NULL); return;
    case PART_LEASES:
        violation_add(found, audit_lease(core, at), at, &core->leases.items[at].job_id);
        return;
    case PART_WORKERS:
        violation_add(found, audit_worker(core, at), at, &core->workers.items[at].id);
        return;
    case PART_UNIQUES:
        violation_add(found, audit_unique(core, at), at,
                      &core->ledger.uniques.items[at].row.job_id);
        return;
    case PART_BATCHES:
        violation_add(found, audit_batch(core, at), at, &core->ledger.batches.items[at].row.id);
        return;
    case PART_LANES: violation_add(found, audit_lane(core, at), at, NULL); return;
    case PART_KEYS: violation_add(found, audit_key(core, at), at, NULL); return;
    case PARTS: break;
    }
    UNREACHABLE();
}

bool core_audit_some(const struct core *core, struct core_audit_walk *walk, uint32_t count,
                     struct violation_list *found)
{
    while (walk->part < PARTS && count > 0) {
        if (walk->at >= part_len(core, walk->part)) {
            *walk = (struct core_audit_walk){.part = walk->part + 1};
            continue;
        }
        look_at(core, walk->part, walk->at++, found);
        count--;
    }
    return walk->part == PARTS;
}

static bool rows_agree(const struct job_row *a, const struct job_row *b)
{
    return a->no == b->no && a->state == b->state && a->token == b->token &&
           a->token_use == b->token_use && a->outcome == b->outcome &&
           a->fingerprint == b->fingerprint && a->accepted_at == b->accepted_at &&
           a->due_at == b->due_at && a->dedup_until == b->dedup_until &&
           id_equal(&a->worker, &b->worker) && a->batch == b->batch && a->body_len == b->body_len &&
           a->errors == b->errors && a->crashes == b->crashes &&
           a->interruptions == b->interruptions && a->lane == b->lane && a->policy == b->policy &&
           a->priority == b->priority && a->cancel == b->cancel && a->act == b->act &&
           a->event_count == b->event_count;
}

enum violation core_audit_row(const struct core *core, const struct job_row *row)
{
    uint32_t slot = jobs_find(&core->ledger.jobs, &row->id);
    if (slot == JOBS_NONE || jobs_at(&core->ledger.jobs, slot)->no > row->no)
        return VIOLATION_FORGOTTEN;
    // Memory is at the last stored version or ahead of it.
    struct job_row mine = ledger_row_of(&core->ledger, slot);
    if (mine.version > row->version)
        return mine.no == row->no ? VIOLATION_NONE : VIOLATION_MEMORY_DIFFERS;
    bool agrees = mine.version == row->version && rows_agree(&mine, row);
    return agrees ? VIOLATION_NONE : VIOLATION_MEMORY_DIFFERS;
}

// --- for tests: the whole, at once ---

struct census {
    uint64_t by_state[JOB_STATES];
    uint64_t with_past;
    uint64_t live;
};

static struct census take_census(const struct core *core)
{
    struct census census = {0};
    for (uint32_t slot = 0; slot < core->ledger.jobs.used; slot++) {
        if (!jobs_is_taken(&core->ledger.jobs, slot))
            continue;
        const struct job *job = jobs_at(&core->ledger.jobs, slot);
        census.by_state[job->state]++;
        census.with_past += job->past != PASTS_NONE;
    }
    for (uint32_t no = 0; no < core->leases.used; no++)
        census.live += core->leases.items[no].token != 0 && core->leases.items[no].is_live;
    return census;
}

// The ended jobs in memory are those that wait for their batch, no others.
static uint64_t ended_count(const struct census *census)
{
    return census->by_state[JOB_SUCCEEDED] + census->by_state[JOB_DEAD] +
           census->by_state[JOB_CANCELLED] + census->by_state[JOB_EXPIRED];
}

// The jobs in memory are those that the rows of their queues count.
static void check_queues(const struct core *core)
{
    const struct ledger *ledger = &core->ledger;
    for (uint32_t queue = 0; queue < queues_count(&ledger->queues); queue++) {
        if (!queues_is_known(&ledger->queues, queue))
            continue;
        uint64_t counts[JOB_STATES] = {0};
        const struct queue_row *row = queues_peek(&ledger->queues, queue);
        for (uint32_t slot = 0; slot < ledger->jobs.used; slot++) {
            if (!jobs_is_taken(&ledger->jobs, slot))
                continue;
            const struct job *job = jobs_at(&ledger->jobs, slot);
            counts[job->state] += lanes_queue(&ledger->lanes, job->lane) == queue;
        }
        for (unsigned state = JOB_SCHEDULED; state <= JOB_RETRYING; state++)
            CHECK(counts[state] == row->counts[state]);
    }
}

// Places for deliveries are those of the unfinished jobs in memory.
static void audit_places(const struct ledger *ledger)
{
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < ledger->jobs.used; slot++) {
        if (!jobs_is_taken(&ledger->jobs, slot) || job_is_done(jobs_at(&ledger->jobs, slot)->state))
            continue;
        struct job_row row = ledger_row_of(ledger, slot);
        CHECK(((row.relations & RELATION_HOOK) != 0) == (ledger_places(&row) != 0));
        sum += ledger_places(&row);
    }
    CHECK(sum == ledger->hooked);
}

// Each stands at its place in its tenant's group, and is found there.
static void audit_endpoints(const struct endpoints *endpoints)
{
    uint32_t count = 0;
    for (uint32_t no = 0; no < endpoints->used; no++) {
        if (!endpoints->items[no].is_used)
            continue;
        const struct endpoint_row *row = endpoints_at(endpoints, no);
        CHECK(endpoints_find(endpoints, row->tenant, row->given.webhook_id) == no);
        CHECK(endpoints_told(endpoints, row->tenant, row->place, row->since_no) == no);
        count++;
    }
    CHECK(count == endpoints->count);
}

static void audit_operations(const struct operations *operations)
{
    uint32_t count = 0;
    uint32_t running = 0;
    for (uint32_t i = 0; i < operations->cap; i++) {
        const struct operation_row *row = &operations->items[i].row;
        if (id_is_zero(&row->id))
            continue;
        CHECK(operations_is_sound(row));
        count++;
        running += !operations_is_over(row);
    }
    CHECK(count == operations->count && running == operations->running);
}

void core_audit(const struct core *core)
{
    struct core_audit_walk walk = {0};
    struct violation_list found = {0};
    bool is_over = core_audit_some(core, &walk, UINT32_MAX, &found);
    CHECK(is_over && violation_sum(&found) == 0);
    struct census census = take_census(core);
    const uint64_t *counts = core->ledger.row.counts;
    CHECK(census.by_state[JOB_SCHEDULED] == counts[JOB_SCHEDULED]);
    CHECK(census.by_state[JOB_QUEUED] == counts[JOB_QUEUED]);
    CHECK(census.by_state[JOB_RUNNING] == counts[JOB_RUNNING]);
    CHECK(census.by_state[JOB_RETRYING] == counts[JOB_RETRYING]);
    CHECK(ended_count(&census) == core->ledger.leaver_end - core->ledger.leaver_first);
    CHECK(census.with_past == core->ledger.pasts.count);
    CHECK(census.live == core->leases.ends.count);
    check_queues(core);
    audit_operations(&core->ledger.operations);
    audit_places(&core->ledger);
    audit_endpoints(&core->ledger.endpoints);
}
