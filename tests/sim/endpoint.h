#pragma once

// Webhook endpoints of the simulator: what clients want of them, and how they stand as far as the
// entries say.

#include "proto/msg.h"

struct entry;
struct sim;

// An endpoint as the entries have it, unsettled ones included. Texts live as long as the run.
struct seen_endpoint {
    struct slice tenant; // by its full name
    struct msg_webhook given;
    struct slice secret;
    struct slice secret_before;
    struct slice reason;
    when_ms before_until;
    uint64_t since_no;
    uint32_t generation; // 0: there is none
    bool is_disabled;
};

void endpoint_turn(struct sim *sim, uint32_t client);
// After each entry about one: the core has it as it should be.
void watch_endpoint_entry(struct sim *sim, const struct entry *entry);
// After a start: what was durable is in memory, to the last byte.
void watch_endpoint_start(struct sim *sim);
