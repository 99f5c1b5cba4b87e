#pragma once

// The gateway's only line to the broker: one thread, one DEALER. Questions of all HTTP requests
// meet here; jobs of a tenant that wait at the same moment travel in one message, and while messages are
// unanswered the next ones fill, one for each tenant, so batches grow with the load and nobody waits
// for them. Repeats and reconnects as lib/peer says.

#include "gateway/shell/ask.h"
#include "gateway/shell/gather.h"

struct courier;
struct link_curve;

enum {
    COURIER_FLIGHT_MAX = 4,      // SUBMIT messages unanswered: from here on jobs wait
    COURIER_ASKS_MAX = 16384,    // messages unanswered at once
    COURIER_PATIENCE_MS = 2000,  // how long a question waits for a broker that has just gone
    COURIER_DRAIN_MS = 1000,     // for answers, when stopping
    COURIER_DEADLINE_MS = 10000, // for an answer, besides the time it may wait
};

// `endpoint` is the broker's ROUTER; `curve` is borrowed, NULL: in the clear.
//   ERR_BAD_FIELD   the endpoint is not valid
//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err courier_open(const char *endpoint, const struct link_curve *curve,
                          struct courier **out_courier);
// Takes no more questions (they end with ERR_NO_BROKER at once), gives what is under way
// COURIER_DRAIN_MS, and ends the thread. Every question has been answered when this returns.
void courier_stop(struct courier *courier);
// Stops it unless that has been done. NULL is allowed.
void courier_close(struct courier *courier);

// To be told in the log: jobs that find no broker are kept here.
void courier_spools(struct courier *courier);

// Any thread, also within `done`.
void courier_ask(struct courier *courier, struct ask *ask);
// The same in two steps, for whoever has several questions at once: the courier is woken once for
// all that were put.
void courier_put(struct courier *courier, struct ask *ask);
void courier_send(struct courier *courier);

// Whenever a broker is there again from now on, after courier_is_ready() has become true: `returned`,
// in the courier's thread. It must not block.
typedef void courier_returned(void *ctx);
void courier_on_return(struct courier *courier, courier_returned *returned, void *ctx);

// The broker has said WELCOME and has not been lost since. Any thread.
bool courier_is_ready(const struct courier *courier);

struct courier_figures {
    uint64_t messages_sent; // SUBMIT, first time
    uint64_t jobs_sent;     // in them
    uint64_t messages_repeated;
    uint64_t welcomes;
    uint64_t lineage;      // of the broker's store, 0 before the first WELCOME
    uint64_t unsent;       // questions that found no broker
    uint64_t unsent_later; // of them, those that have waited for one
};
void courier_figures(const struct courier *courier, struct courier_figures *out_figures);
