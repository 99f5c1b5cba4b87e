#pragma once

// Rates: a bucket of tokens for each queue and each concurrency key that has one, and the moments
// at which shut ones open again. A bucket holds `count` tokens at most and gets that many in
// `per`; a job takes its cost, one that costs more than the bucket holds takes all of it. So within
// any time t at most count * (1 + t / per) is taken. All buckets are empty at the start, so a
// restart gives nothing away. Dispatcher; pure. Not thread-safe.
//
// An item is a queue, by its number, or a key, by gates_key(). What is kept of one is the moment
// when its bucket will be full.

#include "broker/core/limits.h"
#include "lib/base/heap.h"
#include "proto/msg.h"

#define GATES_NONE UINT32_MAX

struct gates {
    struct heap moments; // mono
    uint32_t *places;    // in it, + 1; 0: not there
    int64_t *full_at;    // mono, in ns
    uint32_t queue_cap;
    when_ms started_at;
};

size_t gates_size(const struct limits *limits);
// `memory` is gates_size() zeroed bytes, aligned to 16.
void gates_init(struct gates *gates, void *memory, const struct limits *limits);
void gates_start(struct gates *gates, when_ms now);

// The item of a key.
static inline uint32_t gates_key(const struct gates *gates, uint32_t key)
{
    return gates->queue_cap + key;
}

// What a job takes of which bucket, and when.
struct gates_toll {
    uint32_t item;
    uint32_t cost;
    struct msg_rate rate; // its count is not 0
    when_ms now;
};

// 0 when the bucket holds what the job costs, else the moment when it will.
when_ms gates_wait(const struct gates *gates, const struct gates_toll *toll);
void gates_pay(struct gates *gates, const struct gates_toll *toll);
// When the bucket will be full, so that it may be forgotten; 0: it is.
when_ms gates_full(const struct gates *gates, const struct gates_toll *toll);
// The item is somebody else's from now on.
void gates_forget(struct gates *gates, uint32_t item);

// Until that moment, whatever was said before.
void gates_shut(struct gates *gates, uint32_t item, when_ms until);
// Nothing happens when it is not shut.
void gates_open(struct gates *gates, uint32_t item);
bool gates_is_shut(const struct gates *gates, uint32_t item);
// The earliest moment, or WHEN_NEVER.
when_ms gates_deadline(const struct gates *gates);
// An item whose moment has come, which is open now; GATES_NONE: no more.
uint32_t gates_take(struct gates *gates, when_ms now);
