// The model store: rows as they are, applied whole or not at all.

#include "tests/sim/sim.h"

static void apply_job(struct sim_store *store, const struct write_job *write)
{
    const struct job_row *row = &write->row;
    SIM_EXPECT(row->no > 0 && row->no < SIM_JOBS, "a job's number is out of range");
    const struct job_row *old = &store->rows[row->no];
    SIM_EXPECT(write->is_new == (old->no == 0), "a row is new exactly when there was none");
    uint32_t told = row->state == JOB_REMOVED ? 0 : store->histories[row->no].event_count;
    SIM_EXPECT(row->event_count == told, "a row counts the events of its job");
    told = row->state == JOB_REMOVED ? 0 : store->histories[row->no].log_count;
    SIM_EXPECT(row->log_count == told, "a row counts the lines of its job's log");
    const struct msg_submit_job *body = store->bodies[row->no];
    bool is_flagged = (row->relations & RELATION_LABELS) != 0;
    SIM_EXPECT(body == NULL || is_flagged == (body->labels.len > 0),
               "a row says whether its body has labels");
    store->rows[row->no] = *row;
}

static void apply_event(struct sim_store *store, const struct write_event *write)
{
    struct sim_history *history = &store->histories[write->job_no];
    SIM_EXPECT(write->row.seq == history->event_count + 1, "events are counted without a gap");
    SIM_EXPECT(write->row.version > history->version, "each event has a version of its own");
    history->event_count = write->row.seq;
    history->version = write->row.version;
    if (write->row.seq == 2)
        watch_seen(SEEN_EVENTS);
}

static void apply_line(struct sim_history *history, const struct msg_log_line *line)
{
    char text[64];
    SIM_EXPECT(line->text.len < sizeof text, "a line is as it was written");
    memcpy(text, line->text.data, line->text.len);
    text[line->text.len] = '\0';
    char *end = NULL;
    uint64_t token = strtoull(text, &end, 10);
    uint64_t number = strtoull(end, NULL, 10);
    SIM_EXPECT(token == line->token, "a line is of the attempt that wrote it");
    SIM_EXPECT(token >= history->log_token, "lines of an attempt come before those of the next");
    SIM_EXPECT(token > history->log_token || number > history->log_line,
               "each line is stored once, and in order");
    if (history->log_token != 0 && token > history->log_token)
        watch_seen(SEEN_LOG_ATTEMPTS);
    history->log_token = token;
    history->log_line = number;
    history->log_count++;
}

static void apply_log(struct sim_store *store, const struct write_log *write)
{
    struct sim_history *history = &store->histories[write->job_no];
    SIM_EXPECT(write->count > 0 && write->first == history->log_count + 1,
               "lines are numbered without a gap");
    watch_seen(SEEN_LOG);
    for (uint32_t i = 0; i < write->count; i++)
        apply_line(history, &write->lines[i]);
}

static void drop_lane(struct sim_store *store, uint16_t lane)
{
    for (uint64_t no = 1; no < SIM_JOBS; no++)
        SIM_EXPECT(store->rows[no].no == 0 || store->rows[no].lane != lane,
                   "a lane stays while a row carries it");
    SIM_EXPECT(store->lanes[lane].type.len > 0, "a lane is dropped once");
    store->lanes[lane] = (struct lane_row){0};
    watch_seen(SEEN_LANE_DROPPED);
}

static void drop_queue(struct sim_store *store, uint16_t queue)
{
    SIM_EXPECT(store->queues[queue].queue.len > 0, "a queue is dropped once");
    for (uint32_t lane = 0; lane < store->lane_count; lane++)
        SIM_EXPECT(store->lanes[lane].type.len == 0 ||
                       !slice_equal(store->lanes[lane].queue, store->queues[queue].queue) ||
                       !slice_equal(store->lanes[lane].tenant, store->queues[queue].tenant),
                   "a queue stays while it has lanes");
    store->accepted_before += store->queues[queue].accepted;
    store->queues[queue] = (struct queue_row){0};
    watch_seen(SEEN_QUEUE_DROPPED);
}

// The core's names are gone after a crash, so they are copied.
static void apply_lane(struct sim_store *store, const struct lane_row *row)
{
    SIM_EXPECT(row->no < 64 && store->lanes[row->no].type.len == 0, "no lane has two names");
    uint8_t(*names)[MSG_NAME_LEN_MAX] = store->lane_names[row->no];
    memcpy(names[0], row->queue.data, row->queue.len);
    memcpy(names[1], row->type.data, row->type.len);
    memcpy(names[2], row->tenant.data, row->tenant.len);
    store->lane_count = row->no < store->lane_count ? store->lane_count : row->no + 1u;
    store->lanes[row->no] = (struct lane_row){.no = row->no,
                                              .tenant = slice_of(names[2], row->tenant.len),
                                              .queue = slice_of(names[0], row->queue.len),
                                              .type = slice_of(names[1], row->type.len)};
}

static void apply_queue(struct sim_store *store, const struct queue_row *row)
{
    SIM_EXPECT(row->no < SIM_QUEUES, "no more queues than there is room for");
    uint8_t(*names)[MSG_NAME_LEN_MAX] = store->queue_names[row->no];
    memcpy(names[0], row->queue.data, row->queue.len);
    memcpy(names[1], row->tenant.data, row->tenant.len);
    store->queues[row->no] = *row;
    store->queues[row->no].queue = slice_of(names[0], row->queue.len);
    store->queues[row->no].tenant = slice_of(names[1], row->tenant.len);
}

static void apply_type(struct sim_store *store, const struct type_row *row)
{
    SIM_EXPECT(row->no < SIM_TYPES, "types get numbers in order");
    uint8_t(*names)[MSG_NAME_LEN_MAX] = store->type_names[row->no];
    memcpy(names[0], row->type.data, row->type.len);
    memcpy(names[1], row->tenant.data, row->tenant.len);
    store->types[row->no] = *row;
    store->types[row->no].type = slice_of(names[0], row->type.len);
    store->types[row->no].tenant = slice_of(names[1], row->tenant.len);
}

static void drop(struct sim_store *store, const struct job_row *row, bool whole)
{
    SIM_EXPECT(store->rows[row->no].no == row->no, "what is dropped was stored");
    store->bodies[row->no] = NULL;
    store->outcomes[row->no] = (struct sim_outcome){0};
    store->histories[row->no] = (struct sim_history){0};
    if (whole)
        store->rows[row->no] = (struct job_row){0};
}

struct sim_schedule *model_schedule(struct sim_store *store, struct slice name)
{
    for (uint32_t i = 0; i < SIM_SCHEDULES; i++)
        if (slice_is_text(name, sim_schedule_names[i]))
            return &store->schedules[i];
    sim_fail("a schedule of another name");
}

static void apply_schedule(struct sim_store *store, const struct write_schedule *write)
{
    struct sim_schedule *schedule = model_schedule(store, write->row.name);
    SIM_EXPECT(write->given != NULL || schedule->given != NULL, "a schedule is given first");
    if (write->given != NULL)
        schedule->given = write->given;
    schedule->row = write->row;
    schedule->row.name = schedule->given->schedule_id;
}

// What the row borrows is gone after the batch.
static void apply_dep(struct sim_store *store, const struct dep_row *row)
{
    SIM_EXPECT(store->deps[row->no].no == 0 && row->parents.count <= SIM_PARENTS,
               "a job says once what it waits for");
    struct id *parents = store->parents[row->no];
    memcpy(parents, row->parents.items, row->parents.count * sizeof *parents);
    store->deps[row->no] = *row;
    store->deps[row->no].parents.items = parents;
}

static struct sim_operation *operation_of(struct sim_store *store, const struct id *id)
{
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++)
        if (id_equal(&store->operations[i].row.id, id))
            return &store->operations[i];
    return NULL;
}

const struct operation_row *model_operation(const struct sim_store *store, const struct id *id)
{
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++)
        if (id_equal(&store->operations[i].row.id, id))
            return &store->operations[i].row;
    return NULL;
}

static struct slice keep_text(uint8_t *room, struct slice text)
{
    if (text.len > 0)
        memcpy(room, text.data, text.len);
    return slice_of(room, text.len);
}

static void apply_operation(struct sim_store *store, const struct operation_row *row)
{
    struct sim_operation *operation = operation_of(store, &row->id);
    if (operation == NULL)
        operation = operation_of(store, &(struct id){{0}});
    SIM_EXPECT(operation != NULL, "no more operations than there is room for");
    operation->row = *row;
    operation->row.filter.queue = keep_text(operation->texts[0], row->filter.queue);
    operation->row.filter.type = keep_text(operation->texts[1], row->filter.type);
    operation->row.actor = keep_text(operation->texts[2], row->actor);
    operation->row.filter.tag = keep_text(operation->texts[3], row->filter.tag);
    operation->row.tenant = keep_text(operation->texts[4], row->tenant);
    operation->row.cancelled_by = keep_text(operation->texts[5], row->cancelled_by);
}

static void drop_operation(struct sim_store *store, const struct id *id)
{
    struct sim_operation *operation = operation_of(store, id);
    SIM_EXPECT(operation != NULL, "an operation that is dropped was stored");
    *operation = (struct sim_operation){0};
}

struct sim_endpoint *model_endpoint(struct sim_store *store, struct slice tenant, struct slice id)
{
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++)
        if (store->endpoints[i].row.generation > 0 &&
            slice_equal(store->endpoints[i].row.tenant, tenant) &&
            slice_equal(store->endpoints[i].row.given.webhook_id, id))
            return &store->endpoints[i];
    return NULL;
}

static void apply_endpoint(struct sim_store *store, const struct endpoint_row *row)
{
    struct sim_endpoint *endpoint = model_endpoint(store, row->tenant, row->given.webhook_id);
    SIM_EXPECT(endpoint == NULL || endpoint->row.generation + 1 == row->generation,
               "each change of an endpoint counts once");
    for (uint32_t i = 0; endpoint == NULL && i < SIM_ENDPOINTS; i++)
        if (store->endpoints[i].row.generation == 0)
            endpoint = &store->endpoints[i];
    SIM_EXPECT(endpoint != NULL, "no more endpoints than there is room for");
    struct arena room = {.data = endpoint->text, .cap = sizeof endpoint->text};
    endpoint->row = endpoints_copy(row, &room);
}

static void drop_endpoint(struct sim_store *store, const struct endpoint_row *row)
{
    struct sim_endpoint *endpoint = model_endpoint(store, row->tenant, row->given.webhook_id);
    SIM_EXPECT(endpoint != NULL, "an endpoint that is dropped was stored");
    *endpoint = (struct sim_endpoint){0};
}

static void apply_batch(struct sim_store *store, const struct batch_row *row)
{
    store->batches[row->no] = *row;
    store->batches[row->no].tenant = keep_text(store->batch_tenants[row->no], row->tenant);
    store->has_batch[row->no] = true;
}

static void apply_unique(struct sim_store *store, const struct unique_row *row)
{
    SIM_EXPECT(store->uniques[row->no].no == 0, "a unique key is taken once");
    store->uniques[row->no] = *row;
}

static void drop_unique(struct sim_store *store, const struct unique_row *row)
{
    SIM_EXPECT(store->uniques[row->no].no != 0, "what is given back was held");
    store->uniques[row->no] = (struct unique_row){0};
}

static void apply_one(struct sim_store *store, const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB: apply_job(store, &write->job); return;
    case WRITE_BODY:
        SIM_EXPECT(store->bodies[write->body.job_no] == NULL, "a body is written once");
        store->bodies[write->body.job_no] = write->body.job;
        return;
    case WRITE_OUTCOME:
        store->outcomes[write->outcome.job_no] = (struct sim_outcome){
            .is_there = true, .outcome = (uint8_t)write->outcome.finish->outcome};
        return;
    case WRITE_PROGRESS: watch_seen(SEEN_PROGRESS); return;
    case WRITE_EVENT: apply_event(store, &write->event); return;
    case WRITE_LOG: apply_log(store, &write->log); return;
    case WRITE_LANE: apply_lane(store, &write->lane); return;
    case DROP_LANE: drop_lane(store, write->lane.no); return;
    case DROP_QUEUE: drop_queue(store, write->queue.no); return;
    case WRITE_TYPE: apply_type(store, &write->type); return;
    case WRITE_QUEUE: apply_queue(store, &write->queue); return;
    case WRITE_POLICY:
        store->policies[write->policy.no] = write->policy.policy;
        store->has_policy[write->policy.no] = true;
        return;
    case WRITE_BATCH: apply_batch(store, &write->batch); return;
    case WRITE_LEDGER: store->ledger = write->ledger; return;
    case WRITE_SCHEDULE: apply_schedule(store, &write->schedule); return;
    case DROP_SCHEDULE:
        *model_schedule(store, write->schedule.row.name) = (struct sim_schedule){0};
        return;
    case DROP_BODY:
        drop(store, &write->drop, false);
        watch_seen(SEEN_TOMBSTONE);
        return;
    case DROP_JOB:
        drop(store, &write->drop, true);
        watch_seen(SEEN_FORGOTTEN);
        return;
    case WRITE_UNIQUE: apply_unique(store, &write->unique); return;
    case DROP_UNIQUE: drop_unique(store, &write->unique); return;
    case WRITE_OPERATION: apply_operation(store, &write->operation); return;
    case DROP_OPERATION: drop_operation(store, &write->operation.id); return;
    case WRITE_ENDPOINT: apply_endpoint(store, &write->endpoint); return;
    case DROP_ENDPOINT: drop_endpoint(store, &write->endpoint); return;
    case WRITE_DEP: apply_dep(store, &write->dep); return;
    case DROP_DEP:
        SIM_EXPECT(store->deps[write->dep.no].no != 0, "who waits no more has waited");
        store->deps[write->dep.no] = (struct dep_row){0};
        return;
    case DROP_BATCH:
        store->has_batch[write->batch.no] = false;
        watch_seen(SEEN_BATCH_OVER);
        return;
    }
    sim_fail("an unknown kind of write");
}

void model_apply(struct sim_store *store, const struct write *writes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        apply_one(store, &writes[i]);
}

const struct job_row *model_find(const struct sim_store *store, const struct id *id)
{
    // The newest generation; runs are short, so a scan will do.
    const struct job_row *found = NULL;
    for (uint64_t no = 1; no < store->ledger.job_no_next && no < SIM_JOBS; no++)
        if (store->rows[no].no != 0 && id_equal(&store->rows[no].id, id))
            found = &store->rows[no];
    return found;
}

static bool by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    const struct job_row *row = model_find(ctx, id);
    if (row != NULL)
        *out_row = *row;
    return row != NULL;
}

static bool by_no(void *ctx, uint64_t job_no, struct job_row *out_row)
{
    const struct sim_store *store = ctx;
    if (job_no >= SIM_JOBS || store->rows[job_no].no == 0)
        return false;
    *out_row = store->rows[job_no];
    return true;
}

static bool body(void *ctx, uint64_t job_no, struct slice tenant, struct msg_submit_job *out_job)
{
    const struct sim_store *store = ctx;
    if (job_no >= SIM_JOBS || store->bodies[job_no] == NULL)
        return false;
    *out_job = *store->bodies[job_no];
    out_job->tenant = tenant;
    return true;
}

struct known model_known(struct sim_store *store)
{
    return (struct known){.ctx = store, .by_id = by_id, .by_no = by_no, .body = body};
}

static void must(err e)
{
    SIM_EXPECT(e == OK, "what was stored can be loaded");
}

void model_load(struct sim_store *store, struct core *core)
{
    if (store->ledger.job_no_next > 0)
        must(core_load_ledger(core, &store->ledger));
    for (uint32_t i = 0; i < SIM_QUEUES; i++)
        if (store->queues[i].queue.len > 0)
            must(core_load_queue(core, &store->queues[i]));
    for (uint32_t i = 0; i < SIM_TYPES; i++)
        if (store->types[i].type.len > 0)
            must(core_load_type(core, &store->types[i]));
    for (uint32_t i = 0; i < store->lane_count; i++)
        if (store->lanes[i].type.len > 0)
            must(core_load_lane(core, &store->lanes[i]));
    for (uint16_t i = 0; i < 64; i++)
        if (store->has_policy[i])
            must(core_load_policy(core, i, &store->policies[i]));
    for (uint32_t i = 0; i < SIM_BATCHES; i++)
        if (store->has_batch[i])
            must(core_load_batch(core, &store->batches[i]));
    for (uint32_t i = 0; i < SIM_SCHEDULES; i++)
        if (store->schedules[i].given != NULL)
            must(core_load_schedule(core, &store->schedules[i].row));
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++)
        if (!id_is_zero(&store->operations[i].row.id))
            must(core_load_operation(core, &store->operations[i].row));
    for (uint32_t i = 0; i < SIM_ENDPOINTS; i++)
        if (store->endpoints[i].row.generation > 0)
            must(core_load_endpoint(core, &store->endpoints[i].row));
    for (uint64_t no = 1; no < SIM_JOBS; no++) {
        const struct job_row *row = &store->rows[no];
        if (row->no == 0)
            continue;
        if (!job_is_done(row->state))
            must(core_load_job(core, row));
        if (id_version(&row->id) == 8)
            must(core_load_key(core, &row->id, row->no));
    }
    for (uint64_t no = 1; no < SIM_JOBS; no++)
        if (store->uniques[no].no != 0)
            must(core_load_unique(core, &store->uniques[no]));
    for (uint64_t no = 1; no < SIM_JOBS; no++)
        if (store->deps[no].no != 0)
            must(core_load_dep(core, &store->deps[no]));
    must(core_load_second_lives(core));
}
