#pragma once

// Majordomo workers as the broker sees them: each is a Weft worker of one slot, with a connection of
// its own, for as long as it is there. Not thread-safe.
//
//          READY                 grant: REQUEST                 REPLY: FINISH succeeded
//   ─▶ idle ─────────────▶ serving ─────────────▶ busy ──────────────────────────────▶ serving
//                            │ silent for three        │ unreachable, READY again: FINISH crashed
//                            │ heartbeats, DISCONNECT  │ DISCONNECT: FINISH interrupted
//                            ▼                         ▼ deadline, cancel, lost lease: as these say
//                          gone ◀──────────────────────┘
//
// A busy worker owes no heartbeat: the workers of the Guide do not send any while they work.

#include "lib/base/id.h"
#include "lib/link/link.h"
#include "mdp/core/mdp.h"

enum {
    HANDS_MAX = 64,
    HANDS_LIVENESS = 3, // heartbeats that may be missing
    HANDS_ROUTE_LEN_MAX = 255,
};

struct hands;

struct hands_setup {
    const char *broker;             // borrowed
    struct slice tenant;            // borrowed
    const struct link_curve *curve; // borrowed; NULL: in the clear
    when_ms heartbeat_ms;
    void *ctx;
    // To a worker. What cannot be sent is told by ERR_NOT_FOUND or ERR_AGAIN.
    err (*send)(void *ctx, struct slice route, const struct mdp_message *message);
    // Part of the reply to this job, from a worker of 0.2.
    void (*partial)(void *ctx, const struct id *job_id, const struct mdp_message *message);
};

//   ERR_NO_MEMORY
MUST_USE err hands_open(const struct hands_setup *setup, struct hands **out_hands);
// Says farewell to broker and workers. NULL is fine.
void hands_close(struct hands *hands);

// A worker's word.
void hands_hear(struct hands *hands, struct slice route, const struct mdp_message *message,
                when_ms now);
// A worker of this service is there.
bool hands_serve(const struct hands *hands, struct slice service);

void hands_turn(struct hands *hands, when_ms now);
// What to wait for: at most HANDS_MAX items. Gives their count.
uint32_t hands_wait(const struct hands *hands, struct link_wait *items);
when_ms hands_next(const struct hands *hands);
