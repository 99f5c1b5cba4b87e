#pragma once

// Acts on many jobs in the simulator: the clients' part, the shell's, and what is seen of them.

#include "broker/core/job.h"
#include "broker/core/row.h"
#include "tests/sim/bounds.h"

struct effects;
struct entry;
struct sim;
struct sim_batch;

// What a client wants done with many.
struct sim_operate {
    struct msg_operate operate;
    uint64_t corr;
    when_ms repeat_at;
    uint32_t client;
    bool is_open; // not answered yet
};
#define SIM_OPERATOR "operator" // the actor of all of them

// An act on many as far as the entries say, unsettled ones included.
struct seen_operation {
    struct operation_row row;
    bool waits[SIM_JOBS]; // by number: has fitted ever since it began, and was not met yet
    // With a rate: since it began, or the broker started. How far it is ahead of its rate is told in
    // thousandths of a job: 1000 * met - rate * time.
    uint64_t met;
    when_ms met_at;
    int64_t first; // at the beginning
    int64_t least; // of those before each time that it met some
};

// Where one was cancelled, as somebody has been told: there it stays.
struct operation_halt {
    struct id id;
    uint64_t cursor;
    uint64_t matched;
    uint64_t done;
};

void operation_turn(struct sim *sim, uint32_t client);
void operation_receive(struct sim *sim, const struct msg *msg);
bool operation_was_asked(const struct sim *sim, enum act_kind kind, struct slice tenant);
// By a client of this tenant.
bool operation_end_was_asked(const struct sim *sim, const struct id *id, struct slice tenant);
void operation_propose(struct sim *sim, struct sim_batch *batch);
bool operation_fits(const struct sim *sim, const struct operation_row *operation,
                    const struct job_row *row);
bool operation_is_running(const struct sim *sim); // or is to begin

// watch_operation.c: entries of acts on many, and each move of a job.
void watch_operation_begin(struct sim *sim, const struct entry *entry);
void watch_operation_step(struct sim *sim, const struct entry *entry, const struct effects *fx,
                          uint32_t first_entry);
void watch_operation_halt(struct sim *sim, const struct entry *entry);
void watch_operation_moved(struct sim *sim, const struct id *job_id, enum job_state state);
void watch_operation_start(struct sim *sim);
void watch_operation_answer(struct sim *sim, const struct msg_operation_is *answer);
