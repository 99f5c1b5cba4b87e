// A small table that is walked, and a ring of workers.

#include "broker/core/simulations.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"

static_assert(MSG_TYPES_MAX <= 64, "a bit for each type");

size_t simulations_size(const struct limits *limits)
{
    return limits->worker_count_max * sizeof(struct simulator);
}

void simulations_init(struct simulations *simulations, void *memory, const struct limits *limits)
{
    simulations->simulators = memory;
    simulations->cap = limits->worker_count_max;
    simulations->head = SIMULATIONS_NONE;
}

static struct simulator *simulator_of(const struct simulations *simulations, uint32_t worker)
{
    CHECK(worker < simulations->cap);
    return &simulations->simulators[worker];
}

// --- who offers it ---

static void enter(struct simulations *simulations, uint32_t worker)
{
    struct simulator *own = simulator_of(simulations, worker);
    if (simulations->head == SIMULATIONS_NONE) {
        own->prev = own->next = worker;
        simulations->head = worker;
        return;
    }
    // Behind the last one, which is before the head.
    struct simulator *head = simulator_of(simulations, simulations->head);
    own->prev = head->prev;
    own->next = simulations->head;
    simulator_of(simulations, head->prev)->next = worker;
    head->prev = worker;
}

static void leave(struct simulations *simulations, uint32_t worker)
{
    const struct simulator *own = simulator_of(simulations, worker);
    if (simulations->head == worker)
        simulations->head = own->next == worker ? SIMULATIONS_NONE : own->next;
    simulator_of(simulations, own->prev)->next = own->next;
    simulator_of(simulations, own->next)->prev = own->prev;
}

static uint64_t types_of(const struct msg_ready *ready)
{
    uint64_t types = 0;
    for (uint32_t i = 0; i < ready->simulate_count; i++)
        for (uint32_t n = 0; n < ready->type_count; n++)
            if (slice_equal(ready->types[n], ready->simulates[i]))
                types |= (uint64_t)1 << n;
    return ready->quiet || ready->simulation_slots == 0 ? 0 : types;
}

static void set_types(struct simulations *simulations, uint32_t worker, uint64_t types)
{
    struct simulator *own = simulator_of(simulations, worker);
    if (own->types != 0)
        leave(simulations, worker);
    own->types = types;
    if (types != 0)
        enter(simulations, worker);
}

void simulations_offer(struct simulations *simulations, uint32_t worker,
                       const struct msg_ready *ready)
{
    uint32_t slots = ready->simulation_slots;
    set_types(simulations, worker, types_of(ready));
    simulator_of(simulations, worker)->slots =
        slots < SIMULATIONS_WORKER_MAX ? slots : SIMULATIONS_WORKER_MAX;
}

void simulations_close(struct simulations *simulations, uint32_t worker)
{
    struct simulator *own = simulator_of(simulations, worker);
    set_types(simulations, worker, 0);
    own->slots = 0;
    if (own->asked == 0)
        return;
    own->asked = 0;
    for (uint32_t i = 0; i < SIMULATIONS_MAX; i++) {
        struct simulation_under_way *item = &simulations->items[i];
        if (item->no == 0 || item->worker != worker)
            continue;
        item->worker = SIMULATIONS_NONE;
        item->ends_at = 0; // at the next tick
    }
}

uint32_t simulations_first(const struct simulations *simulations)
{
    return simulations->head;
}

uint32_t simulations_next(const struct simulations *simulations, uint32_t worker)
{
    uint32_t next = simulator_of(simulations, worker)->next;
    return next == simulations->head ? SIMULATIONS_NONE : next;
}

bool simulations_has_offer(const struct simulations *simulations, uint32_t worker, uint32_t type)
{
    CHECK(type < MSG_TYPES_MAX);
    return (simulator_of(simulations, worker)->types >> type & 1) != 0;
}

bool simulations_has_slot(const struct simulations *simulations, uint32_t worker)
{
    const struct simulator *own = simulator_of(simulations, worker);
    return own->asked < own->slots;
}

// --- what is under way ---

bool simulations_has_room(const struct simulations *simulations, struct slice tenant)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < SIMULATIONS_MAX; i++)
        own +=
            simulations->items[i].no != 0 && origin_is_tenant(simulations->items[i].tenant, tenant);
    return simulations->count < SIMULATIONS_MAX && own < SIMULATIONS_TENANT_MAX;
}

const struct simulation_under_way *simulations_ask(struct simulations *simulations,
                                                   const struct simulation_under_way *asked)
{
    uint32_t place = 0;
    struct simulator *own = simulator_of(simulations, asked->worker);
    CHECK(simulations->count < SIMULATIONS_MAX && own->asked < own->slots);
    while (simulations->items[place].no != 0)
        place++;
    struct simulation_under_way *item = &simulations->items[place];
    *item = *asked;
    item->no = SIMULATIONS_NO_BASE + ++simulations->last_no;
    simulations->count++;
    simulations->head = own->next; // the next one's turn
    own->asked++;
    return item;
}

bool simulations_is_asked(const struct simulations *simulations, uint32_t client, uint64_t corr)
{
    for (uint32_t i = 0; i < SIMULATIONS_MAX; i++) {
        const struct simulation_under_way *item = &simulations->items[i];
        if (item->no != 0 && item->client == client && item->corr == corr)
            return true;
    }
    return false;
}

bool simulations_answered(struct simulations *simulations, uint32_t worker, uint64_t no,
                          uint32_t *out_place)
{
    uint32_t under_way = 0;
    uint32_t place = SIMULATIONS_NONE;
    struct simulator *own = simulator_of(simulations, worker);
    for (uint32_t i = 0; i < SIMULATIONS_MAX; i++) {
        const struct simulation_under_way *item = &simulations->items[i];
        if (item->no == 0 || item->worker != worker)
            continue;
        under_way++;
        if (item->no == no)
            place = i;
    }
    CHECK(own->asked >= under_way);
    if (place == SIMULATIONS_NONE && own->asked == under_way)
        return false;
    own->asked--;
    *out_place = place;
    return true;
}

uint32_t simulations_earliest(const struct simulations *simulations)
{
    uint32_t first = SIMULATIONS_NONE;
    for (uint32_t i = 0; i < SIMULATIONS_MAX && simulations->count > 0; i++) {
        const struct simulation_under_way *item = &simulations->items[i];
        if (item->no != 0 &&
            (first == SIMULATIONS_NONE || item->ends_at < simulations->items[first].ends_at))
            first = i;
    }
    return first;
}

when_ms simulations_deadline(const struct simulations *simulations)
{
    uint32_t first = simulations_earliest(simulations);
    return first == SIMULATIONS_NONE ? WHEN_NEVER : simulations->items[first].ends_at;
}

struct simulation_under_way *simulations_at(struct simulations *simulations, uint32_t place)
{
    CHECK(place < SIMULATIONS_MAX && simulations->items[place].no != 0);
    return &simulations->items[place];
}

void simulations_end(struct simulations *simulations, uint32_t place)
{
    simulations_at(simulations, place)->no = 0;
    simulations->count--;
}

void simulations_forget(struct simulations *simulations, uint32_t client)
{
    for (uint32_t i = 0; i < SIMULATIONS_MAX && simulations->count > 0; i++)
        if (simulations->items[i].no != 0 && simulations->items[i].client == client)
            simulations_end(simulations, i);
}
