// The ledger and what is stored: looking up, collecting rows at the end of a batch, letting
// ended jobs go, loading.

#include "broker/core/ledger.h"

#include "lib/base/origin.h"
#include "lib/base/prng.h"

static when_ms remove_at(const struct ledger *ledger, const struct job *job)
{
    if (!job_is_done(job->state))
        return 0;
    return when_after(job->at, (when_ms)policies_at(&ledger->policies, job->policy)->keep_s * 1000);
}

uint32_t ledger_cost(const struct ledger *ledger, uint32_t slot)
{
    return jobs_at(&ledger->jobs, slot)->is_costly ? ledger->bonds[slot].cost : 1;
}

const struct past *ledger_past(const struct ledger *ledger, const struct job *job)
{
    return pasts_peek(&ledger->pasts, job->past);
}

struct job_row ledger_row_of(const struct ledger *ledger, uint32_t slot)
{
    const struct job *job = jobs_at(&ledger->jobs, slot);
    const struct past *past = ledger_past(ledger, job);
    const struct policy *policy = policies_at(&ledger->policies, job->policy);
    bool is_done = job_is_done(job->state);
    struct bond bond = {0};
    if (job->is_bound || job->is_costly || (job->relations & RELATION_HOOK) != 0)
        bond = ledger->bonds[slot];
    return (struct job_row){
        .id = job->id,
        .no = job->no,
        .token = past->token,
        .fingerprint = job->fingerprint,
        .accepted_at = job->accepted_at,
        .due_at = is_done ? 0 : job->at,
        .granted_at = past->granted_at,
        .ended_at = is_done ? job->at : 0,
        .remove_at = remove_at(ledger, job),
        .dedup_until = when_after(job->accepted_at, (when_ms)policy->dedup_s * 1000),
        .worker = past->worker,
        .version = job->version,
        .interruptions = past->interruptions,
        .batch = job->batch,
        .body_len = job->body_len,
        .lease_ms = past->lease_ms,
        .errors = past->errors,
        .crashes = past->crashes,
        .lane = job->lane,
        .policy = job->policy,
        .state = (uint8_t)job->state,
        .priority = (uint8_t)job->priority,
        .token_use = (uint8_t)job->token_use,
        .outcome = (uint8_t)past->outcome,
        .act = past->act,
        .log_count = past->log_count,
        .event_count = past->event_count,
        .key_hash = bond.key_hash,
        .rank = bond.rank,
        .cost = bond.cost,
        .order = bond.order,
        .cancel = (uint8_t)job->cancel,
        .relations = (uint8_t)(job->relations | (unsigned)bond.events << RELATION_EVENTS_SHIFT),
        .endpoints = bond.endpoints,
        .endpoint = bond.endpoint,
        .has_progress = bond.has_progress,
        .extend_ms = job->state == JOB_RUNNING ? past->extend_ms : 0,
    };
}

static bool stored_by_key(const struct ledger *ledger, const struct id *id, struct job_row *out)
{
    uint32_t at = keys_first(&ledger->keys, id);
    for (; at != INDEX_NONE; at = keys_next(&ledger->keys, at))
        if (ledger->known.by_no(ledger->known.ctx, keys_job_no(&ledger->keys, at), out) &&
            id_equal(&out->id, id))
            return true;
    return false;
}

struct ledger_view ledger_lookup(const struct ledger *ledger, const struct id *id)
{
    struct ledger_view view = {.slot = jobs_find(&ledger->jobs, id)};
    if (view.slot != JOBS_NONE) {
        view.is_known = true;
        view.row = ledger_row_of(ledger, view.slot);
        return view;
    }
    const struct overlay_item *unsettled = overlay_find(&ledger->overlay, id);
    if (unsettled != NULL) {
        view.is_known = !unsettled->is_gone;
        view.row = unsettled->row;
        return view;
    }
    if (id_version(id) == 8)
        view.is_known = stored_by_key(ledger, id, &view.row);
    else
        view.is_known = ledger->known.by_id(ledger->known.ctx, id, &view.row);
    return view;
}

bool ledger_is_of(const struct ledger *ledger, uint16_t lane, struct slice tenant)
{
    return origin_is_tenant(lanes_row(&ledger->lanes, lane).tenant, tenant);
}

struct ledger_view ledger_lookup_of(const struct ledger *ledger, struct slice tenant,
                                    const struct id *id)
{
    struct ledger_view view = ledger_lookup(ledger, id);
    if (view.is_known && !ledger_is_of(ledger, view.row.lane, tenant))
        return (struct ledger_view){.slot = JOBS_NONE};
    return view;
}

// NULL, or the limit that leaves no room for the job's queue or its lane.
static const char *lane_refusal(const struct ledger *ledger, const struct msg_submit_job *job)
{
    struct queue_name name = {.tenant = job->tenant, .queue = job->queue};
    uint32_t queue = queues_find(&ledger->queues, name);
    if (queue != QUEUES_NONE && lanes_find(&ledger->lanes, queue, job->type) != LANES_NONE)
        return NULL;
    if (lanes_room(&ledger->lanes) == 0)
        return "lane_count_max: too many different (queue, type) pairs";
    return queues_refusal(&ledger->queues, name);
}

uint32_t ledger_job_room(const struct ledger *ledger)
{
    uint32_t taken = ledger->jobs.count + ledger->hooked;
    return taken < ledger->jobs.cap ? ledger->jobs.cap - taken : 0;
}

uint32_t ledger_dep_room(const struct ledger *ledger)
{
    uint32_t taken = ledger->deps.count + ledger->hooked;
    return taken < ledger->deps.cap ? ledger->deps.cap - taken : 0;
}

// The pauses between attempts are the notifier's to say; the broker's are no longer.
struct policy ledger_delivery_policy(void)
{
    return (struct policy){.timeout_ms = 60 * 1000,
                           .retry_first_ms = 1000,
                           .retry_longest_ms = 1000,
                           .retry_factor_milli = 1000,
                           .keep_s = 3 * 24 * 3600,
                           .dedup_s = (LIMITS_ID_AGE_MAX_MS + LIMITS_ID_AHEAD_MAX_MS) / 1000,
                           .max_attempts = 25,
                           .max_crashes = 1000};
}

// There may be one a second, and each is outdated by the next.
struct policy ledger_progress_policy(void)
{
    struct policy policy = ledger_delivery_policy();
    policy.keep_s = LEDGER_PROGRESS_KEEP_S;
    return policy;
}

uint32_t ledger_policy_reserve(const struct ledger *ledger, uint32_t more)
{
    const struct policy policy = ledger_delivery_policy();
    if (ledger->hooked + more == 0)
        return 0;
    return policies_find(&ledger->policies, &policy) == POLICIES_NONE;
}

static bool has_policy_room(const struct ledger *ledger, const struct policy *policy, uint32_t more)
{
    uint32_t room = ledger->policies.cap - ledger->policies.index.count;
    uint32_t own = policies_find(&ledger->policies, policy) == POLICIES_NONE;
    return own + more == 0 || own + ledger_policy_reserve(ledger, more) <= room;
}

static struct ledger_way missing(const struct ledger *ledger, struct queue_name name,
                                 struct slice type)
{
    uint32_t queue = queues_find(&ledger->queues, name);
    bool has_lane = queue != QUEUES_NONE && lanes_find(&ledger->lanes, queue, type) != LANES_NONE;
    return (struct ledger_way){.lanes = !has_lane, .queues = queue == QUEUES_NONE};
}

struct ledger_way ledger_way_missing(const struct ledger *ledger, struct slice tenant)
{
    struct queue_name name = {.tenant = tenant, .queue = slice_of_text(HOOK_QUEUE)};
    struct ledger_way way = missing(ledger, name, slice_of_text(HOOK_TYPE));
    way.policies = ledger_policy_reserve(ledger, 1) - ledger_policy_reserve(ledger, 0);
    return way;
}

// For the queue of deliveries and their lane, beside the job's own.
static bool has_way_room(const struct ledger *ledger, const struct msg_submit_job *job)
{
    struct ledger_way way = ledger_way_missing(ledger, job->tenant);
    struct queue_name name = {.tenant = job->tenant, .queue = job->queue};
    struct ledger_way own = missing(ledger, name, job->type);
    return way.lanes + own.lanes <= lanes_room(&ledger->lanes) &&
           way.queues + own.queues <= names_room(&ledger->queues.names);
}

err ledger_refusal(const struct ledger *ledger, const struct msg_submit_job *job,
                   const struct policy *policy, const char **out_detail)
{
    uint32_t more = ledger_places_asked(ledger, job);
    more += ledger_batch_hearers(ledger, job).count;
    if (ledger_job_room(ledger) < 1 + more)
        *out_detail = "job_count_max: too many unfinished jobs";
    else if (more > 0 && !has_way_room(ledger, job))
        *out_detail = "lane_count_max: no room for the deliveries of webhooks";
    else if (id_version(&job->job_id) == 8 && !keys_has_room(&ledger->keys))
        *out_detail = "dedup_full: key_count_max keys are inside their window";
    else if (lane_refusal(ledger, job) != NULL)
        *out_detail = lane_refusal(ledger, job);
    else if (!has_policy_room(ledger, policy, more))
        *out_detail = "policy_count_max: too many different sets of options";
    else if (!id_is_zero(&job->batch_id) && !batches_has_room(&ledger->batches) &&
             batches_find(&ledger->batches, job->tenant, &job->batch_id) == BATCHES_NONE)
        *out_detail = "batch_count_max: too many batches";
    else if (job->unique_key.len > 0 && !uniques_has_room(&ledger->uniques) &&
             uniques_find(&ledger->uniques, &job->unique_hash) == UNIQUES_NONE)
        *out_detail = "unique_count_max: too many unique keys are held";
    else if (ledger_dep_room(ledger) < job->after.count + more)
        *out_detail = "dependency_count_max: too many jobs wait for others";
    else
        return OK;
    return ERR_FULL;
}

err ledger_retry_refusal(const struct ledger *ledger, const struct job_row *row,
                         const struct retry_needs *needs, const char **out_detail)
{
    uint32_t more = ledger_places(row);
    if (ledger_job_room(ledger) < 1 + more)
        *out_detail = "job_count_max: too many unfinished jobs";
    else if (!has_policy_room(ledger, needs->policy, more))
        *out_detail = "policy_count_max: too many different sets of options";
    else if (ledger_dep_room(ledger) < needs->parent_count + more)
        *out_detail = "dependency_count_max: too many jobs wait for others";
    else
        return OK;
    return ERR_FULL;
}

uint64_t ledger_collect(struct ledger *ledger, when_ms store_time, struct effects *fx)
{
    for (uint32_t i = 0; i < fx->changed_count; i++) {
        struct job *job = jobs_at(&ledger->jobs, fx->changed[i]);
        CHECK(job->is_changed);
        effects_write(fx, WRITE_JOB)->job =
            (struct write_job){.row = ledger_row_of(ledger, fx->changed[i]), .is_new = job->is_new};
        job->is_changed = 0;
        job->is_new = 0;
    }
    struct batch_row row;
    bool is_over;
    while (batches_collect(&ledger->batches, &row, &is_over)) {
        if (is_over)
            effects_write(fx, DROP_BATCH)->batch = row;
        else
            effects_write(fx, WRITE_BATCH)->batch = row;
    }
    struct queue_row queue;
    while (queues_collect(&ledger->queues, &queue))
        effects_write(fx, WRITE_QUEUE)->queue = queue;
    CHECK(store_time >= ledger->row.store_time);
    ledger->row.store_time = store_time;
    if (fx->write_count > 0 || ledger->is_changed)
        effects_write(fx, WRITE_LEDGER)->ledger = ledger->row;
    ledger->is_changed = false;
    return ledger->batch++;
}

static void evict(struct ledger *ledger, uint32_t slot)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    CHECK(job_is_done(job->state));
    policies_let_go(&ledger->policies, job->policy);
    if (job->past != PASTS_NONE)
        pasts_give_back(&ledger->pasts, job->past);
    job->past = PASTS_NONE;
    jobs_drop(&ledger->jobs, slot);
}

void ledger_settled(struct ledger *ledger, uint64_t batch)
{
    CHECK(batch < ledger->batch);
    ledger->settled = batch;
    while (ledger->leaver_first < ledger->leaver_end) {
        struct leaver leaver = ledger->leavers[ledger->leaver_first % ledger->leaver_cap];
        if (leaver.batch > batch)
            break;
        evict(ledger, leaver.slot);
        ledger->leaver_first++;
    }
    lanes_settled(&ledger->lanes, batch);
    queues_settled(&ledger->queues, batch);
    overlay_settled(&ledger->overlay, batch);
}

static uint64_t unfinished_count(const struct ledger_row *row)
{
    return row->counts[JOB_SCHEDULED] + row->counts[JOB_QUEUED] + row->counts[JOB_RUNNING] +
           row->counts[JOB_RETRYING];
}

err ledger_load_row(struct ledger *ledger, const struct ledger_row *row)
{
    if (row->job_no_next == 0)
        return ERR_DAMAGED;
    ledger->row = *row;
    uint64_t expected = unfinished_count(row);
    if (expected > ledger->jobs.cap)
        return ERR_FULL;
    index_prepare(&ledger->jobs.by_id, (uint32_t)expected);
    return OK;
}

static bool is_name(struct slice name)
{
    return name.len > 0 && name.len <= MSG_NAME_LEN_MAX;
}

err ledger_load_lane(struct ledger *ledger, const struct lane_row *row)
{
    struct queue_name name = {.tenant = row->tenant, .queue = row->queue};
    if (!is_name(row->queue) || !is_name(row->type) || row->tenant.len > MSG_NAME_LEN_MAX)
        return ERR_DAMAGED;
    uint32_t queue = queues_find(&ledger->queues, name);
    if (queue == QUEUES_NONE && queues_refusal(&ledger->queues, name) != NULL)
        return ERR_FULL;
    if (queue == QUEUES_NONE)
        queue = queues_add(&ledger->queues, name);
    return lanes_load(&ledger->lanes, queue, row);
}

err ledger_load_queue(struct ledger *ledger, const struct queue_row *row)
{
    return queues_load(&ledger->queues, row);
}

err ledger_load_type(struct ledger *ledger, const struct type_row *row)
{
    return types_load(&ledger->types, row);
}

static uint32_t load_past(struct ledger *ledger, const struct job_row *row)
{
    if (row->token == 0 && row->act == 0 && row->log_count == 0 && row->event_count == 0)
        return PASTS_NONE;
    uint32_t past = pasts_take(&ledger->pasts);
    *pasts_at(&ledger->pasts, past) = (struct past){.token = row->token,
                                                    .granted_at = row->granted_at,
                                                    .worker = row->worker,
                                                    .lease_ms = row->lease_ms & ROW_LEASE_MS_MAX,
                                                    .outcome = row->outcome & 15u,
                                                    .interruptions = row->interruptions,
                                                    .errors = row->errors,
                                                    .crashes = row->crashes,
                                                    .act = row->act,
                                                    .extend_ms = row->extend_ms,
                                                    .log_count = row->log_count,
                                                    .event_count = row->event_count};
    return past;
}

// Only what was granted has counters, and only what runs has a holder.
static bool has_sound_past(const struct job_row *row)
{
    bool is_running = row->state == JOB_RUNNING;
    bool is_open = row->token_use == TOKEN_OPEN && row->token != 0;
    bool is_blank = row->granted_at == 0 && row->errors == 0 && row->crashes == 0 &&
                    row->interruptions == 0 && row->token_use == TOKEN_NONE;
    return is_running == is_open && is_running == !id_is_zero(&row->worker) &&
           (row->token != 0 || is_blank);
}

// An unfinished job as this ledger could have written it.
static bool is_sound(const struct ledger *ledger, const struct job_row *row)
{
    bool is_unfinished = row->state != JOB_NONE && row->state < JOB_STATES &&
                         !job_is_done((enum job_state)row->state);
    bool fits = row->no <= JOB_NO_MAX && row->accepted_at >= 0 &&
                row->accepted_at <= JOB_ACCEPTED_AT_MAX && row->body_len <= JOB_BODY_LEN_MAX;
    return row->no != 0 && row->no < ledger->row.job_no_next && is_unfinished && fits &&
           has_sound_past(row) && lanes_is_known(&ledger->lanes, row->lane) &&
           row->priority <= MSG_PRIORITY_MAX && policies_is_known(&ledger->policies, row->policy) &&
           row->order <= ORDER_FIFO_SKIP && (row->key_hash != 0 || row->order == ORDER_NONE) &&
           (row->batch == 0 || batches_is_known(&ledger->batches, row->batch - 1));
}

uint32_t ledger_revive(struct ledger *ledger, const struct job_row *row)
{
    uint32_t slot = jobs_add(&ledger->jobs, &row->id, row->no);
    *jobs_at(&ledger->jobs, slot) = (struct job){
        .id = row->id,
        .no = row->no & JOB_NO_MAX,
        .fingerprint = row->fingerprint,
        .accepted_at = (uint64_t)row->accepted_at & JOB_ACCEPTED_AT_MAX,
        .at = row->due_at,
        .version = row->version,
        .batch = row->batch,
        .body_len = row->body_len & JOB_BODY_LEN_MAX,
        .past = load_past(ledger, row),
        .lane = row->lane,
        .policy = row->policy,
        .state = row->state & 15u,
        .priority = row->priority & 15u,
        .token_use = row->token_use & 3u,
        .cancel = row->cancel & 3u,
        .relations = row->relations & (unsigned)RELATIONS_ALL,
        .is_bound = row->key_hash != 0,
        .is_costly = row->cost > 1,
    };
    bool is_hooked = (row->relations & RELATION_HOOK) != 0;
    if (row->key_hash != 0 || row->cost > 1 || is_hooked)
        ledger->bonds[slot] =
            (struct bond){.key_hash = row->key_hash,
                          .rank = row->rank,
                          .cost = row->cost,
                          .order = row->order,
                          .events = (uint8_t)(row->relations >> RELATION_EVENTS_SHIFT),
                          .endpoint = row->endpoint,
                          .has_progress = row->has_progress,
                          .endpoints = row->endpoints};
    ledger->hooked += ledger_places(row);
    return slot;
}

err ledger_load_job(struct ledger *ledger, const struct job_row *row)
{
    if (!jobs_has_room(&ledger->jobs))
        return ERR_FULL;
    if (!is_sound(ledger, row) || jobs_find(&ledger->jobs, &row->id) != JOBS_NONE)
        return ERR_DAMAGED;
    (void)ledger_revive(ledger, row);
    policies_hold(&ledger->policies, row->policy);
    return OK;
}

err ledger_load_key(struct ledger *ledger, const struct id *id, uint64_t job_no)
{
    if (!keys_has_room(&ledger->keys))
        return ERR_FULL;
    if (id_version(id) != 8 || job_no == 0 || job_no >= ledger->row.job_no_next)
        return ERR_DAMAGED;
    keys_add(&ledger->keys, id, job_no);
    return OK;
}

err ledger_load_unique(struct ledger *ledger, const struct unique_row *row)
{
    if (row->no >= ledger->row.job_no_next)
        return ERR_DAMAGED;
    // The end of its holder was not written into a row that waits for its moment as well.
    struct unique_row held = *row;
    uint32_t slot = jobs_find(&ledger->jobs, &row->job_id);
    const struct job *job = slot != JOBS_NONE ? jobs_at(&ledger->jobs, slot) : NULL;
    bool holds = job != NULL && job->no == row->no && (job->relations & RELATION_UNIQUE);
    held.waits_end = held.waits_end && holds;
    return uniques_load(&ledger->uniques, &held);
}

void ledger_loaded(struct ledger *ledger, when_ms now)
{
    batches_loaded(&ledger->batches, now);
    deps_end_all(&ledger->deps);
    policies_loaded(&ledger->policies);
}
