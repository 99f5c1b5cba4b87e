#pragma once

// One place for each receiver, that is endpoint: how many deliveries to it are under way, how fast,
// whether its breaker lets any through, and which one is next. A receiver that is slow or ill holds
// up nobody but itself: what there is no room for goes back to the broker for a while (snoozed, which
// burns no attempt), in the order in which it is to come again. Pure. Not thread-safe.
//
//   receivers_enter ─▶ waits, the oldest event first ─▶ RECEIVERS_START ─▶ receivers_end
//                                                  └─▶ RECEIVERS_SNOOZE

#include "gateway/hooks/core/breaker.h"

#include <stddef.h>

enum {
    RECEIVERS_SLOTS_MAX = 4096,  // deliveries in hand
    RECEIVERS_CROWDED_MS = 1000, // the pause of one for which there is no room
    RECEIVERS_STEP_MS = 10,      // between two snoozed ones, so that they come back in order
};
#define RECEIVERS_NONE UINT32_MAX

struct receivers_rules {
    uint32_t running_max; // of one receiver
    uint32_t waiting_max; // of one receiver
    uint32_t gap_ms;      // between two starts of one receiver, 0: none
};

struct receiver {
    uint64_t key; // of the endpoint
    struct breaker breaker;
    uint32_t running;
    uint32_t waiting;
    uint32_t first;   // slots, oldest event first
    uint32_t snoozed; // since one was last started
    when_ms free_at;  // the next start, by gap_ms
    when_ms used_at;
};

struct receivers_place {
    uint32_t receiver; // RECEIVERS_NONE: nothing is in this slot
    uint32_t next;
    bool is_running;
    when_ms event_at;
};

struct receivers {
    struct receivers_rules rules;
    struct receiver *items;         // twice as many as slots, so that there is always one to take
    struct receivers_place *places; // one for each slot
    uint32_t slot_count;
    uint32_t cap;
    uint32_t held; // slots that are under way or wait
    uint32_t touched;
    uint32_t turn; // whose it is
};

size_t receivers_size(uint32_t slot_count);
// `memory` is receivers_size() bytes, aligned to 16, and stays the caller's.
void receivers_init(struct receivers *receivers, void *memory, uint32_t slot_count,
                    const struct receivers_rules *rules);

struct receivers_arrival {
    uint32_t slot;    // which is free
    uint64_t key;     // of the endpoint
    when_ms event_at; // what it tells of: the oldest goes first
};
void receivers_enter(struct receivers *receivers, when_ms now,
                     const struct receivers_arrival *arrival);

enum receivers_kind { RECEIVERS_NOTHING, RECEIVERS_START, RECEIVERS_SNOOZE };
struct receivers_order {
    enum receivers_kind kind;
    uint32_t slot;    // SNOOZE: it is free again
    when_ms pause_ms; // of SNOOZE
};
// What to do now; to be asked until there is nothing.
struct receivers_order receivers_next(struct receivers *receivers, when_ms now);
// When receivers_next() has something by time alone, or WHEN_NEVER.
when_ms receivers_due(const struct receivers *receivers, when_ms now);

enum receivers_outcome { RECEIVERS_WELL, RECEIVERS_FAULT, RECEIVERS_VOID };
// The slot is free again. One that was still waiting says nothing about its receiver.
void receivers_end(struct receivers *receivers, when_ms now, uint32_t slot,
                   enum receivers_outcome outcome);

// Those whose breaker is not closed.
uint32_t receivers_ill_count(const struct receivers *receivers);
