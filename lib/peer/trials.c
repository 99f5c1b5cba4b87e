// The window of a dry run with the word of workers.

#include "lib/peer/trials.h"

enum {
    SAID_PER_STEP = 4
}; // answers in a row, for each that may be under way, until one more is tried

void trials_init(struct trials *trials, uint8_t *states, uint32_t count)
{
    *trials = (struct trials){.states = states, .count = count, .window = TRIALS_AT_ONCE_MAX};
}

static bool find_next(struct trials *trials, uint32_t *out_record)
{
    if (trials->again_count > 0) {
        *out_record = trials->again[--trials->again_count];
        return true;
    }
    while (trials->next < trials->count && trials->states[trials->next] != TRIAL_WANTED)
        trials->next++;
    if (trials->next == trials->count)
        return false;
    *out_record = trials->next++;
    return true;
}

bool trials_take(struct trials *trials, uint32_t *out_record)
{
    if (trials->is_over || trials->flight >= trials->window || !find_next(trials, out_record))
        return false;
    trials->states[*out_record] = TRIAL_ASKED;
    trials->flight++;
    return true;
}

// Fewer at once from now on. When none of ours is under way others have the room, and nothing says when they will
// be done with it.
static void come_again(struct trials *trials, uint32_t record)
{
    trials->said_count = 0;
    if (trials->flight == 0)
        return;
    trials->window = trials->flight;
    CHECK(trials->again_count < TRIALS_AT_ONCE_MAX);
    trials->again[trials->again_count++] = record;
    trials->states[record] = TRIAL_WANTED;
}

static void widen(struct trials *trials)
{
    trials->said_count++;
    if (trials->said_count < SAID_PER_STEP * trials->window || trials->window == TRIALS_AT_ONCE_MAX)
        return;
    trials->window++;
    trials->said_count = 0;
}

void trials_heard(struct trials *trials, uint32_t record, enum trial_word word)
{
    CHECK(trials->flight > 0);
    CHECK(record < trials->count && trials->states[record] == TRIAL_ASKED);
    trials->flight--;
    switch (word) {
    case TRIAL_SAID: widen(trials); return;
    case TRIAL_MUTE: return;
    case TRIAL_BUSY: come_again(trials, record); return;
    case TRIAL_LOST:
        trials->states[record] = TRIAL_WANTED;
        trials->is_over = true;
        return;
    }
    UNREACHABLE();
}
