#pragma once

// Webhooks in the simulator: what clients want told, and that exactly this is told: in the same step
// as the end, once.

#include "proto/msg.h"
#include "tests/sim/telling.h"

#include <stdbool.h>
#include <stdint.h>

struct effects;
struct entry;
struct msg_submit_job;
struct seen_endpoint;
struct sim;

void hook_want(struct sim *sim, struct msg_submit_job *job);
bool hook_is_delivery(const struct entry *entry);
// The endpoint of this birth, if it is there, on, and wants to hear of this state of a job.
const struct seen_endpoint *hook_hearer(const struct sim *sim, uint32_t birth,
                                        enum job_state state);
// The core makes deliveries, and acts on them, in the batch's arena; from now on they live as long as the run.
void hook_keep(struct sim *sim, struct effects *fx, uint32_t first_entry);
// After each entry, and after each step.
void hook_entry(struct sim *sim, const struct entry *entry);
void hook_step(struct sim *sim, const struct effects *fx, uint32_t first_entry);
// At a start, of each durable entry, when the endpoints are as they were then: what was not durable
// never happened.
void hook_restore(struct sim *sim, const struct entry *entry);
