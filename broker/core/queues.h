#pragma once

// Tenants and their queues: each gets a number when the first job or setting names it, and keeps it
// until it is dropped. A queue's number is its row's too, which has what is set for it and its jobs
// by state. Pure. Not thread-safe. Borrowed names stay valid until the drop is settled.

#include "broker/core/limits.h"
#include "broker/core/names.h"
#include "broker/core/row.h"

#define QUEUES_NONE UINT32_MAX

struct queues_item {
    struct queue_row row;
    bool is_changed;  // since the last collection
    bool is_reserved; // one of the fabric's own: no quota counts its jobs
    uint64_t ended;   // jobs, since the start
};

struct queues {
    struct names tenants;
    struct names names; // of queues, each under its tenant
    struct queues_item *items;
    uint64_t *tenant_open;  // unfinished jobs, by the number of the tenant
    uint64_t *tenant_ended; // how many have ended, since the start
    uint32_t *changed;      // numbers
    uint32_t changed_count;
    uint64_t dropped_in; // the batch of the last drop, 0: settled
};

size_t queues_size(const struct limits *limits);
// `memory` is queues_size() bytes, aligned to 16.
void queues_init(struct queues *queues, void *memory, const struct limits *limits, uint64_t seed);

// A queue by its tenant and name; an empty tenant is "default".
struct queue_name {
    struct slice tenant;
    struct slice queue;
};

// Numbers are below it; not each of them is known.
uint32_t queues_count(const struct queues *queues);
bool queues_is_known(const struct queues *queues, uint32_t queue);
// QUEUES_NONE when neither a job nor a setting has named it yet.
uint32_t queues_find(const struct queues *queues, struct queue_name name);
bool queues_knows_tenant(const struct queues *queues, struct slice tenant);
// NAMES_NONE when it is not known.
uint32_t queues_tenant_no(const struct queues *queues, struct slice tenant);
// The same name, but for the table's life. False when it is not known; one that is empty stays so.
bool queues_keep_tenant(const struct queues *queues, struct slice *tenant);
// NULL, or the limit that leaves no room for this queue, as a text.
const char *queues_refusal(const struct queues *queues, struct queue_name name);
// There is room and it is not known; its names are 1 … MSG_NAME_LEN_MAX long.
uint32_t queues_add(struct queues *queues, struct queue_name name);
struct queue_name queues_name(const struct queues *queues, uint32_t queue);
uint16_t queues_tenant(const struct queues *queues, uint32_t queue);

const struct queue_row *queues_peek(const struct queues *queues, uint32_t queue);
void queues_set(struct queues *queues, uint32_t queue, const struct msg_queue_settings *settings);
// The settings `kept`, but for those that are `named` by the numbers of their fields: these are as `given`.
struct msg_queue_settings queues_merged(const struct msg_queue_settings *kept,
                                        const struct msg_queue_settings *given, uint32_t named);
// What the settings are after `set`: those that it does not name stay. QUEUES_NONE: nothing is set.
struct msg_queue_settings queues_after(const struct queues *queues, uint32_t queue,
                                       const struct msg_queue_set *set);
void queues_pause(struct queues *queues, uint32_t queue, enum direction paused);
// A job moves; from JOB_NONE: it is new.
void queues_move(struct queues *queues, uint32_t queue, enum job_state from, enum job_state to);
// Jobs that have not ended.
uint64_t queues_open(const struct queues *queues, uint32_t queue);

// How many have ended since it got its number or since the start.
uint64_t queues_ended(const struct queues *queues, uint32_t queue);

// The same of all queues of a tenant but for the fabric's own: deliveries are in no quota.
uint64_t queues_tenant_open(const struct queues *queues, struct slice tenant);
// The tenant's number, and how many of its jobs have ended since the start. False: it is not known.
bool queues_tenant_ended(const struct queues *queues, struct slice tenant, uint32_t *out_no,
                         uint64_t *out_ended);

// How many more it may have.
uint64_t queues_room(const struct queues *queues, uint32_t queue);

// Nobody has set anything for it, no job of it is kept, and its row is written.
bool queues_is_idle(const struct queues *queues, uint32_t queue);
// It is idle. Its tenant goes with its last queue. Numbers are given again once the batch is
// settled.
void queues_drop(struct queues *queues, uint32_t queue, uint64_t batch);
void queues_settled(struct queues *queues, uint64_t batch);

// Takes one changed row; false when there is none left.
bool queues_collect(struct queues *queues, struct queue_row *out_row);
// A stored row; rows come in the order of their numbers, before anything else names their queues.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err queues_load(struct queues *queues, const struct queue_row *row);
// While loading, when the stored counts cannot be believed: all become 0 …
void queues_uncount(struct queues *queues);
// … and these jobs of a queue were found by state.
void queues_recount(struct queues *queues, uint32_t queue, const uint64_t counts[JOB_STATES]);
// For the auditor: is each tenant's number the sum of its queues'? O(queues).
bool queues_agree(const struct queues *queues);
