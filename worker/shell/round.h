#pragma once

// The loop. One round: wait, hear the broker, take in what the handlers did, make their outcomes
// durable in one flush, and only then speak.

#include "worker/shell/worker.h"

// Runs until the worker is gone.
void round_run(struct worker *worker);
