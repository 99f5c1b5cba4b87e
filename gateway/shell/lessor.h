#pragma once

// Pull workers' side of the broker: to it each set of types and queues that somebody asks for is one
// worker, with a connection of its own; what is asked for and what is held are its slots. One thread.
// Nothing is kept: when the gateway dies its leases pass, and their jobs come again.
//
//   a question ─▶ READY with more slots ─▶ JOBS ─▶ the first that waits is answered
//   nobody waits for a job that comes ─▶ it is given back (interrupted, burns no attempt)
//   a lease that nobody renews passes at the broker, and here is forgotten

#include "gateway/core/lease.h"

struct http_request;
struct lessor;
struct link_curve;

enum {
    LESSOR_POOLS_MAX = 32,    // sets of types and queues, of all tenants
    LESSOR_HELD_MAX = 1024,   // jobs that the workers of one set have
    LESSOR_IDLE_MS = 60000,   // then a set is given up
    LESSOR_WAIT_MS_MIN = 250, // a question waits at least so long: an answer takes two flushes
};

struct lessor_ask;

struct lessor_result {
    err error; // ERR_NO_BROKER, ERR_TIMEOUT, ERR_FULL, ERR_STALE_LEASE, ERR_NOT_FOUND …
    const struct msg_job *jobs; // taken; borrowed until `done` returns
    uint32_t job_count;
    bool is_cancelled; // of a renewal: somebody wants it to stop
    bool is_unheld;    // of a word: no set has the job, and nobody was asked
    struct lease_terms terms;
};
// Called once, in the lessor's thread. Must not block.
typedef void lessor_done(struct lessor_ask *ask, const struct lessor_result *result);

// The asker's, with all it points to, until `done`.
struct lessor_ask {
    struct http_request *request; // whose client may go away
    struct slice tenant;
    lessor_done *done;
    const struct lease_wish *wish;       // TAKE; else NULL
    struct msg_held held;                // which job, else
    const struct msg_finish_job *finish; // FINISH; else NULL: RENEW
    const struct msg_progress *progress; // RENEW; NULL: none
    const struct msg_log_line *lines;
    uint32_t line_count;
    // The lessor's.
    struct lessor_ask *next;
    when_ms until;
};

//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err lessor_open(const char *endpoint, const struct link_curve *curve,
                         struct lessor **out_lessor);
// Answers all that waits. NULL is allowed.
void lessor_stop(struct lessor *lessor);
void lessor_close(struct lessor *lessor);

// Any thread.
void lessor_ask(struct lessor *lessor, struct lessor_ask *ask);
