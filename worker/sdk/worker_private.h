#pragma once

// Shared by worker.c (the loop) and job_*.c (a handler's side). The loop's thread owns the duty; a job
// belongs to the thread of its slot while it is JOB_GIVEN, and what both touch is under `lock`.
//
//        loop: begin         thread: handler returned       loop: taken in
//   ─▶ JOB_IDLE ─────▶ JOB_GIVEN ───────────────────▶ JOB_ENDED ─────────▶ JOB_IDLE

#include "lib/link/curve.h"
#include "lib/sys/wake.h"
#include "worker/duty/duty.h"
#include "worker/duty/home.h"
#include "worker/sdk/sdk_private.h"
#include "worker/sdk/weft/worker.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/types.h>

enum job_phase { JOB_IDLE, JOB_GIVEN, JOB_ENDED };

enum {
    JOB_LOG_MAX = 64, // lines on their way to the loop; more are counted
};

struct job_line {
    when_ms at;
    uint32_t len;
    uint8_t text[MSG_LOG_TEXT_LEN_MAX];
};

// What a handler has said and the loop has not taken in.
struct job_mail {
    bool has_progress;
    struct msg_progress progress; // text in `text`
    uint8_t text[MSG_PROGRESS_TEXT_LEN_MAX];
    uint32_t extend_ms;
    uint32_t line_count;
    uint32_t dropped_count;
    struct job_line lines[JOB_LOG_MAX];
};

struct kept_text {
    struct kept_text *next;
    char text[];
};

struct weft_job {
    struct weft_worker *worker;
    uint32_t slot;
    pthread_t thread;
    bool has_thread;
    pthread_cond_t given;
    atomic_bool must_stop;

    // Under the lock.
    enum job_phase phase;
    struct job_mail mail;

    // The loop writes them before JOB_GIVEN, and the thread until JOB_ENDED.
    struct msg_job msg; // borrowed from `memory`
    void *memory;
    char id[WEFT_ID_SIZE];
    char type[MSG_NAME_LEN_MAX + 1];
    char queue[MSG_NAME_LEN_MAX + 1];
    char traceparent[MSG_TRACEPARENT_LEN_MAX + 1];
    when_ms deadline;     // by the wall clock
    char *texts_of_grant; // of these three, each of which has an end
    const char *tags[MSG_TAGS_MAX + 1];
    struct weft_pair metadata[MSG_METADATA_MAX + 1];
    const char *after[MSG_AFTER_MAX + 1];
    weft_handler *handler;
    void *ctx;
    bool is_dry_run;
    struct kept_text *texts; // lent to the handler
    char *missing;           // what its payload lacks, or NULL
    int returned;
    uint8_t *result;
    size_t result_len;
    enum content result_content;
    bool is_result_refused; // kind and message say why
    uint32_t after_ms;      // of weft_job_retry()
    uint32_t snooze_ms;     // of weft_job_snooze(); 0: not said
    char kind[MSG_ERROR_KIND_LEN_MAX + 1];
    char message[MSG_ERROR_MESSAGE_LEN_MAX + 1];

    bool is_abandoned; // the loop's: its outcome has been told already
};

struct type_handler {
    char type[MSG_NAME_LEN_MAX + 1];
    weft_handler *handler;
    void *ctx;
    weft_handler *simulate; // NULL: its dry runs are not taken
    void *simulate_ctx;
};

struct weft_worker {
    struct link_curve curve; // when has_curve
    bool has_curve;
    char problem[CURVE_PROBLEM_LEN];    // of its options
    struct weft_worker_options options; // its texts are copies
    char **queues;
    struct slice queue_names[MSG_TYPES_MAX];
    struct slice type_names[MSG_TYPES_MAX];
    struct type_handler types[MSG_TYPES_MAX];
    uint32_t type_count;
    struct slice simulates[MSG_TYPES_MAX]; // of the types
    uint32_t simulate_count;
    struct home home;
    bool has_home;
    struct journal *journal;
    struct duty duty;
    pid_t process; // that made it: the journal is open there
    atomic_bool has_run;
    atomic_bool is_running;
    struct weft_job *jobs; // one for each slot
    pthread_mutex_t lock;
    bool is_leaving; // under the lock: threads end
    struct wake bell;
    atomic_uint stops_asked;
    atomic_bool quiet_asked;
    unsigned stops_done;
};

#define WORKER_TOO_MANY_SLOTS "concurrency, prefetch and simulations are together at most 256"

// NULL, or what is wrong with them. What was copied is freed by the second, whatever came out.
const char *weft_private_read_options(struct weft_worker *worker,
                                      const struct weft_worker_options *given);
void weft_private_free_options(struct weft_worker *worker);
// The thread of a slot.
void *weft_private_serve(void *job);
// What a job brings along; `memory`, which it borrows from, is its own from here on.
void weft_private_take_grant(struct weft_job *job, const struct msg_job *msg, void *memory);
// printf() into `cap` bytes, at most MSG_ERROR_MESSAGE_LEN_MAX: cut after a whole character, repaired, without a
// zero. Gives the length.
__attribute__((format(printf, 3, 0))) uint32_t weft_private_print(uint8_t *room, size_t cap,
                                                                  const char *format,
                                                                  va_list arguments);

// What was going on when a handler returned.
struct job_ending {
    bool is_asked;   // it had been asked to stop
    bool is_leaving; // the worker takes no more jobs
};
// The outcome of a job that has ended, borrowed from it.
void weft_private_outcome(struct weft_job *job, const struct job_ending *ending,
                          struct outcome_report *out_report);
// What one job has left behind.
void weft_private_forget(struct weft_job *job);
