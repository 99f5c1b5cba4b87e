#pragma once

// What the files of the bulk thread share. Included by gateway/shell/bulk*.c only.

#include "gateway/core/problem.h"
#include "gateway/core/records.h"
#include "gateway/shell/bulk.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/posting.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/spool_door.h"

#include <pthread.h>

enum { BULK_CHUNK_LEN = 256 * 1024 };

// Room for decoded texts and derived keys, in chunks that stay where they are.
struct chunk {
    struct chunk *next;
    struct arena arena;
    _Alignas(16) uint8_t bytes[BULK_CHUNK_LEN];
};

// A record and its verdict.
struct verdict {
    uint32_t line;
    err error;
    struct slice detail;     // from malloc(); may be empty
    struct slice violations; // JSON, from malloc(); may be empty
};

// Jobs that travel together.
struct piece {
    struct ask ask; // first: the courier's pointer is ours
    struct load *load;
    uint32_t first; // job
    bool is_minted_again;
};

// One request.
struct load {
    struct load *next;
    struct bulk *bulk;
    struct http_request *request;
    struct slice tenant; // the request's
    uint32_t tenant_open_max;
    struct open_quota open; // as the broker has said last
    struct slice key;
    bool is_atomic;
    bool is_dry_run;
    bool is_refused;     // an atomic dry run, by this gateway: the broker judges the other records
    struct msg question; // of a dry run
    bool *replays;       // of it, by job
    when_ms simulate_ms; // of it: for how long workers are asked; 0: not at all
    struct bulk_simulation *simulation;
    struct id batch_id;
    struct webhook_secret secret; // which its webhooks share, when one wants a new one
    struct slice webhook;         // of the batch, sealed, in a chunk; said with each job
    bool has_lines;               // one record a line
    uint32_t first_line;          // of the record that says it
    struct submit_fault fault;    // why nothing of the body is taken
    uint64_t fingerprint;         // of the body, when there is a key
    struct msg_submit_job *jobs;
    uint32_t *lines; // of the jobs
    uint32_t job_count;
    uint32_t job_cap;
    struct verdict *rejected;
    uint32_t rejected_count;
    uint32_t rejected_cap;
    uint32_t replayed_count;
    uint32_t accepted_count;
    bool is_other;       // the broker knows the batch, and that it was made of another body
    when_ms dedup_until; // the earliest among the jobs
    struct chunk *chunks;
    struct piece *pieces;
    uint32_t piece_count;
    uint32_t left_count;          // pieces without an answer; the courier's thread counts
    err failure;                  // what kept pieces from being answered
    struct bulk_keeping *keeping; // in the spool's hands, or back from there
};

struct bulk {
    const struct gateway *gateway;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct load *first; // waiting: new ones, and those whose answers are there
    struct load *last;
    uint32_t count; // loads, wherever they are
    bool is_closing;
    struct scratch *scratch; // the thread's
};

// --- bulk.c ---
struct reply bulk_reply(const struct load *load);
// Answers with the error and frees the load.
void bulk_refuse(struct load *load, err e, const char *detail);
// The same: another body has the key, and nothing of this one is stored.
void bulk_refuse_other(struct load *load);
void bulk_free(struct load *load);
// Back to the thread, with what others have found out. Any thread.
void bulk_return(struct load *load);

// --- bulk_answer.c: each answers and frees the load ---
void bulk_answer(struct load *load);
void bulk_answer_dry(struct load *load);
// A new batch all of whose jobs belong to earlier ones has no member, and nobody keeps it.
bool bulk_is_known(const struct load *load);

// By line.
void bulk_sort(struct load *load);

// --- bulk_simulate.c: what workers say of a dry run ---

// Asks them; the load comes back to the thread, or has been answered. False: there is nothing to ask.
bool bulk_simulate(struct load *load);
// NULL is allowed.
void bulk_simulation_free(struct bulk_simulation *simulation, uint32_t job_count);
// Bytes that bulk_simulation_put() may need.
size_t bulk_simulation_room(const struct load *load);
// As a member "simulations" of the open object.
void bulk_simulation_put(const struct load *load, struct out *out);

// --- bulk_spool.c: no broker answers ---

struct bulk_keeping {
    struct spool_order order; // first: the spool's pointer is ours
    struct load *load;
    err error;
    struct spool_item items[]; // one for each job
};

// Can the spool take the load? An atomic one is the broker's to judge as a whole.
bool bulk_may_spool(const struct load *load);
// Hands its jobs over; the load comes back to the thread. Otherwise refuses and frees it.
void bulk_spool(struct load *load);
// What has come of it: counts, answers and frees the load.
void bulk_spooled(struct load *load);

// --- bulk_read.c ---

// Reads the records into jobs and rejections. OK, or why nothing of the body is taken, with a
// sentence.
MUST_USE err bulk_read_records(struct load *load, enum records_form form, const char **out_detail);

// Adds a verdict; false when out of memory. Its detail and violations are copied.
bool bulk_reject(struct load *load, uint32_t line, const struct problem *problem);
