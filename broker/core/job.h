#pragma once

// A job in memory and the one table of its moves. Pure. Not thread-safe.
//
//                 submit_later            due
//        (none) ───────────────▶ SCHEDULED ──┐
//          │                         ▲       │
//          │ submit          snooze  │       ▼        grant
//          └─────────────────────────┼──▶ QUEUED ────────────▶ RUNNING
//                                    │    │  ▲ ▲ report  return  │ │ │
//                                    └────┼──┼─┴─────────────────┘ │ │
//                              succeed,   │  │ due                 │ │ fail
//                              die (late) │  └──── RETRYING ◀──────┼─┘
//                                         ▼                        │ succeed, die
//                             SUCCEEDED | DEAD ◀───────────────────┘
//                                   │ remove
//                                   ▼
//                                REMOVED (a tombstone while the id is taken)
//
//        SCHEDULED, QUEUED, RETRYING, RUNNING ── cancel ──▶ CANCELLED ── remove ──▶ REMOVED
//        SCHEDULED, QUEUED ── expire ──▶ EXPIRED ── remove ──▶ REMOVED
//        DEAD ── retry ──▶ QUEUED
//        SCHEDULED, RETRYING ── run_now ──▶ QUEUED, before its time
//        RETRYING takes a late succeed, die and report like QUEUED: its deadline had passed

#include "broker/core/row.h"

// The numbers are in stored timelines: a new event gets the next one.
enum job_event {
    JOB_SUBMIT = 0,
    JOB_SUBMIT_LATER = 1,
    JOB_DUE = 2,      // its time has come
    JOB_GRANT = 3,    // leased to a worker
    JOB_SUCCEED = 4,  // finished well; from QUEUED: late, after its lease had ended
    JOB_FAIL = 5,     // an attempt is burnt, another will come
    JOB_DIE = 6,      // no attempt is left, or none is wanted
    JOB_RETURN = 7,   // back to the queue at once: interruption, or the lease has ended
    JOB_SNOOZE = 8,   // the handler asked to be called later
    JOB_REPORT = 9,   // a late failure is noted; its attempt was already burnt by the lease's end
    JOB_REMOVE = 10,  // retention
    JOB_CANCEL = 11,  // somebody asked for it; the handler, if any, has stopped or lost its lease
    JOB_EXPIRE = 12,  // its ttl has passed before it was first started
    JOB_RETRY = 13,   // somebody wants a dead job to live again
    JOB_RUN_NOW = 14, // somebody wants it before its time
};
enum { JOB_EVENTS = 15 };

// Numbers last for half a year of 500,000 jobs a second, moments until the year 2527.
enum { JOB_NO_BITS = 43, JOB_BODY_LEN_BITS = 21, JOB_ACCEPTED_AT_BITS = 44 };
#define JOB_NO_MAX ((UINT64_C(1) << JOB_NO_BITS) - 1)
#define JOB_BODY_LEN_MAX ((1u << JOB_BODY_LEN_BITS) - 1)
#define JOB_ACCEPTED_AT_MAX ((INT64_C(1) << JOB_ACCEPTED_AT_BITS) - 1)
static_assert(MSG_PAYLOAD_LEN_MAX <= JOB_BODY_LEN_MAX, "every body has its length");

// One line of the processor's cache, and most of what a waiting job costs: see docs/limits.md.
struct job {
    struct id id;
    uint64_t no : JOB_NO_BITS;
    uint64_t body_len : JOB_BODY_LEN_BITS;
    uint64_t fingerprint;
    uint64_t accepted_at : JOB_ACCEPTED_AT_BITS; // a when_ms
    unsigned state : 4;                          // enum job_state; written by job_move() only
    unsigned priority : 4;
    unsigned token_use : 2;  // enum token_use
    unsigned is_changed : 1; // in this batch's list of changes
    unsigned is_new : 1;     // not stored yet
    unsigned cancel : 2;     // enum cancel
    unsigned relations : 4;  // flags: enum relation
    unsigned is_bound : 1;   // has a concurrency key: see struct bond
    unsigned is_costly : 1;  // costs more than 1: see struct bond
    when_ms at;              // unfinished: since or from when it may start; ended: when it ended
    uint32_t version;
    uint32_t batch; // place of its batch + 1, 0 when none
    uint32_t past;  // its place in struct pasts; PASTS_NONE when it was never granted
    uint16_t lane;
    uint16_t policy;
};

// Is there an edge from `state` for `event`?
bool job_may(enum job_state state, enum job_event event);
// The state that `event` leads to; the edge must exist.
enum job_state job_after(enum job_state state, enum job_event event);
// Moves the job along an edge that must exist, and counts its version.
void job_move(struct job *job, enum job_event event);
// Has it ended for good?
bool job_is_done(enum job_state state);
// "submit", "grant" …, as in the drawing; static.
const char *job_event_name(enum job_event event);
// "queued", "running" …; static.
const char *job_state_name(enum job_state state);
