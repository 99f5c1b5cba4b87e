#pragma once

// Which records of a dry run workers are asked about next, and how many at once. Each is asked about by itself, as
// if it were sent alone; the window is what workers have shown to have room for: `busy` narrows it to the questions
// under way, some answers in a row widen it by one. Pure. Not thread-safe.

#include "lib/base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRIALS_AT_ONCE_MAX = 8 }; // half of what a tenant may have at the broker

enum trial_state {
    TRIAL_UNWANTED, // nobody is to be asked about it
    TRIAL_WANTED,   // nobody has been asked yet
    TRIAL_ASKED,
};

enum trial_word {
    TRIAL_SAID, // by a worker
    TRIAL_MUTE, // it was not there, or not in time
    TRIAL_BUSY, // no worker had room
    TRIAL_LOST, // nobody answers any more: no further question
};

struct trials {
    uint8_t *states; // by record; the caller's
    uint32_t count;
    uint32_t next; // record that has not been asked about
    uint32_t window;
    uint32_t said_count; // in a row
    uint32_t flight;     // questions under way
    uint32_t again
        [TRIALS_AT_ONCE_MAX]; // records for which there was no room while others were asked about
    uint32_t again_count;
    bool is_over;
};

// `states` has `count` of enum trial_state, TRIAL_UNWANTED or TRIAL_WANTED.
void trials_init(struct trials *trials, uint8_t *states, uint32_t count);

// The next record to ask about, which counts as asked; false when there is none now: none is left, or as many are
// under way as may be.
bool trials_take(struct trials *trials, uint32_t *out_record);

// What became of the question about `record`.
void trials_heard(struct trials *trials, uint32_t record, enum trial_word word);
