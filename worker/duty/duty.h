#pragma once

// A worker without its handlers: which jobs it holds, what it owes the broker about them, and the
// conversation. Whoever runs the jobs (processes in worker/shell, threads in worker/sdk) is told what
// to do by three functions and says how an attempt ended by duty_end(). One thread owns a duty.
//
//     while (!duty_is_over(duty)) {
//         talk_listen(duty);       // grants, cancels, lost leases
//         …                        // begin what waits, take in what ended: duty_end()
//         duty_due(duty);          // deadlines
//         duty_move_on(duty, …);   // drain
//         duty_flush(duty);        // durable first …
//         talk_speak(duty);        // … then told
//         wait until duty_next(duty) or something happens
//     }

#include "lib/base/arena.h"
#include "lib/link/link.h"
#include "lib/peer/absence.h"
#include "lib/peer/peer.h"
#include "lib/sys/log.h"
#include "worker/core/outbox.h"
#include "worker/core/phase.h"
#include "worker/core/renewal.h"
#include "worker/core/slots.h"
#include "worker/duty/stats.h"
#include "worker/journal/journal.h"

enum {
    DUTY_FINISHES_MAX = 32, // unanswered FINISH messages
    DUTY_ASKS_MAX = DUTY_FINISHES_MAX + 1,
    DUTY_OUTBOX_SPARE = 1024, // outcomes beyond two for each slot and those of the journal
};

// What the worker is. All of it is borrowed.
struct duty_setup {
    enum role role; // ROLE_NONE: ROLE_WORKER
    const char *broker;
    const struct link_curve *curve; // NULL: in the clear
    struct slice tenant;
    struct slice name;
    const struct slice *types;
    uint32_t type_count;
    const struct slice *queues;
    uint32_t queue_count;
    uint32_t slot_count; // jobs in hand at once
    uint32_t run_count;  // of these, that run: the first slots; the others wait for one. 0: all
    // Dry runs at once, in further slots, and the types of which they are taken; 0: none.
    uint32_t simulation_count;
    const struct slice *simulates;
    uint32_t simulate_count;
    uint32_t grace_ms;
    uint32_t kill_after_ms;
    struct id worker_id;
};

// The job of the slot of the same number.
struct duty_job {
    struct msg_job msg; // borrowed from `memory`
    void *memory;
    uint64_t sequence; // of grants
    when_ms begun_at;
    uint64_t simulation; // what the broker calls this dry run; 0: it is a job
};

// One FINISH on its way, kept as it was sent until it is answered.
struct finish {
    uint64_t batch; // 0: the place is free
    uint64_t corr;
    uint8_t *bytes; // envelope, then block
    size_t envelope_len;
    size_t block_len;
};

// Whoever runs the jobs.
struct duty_crew {
    void *ctx;
    // The handler of this slot must stop (SLOT_ORDER_TERM) or be stopped (SLOT_ORDER_KILL); why is
    // slots.items[slot].stop. It still ends by duty_end().
    void (*stop)(void *ctx, uint32_t slot, enum slot_order order);
    // The broker knows this worker, and it takes jobs. Told once.
    void (*introduce)(void *ctx);
    // The process cannot go on. Does not return.
    void (*die)(void *ctx, const char *event, const char *why);
    // One line; NULL: lib/sys/log.h writes it.
    void (*log)(void *ctx, enum log_level level, const char *event, const char *text);
};

struct duty_room; // of messages that are being made

struct duty {
    struct duty_setup setup;
    struct duty_crew crew;
    uint64_t session;
    uint64_t lineage; // of the broker's store, as the last WELCOME told; 0 before the first
    when_ms now;      // monotonic, read once per round

    struct slots slots;
    struct duty_job *jobs; // one for each slot
    uint64_t grant_count;
    struct joblog *logs; // the same

    struct journal *journal; // the caller's; NULL: outcomes live in memory alone
    struct outbox outbox;
    when_ms clear_at; // settled outcomes leave the journal, or WHEN_NEVER
    when_ms tell_at;  // held outcomes are told again, or WHEN_NEVER

    struct link_context *context;
    struct link *link;
    err refusal; // of the last handshake, as the log has it
    uint32_t connection_count;
    struct peer peer;
    struct absence absence; // of the broker
    struct renewal renewal;
    struct duty_room *room;
    uint64_t renew_corr; // of the last RENEW, or 0 when it is answered
    struct finish finishes[DUTY_FINISHES_MAX];
    uint64_t batch_count;
    bool ready_due;     // READY must be said (again)
    enum drain drain;   // what the broker wants of this worker …
    enum drain drained; // … and what has been done of it
    bool is_introduced;
    struct arena decoding;
    struct arena encoding;

    struct phase phase;
    struct stats stats;
};

// Makes the slots. `duty` is zeroed; duty_deinit() is due whatever comes out.
//   ERR_NO_MEMORY
MUST_USE err duty_init(struct duty *duty, const struct duty_setup *setup,
                       const struct duty_crew *crew);
// The outbox, with what the journal holds; `journal` may be NULL and stays the caller's.
//   ERR_NO_MEMORY, and those of journal_load()
MUST_USE err duty_recover(struct duty *duty, struct journal *journal,
                          struct journal_loaded *out_loaded);
void duty_deinit(struct duty *duty);

// A job from the broker takes a free slot, waiting. Copies what it needs.
void duty_grant(struct duty *duty, uint32_t slot, const struct msg_job *job);
// A dry run takes a free slot of its own kind, waiting; its answer is told by duty_end().
void duty_simulate(struct duty *duty, uint32_t slot, const struct msg_job *job, uint64_t number);
static inline bool duty_is_simulation(const struct duty *duty, uint32_t slot)
{
    return slot >= duty->slots.job_count;
}
// Nobody waits any more for what is simulated.
void duty_drop_simulations(struct duty *duty);
// Jobs that came in advance go to slots that run, the first one first. Before anything begins.
void duty_advance(struct duty *duty);
// May a waiting job begin? Only in a slot that runs. Not when the outbox could not take its outcome, nor while an older lease
// of the same job is still being stopped: never two handlers of one job.
bool duty_may_begin(const struct duty *duty, uint32_t slot);
// Its handler has it: deadline and log begin.
void duty_begin(struct duty *duty, uint32_t slot);
// What its handler says meanwhile (worker/core/control.h), without the end of the line. Of one that has
// no job any more nothing counts.
void duty_hear(struct duty *duty, uint32_t slot, struct slice word);
// The attempt in this slot is over: the outcome goes to the outbox, that of a dry run to the broker,
// the slot is free. The report's
// slices are copied; ids and token are filled in.
void duty_end(struct duty *duty, uint32_t slot, struct outcome_report *report);
// What ran in this slot, which is free by now, cannot be killed and has not let go: no job takes the slot until
// duty_unbar(), and the broker is told of so many fewer.
void duty_bar(struct duty *duty, uint32_t slot);
void duty_unbar(struct duty *duty, uint32_t slot);
// Does what the slot table ordered.
void duty_obey(struct duty *duty, uint32_t slot, enum slot_order order);

// The broker has given these jobs to somebody else.
void duty_lose(struct duty *duty, const struct msg_held_list *lost);
// Somebody asked to stop these jobs.
void duty_cancel(struct duty *duty, const struct msg_held_list *cancel);

// Deadlines, and what must be killed by now.
void duty_due(struct duty *duty);
// No further jobs are taken.
void duty_quiet(struct duty *duty);
// The worker has been told to stop; the second time, at once.
void duty_stop(struct duty *duty);
// What the broker has asked for, once each: it says it again with every answer.
void duty_take_drain(struct duty *duty);
// The next step of leaving, when it is time. `unfinished_count`: handlers that are still there and
// have no job. True when the last step, PHASE_LEAVING, has come or gone.
bool duty_move_on(struct duty *duty, uint32_t unfinished_count);
bool duty_is_over(const struct duty *duty);

// Makes the outcomes of this round durable, if there are any, in one flush.
//   ERR_DISK   nobody knows what is on disk now: nothing may be told any more
MUST_USE err duty_flush(struct duty *duty);

// When duty_due(), duty_move_on() or the conversation has something to do by time alone, or
// WHEN_NEVER.
when_ms duty_next(const struct duty *duty);

// A line of this worker's log.
void duty_log(struct duty *duty, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// crew.die(), as one that does not return.
_Noreturn void duty_die(struct duty *duty, const char *event, const char *why);
