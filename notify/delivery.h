#pragma once

// The deliveries: from the lease to the FINISH.

#include "notify/notifier.h"

// Begins what has come, as far as there is room for bodies; what waits when the sender leaves goes
// back.
void delivery_begin(struct notifier *notifier);
// Takes in what the broker says of parents, and what receivers have answered; starts and snoozes.
void delivery_turn(struct notifier *notifier);
// Forgets those whose slot is no longer theirs.
void delivery_sweep(struct notifier *notifier);
// The duty wants this one to stop.
void delivery_stop(struct notifier *notifier, uint32_t slot);
// When delivery_turn() has something to do by time alone, or WHEN_NEVER.
when_ms delivery_next(const struct notifier *notifier);
