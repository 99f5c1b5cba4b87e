#pragma once

// What the answer of an HTTP service means for the job that was posted to it (`weft worker --http`):
// the end of the exchange, status, Retry-After and body become the words of a FINISH. Pure;
// docs/worker.md has the table for users.

#include "lib/post/core/exchange.h"
#include "worker/core/outcome.h"

enum { REPLY_PAUSE_FIRST_MS = 1000, REPLY_PAUSE_LONGEST_MS = 30000 };

struct reply {
    enum exchange_end end;
    unsigned status;        // of EXCHANGE_ANSWERED
    when_ms retry_after_ms; // the service's wish, 0: none
    struct slice body;      // at most MSG_RESULT_LEN_MAX bytes of it
    bool is_cut;            // there was more
    struct slice detail;    // UTF-8: what went wrong, when there is no answer
};

// Nobody has taken the request, so nothing has run: it is no fault of the job, and others would fare
// no better now.
bool reply_is_away(const struct reply *reply);

// How long nothing is sent to a service that is away: `last_ms` is the pause before, 0: none.
when_ms reply_pause_ms(when_ms last_ms);

// Fills in everything but id, generation, token and lineage. The report borrows from the reply and
// from `room`, OUTCOME_ROOM bytes for its message. Not for a reply that is away.
void reply_report(const struct reply *reply, uint8_t *room, struct outcome_report *out_report);

// The outcome of a job that was not taken: again after `pause_ms`, which burns no attempt. Borrows
// `detail`.
void reply_put_off(struct slice detail, when_ms pause_ms, struct outcome_report *out_report);
