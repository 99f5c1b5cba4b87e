// Rows in arrays, searched from the first to the last.

#include "tests/support/story_store.h"

static struct job_row *job_of(struct story_store *store, uint64_t no)
{
    for (uint32_t i = 0; i < store->job_count; i++)
        if (store->jobs[i].no == no)
            return &store->jobs[i];
    return NULL;
}

static bool by_no(void *ctx, uint64_t no, struct job_row *out_row)
{
    const struct job_row *row = job_of(ctx, no);
    if (row != NULL)
        *out_row = *row;
    return row != NULL;
}

static bool by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    const struct story_store *store = ctx;
    for (uint32_t i = 0; i < store->job_count; i++) {
        if (!id_equal(&store->jobs[i].id, id))
            continue;
        *out_row = store->jobs[i];
        return true;
    }
    return false;
}

static bool body(void *ctx, uint64_t no, struct slice tenant, struct msg_submit_job *out_job)
{
    const struct story_store *store = ctx;
    if (job_of(ctx, no) == NULL || no >= STORY_ROWS_MAX)
        return false;
    *out_job = store->bodies[no];
    out_job->tenant = tenant;
    return true;
}

struct known story_store_known(struct story_store *store)
{
    return (struct known){.ctx = store, .by_id = by_id, .by_no = by_no, .body = body};
}

static void put_job(struct story_store *store, const struct write_job *write)
{
    struct job_row *row = job_of(store, write->row.no);
    EXPECT_EQ(row == NULL, write->is_new);
    if (row == NULL) {
        EXPECT(store->job_count < STORY_ROWS_MAX);
        row = &store->jobs[store->job_count++];
    }
    *row = write->row;
}

static void put_body(struct story_store *store, const struct write_body *write)
{
    EXPECT(write->job_no < STORY_ROWS_MAX);
    store->bodies[write->job_no] = *write->job;
}

static void drop_job(struct story_store *store, uint64_t no)
{
    struct job_row *row = job_of(store, no);
    EXPECT(row != NULL);
    // The order stays, so that a load sees the jobs by their numbers.
    uint32_t after = (uint32_t)(row - store->jobs) + 1;
    memmove(row, row + 1, (store->job_count - after) * sizeof *row);
    store->job_count--;
}

static void put_lane(struct story_store *store, const struct lane_row *lane)
{
    EXPECT_EQ(store->lanes[lane->no].type.len, 0);
    char *queue = store->names[lane->no][0];
    char *type = store->names[lane->no][1];
    char *tenant = store->names[lane->no][2];
    memcpy(queue, lane->queue.data, lane->queue.len);
    memcpy(type, lane->type.data, lane->type.len);
    memcpy(tenant, lane->tenant.data, lane->tenant.len);
    store->lane_count = lane->no < store->lane_count ? store->lane_count : lane->no + 1u;
    store->lanes[lane->no] = (struct lane_row){.no = lane->no,
                                               .tenant = slice_of(tenant, lane->tenant.len),
                                               .queue = slice_of(queue, lane->queue.len),
                                               .type = slice_of(type, lane->type.len)};
}

static void put_queue(struct story_store *store, const struct queue_row *row)
{
    EXPECT(row->no < STORY_ROWS_MAX);
    char *queue = store->queue_names[row->no][0];
    char *tenant = store->queue_names[row->no][1];
    memcpy(queue, row->queue.data, row->queue.len);
    memcpy(tenant, row->tenant.data, row->tenant.len);
    store->queues[row->no] = *row;
    store->queues[row->no].queue = slice_of(queue, row->queue.len);
    store->queues[row->no].tenant = slice_of(tenant, row->tenant.len);
}

static void put_batch(struct story_store *store, const struct batch_row *row)
{
    char *tenant = store->batch_tenants[row->no];
    if (row->tenant.len > 0)
        memcpy(tenant, row->tenant.data, row->tenant.len);
    store->batches[row->no] = *row;
    store->batches[row->no].tenant = slice_of(tenant, row->tenant.len);
}

static void put_type(struct story_store *store, const struct type_row *row)
{
    EXPECT(row->no < 4);
    char *type = store->type_names[row->no][0];
    char *tenant = store->type_names[row->no][1];
    memcpy(type, row->type.data, row->type.len);
    memcpy(tenant, row->tenant.data, row->tenant.len);
    store->types[row->no] = *row;
    store->types[row->no].type = slice_of(type, row->type.len);
    store->types[row->no].tenant = slice_of(tenant, row->tenant.len);
}

static void put_policy(struct story_store *store, const struct write_policy *policy)
{
    store->policies[policy->no] = policy->policy;
    if (policy->no >= store->policy_count)
        store->policy_count = policy->no + 1u;
}

static struct schedule_row *schedule_of(struct story_store *store, struct slice name)
{
    uint32_t free = 4;
    for (uint32_t i = 0; i < 4; i++) {
        if (slice_equal(store->schedules[i].name, name))
            return &store->schedules[i];
        if (store->schedules[i].name.len == 0 && free == 4)
            free = i;
    }
    EXPECT(free < 4);
    memcpy(store->schedule_names[free], name.data, name.len);
    store->schedules[free].name = slice_of(store->schedule_names[free], name.len);
    return &store->schedules[free];
}

static void put_schedule(struct story_store *store, const struct schedule_row *row)
{
    struct schedule_row *stored = schedule_of(store, row->name);
    struct slice name = stored->name;
    *stored = *row;
    stored->name = name;
}

static struct operation_row *operation_of(struct story_store *store, const struct id *id)
{
    for (uint32_t i = 0; i < STORY_OPERATIONS; i++)
        if (id_equal(&store->operations[i].id, id))
            return &store->operations[i];
    return NULL;
}

// Stories give no names that do not last.
static void put_operation(struct story_store *store, const struct operation_row *row)
{
    struct operation_row *stored = operation_of(store, &row->id);
    if (stored == NULL)
        stored = operation_of(store, &(struct id){{0}});
    EXPECT(stored != NULL);
    *stored = *row;
    stored->filter.queue = (struct slice){0};
    stored->filter.type = (struct slice){0};
    stored->actor = slice_of_text("me");
    stored->cancelled_by = row->cancelled_by.len > 0 ? stored->actor : (struct slice){0};
}

static struct story_endpoint *endpoint_of(struct story_store *store, const struct endpoint_row *row)
{
    struct story_endpoint *free = NULL;
    for (uint32_t i = 0; i < STORY_ENDPOINTS; i++) {
        struct story_endpoint *at = &store->endpoints[i];
        if (at->row.generation == 0)
            free = at;
        else if (slice_equal(at->row.given.webhook_id, row->given.webhook_id) &&
                 slice_equal(at->row.tenant, row->tenant))
            return at;
    }
    EXPECT(free != NULL);
    return free;
}

static void put_endpoint(struct story_store *store, const struct endpoint_row *row)
{
    struct story_endpoint *stored = endpoint_of(store, row);
    struct arena room = {.data = stored->text, .cap = sizeof stored->text};
    stored->row = endpoints_copy(row, &room);
}

// What the row borrows is gone after the batch.
static void put_dep(struct story_store *store, const struct dep_row *row)
{
    struct id *parents = store->parents[row->no];
    memcpy(parents, row->parents.items, row->parents.count * sizeof *parents);
    store->deps[row->no] = *row;
    store->deps[row->no].parents.items = parents;
}

static void apply_one(struct story_store *store, const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB: put_job(store, &write->job); return;
    case WRITE_LANE: put_lane(store, &write->lane); return;
    case DROP_LANE: store->lanes[write->lane.no] = (struct lane_row){0}; return;
    case WRITE_TYPE: put_type(store, &write->type); return;
    case WRITE_QUEUE: put_queue(store, &write->queue); return;
    case DROP_QUEUE: store->queues[write->queue.no] = (struct queue_row){0}; return;
    case WRITE_POLICY: put_policy(store, &write->policy); return;
    case WRITE_BATCH: put_batch(store, &write->batch); return;
    case DROP_BATCH: store->batches[write->batch.no] = (struct batch_row){0}; return;
    case WRITE_LEDGER: store->ledger = write->ledger; return;
    case WRITE_UNIQUE: store->uniques[write->unique.no] = write->unique; return;
    case DROP_UNIQUE: store->uniques[write->unique.no] = (struct unique_row){0}; return;
    case DROP_JOB: drop_job(store, write->drop.no); return;
    case WRITE_SCHEDULE: put_schedule(store, &write->schedule.row); return;
    case DROP_SCHEDULE:
        *schedule_of(store, write->schedule.row.name) = (struct schedule_row){0};
        return;
    case WRITE_OPERATION: put_operation(store, &write->operation); return;
    case DROP_OPERATION:
        *operation_of(store, &write->operation.id) = (struct operation_row){0};
        return;
    case WRITE_ENDPOINT: put_endpoint(store, &write->endpoint); return;
    case DROP_ENDPOINT:
        endpoint_of(store, &write->endpoint)->row = (struct endpoint_row){0};
        return;
    case WRITE_DEP: put_dep(store, &write->dep); return;
    case DROP_DEP: store->deps[write->dep.no] = (struct dep_row){0}; return;
    case WRITE_BODY: put_body(store, &write->body); return;
    case WRITE_OUTCOME:
    case WRITE_PROGRESS:
    case WRITE_EVENT:
    case WRITE_LOG:
    case DROP_BODY: return; // the core never asks for bodies
    }
    UNREACHABLE();
}

void story_store_apply(struct story_store *store, const struct write *writes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        apply_one(store, &writes[i]);
}

static err load_jobs(const struct story_store *store, struct core *core)
{
    err loaded = OK;
    for (uint32_t i = 0; i < store->job_count && loaded == OK; i++) {
        const struct job_row *row = &store->jobs[i];
        if (row->state < JOB_SUCCEEDED)
            loaded = core_load_job(core, row);
        if (loaded == OK && id_version(&row->id) == 8)
            loaded = core_load_key(core, &row->id, row->no);
    }
    return loaded;
}

err story_store_load(struct story_store *store, struct core *core)
{
    err loaded = store->ledger.job_no_next > 0 ? core_load_ledger(core, &store->ledger) : OK;
    for (uint32_t i = 0; i < STORY_ROWS_MAX && loaded == OK; i++)
        if (store->queues[i].queue.len > 0)
            loaded = core_load_queue(core, &store->queues[i]);
    for (uint32_t i = 0; i < 4 && loaded == OK; i++)
        if (store->types[i].type.len > 0)
            loaded = core_load_type(core, &store->types[i]);
    for (uint32_t i = 0; i < store->lane_count && loaded == OK; i++)
        if (store->lanes[i].type.len > 0)
            loaded = core_load_lane(core, &store->lanes[i]);
    for (uint32_t i = 0; i < store->policy_count && loaded == OK; i++)
        loaded = core_load_policy(core, (uint16_t)i, &store->policies[i]);
    for (uint32_t i = 0; i < STORY_ROWS_MAX && loaded == OK; i++)
        if (!id_is_zero(&store->batches[i].id))
            loaded = core_load_batch(core, &store->batches[i]);
    for (uint32_t i = 0; i < 4 && loaded == OK; i++)
        if (store->schedules[i].name.len > 0)
            loaded = core_load_schedule(core, &store->schedules[i]);
    for (uint32_t i = 0; i < STORY_OPERATIONS && loaded == OK; i++)
        if (!id_is_zero(&store->operations[i].id))
            loaded = core_load_operation(core, &store->operations[i]);
    for (uint32_t i = 0; i < STORY_ENDPOINTS && loaded == OK; i++)
        if (store->endpoints[i].row.generation > 0)
            loaded = core_load_endpoint(core, &store->endpoints[i].row);
    if (loaded == OK)
        loaded = load_jobs(store, core);
    for (uint32_t i = 0; i < STORY_ROWS_MAX && loaded == OK; i++)
        if (store->uniques[i].no != 0)
            loaded = core_load_unique(core, &store->uniques[i]);
    for (uint32_t i = 0; i < STORY_ROWS_MAX && loaded == OK; i++)
        if (store->deps[i].no != 0)
            loaded = core_load_dep(core, &store->deps[i]);
    return loaded == OK ? core_load_second_lives(core) : loaded;
}
