// Clock, network and the loop of one run.

#include "tests/sim/sim.h"

bool world_chance(struct sim *sim, unsigned percent)
{
    return prng_chance(&sim->prng, percent);
}

uint64_t world_below(struct sim *sim, uint64_t bound)
{
    return prng_below(&sim->prng, bound);
}

uint32_t world_new_peer(struct sim *sim)
{
    // Numbers are used again after a long time, as the shell does.
    return sim->peer_next++ % SIM_PEERS;
}

static struct msg *copy_of(struct sim *sim, const struct msg *msg)
{
    struct wire_frames frames;
    struct msg *copy = arena_take(&sim->arena, sizeof *copy);
    SIM_EXPECT(copy != NULL, "the simulator's arena is too small");
    SIM_EXPECT(wire_encode(msg, &sim->arena, &frames) == OK, "a message can be encoded");
    SIM_EXPECT(wire_decode(frames.envelope, frames.block, &sim->arena, copy) == OK,
               "what was encoded can be decoded");
    // Fingerprints and hashes are intake's, not the wire's.
    for (uint32_t i = 0; msg->kind == MSG_SUBMIT && i < msg->submit.count; i++) {
        copy->submit.jobs[i].fingerprint = msg->submit.jobs[i].fingerprint;
        copy->submit.jobs[i].is_spooled = msg->submit.jobs[i].is_spooled;
        copy->submit.jobs[i].key_hash = msg->submit.jobs[i].key_hash;
        copy->submit.jobs[i].unique_hash = msg->submit.jobs[i].unique_hash;
        copy->submit.jobs[i].webhook_events = msg->submit.jobs[i].webhook_events;
        copy->submit.jobs[i].webhook_has_url = msg->submit.jobs[i].webhook_has_url;
        copy->submit.jobs[i].webhook_endpoint = msg->submit.jobs[i].webhook_endpoint;
        copy->submit.jobs[i].batch_webhook_has_url = msg->submit.jobs[i].batch_webhook_has_url;
        copy->submit.jobs[i].batch_webhook_endpoint = msg->submit.jobs[i].batch_webhook_endpoint;
    }
    if (msg->kind == MSG_SCHEDULE_SET)
        copy->schedule_set.given.fingerprint = msg->schedule_set.given.fingerprint;
    return copy;
}

const struct msg *world_copy(struct sim *sim, const struct msg *msg)
{
    return copy_of(sim, msg);
}

static struct slice tenant_of(const struct sim *sim, uint32_t peer)
{
    for (uint32_t i = 0; i < SIM_CLIENTS; i++)
        if (sim->clients[i].peer == peer)
            return sim->clients[i].tenant;
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].peer == peer)
            return sim->workers[i].tenant;
    sim_fail("a message of nobody");
}

// As intake does.
static void name_tenant(const struct sim *sim, uint32_t peer, struct msg *msg)
{
    if (msg->tenant.len == 0)
        msg->tenant = tenant_of(sim, peer);
    if (slice_is_text(msg->tenant, "default"))
        msg->tenant = (struct slice){0};
    if (msg->kind == MSG_QUEUE_SET)
        msg->queue_set.tenant = msg->tenant;
    if (msg->kind == MSG_TYPE_SET)
        msg->type_set.tenant = msg->tenant;
    else if (msg->kind == MSG_WEBHOOK_SET)
        msg->webhook_set.tenant = msg->tenant;
    if (msg->kind == MSG_ACT)
        msg->act.tenant = msg->tenant;
    if (msg->kind == MSG_OPERATE)
        msg->operate.tenant = msg->tenant;
    if (msg->kind == MSG_SCHEDULE_SET && msg->schedule_set.given.job_count > 0)
        msg->schedule_set.given.jobs->tenant = msg->tenant;
    for (uint32_t i = 0; msg->kind == MSG_SUBMIT && i < msg->submit.count; i++)
        msg->submit.jobs[i].tenant = msg->tenant;
}

static void put(struct sim *sim, uint32_t peer, bool to_broker, const struct msg *msg)
{
    if (sim->packet_count == SIM_PACKETS)
        return;
    when_ms delay = (when_ms)world_below(sim, 8);
    if (plan_optional(sim, 10))
        delay = (when_ms)world_below(sim, world_chance(sim, 20) ? 5000 : 200);
    sim->packets[sim->packet_count++] = (struct packet){.at = sim->now.mono + delay,
                                                        .order = sim->packet_order++,
                                                        .peer = peer,
                                                        .to_broker = to_broker,
                                                        .msg = msg};
}

void world_send(struct sim *sim, uint32_t peer, bool to_broker, const struct msg *msg)
{
    if (plan_optional(sim, 3))
        return;
    struct msg *copy = copy_of(sim, msg);
    if (to_broker)
        name_tenant(sim, peer, copy);
    put(sim, peer, to_broker, copy);
    if (plan_optional(sim, 3))
        put(sim, peer, to_broker, copy);
}

static void deliver(struct sim *sim, const struct packet *packet)
{
    if (packet->to_broker) {
        shell_receive(sim, packet);
        return;
    }
    for (uint32_t i = 0; i < SIM_CLIENTS; i++)
        if (sim->clients[i].peer == packet->peer) {
            plan_begin_turn(sim, ACTOR_CLIENT_HEARS + i);
            client_receive(sim, i, packet->msg);
        }
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].peer == packet->peer) {
            plan_begin_turn(sim, ACTOR_WORKER_HEARS + i);
            worker_receive(sim, i, packet->msg);
        }
}

// The packet that arrives next, or SIM_PACKETS.
static uint32_t next_packet(const struct sim *sim)
{
    uint32_t best = SIM_PACKETS;
    for (uint32_t i = 0; i < sim->packet_count; i++) {
        const struct packet *a = &sim->packets[i];
        if (a->at > sim->now.mono)
            continue;
        if (best == SIM_PACKETS || a->at < sim->packets[best].at ||
            (a->at == sim->packets[best].at && a->order < sim->packets[best].order))
            best = i;
    }
    return best;
}

static void deliver_all(struct sim *sim)
{
    for (uint32_t at = next_packet(sim); at != SIM_PACKETS; at = next_packet(sim)) {
        struct packet packet = sim->packets[at];
        sim->packets[at] = sim->packets[--sim->packet_count];
        deliver(sim, &packet);
    }
}

static void advance(struct sim *sim)
{
    uint64_t dice = world_below(sim, 100);
    when_ms span = (when_ms)world_below(sim, dice < 70 ? 10 : dice < 95 ? 100 : SIM_STEP_MS);
    sim->now.mono += span;
    sim->now.store += span;
    // Store time may jump at a start; a jump now and then stands for that, too.
    if (world_below(sim, 1500) == 0 && plan_optional(sim, 100)) {
        sim->now.store += 2 * 3600 * 1000;
        watch_seen(SEEN_CLOCK_JUMP);
    }
    // Minutes pass, so that schedules have moments.
    if (sim->has_schedules && world_below(sim, 60) == 0 && plan_optional(sim, 100))
        sim->now.store += 20000 + (when_ms)world_below(sim, 240 * 1000);
}

static void step(struct sim *sim)
{
    if (!plan_begin_step(sim))
        return;
    plan_begin_turn(sim, ACTOR_WORLD);
    advance(sim);
    deliver_all(sim);
    for (uint32_t i = 0; i < SIM_CLIENTS; i++) {
        plan_begin_turn(sim, ACTOR_CLIENT + i);
        client_turn(sim, i);
    }
    for (uint32_t i = 0; i < SIM_WORKERS; i++) {
        plan_begin_turn(sim, ACTOR_WORKER + i);
        worker_turn(sim, i);
    }
    plan_begin_turn(sim, ACTOR_SHELL);
    if (sim->shell.is_up && world_below(sim, 150) == 0 && plan_optional(sim, 100))
        shell_crash(sim);
    shell_turn(sim);
}

static bool is_finished(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->intent_count; i++)
        if (sim->intents[i].state == INTENT_OPEN)
            return false;
    for (uint32_t i = 0; i < sim->act_count; i++)
        if (sim->acts[i].is_open)
            return false;
    for (uint32_t no = 0; no < SIM_BATCHES; no++)
        if (sim->store.has_batch[no] && sim->store.batches[no].sealed_at == 0)
            return false;
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++)
        if (sim->store.rows[no].no != 0 && !job_is_done(sim->store.rows[no].state))
            return false;
    return !schedule_is_held(sim) && !operation_is_running(sim);
}

static void heal(struct sim *sim)
{
    sim->is_healed = true;
    when_ms bound = sim->now.mono + SIM_HEALED_MS;
    while (!sim->shell.is_up || !is_finished(sim)) {
        SIM_EXPECT(sim->now.mono < bound, "after the faults every job ends within the bound");
        step(sim);
    }
}

static struct limits small_limits(struct sim *sim)
{
    struct limits limits = limits_default();
    limits.job_count_max = 24 + (uint32_t)world_below(sim, 40);
    limits.key_count_max = 200;
    limits.tenant_count_max = 4;
    limits.tenant_open_max = world_chance(sim, 30) ? 8 + (uint32_t)world_below(sim, 24) : 0;
    limits.queue_count_max = 16;
    limits.type_count_max = SIM_TYPES;
    limits.concurrency_key_count_max = 4 + (uint32_t)world_below(sim, 12);
    limits.key_running_max = 1 + (uint32_t)world_below(sim, 2);
    limits.lane_count_max = world_chance(sim, 30) ? 7 : 16;
    limits.policy_count_max = 8 + (uint32_t)world_below(sim, 12);
    limits.batch_count_max = 16;
    limits.unique_count_max = 6;
    limits.schedule_count_max = SIM_SCHEDULES;
    limits.endpoint_count_max = SIM_ENDPOINTS;
    limits.operation_count_max = SIM_OPERATIONS;
    limits.dependency_count_max = 24 + (uint32_t)world_below(sim, 72);
    limits.worker_count_max = 6;
    limits.lease_count_max = 64;
    limits.serve_count_max = 128;
    limits.peer_count_max = SIM_PEERS;
    limits.changed_count_max = 1024;
    limits.lease_ms = SIM_LEASE_MS;
    limits.batch_seal_ms = SIM_SEAL_MS;
    limits.simulation_ms = SIM_SIMULATE_MS;
    limits.renew_ms = SIM_RENEW_MS;
    limits.deadline_grace_ms = SIM_GRACE_MS;
    limits.keep_default_s = SIM_KEEP_S;
    limits.dedup_window_s = SIM_WINDOW_S;
    limits.age_step_ms = 1000;
    return limits;
}

struct sim *sim_now;

// Faults, then none until everything has ended.
static void live(struct sim *sim)
{
    uint32_t step_max = sim->plan->step_max != 0 ? sim->plan->step_max : SIM_STEPS;
    for (uint32_t i = 0; i < step_max; i++)
        step(sim);
    if (sim->plan->is_short)
        return;
    heal(sim);
    core_audit(sim->shell.core);
    watch_end(sim);
    replay_run(sim);
    if (sim->disk != NULL)
        sim_disk_end(sim);
}

static void count_edges(const struct sim *sim)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++)
            sim_edges[state][event] += sim->watch.edges[state][event];
}

static uint64_t run(uint64_t seed, const struct plan *plan, const char *disk_dir)
{
    struct sim *sim = room_begin();
    sim->seed = seed;
    sim->plan = plan;
    sim->is_counted = !plan->is_again && disk_dir == NULL;
    plan_begin_turn(sim, ACTOR_WORLD);
    sim->now = (struct now){.mono = 1000, .store = 1800000000000};
    sim->limits = small_limits(sim);
    sim->has_schedules = world_chance(sim, 40);
    sim->has_queues = world_chance(sim, 60);
    sim->has_operations = world_chance(sim, 40);
    sim->has_hooks = world_chance(sim, 30);
    if (disk_dir != NULL)
        sim_disk_init(sim, disk_dir);
    shell_init(sim);
    client_init(sim);
    worker_init(sim);
    live(sim);
    if (sim->is_counted)
        count_edges(sim);
    trace_number(sim, sim->store.ledger.digest);
    trace_number(sim, sim->packet_order);
    shell_deinit(sim);
    return sim->trace;
}

uint64_t sim_run(uint64_t seed, const struct plan *plan)
{
    uint64_t trace = run(seed, plan, NULL);
    if (plan->disk_dir != NULL && run(seed, plan, plan->disk_dir) != trace)
        sim_fail("the product's store gives the trace of the model");
    return trace;
}
