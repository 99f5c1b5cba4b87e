#pragma once

// What is said of schedules. Part of proto/msg.h. Pure.

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

struct msg_submit_job;

// What to do with a moment of a schedule while the job of the one before is unfinished.
enum overlap {
    OVERLAP_NONE = 0,    // not given: skip
    OVERLAP_SKIP = 1,    // no job is made
    OVERLAP_QUEUE = 2,   // one waits until the other has ended; further ones are skipped
    OVERLAP_ALLOW = 3,   // the jobs may run side by side
    OVERLAP_REPLACE = 4, // the other one is cancelled
};

// What to do with moments that passed while nobody was there.
enum catch_up {
    CATCH_UP_NOT_GIVEN = 0, // latest
    CATCH_UP_NONE = 1,
    CATCH_UP_LATEST = 2, // one job for all of them
    CATCH_UP_ALL = 3,    // one each, the latest MSG_CATCH_UP_MAX
};

enum schedule_act {
    SCHEDULE_NONE = 0,
    SCHEDULE_SET = 1, // makes it, or replaces it whole
    SCHEDULE_DELETE = 2,
    SCHEDULE_PAUSE = 3,
    SCHEDULE_RESUME = 4,
};

// What a user says of a schedule.
struct msg_schedule {
    struct slice schedule_id;
    struct slice cron;
    struct slice zone; // empty: UTC
    enum overlap overlap;
    enum catch_up catch_up;
    uint64_t jitter_ms; // each job is due up to this much after its moment
    bool paused;
    struct msg_submit_job *jobs; // one: what each moment submits, without id, key and times
    uint32_t job_count;
    // Not on the wire: filled by the broker's intake; the hash of all above but `paused`.
    uint64_t fingerprint;
};

struct msg_moment {
    when_ms at;
};

struct msg_moments {
    const struct msg_moment *items;
    uint32_t count;
};

struct msg_schedule_set {
    enum schedule_act act;
    struct msg_schedule given; // but for SET only its id counts
    bool dry_run;
    uint32_t next_count; // moments to be told in the answer
    // Not on the wire: filled by the broker's intake.
    err verdict;             // OK, or why intake refuses it
    struct slice detail;     // of a refusal
    struct slice violations; // of ERR_SCHEMA; may be empty
    struct msg_moments next; // the moments after now
};

struct msg_schedule_status {
    struct slice schedule_id;
    uint32_t next_count;
};

// How a schedule is doing.
struct msg_schedule_state {
    uint32_t generation; // grows with each change of what was given
    when_ms created_at;
    when_ms since_at; // moments after this one count: the last change or resume
    when_ms last_at;  // the last moment that was decided, 0 when none
    when_ms held_at;  // a moment that waits for the job before it, 0 when none
    struct id last_job_id;
    uint64_t fired_count;   // jobs made
    uint64_t skipped_count; // moments that made none, for overlap
};

struct msg_schedule_status_is {
    err error;
    struct slice detail;
    struct slice violations; // ERR_SCHEMA: as of a submitted job
    struct msg_schedule given;
    struct msg_schedule_state is;
    struct msg_moments next;
};

struct msg_schedule_list {
    struct slice after; // ids after this one
    uint32_t limit;     // 0: MSG_SCHEDULES_MAX
};

// A schedule in a list, without its payload.
struct msg_schedule_line {
    struct msg_schedule given; // no jobs
    struct msg_schedule_state is;
    struct slice queue;
    struct slice type;
    when_ms next_at; // 0: none
};

struct msg_schedule_listed {
    err error;
    struct slice detail;
    const struct msg_schedule_line *schedules;
    uint32_t count;
    bool is_more;
};
