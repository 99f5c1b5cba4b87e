// The broker's turn around the core: intake, decide, commit, release, crash and recovery. Up to
// two batches are unsettled; flushes take as long as the seed says.

#include "tests/sim/fair.h"

enum { SENDS = 256, GRANTS = 128, ENTRIES = 4096 };

static void batch_init(struct sim *sim, struct sim_batch *batch)
{
    uint32_t cap = sim->limits.changed_count_max;
    struct effects *fx = &batch->fx;
    struct arena *arena = calloc(1, sizeof *arena);
    arena->cap = effects_arena_size(cap);
    arena->data = malloc(arena->cap);
    *fx = (struct effects){.writes = calloc(effects_write_cap(cap), sizeof(struct write)),
                           .write_cap = effects_write_cap(cap),
                           .sends = calloc(SENDS, sizeof(struct send)),
                           .send_cap = SENDS,
                           .grants = calloc(GRANTS, sizeof(struct grant_send)),
                           .grant_cap = GRANTS,
                           .changed = calloc(cap, sizeof(uint32_t)),
                           .changed_cap = cap,
                           .bodies = calloc(cap, sizeof(uint32_t)),
                           .entries = calloc(ENTRIES, sizeof(struct entry)),
                           .entry_cap = ENTRIES,
                           .arena = arena};
}

static void batch_deinit(struct sim_batch *batch)
{
    free(batch->fx.arena->data);
    free(batch->fx.arena);
    free(batch->fx.writes);
    free(batch->fx.sends);
    free(batch->fx.grants);
    free(batch->fx.changed);
    free(batch->fx.bodies);
    free(batch->fx.entries);
}

void shell_init(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    size_t size = core_size(&sim->limits);
    shell->memory = aligned_alloc(64, (size + 63) / 64 * 64);
    for (unsigned i = 0; i < 3; i++)
        batch_init(sim, &shell->batches[i]);
}

void shell_deinit(struct sim *sim)
{
    for (unsigned i = 0; i < 3; i++)
        batch_deinit(&sim->shell.batches[i]);
    free(sim->shell.memory);
}

void shell_receive(struct sim *sim, const struct packet *packet)
{
    struct shell *shell = &sim->shell;
    if (!shell->is_up || shell->inbox_count == SIM_PACKETS)
        return;
    struct packet *copy = arena_take(&sim->arena, sizeof *copy);
    SIM_EXPECT(copy != NULL, "the simulator's arena is too small");
    *copy = *packet;
    shell->inbox[(shell->inbox_first + shell->inbox_count++) % SIM_PACKETS] = copy;
}

static struct sim_batch *open_batch(struct shell *shell)
{
    if (shell->batch_count > 0 && shell->batches[shell->batch_count - 1].state == BATCH_OPEN)
        return &shell->batches[shell->batch_count - 1];
    if (shell->batch_count == 2)
        return NULL;
    struct sim_batch *batch = &shell->batches[shell->batch_count++];
    effects_reset(&batch->fx);
    batch->state = BATCH_OPEN;
    return batch;
}

void shell_decide(struct sim *sim, struct sim_batch *batch, const struct command *command)
{
    uint32_t first_entry = batch->fx.entry_count;
    const struct sim_effects_mark mark = {batch->fx.send_count, batch->fx.write_count, first_entry};
    transcript_hears(sim, command);
    core_step(sim->shell.core, sim->now, command, &batch->fx);
    hook_keep(sim, &batch->fx, first_entry);
    watch_simulate(sim, command, &batch->fx, &mark);
    watch_step(sim, command, &batch->fx, first_entry);
}

bool shell_fits(const struct shell *shell, const struct sim_batch *batch,
                const struct command *command)
{
    return effects_has_room(&batch->fx, core_weight(shell->core, command));
}

static void intake(struct sim *sim, struct sim_batch *batch)
{
    struct shell *shell = &sim->shell;
    while (shell->inbox_count > 0 && !world_chance(sim, 5)) {
        const struct packet *packet = shell->inbox[shell->inbox_first];
        struct command command = {
            .kind = COMMAND_MESSAGE, .peer = packet->peer, .msg = packet->msg};
        bool is_dry = packet->msg->kind == MSG_SUBMIT && packet->msg->submit.dry_run;
        // A dry run, and then the same in earnest.
        uint32_t weight = core_weight(shell->core, &command) * (is_dry ? 2 : 1);
        if (!effects_has_room(&batch->fx, weight))
            return;
        shell->inbox_first = (shell->inbox_first + 1) % SIM_PACKETS;
        shell->inbox_count--;
        schema_judge(sim, (struct msg *)(uintptr_t)packet->msg);
        if (is_dry)
            dry_decide(sim, batch, &command);
        else
            shell_decide(sim, batch, &command);
        schema_keep(sim, packet->msg, &batch->fx);
    }
}

static void tick(struct sim *sim, struct sim_batch *batch)
{
    watch_simulate_time(sim);
    struct command command = {.kind = COMMAND_TICK};
    if (core_wait_ms(sim->shell.core, sim->now) == 0 && shell_fits(&sim->shell, batch, &command))
        shell_decide(sim, batch, &command);
}

static void sweep(struct sim *sim, struct sim_batch *batch)
{
    uint64_t job_nos[32];
    struct command command = {.kind = COMMAND_REMOVE, .job_nos = job_nos};
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next && command.job_no_count < 32; no++) {
        const struct job_row *row = &sim->store.rows[no];
        bool due = row->state == JOB_REMOVED ? sim->now.store >= row->dedup_until
                                             : sim->now.store >= row->remove_at;
        // A wrong proposal now and then: the core must see through it.
        if (row->no != 0 && ((job_is_done(row->state) && due) ||
                             (world_below(sim, 200) == 0 && plan_optional(sim, 100))))
            job_nos[command.job_no_count++] = no;
    }
    if (command.job_no_count > 0 && shell_fits(&sim->shell, batch, &command))
        shell_decide(sim, batch, &command);
}

// The auditor looks at all rows, and what it has seen may come late.
static void drop_unused(struct sim *sim, struct sim_batch *batch)
{
    struct shell *shell = &sim->shell;
    struct command command = {.kind = COMMAND_UNUSED, .unused = &shell->carried};
    if (shell->has_carried && shell_fits(shell, batch, &command)) {
        shell_decide(sim, batch, &command);
        shell->has_carried = false;
        return;
    }
    shell->carried = (struct lanes_carried){.settled = core_last_settled(shell->core)};
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++)
        if (sim->store.rows[no].no != 0)
            shell->carried.bits[sim->store.rows[no].lane / 8] |=
                (uint8_t)(1u << sim->store.rows[no].lane % 8);
    shell->has_carried = true;
}

// The shell has forgotten a peer whose connection is gone.
static void forget_peer(struct sim *sim, struct sim_batch *batch)
{
    uint32_t peer = (uint32_t)world_below(sim, sim->peer_next) % SIM_PEERS;
    struct command command = {.kind = COMMAND_GONE, .peer = peer};
    if (shell_fits(&sim->shell, batch, &command))
        shell_decide(sim, batch, &command);
}

static bool is_connected(const struct sim *sim, uint32_t peer)
{
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].peer == peer)
            return true;
    return false;
}

// What the connection does not take comes back with the next batch, or is lost without a word.
static bool is_unsent(struct sim *sim, const struct grant_send *grant)
{
    struct shell *shell = &sim->shell;
    if (is_connected(sim, grant->peer) || world_chance(sim, 30) || shell->unsent_count == 64)
        return false;
    shell->unsent[shell->unsent_count++] =
        (struct msg_held){.job_id = grant->job.job_id, .token = grant->job.token};
    return true;
}

static void take_back(struct sim *sim, struct sim_batch *batch)
{
    struct command command = {.kind = COMMAND_UNSENT};
    command.unsent =
        (struct msg_held_list){.items = sim->shell.unsent, .count = sim->shell.unsent_count};
    if (sim->shell.unsent_count == 0 || !shell_fits(&sim->shell, batch, &command))
        return;
    watch_seen(SEEN_UNSENT);
    shell_decide(sim, batch, &command);
    sim->shell.unsent_count = 0;
}

static void send_grants(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        if (is_unsent(sim, &fx->grants[i]))
            continue;
        world_send(
            sim, fx->grants[i].peer, false,
            &(struct msg){.kind = MSG_JOBS, .jobs = {.jobs = &fx->grants[i].job, .count = 1}});
    }
}

static void release(struct sim *sim, const struct effects *fx)
{
    transcript_says(sim, fx);
    for (uint32_t i = 0; i < fx->send_count; i++)
        world_send(sim, fx->sends[i].peer, false, &fx->sends[i].msg);
    send_grants(sim, fx);
}

struct slice shell_keep_text(struct sim *sim, struct slice text)
{
    uint8_t *kept = arena_take(&sim->arena, text.len);
    SIM_EXPECT(kept != NULL, "the simulator's arena is too small");
    if (text.len > 0)
        memcpy(kept, text.data, text.len);
    return slice_of(kept, text.len);
}

// As it will be replayed, when the core may have given its names' places to others.
static void keep_entry(struct sim *sim, const struct entry *entry)
{
    SIM_EXPECT(sim->log_count < SIM_ENTRIES, "the simulator's log is too small");
    struct entry *kept = &sim->log[sim->log_count++];
    *kept = *entry;
    if (entry->kind == ENTRY_SEAL || entry->kind == ENTRY_FREE)
        kept->seal.tenant = shell_keep_text(sim, entry->seal.tenant);
    if (entry->kind != ENTRY_UNUSED)
        return;
    kept->unused.tenant = shell_keep_text(sim, entry->unused.tenant);
    kept->unused.queue = shell_keep_text(sim, entry->unused.queue);
    kept->unused.type = shell_keep_text(sim, entry->unused.type);
}

static void make_durable(struct sim *sim, const struct sim_batch *batch)
{
    watch_commit(sim, &batch->fx);
    transcript_stores(sim, &batch->fx);
    model_apply(&sim->store, batch->fx.writes, batch->fx.write_count);
    if (sim->disk != NULL)
        sim_disk_commit(sim, &batch->fx);
    for (uint32_t i = 0; i < batch->fx.entry_count; i++) {
        keep_entry(sim, &batch->fx.entries[i]);
        act_applied(sim, &batch->fx.entries[i]);
    }
    if (batch->fx.write_count == 0)
        return;
    sim->log_marks[sim->mark_count] = sim->log_count;
    sim->log_digests[sim->mark_count++] = sim->store.ledger.digest;
}

static void settle(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    struct sim_batch done = shell->batches[0];
    make_durable(sim, &done);
    core_settled(shell->core, done.no);
    watch_release(sim, &done.fx);
    release(sim, &done.fx);
    // The batches move up; the finished one's room goes to the end.
    shell->batches[0] = shell->batches[1];
    shell->batches[1] = done;
    shell->batch_count--;
}

static void close_batch(struct sim *sim, struct sim_batch *batch)
{
    uint32_t first_entry = batch->fx.entry_count;
    watch_fair_before(sim);
    batch->no = core_close(sim->shell.core, sim->now, &batch->fx);
    hook_keep(sim, &batch->fx, first_entry);
    watch_step(sim, NULL, &batch->fx, first_entry);
    watch_grants(sim, &batch->fx);
    watch_tenant_grants(sim, &batch->fx);
    watch_waiting(sim);
    trace_batch(sim, &batch->fx);
    batch->state = BATCH_CLOSED;
}

static void commit(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    if (shell->batch_count == 0)
        return;
    struct sim_batch *first = &shell->batches[0];
    if (first->state == BATCH_CLOSED) {
        first->state = BATCH_COMMITTING;
        first->done_at = sim->now.mono + (when_ms)world_below(sim, plan_optional(sim, 5) ? 500 : 6);
    }
    if (first->state == BATCH_COMMITTING && sim->now.mono >= first->done_at)
        settle(sim);
}

static void start(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    transcript_note(sim, "the broker starts");
    memset(shell->memory, 0, core_size(&sim->limits));
    struct known known = sim->disk != NULL ? sim_disk_known(sim) : model_known(&sim->store);
    shell->has_carried = false;
    shell->core = core_init(shell->memory, &sim->limits, &known, sim->seed);
    if (sim->disk != NULL)
        sim_disk_load(sim, shell->core);
    else
        model_load(&sim->store, shell->core);
    schema_load(sim);
    shell->is_up = true;
    shell->starts++;
    shell->batch_count = 0;
    shell->inbox_count = 0;
    shell->unsent_count = 0;
    shell->step = NULL;
    memset(shell->proposed_at, 0, sizeof shell->proposed_at);
    core_start(shell->core, sim->now, &open_batch(shell)->fx);
    watch_start(sim);
}

void shell_crash(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    if (shell->batch_count == 2)
        watch_seen(SEEN_CRASH_TWO);
    bool was_committing = shell->batch_count > 0 && shell->batches[0].state == BATCH_COMMITTING;
    if (was_committing && world_chance(sim, 50)) {
        make_durable(sim, &shell->batches[0]);
        watch_seen(SEEN_CRASH_SILENT);
    } else if (shell->batch_count > 0) {
        watch_seen(SEEN_CRASH_LOST);
    }
    transcript_note(sim, "the broker dies");
    sim->watch.try_count = 0;
    trace_number(sim, sim->store.ledger.digest);
    shell->is_up = false;
    shell->batch_count = 0;
    shell->up_at = sim->now.mono + (when_ms)world_below(sim, 2 * SIM_LEASE_MS);
}

// Memory is as the store says of each unfinished job, or ahead of it.
static void audit(struct sim *sim)
{
    core_audit(sim->shell.core);
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no != 0 && !job_is_done((enum job_state)row->state))
            SIM_EXPECT(core_audit_row(sim->shell.core, row) == VIOLATION_NONE,
                       "memory is the store's word or ahead of it");
    }
}

void shell_turn(struct sim *sim)
{
    struct shell *shell = &sim->shell;
    if (!shell->is_up && sim->now.mono >= shell->up_at)
        start(sim);
    if (!shell->is_up)
        return;
    commit(sim);
    struct sim_batch *batch = open_batch(shell);
    if (batch == NULL)
        return;
    // As the product does: time first, then chores, then what fills the batch.
    take_back(sim, batch);
    tick(sim, batch);
    if (plan_optional(sim, 1))
        forget_peer(sim, batch);
    if (world_chance(sim, 5))
        sweep(sim, batch);
    operation_propose(sim, batch);
    if (world_chance(sim, 5))
        drop_unused(sim, batch);
    schedule_propose(sim, batch);
    intake(sim, batch);
    if (world_chance(sim, 60))
        close_batch(sim, batch);
    if (world_chance(sim, 20))
        audit(sim);
}
