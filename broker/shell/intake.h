#pragma once

// The first station: takes messages from the ROUTER, judges them, and lets the core decide those
// that concern it.

#include "broker/shell/broker.h"

// Takes messages into the batch that is being filled: until none is waiting, the batch is full,
// the batch in flight has become durable, or enough is there to begin a flush.
void intake_run(struct broker *broker);

// Lets the core decide a command in the batch being filled. False, and nothing is done, when the
// batch has no room for it.
bool intake_decide(struct broker *broker, const struct command *command);

// Gives the messages of a released batch back.
void intake_release(struct broker *broker, struct batch *batch);
