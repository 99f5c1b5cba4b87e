#pragma once

// The broker as a deterministic state machine: commands in, effects out. No clock, no
// randomness, no I/O, no allocation after start. One thread owns it.
//
//   core_step() for each command of a batch, then core_close() once: it dispatches what may be
//   dispatched and collects the writes. When the batch is durable: core_settled(), then the
//   effects may leave. At most two batches are unsettled.

#include "broker/core/effects.h"
#include "broker/core/known.h"
#include "broker/core/limits.h"
#include "broker/core/violation.h"
#include "lib/base/when.h"
#include "proto/msg.h"

struct core;

enum command_kind {
    COMMAND_MESSAGE, // a decoded message of a peer
    COMMAND_GONE,    // the shell has forgotten a peer's number; it may be given again
    COMMAND_UNSENT,  // jobs could not be handed to their worker's connection
    COMMAND_TICK,    // time has passed
    COMMAND_MOMENT,  // a moment of a schedule has come
    COMMAND_STEP,    // the next jobs of an act on many were found
    COMMAND_REMOVE,  // the sweeper found jobs whose retention or key window is over
    COMMAND_UNUSED,  // all rows were looked at: which lanes they carry
};

// A moment that is due, as the shell knows the schedule.
struct schedule_moment {
    struct slice schedule;
    uint32_t generation;
    uint64_t fingerprint;
    when_ms at;
    bool is_held;                     // it was decided to wait before
    const struct msg_submit_job *job; // with the id derived from schedule and moment
};

// Jobs that fit an operation, as the shell has found them: numbers fall, all between the cursor
// before and the one after. Proposed again, or too late, it does nothing.
struct operation_step {
    struct id operation;
    uint64_t from; // the operation's cursor when they were looked for
    uint64_t next; // its cursor once they are done
    uint32_t count;
    struct operation_item {
        struct id id;
        uint64_t no;
    } items[LIMITS_STEP_RECORDS_MAX];
};

// Every stored row was looked at, in one snapshot or several, each of them begun when `settled` was
// durable. A bit for each lane that one carries. Proposed again, or too late, it is still true.
struct lanes_carried {
    uint64_t settled; // a batch, or 0: none since the start
    uint8_t bits[(UINT16_MAX + 1) / 8];
};

struct command {
    enum command_kind kind;
    uint32_t peer;               // MESSAGE, GONE
    const struct msg *msg;       // MESSAGE: HELLO SUBMIT READY RENEW FINISH ACT OPERATE
                                 // SIMULATED SCHEDULE_SET QUEUE_SET BYE; lives until release
    struct msg_held_list unsent; // UNSENT: at most LIMITS_STEP_RECORDS_MAX
    const struct schedule_moment *moment; // MOMENT; it and its job live until release
    const struct operation_step *step;    // STEP
    const uint64_t *job_nos;              // REMOVE
    uint32_t job_no_count;                // at most LIMITS_STEP_RECORDS_MAX
    const struct lanes_carried *unused;   // UNUSED
};

// Bytes of memory a core with these limits needs (most of it stays untouched until used).
size_t core_size(const struct limits *limits);

// `memory` is core_size() zeroed bytes, aligned to 64, the caller's for the core's life. `seed`
// spreads hash tables (any value). The core is then filled by the core_load_ functions and
// started by core_start().
struct core *core_init(void *memory, const struct limits *limits, const struct known *known,
                       uint64_t seed);

// What the store holds, before core_start(): ledger, lanes, queues, policies, batches, every unfinished
// job, every key (version 8 id) whose row still exists, finished or not, every unique key,
// and what unfinished jobs wait for.
//   ERR_FULL      a limit is below what is stored; raise it
//   ERR_DAMAGED   the row contradicts what was loaded before
MUST_USE err core_load_ledger(struct core *core, const struct ledger_row *row);
MUST_USE err core_load_lane(struct core *core, const struct lane_row *row);
MUST_USE err core_load_queue(struct core *core, const struct queue_row *row);
MUST_USE err core_load_type(struct core *core, const struct type_row *row);
// Queues' counts that cannot be believed: their lanes' jobs were counted anew, from all rows. By
// the number of the lane.
void core_load_counts(struct core *core, uint64_t (*counts)[JOB_STATES], uint32_t lane_count);
MUST_USE err core_load_policy(struct core *core, uint16_t no, const struct policy *policy);
MUST_USE err core_load_batch(struct core *core, const struct batch_row *row);
MUST_USE err core_load_schedule(struct core *core, const struct schedule_row *row);
MUST_USE err core_load_endpoint(struct core *core, const struct endpoint_row *row);
MUST_USE err core_load_operation(struct core *core, const struct operation_row *row);
MUST_USE err core_load_job(struct core *core, const struct job_row *row);
MUST_USE err core_load_key(struct core *core, const struct id *id, uint64_t job_no);
MUST_USE err core_load_unique(struct core *core, const struct unique_row *row);
MUST_USE err core_load_dep(struct core *core, const struct dep_row *row);
// The last of all.  ERR_FULL
MUST_USE err core_load_second_lives(struct core *core);

// Begins a new epoch: running jobs keep their leases, counted in full from now; everything else
// is dispatched at once. The effects are the first batch.
void core_start(struct core *core, struct now now, struct effects *effects);

// Decides one command. `effects_has_room(effects, core_weight(core, command))` must
// hold.
void core_step(struct core *core, struct now now, const struct command *command,
               struct effects *effects);

// The memory that deciding about this id will read is on its way from here on; twice for one id,
// with some hundred nanoseconds of other work after each. Changes nothing.
void core_warm(const struct core *core, const struct id *id);
void core_warm_more(const struct core *core, const struct id *id);

// The peer that a worker's session goes by; CORE_NO_PEER: it has none.
#define CORE_NO_PEER UINT32_MAX
uint32_t core_worker_peer(const struct core *core, struct slice tenant, const struct id *id);
// Is there a batch or queue as the operation names it? One of others is refused by the core.
bool core_knows(const struct core *core, const struct msg_operate *operate);
// An operation that goes on, whose last step is durable, and whose rate allows more: the next one
// whose jobs should be looked for, each in its turn. False when there is none.
bool core_next_operation(struct core *core, struct now now, struct id *out_id);
// How long until a rate allows one: 0 when there is one, WHEN_NEVER when time alone brings none.
when_ms core_operation_wait_ms(const struct core *core, struct now now);

// How many jobs the command may change.
uint32_t core_weight(const struct core *core, const struct command *command);

// Ends a batch: grants, then the writes of everything changed. Returns the batch's number.
uint64_t core_close(struct core *core, struct now now, struct effects *effects);

// Batches up to this number are durable: ended jobs leave memory.
void core_settled(struct core *core, uint64_t batch);
// The last such number.
uint64_t core_last_settled(const struct core *core);
// Would one more pair of queue and type be refused?
bool core_is_out_of_names(const struct core *core);

// How long until a tick has something to do, in ms: 0 when at once, WHEN_NEVER when nothing waits.
when_ms core_wait_ms(const struct core *core, struct now now);

// True when a worker has credit for a waiting job that the last batch had no room for.
bool core_has_more(const struct core *core);

// For metrics and tests.
struct core_figures {
    struct ledger_row ledger;
    uint64_t submitted, replayed, refused, granted;
    uint64_t finished[OUTCOMES]; // accepted finishes by enum outcome
    uint64_t stale;              // finishes refused because the token had passed on
    uint64_t late;               // finishes accepted after their lease had ended
    uint64_t expired;            // jobs not started within their ttl
    uint64_t retried;            // dead jobs that were made to live again
    uint64_t leases_ended;
    uint64_t resent;              // accepted finishes that came from a worker's journal
    uint64_t deliveries;          // made for jobs that have ended
    uint64_t progress_deliveries; // made for jobs that run …
    uint64_t progress_left_out;   // … and not made, for want of room
    uint64_t
        simulated[SIMULATIONS]; // dry runs that somebody offers to simulate, by what came of it
    uint64_t moments[3];        // of schedules, by enum moment_verdict
    uint32_t schedule_count;
    uint32_t endpoint_count;
    uint32_t operation_count;   // known ones
    uint32_t operation_running; // of these, those that go on
    uint64_t operated[2];       // jobs that operations met: 0 left as they were, 1 done
    uint32_t worker_count, lease_count, batch_count, key_count, job_count;
    uint32_t lane_count;  // of their numbers, not all of which are in use
    uint32_t queue_count; // so, too
    uint32_t concurrency_key_count;
    uint32_t unique_count;
    uint32_t dependency_count;
    when_ms oldest_due_at; // of the queued jobs; WHEN_NEVER when none
};
// Where a schedule stands, unsettled changes included; false when there is none. The name is
// borrowed until the next step.
bool core_schedule(const struct core *core, struct slice name, struct schedule_row *out_row);
// Is the job of its last moment unfinished? False when there is no such schedule.
bool core_schedule_is_busy(const struct core *core, struct slice name);
void core_figures(const struct core *core, struct core_figures *out_figures);

// Waiting jobs of a lane, for metrics: false when there is no such lane.
struct lane_figures {
    struct lane_row lane;
    uint32_t ready_count;
    uint32_t worker_count;
};
bool core_lane(const struct core *core, uint16_t lane, struct lane_figures *out_figures);

// A queue, by its number in this process: its row as it stands, unsettled changes included, names
// borrowed until the next command. False when there is no such queue.
bool core_queue(const struct core *core, uint32_t queue, struct queue_row *out_row);

// Why this job does not run, as of the last step; WAITING_NONE when it runs, has ended, is not
// known here, or will be handed out at the end of the batch. O(1).
enum waiting_on core_waiting_on(const struct core *core, const struct id *id);

// --- the auditor of memory; between two calls of core_step() ---

// Aborts (CHECK) when an index disagrees with the jobs. O(jobs); for tests.
void core_audit(const struct core *core);

// The same in pieces, naming what is wrong: a walk over jobs, delayed ones, leases and workers.
// Zero begins a round.
struct core_audit_walk {
    uint32_t part;
    uint32_t at;
};
// Looks at up to `count` things. True when the round is over.
bool core_audit_some(const struct core *core, struct core_audit_walk *walk, uint32_t count,
                     struct violation_list *found);

// What memory has to say about a stored row that was unfinished in some snapshot at or after the
// last settled batch: VIOLATION_NONE, VIOLATION_MEMORY_DIFFERS, or VIOLATION_FORGOTTEN: then a
// snapshot begun later must show that the job has ended.
enum violation core_audit_row(const struct core *core, const struct job_row *row);
