#pragma once

// Tells the broker that all records of a batch have their verdicts. Nobody waits for it, and should
// it be lost, time does the same.

#include "lib/base/id.h"
#include "lib/base/slice.h"

struct gateway;

// Copies what it needs. Any thread.
void batch_seal_say(const struct gateway *gateway, struct slice tenant, const struct id *batch_id);
