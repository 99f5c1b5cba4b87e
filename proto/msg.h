#pragma once

// The messages of the wire as plain structs; proto/wire.h turns them into frames and back. All
// slices and arrays are borrowed: from the frames and the arena when decoded, from the maker
// when encoded. A field means what the field of the same name in weft.proto means; 0 or empty is
// "not given" unless said otherwise. Pure.

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg_hook.h"
#include "proto/msg_limits.h"
#include "proto/msg_many.h"
#include "proto/msg_queue.h"
#include "proto/msg_schedule.h"
#include "proto/msg_watch.h"
#include "proto/msg_words.h"
#include "proto/msg_worker.h"

enum {
    MSG_PRIORITY_NOT_GIVEN = 255, // of msg_submit_job.priority
    MSG_PRIORITY_DEFAULT = 4,
    MSG_PRIORITY_MAX = 9,
};

struct msg_held {
    struct id job_id;
    uint64_t token;
};

struct msg_held_list {
    const struct msg_held *items;
    uint32_t count;
};

struct msg_hello {
    enum role role;
    struct slice name;
    struct id worker_id;
    uint64_t session;
    struct msg_held_list running;
};

struct msg_welcome {
    struct slice broker;
    uint64_t lineage;
    uint32_t epoch;
    uint32_t lease_ms;
    uint32_t renew_ms;
    uint32_t message_bytes_max;
    uint32_t jobs_per_message_max;
    struct msg_held_list lost;
};

struct msg_submit_job {
    struct id job_id;
    struct slice key;
    struct slice queue;
    struct slice type;
    struct body payload;
    uint8_t priority; // or MSG_PRIORITY_NOT_GIVEN
    uint64_t delay_ms;
    when_ms run_at;
    uint32_t timeout_ms;
    uint32_t max_attempts;
    uint32_t max_crashes;
    uint32_t retry_first_ms;
    uint32_t retry_longest_ms;
    uint32_t retry_factor_milli;
    uint32_t keep_s;
    struct id batch_id; // zero when none
    uint32_t batch_index;
    uint64_t batch_fingerprint; // of all that the batch is made of; 0: not told
    struct slice traceparent;
    struct slice concurrency_key; // at most so many of the queue's jobs with it run at once
    uint32_t cost;                // what it takes from rates; 0: 1
    enum job_order order;
    struct slice unique_key; // while another job holds it, this one is refused
    uint32_t unique_for_s;   // held for so long from acceptance
    bool unique_while_unfinished;
    uint64_t ttl_ms;
    uint32_t retry_within_s;
    struct msg_ids after; // jobs that must have ended first
    enum on_failure on_dependency_failure;
    struct slice labels;  // tags and metadata, see proto/labels.h
    bool by_content;      // not on the wire: its key is to be derived from queue, type and payload
    struct slice webhook; // who is told of its end, see proto/hook.h
    struct slice
        batch_webhook; // who is told that batch_id has finished: heeded of the job that makes it
    // Not on the wire: filled by the broker's intake before the core sees the job.
    uint32_t webhook_events;       // what is told, bits of HOOK_EVENTS; 0: no webhook
    bool tells;                    // a delivery of progress: of a job that it does not wait for
    struct slice webhook_endpoint; // the set one that signs for it; empty: it brings a secret
    bool webhook_has_url;          // it is told there, else to the endpoint
    struct slice batch_webhook_endpoint; // the same of batch_webhook
    bool batch_webhook_has_url;
    bool is_spooled;     // its id may be of any age
    struct slice tenant; // whose job it is; empty: "default"
    uint64_t fingerprint;
    uint64_t key_hash;        // of concurrency_key, within the queue; 0: none
    struct id unique_hash;    // of tenant, queue and unique_key
    err verdict;              // OK, or why intake refuses it (bad field, id mismatch)
    err schema;               // OK, or ERR_SCHEMA: the payload breaks the schema of its type; a
                              // replay is answered all the same
    struct slice violations;  // of it, as JSON; may be empty
    uint32_t tenant_open_max; // unfinished jobs that the tenant may have; 0: as the broker says
    err closed;          // OK, or why no new job is taken now; a replay is answered all the same
    struct slice detail; // of a refusal: the field and its rule; for the answer
};

// What it says of its own course.
static inline struct msg_defaults msg_given(const struct msg_submit_job *job)
{
    return (struct msg_defaults){.timeout_ms = job->timeout_ms,
                                 .max_attempts = job->max_attempts,
                                 .max_crashes = job->max_crashes,
                                 .retry_first_ms = job->retry_first_ms,
                                 .retry_longest_ms = job->retry_longest_ms,
                                 .retry_factor_milli = job->retry_factor_milli,
                                 .retry_within_s = job->retry_within_s,
                                 .keep_s = job->keep_s};
}

struct msg_submit {
    struct msg_submit_job *jobs;
    uint32_t count;
    bool is_atomic;           // all are accepted, or none
    bool dry_run;             // tell what would be; nothing is stored, nothing counted
    uint32_t tenant_open_max; // unfinished jobs that the tenant may have; 0: as the broker says
    bool spooled;             // said by gateways only: accepted while no broker answered
};

struct msg_submitted_job {
    struct id job_id;
    err error;
    bool replayed;
    enum job_state state;
    when_ms created_at;
    when_ms dedup_until;
    uint32_t retry_after_ms;
    struct slice detail;
    struct id holder_id;     // ERR_UNIQUE: the job that holds the key; ERR_KEY_REUSED: the batch
    struct slice violations; // ERR_SCHEMA: JSON array of {"path", "keyword", "message"}
};

struct msg_failure {
    struct slice kind;
    struct slice message;
    struct slice detail;
};

// What a job would meet, were it submitted now.
struct msg_forecast {
    when_ms due_at;
    enum waiting_on waiting_on;
    uint32_t ahead; // queued jobs of its queue and type
    enum direction paused;
    uint64_t open_left;  // unfinished jobs its queue still takes, this one too; 0: no bound
    uint64_t quota_left; // the same of its tenant; 0: no quota
    when_ms starts_at;   // estimated; 0: not known
    enum simulation simulation;
    struct body simulated;      // SIMULATION_OK
    struct msg_failure failure; // SIMULATION_FAILED
    struct msg_defaults course;
};

struct msg_submitted {
    const struct msg_submitted_job *jobs;
    uint32_t count;
    const struct msg_forecast *forecasts; // of a dry run of one job that would be accepted
    uint32_t forecast_count;
    uint64_t open_max;  // unfinished jobs that the tenant may have; 0: no quota
    uint64_t open_left; // so many more after this
};

struct msg_ready {
    const struct slice *types;
    uint32_t type_count;
    const struct slice *queues;
    uint32_t queue_count;
    uint32_t slots;
    uint64_t slot_bytes;
    bool quiet;
    const struct slice *simulates; // of the types: those of which it takes dry runs
    uint32_t simulate_count;
    uint32_t simulation_slots; // dry runs at once, beside the slots for jobs
};

struct msg_job {
    struct id job_id;
    uint64_t token;
    struct slice type;
    struct slice queue;
    uint32_t attempt;
    uint32_t timeout_ms;
    struct body payload;
    struct slice traceparent;
    uint64_t generation;
    uint32_t log_count;
    struct msg_ids after; // as submitted
    struct slice labels;
    struct slice intent; // of a delivery, see proto/hook.h
};

struct msg_jobs {
    const struct msg_job *jobs;
    uint32_t count;
};

// A dry run for a worker: one job, which is no lease.
struct msg_simulate {
    const struct msg_job *jobs;
    uint32_t count;
    uint32_t wait_ms; // so long the broker waits
};

struct msg_simulated {
    bool ok;
    struct body result;         // ok
    struct msg_failure failure; // not ok
};

struct msg_progress {
    struct id job_id;
    uint64_t token;
    uint64_t done;
    uint64_t total;
    struct slice text;
    uint32_t extend_ms; // how much longer than its timeout the attempt asks for, in all
};

struct msg_log_line {
    struct id job_id;
    uint64_t token;
    uint32_t seq;
    when_ms at;
    struct slice text;
};

struct msg_renew {
    struct msg_held_list running;
    const struct msg_progress *progress;
    uint32_t progress_count;
    const struct msg_log_line *log;
    uint32_t log_count;
};

struct msg_renewed {
    struct msg_held_list lost;
    struct msg_held_list cancel;
    enum drain drain;
};

struct msg_finish_job {
    struct id job_id;
    uint64_t token;
    enum outcome outcome;
    struct body result;
    struct slice error_kind;
    struct slice error_message;
    struct slice error_detail;
    uint32_t retry_after_ms;
    bool resent;
    struct msg_progress progress; // done, total and text of it; all empty: none
};

struct msg_finish {
    const struct msg_finish_job *jobs;
    uint32_t count;
    const struct msg_log_line *log;
    uint32_t log_count;
};

struct msg_finished_job {
    struct id job_id;
    uint64_t token;
    err error;
};

struct msg_finished {
    const struct msg_finished_job *jobs;
    uint32_t count;
};

struct msg_status {
    struct id job_id;
    uint32_t wait_ms;
    uint32_t version;
};

struct msg_status_is {
    err error;
    struct id job_id;
    struct slice type;
    struct slice queue;
    enum job_state state;
    uint32_t version;
    uint32_t priority;
    uint32_t attempt;
    uint32_t errors;
    uint32_t crashes;
    uint32_t interruptions;
    when_ms created_at;
    when_ms due_at;
    when_ms started_at;
    when_ms ended_at;
    when_ms expires_at;
    when_ms dedup_until;
    struct body result;
    struct msg_failure failure;
    struct id batch_id;
    uint64_t progress_done;
    uint64_t progress_total;
    struct slice progress_text;
    struct slice concurrency_key;
    uint32_t cost; // 0: 1
    enum job_order order;
    enum waiting_on waiting_on;
    enum cancel cancel;
    struct slice unique_key;
    when_ms start_before; // waiting for its first start: expires then
    uint32_t batch_index;
    when_ms deadline_at; // running: when its attempt is to have ended
    struct id worker_id; // who holds it, or held it when it ended
    struct msg_ids after;
    enum on_failure on_dependency_failure;
    struct slice labels;
};

struct msg_timeline {
    struct id job_id;
};

struct msg_timeline_event {
    when_ms at;
    struct slice event;
    enum job_state state;
    uint32_t version;
    uint64_t token;
    struct id worker_id;
    when_ms granted_at;
    when_ms due_at;
    uint32_t attempt;
    enum outcome outcome;
    struct slice actor;
    struct slice reason;
    struct msg_failure failure;
    struct id delivery_id; // zero: of the job itself
};

struct msg_timeline_is {
    err error;
    struct id job_id;
    uint32_t version;
    enum job_state state;
    uint32_t dropped;
    const struct msg_timeline_event *events;
    uint32_t event_count;
};

struct msg_log {
    struct id job_id;
    uint32_t after;
};

struct msg_log_is {
    err error;
    struct id job_id;
    uint32_t version;
    enum job_state state;
    uint32_t count;
    const struct msg_log_line *lines;
    uint32_t line_count;
};

struct msg_batch_status {
    struct id batch_id;
    uint32_t wait_ms;
    uint32_t version;
};

struct msg_batch_status_is {
    err error;
    struct id batch_id;
    when_ms created_at;
    uint32_t version;
    uint32_t counts[JOB_STATES];
    when_ms finished_at; // 0: not yet
    bool is_sealed;
};

struct msg_batch_seal {
    struct id batch_id;
};

struct msg_act {
    enum act_kind kind;
    struct id job_id;
    struct id worker_id; // of QUIET and STOP
    struct slice actor;
    struct id act_id;
    struct slice queue;       // of PAUSE, RESUME and DRAIN
    enum direction direction; // of PAUSE and RESUME; none: both
    // Not on the wire: filled by the broker's intake.
    struct slice tenant; // the queue's; empty: "default"
};

struct msg_acted {
    err error;
    struct slice detail;
    enum job_state state;
    uint32_t version;
    enum cancel cancel;
    enum drain drain;
    enum direction paused;
    struct id holder_id; // ERR_UNIQUE: the job that holds the key
};

struct msg_error {
    err error;
    uint32_t retry_after_ms; // 0: nothing is known
    struct slice detail;
};

struct msg_bye {
    struct slice reason;
    struct msg_held_list running; // of a worker: what it still holds
    bool is_all;                  // it holds nothing else, and begins nothing
};

enum msg_kind {
    MSG_HELLO = 2, // the field numbers of Envelope.body
    MSG_WELCOME = 3,
    MSG_SUBMIT = 4,
    MSG_SUBMITTED = 5,
    MSG_READY = 6,
    MSG_JOBS = 7,
    MSG_RENEW = 8,
    MSG_RENEWED = 9,
    MSG_FINISH = 10,
    MSG_FINISHED = 11,
    MSG_STATUS = 12,
    MSG_STATUS_IS = 13,
    MSG_BATCH_STATUS = 14,
    MSG_BATCH_STATUS_IS = 15, // answers BATCH_SEAL, too
    MSG_ERROR = 16,
    MSG_BYE = 17,
    MSG_ACT = 18,
    MSG_ACTED = 19,
    MSG_QUEUE_SET = 26,
    MSG_QUEUE_STATUS = 27,
    MSG_QUEUE_STATUS_IS = 28, // answers both
    MSG_TYPE_SET = 29,
    MSG_TYPE_STATUS = 46,
    MSG_TYPE_STATUS_IS = 47, // answers both
    MSG_SCHEDULE_SET = 30,
    MSG_SCHEDULE_STATUS = 31,
    MSG_SCHEDULE_STATUS_IS = 32, // answers both
    MSG_BATCH_SEAL = 33,
    MSG_SCHEDULE_LIST = 34,
    MSG_SCHEDULE_LISTED = 35,
    MSG_WORKER_LIST = 44,
    MSG_WORKER_LISTED = 45,
    MSG_LIST = 24,
    MSG_LISTED = 25,
    MSG_TIMELINE = 20,
    MSG_TIMELINE_IS = 21,
    MSG_LOG = 22,
    MSG_LOG_IS = 23,
    MSG_OPERATE = 36,
    MSG_OPERATION = 37,
    MSG_OPERATION_IS = 38, // answers both
    MSG_OPERATION_LIST = 50,
    MSG_OPERATION_LISTED = 51,
    MSG_SIMULATE = 52,
    MSG_SIMULATED = 53,
    MSG_WATCH = 48,
    MSG_EVENT = 49,
    MSG_WEBHOOK_SET = 61,
    MSG_WEBHOOK_STATUS = 62,
    MSG_WEBHOOK_STATUS_IS = 63, // answers both
};

struct msg {
    enum msg_kind kind;
    uint64_t corr;
    struct slice tenant; // of a request: whose; empty: as the peer's HELLO said, else "default"
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_submit submit;
        struct msg_submitted submitted;
        struct msg_ready ready;
        struct msg_jobs jobs;
        struct msg_renew renew;
        struct msg_renewed renewed;
        struct msg_finish finish;
        struct msg_finished finished;
        struct msg_status status;
        struct msg_status_is status_is;
        struct msg_batch_status batch_status;
        struct msg_batch_status_is batch_status_is;
        struct msg_batch_seal batch_seal;
        struct msg_error error;
        struct msg_bye bye;
        struct msg_act act;
        struct msg_acted acted;
        struct msg_queue_set queue_set;
        struct msg_queue_status queue_status;
        struct msg_queue_status_is queue_status_is;
        struct msg_type_set type_set;
        struct msg_type_status type_status;
        struct msg_type_status_is type_status_is;
        struct msg_schedule_set schedule_set;
        struct msg_schedule_status schedule_status;
        struct msg_schedule_status_is schedule_status_is;
        struct msg_schedule_list schedule_list;
        struct msg_schedule_listed schedule_listed;
        struct msg_worker_list worker_list;
        struct msg_worker_listed worker_listed;
        struct msg_list list;
        struct msg_listed listed;
        struct msg_timeline timeline;
        struct msg_timeline_is timeline_is;
        struct msg_log log;
        struct msg_log_is log_is;
        struct msg_operate operate;
        struct msg_operation operation;
        struct msg_operation_is operation_is;
        struct msg_operation_list operation_list;
        struct msg_operation_listed operation_listed;
        struct msg_simulate simulate;
        struct msg_simulated simulated;
        struct msg_watch watch;
        struct msg_event event;
        struct msg_webhook_set webhook_set;
        struct msg_webhook_status webhook_status;
        struct msg_webhook_status_is webhook_status_is;
    };
};
