// The rows of queues and types: what is set, and how they stand.

#include "proto/wire_rows.h"

// What they say of a job that does not say otherwise; AT is where, in the plain struct.
#define DEFAULTS                                                                                   \
    ROW(WIRE_U32, 0, timeout_ms, AT.timeout_ms), ROW(WIRE_U32, 0, max_attempts, AT.max_attempts),  \
        ROW(WIRE_U32, 0, max_crashes, AT.max_crashes),                                             \
        ROW(WIRE_U32, 0, retry_first_ms, AT.retry_first_ms),                                       \
        ROW(WIRE_U32, 0, retry_longest_ms, AT.retry_longest_ms),                                   \
        ROW(WIRE_U32, 0, retry_factor_milli, AT.retry_factor_milli),                               \
        ROW(WIRE_U32, 0, retry_within_s, AT.retry_within_s), ROW(WIRE_U32, 0, keep_s, AT.keep_s)

#define SETTINGS                                                                                   \
    ROW(WIRE_U32, 0, weight, settings.weight), ROW(WIRE_U32, 0, open_max, settings.open_max),      \
        ROW(WIRE_U32, 0, running_max, settings.running_max),                                       \
        ROW(WIRE_U32, 0, key_running_max, settings.key_running_max),                               \
        ROW(WIRE_U32, 0, rate_count, settings.rate.count),                                         \
        ROW(WIRE_U32, 0, rate_per_ms, settings.rate.per_ms),                                       \
        ROW(WIRE_U32, 0, key_rate_count, settings.key_rate.count),                                 \
        ROW(WIRE_U32, 0, key_rate_per_ms, settings.key_rate.per_ms), DEFAULTS

#define AT settings.defaults
#define W Weft__Wire__QueueSet
#define M struct msg_queue_set
static const struct wire_field queue_set_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
                                                     SETTINGS, SAME(WIRE_U32, 0, named)};
const struct wire_shape wire_shapes_queue_set = {
    .descriptor = &weft__wire__queue_set__descriptor, SIZES, FIELDS(queue_set_fields)};
#undef W
#undef M

#define W Weft__Wire__QueueStatus
#define M struct msg_queue_status
static const struct wire_field queue_status_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
                                                        SAME(WIRE_NAME, MSG_NAME_LEN_MAX, after),
                                                        SAME(WIRE_U32, 0, limit)};
const struct wire_shape wire_shapes_queue_status = {
    .descriptor = &weft__wire__queue_status__descriptor, SIZES, FIELDS(queue_status_fields)};
#undef W
#undef M

#define W Weft__Wire__Queue
#define M struct msg_queue
static const struct wire_field queue_fields[] = {
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SETTINGS,
    SAME(WIRE_ENUM, DIRECTION_LAST, paused),
    ROW(WIRE_U64, 0, scheduled, counts[JOB_SCHEDULED]),
    ROW(WIRE_U64, 0, queued, counts[JOB_QUEUED]),
    ROW(WIRE_U64, 0, running, counts[JOB_RUNNING]),
    ROW(WIRE_U64, 0, retrying, counts[JOB_RETRYING]),
    ROW(WIRE_U64, 0, succeeded, counts[JOB_SUCCEEDED]),
    ROW(WIRE_U64, 0, dead, counts[JOB_DEAD]),
    ROW(WIRE_U64, 0, cancelled, counts[JOB_CANCELLED]),
    ROW(WIRE_U64, 0, expired, counts[JOB_EXPIRED]),
    ROW(WIRE_U64, 0, removed, counts[JOB_REMOVED]),
};
static const struct wire_shape queue = {
    .descriptor = &weft__wire__queue__descriptor, SIZES, FIELDS(queue_fields)};
#undef W
#undef M

#define W Weft__Wire__QueueStatusIs
#define M struct msg_queue_status_is
static const struct wire_field queue_status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_BOOL, 0, is_more),
};
static const struct wire_list queue_status_is_lists[] = {
    LIST(&queue, MSG_QUEUES_MAX, queues, queues, count)};
const struct wire_shape wire_shapes_queue_status_is = {.descriptor =
                                                           &weft__wire__queue_status_is__descriptor,
                                                       SIZES,
                                                       FIELDS(queue_status_is_fields),
                                                       LISTS(queue_status_is_lists)};
#undef W
#undef M

#undef AT
#define AT defaults
#define W Weft__Wire__TypeSet
#define M struct msg_type_set
static const struct wire_field type_set_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
                                                    DEFAULTS, SAME(WIRE_U32, 0, named)};
const struct wire_shape wire_shapes_queue_type_set = {.descriptor =
                                                          &weft__wire__type_set__descriptor,
                                                      SIZES,
                                                      FIELDS(type_set_fields),
                                                      BODY(MSG_SCHEMA_LEN_MAX, schema)};
#undef W
#undef M

#define W Weft__Wire__TypeStatus
#define M struct msg_type_status
static const struct wire_field type_status_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
                                                       SAME(WIRE_NAME, MSG_NAME_LEN_MAX, after),
                                                       SAME(WIRE_U32, 0, limit)};
const struct wire_shape wire_shapes_queue_type_status = {
    .descriptor = &weft__wire__type_status__descriptor, SIZES, FIELDS(type_status_fields)};
#undef W
#undef M

#define W Weft__Wire__Type
#define M struct msg_type
static const struct wire_field type_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type), DEFAULTS};
static const struct wire_shape type = {.descriptor = &weft__wire__type__descriptor,
                                       SIZES,
                                       FIELDS(type_fields),
                                       BODY(MSG_SCHEMA_LEN_MAX, schema)};
#undef W
#undef M

#define W Weft__Wire__TypeStatusIs
#define M struct msg_type_status_is
static const struct wire_field type_status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_BOOL, 0, is_more),
};
static const struct wire_list type_status_is_lists[] = {
    LIST(&type, MSG_QUEUES_MAX, types, types, count)};
const struct wire_shape wire_shapes_queue_type_status_is = {
    .descriptor = &weft__wire__type_status_is__descriptor,
    SIZES,
    FIELDS(type_status_is_fields),
    LISTS(type_status_is_lists)};
#undef W
#undef M

#undef AT
#define AT course
#define W Weft__Wire__Forecast
#define M struct msg_forecast
static const struct wire_field forecast_fields[] = {
    ROW(WIRE_U64, 0, due_at_ms, due_at),
    SAME(WIRE_ENUM, WAITING_LAST, waiting_on),
    SAME(WIRE_U32, 0, ahead),
    SAME(WIRE_ENUM, DIRECTION_LAST, paused),
    SAME(WIRE_U64, 0, open_left),
    SAME(WIRE_U64, 0, quota_left),
    ROW(WIRE_U64, 0, starts_at_ms, starts_at),
    SAME(WIRE_ENUM, SIMULATION_LAST, simulation),
    SAME(WIRE_FAILURE, 0, failure),
    DEFAULTS,
};
const struct wire_shape wire_shapes_queue_forecast = {.descriptor =
                                                          &weft__wire__forecast__descriptor,
                                                      SIZES,
                                                      FIELDS(forecast_fields),
                                                      BODY(MSG_SIMULATED_LEN_MAX, simulated)};
#undef W
#undef M
