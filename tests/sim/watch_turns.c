// Turns: among queues of a tenant, and among tenants, the numbers of grants stand to each other as
// the weights do. Passes are recomputed from weights and grants alone.
//
// The bound, and why. A grant costs a member (queue or tenant) of weight w a stride s = ONE / w. Let
// v be the pass of the member served last. The smallest pass is served, and who comes back starts at
// v at least; so v never falls, and no member that can be served is below it. A member was at v
// when it paid last, so none is above v + s. Over a span in which both A and B could be served
// whenever one of their like was, neither is lifted: the pass of each grows by grants x s, and by
// the growth of v, give or take one s. So in each part of the span
//
//     | grants of A x s of A - grants of B x s of B | <= s of A + s of B
//
// One that has not paid since its weight changed may be its old stride above v; so the larger of
// both counts in the span.

#include "tests/sim/fair.h"

enum {
    STRIDE_ONE = 12, // each weight here divides it
    TURNS_SEEN = 4,  // grants of a span that count as a situation
};

struct pair {
    bool is_on;
    int64_t lead, least, most; // of the pass of the first
    int64_t bound;
    uint32_t strides[2];
    uint32_t grants[2];
};

// Members of one kind, by number.
struct level {
    uint32_t paid[SIM_QUEUES]; // the stride when it was served last
    struct pair pairs[SIM_QUEUES][SIM_QUEUES];
    enum sim_situation situation;
};

// As they are at one grant.
struct turn {
    bool is_ready[SIM_QUEUES];
    uint32_t strides[SIM_QUEUES];
    uint32_t owners[SIM_QUEUES];
    uint32_t served;
};

static struct level queue_level, tenant_level;
static uint32_t given[SIM_WORKERS]; // jobs, in this dispatch

void watch_turns_start(void)
{
    memset(&queue_level, 0, sizeof queue_level);
    memset(&tenant_level, 0, sizeof tenant_level);
    queue_level.situation = SEEN_TURNS;
    tenant_level.situation = SEEN_TENANT_TURNS;
}

void watch_turns_before(void)
{
    memset(given, 0, sizeof given);
}

static void end_spans(struct level *level)
{
    for (uint32_t a = 0; a < SIM_QUEUES; a++)
        for (uint32_t b = 0; b < SIM_QUEUES; b++)
            level->pairs[a][b].is_on = false;
}

void watch_turns_forget(void)
{
    end_spans(&queue_level);
    end_spans(&tenant_level);
}

static uint32_t queue_of(const struct sim *sim, uint32_t slot)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    return lanes_queue(&ledger->lanes, jobs_at(&ledger->jobs, slot)->lane);
}

// --- who could be served, for certain ---

// Whether a rate holds it now is not known here.
static bool is_open(const struct sim *sim, const struct fair *fair, uint32_t queue)
{
    const struct queue_row *row = queues_peek(&sim->shell.core->ledger.queues, queue);
    uint32_t running = 0;
    for (uint32_t slot = 0; slot < fair->used; slot++)
        running += fair->states[slot] == JOB_RUNNING && queue_of(sim, slot) == queue;
    return (row->paused & DIRECTION_OUT) == 0 && row->settings.rate.count == 0 &&
           (row->settings.running_max == 0 || running < row->settings.running_max);
}

static bool has_worker(const struct sim *sim, uint32_t slot)
{
    const struct job *job = jobs_at(&sim->shell.core->ledger.jobs, slot);
    for (uint32_t worker = 0; worker < SIM_WORKERS; worker++)
        if (watch_waiting_takes(sim, worker, job, given[worker]))
            return true;
    return false;
}

static void find_ready(const struct sim *sim, const struct fair *fair, struct turn *queues)
{
    for (uint32_t slot = 0; slot < fair->used; slot++) {
        if (fair->states[slot] != JOB_QUEUED)
            continue;
        uint32_t queue = queue_of(sim, slot);
        SIM_EXPECT(queue < SIM_QUEUES, "room for queues");
        if (!queues->is_ready[queue])
            queues->is_ready[queue] = watch_fair_may(sim, fair, slot) &&
                                      is_open(sim, fair, queue) && has_worker(sim, slot);
    }
}

static void look(const struct sim *sim, const struct fair *fair, struct turn *queues,
                 struct turn *tenants)
{
    const struct queues *table = &sim->shell.core->ledger.queues;
    find_ready(sim, fair, queues);
    for (uint32_t queue = 0; queue < queues_count(table); queue++) {
        if (!queues_is_known(table, queue))
            continue;
        uint32_t weight = queues_peek(table, queue)->settings.weight;
        uint32_t tenant = queues_tenant(table, queue);
        SIM_EXPECT(weight == 0 || STRIDE_ONE % weight == 0, "a weight divides the stride");
        queues->strides[queue] = weight == 0 ? STRIDE_ONE : STRIDE_ONE / weight;
        queues->owners[queue] = tenant;
        tenants->strides[tenant] = STRIDE_ONE;
        tenants->is_ready[tenant] = tenants->is_ready[tenant] || queues->is_ready[queue];
    }
}

// --- pairs ---

static int64_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void begin(struct level *level, const struct turn *turn, uint32_t a, uint32_t b)
{
    level->pairs[a][b] = (struct pair){.is_on = true,
                                       .bound = larger(level->paid[a], turn->strides[a]) +
                                                larger(level->paid[b], turn->strides[b]),
                                       .strides = {turn->strides[a], turn->strides[b]}};
}

static void check_pair(struct level *level, const struct turn *turn, uint32_t a, uint32_t b)
{
    struct pair *pair = &level->pairs[a][b];
    if (!turn->is_ready[a] || !turn->is_ready[b]) {
        pair->is_on = false;
        return;
    }
    if (!pair->is_on || pair->strides[0] != turn->strides[a] ||
        pair->strides[1] != turn->strides[b])
        begin(level, turn, a, b);
    pair->grants[0] += turn->served == a;
    pair->grants[1] += turn->served == b;
    pair->lead += turn->served == a ? pair->strides[0] : 0;
    pair->lead -= turn->served == b ? pair->strides[1] : 0;
    pair->least = pair->lead < pair->least ? pair->lead : pair->least;
    pair->most = pair->lead > pair->most ? pair->lead : pair->most;
    SIM_EXPECT(pair->most - pair->least <= pair->bound, "shares are as the weights say");
    bool is_even = level == &tenant_level || pair->strides[0] != pair->strides[1];
    if (is_even && pair->grants[0] + pair->grants[1] == TURNS_SEEN)
        watch_seen(level->situation);
}

static void check_turn(struct level *level, const struct turn *turn)
{
    for (uint32_t a = 0; a < SIM_QUEUES; a++)
        for (uint32_t b = a + 1; b < SIM_QUEUES; b++)
            if (turn->owners[a] == turn->owners[turn->served] &&
                turn->owners[b] == turn->owners[turn->served])
                check_pair(level, turn, a, b);
    level->paid[turn->served] = turn->strides[turn->served];
}

void watch_turns(const struct sim *sim, const struct fair *fair, uint32_t slot, uint32_t peer)
{
    struct turn queues = {.served = queue_of(sim, slot)};
    struct turn tenants = {0};
    tenants.served = queues_tenant(&sim->shell.core->ledger.queues, queues.served);
    look(sim, fair, &queues, &tenants);
    check_turn(&queue_level, &queues);
    check_turn(&tenant_level, &tenants);
    given[watch_worker_of_peer(sim, peer)]++;
}
