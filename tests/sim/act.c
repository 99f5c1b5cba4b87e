// Acts: clients cancel, delete and retry what they or others have submitted, at any moment, and say
// it again until it is answered.

#include "proto/check.h"
#include "tests/sim/sim.h"

// An act that is under way must not be overtaken by the next one on the same job: the job remembers
// only the last.
enum { RECENT = 12, REPEAT_MS = 700, APART_MS = 12 * 1000 };

static void say(struct sim *sim, struct sim_act *act)
{
    act->repeat_at = sim->now.mono + REPEAT_MS;
    const struct job_row *row = model_find(&sim->store, &act->act.job_id);
    act->asked_no = row != NULL ? row->no : 0;
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

// Is it known by its id, so that the same said again is not done again?
static bool is_remembered(enum act_kind kind)
{
    return kind == ACT_RETRY || kind == ACT_RUN_NOW;
}

// One that the act can change, if the dice hit one.
static const struct intent *pick_fitting(struct sim *sim, enum act_kind kind)
{
    uint32_t states = check_operate_states(kind);
    for (uint32_t i = 0; i < RECENT && sim->intent_count > 0; i++) {
        const struct intent *intent = &sim->intents[world_below(sim, sim->intent_count)];
        const struct job_row *row = model_find(&sim->store, &intent->job.job_id);
        if (row != NULL && (states & 1u << row->state) != 0)
            return intent;
    }
    return pick_intent(sim);
}

static bool is_under_way(const struct sim *sim, const struct id *job_id)
{
    for (uint32_t i = 0; i < sim->act_count; i++)
        if (is_remembered(sim->acts[i].act.kind) && id_equal(&sim->acts[i].act.job_id, job_id) &&
            (sim->acts[i].is_open || sim->now.mono < sim->acts[i].repeat_at + APART_MS))
            return true;
    return false;
}

static enum act_kind pick_kind(struct sim *sim)
{
    uint64_t dice = world_below(sim, 100);
    if (dice < 40)
        return ACT_CANCEL;
    if (dice < 65)
        return ACT_RUN_NOW;
    return dice < 90 ? ACT_RETRY : ACT_DELETE;
}

static void tell_worker(struct sim *sim, uint32_t client)
{
    if (sim->act_count == SIM_ACTS)
        return;
    struct sim_act *act = &sim->acts[sim->act_count++];
    *act = (struct sim_act){.client = client, .corr = ++sim->corr_next, .is_open = true};
    act->act = (struct msg_act){.kind = world_chance(sim, 50) ? ACT_QUIET : ACT_STOP,
                                .worker_id = sim->workers[world_below(sim, SIM_WORKERS)].id,
                                .actor = slice_of_text("sim"),
                                .act_id = id_v7(sim->now.store, 7, prng_next(&sim->prng))};
}

static void add(struct sim *sim, uint32_t client)
{
    enum act_kind kind = pick_kind(sim);
    const struct intent *intent = is_remembered(kind) ? pick_fitting(sim, kind) : pick_intent(sim);
    if (intent == NULL || sim->act_count == SIM_ACTS)
        return;
    if (is_remembered(kind) && is_under_way(sim, &intent->job.job_id))
        return;
    struct sim_act *act = &sim->acts[sim->act_count++];
    *act = (struct sim_act){.client = client, .corr = ++sim->corr_next, .is_open = true};
    act->act = (struct msg_act){.kind = kind,
                                .job_id = intent->job.job_id,
                                .actor = slice_of_text("sim"),
                                .act_id = id_v7(sim->now.store, 7, prng_next(&sim->prng))};
}

void act_turn(struct sim *sim, uint32_t client)
{
    if (plan_optional(sim, 8))
        add(sim, client);
    if (world_chance(sim, 2) && plan_optional(sim, 10))
        tell_worker(sim, client);
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
    // Whoever has not been told yet asks again; one in five does so anyhow.
    bool again =
        act != NULL && is_remembered(act->act.kind) && act->count > 0 && plan_optional(sim, 20);
    if (again)
        watch_seen(act->act.kind == ACT_RETRY ? SEEN_RETRIED_TWICE : SEEN_RUN_NOW_TWICE);
    if (act != NULL && !again && (sim->is_healed || !err_may_retry(msg->acted.error)))
        act->is_open = false;
}

static struct sim_act *act_by_low(struct sim *sim, uint64_t wanted)
{
    for (uint32_t i = 0; i < sim->act_count; i++) {
        uint64_t low;
        memcpy(&low, sim->acts[i].act.act_id.bytes + 8, sizeof low);
        if (low == wanted)
            return &sim->acts[i];
    }
    return NULL;
}

// An act on many has done what this one did before; whoever lost the answer asks once more.
static void come_late(struct sim *sim, const struct id *job_id)
{
    struct ledger_view view = ledger_lookup(&sim->shell.core->ledger, job_id);
    uint32_t last = sim->act_count;
    while (last > 0 &&
           (sim->acts[last - 1].count == 0 || sim->acts[last - 1].job_no != view.row.no))
        last--;
    if (last == 0 || sim->acts[last - 1].is_open)
        return;
    sim->acts[last - 1].is_open = true;
    sim->acts[last - 1].repeat_at = sim->now.mono + 1000 + (when_ms)world_below(sim, 4000);
    watch_seen(SEEN_RETRY_LATE);
}

void act_applied(struct sim *sim, const struct entry *entry)
{
    bool is_retry = entry->kind == ENTRY_RETRY;
    if (!is_retry && entry->kind != ENTRY_RUN_NOW)
        return;
    if (slice_is_text(entry->actor, SIM_OPERATOR)) {
        if (is_retry)
            come_late(sim, &entry->job_id);
        return;
    }
    if (!is_retry && entry->run_now.act == 0)
        return; // since an endpoint has another url
    struct sim_act *act = act_by_low(sim, is_retry ? entry->retry.act : entry->run_now.act);
    SIM_EXPECT(act != NULL, "an act is one of ours");
    // An act that is still repeated when its id is used again concerns the new job, too.
    uint64_t no = is_retry ? entry->retry.job_no : entry->run_now.job_no;
    act->count = act->job_no == no ? act->count + 1 : 1;
    act->job_no = no;
    SIM_EXPECT(act->count == 1, "an act is applied once");
    watch_seen(is_retry ? SEEN_RETRIED : SEEN_RUN_NOW);
}

bool act_was_asked(struct sim *sim, enum act_kind kind, const struct id *job_id)
{
    for (uint32_t i = 0; i < sim->act_count; i++)
        if (sim->acts[i].act.kind == kind && id_equal(&sim->acts[i].act.job_id, job_id) &&
            watch_tenant_owns(sim, sim->clients[sim->acts[i].client].tenant, job_id))
            return true;
    return false;
}
