#pragma once

// The heartbeat: when RENEW is due and what it carries. Every renew_ms it names all jobs that this
// worker holds, outcomes on their way included, also when there are none; news of progress and
// log lines bring it forward, but not below RENEWAL_GAP_MS. Pure. Not thread-safe.

#include "proto/msg.h"
#include "worker/core/joblog.h"
#include "worker/core/outbox.h"
#include "worker/core/slots.h"

enum {
    RENEWAL_GAP_MS = 1000,
    RENEWAL_HELD_MAX = SLOTS_MAX + OUTBOX_COUNT_MAX,
    RENEWAL_LOG_BYTES_MAX = 1024 * 1024, // of log lines in one message
};

static_assert((int)RENEWAL_HELD_MAX <= (int)MSG_HELD_MAX, "all held jobs fit into one message");

struct renewal {
    uint32_t renew_ms; // 0: the broker has not said it yet
    when_ms sent_at;
    bool is_due;         // at once
    struct joblog *logs; // one for each slot, the caller's; NULL: none
};

struct renewal_room {
    struct msg_held held[RENEWAL_HELD_MAX];
    struct msg_progress progress[SLOTS_MAX];
    struct msg_log_line lines[MSG_LOG_LINES_MAX];
};

// The broker knows this worker since `now` and has heard of all its jobs.
void renewal_start(struct renewal *renewal, when_ms now, uint32_t renew_ms);

// When the next RENEW is due; WHEN_NEVER before renewal_start().
when_ms renewal_next(const struct renewal *renewal, const struct slots *slots);

// It is due at once: the broker is to hear what this worker holds.
void renewal_hurry(struct renewal *renewal);

// All jobs held, in `room` (also what HELLO says).
struct msg_held_list renewal_held(const struct slots *slots, const struct outbox *outbox,
                                  struct renewal_room *room);

// The RENEW of this moment; it borrows from `room` and the slots.
struct msg_renew renewal_fill(struct renewal *renewal, when_ms now, struct slots *slots,
                              const struct outbox *outbox, struct renewal_room *room);
// It was answered: the progress and the lines that it carried have arrived.
void renewal_answered(const struct renewal *renewal, struct slots *slots);
