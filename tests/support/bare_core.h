#pragma once

// A core over a store that knows nothing, in memory of its own: for benchmarks. Every batch is
// durable at once. Header only; one per program.

#include "broker/core/core.h"
#include "lib/base/check.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { BARE_BATCH = 1024 }; // jobs that one step may change, twice

struct bare_core {
    struct core *core;
    void *memory;
    size_t size;
    struct arena arena;
    struct effects fx;
    struct now now;
};

static inline bool bare_by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    (void)ctx;
    (void)id;
    (void)out_row;
    return false;
}

static inline bool bare_by_no(void *ctx, uint64_t no, struct job_row *out_row)
{
    (void)ctx;
    (void)no;
    (void)out_row;
    return false;
}

static inline void *bare_room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    memset(memory, 0, count * size); // touched before the first measurement
    return memory;
}

static inline void bare_effects(struct bare_core *bare)
{
    uint32_t cap = 2 * BARE_BATCH;
    bare->arena = (struct arena){.cap = effects_arena_size(cap)};
    bare->arena.data = bare_room(1, bare->arena.cap);
    bare->fx = (struct effects){.writes = bare_room(effects_write_cap(cap), sizeof(struct write)),
                                .write_cap = effects_write_cap(cap),
                                .sends = bare_room(16, sizeof(struct send)),
                                .send_cap = 16,
                                .grants = bare_room(cap, sizeof(struct grant_send)),
                                .grant_cap = cap,
                                .changed = bare_room(cap, sizeof(uint32_t)),
                                .changed_cap = cap,
                                .bodies = bare_room(cap, sizeof(uint32_t)),
                                .arena = &bare->arena};
}

// Ends the batch; what it sends and grants stands in bare->fx until the next one.
static inline void bare_close(struct bare_core *bare)
{
    core_settled(bare->core, core_close(bare->core, bare->now, &bare->fx));
}

static inline void bare_say(struct bare_core *bare, uint32_t peer, const struct msg *msg)
{
    struct command command = {.kind = COMMAND_MESSAGE, .peer = peer, .msg = msg};
    core_step(bare->core, bare->now, &command, &bare->fx);
}

// With a client as peer 1.
static inline void bare_open(struct bare_core *bare, const struct limits *limits)
{
    struct known known = {.by_id = bare_by_id, .by_no = bare_by_no};
    *bare = (struct bare_core){.size = core_size(limits),
                               .now = {.mono = 1000, .store = 1700000000000}};
    bare->memory = mmap(NULL, bare->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(bare->memory != MAP_FAILED);
    // Small pages, so that only what a job needs is counted.
    (void)madvise(bare->memory, bare->size, MADV_NOHUGEPAGE);
    bare_effects(bare);
    bare->core = core_init(bare->memory, limits, &known, 1);
    core_start(bare->core, bare->now, &bare->fx);
    bare_say(bare, 1, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_CLIENT}});
    bare_close(bare);
    effects_reset(&bare->fx);
}

static inline void bare_end(struct bare_core *bare)
{
    (void)munmap(bare->memory, bare->size);
    free(bare->arena.data);
    free(bare->fx.writes);
    free(bare->fx.sends);
    free(bare->fx.grants);
    free(bare->fx.changed);
    free(bare->fx.bodies);
}
