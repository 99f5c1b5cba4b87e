#pragma once

// How the rows of shapes are written. In each group W is the generated struct and M the plain
// one; SAME names a field that both call alike. Only for proto/wire_shapes*.c.

#include "proto/wire_private.h"

#include <weft.pb-c.h>

#include <stddef.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define ROW(what, limit, theirs, ours)                                                             \
    {                                                                                              \
        .kind = (what), .max = (limit), .wire_at = (uint16_t)offsetof(W, theirs),                  \
        .msg_at = (uint16_t)offsetof(M, ours)                                                      \
    }
#define SAME(what, limit, name) ROW(what, limit, name, name)
#define LIST(shape, limit, theirs, ours, ours_count)                                               \
    {                                                                                              \
        .of = (shape), .max = (limit), .wire_at = (uint16_t)offsetof(W, theirs),                   \
        .wire_count_at = (uint16_t)offsetof(W, n_##theirs), .msg_at = (uint16_t)offsetof(M, ours), \
        .msg_count_at = (uint16_t)offsetof(M, ours_count)                                          \
    }
#define BODY(limit, name)                                                                          \
    .body = {.max = (limit),                                                                       \
             .wire_at = (uint16_t)offsetof(W, name),                                               \
             .msg_at = (uint16_t)offsetof(M, name)}
#define SIZES .wire_size = (uint16_t)sizeof(W), .msg_size = (uint16_t)sizeof(M)
#define FIELDS(rows) .fields = (rows), .field_count = COUNT(rows)
#define LISTS(rows) .lists = (rows), .list_count = COUNT(rows)

// The last value of each enum.
enum {
    CONTENT_LAST = CONTENT_TEXT,
    STATE_LAST = JOB_REMOVED,
    ROLE_LAST = ROLE_NOTIFIER,
    ON_FAILURE_LAST = ON_FAILURE_RUN,
    OUTCOME_LAST = OUTCOME_CANCELLED,
    ORDER_LAST = ORDER_FIFO_SKIP,
    CANCEL_LAST = CANCEL_FORCED,
    SIMULATION_LAST = SIMULATION_BUSY,
    WAITING_LAST = WAITING_QUEUE_BUSY,
    ACT_LAST = ACT_RUN_NOW,
    DRAIN_LAST = DRAIN_STOP,
    DIRECTION_LAST = DIRECTION_BOTH,
    OVERLAP_LAST = OVERLAP_REPLACE,
    CATCH_UP_LAST = CATCH_UP_ALL,
    SCHEDULE_LAST = SCHEDULE_RESUME,
    WEBHOOK_LAST = WEBHOOK_DELETE,
};
