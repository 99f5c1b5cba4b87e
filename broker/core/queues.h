#pragma once

// Tenants and their queues: each got a number when the first job named it, and keeps it for the
// life of the process. Numbers are not stored; rows name lanes, and lanes their queue. Pure. Not
// thread-safe. Borrowed names stay valid for the table's life.

#include "broker/core/limits.h"
#include "broker/core/names.h"

#define QUEUES_NONE UINT32_MAX

struct queues {
    struct names tenants;
    struct names names; // of queues, each under its tenant
};

size_t queues_size(const struct limits *limits);
// `memory` is queues_size() bytes, aligned to 16.
void queues_init(struct queues *queues, void *memory, const struct limits *limits, uint64_t seed);

// A queue by its tenant and name; an empty tenant is "default".
struct queue_name {
    struct slice tenant;
    struct slice queue;
};

// QUEUES_NONE when no job has named it yet.
uint32_t queues_find(const struct queues *queues, struct queue_name name);
// NULL, or the limit that leaves no room for this queue, as a text.
const char *queues_refusal(const struct queues *queues, struct queue_name name);
// There is room and it is not known; its names are 1 … MSG_NAME_LEN_MAX long.
uint32_t queues_add(struct queues *queues, struct queue_name name);
struct queue_name queues_name(const struct queues *queues, uint32_t queue);
uint16_t queues_tenant(const struct queues *queues, uint32_t queue);
