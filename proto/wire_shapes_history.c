// The rows of a job's history: its timeline, its log.

#include "proto/wire_rows.h"

#define W Weft__Wire__LogLine
#define M struct msg_log_line
static const struct wire_field log_line_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_U64, 0, token),
    SAME(WIRE_U32, 0, seq),
    ROW(WIRE_U64, 0, at_ms, at),
    SAME(WIRE_TEXT, MSG_LOG_TEXT_LEN_MAX, text),
};
const struct wire_shape wire_shapes_history_log_line = {
    .descriptor = &weft__wire__log_line__descriptor, SIZES, FIELDS(log_line_fields)};
#undef W
#undef M

#define W Weft__Wire__Timeline
#define M struct msg_timeline
static const struct wire_field timeline_fields[] = {SAME(WIRE_ID, 0, job_id)};
const struct wire_shape wire_shapes_history_timeline = {
    .descriptor = &weft__wire__timeline__descriptor, SIZES, FIELDS(timeline_fields)};
#undef W
#undef M

#define W Weft__Wire__TimelineEvent
#define M struct msg_timeline_event
static const struct wire_field timeline_event_fields[] = {
    ROW(WIRE_U64, 0, at_ms, at),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, event),
    SAME(WIRE_ENUM, STATE_LAST, state),
    SAME(WIRE_U32, 0, version),
    SAME(WIRE_U64, 0, token),
    SAME(WIRE_ID, 0, worker_id),
    ROW(WIRE_U64, 0, granted_at_ms, granted_at),
    ROW(WIRE_U64, 0, due_at_ms, due_at),
    SAME(WIRE_U32, 0, attempt),
    SAME(WIRE_ENUM, OUTCOME_LAST, outcome),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, actor),
    SAME(WIRE_TEXT, MSG_REASON_LEN_MAX, reason),
    SAME(WIRE_FAILURE, 0, failure),
    SAME(WIRE_ID, 0, delivery_id),
};
static const struct wire_shape timeline_event = {
    .descriptor = &weft__wire__timeline_event__descriptor, SIZES, FIELDS(timeline_event_fields)};
#undef W
#undef M

#define W Weft__Wire__TimelineIs
#define M struct msg_timeline_is
static const struct wire_field timeline_is_fields[] = {
    SAME(WIRE_ERR, 0, error),           SAME(WIRE_ID, 0, job_id),   SAME(WIRE_U32, 0, version),
    SAME(WIRE_ENUM, STATE_LAST, state), SAME(WIRE_U32, 0, dropped),
};
static const struct wire_list timeline_is_lists[] = {
    LIST(&timeline_event, MSG_EVENTS_MAX, events, events, event_count)};
const struct wire_shape wire_shapes_history_timeline_is = {.descriptor =
                                                               &weft__wire__timeline_is__descriptor,
                                                           SIZES,
                                                           FIELDS(timeline_is_fields),
                                                           LISTS(timeline_is_lists)};
#undef W
#undef M

#define W Weft__Wire__Log
#define M struct msg_log
static const struct wire_field log_fields[] = {SAME(WIRE_ID, 0, job_id), SAME(WIRE_U32, 0, after)};
const struct wire_shape wire_shapes_history_log = {
    .descriptor = &weft__wire__log__descriptor, SIZES, FIELDS(log_fields)};
#undef W
#undef M

#define W Weft__Wire__LogIs
#define M struct msg_log_is
static const struct wire_field log_is_fields[] = {
    SAME(WIRE_ERR, 0, error),           SAME(WIRE_ID, 0, job_id), SAME(WIRE_U32, 0, version),
    SAME(WIRE_ENUM, STATE_LAST, state), SAME(WIRE_U32, 0, count),
};
static const struct wire_list log_is_lists[] = {
    LIST(&wire_shapes_history_log_line, MSG_LOG_LINES_MAX, lines, lines, line_count)};
const struct wire_shape wire_shapes_history_log_is = {.descriptor = &weft__wire__log_is__descriptor,
                                                      SIZES,
                                                      FIELDS(log_is_fields),
                                                      LISTS(log_is_lists)};
#undef W
#undef M
