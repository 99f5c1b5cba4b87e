#pragma once

// Dry runs that workers are asked about: who offers it, and what is under way. Workers that offer it
// stand in a ring and are asked in turn. A worker's credit comes back by its word or the end of its
// session, never by a passed deadline: one that hangs is not asked again. Dispatcher; pure. Not
// thread-safe.
//
//                simulations_ask          simulations_end
//     ─▶ free ───────────────────▶ asked ─────────────────▶ free
//                                    │                       ▲
//                                    │ its worker is gone    │ the next tick answers
//                                    └──────▶ abandoned ─────┘

#include "broker/core/limits.h"
#include "lib/base/when.h"
#include "proto/msg.h"

#include <stddef.h>

#define SIMULATIONS_NONE UINT32_MAX

// Numbers of the broker's own questions are above those that peers ask with, so that an ERROR about one
// is none about the other; and below 2^53, as far as a JavaScript number counts.
#define SIMULATIONS_NO_BASE ((uint64_t)1 << 52)

enum {
    SIMULATIONS_MAX = 64,        // under way at the broker …
    SIMULATIONS_TENANT_MAX = 16, // … of them one tenant's …
    SIMULATIONS_WORKER_MAX = 16, // … and at one worker, whatever it offers
};

// One that is under way, with the answer that its client waits for.
struct simulation_under_way {
    uint64_t no; // the `corr` of its SIMULATE; 0: the place is free
    uint64_t corr;
    uint32_t client;              // peer
    uint32_t worker;              // SIMULATIONS_NONE: gone
    when_ms ends_at;              // mono
    struct slice tenant;          // borrowed for ever
    struct msg_submitted_job job; // without texts
    struct msg_forecast forecast;
    uint64_t open_max;
    uint64_t open_left;
};

// What one worker offers.
struct simulator {
    uint64_t types; // a bit for each of its types, in its order; 0: nothing
    uint32_t slots;
    uint32_t asked;      // not yet answered, late ones too
    uint32_t prev, next; // ring, while it offers something
};

struct simulations {
    struct simulation_under_way items[SIMULATIONS_MAX];
    uint64_t last_no;
    uint32_t count;
    struct simulator *simulators; // by worker
    uint32_t cap;
    uint32_t head; // whose turn it is, or SIMULATIONS_NONE
};

size_t simulations_size(const struct limits *limits);
// `memory` is simulations_size() zeroed bytes, aligned to 16.
void simulations_init(struct simulations *simulations, void *memory, const struct limits *limits);

// What a worker's READY offers, in place of what it offered before.
void simulations_offer(struct simulations *simulations, uint32_t worker,
                       const struct msg_ready *ready);
// Its session is over: it offers nothing, owes nothing, and what it was asked is abandoned.
void simulations_close(struct simulations *simulations, uint32_t worker);
// Walks who offers something: the one whose turn it is, and whoever follows; SIMULATIONS_NONE: the
// round is over.
uint32_t simulations_first(const struct simulations *simulations);
uint32_t simulations_next(const struct simulations *simulations, uint32_t worker);
// Does it offer that for the type at this place of its READY?
bool simulations_has_offer(const struct simulations *simulations, uint32_t worker, uint32_t type);
bool simulations_has_slot(const struct simulations *simulations, uint32_t worker);

// Is there room for one more of the tenant's?
bool simulations_has_room(const struct simulations *simulations, struct slice tenant);
// Copies `asked`, gives it a number, and the worker's turn is over. There is room, and the worker has
// a slot.
const struct simulation_under_way *simulations_ask(struct simulations *simulations,
                                                   const struct simulation_under_way *asked);
// What this client asks with this number is under way.
bool simulations_is_asked(const struct simulations *simulations, uint32_t client, uint64_t corr);
// A worker has answered this number: the place, or SIMULATIONS_NONE when nobody waits for it any more.
// False when it owed no answer.
bool simulations_answered(struct simulations *simulations, uint32_t worker, uint64_t no,
                          uint32_t *out_place);
// The place whose time is over first, or SIMULATIONS_NONE; and that time, WHEN_NEVER.
uint32_t simulations_earliest(const struct simulations *simulations);
when_ms simulations_deadline(const struct simulations *simulations);
struct simulation_under_way *simulations_at(struct simulations *simulations, uint32_t place);
// It is answered: the place is free, its content stays readable until the next simulations_ask().
void simulations_end(struct simulations *simulations, uint32_t place);
// Nobody waits for what this client asked.
void simulations_forget(struct simulations *simulations, uint32_t client);
