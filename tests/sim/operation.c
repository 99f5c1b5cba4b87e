// Acts on many jobs: clients begin and cancel them, and the shell's part, which finds the jobs that fit in what is
// durable and proposes them, sometimes twice, sometimes wrongly.

#include "lib/base/origin.h"
#include "proto/check.h"
#include "proto/labels.h"
#include "tests/sim/sim.h"

enum { REPEAT_MS = 700, LONGEST_REST_MS = 1000 }; // rates are 1 a second at least

// --- clients ---

static struct slice some(struct sim *sim, const char *const *names)
{
    return world_chance(sim, 50) ? slice_of_text(names[world_below(sim, 3)]) : (struct slice){0};
}

static struct msg_operate new_operate(struct sim *sim)
{
    static const enum act_kind kinds[] = {ACT_CANCEL, ACT_RETRY, ACT_RUN_NOW, ACT_DELETE,
                                          ACT_PURGE};
    static const char *const queues[] = {"default", "mail", "slow"};
    static const char *const types[] = {"a", "b", "c"};
    static const uint32_t rates[] = {1, 3, 7, 40, 1001};
    struct msg_operate operate = {.kind = kinds[world_below(sim, 5)],
                                  .operation_id = id_v7(sim->now.store, 11, prng_next(&sim->prng)),
                                  .actor = slice_of_text(SIM_OPERATOR),
                                  .filter = {.queue = some(sim, queues), .type = some(sim, types)}};
    // As intake does: the states that the act can change, or some of them.
    operate.filter.states = check_operate_states(operate.kind);
    uint32_t some_states = (uint32_t)world_below(sim, 1u << JOB_STATES);
    if (world_chance(sim, 30) && (operate.filter.states & some_states) != 0)
        operate.filter.states &= some_states;
    if (world_chance(sim, 20))
        operate.filter.created_after = sim->now.store - (when_ms)world_below(sim, 20000);
    if (world_chance(sim, 20))
        operate.filter.created_before = sim->now.store - (when_ms)world_below(sim, 5000);
    if (world_chance(sim, 20))
        operate.filter.tag = slice_of_text("r");
    if (world_chance(sim, 40))
        operate.rate = rates[world_below(sim, sizeof rates / sizeof rates[0])];
    return operate;
}

// Another tenant's or its own, and seldom one that is over; zero: none.
static struct id some_operation(struct sim *sim)
{
    const struct operation_row *row = &sim->store.operations[world_below(sim, SIM_OPERATIONS)].row;
    return operations_is_over(row) && !world_chance(sim, 10) ? (struct id){{0}} : row->id;
}

static void add(struct sim *sim, uint32_t client, struct msg_operate operate)
{
    SIM_EXPECT(sim->operate_count < SIM_OPERATES, "there is room for an act on many");
    sim->operates[sim->operate_count++] = (struct sim_operate){
        .operate = operate, .corr = ++sim->corr_next, .client = client, .is_open = true};
}

static void say(struct sim *sim, struct sim_operate *operate)
{
    operate->repeat_at = sim->now.mono + REPEAT_MS;
    world_send(
        sim, sim->clients[operate->client].peer, true,
        &(struct msg){.kind = MSG_OPERATE, .corr = operate->corr, .operate = operate->operate});
}

void operation_turn(struct sim *sim, uint32_t client)
{
    if (sim->has_operations && sim->operate_count < SIM_OPERATES && plan_optional(sim, 1))
        add(sim, client, new_operate(sim));
    if (operation_is_running(sim) && sim->operate_count < SIM_OPERATES && plan_optional(sim, 8)) {
        struct id id = some_operation(sim);
        if (!id_is_zero(&id))
            add(sim, client,
                (struct msg_operate){
                    .kind = ACT_STOP, .operation_id = id, .actor = slice_of_text(SIM_OPERATOR)});
    }
    for (uint32_t i = 0; i < sim->operate_count; i++) {
        struct sim_operate *operate = &sim->operates[i];
        if (operate->client == client && operate->is_open && sim->now.mono >= operate->repeat_at)
            say(sim, operate);
    }
}

static struct sim_operate *operate_of(struct sim *sim, uint64_t corr)
{
    for (uint32_t i = 0; i < sim->operate_count; i++)
        if (sim->operates[i].corr == corr)
            return &sim->operates[i];
    return NULL;
}

void operation_receive(struct sim *sim, const struct msg *msg)
{
    struct sim_operate *operate = operate_of(sim, msg->corr);
    // Whoever has not been told yet asks again; one in five does so anyhow.
    if (operate == NULL || plan_optional(sim, 20))
        return;
    if (sim->is_healed || !err_may_retry(msg->operation_is.error))
        operate->is_open = false;
}

bool operation_was_asked(const struct sim *sim, enum act_kind kind, struct slice tenant)
{
    for (uint32_t i = 0; i < sim->operate_count; i++)
        if (sim->operates[i].operate.kind == kind &&
            origin_is_tenant(sim->clients[sim->operates[i].client].tenant, tenant))
            return true;
    return false;
}

bool operation_end_was_asked(const struct sim *sim, const struct id *id, struct slice tenant)
{
    for (uint32_t i = 0; i < sim->operate_count; i++)
        if (sim->operates[i].operate.kind == ACT_STOP &&
            id_equal(&sim->operates[i].operate.operation_id, id) &&
            origin_is_tenant(sim->clients[sim->operates[i].client].tenant, tenant))
            return true;
    return false;
}

// --- the shell ---

// A reader's snapshot may be ahead of what the core has heard: the batch being flushed is in it.
static struct job_row seen_row(const struct sim *sim, uint64_t no, bool is_ahead)
{
    struct job_row row = sim->store.rows[no];
    const struct sim_batch *first = &sim->shell.batches[0];
    if (!is_ahead || sim->shell.batch_count == 0 || first->state != BATCH_COMMITTING)
        return row;
    for (uint32_t i = 0; i < first->fx.write_count; i++)
        if (first->fx.writes[i].kind == WRITE_JOB && first->fx.writes[i].job.row.no == no)
            row = first->fx.writes[i].job.row;
    return row;
}

static bool is_name(struct slice wanted, struct slice name)
{
    return wanted.len == 0 || slice_equal(wanted, name);
}

// Stored, or on its way there.
static const struct msg_submit_job *body_of(const struct sim *sim, uint64_t no)
{
    const struct msg_submit_job *body = sim->store.bodies[no];
    for (uint32_t i = 0; body == NULL && i < sim->shell.batch_count; i++)
        body = effects_body(&sim->shell.batches[i].fx, no);
    return body;
}

// An id is always submitted with the same labels.
static bool is_tagged(const struct sim *sim, struct slice tag, const struct job_row *row)
{
    if (tag.len == 0)
        return true;
    for (uint32_t i = 0; i < sim->intent_count; i++)
        if (id_equal(&sim->intents[i].job.job_id, &row->id))
            return labels_has_tag(sim->intents[i].job.labels, tag);
    const struct msg_submit_job *body = body_of(sim, row->no); // of a schedule, or a delivery
    return body != NULL && labels_has_tag(body->labels, tag);
}

bool operation_fits(const struct sim *sim, const struct operation_row *operation,
                    const struct job_row *row)
{
    const struct msg_filter *filter = &operation->filter;
    const struct lanes *lanes = &sim->shell.core->ledger.lanes;
    if (row->no == 0 || !lanes_is_known(lanes, row->lane))
        return false;
    struct lane_row lane = lanes_row(lanes, row->lane);
    return origin_is_tenant(lane.tenant, operation->tenant) &&
           (filter->states & 1u << row->state) != 0 && is_name(filter->queue, lane.queue) &&
           is_name(filter->type, lane.type) && row->accepted_at > filter->created_after &&
           (filter->created_before == 0 || row->accepted_at < filter->created_before) &&
           is_tagged(sim, filter->tag, row);
}

static struct operation_step *find_step(struct sim *sim, const struct operation_row *row)
{
    struct operation_step *step = arena_take(&sim->arena, sizeof *step);
    SIM_EXPECT(step != NULL, "the simulator's arena is too small");
    *step = (struct operation_step){.operation = row->id, .from = row->cursor, .next = row->cursor};
    uint32_t limit = 1 + (uint32_t)world_below(sim, 6);
    uint32_t examined_max = 8 + (uint32_t)world_below(sim, 100);
    bool is_ahead = world_chance(sim, 50);
    for (uint32_t i = 0; step->next > 0 && step->count < limit && i < examined_max; i++) {
        struct job_row job = seen_row(sim, step->next, is_ahead);
        if (operation_fits(sim, row, &job))
            step->items[step->count++] = (struct operation_item){.id = job.id, .no = job.no};
        step->next--;
    }
    return step;
}

static void decide(struct sim *sim, struct sim_batch *batch, const struct operation_step *step)
{
    struct command command = {.kind = COMMAND_STEP, .step = step};
    const struct operations *operations = &sim->shell.core->ledger.operations;
    uint32_t place = operations_find(operations, &step->operation);
    if (place != OPERATIONS_NONE &&
        step->count > operations_allowance(operations, place, sim->now.mono))
        watch_seen(SEEN_OPERATION_CUT);
    if (shell_fits(&sim->shell, batch, &command))
        shell_decide(sim, batch, &command);
}

// What a shell must never say, and the core must see through.
static void decide_wrongly(struct sim *sim, struct sim_batch *batch,
                           const struct operation_step *right)
{
    struct operation_step *step = arena_take(&sim->arena, sizeof *step);
    SIM_EXPECT(step != NULL, "the simulator's arena is too small");
    *step = *right;
    switch (world_below(sim, 3)) {
    case 0: step->from++; break; // from where it never stood
    case 1: step->next = step->from; break;
    default:
        if (step->count < 2)
            return;
        step->items[1] = step->items[0]; // one job twice
    }
    decide(sim, batch, step);
}

// A shell sleeps until there is one: the two questions have one answer.
static bool is_there(struct sim *sim, struct id *out_id)
{
    when_ms wait = core_operation_wait_ms(sim->shell.core, sim->now);
    bool is_there = core_next_operation(sim->shell.core, sim->now, out_id);
    SIM_EXPECT(is_there == (wait == 0), "a shell knows how long an operation rests");
    SIM_EXPECT(wait <= LONGEST_REST_MS || wait == WHEN_NEVER, "a rate is not fallen short of");
    if (!is_there && wait != WHEN_NEVER)
        watch_seen(SEEN_OPERATION_RESTS);
    return is_there;
}

void operation_propose(struct sim *sim, struct sim_batch *batch)
{
    struct id id;
    if (sim->shell.step != NULL) {
        const struct operation_step *step = sim->shell.step;
        sim->shell.step = NULL;
        if (plan_optional(sim, 5))
            decide_wrongly(sim, batch, step);
        decide(sim, batch, step);
        if (plan_optional(sim, 10)) {
            watch_seen(SEEN_STEP_TWICE);
            decide(sim, batch, step);
        }
    }
    if (world_chance(sim, 30) || !is_there(sim, &id))
        return;
    const struct operation_row *row = model_operation(&sim->store, &id);
    SIM_EXPECT(row != NULL && !operations_is_over(row),
               "an operation whose last step is settled is stored");
    sim->shell.step = find_step(sim, row);
}

bool operation_is_running(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->operate_count; i++)
        if (sim->operates[i].is_open)
            return true;
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++)
        if (!id_is_zero(&sim->store.operations[i].row.id) &&
            !operations_is_over(&sim->store.operations[i].row))
            return true;
    return false;
}
