#pragma once

// The ledger: what happened. Only entries change it, and applying one needs no choice, so that
// the same entries give the same ledger and the same digest anywhere. Pure. Not thread-safe.
// It knows nothing of workers' connections, credit, or who should be next: that is the
// dispatcher's, and a replay that needs the dispatcher does not link.

#include "broker/core/batches.h"
#include "broker/core/bond.h"
#include "broker/core/deps.h"
#include "broker/core/effects.h"
#include "broker/core/endpoints.h"
#include "broker/core/entry.h"
#include "broker/core/events.h"
#include "broker/core/jobs.h"
#include "broker/core/keys.h"
#include "broker/core/known.h"
#include "broker/core/lanes.h"
#include "broker/core/limits.h"
#include "broker/core/logs.h"
#include "broker/core/operations.h"
#include "broker/core/overlay.h"
#include "broker/core/pasts.h"
#include "broker/core/policies.h"
#include "broker/core/queues.h"
#include "broker/core/schedules.h"
#include "broker/core/types.h"
#include "broker/core/uniques.h"

// A job that ended in a batch and leaves memory when that batch is durable.
struct leaver {
    uint32_t slot;
    uint64_t batch;
};

struct ledger {
    struct ledger_row row;
    uint64_t batch;   // the batch being decided
    uint64_t settled; // the last one that is durable
    bool is_changed;  // the row must be written even if no job was changed
    struct known known;
    struct jobs jobs;
    struct keys keys;
    struct queues queues;
    struct lanes lanes;
    struct policies policies;
    struct batches batches;
    struct schedules schedules;
    struct endpoints endpoints;
    struct operations operations;
    struct types types;
    struct overlay overlay;
    struct pasts pasts;
    struct bond *bonds; // by slot, of jobs that are bound
    struct uniques uniques;
    struct deps deps;
    struct leaver *leavers; // a ring
    uint32_t leaver_cap;
    uint64_t leaver_first, leaver_end;
    uint32_t
        hooked; // places for deliveries, one for each that the end of an unfinished job may bring
};

size_t ledger_size(const struct limits *limits);
// `memory` is ledger_size() zeroed bytes, aligned to 64.
void ledger_init(struct ledger *ledger, void *memory, const struct limits *limits,
                 const struct known *known, uint64_t seed);

// Applies one entry; its slot is taken as given or looked up. Returns the job's slot (JOBS_NONE
// for START, REMOVE, FORGET, SCHEDULE, MOMENT, QUEUE, PAUSE, TYPE, OPERATE, STEP, HALT, SEAL, FREE, UNUSED, ENDPOINT). The entry must be possible: who proposes
// it has asked first
// (ledger_lookup(), job_may(), ledger_refusal()).
uint32_t ledger_apply(struct ledger *ledger, const struct entry *entry, struct effects *effects);

// Everything known about an id: in memory, in unsettled batches, or stored.
struct ledger_view {
    bool is_known;
    uint32_t slot;      // JOBS_NONE when not in memory
    struct job_row row; // as it would be stored now
};
struct ledger_view ledger_lookup(const struct ledger *ledger, const struct id *id);
// The same for who asks on behalf of a tenant: another's is not known.
struct ledger_view ledger_lookup_of(const struct ledger *ledger, struct slice tenant,
                                    const struct id *id);
// Is what carries this lane the tenant's?
bool ledger_is_of(const struct ledger *ledger, uint16_t lane, struct slice tenant);

// How a job or batch that another one of the tenant waits for stands.
enum parent_state {
    PARENT_UNKNOWN, // or not kept any more
    PARENT_UNFINISHED,
    PARENT_SUCCEEDED,
    PARENT_FAILED, // dead, cancelled or expired
};
enum parent_state ledger_parent(const struct ledger *ledger, struct slice tenant,
                                const struct id *id);
// Could it be that this one waits for a batch, and that batch for it? So that no circle can be
// written, a job that waits for others joins no batch that is waited for.
bool ledger_is_circular(const struct ledger *ledger, const struct msg_submit_job *job);
// Would a job submitted now have to wait for one of these?
bool ledger_must_wait(const struct ledger *ledger, const struct msg_submit_job *job);
// What edges that lead to a job or batch of this tenant are found by.
struct dep_name ledger_dep_name(const struct ledger *ledger, struct slice tenant,
                                const struct id *id);
// Does this job in memory wait for another one?
bool ledger_waits(const struct ledger *ledger, uint32_t slot);
// Parts of ledger_apply(): a job that is being accepted takes what it asks for, one that has ended
// gives it back; a key's moment has come; one of those waited for has ended.
void ledger_relate(struct ledger *ledger, uint32_t slot, const struct msg_submit_job *given,
                   struct effects *effects);
void ledger_part(struct ledger *ledger, uint32_t slot, struct effects *effects);
// One that lives again holds this key again; number 0: none.
void ledger_reclaim(struct ledger *ledger, struct job *job, const struct unique_row *row,
                    struct effects *effects);
void ledger_pass(struct ledger *ledger, const struct entry *entry, struct effects *effects);
void ledger_release(struct ledger *ledger, uint32_t slot, const struct entry *entry);
// ledger_batch.c: a job that is being accepted joins its batch (the number + 1; 0: none), a member
// goes from one state to another, a batch is sealed, the id of one without members is free.
uint32_t ledger_batch_join(struct ledger *ledger, const struct entry *entry,
                           const struct job *member);
void ledger_batch_move(struct ledger *ledger, uint32_t batch, enum job_state from,
                       enum job_state to, when_ms at);
void ledger_batch_seal(struct ledger *ledger, const struct entry *entry);
void ledger_batch_free(struct ledger *ledger, const struct entry *entry);
// Is the batch that the job names made of something else than the job says?
bool ledger_batch_is_another(const struct ledger *ledger, const struct msg_submit_job *job);
// The job whose progress this delivery tells, or NULL: it is none. Borrowed until its edge goes.
const struct id *ledger_teller_of(const struct ledger *ledger, uint32_t slot);
// Must an ended job be kept, because one that waited for it is unfinished?
bool ledger_is_pinned(const struct ledger *ledger, const struct job_row *row);

// May this submission be accepted? OK, or ERR_FULL with the limit's name in out_detail.
err ledger_refusal(const struct ledger *ledger, const struct msg_submit_job *job,
                   const struct policy *policy, const char **out_detail);

// What lies behind a job in memory; all zero when it was never granted.
// What the job takes from rates.
uint32_t ledger_cost(const struct ledger *ledger, uint32_t slot);
const struct past *ledger_past(const struct ledger *ledger, const struct job *job);

// May a dead job live again with these options and so many parents? OK, or ERR_FULL with the
// limit's name.
struct retry_needs {
    const struct policy *policy;
    uint32_t parent_count;
};
err ledger_retry_refusal(const struct ledger *ledger, const struct job_row *row,
                         const struct retry_needs *needs, const char **out_detail);
// Back into memory with all its row says; its counters, its state and its options are the
// caller's to change. There is room.
uint32_t ledger_revive(struct ledger *ledger, const struct job_row *row);

// Places for jobs that are not kept for deliveries.
uint32_t ledger_job_room(const struct ledger *ledger);
// Of edges between jobs, the same.
uint32_t ledger_dep_room(const struct ledger *ledger);
enum { LEDGER_PROGRESS_KEEP_S = 600 };
// The options of deliveries; those of progress are soon forgotten.
struct policy ledger_delivery_policy(void);
struct policy ledger_progress_policy(void);
// What the deliveries of a tenant need once and is not there or kept yet.
struct ledger_way {
    uint32_t lanes, queues, policies;
};
struct ledger_way ledger_way_missing(const struct ledger *ledger, struct slice tenant);
// Sets of options that must stay free for deliveries, when `more` jobs with a webhook come.
uint32_t ledger_policy_reserve(const struct ledger *ledger, uint32_t more);
// ledger_endpoint.c: who is told of ends.
// Deliveries that the end of a job may bring: when it is being accepted, or by its row.
uint32_t ledger_places_asked(const struct ledger *ledger, const struct msg_submit_job *job);
uint32_t ledger_places(const struct job_row *row);
// As many as the end of any job may bring now; as the progress of any.
uint32_t ledger_places_most(const struct ledger *ledger);
uint32_t ledger_progress_most(const struct ledger *ledger);
// A job that is being accepted keeps what binds it to others and who is told of it, in a table by
// slot. True when somebody is.
bool ledger_endpoint_bind(struct ledger *ledger, uint32_t slot, const struct msg_submit_job *given);
// Who is told that this job in memory is in this state: that it has ended, or of its progress while it
// runs. Endpoints by number; ENDPOINTS_NONE stands for what the job's body says. Returns how many.
enum { LEDGER_TOLD_MAX = ENDPOINTS_OF_TENANT_MAX + 1 };
uint32_t ledger_told(const struct ledger *ledger, uint32_t slot, enum job_state state,
                     uint32_t out_numbers[LEDGER_TOLD_MAX]);
// The delivery in `slot` tells of the progress of a job in memory, whose url wants no more of it. Returns
// the slot of that job. A job that lives again asks its url again.
uint32_t ledger_url_close(struct ledger *ledger, uint32_t slot);
void ledger_url_open(struct ledger *ledger, uint32_t slot);
// OK, or ERR_WEBHOOK with a detail: the endpoint that the job names is not set.
err ledger_endpoint_refusal(const struct ledger *ledger, const struct msg_submit_job *job,
                            const char **out_detail);
// It has been asked before whether it may be.
void ledger_endpoint_change(struct ledger *ledger, const struct entry *entry, struct effects *fx);
// Who is told of the end of the batch that this job would make: as for ledger_told(). None when it
// makes none.
struct ledger_hearers {
    uint32_t numbers[LEDGER_TOLD_MAX];
    uint32_t count;
};
struct ledger_hearers ledger_batch_hearers(const struct ledger *ledger,
                                           const struct msg_submit_job *job);

// The row of a job in memory.
struct job_row ledger_row_of(const struct ledger *ledger, uint32_t slot);

// Ends a batch: writes the rows of everything changed. Returns the batch's number.
uint64_t ledger_collect(struct ledger *ledger, when_ms store_time, struct effects *effects);
void ledger_settled(struct ledger *ledger, uint64_t batch);

// The core_load_ functions of the same names.
MUST_USE err ledger_load_row(struct ledger *ledger, const struct ledger_row *row);
MUST_USE err ledger_load_lane(struct ledger *ledger, const struct lane_row *row);
MUST_USE err ledger_load_queue(struct ledger *ledger, const struct queue_row *row);
MUST_USE err ledger_load_type(struct ledger *ledger, const struct type_row *row);
MUST_USE err ledger_load_endpoint(struct ledger *ledger, const struct endpoint_row *row);
MUST_USE err ledger_load_job(struct ledger *ledger, const struct job_row *row);
MUST_USE err ledger_load_key(struct ledger *ledger, const struct id *id, uint64_t job_no);
MUST_USE err ledger_load_unique(struct ledger *ledger, const struct unique_row *row);
MUST_USE err ledger_load_dep(struct ledger *ledger, const struct dep_row *row);
// After them: jobs in a second life keep their parents again.  ERR_FULL
MUST_USE err ledger_load_second_lives(struct ledger *ledger);
// The job in `slot`, with the body that was submitted, has got a second life: it keeps those of
// its parents that are still there, as the first one did, and waits for none.  ERR_FULL
MUST_USE err ledger_keep_parents(struct ledger *ledger, uint32_t slot);
void ledger_loaded(struct ledger *ledger, when_ms now);

// The digest is a chain over every record that an entry made.
void ledger_note(struct ledger *ledger, uint64_t value);

// ledger_schedule.c: entries of schedules. What they claim has been asked before.
void ledger_schedule_change(struct ledger *ledger, const struct entry *entry, struct effects *fx);
void ledger_schedule_moment(struct ledger *ledger, const struct entry *entry, struct effects *fx);

// ledger_queue.c: a queue's settings change, and there is room for it; a queue that is there is
// paused or resumed.
void ledger_queue_change(struct ledger *ledger, const struct entry *entry);
void ledger_queue_set_type(struct ledger *ledger, const struct entry *entry, struct effects *fx);
// No row carries the lane's number any more.
void ledger_queue_drop(struct ledger *ledger, const struct entry *entry, struct effects *fx);
void ledger_queue_pause(struct ledger *ledger, const struct entry *entry);
// ledger_operation.c: acts on many.
void ledger_operation_begin(struct ledger *ledger, const struct entry *entry, struct effects *fx);
void ledger_operation_step(struct ledger *ledger, const struct entry *entry, struct effects *fx);
void ledger_operation_cancel(struct ledger *ledger, const struct entry *entry, struct effects *fx);
// The row with texts of its own, which live as long as the batch.
struct operation_row ledger_operation_kept(const struct operation_row *row, struct effects *fx);

uint64_t ledger_digest(const struct ledger *ledger);
