#pragma once

// A client of a Weft broker: submit jobs, follow them, act on them. Every call asks one question and
// waits for its answer; a broker that is restarted meanwhile is asked again by itself. One thread at a
// time may use a client; several threads take a client each.
//
// Unless said otherwise a function gives 0, or the number of the error, which `error` (may be NULL) puts
// in words. 14 no-broker: nobody has answered at all. 15 timeout: it is not known whether the question
// has arrived; asking again does no harm. 26 conflict: the client was opened before fork(), by the parent.
// What a call lends is valid until the next call on the same client.

#include "worker/sdk/weft/weft.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_client weft_client;

struct weft_client_options {
    size_t size;
    const char *broker;  // "tcp://HOST:PORT"; NULL: tcp://127.0.0.1:7400
    const char *tenant;  // NULL: default
    uint32_t timeout_ms; // patience of each call; 0: 10 s
    // Of a broker with keys (docs/security.md), both or none: the file of this peer's secret key, and
    // the broker's public key or a file with it.
    const char *curve_key;
    const char *curve_server;
    uint32_t simulate_ms; // so long workers are asked by WEFT_SUBMIT_SIMULATE; 0: 10 s
};
#define WEFT_CLIENT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        .size = sizeof(struct weft_client_options)                                                 \
    }

// `options` may be NULL; its texts are copied. Connects in the background.
//   11 bad-field   an option is not allowed, or a key cannot be read
WEFT_API int weft_client_open(const struct weft_client_options *options, weft_client **out_client,
                              struct weft_error *error);
WEFT_API void weft_client_close(weft_client *client); // NULL is fine

enum weft_state {
    WEFT_SCHEDULED = 1,
    WEFT_QUEUED = 2,
    WEFT_RUNNING = 3,
    WEFT_RETRYING = 4,
    WEFT_SUCCEEDED = 5,
    WEFT_DEAD = 6,
    WEFT_CANCELLED = 7,
    WEFT_EXPIRED = 8,
    WEFT_REMOVED = 9,
};
// "queued". Static; any thread.
WEFT_API const char *weft_state_name(enum weft_state state);
WEFT_API bool weft_state_is_end(enum weft_state state);

// --- submit ---

// One job. Fields mean what those of SUBMIT in docs/protocol.md mean; 0 and NULL are "not given". All is
// borrowed during the call.
struct weft_submission {
    size_t size;
    const char *type; // [a-z0-9._-]{1,128}; required
    const char *queue;
    const char *key; // idempotency key: a second submission with it is the same job
    const char *id;  // of weft_id_new(), to repeat a submission of unknown outcome; else NULL
    struct weft_body payload;
    bool priority_is_given;
    uint8_t priority; // 0 first, 9 last; not given: 4
    uint64_t delay_ms;
    int64_t run_at_ms; // since 1970 UTC
    uint32_t timeout_ms;
    uint32_t max_attempts;
    uint32_t max_crashes;
    uint32_t retry_first_ms;
    uint32_t retry_longest_ms;
    uint32_t retry_factor_milli;
    uint32_t retry_within_s;
    uint32_t keep_s;
    uint64_t ttl_ms;
    const char *traceparent;
    const char *concurrency_key;
    uint32_t cost;
    int order; // 1: as accepted, a retry blocks; 2: as accepted, a retry is passed
    const char *unique_key;
    uint32_t unique_for_s;
    bool unique_while_unfinished;
    const char *batch_id; // of weft_id_new()
    uint32_t batch_index;
    const char *const *after; // ids of jobs or batches, at most 100
    size_t after_count;
    int on_dependency_failure; // 1: cancel, 2: run all the same; required with `after`
    const char *const *tags;   // at most 16
    size_t tag_count;
    const struct weft_pair *metadata; // at most 32
    size_t metadata_count;
    bool key_is_of_content; // instead of `key`: the same queue, type and payload are the same job
    // Who is told of its end: an address, an endpoint of the tenant ("default"), or both.
    const char *webhook_url;
    const char *webhook_endpoint;
    // 1 << enum weft_state of the four ends, together; 1 << WEFT_RUNNING: of its progress; 0: all ends.
    uint32_t webhook_events;
    // Who is told, once, that the batch has finished. Of the job that makes the batch this counts, so say
    // it with each that may be the first.
    const char *batch_webhook_url;
    const char *batch_webhook_endpoint;
};
#define WEFT_SUBMISSION_INIT                                                                       \
    {                                                                                              \
        .size = sizeof(struct weft_submission)                                                     \
    }

enum {
    WEFT_SUBMIT_ATOMIC = 1,  // all or none; up to 10,000 jobs instead of 1,024
    WEFT_SUBMIT_DRY_RUN = 2, // tells what would be; nothing is stored
    // A dry run of several jobs: workers that offer it are asked about each that would be stored, a few at
    // once, until `simulate_ms` of the client's options is over. About one job they are asked anyway.
    WEFT_SUBMIT_SIMULATE = 4,
};

enum weft_simulation {
    WEFT_SIMULATION_NONE = 0,   // no worker offers it
    WEFT_SIMULATION_OK = 1,     // it would succeed
    WEFT_SIMULATION_FAILED = 2, // it would fail
    WEFT_SIMULATION_LATE = 3,   // no answer in time …
    WEFT_SIMULATION_GONE = 4,   // … the worker has left …
    WEFT_SIMULATION_BUSY = 5,   // … or had no room
    WEFT_SIMULATION_ALONE =
        6, // of several jobs: it leans on another of them, so nobody could be asked
};

// The broker's word on one job of a submission.
struct weft_verdict {
    char id[WEFT_ID_SIZE];
    int error;     // 0: stored, now or before
    bool replayed; // it was there already
    enum weft_state state;
    int64_t created_at_ms;
    int64_t dedup_until_ms;       // until then the id means this job
    uint32_t retry_after_ms;      // with an error that may pass
    char holder_id[WEFT_ID_SIZE]; // 30 unique: who holds the key; else empty
    char detail[256];             // with an error: the field and its rule
    // Of a dry run of one job that would be stored:
    int64_t starts_at_ms; // when it would start; 0: nobody can tell
    // Of the same, and of a job of several with WEFT_SUBMIT_SIMULATE:
    enum weft_simulation simulation; // what a worker says of it
    struct weft_body
        simulated;             // WEFT_SIMULATION_OK: the result, of several jobs 4 MiB of all. Lent
                               // like the verdict
    char simulated_error[256]; // WEFT_SIMULATION_FAILED: the message, cut
};

// Submits `count` jobs (of one `size`, with at most 16 MiB of payloads together). 0 means that each has its verdict, which may be a refusal; it is
// told by weft_client_verdict(). After any error the verdicts still tell the ids that were used: put them
// into `id` (or use keys) and submit again, and no job is doubled.
//   8 too-large, 11 bad-field   nothing was sent
WEFT_API int weft_client_submit(weft_client *client, const struct weft_submission *jobs,
                                size_t count, unsigned flags, struct weft_error *error);
// The verdict on job number `index` of the last submission; NULL when there was no such job. Lent until
// the next submission.
WEFT_API const struct weft_verdict *weft_client_verdict(const weft_client *client, size_t index);

// --- follow ---

struct weft_status {
    char id[WEFT_ID_SIZE];
    enum weft_state state;
    uint32_t version; // grows with every change that can be seen
    const char *type;
    const char *queue;
    uint32_t priority;
    uint32_t attempt;
    uint32_t errors;
    uint32_t crashes;
    uint32_t interruptions;
    int64_t created_at_ms;
    int64_t due_at_ms;
    int64_t started_at_ms;
    int64_t ended_at_ms;
    int64_t expires_at_ms;
    struct weft_body result;
    const char *error_kind; // texts are empty when there is none, never NULL
    const char *error_message;
    const char *error_detail;
    uint64_t progress_done;
    uint64_t progress_total;
    const char *progress_text;
};

// How long an answer may wait for news.
struct weft_patience {
    uint32_t version; // the newest that the caller has seen
    uint32_t wait_ms; // at most 300 s
};

// How a job is. With `patience` (NULL: at once) the answer comes when its version is larger, when it has
// ended, or after that time.
//   6 not-found, 7 gone
WEFT_API int weft_client_status(weft_client *client, const char *id,
                                const struct weft_patience *patience,
                                const struct weft_status **out_status, struct weft_error *error);
// Waits until the job has ended.
//   15 timeout   not within `timeout_ms`; `out_status` is how it was then, if that is known, else untouched
WEFT_API int weft_client_wait(weft_client *client, const char *id, uint32_t timeout_ms,
                              const struct weft_status **out_status, struct weft_error *error);

struct weft_batch {
    char id[WEFT_ID_SIZE];
    uint32_t version;
    int64_t created_at_ms;
    int64_t finished_at_ms; // 0: not yet
    bool is_sealed;
    uint32_t counts[10]; // by enum weft_state
};

// How a batch is; with `patience` as for a job.
WEFT_API int weft_client_batch(weft_client *client, const char *id,
                               const struct weft_patience *patience,
                               const struct weft_batch **out_batch, struct weft_error *error);
// No further jobs join the batch; it has finished when all in it have ended.
WEFT_API int weft_client_batch_seal(weft_client *client, const char *id,
                                    const struct weft_batch **out_batch, struct weft_error *error);

// Where one is in the stream of what happens to jobs, and what one wants to hear of it.
struct weft_watch {
    size_t size;
    uint64_t lineage; // the place; `epoch` 0: none, the answer says where the stream is
    uint64_t position;
    uint32_t epoch;
    uint32_t index;
    uint32_t limit;   // at most 1,024 events at once; 0: 256
    uint32_t wait_ms; // for the first event; at most 60 s
    uint32_t states;  // 1 << enum weft_state, together; 0: all
    const char *queue;
    const char *type;
    const char *job_id;
};
#define WEFT_WATCH_INIT                                                                            \
    {                                                                                              \
        .size = sizeof(struct weft_watch)                                                          \
    }

struct weft_event {
    char job_id[WEFT_ID_SIZE];
    enum weft_state state;
    uint32_t version;
    int64_t at_ms;
    const char *queue;
    const char *type;
};

struct weft_events {
    bool gap; // something may have been missed: read again what you follow
    size_t count;
    const struct weft_event *const
        *items; // items[0]->job_id; each may have grown since your program was built
};

// What has happened behind the place of `watch`, which moves on behind what is told.
//   4 full   the broker holds as many questions as it can; ask again later
WEFT_API int weft_client_watch(weft_client *client, struct weft_watch *watch,
                               const struct weft_events **out_events, struct weft_error *error);

// --- act ---

enum weft_act {
    WEFT_ACT_CANCEL = 1,
    WEFT_ACT_RETRY = 2,
    WEFT_ACT_DELETE = 3,
    WEFT_ACT_RUN_NOW = 4,
};

// Cancels a job, makes a dead one live again, removes an ended one, or starts one before its time that
// is scheduled or waits for a retry. `actor` (may be NULL) stands in the job's timeline.
//   6 not-found, 26 conflict, 30 unique
WEFT_API int weft_client_act(weft_client *client, enum weft_act act, const char *id,
                             const char *actor, struct weft_error *error);

#ifdef __cplusplus
}
#endif
