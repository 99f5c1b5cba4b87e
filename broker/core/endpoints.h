#pragma once

// Endpoints that the ends of jobs are told to, as they were set: a few of each tenant, each with a
// place of its own among them. A job carries the places of those that want it from its acceptance,
// one bit each, so that room for all its deliveries can be kept. A place is given again when its
// endpoint has gone; jobs accepted before the new one are none of its business. Pure. Not
// thread-safe.

#include "broker/core/row.h"
#include "lib/base/arena.h"
#include "lib/base/index.h"

#define ENDPOINTS_NONE UINT32_MAX

enum {
    // Of one tenant: a message that ends MSG_JOBS_MAX jobs with a delivery to each of them, and one
    // more, still fits a batch of limits.changed_count_max.
    ENDPOINTS_OF_TENANT_MAX = 12,
    // All texts of one.
    ENDPOINTS_TEXT_LEN_MAX = 2 * MSG_NAME_LEN_MAX + MSG_URL_LEN_MAX + 2 * MSG_HOOK_LIST_LEN_MAX +
                             MSG_HOOK_HEADERS_LEN_MAX + 2 * MSG_HOOK_SECRET_LEN_MAX +
                             MSG_REASON_LEN_MAX,
};
static_assert(ENDPOINTS_OF_TENANT_MAX <= 16, "a bit of job_row.endpoints each");

struct endpoint {
    struct endpoint_row row; // its texts are in `text`
    uint32_t next_free;
    bool is_used;
    uint8_t text[ENDPOINTS_TEXT_LEN_MAX];
};

// The endpoints of one tenant.
struct endpoint_group {
    uint32_t members[ENDPOINTS_OF_TENANT_MAX]; // by place: number + 1; 0: none
    uint32_t next_free;
    uint8_t count; // 0: not used
    uint8_t tenant_len;
    uint8_t tenant[MSG_NAME_LEN_MAX];
};

struct endpoints {
    struct endpoint *items;
    struct endpoint_group *groups; // as many: each has a member
    uint32_t cap;
    uint32_t used, count, free;
    uint32_t group_used, group_free;
    uint32_t most; // as many as any tenant has; of those that want progress, the same:
    uint32_t progress_most;
    struct index by_tenant;
    uint64_t seed;
};

size_t endpoints_size(uint32_t cap);
// `memory` is endpoints_size(cap) zeroed bytes, aligned to 16.
void endpoints_init(struct endpoints *endpoints, void *memory, uint32_t cap, uint64_t seed);

// An empty tenant is "default". ENDPOINTS_NONE: there is none.
uint32_t endpoints_find(const struct endpoints *endpoints, struct slice tenant, struct slice id);
// The one at a place of the tenant, if a job of this number may be told to it.
uint32_t endpoints_told(const struct endpoints *endpoints, struct slice tenant, uint32_t place,
                        uint64_t job_no);
// Its texts are borrowed until it is changed or dropped.
const struct endpoint_row *endpoints_at(const struct endpoints *endpoints, uint32_t no);
// NULL, or the limit that leaves no room for one more of the tenant, as a text.
const char *endpoints_refusal(const struct endpoints *endpoints, struct slice tenant);
// Copies the row, which is not known yet; its place is chosen here. There is room.
uint32_t endpoints_add(struct endpoints *endpoints, const struct endpoint_row *row);
// The row as it is from now on: the same tenant, id and place. Its texts are no longer the table's
// own.
void endpoints_put(struct endpoints *endpoints, uint32_t no, const struct endpoint_row *row);
void endpoints_drop(struct endpoints *endpoints, uint32_t no);
// The row with texts in the arena, which has ENDPOINTS_TEXT_LEN_MAX bytes left.
struct endpoint_row endpoints_copy(const struct endpoint_row *row, struct arena *arena);

// Places of those that want to hear one of these events of jobs of this type with these labels, as
// bits.
uint16_t endpoints_wanting(const struct endpoints *endpoints, const struct msg_submit_job *job,
                           uint32_t events);
// How many of the tenant want one of these events of any job.
uint32_t endpoints_hearing(const struct endpoints *endpoints, struct slice tenant, uint32_t events);
// A stored row, which has a place.
//   ERR_FULL      the table is
//   ERR_DAMAGED   the id or the place is known already, or none
MUST_USE err endpoints_load(struct endpoints *endpoints, const struct endpoint_row *row);
