#pragma once

// The loop of the link thread. At most two batches are unsettled: one at the commit thread, one
// being filled.
//
//        ┌──────────────────────────── wait ◀──────────────────────────────┐
//        ▼                                                                 │
//   settled? ──▶ chores ──▶ intake ──▶ close, hand over ──▶ release the settled one
//   core_settled                       core_close           answers, jobs, watchers

#include "broker/shell/broker.h"

// Runs until SIGTERM or SIGINT; what was taken in by then is durable and answered.
void turn_run(struct broker *broker);
