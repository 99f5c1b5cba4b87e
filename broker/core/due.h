#pragma once

// Which moments of a schedule are due, by its rule for catching up. The shell asks before it
// proposes them to the core, the simulator too. Pure.

#include "lib/base/cron.h"
#include "proto/msg.h"

// A moment that is at most this late was on time: with CATCH_UP_NONE it still makes a job.
enum { DUE_LATE_MS = 60 * 1000 };

struct due_question {
    const struct cron *cron;
    const struct zone *zone;
    enum catch_up catch_up;
    when_ms after; // moments up to this one are decided, or never counted
    when_ms now;   // not before `after`
};

struct due {
    when_ms moments[MSG_CATCH_UP_MAX]; // ascending, at or before `now`
    uint32_t count;
    when_ms next_at; // the first after `now`; WHEN_NEVER: none
};

void due_find(const struct due_question *question, struct due *out_due);

// How much later than `moment` the job is due: 0 … `jitter_ms`, always the same for this schedule
// and moment.
uint64_t due_jitter_ms(struct slice schedule, when_ms moment, uint64_t jitter_ms);
