#pragma once

// The broker's records, field by field, and their seals. docs/disk-format.md draws each one.
// Pure: bytes in, structs out. Decoding believes nothing before lengths and checksum fit.
//
// To change a record: give it a new version, keep the reader of the old one, add golden bytes to
// tests/unit/broker/store/store_record_test.c, and draw it in docs/disk-format.md.

#include "broker/core/effects.h"
#include "lib/disk/disk.h"

enum store_record_kind {
    STORE_RECORD_ORIGIN = 1, // the store's own: lineage
    STORE_RECORD_LEDGER = 2,
    STORE_RECORD_JOB = 3,
    STORE_RECORD_BODY = 4,
    STORE_RECORD_OUTCOME = 5,
    STORE_RECORD_PROGRESS = 6,
    STORE_RECORD_KEY = 7,
    STORE_RECORD_SEGMENT = 8,
    STORE_RECORD_LANE = 9,
    STORE_RECORD_POLICY = 10,
    STORE_RECORD_BATCH = 11,
    STORE_RECORD_EVENT = 12,
    STORE_RECORD_QUEUE = 14,
    STORE_RECORD_UNIQUE = 15,
    STORE_RECORD_SCHEDULE = 17,
    STORE_RECORD_LOG = 13,
    STORE_RECORD_DEP = 16,
    STORE_RECORD_OPERATION = 18,
    STORE_RECORD_TYPE = 19,
    STORE_RECORD_ENDPOINT = 20,
};

// Content bytes of the records of fixed length; each is sealed by DISK_SEAL_LEN more.
enum {
    STORE_RECORD_VERSION = 1,
    STORE_RECORD_ORIGIN_LEN = 8,
    STORE_RECORD_LEDGER_LEN = 124,
    STORE_RECORD_JOB_LEN = 128,
    STORE_RECORD_JOB_TAIL_LEN = 41, // more, in version 2
    STORE_RECORD_JOB_HOOK_LEN = 3,  // and more, in version 3
    STORE_RECORD_KEY_LEN = 32,
    STORE_RECORD_SEGMENT_LEN = 28,
    STORE_RECORD_POLICY_LEN = 28,
    STORE_RECORD_POLICY_TAIL_LEN = 12, // more, in version 2
    STORE_RECORD_BATCH_LEN = 68,
    STORE_RECORD_BATCH_TAIL_LEN = 36,  // more, in version 2
    STORE_RECORD_BATCH_PRINT_LEN = 16, // more, in version 4
    STORE_RECORD_EVENT_HEAD_LEN = 71,  // without its texts
    STORE_RECORD_QUEUE_HEAD_LEN = 155, // without its names
    STORE_RECORD_TYPE_SCHEMA = 2,      // version of a type's record that has a schema
    STORE_RECORD_TYPE_HEAD_LEN = 34,   // without its names
    STORE_RECORD_UNIQUE_LEN = 41,
    STORE_RECORD_SCHEDULE_STATE_LEN = 78, // then what was given
    STORE_RECORD_LOG_HEAD_LEN = 4,
    STORE_RECORD_LOG_LINE_LEN = 8 + 8 + 2, // and its text
    STORE_RECORD_DEP_HEAD_LEN = 18,        // without its parents
    STORE_RECORD_OPERATION_HEAD_LEN = 90,  // without its texts
    STORE_RECORD_ENDPOINT_HEAD_LEN = 56,   // the same
};

// What the start must know of a key without reading its job.
struct store_record_key {
    struct id id;
    uint64_t fingerprint;
    when_ms dedup_until;
};

// 4,096 neighbouring jobs.
struct store_record_segment {
    uint16_t counts[JOB_STATES]; // rows by state
    when_ms earliest_at;         // no row needs the sweeper before; WHEN_NEVER: none will
};

// A chunk of a job's log.
struct store_record_log {
    uint32_t first;     // number of its first line
    uint32_t count;     // of lines
    struct slice lines; // as they are stored, one after the other
};

// Each writes content and seal to `room`, which has exactly the length given or asked for.
void store_record_put_origin(uint8_t *room, struct slice key, uint64_t lineage);
void store_record_put_ledger(uint8_t *room, struct slice key, const struct ledger_row *row);
void store_record_put_key(uint8_t *room, struct slice key, const struct store_record_key *value);
void store_record_put_segment(uint8_t *room, struct slice key,
                              const struct store_record_segment *segment);
size_t store_record_batch_len(const struct batch_row *row);
void store_record_put_batch(uint8_t *room, struct slice key, const struct batch_row *row);
void store_record_put_unique(uint8_t *room, struct slice key, const struct unique_row *row);

// Records of varying length: the whole length first, then the writing.
size_t store_record_job_len(const struct job_row *row);
void store_record_put_job(uint8_t *room, struct slice key, const struct job_row *row);
size_t store_record_policy_len(const struct policy *policy);
void store_record_put_policy(uint8_t *room, struct slice key, const struct policy *policy);
size_t store_record_body_len(const struct msg_submit_job *job);
void store_record_put_body(uint8_t *room, struct slice key, const struct msg_submit_job *job);
size_t store_record_outcome_len(const struct msg_finish_job *finish);
void store_record_put_outcome(uint8_t *room, struct slice key, const struct msg_finish_job *finish);
size_t store_record_progress_len(const struct msg_progress *progress);
void store_record_put_progress(uint8_t *room, struct slice key,
                               const struct msg_progress *progress);
size_t store_record_event_len(const struct event_row *row);
void store_record_put_event(uint8_t *room, struct slice key, const struct event_row *row);
// `old`, and behind it lines of a job that belong to the same chunk.
size_t store_record_log_len(const struct store_record_log *old, const struct write_log *lines);
void store_record_put_log(uint8_t *room, struct slice key, const struct store_record_log *old,
                          const struct write_log *lines);
size_t store_record_dep_len(const struct dep_row *row);
void store_record_put_dep(uint8_t *room, struct slice key, const struct dep_row *row);
size_t store_record_queue_len(const struct queue_row *row);
void store_record_put_queue(uint8_t *room, struct slice key, const struct queue_row *row);
size_t store_record_operation_len(const struct operation_row *row);
void store_record_put_operation(uint8_t *room, struct slice key, const struct operation_row *row);
size_t store_record_type_len(const struct type_row *row);
void store_record_put_type(uint8_t *room, struct slice key, const struct type_row *row);
// Its key is tenant and id, see store_record_endpoint_key().
size_t store_record_endpoint_len(const struct endpoint_row *row);
void store_record_put_endpoint(uint8_t *room, struct slice key, const struct endpoint_row *row);
size_t store_record_lane_len(const struct lane_row *row);
void store_record_put_lane(uint8_t *room, struct slice key, const struct lane_row *row);

// "default/ops": the full name of the tenant, a slash, which is in no name, and the id; written to
// `room` and borrowed from there.
enum { STORE_RECORD_ENDPOINT_KEY_LEN_MAX = 2 * MSG_NAME_LEN_MAX + 1 };
struct slice store_record_endpoint_key(struct slice tenant, struct slice id,
                                       uint8_t room[STORE_RECORD_ENDPOINT_KEY_LEN_MAX]);

// A schedule: where it stands, then what was given, whose bytes stay when only the rest changes.
struct store_record_schedule {
    struct schedule_row row; // its name is the key
    struct msg_schedule given;
    struct msg_submit_job job; // given.jobs points to it
};
size_t store_record_schedule_len(const struct msg_schedule *given);
void store_record_put_schedule(uint8_t *room, struct slice key, const struct schedule_row *row,
                               const struct msg_schedule *given);
// The same record with another row: `old` is a whole one, `room` as long as it is.
void store_record_put_schedule_row(uint8_t *room, struct slice key, const struct schedule_row *row,
                                   struct slice old);

// Each reads a sealed record. Slices are borrowed from `record`. ERR_DAMAGED when the seal, the
// kind, a length or a value does not fit; the output is then untouched.
MUST_USE err store_record_get_origin(struct slice record, struct slice key, uint64_t *out_lineage);
MUST_USE err store_record_get_ledger(struct slice record, struct slice key,
                                     struct ledger_row *out_row);
MUST_USE err store_record_get_job(struct slice record, struct slice key, struct job_row *out_row);
MUST_USE err store_record_get_key(struct slice record, struct slice key,
                                  struct store_record_key *out_value);
MUST_USE err store_record_get_segment(struct slice record, struct slice key,
                                      struct store_record_segment *out_segment);
MUST_USE err store_record_get_policy(struct slice record, struct slice key,
                                     struct policy *out_policy);
MUST_USE err store_record_get_batch(struct slice record, struct slice key,
                                    struct batch_row *out_row);
MUST_USE err store_record_get_unique(struct slice record, struct slice key,
                                     struct unique_row *out_row);
// `job_id`, `fingerprint` and `verdict` are not in the body and come back zero.
MUST_USE err store_record_get_body(struct slice record, struct slice key,
                                   struct msg_submit_job *out_job);
// `job_id` and `retry_after_ms` are not in it.
MUST_USE err store_record_get_outcome(struct slice record, struct slice key,
                                      struct msg_finish_job *out_finish);
// `job_id` is not in it.
MUST_USE err store_record_get_progress(struct slice record, struct slice key,
                                       struct msg_progress *out_progress);
MUST_USE err store_record_get_event(struct slice record, struct slice key,
                                    struct event_row *out_row);
MUST_USE err store_record_get_log(struct slice record, struct slice key,
                                  struct store_record_log *out_log);
// The next line of a chunk that was read; false after the last. `job_id` is not in it.
bool store_record_next_line(struct store_record_log *log, struct msg_log_line *out_line);
MUST_USE err store_record_get_dep(struct slice record, struct slice key, struct dep_row *out_row);
MUST_USE err store_record_get_queue(struct slice record, struct slice key,
                                    struct queue_row *out_row);
MUST_USE err store_record_get_operation(struct slice record, struct slice key,
                                        struct operation_row *out_row);
MUST_USE err store_record_get_type(struct slice record, struct slice key, struct type_row *out_row);
MUST_USE err store_record_get_lane(struct slice record, struct slice key, struct lane_row *out_row);

MUST_USE err store_record_get_endpoint(struct slice record, struct slice key,
                                       struct endpoint_row *out_row);

MUST_USE err store_record_get_schedule(struct slice record, struct slice key,
                                       struct store_record_schedule *out_schedule);

// When the sweeper must look at the row: retention of an ended job, the end of a tombstone.
when_ms store_record_sweep_at(const struct job_row *row);
