// Webhook endpoints: clients set them, replace their secrets, switch them off and on, delete them, at
// any moment, and want to hear of ends and batches, where there are webhooks.

#include "tests/sim/sim.h"

static struct slice one_of(struct sim *sim, const char *const *texts, uint64_t count)
{
    return slice_of_text(texts[world_below(sim, count)]);
}

const char *const endpoint_ids[SIM_ENDPOINT_IDS] = {"one", "two", "three", "four"};

// Of the ends of jobs and of batches, each by chance; now and then none.
static uint32_t some_events(struct sim *sim)
{
    if (!sim->has_hooks || !plan_optional(sim, 80))
        return 0;
    uint32_t events = (uint32_t)world_below(sim, 16) << JOB_SUCCEEDED;
    if (world_chance(sim, 50))
        events |= WEBHOOK_PROGRESS;
    return world_chance(sim, 50) ? events | WEBHOOK_BATCH_FINISHED : events;
}

static struct msg_webhook_set some_act(struct sim *sim)
{
    static const enum webhook_act acts[] = {WEBHOOK_SET,    WEBHOOK_SET,     WEBHOOK_ROTATE,
                                            WEBHOOK_ENABLE, WEBHOOK_DISABLE, WEBHOOK_DELETE};
    static const char *const urls[] = {"https://a.test/", "https://b.test/hook"};
    static const char *const types[] = {"", "a", "a,b"};
    static const char *const tags[] = {"", "", "r", "g,r"};
    static const char *const secrets[] = {"s1", "s22", "s333"};
    struct msg_webhook_set set = {
        .act = acts[world_below(sim, 6)],
        .given = {.webhook_id = one_of(sim, endpoint_ids, SIM_ENDPOINT_IDS)}};
    if (set.act == WEBHOOK_SET || set.act == WEBHOOK_ROTATE)
        set.secret = one_of(sim, secrets, 3);
    if (set.act == WEBHOOK_ROTATE && world_chance(sim, 70))
        set.overlap_s = 1 + (uint32_t)world_below(sim, 3600);
    if (set.act == WEBHOOK_DISABLE) {
        set.reason = slice_of_text("410 Gone");
        if (world_chance(sim, 50))
            set.given.url = one_of(sim, urls, 2);
    }
    if (set.act == WEBHOOK_SET) {
        set.given.url = one_of(sim, urls, 2);
        set.given.events = some_events(sim);
        set.given.types = one_of(sim, types, 3);
        set.given.tags = one_of(sim, tags, 4);
        set.given.headers = slice_of_text(world_chance(sim, 50) ? "x-team: ops" : "");
    }
    return set;
}

void endpoint_turn(struct sim *sim, uint32_t client)
{
    if ((!sim->has_queues && !sim->has_hooks) || !plan_optional(sim, 3))
        return;
    struct msg msg = {.kind = MSG_WEBHOOK_SET, .corr = ++sim->corr_next};
    msg.tenant = slice_of_text(world_chance(sim, 30) ? SIM_TENANT : "default");
    msg.webhook_set = some_act(sim);
    world_send(sim, sim->clients[client].peer, true, &msg);
}
