#pragma once

// What the ledger keeps of a job that has a concurrency key, a cost or a webhook, in a table by slot; others
// have none and pay nothing. Pure.

#include <stdbool.h>
#include <stdint.h>

// 24 bytes.
struct bond {
    uint64_t key_hash;  // of its key within the queue; 0: it has none
    uint64_t rank;      // its place among those with an order; 0: its number is its place
    uint16_t cost;      // what it takes from rates; 0: 1
    uint8_t order;      // enum job_order
    uint8_t events;     // its ends that it wants told: bits 1 << (enum job_state - JOB_SUCCEEDED)
    uint8_t endpoint;   // … to this one: its place + 1; 0: to a url of its own; or JOB_URL_GONE
    bool has_progress;  // its progress is told there, too
    uint16_t endpoints; // the places of those that want it, as bits
};
