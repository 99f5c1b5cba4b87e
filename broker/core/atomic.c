// Station submit, all or nothing: every record is judged as if those before it had been accepted,
// and only when none is refused is the first one accepted. What the records would take together is
// counted on the way, so that accepting them cannot fail half-way.

#include "broker/core/core_private.h"

#include "lib/base/prng.h"

// What is looked for among the earlier records. Each has numbers of its own in the index.
enum kind {
    KIND_ID,
    KIND_UNIQUE,
    KIND_TENANT,
    KIND_QUEUE,
    KIND_LANE,
    KIND_POLICY,
    KIND_BATCH, // that no batch of the ledger is
    KINDS
};

enum { AWAITED_MAX = 16 }; // different batches that the records of one message wait for

// Places in the tables.
struct room {
    uint32_t jobs, keys, tenants, queues, lanes, policies, batches, uniques, deps, strands;
    uint32_t deliveries; // of the jobs; no quota counts them
};

struct trial {
    const struct core *core;
    const struct msg_submit *submit;
    uint32_t at; // the record that is judged
    struct index index;
    uint64_t seed;
    struct room taken;
    struct id awaited[AWAITED_MAX]; // batches that records wait for
    uint32_t awaited_count;
    // The queue of the record that is judged, the first record that named it, and by first record
    // how many are in its queue.
    uint32_t queue;
    uint32_t queue_first;
    uint32_t *queue_jobs;
    bool is_hooked;   // a record before has a webhook and was not refused
    bool *is_refused; // by record: it takes nothing, and none is the same as it
};

const char atomic_circle[] =
    "after: others wait for the job's batch, so the job cannot wait itself";

// What a record takes: a link and a bucket of the index for each kind, a place in queue_jobs and one in
// is_refused.
static_assert(KINDS * (sizeof(struct index_link) + sizeof(uint32_t)) + sizeof(uint32_t) +
                      sizeof(bool) <=
                  EFFECTS_ANSWER_BYTES / 2,
              "half a place in the arena");

uint32_t atomic_weight(uint32_t count)
{
    // An answer each, and half a place more for the index.
    return count + count / 2 + 1;
}

static uint64_t hash_text(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.data[i]) * 0x100000001b3u;
    return prng_mix(hash ^ text.len);
}

static uint64_t hash_of(const struct trial *trial, enum kind kind, uint32_t at)
{
    const struct msg_submit_job *job = &trial->submit->jobs[at];
    uint64_t seed = prng_mix(trial->seed ^ kind);
    struct policy policy;
    switch (kind) {
    case KIND_ID: return id_hash(&job->job_id, seed);
    case KIND_UNIQUE: return id_hash(&job->unique_hash, seed);
    case KIND_BATCH: return id_hash(&job->batch_id, seed);
    case KIND_TENANT: return hash_text(seed, job->tenant);
    case KIND_QUEUE: return hash_text(hash_text(seed, job->tenant), job->queue);
    case KIND_LANE:
        return hash_text(hash_text(hash_text(seed, job->tenant), job->queue), job->type);
    case KIND_POLICY:
        policy = submit_policy(trial->core, job);
        return policies_hash(&policy) ^ seed;
    case KINDS: break;
    }
    UNREACHABLE();
}

static bool are_same(const struct trial *trial, enum kind kind, uint32_t a, uint32_t b)
{
    const struct msg_submit_job *one = &trial->submit->jobs[a];
    const struct msg_submit_job *other = &trial->submit->jobs[b];
    struct policy policies[2];
    switch (kind) {
    case KIND_ID: return id_equal(&one->job_id, &other->job_id);
    case KIND_UNIQUE: return id_equal(&one->unique_hash, &other->unique_hash);
    case KIND_BATCH: return id_equal(&one->batch_id, &other->batch_id);
    case KIND_TENANT: return slice_equal(one->tenant, other->tenant);
    case KIND_QUEUE:
    case KIND_LANE:
        return slice_equal(one->tenant, other->tenant) && slice_equal(one->queue, other->queue) &&
               (kind == KIND_QUEUE || slice_equal(one->type, other->type));
    case KIND_POLICY:
        policies[0] = submit_policy(trial->core, one);
        policies[1] = submit_policy(trial->core, other);
        return policies_are_equal(&policies[0], &policies[1]);
    case KINDS: break;
    }
    UNREACHABLE();
}

// The earlier record with the same, or INDEX_NONE.
static uint32_t find(const struct trial *trial, enum kind kind)
{
    uint32_t base = (uint32_t)kind * trial->submit->count;
    uint32_t found = index_first(&trial->index, hash_of(trial, kind, trial->at));
    for (; found != INDEX_NONE; found = index_next(&trial->index, found))
        if (found >= base && found < base + trial->at && !trial->is_refused[found - base] &&
            are_same(trial, kind, found - base, trial->at))
            return found - base;
    return INDEX_NONE;
}

// The same; this one is noted when there is none.
static uint32_t note(struct trial *trial, enum kind kind)
{
    uint32_t found = find(trial, kind);
    if (found == INDEX_NONE)
        index_add(&trial->index, (uint32_t)kind * trial->submit->count + trial->at,
                  hash_of(trial, kind, trial->at));
    return found;
}

bool atomic_holds_key(const struct trial *trial)
{
    return trial->submit->jobs[trial->at].unique_key.len > 0 &&
           find(trial, KIND_UNIQUE) != INDEX_NONE;
}

bool atomic_has_batch(const struct trial *trial)
{
    return !id_is_zero(&trial->submit->jobs[trial->at].batch_id) &&
           find(trial, KIND_BATCH) != INDEX_NONE;
}

bool atomic_has_another(const struct trial *trial)
{
    const struct msg_submit_job *jobs = trial->submit->jobs;
    uint32_t maker = jobs[trial->at].batch_fingerprint != 0 ? find(trial, KIND_BATCH) : INDEX_NONE;
    return maker != INDEX_NONE &&
           batches_differ(jobs[maker].batch_fingerprint, jobs[trial->at].batch_fingerprint);
}

bool atomic_has_record(const struct trial *trial, const struct id *id)
{
    uint64_t hash = id_hash(id, prng_mix(trial->seed ^ KIND_ID));
    uint32_t found = index_first(&trial->index, hash);
    for (; found != INDEX_NONE; found = index_next(&trial->index, found))
        if (found < trial->at && !trial->is_refused[found] &&
            id_equal(&trial->submit->jobs[found].job_id, id))
            return true;
    return false;
}

static struct room room_of(const struct core *core)
{
    const struct ledger *ledger = &core->ledger;
    return (struct room){
        .jobs = ledger_job_room(ledger),
        .keys = ledger->keys.cap - ledger->keys.index.count,
        .tenants = names_room(&ledger->queues.tenants),
        .queues = names_room(&ledger->queues.names),
        .lanes = lanes_room(&ledger->lanes),
        .policies =
            ledger->policies.cap - ledger->policies.index.count - ledger_policy_reserve(ledger, 0),
        .batches = ledger->batches.cap - ledger->batches.count,
        .uniques = ledger->uniques.cap - ledger->uniques.count,
        .deps = ledger_dep_room(ledger),
        .strands = core->strands.cap - (core->strands.count > core->strands.key_count
                                            ? core->strands.count
                                            : core->strands.key_count),
    };
}

static bool is_queue_full(const struct trial *trial)
{
    return trial->queue != QUEUES_NONE &&
           trial->queue_jobs[trial->queue_first] >
               queues_room(&trial->core->ledger.queues, trial->queue);
}

// NULL, or the limit that all up to here pass together.
static const char *passed_limit(const struct trial *trial)
{
    struct room left = room_of(trial->core);
    if (is_queue_full(trial))
        return queue_full;
    const struct room *taken = &trial->taken;
    const struct {
        uint32_t left, taken;
        const char *text;
    } tables[] = {
        {left.jobs, taken->jobs, "job_count_max: too many unfinished jobs"},
        {left.keys, taken->keys, "dedup_full: key_count_max keys are inside their window"},
        {left.tenants, taken->tenants, "tenant_count_max: too many tenants"},
        {left.queues, taken->queues, "queue_count_max: too many different queues"},
        {left.lanes, taken->lanes, "lane_count_max: too many different (queue, type) pairs"},
        {left.policies, taken->policies, "policy_count_max: too many different sets of options"},
        {left.batches, taken->batches, "batch_count_max: too many batches"},
        {left.uniques, taken->uniques, "unique_count_max: too many unique keys are held"},
        {left.deps, taken->deps, "dependency_count_max: too many jobs wait for others"},
        {left.strands, taken->strands,
         "concurrency_key_count_max: too many different concurrency keys"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (tables[i].taken > tables[i].left)
            return tables[i].text;
    // All of them are one tenant's.
    if (taken->jobs - taken->deliveries >
        queue_quota_left(trial->core, &trial->submit->jobs[trial->at]))
        return queue_quota_spent;
    return NULL;
}

static void take_lane(struct trial *trial, const struct msg_submit_job *job, uint32_t queue)
{
    const struct ledger *ledger = &trial->core->ledger;
    bool is_known =
        queue != QUEUES_NONE && lanes_find(&ledger->lanes, queue, job->type) != LANES_NONE;
    if (!is_known && note(trial, KIND_LANE) == INDEX_NONE)
        trial->taken.lanes++;
}

// A job more in its queue.
static void take_queue(struct trial *trial, const struct msg_submit_job *job)
{
    const struct ledger *ledger = &trial->core->ledger;
    uint32_t queue = queues_find(&ledger->queues,
                                 (struct queue_name){.tenant = job->tenant, .queue = job->queue});
    uint32_t first = note(trial, KIND_QUEUE);
    trial->queue_first = first == INDEX_NONE ? trial->at : first;
    trial->queue_jobs[trial->queue_first]++;
    trial->queue = queue;
    take_lane(trial, job, queue);
    if (queue != QUEUES_NONE || first != INDEX_NONE)
        return;
    trial->taken.queues++;
    trial->taken.tenants += !queues_knows_tenant(&ledger->queues, job->tenant) &&
                            note(trial, KIND_TENANT) == INDEX_NONE;
}

static bool is_new_batch(const struct trial *trial)
{
    const struct msg_submit_job *job = &trial->submit->jobs[trial->at];
    return !id_is_zero(&job->batch_id) &&
           batches_find(&trial->core->ledger.batches, job->tenant, &job->batch_id) ==
               BATCHES_NONE &&
           find(trial, KIND_BATCH) == INDEX_NONE;
}

static bool is_new_unique(const struct trial *trial, const struct msg_submit_job *job)
{
    const struct uniques *uniques = &trial->core->ledger.uniques;
    return job->unique_key.len > 0 && uniques_find(uniques, &job->unique_hash) == UNIQUES_NONE;
}

// Places for its deliveries and its batch's; for the first one the way that deliveries go.
static void take_webhook(struct trial *trial, const struct msg_submit_job *job)
{
    uint32_t places = ledger_places_asked(&trial->core->ledger, job);
    if (is_new_batch(trial))
        places += ledger_batch_hearers(&trial->core->ledger, job).count;
    if (places == 0)
        return;
    trial->taken.jobs += places;
    trial->taken.deliveries += places;
    trial->taken.deps += places;
    if (trial->is_hooked)
        return;
    trial->is_hooked = true;
    struct ledger_way way = ledger_way_missing(&trial->core->ledger, job->tenant);
    trial->taken.lanes += way.lanes;
    trial->taken.queues += way.queues;
    trial->taken.policies += way.policies;
}

static void take(struct trial *trial, const struct proposal *proposal)
{
    const struct msg_submit_job *job = proposal->job;
    const struct ledger *ledger = &trial->core->ledger;
    take_webhook(trial, job);
    trial->taken.jobs++;
    trial->taken.keys += id_version(&job->job_id) == 8;
    trial->taken.uniques += is_new_unique(trial, job);
    trial->taken.deps += job->after.count;
    // Not whether it is the same one as another record's: that matters in a nearly full table only.
    trial->taken.strands += job->key_hash != 0;
    trial->taken.batches += is_new_batch(trial) && note(trial, KIND_BATCH) == INDEX_NONE;
    take_queue(trial, job);
    trial->taken.policies += policies_find(&ledger->policies, &proposal->policy) == POLICIES_NONE &&
                             note(trial, KIND_POLICY) == INDEX_NONE;
}

static struct msg_submitted_job refused(const struct msg_submit_job *job, err error,
                                        const char *detail)
{
    return (struct msg_submitted_job){.job_id = job->job_id,
                                      .error = error,
                                      .detail = slice_of_text(detail),
                                      .retry_after_ms = err_may_retry(error) ? 1000 : 0};
}

// A record that names the id of an earlier one is that one said again, or another one under its
// key.
static struct msg_submitted_job judge_twin(const struct trial *trial, uint32_t twin)
{
    const struct msg_submit_job *job = &trial->submit->jobs[trial->at];
    bool is_same = job->fingerprint == trial->submit->jobs[twin].fingerprint;
    return is_same ? (struct msg_submitted_job){.job_id = job->job_id, .replayed = true}
                   : refused(job, ERR_KEY_REUSED, err_text(ERR_KEY_REUSED));
}

static bool is_awaited(const struct trial *trial, const struct id *batch)
{
    for (uint32_t i = 0; i < trial->awaited_count; i++)
        if (id_equal(&trial->awaited[i], batch))
            return true;
    return false;
}

// NULL, or why it cannot wait for others. What ledger_is_circular() will see then.
static const char *judge_after(struct trial *trial, const struct msg_submit_job *job)
{
    if (job->after.count > 0 && is_awaited(trial, &job->batch_id))
        return atomic_circle;
    for (uint32_t i = 0; i < job->after.count; i++) {
        const struct id *parent = &job->after.items[i];
        if (batches_find(&trial->core->ledger.batches, job->tenant, parent) == BATCHES_NONE ||
            is_awaited(trial, parent))
            continue;
        if (trial->awaited_count == AWAITED_MAX)
            return "after: at most 16 different batches in one atomic request";
        trial->awaited[trial->awaited_count++] = *parent;
    }
    return NULL;
}

// Takes what the record would take, unless that is too much.
static const char *take_or_tell(struct trial *trial, const struct proposal *proposal)
{
    struct room before = trial->taken;
    bool was_hooked = trial->is_hooked;
    take(trial, proposal);
    const char *limit = passed_limit(trial);
    if (limit == NULL)
        return NULL;
    trial->taken = before;
    trial->is_hooked = was_hooked;
    trial->queue_jobs[trial->queue_first]--;
    return limit;
}

static struct msg_submitted_job judge_new(const struct core *core, struct now now,
                                          struct trial *trial, struct effects *fx)
{
    struct proposal proposal = {.job = &trial->submit->jobs[trial->at], .trial = trial};
    struct msg_submitted_job answer = submit_judge(core, now, &proposal, fx);
    if (answer.error != OK || answer.replayed)
        return answer;
    CHECK(note(trial, KIND_ID) == INDEX_NONE);
    if (proposal.job->unique_key.len > 0)
        CHECK(note(trial, KIND_UNIQUE) == INDEX_NONE);
    const char *circle = judge_after(trial, proposal.job);
    if (circle != NULL)
        return refused(proposal.job, ERR_DEPENDENCY, circle);
    const char *limit = take_or_tell(trial, &proposal);
    return limit == NULL
               ? submit_foresee(core, now, &proposal)
               : refused(proposal.job, limit == queue_quota_spent ? ERR_QUOTA : ERR_FULL, limit);
}

static struct msg_submitted_job judge(const struct core *core, struct now now, struct trial *trial,
                                      struct effects *fx)
{
    const struct proposal proposal = {.job = &trial->submit->jobs[trial->at], .trial = trial};
    bool may_be_known = proposal.job->verdict == OK && !submit_is_of_another_batch(core, &proposal);
    uint32_t twin = may_be_known ? find(trial, KIND_ID) : INDEX_NONE;
    struct msg_submitted_job answer =
        twin != INDEX_NONE ? judge_twin(trial, twin) : judge_new(core, now, trial, fx);
    trial->is_refused[trial->at] = answer.error != OK;
    return answer;
}

static struct trial begin(const struct core *core, const struct msg_submit *submit,
                          struct effects *fx)
{
    struct trial trial = {.core = core, .submit = submit, .seed = core->ledger.batches.seed};
    uint32_t cap = KINDS * submit->count;
    void *memory = arena_take(fx->arena, index_size(cap));
    trial.queue_jobs = arena_take_array(fx->arena, submit->count, sizeof *trial.queue_jobs);
    trial.is_refused = arena_take_array(fx->arena, submit->count, sizeof *trial.is_refused);
    CHECK(memory != NULL && trial.queue_jobs != NULL && trial.is_refused != NULL);
    memset(trial.queue_jobs, 0, submit->count * sizeof *trial.queue_jobs);
    memset(trial.is_refused, 0, submit->count * sizeof *trial.is_refused);
    index_init(&trial.index, memory, cap);
    return trial;
}

// Those at fault have their own verdicts.
static void refuse_all(const struct msg_submit *submit, struct msg_submitted_job *answers)
{
    for (uint32_t i = 0; i < submit->count; i++)
        if (answers[i].error == OK)
            answers[i] = refused(&submit->jobs[i], ERR_ATOMIC, "");
}

void atomic_try(const struct core *core, struct now now, const struct msg_submit *submit,
                struct msg_submitted_job *answers, struct effects *fx)
{
    if (submit->count == 0)
        return;
    struct trial trial = begin(core, submit, fx);
    for (trial.at = 0; trial.at < submit->count; trial.at++)
        answers[trial.at] = judge(core, now, &trial, fx);
}

void atomic_submit(struct core *core, struct now now, const struct msg_submit *submit,
                   struct msg_submitted_job *answers, struct effects *fx)
{
    atomic_try(core, now, submit, answers, fx);
    for (uint32_t i = 0; i < submit->count; i++)
        if (answers[i].error != OK) {
            refuse_all(submit, answers);
            return;
        }
    if (submit->dry_run)
        return;
    for (uint32_t i = 0; i < submit->count; i++) {
        answers[i] = submit_one(core, now, &submit->jobs[i], fx);
        CHECK(answers[i].error == OK);
    }
}
