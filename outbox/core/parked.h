#pragma once

// Queues that take nothing for now: their rows wait, those of other queues go on. Each refusal in a
// row doubles the wait, a row that is taken ends it. Pure. Not thread-safe.

#include "lib/base/id.h"
#include "proto/msg.h"

#include <stdbool.h>

enum {
    PARKED_COUNT_MAX = 64,
    PARKED_FIRST_MS = 100,
    PARKED_LONGEST_MS = 30 * 1000,
};

struct parked_queue {
    char name[MSG_NAME_LEN_MAX + 1]; // of a valid name
    uint32_t refusals;
    when_ms until;
};

struct parked {
    struct parked_queue items[PARKED_COUNT_MAX];
    uint32_t count;
};

// `queue` has refused the job `job_id`, and asked for `retry_after_ms` if not 0.
//   ERR_FULL   too many wait already; nothing is changed
MUST_USE err parked_put(struct parked *parked, struct slice queue, const struct id *job_id,
                        when_ms now, uint32_t retry_after_ms);
// `queue` has taken a job: it counts as never refused.
void parked_took(struct parked *parked, struct slice queue);
// Still to be left alone at `now`?
bool parked_is(const struct parked_queue *queue, when_ms now);
// When the first of them may be asked again, or WHEN_NEVER when none waits.
when_ms parked_next(const struct parked *parked, when_ms now);
