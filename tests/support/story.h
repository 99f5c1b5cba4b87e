#pragma once

// Stories of the broker's core: commands at given times go in, a transcript comes out.
//
//     struct story *story = story_new();
//     story_worker(story, 11, "mail", 1);
//     story_at(story, 5);
//     story_submit(story, story_job(7));
//     EXPECT_STORY(story, "[5] write 7 running v2\n"
//                         "[5] send client: submitted 7 queued\n"
//                         "[5] job 7 to worker 1 token 1.1 attempt 1\n");
//
// Each command is a batch of its own, durable at once, unless story_open() holds the batch open
// or `lag` delays what is durable. The store is a model of a few rows. Jobs are numbers: those
// below 100 have a time-ordered id, the others one derived from a key. Peer 1 is the client; peer
// 10 * c + n is the c-th connection of worker n. Not thread-safe.

#include "broker/core/core.h"
#include "broker/core/endpoints.h"
#include "broker/core/schedules.h"

#include "tests/support/tell.h"
#include "tests/support/test.h"

// Store time of the moment 0.
#define STORY_EPOCH ((when_ms)1700000000000)

enum {
    STORY_CLIENT = 1,
    STORY_OPERATIONS = 4,
    STORY_ENDPOINTS = 16,
    STORY_ROWS_MAX = 256,
    STORY_TEXT_MAX = 1 << 20
};

// What is durable.
struct story_endpoint {
    struct endpoint_row row; // unused ones have generation 0
    uint8_t text[ENDPOINTS_TEXT_LEN_MAX];
};

struct story_store {
    struct ledger_row ledger;
    struct job_row jobs[STORY_ROWS_MAX];
    uint32_t job_count;
    struct msg_submit_job bodies[STORY_ROWS_MAX]; // by number; the options, not the texts
    struct batch_row batches[STORY_ROWS_MAX];     // by number; unused ones have a zero id
    char batch_tenants[STORY_ROWS_MAX][MSG_NAME_LEN_MAX];
    struct policy policies[STORY_ROWS_MAX];
    uint32_t policy_count;
    struct lane_row lanes[STORY_ROWS_MAX];
    char names[STORY_ROWS_MAX][3][MSG_NAME_LEN_MAX];
    uint32_t lane_count;
    struct queue_row queues[STORY_ROWS_MAX]; // by number; unused ones have no name
    char queue_names[STORY_ROWS_MAX][2][MSG_NAME_LEN_MAX];
    struct type_row types[4]; // by number; unused ones have no name
    char type_names[4][2][MSG_NAME_LEN_MAX];
    struct unique_row uniques[STORY_ROWS_MAX]; // by holder; unused ones have number 0
    struct schedule_row schedules[4];          // unused ones have no name
    char schedule_names[4][SCHEDULES_NAME_LEN_MAX];
    struct operation_row operations[STORY_OPERATIONS]; // unused ones have no id
    struct story_endpoint endpoints[STORY_ENDPOINTS];
    struct dep_row deps[STORY_ROWS_MAX]; // by job; unused ones have number 0
    struct id parents[STORY_ROWS_MAX][MSG_AFTER_MAX];
};

// A closed batch on its way to the store.
struct story_flight {
    uint64_t batch;
    struct write *writes;
    uint32_t write_count;
};

struct story {
    struct limits limits;
    struct core *core;
    void *memory;
    struct now now;
    uint32_t lag;     // closed batches that are not durable yet: 0, 1 or 2
    bool is_open;     // the batch is held open
    bool shows_all;   // bodies, outcomes, events, lanes, queues, policies and the ledger's row too
    bool only_events; // of all writes, and nothing that is sent
    bool only_logs;   // the same
    bool only_grants; // and nothing else
    uint64_t corr;
    struct slice tenant; // of all that is said from now on; empty: "default"
    struct effects fx;
    struct arena messages; // of the open batch
    struct story_store store;
    struct story_flight flights[3];
    uint32_t flight_count;
    struct tell tell;
    char *told;
};

// Small: 16 jobs, 8 keys, 4 lanes, 4 policies, 3 batches, 3 workers, 8 leases; leases last 30 ms.
struct limits story_limits(void);
// A fresh broker; the client has said HELLO, at every start.
struct story *story_new(void);
struct story *story_new_with(const struct limits *limits);
void story_free(struct story *story);

// The transcript since the last call. Borrowed until the next one.
const char *story_told(struct story *story);
#define EXPECT_STORY(story, text) EXPECT_STR(story_told(story), (text))

void story_at(struct story *story, when_ms moment);
// Holds a batch open: the commands until story_close() share it.
void story_open(struct story *story);
void story_close(struct story *story);
// Everything closed becomes durable.
void story_settle(struct story *story);
// The process dies and comes back: only what is durable is left.
void story_restart(struct story *story);
// The same, with other limits; the first error of loading.
err story_reload(struct story *story, const struct limits *limits);

struct id story_id(uint32_t number);
struct id story_worker_id(uint32_t number);
uint64_t story_token(uint32_t epoch, uint64_t counter);
struct msg_held story_held(uint32_t number, uint64_t token);

// A submission: type "mail", queue "default", three bytes, its number as fingerprint.
struct msg_submit_job story_job(uint32_t number);
void story_submit(struct story *story, struct msg_submit_job job);
void story_submit_two(struct story *story, struct msg_submit_job a, struct msg_submit_job b);

// Any message from a peer; what it points to must live until the batch is closed.
void story_say(struct story *story, uint32_t peer, const struct msg *msg);
void story_client(struct story *story, uint32_t peer);
// HELLO of the worker behind `peer`, holding `held` (NULL: nothing).
void story_hello(struct story *story, uint32_t peer, uint64_t session, const struct msg_held *held);
// READY for one type, any queue.
void story_ready(struct story *story, uint32_t peer, const char *type, uint32_t slots);
// HELLO with session 1, then READY; neither is told.
void story_worker(struct story *story, uint32_t peer, const char *type, uint32_t slots);
// RENEW that names `held` (NULL: nothing).
void story_renew(struct story *story, uint32_t peer, const struct msg_held *held);
void story_progress(struct story *story, uint32_t peer, struct msg_held held, uint64_t done);
void story_finish(struct story *story, uint32_t peer, struct msg_held held, enum outcome outcome);
// A schedule every minute by UTC whose job is number 0's; what it is asked with lives until the
// story is freed. Its fingerprint is `fingerprint`.
void story_schedule(struct story *story, enum schedule_act act, const char *name,
                    enum overlap overlap, uint64_t fingerprint);
// A moment of generation `generation`, as the shell proposes it; its job is `number`.
void story_moment(struct story *story, const char *name, uint32_t generation, when_ms at,
                  uint32_t number);
// A held one, once more.
void story_held_moment(struct story *story, const char *name, uint32_t generation, when_ms at,
                       uint32_t number);
void story_gone(struct story *story, uint32_t peer);
// A granted job could not be handed to its worker's connection.
void story_unsent(struct story *story, struct msg_held held);
void story_tick(struct story *story);
void story_remove(struct story *story, uint64_t job_no);
// All stored rows were looked at while this batch was the last settled one.
void story_unused(struct story *story, uint64_t settled);

// The client seals the batch of this number.
void story_seal(struct story *story, uint32_t number);

// A client's act on a job; each has an id of its own.
void story_act(struct story *story, enum act_kind kind, uint32_t number);

// An act on many: `filter` lives until the batch is closed. Its id is story_operation_id(number).
struct id story_operation_id(uint8_t number);
void story_operate(struct story *story, enum act_kind kind, uint8_t number,
                   struct msg_filter filter);
// A step of it, as the shell proposes it: jobs by their story numbers, 0 ends the list; the number of
// each in the ledger is the same.
void story_step(struct story *story, uint8_t operation, uint64_t from, uint64_t next,
                const uint32_t *jobs);

struct core_figures story_figures(const struct story *story);
