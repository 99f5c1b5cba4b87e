#pragma once

// Schedules: where each one stands. What was given with it (expression, zone, job) stays in the
// store and with the shell, which works out the moments. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/index.h"

#define SCHEDULES_NONE UINT32_MAX

// A schedule is kept by its tenant and its id with a slash between them, which is in no name; one of
// the default tenant by its id alone.
enum { SCHEDULES_NAME_LEN_MAX = 2 * MSG_NAME_LEN_MAX + 1 };
// Written to `room`, SCHEDULES_NAME_LEN_MAX bytes, and borrowed from there.
struct slice schedules_name(struct slice tenant, struct slice id, uint8_t *room);
// The parts of such a name; the tenant is empty for the default one.
struct slice schedules_tenant(struct slice name);
struct slice schedules_id(struct slice name);

struct schedule {
    struct schedule_row row; // its name is `name`
    uint8_t name[SCHEDULES_NAME_LEN_MAX];
    uint32_t next_free;
    bool is_used;
};

struct schedules {
    struct schedule *items;
    uint32_t cap;
    uint32_t used;
    uint32_t count;
    uint32_t free;
    struct index by_name;
    uint64_t seed;
};

size_t schedules_size(uint32_t cap);
// `memory` is schedules_size(cap) zeroed bytes, aligned to 16.
void schedules_init(struct schedules *schedules, void *memory, uint32_t cap, uint64_t seed);

uint32_t schedules_find(const struct schedules *schedules, struct slice name);
bool schedules_has_room(const struct schedules *schedules);
// `name` is not known yet, there is room. Copies the name; the rest of the row is zero.
uint32_t schedules_add(struct schedules *schedules, struct slice name);
void schedules_drop(struct schedules *schedules, uint32_t place);
// `place` is taken. The row's name is borrowed until it is dropped.
struct schedule_row *schedules_at(struct schedules *schedules, uint32_t place);
const struct schedule_row *schedules_peek(const struct schedules *schedules, uint32_t place);

// A stored row.
//   ERR_FULL      the table is
//   ERR_DAMAGED   the name is known already, or none
MUST_USE err schedules_load(struct schedules *schedules, const struct schedule_row *row);
