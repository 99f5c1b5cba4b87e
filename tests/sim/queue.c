// Queues: clients set them, pause, resume and drain them, at any moment. After the faults somebody
// opens them all, so that every job can end.

#include "tests/sim/sim.h"

static const char *const names[] = {"default", "mail", "slow"};

// Somebody who speaks for all tenants names one.
static struct slice tenant_of(struct sim *sim)
{
    return slice_of_text(world_chance(sim, 20) ? SIM_TENANT : "default");
}

static struct msg_rate some_rate(struct sim *sim)
{
    if (!world_chance(sim, 25))
        return (struct msg_rate){0};
    return (struct msg_rate){.count = 1 + (uint32_t)world_below(sim, 4),
                             .per_ms = 50 + (uint32_t)world_below(sim, 800)};
}

static struct msg_queue_settings new_settings(struct sim *sim)
{
    struct msg_queue_settings settings = {0};
    if (world_chance(sim, 50))
        settings.weight = 1 + (uint32_t)world_below(sim, 4);
    if (world_chance(sim, 50))
        settings.open_max = 1 + (uint32_t)world_below(sim, 6);
    if (world_chance(sim, 25))
        settings.running_max = 1 + (uint32_t)world_below(sim, 3);
    if (world_chance(sim, 25))
        settings.key_running_max = 1 + (uint32_t)world_below(sim, 3);
    settings.rate = some_rate(sim);
    settings.key_rate = some_rate(sim);
    // Few different ones: each is a set of options of its own.
    if (world_chance(sim, 30))
        settings.defaults.max_attempts = 2;
    if (world_chance(sim, 20))
        settings.defaults.timeout_ms = 250;
    return settings;
}

// Some of them, as who changes one and leaves the others alone.
static uint32_t some_named(struct sim *sim)
{
    if (world_chance(sim, 50))
        return 0;
    uint32_t named = (uint32_t)world_below(sim, QUEUE_SETTINGS_ALL + 1) & QUEUE_SETTINGS_ALL;
    uint32_t rates = world_chance(sim, 50) ? QUEUE_RATE : QUEUE_KEY_RATE;
    return (named & ~(QUEUE_RATE | QUEUE_KEY_RATE)) | rates;
}

static void say(struct sim *sim, uint32_t client, struct msg msg)
{
    msg.corr = ++sim->corr_next;
    world_send(sim, sim->clients[client].peer, true, &msg);
}

static struct msg act_on(struct sim *sim, enum act_kind kind, struct slice tenant,
                         struct slice queue)
{
    return (struct msg){.kind = MSG_ACT,
                        .tenant = tenant,
                        .act = {.kind = kind,
                                .queue = queue,
                                .actor = slice_of_text("sim"),
                                .act_id = id_v7(sim->now.store, 7, prng_next(&sim->prng))}};
}

static void want_something(struct sim *sim, uint32_t client)
{
    static const enum act_kind kinds[] = {ACT_PAUSE,  ACT_RESUME, ACT_RESUME,
                                          ACT_RESUME, ACT_RESUME, ACT_DRAIN};
    struct slice tenant = tenant_of(sim);
    struct slice queue = slice_of_text(names[world_below(sim, 3)]);
    if (world_chance(sim, 50)) {
        say(sim, client,
            (struct msg){.kind = MSG_QUEUE_SET,
                         .tenant = tenant,
                         .queue_set = {.queue = queue,
                                       .settings = new_settings(sim),
                                       .named = some_named(sim)}});
        return;
    }
    struct msg msg = act_on(sim, kinds[world_below(sim, 6)], tenant, queue);
    if (msg.act.kind != ACT_DRAIN)
        msg.act.direction = (enum direction)world_below(sim, 4);
    say(sim, client, msg);
}

static void want_type(struct sim *sim, uint32_t client)
{
    static const char *const types[] = {"a", "b", "c"};
    struct msg_type_set set = {.type = slice_of_text(types[world_below(sim, 3)])};
    struct slice tenant = tenant_of(sim);
    if (world_chance(sim, 50))
        set.defaults.max_attempts = 3;
    if (world_chance(sim, 50))
        set.defaults.timeout_ms = 220;
    schema_want(sim, &set);
    if (world_chance(sim, 50))
        set.named = (uint32_t)world_below(sim, TYPE_SETTINGS_ALL + 1) & TYPE_SETTINGS_ALL;
    say(sim, client, (struct msg){.kind = MSG_TYPE_SET, .tenant = tenant, .type_set = set});
}

static bool is_limited(const struct msg_queue_settings *settings)
{
    return settings->open_max > 0 || settings->running_max > 0 || settings->rate.count > 0 ||
           settings->key_running_max > 0 || settings->key_rate.count > 0;
}

static void open_all(struct sim *sim, uint32_t client)
{
    for (uint32_t no = 0; no < SIM_QUEUES; no++) {
        const struct queue_row *row = &sim->store.queues[no];
        if (row->queue.len == 0)
            continue;
        if (row->paused != 0)
            say(sim, client, act_on(sim, ACT_RESUME, row->tenant, row->queue));
        if (is_limited(&row->settings))
            say(sim, client,
                (struct msg){.kind = MSG_QUEUE_SET,
                             .tenant = row->tenant,
                             .queue_set = {.queue = row->queue}});
    }
}

void queue_turn(struct sim *sim, uint32_t client)
{
    if (sim->is_healed && world_chance(sim, 5))
        open_all(sim, client);
    else if (!sim->is_healed && sim->has_queues && plan_optional(sim, 3))
        want_something(sim, client);
    if (!sim->is_healed && sim->has_queues && plan_optional(sim, 1))
        want_type(sim, client);
}
