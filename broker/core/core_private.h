#pragma once

// The core from inside: the ledger, the dispatcher's parts, and the stations, one file each.
// Pure. Not thread-safe.

#include "broker/core/bulletins.h"
#include "broker/core/core.h"
#include "broker/core/delayed.h"
#include "broker/core/ebbs.h"
#include "broker/core/expiry.h"
#include "broker/core/gates.h"
#include "broker/core/leases.h"
#include "broker/core/ledger.h"
#include "broker/core/paces.h"
#include "broker/core/ready.h"
#include "broker/core/share.h"
#include "broker/core/simulations.h"
#include "broker/core/strands.h"
#include "broker/core/workers.h"

struct core {
    struct limits limits;
    struct ledger ledger;
    struct ready ready;
    struct share share;
    struct strands strands;
    struct gates gates;
    struct delayed delayed;
    struct expiry expiry;
    struct leases leases;
    struct workers workers;
    struct paces paces;
    struct ebbs tenant_ebbs;
    struct ebbs queue_ebbs;
    struct simulations simulations;
    struct bulletins bulletins;
    when_ms started_at;     // mono
    uint32_t resumed_count; // running jobs that were loaded
    uint64_t namings;       // messages of workers that named what they hold
    uint32_t held_back;     // scheduled jobs that wait for others, and stand nowhere
    bool has_more;
    struct core_figures figures;
};

// --- stations: each decides one kind of command ---
void hello_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx);
// It leaves; what it was given and does not name, when it names all that it holds, goes back at once.
void hello_bye(struct core *core, struct now now, uint32_t peer, const struct msg_bye *bye,
               struct effects *fx);
void hello_gone(struct core *core, uint32_t peer);
// Whose worker it is: a notifier, who serves all tenants, is of the default one.
struct slice hello_tenant(const struct msg *msg);
// One submission before its verdict.
struct proposal {
    const struct msg_submit_job *job;
    const struct trial *trial; // atomic: the records before it; else NULL
    struct policy policy;      // filled when it is not refused
};
// Refused, known already, or neither: then it may be accepted at once.
struct msg_submitted_job submit_judge(const struct core *core, struct now now,
                                      struct proposal *proposal, struct effects *fx);
// Is its batch made of something else than it says?
bool submit_is_of_another_batch(const struct core *core, const struct proposal *proposal);
// When a job may start that is accepted now.
when_ms submit_due_at(const struct msg_submit_job *job, when_ms now);
// What a proposal that is not refused would be answered, were it accepted.
struct msg_submitted_job submit_foresee(const struct core *core, struct now now,
                                        const struct proposal *proposal);
// What its job would meet then.
struct msg_forecast forecast_of(const struct core *core, struct now now,
                                const struct proposal *proposal);
// Must it wait for others? Those before it in the same message are unfinished.
bool forecast_waits(const struct core *core, const struct proposal *proposal);
// All of them, or none. Places for the answers are the caller's.
void atomic_submit(struct core *core, struct now now, const struct msg_submit *submit,
                   struct msg_submitted_job *answers, struct effects *fx);
// A dry run of several: each is judged as if those before it that are not refused had been
// accepted.
void atomic_try(const struct core *core, struct now now, const struct msg_submit *submit,
                struct msg_submitted_job *answers, struct effects *fx);
// Does an earlier record, one that is not refused, make the batch of the one that is judged? And does
// it say that the batch is made of something else?
bool atomic_has_batch(const struct trial *trial);
bool atomic_has_another(const struct trial *trial);
// Is this the id of a record before the one that is judged?
bool atomic_has_record(const struct trial *trial, const struct id *id);
// Does such a record ask for the unique key of the one that is judged?
bool atomic_holds_key(const struct trial *trial);
// What a job is told that waits for others and wants to join a batch that is waited for.
extern const char atomic_circle[];
// Of a message with so many records.
uint32_t atomic_weight(uint32_t count);
// One submission, for whoever makes one; the verdict is for the caller to pass on.
struct msg_submitted_job submit_one(struct core *core, struct now now,
                                    const struct msg_submit_job *job, struct effects *fx);
void schedule_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                   struct effects *fx);
void queue_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx);
void type_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
               struct effects *fx);
// PAUSE, RESUME or DRAIN.
struct msg_acted queue_act(struct core *core, struct now now, const struct msg_act *act,
                           struct effects *fx);
// Do the defaults of a queue or type fit each other?
err queue_judge(const struct msg_defaults *defaults, struct slice *out_detail);
extern const char queue_full[]; // the detail of a refusal for open_max
// Does the queue take one more job? OK, or ERR_PAUSED or ERR_FULL with a detail. QUEUES_NONE: it is
// new.
err queue_refusal(const struct core *core, uint32_t queue, const char **out_detail);
// The quota of unfinished jobs that holds for a job's tenant, 0: none; and how much of it is left.
uint64_t queue_quota(const struct core *core, const struct msg_submit_job *job);
uint64_t queue_quota_left(const struct core *core, const struct msg_submit_job *job);
extern const char queue_quota_spent[]; // the detail of ERR_QUOTA
// When a place may be free again, for a job that was refused with ERR_QUOTA or because its queue is full:
// by how fast the tenant's or the queue's jobs end; within bounds.
uint32_t queue_retry_ms(struct core *core, struct now now, const struct msg_submit_job *job,
                        err refusal);
// What is set for a queue, as far as it decides whose turn it is.
void queue_obey(struct core *core, uint32_t queue);
bool schedule_is_busy(const struct core *core, struct slice name);
void schedule_moment_step(struct core *core, struct now now, const struct command *command,
                          struct effects *fx);
void submit_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                 struct effects *fx);
void serve_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx);
// A dry run of one job that would be accepted, with its answer, of which the forecast is a part.
struct simulate_question {
    uint32_t peer;
    uint64_t corr;
    const struct msg_submit_job *job;
    const struct msg_submitted *answer;
    struct msg_forecast *forecast;
};
// Asks a worker, if one offers it. True when the answer comes later; else the forecast tells why, if
// somebody offers it.
bool simulate_begin(struct core *core, struct now now, const struct simulate_question *question,
                    struct effects *fx);
void simulate_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx);
// One whose time is over is answered; false when there is none. It costs a tick as much as so many
// records.
enum { SIMULATE_WEIGHT = 4 };
bool simulate_late(struct core *core, struct now now, struct effects *fx);
void renew_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx);
void finish_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                 struct effects *fx);
// Not more of an answer's room than this many jobs have.
enum { ROSTER_WEIGHT = LIMITS_STEP_RECORDS_MAX };
void roster_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx);
// Two copies of an endpoint in the arena, and a delivery or an act on those that wait.
enum { ENDPOINT_WEIGHT = 2 * ENDPOINTS_TEXT_LEN_MAX / EFFECTS_ANSWER_BYTES + 16 };
void endpoint_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                   struct effects *fx);
// What tries an endpoint. It lives as long as the batch.
const struct msg_submit_job *deliver_test(const struct msg_webhook_set *set, struct effects *fx);
// The tag of what goes to this endpoint, in `room`.
struct slice deliver_tag(struct slice endpoint, uint8_t room[MSG_TAG_LEN_MAX]);
// A job has just ended: who wants to be told of it, is: the deliveries are accepted.
void deliver_end(struct core *core, struct now now, uint32_t slot, struct effects *fx);
// The same of a job's progress, if there is room for it: its slot, or JOBS_NONE.
struct deliver_word {
    uint32_t slot;     // of the job, which runs
    uint32_t endpoint; // as ledger_told() tells it
    uint64_t receiver; // becomes the fingerprint
    when_ms due_at;
};
uint32_t deliver_progress(struct core *core, struct now now, const struct deliver_word *word,
                          struct effects *fx);
// Deliveries that so many words of one message may bring: a share of a flush at most, so that a worker
// with many jobs renews its leases however many want to be told. What is beyond it is left out.
uint32_t progress_weight(const struct core *core, uint32_t words);
// A running job's progress has just been stored: who wants to be told of it, is. `room`: deliveries
// that this message may still make.
void progress_tell(struct core *core, struct now now, uint32_t slot, uint32_t *room,
                   struct effects *fx);
// A job begins to wait: accepted, revived, or loaded. If it is a delivery of progress, nobody else is
// told of that job's until it has ended.
void progress_begin(struct core *core, uint32_t slot);
// It is handed out, and tells what it finds from now on.
void progress_grant(struct core *core, uint32_t slot);
// Is it a delivery of progress that must not be sent any more? Its job has ended, or another tells
// of it. Then it is cancelled.
bool progress_is_void(const struct core *core, uint32_t slot);
void progress_drop(struct core *core, struct now now, uint32_t slot, struct effects *fx);
// A job has ended. If it is a delivery of progress, and its job has said more meanwhile, another one
// comes.
void progress_end(struct core *core, struct now now, uint32_t slot, struct effects *fx);
// Has the url of the job that this delivery tells of answered with it that it wants no more?
bool progress_is_gone(const struct core *core, uint32_t slot, const struct msg_finish_job *finish);
// Deliveries of progress that the end of this job may bring, or jobs that it changes.
uint32_t progress_places(const struct core *core, uint32_t slot);
// `job` has just made its batch: what will tell these of the batch's end is accepted, and waits for
// it.
void deliver_batch(struct core *core, struct now now, const struct msg_submit_job *job,
                   const struct ledger_hearers *hearers, struct effects *fx);
void unsent_step(struct core *core, struct now now, const struct command *command,
                 struct effects *fx);
void tick_step(struct core *core, struct now now, struct effects *fx);
void act_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
              struct effects *fx);
// An act on many begins, or is cancelled; between the two step by step.
bool operation_is_known(const struct core *core, const struct msg_operate *asked);
// Begins one that nobody has begun yet; `asked` lives as long as the batch. False: there is no place.
bool operation_start(struct core *core, struct now now, const struct msg_operate *asked,
                     struct effects *fx);
void operation_begin(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                     struct effects *fx);
void operation_step(struct core *core, struct now now, const struct operation_step *step,
                    struct effects *fx);
void remove_step(struct core *core, struct now now, const struct command *command,
                 struct effects *fx);
void unused_step(struct core *core, struct now now, const struct lanes_carried *carried,
                 struct effects *fx);
// Hands waiting jobs to workers with credit, as far as the batch has room.
void dispatch_run(struct core *core, struct now now, struct effects *fx);

// --- shared by stations ---

// What an act on many costs beside its jobs: its row, and two copies of its six texts in the
// arena.
enum { OPERATION_WEIGHT = 9 };
// An act on one job; the answer is for the caller to pass on. ERR_AGAIN: nothing was done, and the
// next batch may do it.
struct msg_acted act_one(struct core *core, struct now now, const struct msg_act *act,
                         struct effects *fx);

// Cancels an unfinished job that nobody has asked to cancel yet: the entry is a CANCEL with the
// job's slot. A running one's worker is told.
void act_cancel(struct core *core, struct now now, struct entry *entry, struct effects *fx);

// Why a lease ends.
struct lease_end {
    bool is_crash;   // else an interruption …
    bool is_timeout; // … or an error: the attempt has passed its deadline
    const char *reason;
};
// How long an attempt may hold its job beside its extensions: its timeout, and time for the worker
// to stop it and say so. A lease lasts at least its time.
when_ms lease_bound_ms(const struct core *core, const struct job *job);
// Takes a running job from its lease's holder; the lease itself stays with the caller.
void lease_end_job(struct core *core, struct now now, uint32_t slot, const struct lease_end *end,
                   struct effects *fx);
// A lease ends because its worker's session did: it is dropped, and a live one gives its job up.
void lease_end_session(struct core *core, struct now now, uint32_t lease,
                       const struct lease_end *end, struct effects *fx);
// Marks the leases, live or passed, that `worker` names as held; lease->named_in is then the
// returned number.
uint64_t lease_mark_named(struct core *core, uint32_t worker, const struct msg_held_list *held);
// Drops a lease and gives its worker the credit back.
void lease_drop(struct core *core, uint32_t lease);
// Lines that a job's handler wrote, as far as they are new. The job must be held, or finished just
// now.
void renew_take_log(struct core *core, struct now now, uint32_t slot, struct logs_lines lines,
                    struct effects *fx);
// A worker that is neither connected nor owes anything is forgotten.
void lease_forget_idle(struct core *core, uint32_t worker);
// The moment of a held key has come.
void unique_pass(struct core *core, struct now now, uint32_t unique, struct effects *fx);
// The id of the job that holds the unique key which this one asks for, or NULL. Borrowed until the
// ledger changes. A key whose moment has come is held by nobody, whether or not a tick saw it …
const struct id *unique_holder(const struct core *core, struct now now,
                               const struct msg_submit_job *job);
// … and given back before another job takes it. Nobody holds it.
void unique_free(struct core *core, struct now now, const struct msg_submit_job *job,
                 struct effects *fx);
// A batch is sealed on request, and one whose time is over by itself. False when there is none.
void seal_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
               struct effects *fx);
bool seal_late(struct core *core, struct now now, struct effects *fx);
// When the next one is due, by store time; WHEN_NEVER when no batch is open.
when_ms seal_deadline(const struct core *core);
// The id of a batch without members is free. False when there is none; and when the next one is.
bool seal_free(struct core *core, struct now now, struct effects *fx);
when_ms seal_free_deadline(const struct core *core);
// A parent in line: one of its children is released or cancelled. False when nobody is in line.
bool depend_step(struct core *core, struct now now, struct effects *fx);
// Puts a job whose state has just become one of the waiting ones where it waits.
void wait_enter(struct core *core, uint32_t slot);
// The same for one that begins to wait: accepted, or loaded.
void wait_begin(struct core *core, uint32_t slot);
// QUIET or STOP.
struct msg_acted drain_worker(struct core *core, const struct msg_act *act, struct effects *fx);
// By when a job must start; WHEN_NEVER when it may start at any time, or has been.
when_ms expire_at(const struct core *core, uint32_t slot);
// Ends a waiting job whose moment has passed.
void expire_job(struct core *core, struct now now, uint32_t slot, struct effects *fx);
// The options that decide a job's course, with the defaults of its queue (QUEUES_NONE: it is new)
// and of the broker.
struct policy submit_policy_in(const struct core *core, const struct msg_submit_job *job,
                               uint32_t queue);
// The same, when its queue has not been looked up yet.
struct policy submit_policy(const struct core *core, const struct msg_submit_job *job);

// After loading: jobs that entered in another order stand in the right one.
void wait_start(struct core *core);
// Takes a waiting job from where it waits; its state is about to change.
void wait_leave(struct core *core, uint32_t slot);
// The job of the lane whose turn it is, or JOBS_NONE; and how urgent it is.
uint32_t wait_first(const struct core *core, uint32_t lane);
when_ms wait_urgency(const struct core *core, uint32_t lane);
// Is there room for a job with this concurrency key (0: none) in this lane, which may be a new one?
bool wait_has_room(const struct core *core, uint32_t lane, uint64_t key_hash,
                   const char **out_detail);
// Queued jobs of the lane.
uint32_t wait_count(const struct core *core, uint32_t lane);
// The earliest due time of the queued jobs of the lane that may start; WHEN_NEVER: none.
when_ms wait_oldest(const struct core *core, uint32_t lane);
// A granted job runs.
void wait_run(struct core *core, uint32_t slot);
// Does this queued job stand where it should? For the auditor; O(1).
bool wait_has(const struct core *core, uint32_t slot);
// The first jobs of lanes may have changed, because something was said of keys.
void wait_touched(struct core *core);

// --- rate.c: limits of running jobs, and rates ---
// Has the queue as many running jobs as it may?
bool rate_is_queue_full(const struct core *core, uint32_t queue);
// Closes the queue or opens it, as its limits say.
void rate_close(struct core *core, uint32_t queue);
// A job has begun or ceased to run.
void rate_count(struct core *core, uint32_t slot);
// What is set for the queue has changed.
void rate_obey(struct core *core, uint32_t queue);
// May this job, the first of its lane, start now? If not, its key or queue is shut.
bool rate_allows(struct core *core, struct now now, uint32_t slot);
// It starts, and was allowed to.
void rate_pay(struct core *core, struct now now, uint32_t slot);
// A kept key has no jobs any more.
void rate_idle(struct core *core, struct now now, uint32_t key);
// Opens what a moment has come for.
void rate_open(struct core *core, struct now now);
// Is the queue as closed, and will the key be opened, as it should be? For the auditor; O(1).
bool rate_has(const struct core *core, uint32_t queue);
bool rate_has_key(const struct core *core, uint32_t key);
// Does this queued job wait for a rate?
bool rate_holds(const struct core *core, uint32_t slot);
