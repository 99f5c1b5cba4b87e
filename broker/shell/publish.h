#pragma once

// The tail of all transitions on the PUB socket: topic "queue.type.state.job_id", body JSON.

#include "broker/shell/broker.h"

// What is published is durable. Dropped when the subscriber is too slow.
void publish_job(struct broker *broker, const struct job_row *row);
