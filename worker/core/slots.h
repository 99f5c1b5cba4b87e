#pragma once

// Which job sits where: one slot for each job that this worker may hold unfinished. Pure. Not
// thread-safe.
//
//            slots_grant            slots_begin
//   ─▶ FREE ────────────▶ WAITING ────────────▶ RUNNING ──────────────┐
//       ▲                    │                     │ slots_stop        │ slots_end
//       │                    │ slots_stop          ▼ (deadline, lost   │ (the handler ended)
//       │                    │                  STOPPING   lease, drain)
//       │                    ▼                     │                   │
//       └────────────────────┴─────────────────────┴───────────────────┘
//
// A waiting job has no process yet. A stopping one has been sent SIGTERM, and SIGKILL follows at
// `kill_at`; only the end of its process frees the slot. A thread cannot be killed: where it has not
// let go of a job that is given up, the slot is free and barred.

#include "proto/msg.h"

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_RUNNING, SLOT_STOPPING };
enum { SLOT_STATES = 4, SLOTS_MAX = 256 };

// Why a handler is stopped by us. A later reason replaces an earlier one of smaller number.
enum slot_stop {
    SLOT_STOP_NONE,
    SLOT_STOP_TIMEOUT, // its deadline has passed: an error
    SLOT_STOP_DRAIN,   // the worker leaves: an interruption
    SLOT_STOP_CANCEL,  // somebody asked for it
    SLOT_STOP_LOST,    // the lease is another's: nobody wants to hear of it
};

struct slot_progress {
    uint64_t done;
    uint64_t total;
    uint32_t text_len;
    uint8_t text[MSG_PROGRESS_TEXT_LEN_MAX];
    uint32_t version;      // grows with each word of the handler
    uint32_t sent_version; // in the last RENEW
    uint32_t told_version; // known to have arrived
};

struct slot {
    enum slot_state state;
    enum slot_stop stop; // of a stopping one
    struct id job_id;
    uint64_t token;
    uint64_t generation;
    uint32_t attempt;
    uint32_t timeout_ms;
    when_ms deadline;   // of a running one
    uint32_t extend_ms; // what its handler was given beyond its timeout
    when_ms kill_at;    // of a stopping one; WHEN_NEVER once it has been killed
    bool is_barred;     // of a free one: it takes no job
    struct slot_progress progress;
};

struct slots {
    struct slot *items; // `count` places, the caller's
    uint32_t count;
    uint32_t job_count;     // the first ones are for jobs, the others for dry runs
    uint32_t kill_after_ms; // from SIGTERM to SIGKILL
};

#define SLOTS_NONE UINT32_MAX

// `items` is zeroed room for `count` slots, at most SLOTS_MAX.
void slots_init(struct slots *slots, struct slot *items, uint32_t count, uint32_t kill_after_ms);

// The last `count` of the slots are for dry runs, which have no token.
void slots_set_simulations(struct slots *slots, uint32_t count);

// A free slot takes the job and waits. `slot` must be free.
void slots_grant(struct slots *slots, uint32_t slot, const struct msg_job *job);
// A waiting job goes to a free slot.
void slots_move(struct slots *slots, uint32_t from, uint32_t to);
// Its handler has it: the deadline counts from now.
void slots_begin(struct slots *slots, uint32_t slot, when_ms now);
// The handler asks for time: its deadline is at least `span_ms` from now. Nothing happens to one
// that is stopping already.
void slots_extend(struct slots *slots, uint32_t slot, when_ms now, when_ms span_ms);
void slots_progress(struct slots *slots, uint32_t slot, const struct msg_progress *progress);
// The last one, if the broker is not known to have it; nothing else. The text is borrowed.
struct msg_progress slots_untold(const struct slot *slot);

enum slot_order {
    SLOT_ORDER_NONE,
    SLOT_ORDER_END,  // nothing runs: the slot must be ended with slots_end()
    SLOT_ORDER_TERM, // SIGTERM to the handler
    SLOT_ORDER_KILL, // SIGKILL to the handler
};

// The job shall stop. A stopping one keeps its time to live, and remembers the stronger reason.
enum slot_order slots_stop(struct slots *slots, uint32_t slot, when_ms now, enum slot_stop reason);
// The same, without time to live.
enum slot_order slots_kill(struct slots *slots, uint32_t slot, enum slot_stop reason);
// What is due in this slot: SIGTERM at a deadline, SIGKILL later.
enum slot_order slots_due(struct slots *slots, uint32_t slot, when_ms now);
// The earliest moment at which slots_due() has something, or WHEN_NEVER.
when_ms slots_next(const struct slots *slots);

// The job has left.
void slots_end(struct slots *slots, uint32_t slot);
// A free slot takes no job, until this is taken back.
void slots_bar(struct slots *slots, uint32_t slot, bool is_barred);
// How many of the `count` slots from `from` on are not barred.
uint32_t slots_count_open(const struct slots *slots, uint32_t from, uint32_t count);

// Of those for jobs; of those for dry runs.
uint32_t slots_find_free(const struct slots *slots);
uint32_t slots_find_free_simulation(const struct slots *slots);
// The slot of this job, or of this lease of it; SLOTS_NONE when there is none.
uint32_t slots_find_job(const struct slots *slots, const struct id *job_id);
uint32_t slots_find(const struct slots *slots, const struct msg_held *held);
// Jobs; a dry run is no lease.
uint32_t slots_held_count(const struct slots *slots);
