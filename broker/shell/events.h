#pragma once

// The stream of what happens to jobs: settled batches come in, EVENT goes out to who has asked
// with WATCH. docs/protocol.md has the rules.

#include "broker/shell/broker.h"

// Makes the log and the room for those who wait; the store has been loaded.
MUST_USE err events_open(struct broker *broker);
void events_close(struct broker *broker);

// A write of a batch that is durable.
void events_settled(struct broker *broker, uint64_t batch, const struct write *write);

// Answers those for whom there is something. True when there is more to do at once.
bool events_run(struct broker *broker);
