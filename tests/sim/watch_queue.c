// Queues: their limits are kept and pauses hold, their jobs get their defaults, and their rows count
// what their jobs are. What is set is known by the entries, the rest by the jobs alone.

#include "lib/base/origin.h"
#include "tests/sim/sim.h"

// --- what is set, by the entries ---

static struct seen_queue *queue_named(struct sim *sim, struct slice tenant, struct slice queue)
{
    struct watch *watch = &sim->watch;
    for (uint32_t i = 0; i < watch->queue_count; i++)
        if (slice_equal(watch->queues[i].queue, queue) &&
            slice_equal(watch->queues[i].tenant, origin_tenant(tenant)))
            return &watch->queues[i];
    SIM_EXPECT(watch->queue_count < SIM_QUEUES, "room for queues");
    struct seen_queue *seen = &watch->queues[watch->queue_count++];
    *seen = (struct seen_queue){0};
    // The core may give its names' places to others.
    seen->tenant = shell_keep_text(sim, origin_tenant(tenant));
    seen->queue = shell_keep_text(sim, queue);
    return seen;
}

// What is not named stays as it was.
static void note_set(struct msg_queue_settings *is, const struct msg_queue_set *set)
{
    const struct msg_queue_settings *given = &set->settings;
    uint32_t named = set->named;
    if (named == 0) {
        *is = *given;
        return;
    }
#define TAKE(bit, field)                                                                           \
    if ((named & 1u << (bit)) != 0)                                                                \
    is->field = given->field
    TAKE(QUEUE_WEIGHT, weight);
    TAKE(QUEUE_OPEN_MAX, open_max);
    TAKE(QUEUE_RUNNING_MAX, running_max);
    TAKE(QUEUE_KEY_RUNNING_MAX, key_running_max);
    TAKE(QUEUE_RATE_COUNT, rate);
    TAKE(QUEUE_KEY_RATE_COUNT, key_rate);
    TAKE(QUEUE_MAX_ATTEMPTS, defaults.max_attempts);
    TAKE(QUEUE_TIMEOUT, defaults.timeout_ms);
#undef TAKE
    watch_seen(SEEN_QUEUE_CHANGED);
}

static void note_type(struct sim *sim, const struct msg_type_set *set)
{
    struct watch *watch = &sim->watch;
    const struct msg_submit_job any = {.tenant = set->tenant, .type = set->type};
    const struct msg_type_set *before = watch_queue_type(sim, &any);
    SIM_EXPECT(watch->type_count < SIM_TYPE_SETS, "room for settings of types");
    struct msg_type_set *is = &watch->types[watch->type_count++];
    *is = *set;
    if (set->named == 0)
        return;
    is->defaults = before != NULL ? before->defaults : (struct msg_defaults){0};
    is->schema = before != NULL ? before->schema : (struct body){0};
#define TAKE(bit, field)                                                                           \
    if ((set->named & 1u << (bit)) != 0)                                                           \
    is->field = set->field
    TAKE(QUEUE_MAX_ATTEMPTS, defaults.max_attempts);
    TAKE(QUEUE_TIMEOUT, defaults.timeout_ms);
    TAKE(TYPE_SCHEMA, schema);
#undef TAKE
    watch_seen(SEEN_TYPE_CHANGED);
}

static void note_settings(struct sim *sim, const struct entry *entry)
{
    if (entry->kind == ENTRY_QUEUE) {
        const struct msg_queue_set *set = entry->queue.set;
        note_set(&queue_named(sim, set->tenant, set->queue)->settings, set);
    } else if (entry->kind == ENTRY_TYPE) {
        note_type(sim, entry->type.set);
    } else if (entry->kind == ENTRY_PAUSE) {
        struct seen_queue *seen = queue_named(sim, entry->pause.tenant, entry->pause.queue);
        seen->paused = entry->pause.paused;
        watch_seen(seen->paused == 0 ? SEEN_QUEUE_RESUMED : SEEN_QUEUE_PAUSED);
    }
}

// --- its jobs ---

static uint32_t open_count(const struct sim *sim, const struct seen_queue *queue)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->watch.state_count; i++) {
        const struct seen_state *seen = &sim->watch.states[i];
        count += seen->queue == queue - sim->watch.queues + 1 && seen->state != JOB_NONE &&
                 seen->state != JOB_REMOVED && !job_is_done(seen->state);
    }
    return count;
}

// The last entry for the type, of this run's durable ones and those of the open batches.
const struct msg_type_set *watch_queue_type(const struct sim *sim, const struct msg_submit_job *job)
{
    for (uint32_t i = sim->watch.type_count; i-- > 0;) {
        const struct msg_type_set *set = &sim->watch.types[i];
        if (slice_equal(set->type, job->type) && origin_is_tenant(set->tenant, job->tenant))
            return set;
    }
    return NULL;
}

static uint32_t first_given(uint32_t jobs, uint32_t types, uint32_t queues, uint32_t brokers)
{
    if (jobs != 0)
        return jobs;
    if (types != 0)
        watch_seen(SEEN_TYPE_DEFAULT);
    if (types != 0)
        return types;
    if (queues != 0)
        watch_seen(SEEN_QUEUE_DEFAULT);
    return queues != 0 ? queues : brokers;
}

static void check_policy(const struct sim *sim, const struct seen_queue *queue,
                         const struct msg_submit_job *job, const struct policy *policy)
{
    const struct msg_defaults *set = &queue->settings.defaults;
    const struct msg_type_set *given = watch_queue_type(sim, job);
    const struct msg_defaults type = given != NULL ? given->defaults : (struct msg_defaults){0};
    uint32_t attempts = first_given(job->max_attempts, type.max_attempts, set->max_attempts,
                                    LIMITS_ATTEMPTS_DEFAULT);
    uint32_t timeout_ms = first_given(job->timeout_ms, type.timeout_ms, set->timeout_ms,
                                      sim->limits.timeout_default_ms);
    SIM_EXPECT(policy->max_attempts == attempts && policy->timeout_ms == timeout_ms,
               "the job's word counts, then its type's, its queue's, the broker's");
}

// The lower one of the broker's and what came with the job; 0: none.
static uint32_t quota_of(const struct sim *sim, uint32_t given)
{
    uint32_t brokers = sim->limits.tenant_open_max;
    return given == 0 || (brokers != 0 && brokers < given) ? brokers : given;
}

static uint32_t open_of(const struct sim *sim, struct slice tenant)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->watch.queue_count; i++)
        if (origin_is_tenant(sim->watch.queues[i].tenant, tenant) &&
            !msg_hook_is_reserved(sim->watch.queues[i].queue))
            count += open_count(sim, &sim->watch.queues[i]);
    return count;
}

static void check_entry(struct sim *sim, const struct seen_queue *queue, uint32_t quota)
{
    uint32_t open = open_of(sim, queue->tenant);
    SIM_EXPECT(quota == 0 || open <= quota,
               "never more unfinished jobs of a tenant than its quota");
    if (quota != 0 && open == quota)
        watch_seen(SEEN_QUOTA);
    SIM_EXPECT((queue->paused & DIRECTION_IN) == 0, "a queue that is paused takes no jobs");
    uint32_t open_max = queue->settings.open_max;
    SIM_EXPECT(open_max == 0 || open_count(sim, queue) <= open_max,
               "never more unfinished jobs of a queue than its limit");
    if (open_max != 0 && open_count(sim, queue) == open_max)
        watch_seen(SEEN_QUEUE_FULL);
}

static void check_submit(struct sim *sim, const struct entry *entry)
{
    const struct msg_submit_job *job = entry->submit.job;
    struct seen_queue *queue = queue_named(sim, job->tenant, job->queue);
    watch_state_of(sim, &entry->job_id)->queue = (uint8_t)(queue - sim->watch.queues + 1);
    if (msg_hook_is_reserved(job->queue))
        return;
    check_entry(sim, queue, quota_of(sim, job->tenant_open_max));
    check_policy(sim, queue, job, &entry->submit.policy);
}

const struct seen_queue *watch_queue_of(struct sim *sim, const struct id *job_id)
{
    uint8_t no = watch_state_of(sim, job_id)->queue;
    SIM_EXPECT(no != 0, "a job has a queue");
    return &sim->watch.queues[no - 1];
}

static void check_set(struct sim *sim, const struct msg_queue_set *set)
{
    const struct queues *queues = &sim->shell.core->ledger.queues;
    const struct seen_queue *seen = queue_named(sim, set->tenant, set->queue);
    uint32_t queue = queues_find(queues, (struct queue_name){set->tenant, set->queue});
    SIM_EXPECT(queue != QUEUES_NONE && memcmp(&queues_peek(queues, queue)->settings,
                                              &seen->settings, sizeof seen->settings) == 0,
               "what is set is what was named, and what is not named stays as it was");
}

// The schema is told by what it refuses (watch_schema.c).
static void check_type(struct sim *sim, const struct msg_type_set *set)
{
    const struct types *types = &sim->shell.core->ledger.types;
    const struct msg_type_set *seen = &sim->watch.types[sim->watch.type_count - 1];
    uint32_t type = types_find(types, set->tenant, set->type);
    SIM_EXPECT(type != TYPES_NONE &&
                   memcmp(types_defaults(types, type), &seen->defaults, sizeof seen->defaults) == 0,
               "of a type, too, what is not named stays as it was");
}

void watch_queue_entry(struct sim *sim, const struct entry *entry)
{
    note_settings(sim, entry);
    if (entry->kind == ENTRY_QUEUE)
        check_set(sim, entry->queue.set);
    if (entry->kind == ENTRY_TYPE)
        check_type(sim, entry->type.set);
    if (entry->kind == ENTRY_SUBMIT)
        check_submit(sim, entry);
    if (entry->kind == ENTRY_GRANT)
        SIM_EXPECT((watch_queue_of(sim, &entry->job_id)->paused & DIRECTION_OUT) == 0,
                   "a queue that is paused gives no jobs");
    if (entry->kind != ENTRY_RETRY)
        return;
    const struct seen_queue *queue = watch_queue_of(sim, &entry->job_id);
    if (msg_hook_is_reserved(queue->queue))
        return;
    check_entry(sim, queue, quota_of(sim, 0));
    check_policy(sim, queue, sim->store.bodies[entry->retry.job_no], &entry->retry.policy);
}

void watch_queue_heard(const struct sim *sim, const struct msg *msg, const struct msg *answer)
{
    if (msg->kind != MSG_SUBMIT || msg->submit.count != 1 || answer->kind != MSG_SUBMITTED ||
        answer->submitted.jobs->error != ERR_QUOTA)
        return;
    uint32_t quota = quota_of(sim, msg->submit.jobs->tenant_open_max);
    SIM_EXPECT(quota != 0 && open_of(sim, msg->tenant) == quota,
               "a quota refuses only when it is used up");
    watch_seen(SEEN_QUOTA_REFUSED);
}

static const struct queue_row *stored_queue(const struct sim *sim, const struct lane_row *lane)
{
    for (uint32_t no = 0; no < SIM_QUEUES; no++) {
        const struct queue_row *row = &sim->store.queues[no];
        if (slice_equal(row->queue, lane->queue) &&
            slice_equal(row->tenant, origin_tenant(lane->tenant)))
            return row;
    }
    sim_fail("a lane has a queue");
}

// What was not durable never happened.
void watch_queue_start(struct sim *sim)
{
    sim->watch.queue_count = 0;
    sim->watch.type_count = 0;
    for (uint32_t i = 0; i < sim->log_count; i++)
        note_settings(sim, &sim->log[i]);
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no == 0)
            continue;
        const struct queue_row *queue = stored_queue(sim, &sim->store.lanes[row->lane]);
        watch_state_of(sim, &row->id)->queue =
            (uint8_t)(queue_named(sim, queue->tenant, queue->queue) - sim->watch.queues + 1);
    }
}

// --- the rows, before they reach the store ---

static const struct lane_row *lane_in(const struct sim *sim, const struct effects *fx, uint16_t no)
{
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == WRITE_LANE && fx->writes[i].lane.no == no)
            return &fx->writes[i].lane;
    return &sim->store.lanes[no];
}

static const struct queue_row *row_in(const struct sim *sim, const struct effects *fx, uint32_t no)
{
    static const struct queue_row nothing;
    for (uint32_t i = 0; i < fx->write_count; i++) {
        const struct write *write = &fx->writes[i];
        if (write->kind == WRITE_QUEUE && write->queue.no == no)
            return &write->queue;
        if (write->kind == DROP_QUEUE && write->queue.no == no)
            return &nothing;
    }
    return &sim->store.queues[no];
}

// The queue of each lane, by number; SIM_QUEUES: none.
static void map_lanes(const struct sim *sim, const struct effects *fx, uint32_t map[64])
{
    for (uint16_t no = 0; no < 64; no++) {
        const struct lane_row *lane = lane_in(sim, fx, no);
        for (map[no] = 0; map[no] < SIM_QUEUES; map[no]++) {
            const struct queue_row *row = row_in(sim, fx, map[no]);
            if (slice_equal(row->queue, lane->queue) && slice_equal(row->tenant, lane->tenant))
                break;
        }
    }
}

// Jobs by queue and state, as they will be; one may be written twice.
static void count_jobs(const struct sim *sim, const struct effects *fx,
                       uint64_t counts[SIM_QUEUES][JOB_STATES])
{
    static struct job_row rows[SIM_JOBS];
    uint64_t end = sim->store.ledger.job_no_next > 0 ? sim->store.ledger.job_no_next : 1;
    uint32_t map[64];
    map_lanes(sim, fx, map);
    memcpy(rows, sim->store.rows, end * sizeof rows[0]);
    for (uint32_t i = 0; i < fx->write_count; i++) {
        const struct write *write = &fx->writes[i];
        if (write->kind == DROP_JOB)
            rows[write->drop.no].no = 0;
        if (write->kind != WRITE_JOB)
            continue;
        rows[write->job.row.no] = write->job.row;
        end = write->job.row.no >= end ? write->job.row.no + 1 : end;
    }
    for (uint64_t no = 1; no < end; no++)
        if (rows[no].no != 0)
            counts[map[rows[no].lane]][rows[no].state]++;
}

static void check_row(const struct queue_row *row, const uint64_t counts[JOB_STATES])
{
    uint64_t sum = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        sum += row->counts[state];
        // The removed ones whose rows are gone count too.
        SIM_EXPECT(state == JOB_REMOVED ? row->counts[state] >= counts[state]
                                        : row->counts[state] == counts[state],
                   "the row of a queue counts what its jobs are");
    }
    SIM_EXPECT(sum == row->accepted, "of each queue, accepted jobs = jobs in all states");
}

void watch_queue_commit(const struct sim *sim, const struct effects *fx)
{
    uint64_t counts[SIM_QUEUES][JOB_STATES] = {{0}};
    count_jobs(sim, fx, counts);
    uint64_t accepted = sim->store.accepted_before;
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == DROP_QUEUE)
            accepted += fx->writes[i].queue.accepted;
    for (uint32_t queue = 0; queue < SIM_QUEUES; queue++) {
        check_row(row_in(sim, fx, queue), counts[queue]);
        accepted += row_in(sim, fx, queue)->accepted;
    }
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == WRITE_LEDGER)
            SIM_EXPECT(fx->writes[i].ledger.accepted == accepted,
                       "every accepted job belongs to a queue");
}

// --- what is said ---

// Is another setting of a queue of this name in the same batch?
static bool is_changed_in(const struct effects *fx, const struct msg_queue *is)
{
    for (uint32_t i = 0; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        if (entry->kind != ENTRY_QUEUE || !slice_equal(entry->queue.set->queue, is->queue))
            continue;
        if (entry->queue.set->named != 0 ||
            memcmp(&entry->queue.set->settings, &is->settings, sizeof is->settings) != 0)
            return true;
    }
    return false;
}

// Tenants' queues have the same names, so one of them must have it.
void watch_queue_answer(const struct sim *sim, const struct effects *fx,
                        const struct msg_queue_status_is *is)
{
    if (is->error != OK || is_changed_in(fx, &is->queues[0]))
        return;
    // One for which nothing is set may be forgotten by then.
    static const struct msg_queue_settings nothing;
    bool is_stored = memcmp(&is->queues[0].settings, &nothing, sizeof nothing) == 0;
    for (uint32_t no = 0; no < SIM_QUEUES; no++) {
        const struct queue_row *row = &sim->store.queues[no];
        is_stored = is_stored ||
                    (slice_equal(row->queue, is->queues[0].queue) &&
                     memcmp(&row->settings, &is->queues[0].settings, sizeof row->settings) == 0);
    }
    SIM_EXPECT(is_stored, "a setting is stored before it is answered");
    watch_seen(SEEN_QUEUE_SET);
}
