#pragma once

// What is said of queues and of types: their settings, and how they stand. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "proto/msg_words.h"

// What holds for a job that does not say otherwise; 0: not given here either.
struct msg_defaults {
    uint32_t timeout_ms;
    uint32_t max_attempts;
    uint32_t max_crashes;
    uint32_t retry_first_ms;
    uint32_t retry_longest_ms;
    uint32_t retry_factor_milli;
    uint32_t retry_within_s;
    uint32_t keep_s;
};

// So many in that time; 0: no bound.
struct msg_rate {
    uint32_t count;
    uint32_t per_ms;
};

// What a user says of a queue; 0: not given.
struct msg_queue_settings {
    uint32_t weight;   // turns of it for one of a queue of weight 1; not given: 1
    uint32_t open_max; // unfinished jobs; not given: as many as the broker takes
    uint32_t running_max;
    uint32_t key_running_max;
    struct msg_rate rate;
    struct msg_rate key_rate;
    struct msg_defaults defaults;
};

// By their numbers on the wire.
enum queue_setting {
    QUEUE_WEIGHT = 2,
    QUEUE_OPEN_MAX = 3,
    QUEUE_TIMEOUT = 4,
    QUEUE_MAX_ATTEMPTS = 5,
    QUEUE_MAX_CRASHES = 6,
    QUEUE_RETRY_FIRST = 7,
    QUEUE_RETRY_LONGEST = 8,
    QUEUE_RETRY_FACTOR = 9,
    QUEUE_RETRY_WITHIN = 10,
    QUEUE_KEEP = 11,
    QUEUE_RUNNING_MAX = 12,
    QUEUE_KEY_RUNNING_MAX = 13,
    QUEUE_RATE_COUNT = 14,
    QUEUE_RATE_PER = 15,
    QUEUE_KEY_RATE_COUNT = 16,
    QUEUE_KEY_RATE_PER = 17,
};
#define QUEUE_RATE (1u << QUEUE_RATE_COUNT | 1u << QUEUE_RATE_PER)
#define QUEUE_KEY_RATE (1u << QUEUE_KEY_RATE_COUNT | 1u << QUEUE_KEY_RATE_PER)
#define QUEUE_SETTINGS_ALL ((1u << (QUEUE_KEY_RATE_PER + 1)) - (1u << QUEUE_WEIGHT))

struct msg_queue_set {
    struct slice queue;
    struct msg_queue_settings settings; // what is not given is not set any more
    uint32_t named; // which settings are meant, 1 << enum queue_setting; the others stay. 0: all
    // Not on the wire: filled by the broker's intake.
    struct slice tenant; // empty: "default"
    err verdict;         // OK, or why intake refuses it
    struct slice detail; // of a refusal
};

struct msg_queue_status {
    struct slice queue; // empty: a list
    struct slice after; // of a list: names after this one
    uint32_t limit;     // of a list; 0: MSG_QUEUES_MAX
};

// A queue as it stands.
struct msg_queue {
    struct slice queue;
    struct msg_queue_settings settings;
    enum direction paused;
    uint64_t counts[JOB_STATES]; // its jobs by state; JOB_REMOVED counts for ever
};

// One, or a page of a list by name.
struct msg_queue_status_is {
    err error;
    struct slice detail;
    const struct msg_queue *queues;
    uint32_t count;
    bool is_more;
};

// Of a type the defaults have the numbers that they have of a queue, and the schema the next one.
enum { TYPE_SCHEMA = QUEUE_KEEP + 1 };
#define TYPE_SETTINGS_ALL ((1u << (TYPE_SCHEMA + 1)) - (1u << QUEUE_TIMEOUT))

// Defaults for all jobs of a type, in every queue, which count before the queue's; and what their
// payloads have to keep to.
struct msg_type_set {
    struct slice type;
    struct msg_defaults defaults; // what is not given is not set any more
    struct body schema;           // JSON Schema of the payload; CONTENT_NONE: none
    uint32_t named;               // which settings are meant, as of a queue; or 1 << TYPE_SCHEMA
    // Not on the wire: filled by the broker's intake.
    struct slice tenant;  // empty: "default"
    uint64_t schema_hash; // of its text; 0: none
    err verdict;
    struct slice detail;
};

struct msg_type_status {
    struct slice type;  // empty: a list
    struct slice after; // of a list: names after this one
    uint32_t limit;     // of a list; 0: MSG_QUEUES_MAX
};

struct msg_type {
    struct slice type;
    struct msg_defaults defaults;
    struct body schema; // not in lists
};

// One, or a page of a list by name.
struct msg_type_status_is {
    err error;
    struct slice detail;
    const struct msg_type *types;
    uint32_t count;
    bool is_more;
};
