#pragma once

// Outcomes on their way to the broker. Pure. Not thread-safe.
//
//        outbox_add          outbox_flushed         outbox_pick          outbox_answer
//   ─▶ FREE ─────▶ ENDED ───────────────▶ DURABLE ────────────▶ TOLD ───────────────▶ SETTLED
//       ▲            ▲                     ▲  │                  │                     ▲  │
//       │            │ outbox_rekey        │  │ outbox_forget    │ outbox_close        │  │
//       │            └── from every state  │  └──────────────────│─────────────────────┘  │
//       │                                  └─────────────────────┘                        │
//       └──────────────────────────────── outbox_remove ──────────────────────────────────┘
//
// An ended outcome must be in the journal before it may be told; a settled one may leave it. What
// comes from the journal at start is durable already, and so is what needs no journal.

#include "proto/msg.h"
#include "worker/core/outcome.h"

enum outbox_state { OUTBOX_FREE, OUTBOX_ENDED, OUTBOX_DURABLE, OUTBOX_TOLD, OUTBOX_SETTLED };
enum { OUTBOX_STATES = 5, OUTBOX_COUNT_MAX = 8192 };

struct outbox_entry {
    enum outbox_state state;
    struct outcome_report report;
    void *memory;             // the slices of `report`; whoever removes the entry frees it
    uint64_t journaled_token; // its record is on disk under this token; 0: it is not
    bool resent;              // came from the journal
    bool is_alone;            // told in a message of its own, because a fuller one was refused
    bool is_held;             // not told for now: the broker has no room for it
    uint64_t batch;           // of a told one: the message
};

struct outbox {
    struct outbox_entry *items; // `cap` places, the caller's
    uint32_t cap;
    uint32_t touched; // places ever used
    uint32_t count;
};

#define OUTBOX_NONE UINT32_MAX

// `items` is zeroed room for `cap` entries, at most OUTBOX_COUNT_MAX.
void outbox_init(struct outbox *outbox, struct outbox_entry *items, uint32_t cap);

// Takes `memory`, which holds the slices of `report`. There must be room.
uint32_t outbox_add(struct outbox *outbox, const struct outcome_report *report, void *take_memory);
// The same for one read from the journal.
uint32_t outbox_add_recovered(struct outbox *outbox, const struct outcome_report *report,
                              void *take_memory);
// The same for one that gives back a credit and nothing more: never journaled.
uint32_t outbox_add_volatile(struct outbox *outbox, const struct outcome_report *report,
                             void *take_memory);

// Entries in this state, from place `from` on; OUTBOX_NONE after the last.
uint32_t outbox_next(const struct outbox *outbox, enum outbox_state state, uint32_t from);
uint32_t outbox_count_of(const struct outbox *outbox, enum outbox_state state);

// The record of an ended entry is on disk, under its token.
void outbox_flushed(struct outbox *outbox, uint32_t entry);

// Takes durable entries into the FINISH with the number `batch`: at most `cap`, and at most
// `bytes_max` bytes of texts and results unless a single one is longer. 0: nothing is to be told.
uint32_t outbox_pick(struct outbox *outbox, uint64_t batch, struct msg_finish_job *jobs,
                     uint32_t cap, size_t bytes_max);
// The broker's verdict on one of them: every verdict settles. OUTBOX_NONE when it is not (or no
// longer) asked for.
uint32_t outbox_answer(struct outbox *outbox, const struct msg_finished_job *verdict);
// The message was answered or refused as a whole: what it left unsettled is durable again, and
// goes alone next time. Returns how many these are.
uint32_t outbox_close(struct outbox *outbox, uint64_t batch);

// The broker has no room for what was in this message, closed before: it is not picked until
// outbox_unhold(); others are.
void outbox_hold(struct outbox *outbox, uint64_t batch);
void outbox_unhold(struct outbox *outbox);

// Which job is meant. In the life of another store the same id and generation may be another job.
struct outbox_job {
    struct id id;
    uint64_t generation;
    uint64_t lineage;
};
// A success of this job, told or not: a new grant is answered with it. One whose lineage is not known
// counts for every one.
uint32_t outbox_find_success(const struct outbox *outbox, const struct outbox_job *job);
// An outcome for exactly this lease.
uint32_t outbox_find(const struct outbox *outbox, const struct msg_held *held);
// The outcome now answers another grant: it must be journaled and told again, as resent.
void outbox_rekey(struct outbox *outbox, uint32_t entry, uint64_t token);

// A durable entry will never be told: it is settled as it is.
void outbox_forget(struct outbox *outbox, uint32_t entry);

// Returns the memory of a settled entry, to be freed.
void *outbox_remove(struct outbox *outbox, uint32_t entry);
