// Acts: clients cancel what they or others have submitted, at any moment, and say it again until it
// is answered.

#include "tests/sim/sim.h"

enum { RECENT = 12, REPEAT_MS = 700 };

static void say(struct sim *sim, struct sim_act *act)
{
    act->repeat_at = sim->now.mono + REPEAT_MS;
    world_send(sim, sim->clients[act->client].peer, true,
               &(struct msg){.kind = MSG_ACT, .corr = act->corr, .act = act->act});
}

static const struct intent *pick_intent(struct sim *sim)
{
    if (sim->intent_count == 0)
        return NULL;
    uint32_t recent = sim->intent_count < RECENT ? sim->intent_count : RECENT;
    return &sim->intents[sim->intent_count - 1 - world_below(sim, recent)];
}

static void add(struct sim *sim, uint32_t client)
{
    const struct intent *intent = pick_intent(sim);
    if (intent == NULL || sim->act_count == SIM_ACTS)
        return;
    struct sim_act *act = &sim->acts[sim->act_count++];
    *act = (struct sim_act){.client = client, .corr = ++sim->corr_next, .is_open = true};
    act->act = (struct msg_act){.kind = ACT_CANCEL,
                                .job_id = intent->job.job_id,
                                .actor = slice_of_text("sim"),
                                .act_id = id_v7(sim->now.store, 7, prng_next(&sim->prng))};
}

void act_turn(struct sim *sim, uint32_t client)
{
    if (plan_optional(sim, 5))
        add(sim, client);
    for (uint32_t i = 0; i < sim->act_count; i++) {
        struct sim_act *act = &sim->acts[i];
        if (act->client == client && act->is_open && sim->now.mono >= act->repeat_at)
            say(sim, act);
    }
}

struct sim_act *act_of(struct sim *sim, uint64_t corr)
{
    for (uint32_t i = 0; i < sim->act_count; i++)
        if (sim->acts[i].corr == corr)
            return &sim->acts[i];
    return NULL;
}

void act_receive(struct sim *sim, const struct msg *msg)
{
    struct sim_act *act = act_of(sim, msg->corr);
    if (act != NULL && !err_may_retry(msg->acted.error))
        act->is_open = false;
}

bool act_was_asked(const struct sim *sim, enum act_kind kind, const struct id *job_id)
{
    for (uint32_t i = 0; i < sim->act_count; i++)
        if (sim->acts[i].act.kind == kind && id_equal(&sim->acts[i].act.job_id, job_id))
            return true;
    return false;
}
