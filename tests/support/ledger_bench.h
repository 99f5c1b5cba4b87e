#pragma once

// A ledger alone, with room for what its entries write; nothing is stored beside it. Header only.

#include "broker/core/ledger.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { LEDGER_BENCH_CHANGED = 16, LEDGER_BENCH_ARENA = 8192 };

struct ledger_bench {
    struct ledger ledger;
    void *memory;
    struct effects fx;
    struct arena arena;
    struct write writes[LEDGER_BENCH_CHANGED * 10 + 1];
    uint32_t changed[LEDGER_BENCH_CHANGED];
    uint32_t bodies[LEDGER_BENCH_CHANGED];
    struct entry entries[LEDGER_BENCH_CHANGED];
    _Alignas(16) uint8_t room[LEDGER_BENCH_ARENA];
};

static inline bool ledger_bench_no_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    (void)ctx;
    (void)id;
    (void)out_row;
    return false;
}

static inline bool ledger_bench_no_number(void *ctx, uint64_t no, struct job_row *out_row)
{
    (void)ctx;
    (void)no;
    (void)out_row;
    return false;
}

// `limits.changed_count_max` is given here.
static inline struct ledger_bench *ledger_bench_make(struct limits limits)
{
    limits.changed_count_max = LEDGER_BENCH_CHANGED;
    struct ledger_bench *bench = calloc(1, sizeof *bench);
    EXPECT(bench != NULL);
    bench->memory = aligned_alloc(64, ledger_size(&limits));
    EXPECT(bench->memory != NULL);
    memset(bench->memory, 0, ledger_size(&limits));
    struct known known = {.by_id = ledger_bench_no_id, .by_no = ledger_bench_no_number};
    ledger_init(&bench->ledger, bench->memory, &limits, &known, 1);
    bench->arena = (struct arena){.data = bench->room, .cap = sizeof bench->room};
    bench->fx = (struct effects){.writes = bench->writes,
                                 .write_cap = effects_write_cap(LEDGER_BENCH_CHANGED),
                                 .changed = bench->changed,
                                 .changed_cap = LEDGER_BENCH_CHANGED,
                                 .bodies = bench->bodies,
                                 .entries = bench->entries,
                                 .entry_cap = LEDGER_BENCH_CHANGED,
                                 .arena = &bench->arena};
    return bench;
}

static inline void ledger_bench_drop(struct ledger_bench *bench)
{
    free(bench->memory);
    free(bench);
}
