// What a run may do without: steps, submissions, faults, whims. Each has a name, made of the step,
// the actor, and how many that actor had in this step, so that leaving some out does not rename
// the others; and each turn has random numbers of its own, so that it does not change their dice.

#include "tests/sim/sim.h"

enum { ORDINAL_STEP = 255 };

static uint32_t name_of(const struct sim *sim, uint32_t actor, uint32_t ordinal)
{
    return sim->step << 16 | actor << 8 | ordinal;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

// An optional event is about to happen; false when this run is to do without it.
static bool let_happen(struct sim *sim, uint32_t name)
{
    const struct plan *plan = sim->plan;
    if (plan->is_limited &&
        bsearch(&name, plan->names, plan->count, sizeof plan->names[0], compare) == NULL)
        return false;
    SIM_EXPECT(sim->happened_count < SIM_EVENTS, "room for optional events");
    sim->happened[sim->happened_count++] = name;
    return true;
}

bool plan_begin_step(struct sim *sim)
{
    sim->step++;
    memset(sim->turns, 0, sizeof sim->turns);
    return sim->is_healed || let_happen(sim, name_of(sim, ACTOR_WORLD, ORDINAL_STEP));
}

void plan_begin_turn(struct sim *sim, uint32_t actor)
{
    SIM_EXPECT(actor < ACTOR_COUNT, "an actor is one of ours");
    sim->actor = actor;
    uint64_t turn = (uint64_t)name_of(sim, actor, 0) << 16 | sim->turns[actor].count++;
    sim->prng = prng_of(prng_mix(sim->seed) ^ prng_mix(turn));
}

bool plan_optional(struct sim *sim, unsigned percent)
{
    if (sim->is_healed || !prng_chance(&sim->prng, percent))
        return false;
    struct turns *turns = &sim->turns[sim->actor];
    if (turns->event_count == ORDINAL_STEP)
        return false;
    return let_happen(sim, name_of(sim, sim->actor, turns->event_count++));
}

bool plan_usual(struct sim *sim)
{
    return sim->is_healed || plan_optional(sim, 100);
}
