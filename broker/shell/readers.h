#pragma once

// What is read from the store beside the turn, in a thread of its own: answers to STATUS, LIST,
// TIMELINE, LOG, BATCH_STATUS and OPERATION, from a snapshot at or after the last settled batch, the
// sweep for jobs whose retention is over, and the next jobs of operations.
//
// readers_ask(), readers_take() and the sweep's functions belong to the link thread; none of
// them waits.

#include "broker/shell/watch.h"
#include "broker/store/store.h"
#include "lib/sys/wake.h"

struct readers;

struct readers_options {
    struct store *store;
    const struct wake *wake; // rung when there is something to take
};

// ERR_NO_MEMORY, ERR_SYSTEM, and what store_view_open() says.
MUST_USE err readers_open(const struct readers_options *options, struct readers **out_readers);
// NULL is allowed.
void readers_close(struct readers *readers);

// False when too many questions are waiting already. The core tells why a job waits, which is
// nowhere stored.
bool readers_ask(struct readers *readers, const struct core *core, struct watch_question *question);

struct readers_reply {
    struct peers_ref peer;
    uint32_t watch;  // of the question
    bool is_not_yet; // nothing new: let it wait
    struct slice envelope;
    struct slice block;
    void *memory; // holds both
};

// The next reply; false when there is none. Ends with readers_drop().
bool readers_take(struct readers *readers, struct readers_reply *out_reply);
void readers_drop(struct readers_reply *reply);

// Both clocks, for the sweep: it goes on counting from here while the link thread sleeps.
void readers_set_time(struct readers *readers, struct now now);
// Copies what the sweep has found, at most LIMITS_STEP_RECORDS_MAX numbers; 0: nothing. The
// sweep rests until readers_swept() says that their removal is settled. It goes on at once when
// something was removed, and a little later when not: else many jobs that may not go yet would keep
// the link thread busy. At the end of a round it rests longer.
uint32_t readers_take_sweep(struct readers *readers, uint64_t *out_job_nos);
bool readers_has_sweep(const struct readers *readers);
void readers_swept(struct readers *readers, bool has_removed);

// The next jobs of an operation that goes on; its last step must be settled. One is looked for at a
// time: until it was found, taken and dropped, none is wanted.
void readers_want_step(struct readers *readers, const struct id *operation);
// NULL until it is found. From 0: it cannot be read. Borrowed until readers_drop_step().
const struct operation_step *readers_peek_step(struct readers *readers);
void readers_drop_step(struct readers *readers);
