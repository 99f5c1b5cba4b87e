#pragma once

// The simulator: the product's core with a model store, a faulty network, a virtual clock,
// crashes, and clients and workers that behave badly; everything from one seed. Single-threaded.
//
//   world    clock, seed, network, the loop       model    what is durable, as plain rows
//   shell    the broker's turn around the core    client, worker   the peers
//   watch_*  invariants and situations            replay   the ledger again, without dispatcher
//   plan     what a run may do without           trace    the hash of all effects
//   disk     the product's store beside the model
//   hook     deliveries of webhooks, wished and checked
//   fail     what happens on a violation          shrink   the shortest run that still fails
//   transcript   a run in words

#include "broker/core/core_private.h"
#include "lib/base/prng.h"
#include "proto/wire.h"
#include "tests/sim/bounds.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/hook.h"
#include "tests/sim/model.h"
#include "tests/sim/operation.h"
#include "tests/sim/peers.h"
#include "tests/sim/schedule.h"
#include "tests/sim/situations.h"
#include "tests/support/tell.h"

#include <stdlib.h>

// Who has a turn; peers speak and hear.
enum {
    ACTOR_WORLD,
    ACTOR_SHELL,
    ACTOR_CLIENT,
    ACTOR_WORKER = ACTOR_CLIENT + SIM_CLIENTS,
    ACTOR_CLIENT_HEARS = ACTOR_WORKER + SIM_WORKERS,
    ACTOR_WORKER_HEARS = ACTOR_CLIENT_HEARS + SIM_CLIENTS,
    ACTOR_COUNT = ACTOR_WORKER_HEARS + SIM_WORKERS,
};

// Of one actor in one step.
struct turns {
    uint32_t count;
    uint32_t event_count; // optional ones
};

// What a run may do, and on which store.
struct plan {
    const char *disk_dir;  // the product's store lives here; NULL: only the model
    bool is_limited;       // else everything
    const uint32_t *names; // of the optional events that may happen, sorted
    uint32_t count;
    bool is_short;     // without the part after the faults …
    uint32_t step_max; // … and no further than this step; 0: all
    bool is_again;     // what is seen is not counted
    struct tell *tell; // is told what happens; NULL: nobody
};

// --- the network ---

struct packet {
    when_ms at; // arrives
    uint64_t order;
    uint32_t peer;
    bool to_broker;
    const struct msg *msg; // lives as long as the run
};

// --- the shell ---

enum sim_batch_state { BATCH_OPEN, BATCH_CLOSED, BATCH_COMMITTING };

struct sim_batch {
    enum sim_batch_state state;
    struct effects fx;
    uint64_t no;
    when_ms done_at; // committing: when the flush ends
};

// What holds for the payloads of a type.
struct sim_schema {
    struct slice tenant, type;
    uint32_t eighth; // of all payloads breaks it; 0: none does
};

struct shell {
    bool is_up;
    void *memory;
    struct core *core;
    struct sim_batch batches[3]; // in order; the last one is open unless two are unsettled
    uint32_t batch_count;
    const struct packet *inbox[SIM_PACKETS];
    uint32_t inbox_first, inbox_count;
    struct msg_held unsent[64];
    uint32_t unsent_count;
    const struct operation_step *step; // found, not proposed yet; NULL: none
    struct lanes_carried carried;      // seen, not proposed yet
    bool has_carried;
    when_ms proposed_at[SIM_SCHEDULES]; // moments up to this one have been proposed
    struct sim_due due[SIM_SCHEDULES];
    struct sim_schema schemas[SIM_TYPES];
    uint32_t schema_count;
    when_ms up_at; // down: when it starts again
    uint32_t starts;
};

// --- peers ---

enum { INTENT_OPEN, INTENT_ACKED, INTENT_REFUSED };

// What a client wants done: one job, one id, one body.
struct intent {
    struct msg_submit_job job;
    int state;
    when_ms repeat_at;
    uint64_t corr;
    uint64_t atomic_corr; // when it is submitted with those before it
    uint32_t client;
    bool is_impostor; // the same key as another intent, with another body
};

// What a client wants done with a job.
struct sim_act {
    struct msg_act act;
    uint64_t corr;
    when_ms repeat_at;
    uint32_t client;
    bool is_open;   // not answered yet
    uint32_t count; // how often it was applied to the job of this number, durably
    uint64_t job_no;
    uint64_t asked_no; // of the job that had the id when it was last asked for; 0: none, yet
};

struct client {
    uint32_t peer;
    struct slice tenant; // lives for ever
    bool is_known;       // was WELCOMEd
    uint32_t open_max;   // the quota that it tells; 0: none
    when_ms hello_at;
};

// --- what was seen, for the invariants ---

// A durable, released acceptance.
struct seen_job {
    struct id id;
    uint64_t fingerprint;
    when_ms dedup_until;
};

// Where a job stands as far as the entries say, unsettled ones included.
struct seen_state {
    struct id id;
    enum job_state state;
    uint8_t queue;                     // place in watch.queues + 1
    struct id batch;                   // its watch_batch_name(); zero when none
    bool is_cancel_asked, is_url_gone; // by an act on many, while it ran; its own wants no progress
    uint32_t events, words; // what is told, as submitted; of its progress, since the start
    struct seen_hearers hearers;
};

struct seen_batch {
    struct id id;             // its watch_batch_name()
    bool is_sealed, is_fresh; // made by the command that is looked at
    when_ms finished_at;
    when_ms joined_at;    // the last member, or the start
    bool has_lost;        // a removed member had not succeeded
    uint64_t fingerprint; // of the one that made it
    when_ms dedup_until;  // of the last member's id, when there is a fingerprint
};

struct seen_grant {
    uint64_t token;
    struct id job_id;
    uint32_t worker;
    when_ms safe_until; // mono: its lease must not end before
    when_ms over_at;    // mono: its attempt's deadline and the grace
    uint32_t extend_ms; // of it
    when_ms stop_by;    // mono: cancelled, its lease must not end later; 0: not
    bool has_passed;    // its lease has ended by its time
    bool is_out;        // counts against the worker's credit
};

// What a worker takes, as it said last.
struct seen_taker {
    uint32_t peer;
    uint64_t session;
    uint32_t slots; // 0: takes nothing
    uint32_t type_count;
    uint64_t slot_bytes;
};

// A job that was started.
struct seen_start {
    when_ms at;
    uint64_t key_hash;
    uint32_t queue;
    uint32_t cost;
};

// Rates of a queue, and since when they hold.
struct seen_limits {
    struct msg_rate rate, key_rate;
    when_ms since, key_since;
};

// A unique key and the span for which a job has it.
struct seen_unique {
    struct id hash;
    struct id job_id;
    when_ms accepted_at;
    when_ms until;
    bool waits_end;
    bool has_ended;
};

// A schedule as far as the entries say, unsettled ones included.
struct seen_schedule {
    const struct msg_schedule *given; // NULL: there is none
    bool is_paused;
    when_ms decided_at; // no moment up to this one may be decided any more
    when_ms held_at;
    struct id last_job;
    struct id replaced; // cancelled for last_job, zero: none
    uint64_t fired, skipped;
};

// What is set for a queue as far as the entries say, unsettled ones included.
struct seen_queue {
    struct slice tenant;
    struct slice queue;
    struct msg_queue_settings settings;
    unsigned paused;
};

// A job that waits, or waited, for others.
struct seen_child {
    struct id id;
    when_ms accepted_at;
    uint32_t parent_count;
    struct id parents[SIM_PARENTS];
    bool has_ended[SIM_PARENTS];
    bool is_released[SIM_PARENTS]; // by this one
    bool must_cancel;              // one of them has failed, and that was the wish
    bool has_failed;               // one of them has failed
    bool is_over;
    bool is_retried;           // a second life waits for nobody, nor does what tells of progress
    bool is_gone[SIM_PARENTS]; // before the second life
};

// Who submitted a job, or a member of a batch.
struct seen_owner {
    struct id id; // of a batch: its watch_batch_name()
    struct slice tenant;
};

struct watch {
    struct seen_try tries[64];
    uint32_t try_count;
    uint32_t try_debts[SIM_WORKERS]; // asked, and not a word since
    struct seen_owner owners[SIM_OWNERS];
    uint32_t owner_count;
    struct seen_queue queues[SIM_QUEUES];
    uint32_t queue_count;
    struct msg_type_set types[SIM_TYPE_SETS]; // in their order, each as it is after it
    uint32_t type_count;
    struct seen_schedule schedules[SIM_SCHEDULES];
    struct seen_operation operations[SIM_OPERATIONS];
    struct operation_halt halts[SIM_OPERATES]; // that clients were told; no id: a free place
    struct seen_endpoint endpoints[SIM_ENDPOINTS];
    uint32_t endpoint_births;
    struct seen_job jobs[SIM_INTENTS + 64];
    uint32_t job_count;
    struct seen_grant grants[SIM_JOBS * 4];
    uint32_t grant_count;
    struct seen_state states[SIM_STATES];
    uint32_t state_count;
    struct seen_unique uniques[SIM_INTENTS * 4];
    uint32_t unique_count;
    uint32_t slots[SIM_WORKERS]; // credit the broker has heard of
    struct seen_taker takers[SIM_WORKERS];
    struct seen_start starts[SIM_JOBS * 4]; // since the broker's start
    uint32_t start_count;
    when_ms started_at;
    struct seen_limits limits[SIM_QUEUES];
    uint64_t drained[SIM_WORKERS]; // the session that was told to go quiet, 0: none
    struct seen_child children[SIM_STATES];
    uint32_t child_count;
    struct seen_batch batches[SIM_BATCHES];
    uint32_t batch_count;
    struct seen_tellings tellings;
    bool edges[JOB_STATES][JOB_EVENTS];
    bool was_full_lanes;
};

struct sim {
    uint64_t seed;
    uint64_t trace; // of everything so far
    const struct plan *plan;
    struct prng prng; // of the turn
    uint32_t actor;   // whose turn it is
    struct turns turns[ACTOR_COUNT];
    uint32_t happened[SIM_EVENTS]; // names of the optional events so far
    uint32_t happened_count;
    struct now now;
    when_ms mono_skew;
    bool is_healed;
    bool is_counted; // what is seen
    bool has_schedules;
    bool has_queues; // that are set and paused
    bool has_operations;
    bool has_hooks;
    uint32_t step;
    struct limits limits;
    struct arena arena; // everything said in this run
    struct packet packets[SIM_PACKETS];
    uint32_t packet_count;
    uint64_t packet_order;
    struct sim_store store;
    struct sim_disk *disk; // NULL: the model alone
    struct shell shell;
    struct client clients[SIM_CLIENTS];
    struct sim_worker workers[SIM_WORKERS];
    struct intent intents[SIM_INTENTS];
    uint32_t intent_count;
    struct sim_act acts[SIM_ACTS];
    uint32_t act_count;
    struct sim_operate operates[SIM_OPERATES];
    uint32_t operate_count;
    uint32_t peer_next;
    uint64_t corr_next;
    struct watch watch;
    uint32_t log_count;
    uint32_t mark_count;
    // Not zeroed for the next run.
    struct entry log[SIM_ENTRIES];   // the durable ledger
    uint32_t log_marks[SIM_ENTRIES]; // entry count at each durable batch's end
    uint64_t log_digests[SIM_ENTRIES];
};

// Totals over all seeds.
extern uint64_t sim_situations[SEEN_COUNT];
extern uint64_t sim_edges[JOB_STATES][JOB_EVENTS]; // seeds in which the edge was taken

// One run, and another on the product's store when the plan names a directory. Returns a hash of
// its trace; ends the process with a message on a violation. `plan` must live as long.
uint64_t sim_run(uint64_t seed, const struct plan *plan);
extern struct sim *sim_now; // the run, for sim_fail()

// Tells seed, step and what is wrong, and the shortest run that breaks the same rule; then ends
// the process.
_Noreturn void sim_fail(const char *what);
#define SIM_EXPECT(fact, what)                                                                     \
    do {                                                                                           \
        if (!(fact))                                                                               \
            sim_fail(what);                                                                        \
    } while (0)

// room.c
// The zeroed run with its arena, in the place of the one before.
struct sim *room_begin(void);
// The next one has a place of its own.
void room_leave(void);

// plan.c
// False when the run does without this step.
bool plan_begin_step(struct sim *sim);
// The dice of the actor's turn; who comes next has other ones, whatever this one does.
void plan_begin_turn(struct sim *sim, uint32_t actor);
// A chance of something that a run can do without: a fault, a wish, a whim. Never after the
// faults. A failing run is shrunk by leaving these out, so use it wherever it may be.
bool plan_optional(struct sim *sim, unsigned percent);
// True, but that a shrunk run may do without: what a peer says now and may as well say later.
bool plan_usual(struct sim *sim);

// world.c
bool world_chance(struct sim *sim, unsigned percent);
uint64_t world_below(struct sim *sim, uint64_t bound);
// Copies the message through the wire's own encoder and decoder, so nothing is shared.
const struct msg *world_copy(struct sim *sim, const struct msg *msg);
// May lose, double, delay and reorder. What goes to the broker is of the tenant that it names, else
// of its peer's.
void world_send(struct sim *sim, uint32_t peer, bool to_broker, const struct msg *msg);
uint32_t world_new_peer(struct sim *sim);

// disk.c: does as the model does, in LMDB below `dir`; asked only when sim->disk is there.
void sim_disk_init(struct sim *sim, const char *dir);
void sim_disk_close(struct sim *sim);
// A start: the store is opened again, then loaded.
struct known sim_disk_known(struct sim *sim);
void sim_disk_load(struct sim *sim, struct core *core);
void sim_disk_commit(struct sim *sim, const struct effects *fx);
// The schema of a type, borrowed until the next commit.
struct slice sim_disk_schema(struct sim *sim, const struct type_row *row);
// Compares all of it with the model, and removes it.
void sim_disk_end(struct sim *sim);

// fail.c: inside sim_fail(), instead of a message.
typedef void fail_catcher(struct sim *sim, const char *what);
void fail_catch(fail_catcher *catcher);

// shrink.c: tries at most that many shorter runs, in processes of their own, and prints the
// transcript of the shortest one.
extern uint32_t shrink_tries_max; // 0: none
void shrink_tell(const struct sim *sim, const char *what);

// transcript.c: nothing is told unless the plan says to whom.
__attribute__((format(printf, 2, 3))) void transcript_note(struct sim *sim, const char *form, ...);
void transcript_hears(struct sim *sim, const struct command *command);
void transcript_moves(struct sim *sim, const struct id *id, enum job_state from, enum job_state to);
void transcript_stores(struct sim *sim, const struct effects *fx);
void transcript_says(struct sim *sim, const struct effects *fx);

// trace.c
// Everything a closed batch wants done.
void trace_batch(struct sim *sim, const struct effects *fx);
void trace_number(struct sim *sim, uint64_t number);

// shell.c
void shell_init(struct sim *sim);
void shell_deinit(struct sim *sim);
bool shell_fits(const struct shell *shell, const struct sim_batch *batch,
                const struct command *command);
void shell_decide(struct sim *sim, struct sim_batch *batch, const struct command *command);
void shell_receive(struct sim *sim, const struct packet *packet);
void shell_turn(struct sim *sim);
void shell_crash(struct sim *sim);
// A copy that lives as long as the run: the core may give the place of what it borrowed to others.
struct slice shell_keep_text(struct sim *sim, struct slice text);

// client.c, worker.c
void client_init(struct sim *sim);
void client_turn(struct sim *sim, uint32_t no);
void client_receive(struct sim *sim, uint32_t no, const struct msg *msg);
// queue.c
void queue_turn(struct sim *sim, uint32_t client);
// act.c
void act_turn(struct sim *sim, uint32_t client);
void act_receive(struct sim *sim, const struct msg *msg);
struct sim_act *act_of(struct sim *sim, uint64_t corr); // NULL: nobody's
// A durable entry; an act is applied once.
void act_applied(struct sim *sim, const struct entry *entry);
// … by somebody of the job's tenant.
bool act_was_asked(struct sim *sim, enum act_kind kind, const struct id *job_id);
void worker_init(struct sim *sim);
void worker_turn(struct sim *sim, uint32_t no);
void worker_receive(struct sim *sim, uint32_t no, const struct msg *msg);

// watch.c
void watch_seen(enum sim_situation situation);
// After a start: what was acknowledged is there.
void watch_start(struct sim *sim);
// At the end: batches count what their members are.
void watch_end(const struct sim *sim);
// watch_entry.c: after a command was decided (NULL: the batch was closed); its entries begin at
// `first_entry`.
void watch_step(struct sim *sim, const struct command *command, const struct effects *fx,
                uint32_t first_entry);
struct seen_state *watch_state_of(struct sim *sim, const struct id *id);
// watch_credit.c
void watch_heard(struct sim *sim, const struct command *command, const struct effects *fx);
// At the end of a batch: credit is never passed.
void watch_grants(struct sim *sim, const struct effects *fx);
struct seen_grant *watch_grant_of(struct sim *sim, uint64_t token);  // NULL when never granted
uint32_t watch_worker_of_peer(const struct sim *sim, uint32_t peer); // SIM_WORKERS: nobody's
uint32_t watch_out_count(const struct sim *sim, uint32_t worker);    // jobs it has
// watch_tenant.c: each entry, before others look at it; a start; a decided command; a batch's end.
void watch_tenant_entry(struct sim *sim, const struct entry *entry);
void watch_tenant_start(struct sim *sim);
void watch_tenant_heard(struct sim *sim, const struct command *command, const struct effects *fx);
void watch_tenant_grants(struct sim *sim, const struct effects *fx);
// Did the tenant submit this job, or a member of this batch?
bool watch_tenant_owns(struct sim *sim, struct slice tenant, const struct id *id);
// watch_act.c
void watch_act_entry(struct sim *sim, const struct entry *entry);
void watch_act_leases(struct sim *sim);
void watch_act_start(struct sim *sim);
void watch_act_tick(const struct sim *sim);
void watch_acted(struct sim *sim, uint64_t corr, const struct msg_acted *answer);
// schema.c: a type may get a schema; what intake says of the payloads of a submission; after the core
// has decided about a type; at a start.
void schema_want(struct sim *sim, struct msg_type_set *set);
void schema_judge(struct sim *sim, struct msg *msg);
void schema_keep(struct sim *sim, const struct msg *msg, const struct effects *fx);
void schema_load(struct sim *sim);
// Which of eight parts of all payloads breaks it; none at all: 0.
uint32_t schema_eighth(struct slice text);
bool schema_breaks(uint32_t eighth, const struct msg_submit_job *job);
// watch_simulate.c: dry runs that workers are asked about. The answer that waits is given back.
struct msg_submitted watch_simulate_asked(struct sim *sim, const struct command *command,
                                          const struct send *send);
void watch_simulate(struct sim *sim, const struct command *command, const struct effects *fx,
                    const struct sim_effects_mark *before);
void watch_simulate_told(const struct msg_submitted *told);
void watch_simulate_time(struct sim *sim);

// dry.c: a dry run, and then the same in earnest.
void dry_decide(struct sim *sim, struct sim_batch *batch, const struct command *command);
// watch_schema.c: after a submission was decided.
void watch_schema_answer(const struct sim *sim, const struct msg_submit *submit,
                         const struct msg_submitted *answer);

// watch_share.c: after a command was decided, or the batch was closed.
void watch_share(struct sim *sim, const struct effects *fx, uint32_t first_entry);
// Must this queued job wait for others of its key? `states` by slot; NULL: as they are.
bool watch_share_is_busy(const struct sim *sim, uint32_t slot, const uint8_t *states);
// watch_limits.c: the same.
void watch_limits(struct sim *sim, const struct effects *fx, uint32_t first_entry);
void watch_limits_start(struct sim *sim);
// Has the queue of this queued job as many running ones as it may? Is there a rate for it?
bool watch_limits_is_full(const struct sim *sim, uint32_t slot);
bool watch_limits_has_rate(const struct sim *sim, uint32_t slot);
// watch_waiting.c: after a command was decided; after a batch was closed; after a start.
void watch_waiting_heard(struct sim *sim, const struct command *command, const struct effects *fx);
void watch_waiting(struct sim *sim);
void watch_waiting_start(struct sim *sim);
// watch_unique.c: after each entry, and for each answer of a command.
void watch_unique_entry(struct sim *sim, const struct entry *entry, enum job_state state);
void watch_unique_answer(struct sim *sim, const struct msg_submit *asked,
                         const struct msg_submitted *said);
// After a start: from the durable entries.
// Another job holds the key that this one would take again.
bool watch_unique_hinders(struct sim *sim, const struct id *job_id);
void watch_unique_acted(struct sim *sim, const struct id *job_id, const struct msg_acted *said);
void watch_unique_start(struct sim *sim);
// watch_child.c: after each entry.
void watch_child_entry(struct sim *sim, const struct entry *entry, enum job_state state);
void watch_child_release(struct sim *sim, const struct entry *entry);
// A member of the batch has moved or gone, or it was sealed.
void watch_child_batch(struct sim *sim, const struct id *batch, bool is_removal);
void watch_child_start(struct sim *sim);
void watch_child_sweep(const struct sim *sim, const struct command *command);
// Was it to be cancelled because a job that it waits for has failed?
bool watch_child_must_cancel(struct sim *sim, const struct id *id);
// Has one that it waits for not released it?
bool watch_child_waits(struct sim *sim, const struct id *id);
// watch_batch.c: the model's own id of a batch: another one for each tenant. Ids of jobs stay.
struct id watch_batch_name(struct slice tenant, const struct id *id);
struct id watch_batch_id(const struct id *name); // as it was given
// After each entry of a job or a batch, and after each command.
void watch_batch_entry(struct sim *sim, const struct entry *entry, bool by_tick);
void watch_batch_step(struct sim *sim, const struct command *command, const struct effects *fx);
// What an atomic submission came to; its entries begin at `first_entry`.
void watch_batch_atomic(const struct command *command, const struct effects *fx,
                        uint32_t first_entry);
void watch_batch_commit(const struct sim *sim, const struct batch_row *row);
void watch_batch_start(struct sim *sim);
// JOB_QUEUED while it has not ended; JOB_SUCCEEDED or JOB_DEAD; JOB_NONE when there is no such batch.
enum job_state watch_batch_state(struct sim *sim, const struct id *id);
// watch_queue.c: an entry, after its job has moved; a start; before the writes reach the store; after.
void watch_queue_entry(struct sim *sim, const struct entry *entry);
// A quota refuses only what would pass it.
void watch_queue_heard(const struct sim *sim, const struct msg *msg, const struct msg *answer);
void watch_queue_start(struct sim *sim);
const struct seen_queue *watch_queue_of(struct sim *sim, const struct id *job_id);
// What is set for the job's type; NULL: nothing.
const struct msg_type_set *watch_queue_type(const struct sim *sim,
                                            const struct msg_submit_job *job);
void watch_queue_commit(const struct sim *sim, const struct effects *fx);
void watch_queue_answer(const struct sim *sim, const struct effects *fx,
                        const struct msg_queue_status_is *is);
// watch_commit.c: before the writes reach the store.
void watch_commit(struct sim *sim, const struct effects *fx);
// watch_history.c: of the same writes, those of timelines.
void watch_history(const struct sim *sim, const struct effects *fx);
// watch_release.c: after they have, and before anything leaves.
void watch_release(struct sim *sim, const struct effects *fx);

// replay.c: applies the durable entries to a fresh ledger and compares the digests.
void replay_run(struct sim *sim);
