#pragma once

// A worker of a Weft broker: functions of yours that run for jobs, each in a thread of the worker.
//
//     static int resize(weft_job *job, void *ctx)
//     {
//         const char *src = weft_job_string(job, "src"); // a missing member makes the job dead
//         for (int i = 0; i < 100; i++) {
//             if (weft_job_cancelled(job))
//                 return WEFT_JOB_CANCELLED;
//             weft_job_progress(job, (uint64_t)i, 100, "row %d of %s", i, src);
//         }
//         return weft_job_result_json(job, "{\"ok\":true}");
//     }
//
// Jobs are delivered at least once. With a data directory every outcome is in a journal, flushed, before
// the broker is told of it: a process that dies between tells it after its restart, and the job is not
// run again, unless it was given to somebody else meanwhile.

#include "worker/sdk/weft/weft.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_worker weft_worker;
typedef struct weft_job weft_job;

enum weft_log_level {
    WEFT_LOG_DEBUG = 0,
    WEFT_LOG_INFO = 1,
    WEFT_LOG_WARN = 2,
    WEFT_LOG_ERROR = 3
};

struct weft_worker_options {
    size_t size;
    const char *broker;        // "tcp://HOST:PORT"; NULL: tcp://127.0.0.1:7400
    const char *tenant;        // whose jobs; NULL: default
    const char *name;          // for people; NULL: "libweft"
    const char *const *queues; // NULL: every queue
    size_t queue_count;        // at most 64
    uint32_t concurrency;      // jobs at once, each in a thread of its own; 1 to 256, 0: 1
    // Directory of the journal and of the worker's id, on a local disk, for one process at a time. NULL:
    // no journal, and another id at each start.
    const char *data;
    uint32_t grace_ms;   // time that running jobs get when the worker is to stop; 0: 25 s
    uint32_t abandon_ms; // from the wish that a job stops until it is given up; 0: 10 s
    // Tells of the worker's life, one line each, in the thread of weft_worker_run(). NULL: silent.
    void (*log)(void *ctx, enum weft_log_level level, const char *event, const char *text);
    void *log_ctx;
    // Of a broker with keys (docs/security.md), both or none: the file of this peer's secret key, and
    // the broker's public key or a file with it.
    const char *curve_key;
    const char *curve_server;
    uint32_t prefetch;    // jobs taken in advance, beyond those that run
    uint32_t simulations; // dry runs at once, each in a further thread; at most 16, 0: 1; see
                          // weft_worker_simulate(). All three together: at most 256
};
#define WEFT_WORKER_OPTIONS_INIT                                                                   \
    {                                                                                              \
        .size = sizeof(struct weft_worker_options)                                                 \
    }

// How a handler ends its job. What it returns counts, whatever it has said before. A value that makes no sense is an
// error of the job, of kind "bad-return": any other number, WEFT_JOB_CANCELLED when nobody had asked, WEFT_JOB_SNOOZED
// without weft_job_snooze().
enum {
    WEFT_JOB_SUCCEEDED = 0,
    WEFT_JOB_FAILED = 1,    // an error: retried by the job's policy
    WEFT_JOB_DEAD = 2,      // no further attempt
    WEFT_JOB_CANCELLED = 3, // stopped because weft_job_cancelled() said so
    WEFT_JOB_SNOOZED = 4,   // later, which burns no attempt; by weft_job_snooze() alone
    // Given back, which burns no attempt: at once when the worker is to leave, else for whoever takes it in a second.
    WEFT_JOB_INTERRUPTED = 5,
};
typedef int weft_handler(weft_job *job, void *ctx);

// `options` may be NULL; everything in it is copied.
//   11 bad-field        an option is not allowed, or a key cannot be read
//   18 locked           another process has the data directory
//   16, 17, 19, 25      the data directory cannot be used; the text says why
WEFT_API int weft_worker_new(const struct weft_worker_options *options, weft_worker **out_worker,
                             struct weft_error *error);
// Not while weft_worker_run() runs. NULL is fine.
WEFT_API void weft_worker_free(weft_worker *worker);

// Jobs of `type` are run by `handler`, which may be called in several threads at once. `ctx` stays the
// caller's. Before weft_worker_run(); at most 64 types.
//   4 full, 11 bad-field: no name of a type, or it has a handler, 26 conflict: the worker has been run
WEFT_API int weft_worker_handle(weft_worker *worker, const char *type, weft_handler *handler,
                                void *ctx);

// Dry runs of jobs of `type`, which has a handler, are told what this one says: whether the job would
// succeed and with what result (at most 64 KiB), or why not. It must change nothing; it is asked to stop
// when nobody waits any more (2 s, as the broker is set). weft_job_token() is 0 then, and progress, log
// and the journal know nothing of it. Before weft_worker_run().
//   11 bad-field   no handler for the type
//   26 conflict    the worker has been run
WEFT_API int weft_worker_simulate(weft_worker *worker, const char *type, weft_handler *handler,
                                  void *ctx);

// Serves until weft_worker_stop(), or until the broker says so. Gives 0 when it was told to stop. Returns
// only when every handler has returned. Once for each worker.
//   11 bad-field   no type has a handler, the address is none, or there are too many threads
//   26 conflict    it has run already, or was made before fork(), by the parent
//   16 disk        the journal cannot be written; what was not told is told after a restart
WEFT_API int weft_worker_run(weft_worker *worker, struct weft_error *error);

// Running jobs get their grace, then they are asked to stop and given back. Called again: at once. Any
// thread, and from a signal handler.
WEFT_API void weft_worker_stop(weft_worker *worker);
// No further jobs; the running ones go on, and so does weft_worker_run(). Any thread or signal handler.
WEFT_API void weft_worker_quiet(weft_worker *worker);

// --- in a handler, for its own job and in its own thread. Texts are lent until it returns. ---

WEFT_API const char *weft_job_id(const weft_job *job);
WEFT_API const char *weft_job_type(const weft_job *job);
WEFT_API const char *weft_job_queue(const weft_job *job);
WEFT_API const char *weft_job_traceparent(const weft_job *job); // empty: none
WEFT_API uint32_t weft_job_attempt(const weft_job *job);        // 1 for the first
// Grows with every lease of this job: your database refuses to write when it has seen a larger one.
WEFT_API uint64_t weft_job_token(const weft_job *job);
// With the id it is the same for all attempts of a job: an id may be used again after its window, by the same key.
WEFT_API uint64_t weft_job_generation(const weft_job *job);
// When it will be asked to stop, in milliseconds since 1970 UTC; weft_job_extend() moves it.
WEFT_API int64_t weft_job_deadline(const weft_job *job);
// The ids of the jobs that it waited for. weft_client_status() gives their results. NULL is behind the last one.
WEFT_API const char *const *weft_job_after(const weft_job *job);
WEFT_API const char *const *weft_job_tags(const weft_job *job); // the same
// A name of NULL is behind the last one.
WEFT_API const struct weft_pair *weft_job_metadata(const weft_job *job);
// NULL when it has no such name.
WEFT_API const char *weft_job_metadata_value(const weft_job *job, const char *name);
WEFT_API struct weft_body weft_job_payload(const weft_job *job);
// Nothing may be changed: somebody only tries the job.
WEFT_API bool weft_job_is_dry_run(const weft_job *job);

// A member of the payload, which is a JSON object. When it is missing or of another kind, or a string has a zero in
// it, "" or 0 is given, and however the handler ends, the job is dead with a message that names the member.
WEFT_API const char *weft_job_string(weft_job *job, const char *name);
WEFT_API int64_t weft_job_integer(weft_job *job, const char *name);

// The job is to stop: somebody cancelled it, its deadline has passed, its lease is lost, or the worker
// leaves. Cheap: ask often. Who goes on all the same is given up after `abandon_ms`: the broker is told,
// and what the handler still does counts for nothing.
WEFT_API bool weft_job_cancelled(const weft_job *job);

// How far it is, told to the broker at most once a second. The text is cut at 256 bytes.
WEFT_API void weft_job_progress(weft_job *job, uint64_t done, uint64_t total, const char *format,
                                ...) __attribute__((format(printf, 4, 5)));
// A line of the job's log, cut at 1,024 bytes.
WEFT_API void weft_job_log(weft_job *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The deadline is at least so far from now; a shorter span changes nothing.
WEFT_API void weft_job_extend(weft_job *job, uint32_t span_ms);

// Each keeps a copy of what is said and gives what the handler returns: `return weft_job_dead(job, …)`.
// A result that cannot be one (longer than 1 MiB, bytes without a content type, JSON or text that is none) makes the
// job dead instead of succeeded, unless another one follows.
WEFT_API int weft_job_result(weft_job *job, struct weft_body result);
WEFT_API int weft_job_result_json(weft_job *job, const char *json);
// `kind` is short and stable ("no-such-row"), the message one line for people.
WEFT_API int weft_job_fail(weft_job *job, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
WEFT_API int weft_job_dead(weft_job *job, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// As failed, and the next attempt is at least `after_ms` away.
WEFT_API int weft_job_retry(weft_job *job, uint32_t after_ms, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Again after `after_ms` (at least 1), which burns no attempt.
WEFT_API int weft_job_snooze(weft_job *job, uint32_t after_ms);

#ifdef __cplusplus
}
#endif
