#pragma once

// Acts on many jobs: which are known, and how far each has come. At most a few hundred, so they are
// searched from the first to the last. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "broker/core/throttle.h"

#define OPERATIONS_NONE UINT32_MAX

struct operation {
    struct operation_row row; // its texts are those below; no id: a free place
    uint64_t batch;           // the last one that changed it, 0: none of this process
    struct throttle throttle; // with a rate; no part of the ledger
    uint8_t tenant[MSG_NAME_LEN_MAX];
    uint8_t queue[MSG_NAME_LEN_MAX];
    uint8_t type[MSG_NAME_LEN_MAX];
    uint8_t tag[MSG_TAG_LEN_MAX];
    uint8_t actor[MSG_ACTOR_LEN_MAX];
    uint8_t cancelled_by[MSG_ACTOR_LEN_MAX];
};

struct operations {
    struct operation *items;
    uint32_t cap;
    uint32_t count;
    uint32_t running; // not over
    struct id turn;   // the last one that operations_next() gave; no part of the ledger
};

size_t operations_size(uint32_t cap);
// `memory` is operations_size(cap) zeroed bytes, aligned to 16.
void operations_init(struct operations *operations, void *memory, uint32_t cap);

uint32_t operations_find(const struct operations *operations, const struct id *id);
// One that may be dropped for another: the one that was over first, at `before` or earlier; of several
// the one with the lowest id, wherever they stand.
uint32_t operations_oldest(const struct operations *operations, when_ms before);
bool operations_has_room(const struct operations *operations);
// Copies the texts. The id is not known yet, there is room.
uint32_t operations_add(struct operations *operations, const struct operation_row *row);
void operations_drop(struct operations *operations, uint32_t place);
// Borrowed until it is dropped.
const struct operation_row *operations_peek(const struct operations *operations, uint32_t place);
// Further, and over when `cursor` is 0. `batch` is the one that does it.
struct operation_row *operations_advance(struct operations *operations, uint32_t place,
                                         uint64_t cursor, uint64_t batch);
// Over where it stands; copies who wants it. It goes on, and who calls says when it ended.
struct operation_row *operations_cancel(struct operations *operations, uint32_t place,
                                        struct slice actor, uint64_t batch);

// --- rates ---
// How many jobs are looked for at once: of one with a rate what a tenth of a second brings, so that it
// goes on evenly and rests between; 1 at least.
uint32_t operations_share(uint32_t rate);
// Its rate counts from here on, and not for the time before; at a start that of all.
void operations_empty(struct operations *operations, uint32_t place, when_ms mono);
void operations_start(struct operations *operations, when_ms mono);
// How many jobs it may meet now; UINT32_MAX without a rate.
uint32_t operations_allowance(const struct operations *operations, uint32_t place, when_ms mono);
// It has met so many.
void operations_pay(struct operations *operations, uint32_t place, uint32_t count, when_ms mono);

// --- turns ---
struct operations_moment {
    uint64_t settled; // the last batch that is
    when_ms mono;
};
// The next one in turn, by ids, that goes on, was changed last in a settled batch, and may meet its
// share of jobs now.
bool operations_next(struct operations *operations, const struct operations_moment *moment,
                     struct id *out_id);
// How long until there is one: 0 when there is, WHEN_NEVER when time alone brings none.
when_ms operations_wait_ms(const struct operations *operations,
                           const struct operations_moment *moment);

// A stored row.
//   ERR_FULL      the table is
//   ERR_DAMAGED   it contradicts itself, or its id is known already
MUST_USE err operations_load(struct operations *operations, const struct operation_row *row);
// As it is told; texts are the row's.
struct msg_operation_is operations_is(const struct operation_row *row);
bool operations_is_over(const struct operation_row *row);
// It was over before it had looked at all.
bool operations_is_cancelled(const struct operation_row *row);
// Does the row agree with itself?
bool operations_is_sound(const struct operation_row *row);
