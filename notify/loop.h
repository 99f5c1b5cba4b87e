#pragma once

// The loop of `weft notify`: wait, hear the broker, begin, send, take in answers, tell.

#include "notify/notifier.h"

// Runs until the sender has left.
void loop_run(struct notifier *notifier);
