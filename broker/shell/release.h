#pragma once

// The last station: says what a durable batch has decided. Nothing else of the broker speaks
// about jobs.

#include "broker/shell/broker.h"

// Where grants are sorted by worker; made at start.
struct release_room;
struct release_room *release_room_new(const struct limits *limits);
void release_room_free(struct release_room *room);

// Sends answers and jobs, tells watchers and the tail, gives the messages and the numbers of gone
// peers back, and makes the batch a spare one.
void release_batch(struct broker *broker, struct batch *batch);
