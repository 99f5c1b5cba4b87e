#pragma once

// What the files of the bulk thread share. Included by gateway/shell/bulk*.c only.

#include "gateway/core/problem.h"
#include "gateway/core/records.h"
#include "gateway/shell/bulk.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/posting.h"

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
    struct slice key;
    bool is_atomic;
    struct id batch_id;
    uint64_t fingerprint; // of the body, when there is a key
    struct msg_submit_job *jobs;
    uint32_t *lines; // of the jobs
    uint32_t job_count;
    uint32_t job_cap;
    struct verdict *rejected;
    uint32_t rejected_count;
    uint32_t rejected_cap;
    uint32_t replayed_count;
    uint32_t accepted_count;
    when_ms dedup_until; // the earliest among the jobs
    struct chunk *chunks;
    struct piece *pieces;
    uint32_t piece_count;
    uint32_t left_count; // pieces without an answer; the courier's thread counts
    err failure;         // what kept pieces from being answered
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

// --- bulk_read.c ---

// Reads the records into jobs and rejections. OK, or why nothing of the body is taken, with a
// sentence.
MUST_USE err bulk_read_records(struct load *load, enum records_form form, const char **out_detail);

// Adds a verdict; false when out of memory. Its detail and violations are copied.
bool bulk_reject(struct load *load, uint32_t line, const struct problem *problem);
