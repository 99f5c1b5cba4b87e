#pragma once

// One question to the broker, from whoever has it to the courier's thread and back. The asker owns
// the struct and all it points to, and keeps them until `done` is called.

#include "proto/msg.h"

struct ask;

// Of a tenant's unfinished jobs: how many it may have, 0: no quota; and how many more.
struct open_quota {
    uint64_t max, left;
};

// What came of it.
struct ask_result {
    // OK, what the broker's ERROR said, or:
    //   ERR_NO_BROKER       it was never sent: nothing has happened
    //   ERR_TIMEOUT         it was sent and not answered: what has happened is not known
    err error;
    // When OK, by kind. Borrowed until `done` returns.
    const struct msg_submitted_job *jobs; // one for each asked, in their order
    const struct msg_status_is *status;
    const struct msg_batch_status_is *batch;
    const struct msg_acted *acted;
    const struct msg_listed *listed;
    const struct msg *answer; // ASK_MSG
    struct open_quota open;   // ASK_SUBMIT
};

// Called once, in the courier's thread. Must not block. May ask again with the same struct.
typedef void ask_done(struct ask *ask, const struct ask_result *result);

enum ask_kind { ASK_SUBMIT, ASK_STATUS, ASK_BATCH, ASK_ACT, ASK_LIST, ASK_MSG };

struct ask {
    enum ask_kind kind;
    struct slice tenant; // whose it is, by its full name
    bool is_bulk;        // yields to those that are not
    ask_done *done;
    // ASK_SUBMIT: at most GATHER_JOBS_MAX jobs, together at most GATHER_BYTES_MAX; an atomic one
    // has a message of its own, and the wire's limits
    bool is_atomic;
    uint32_t tenant_open_max; // unfinished jobs that the tenant may have; 0: no quota
    struct msg_submit_job *jobs;
    uint32_t job_count;
    size_t byte_count;
    // ASK_STATUS, ASK_BATCH
    struct id id;
    uint32_t wait_ms;
    uint32_t version;
    // ASK_ACT
    const struct msg_act *act;
    // ASK_LIST
    const struct msg_list *list;
    // ASK_MSG: any other question; whoever asks looks at the kind of the answer
    const struct msg *question;
    // The courier's.
    struct ask *next;
    when_ms asked_at;
};

// Questions in the order in which they came.
struct ask_line {
    struct ask *first;
    struct ask *last;
};

static inline void ask_put(struct ask_line *line, struct ask *ask)
{
    ask->next = NULL;
    if (line->last != NULL)
        line->last->next = ask;
    else
        line->first = ask;
    line->last = ask;
}

// Takes `ask` out of the midst of the line; `previous` stands before it, NULL: nobody does.
static inline void ask_cut(struct ask_line *line, struct ask *previous, struct ask *ask)
{
    if (previous != NULL)
        previous->next = ask->next;
    else
        line->first = ask->next;
    if (line->last == ask)
        line->last = previous;
    ask->next = NULL;
}

// The oldest, or NULL.
static inline struct ask *ask_take(struct ask_line *line)
{
    struct ask *ask = line->first;
    if (ask == NULL)
        return NULL;
    line->first = ask->next;
    if (line->first == NULL)
        line->last = NULL;
    ask->next = NULL;
    return ask;
}
