#pragma once

// Limits of the wire, enforced by wire_decode() and printed in WELCOME.
enum {
    MSG_BYTES_MAX = 24 * 1024 * 1024,        // a whole message
    MSG_JOBS_MAX = 1024,                     // jobs in one message, but that …
    MSG_ATOMIC_JOBS_MAX = 10000,             // … an atomic SUBMIT has so many
    MSG_ATOMIC_BYTES_MAX = 16 * 1024 * 1024, // payloads of one SUBMIT
    MSG_HELD_MAX = 16384,                    // held jobs named in one message
    MSG_TYPES_MAX = 64,                      // types, and queues, in one READY
    MSG_NAME_LEN_MAX = 128,                  // type, queue
    MSG_KEY_LEN_MAX = 255,
    MSG_TRACEPARENT_LEN_MAX = 128,
    MSG_AFTER_MAX = 100, // jobs that one job waits for
    MSG_TAGS_MAX = 16,   // of a job
    MSG_TAG_LEN_MAX = 64,
    MSG_METADATA_MAX = 32,         // pairs of a job …
    MSG_METADATA_LEN_MAX = 4096,   // … and the bytes of their names and values
    MSG_LABELS_LEN_MAX = 6 * 1024, // of both as a field
    MSG_PAYLOAD_LEN_MAX = 1024 * 1024,
    MSG_RESULT_LEN_MAX = 1024 * 1024,
    MSG_SIMULATED_LEN_MAX = 64 * 1024, // result of a dry run
    MSG_SCHEMA_LEN_MAX = 64 * 1024,    // of a type
    MSG_VIOLATIONS_LEN_MAX = 8 * 1024, // of a payload's schema, for one job
    MSG_ERROR_KIND_LEN_MAX = 64,
    MSG_ERROR_MESSAGE_LEN_MAX = 1024,
    MSG_ERROR_DETAIL_LEN_MAX = 16 * 1024,
    MSG_PROGRESS_TEXT_LEN_MAX = 256,
    MSG_ACTOR_LEN_MAX = 128,
    MSG_CRON_LEN_MAX = 255,
    MSG_ZONE_LEN_MAX = 64,
    MSG_LISTED_MAX = 1000, // jobs in one LISTED
    MSG_LISTED_DEFAULT = 50,
    MSG_MOMENTS_MAX = 100,   // told of one schedule
    MSG_CATCH_UP_MAX = 100,  // missed moments that are made up for
    MSG_SCHEDULES_MAX = 256, // in one list
    MSG_WORKERS_MAX = 64,    // the same
    MSG_QUEUES_MAX = 256,
    MSG_OPERATIONS_MAX = 256, // in one answer    // in one list
    MSG_WEIGHT_MAX = 1000,    // of a queue
    MSG_COST_MAX = 10000,     // of a job, in tokens of a rate
    MSG_RATE_COUNT_MAX = 1000 * 1000,
    MSG_RATE_PER_MS_MAX = 24 * 3600 * 1000,
    MSG_LOG_LINES_MAX = 4096, // log lines in one message
    MSG_LOG_TEXT_LEN_MAX = 1024,
    MSG_EVENTS_MAX = 256, // in a TIMELINE_IS
    MSG_REASON_LEN_MAX = 256,
    MSG_WATCHED_MAX = 1024, // events in one EVENT
    MSG_WATCHED_DEFAULT = 256,
    MSG_URL_LEN_MAX = 2048,         // of a webhook
    MSG_HOOK_LEN_MAX = 2560,        // the webhook of a job, as a field
    MSG_INTENT_LEN_MAX = 12 * 1024, // the same of a delivery's intent
    MSG_HOOK_LIST_LEN_MAX = 1024,   // types, and tags, of an endpoint
    MSG_HOOK_HEADERS_LEN_MAX = 4096,
    MSG_HOOK_SECRET_LEN_MAX = 256, // sealed
    MSG_HOOKS_MAX = 64,            // endpoints in one list
};
