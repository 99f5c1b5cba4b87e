// The rows of the stream of events.

#include "proto/wire_rows.h"

#define W Weft__Wire__Watch
#define M struct msg_watch
static const struct wire_field watch_fields[] = {
    ROW(WIRE_U64, 0, lineage, since.lineage),
    ROW(WIRE_U32, 0, epoch, since.epoch),
    ROW(WIRE_U64, 0, position, since.position),
    ROW(WIRE_U32, 0, index, since.index),
    SAME(WIRE_U32, 0, limit),
    SAME(WIRE_U32, 0, wait_ms),
    SAME(WIRE_U32, 0, states),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_BOOL, 0, all_tenants),
};
const struct wire_shape wire_shapes_watch = {
    .descriptor = &weft__wire__watch__descriptor, SIZES, FIELDS(watch_fields)};
#undef W
#undef M

#define W Weft__Wire__JobEvent
#define M struct msg_job_event
static const struct wire_field job_event_fields[] = {
    SAME(WIRE_U64, 0, position),
    SAME(WIRE_U32, 0, index),
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_U64, 0, generation),
    SAME(WIRE_ENUM, STATE_LAST, state),
    SAME(WIRE_U32, 0, version),
    ROW(WIRE_U64, 0, at_ms, at),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, tenant),
};
static const struct wire_shape job_event = {
    .descriptor = &weft__wire__job_event__descriptor, SIZES, FIELDS(job_event_fields)};
#undef W
#undef M

#define W Weft__Wire__Event
#define M struct msg_event
static const struct wire_field event_fields[] = {
    SAME(WIRE_BOOL, 0, gap),
    ROW(WIRE_U64, 0, lineage, next.lineage),
    ROW(WIRE_U32, 0, epoch, next.epoch),
    ROW(WIRE_U64, 0, position, next.position),
    ROW(WIRE_U32, 0, index, next.index),
    SAME(WIRE_U64, 0, oldest_position),
    SAME(WIRE_U32, 0, oldest_index),
    SAME(WIRE_BOOL, 0, more),
};
static const struct wire_list event_lists[] = {
    LIST(&job_event, MSG_WATCHED_MAX, events, events, count)};
const struct wire_shape wire_shapes_watch_event = {
    .descriptor = &weft__wire__event__descriptor, SIZES, FIELDS(event_fields), LISTS(event_lists)};
#undef W
#undef M
