// The durable entries again, in a fresh ledger without dispatcher, each batch settled at once:
// the digests must be those the broker wrote, whatever its commits lagged and its crashes cost.

#include "broker/core/ledger.h"
#include "tests/sim/sim.h"

static struct effects room(struct sim *sim, struct arena *arena)
{
    uint32_t cap = sim->limits.changed_count_max;
    *arena =
        (struct arena){.data = malloc(effects_arena_size(cap)), .cap = effects_arena_size(cap)};
    return (struct effects){.writes = calloc(effects_write_cap(cap), sizeof(struct write)),
                            .write_cap = effects_write_cap(cap),
                            .changed = calloc(cap, sizeof(uint32_t)),
                            .changed_cap = cap,
                            .bodies = calloc(cap, sizeof(uint32_t)),
                            .arena = arena};
}

static void run(struct sim *sim, struct ledger *ledger, struct sim_store *store, struct effects *fx)
{
    uint32_t at = 0;
    for (uint32_t mark = 0; mark < sim->mark_count; mark++) {
        effects_reset(fx);
        for (; at < sim->log_marks[mark]; at++)
            (void)ledger_apply(ledger, &sim->log[at], fx);
        uint64_t batch = ledger_collect(ledger, sim->now.store, fx);
        model_apply(store, fx->writes, fx->write_count);
        ledger_settled(ledger, batch);
        SIM_EXPECT(ledger_digest(ledger) == sim->log_digests[mark],
                   "the same entries give the same digest");
    }
    SIM_EXPECT(memcmp(ledger->row.counts, sim->store.ledger.counts, sizeof ledger->row.counts) == 0,
               "the same entries give the same counts");
}

void replay_run(struct sim *sim)
{
    size_t size = (ledger_size(&sim->limits) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    struct sim_store *store = calloc(1, sizeof *store);
    struct ledger ledger;
    struct known known = model_known(store);
    struct arena arena;
    struct effects fx = room(sim, &arena);
    ledger_init(&ledger, memory, &sim->limits, &known, sim->seed + 1);
    run(sim, &ledger, store, &fx);
    free(arena.data);
    free(fx.writes);
    free(fx.changed);
    free(fx.bodies);
    free(store);
    free(memory);
}
