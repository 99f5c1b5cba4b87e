#pragma once

// Fairness: what the watches of one dispatch share.

#include "tests/sim/sim.h"

// A moment of a dispatch: jobs by slot, with the grants of the dispatch so far.
struct fair {
    uint32_t used;
    uint8_t states[SIM_JOBS]; // enum job_state; JOB_NONE: no job
    when_ms at[SIM_JOBS];     // due
    when_ms since[SIM_JOBS];  // queued
};

// watch_fair.c: before a batch is closed, which starts jobs; after each command, and after it was
// closed; after a start of the broker.
void watch_fair_before(struct sim *sim);
void watch_fair(struct sim *sim, const struct effects *fx, uint32_t first_entry);
void watch_fair_start(struct sim *sim);
// Could this job start, but for its queue and for workers?
bool watch_fair_may(const struct sim *sim, const struct fair *fair, uint32_t slot);
// watch_turns.c: the same, and each grant of a dispatch, before it is noted.
void watch_turns_start(void);
void watch_turns_before(void);
// Names were given back: whoever gets their numbers begins anew, and so does who comes again.
void watch_turns_forget(void);
void watch_turns(const struct sim *sim, const struct fair *fair, uint32_t slot, uint32_t peer);
// watch_waiting.c: would this worker surely take the job, given so many more jobs?
bool watch_waiting_takes(const struct sim *sim, uint32_t worker, const struct job *job,
                         uint32_t given);

// watch_bye.c: workers that leave.
void watch_bye(struct sim *sim, const struct command *command, const struct effects *fx,
               uint32_t first_entry);
