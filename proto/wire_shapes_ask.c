// The rows of acts, lists, schedules, seals: what clients ask besides submitting and looking.

#include "proto/wire_rows.h"

#define W Weft__Wire__Act
#define M struct msg_act
static const struct wire_field act_fields[] = {
    SAME(WIRE_ENUM, ACT_LAST, kind),
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_ID, 0, worker_id),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, actor),
    SAME(WIRE_ID, 0, act_id),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_ENUM, DIRECTION_LAST, direction),
};
static const struct wire_shape act = {
    .descriptor = &weft__wire__act__descriptor, SIZES, FIELDS(act_fields)};
#undef W
#undef M

#define W Weft__Wire__Acted
#define M struct msg_acted
static const struct wire_field acted_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_ENUM, STATE_LAST, state),
    SAME(WIRE_U32, 0, version),
    SAME(WIRE_ENUM, CANCEL_LAST, cancel),
    SAME(WIRE_ENUM, DRAIN_LAST, drain),
    SAME(WIRE_ENUM, DIRECTION_LAST, paused),
    SAME(WIRE_ID, 0, holder_id),
};
static const struct wire_shape acted = {
    .descriptor = &weft__wire__acted__descriptor, SIZES, FIELDS(acted_fields)};
#undef W
#undef M

#define W Weft__Wire__BatchSeal
#define M struct msg_batch_seal
static const struct wire_field batch_seal_fields[] = {SAME(WIRE_ID, 0, batch_id)};
static const struct wire_shape batch_seal = {
    .descriptor = &weft__wire__batch_seal__descriptor, SIZES, FIELDS(batch_seal_fields)};
#undef W
#undef M

#define W Weft__Wire__Moment
#define M struct msg_moment
static const struct wire_field moment_fields[] = {ROW(WIRE_U64, 0, at_ms, at)};
static const struct wire_shape moment = {
    .descriptor = &weft__wire__moment__descriptor, SIZES, FIELDS(moment_fields)};
#undef W
#undef M

#define W Weft__Wire__ScheduleSet
#define M struct msg_schedule_set
static const struct wire_field schedule_set_fields[] = {
    SAME(WIRE_ENUM, SCHEDULE_LAST, act),
    ROW(WIRE_NAME, MSG_NAME_LEN_MAX, schedule_id, given.schedule_id),
    ROW(WIRE_NAME, MSG_CRON_LEN_MAX, cron, given.cron),
    ROW(WIRE_NAME, MSG_ZONE_LEN_MAX, zone, given.zone),
    ROW(WIRE_ENUM, OVERLAP_LAST, overlap, given.overlap),
    ROW(WIRE_ENUM, CATCH_UP_LAST, catch_up, given.catch_up),
    ROW(WIRE_U64, 0, jitter_ms, given.jitter_ms),
    ROW(WIRE_BOOL, 0, paused, given.paused),
    SAME(WIRE_BOOL, 0, dry_run),
    SAME(WIRE_U32, 0, next_count),
};
static const struct wire_list schedule_set_lists[] = {
    LIST(&wire_shapes_submit_job, 1, jobs, given.jobs, given.job_count)};
static const struct wire_shape schedule_set = {.descriptor = &weft__wire__schedule_set__descriptor,
                                               SIZES,
                                               FIELDS(schedule_set_fields),
                                               LISTS(schedule_set_lists)};
#undef W
#undef M

#define W Weft__Wire__ScheduleStatus
#define M struct msg_schedule_status
static const struct wire_field schedule_status_fields[] = {
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, schedule_id), SAME(WIRE_U32, 0, next_count)};
static const struct wire_shape schedule_status = {
    .descriptor = &weft__wire__schedule_status__descriptor, SIZES, FIELDS(schedule_status_fields)};
#undef W
#undef M

#define W Weft__Wire__ScheduleStatusIs
#define M struct msg_schedule_status_is
static const struct wire_field schedule_status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    ROW(WIRE_NAME, MSG_NAME_LEN_MAX, schedule_id, given.schedule_id),
    ROW(WIRE_NAME, MSG_CRON_LEN_MAX, cron, given.cron),
    ROW(WIRE_NAME, MSG_ZONE_LEN_MAX, zone, given.zone),
    ROW(WIRE_ENUM, OVERLAP_LAST, overlap, given.overlap),
    ROW(WIRE_ENUM, CATCH_UP_LAST, catch_up, given.catch_up),
    ROW(WIRE_U64, 0, jitter_ms, given.jitter_ms),
    ROW(WIRE_BOOL, 0, paused, given.paused),
    ROW(WIRE_U32, 0, generation, is.generation),
    ROW(WIRE_U64, 0, created_at_ms, is.created_at),
    ROW(WIRE_U64, 0, since_at_ms, is.since_at),
    ROW(WIRE_U64, 0, last_at_ms, is.last_at),
    ROW(WIRE_U64, 0, held_at_ms, is.held_at),
    ROW(WIRE_ID, 0, last_job_id, is.last_job_id),
    ROW(WIRE_U64, 0, fired, is.fired_count),
    ROW(WIRE_U64, 0, skipped, is.skipped_count),
    SAME(WIRE_TEXT, MSG_VIOLATIONS_LEN_MAX, violations),
};
static const struct wire_list schedule_status_is_lists[] = {
    LIST(&wire_shapes_submit_job, 1, jobs, given.jobs, given.job_count),
    LIST(&moment, MSG_MOMENTS_MAX, next, next.items, next.count),
};
static const struct wire_shape schedule_status_is = {
    .descriptor = &weft__wire__schedule_status_is__descriptor,
    SIZES,
    FIELDS(schedule_status_is_fields),
    LISTS(schedule_status_is_lists)};
#undef W
#undef M

#define W Weft__Wire__ScheduleList
#define M struct msg_schedule_list
static const struct wire_field schedule_list_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, after),
                                                         SAME(WIRE_U32, 0, limit)};
static const struct wire_shape schedule_list = {
    .descriptor = &weft__wire__schedule_list__descriptor, SIZES, FIELDS(schedule_list_fields)};
#undef W
#undef M

#define W Weft__Wire__ScheduleLine
#define M struct msg_schedule_line
static const struct wire_field schedule_line_fields[] = {
    ROW(WIRE_NAME, MSG_NAME_LEN_MAX, schedule_id, given.schedule_id),
    ROW(WIRE_NAME, MSG_CRON_LEN_MAX, cron, given.cron),
    ROW(WIRE_NAME, MSG_ZONE_LEN_MAX, zone, given.zone),
    ROW(WIRE_ENUM, OVERLAP_LAST, overlap, given.overlap),
    ROW(WIRE_ENUM, CATCH_UP_LAST, catch_up, given.catch_up),
    ROW(WIRE_U64, 0, jitter_ms, given.jitter_ms),
    ROW(WIRE_BOOL, 0, paused, given.paused),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    ROW(WIRE_U32, 0, generation, is.generation),
    ROW(WIRE_U64, 0, created_at_ms, is.created_at),
    ROW(WIRE_U64, 0, since_at_ms, is.since_at),
    ROW(WIRE_U64, 0, last_at_ms, is.last_at),
    ROW(WIRE_U64, 0, held_at_ms, is.held_at),
    ROW(WIRE_ID, 0, last_job_id, is.last_job_id),
    ROW(WIRE_U64, 0, fired, is.fired_count),
    ROW(WIRE_U64, 0, skipped, is.skipped_count),
    ROW(WIRE_U64, 0, next_at_ms, next_at),
};
static const struct wire_shape schedule_line = {
    .descriptor = &weft__wire__schedule_line__descriptor, SIZES, FIELDS(schedule_line_fields)};
#undef W
#undef M

#define W Weft__Wire__ScheduleListed
#define M struct msg_schedule_listed
static const struct wire_field schedule_listed_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_BOOL, 0, is_more),
};
static const struct wire_list schedule_listed_lists[] = {
    LIST(&schedule_line, MSG_SCHEDULES_MAX, schedules, schedules, count)};
static const struct wire_shape schedule_listed = {.descriptor =
                                                      &weft__wire__schedule_listed__descriptor,
                                                  SIZES,
                                                  FIELDS(schedule_listed_fields),
                                                  LISTS(schedule_listed_lists)};
#undef W
#undef M

#define W Weft__Wire__WorkerList
#define M struct msg_worker_list
static const struct wire_field worker_list_fields[] = {SAME(WIRE_U64, 0, cursor),
                                                       SAME(WIRE_U32, 0, limit)};
static const struct wire_shape worker_list = {
    .descriptor = &weft__wire__worker_list__descriptor, SIZES, FIELDS(worker_list_fields)};
#undef W
#undef M

#define W Weft__Wire__WorkerLine
#define M struct msg_worker_line
static const struct wire_field worker_line_fields[] = {
    SAME(WIRE_ID, 0, worker_id),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, name),
    SAME(WIRE_NAME, MSG_WORKER_NAMES_LEN_MAX, types),
    SAME(WIRE_NAME, MSG_WORKER_NAMES_LEN_MAX, queues),
    SAME(WIRE_U32, 0, slots),
    SAME(WIRE_U32, 0, running),
    SAME(WIRE_BOOL, 0, connected),
    SAME(WIRE_BOOL, 0, quiet),
    SAME(WIRE_ENUM, DRAIN_LAST, drain),
    ROW(WIRE_U64, 0, since_at_ms, since_at),
};
static const struct wire_shape worker_line = {
    .descriptor = &weft__wire__worker_line__descriptor, SIZES, FIELDS(worker_line_fields)};
#undef W
#undef M

#define W Weft__Wire__WorkerListed
#define M struct msg_worker_listed
static const struct wire_field worker_listed_fields[] = {SAME(WIRE_U64, 0, cursor)};
static const struct wire_list worker_listed_lists[] = {
    LIST(&worker_line, MSG_WORKERS_MAX, workers, workers, count)};
static const struct wire_shape worker_listed = {.descriptor =
                                                    &weft__wire__worker_listed__descriptor,
                                                SIZES,
                                                FIELDS(worker_listed_fields),
                                                LISTS(worker_listed_lists)};
#undef W
#undef M

// A struct msg_filter.
#define FILTER                                                                                     \
    ROW(WIRE_U32, 0, states, filter.states),                                                       \
        ROW(WIRE_NAME, MSG_NAME_LEN_MAX, queue, filter.queue),                                     \
        ROW(WIRE_NAME, MSG_NAME_LEN_MAX, type, filter.type),                                       \
        ROW(WIRE_NAME, MSG_TAG_LEN_MAX, tag, filter.tag),                                          \
        ROW(WIRE_U64, 0, created_after_ms, filter.created_after),                                  \
        ROW(WIRE_U64, 0, created_before_ms, filter.created_before),                                \
        ROW(WIRE_ID, 0, batch_id, filter.batch_id)

#define W Weft__Wire__List
#define M struct msg_list
static const struct wire_field list_fields[] = {
    FILTER,
    SAME(WIRE_U32, 0, limit),
    SAME(WIRE_U64, 0, cursor),
    SAME(WIRE_ID, 0, told_of),
    SAME(WIRE_BOOL, 0, told_of_batch),
};
static const struct wire_shape list = {
    .descriptor = &weft__wire__list__descriptor, SIZES, FIELDS(list_fields)};
#undef W
#undef M

#define W Weft__Wire__ListedJob
#define M struct msg_listed_job
static const struct wire_field listed_job_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_ENUM, STATE_LAST, state),
    SAME(WIRE_U32, 0, version),
    SAME(WIRE_U32, 0, priority),
    SAME(WIRE_U32, 0, errors),
    SAME(WIRE_U32, 0, crashes),
    SAME(WIRE_U32, 0, interruptions),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    ROW(WIRE_U64, 0, due_at_ms, due_at),
    ROW(WIRE_U64, 0, started_at_ms, started_at),
    ROW(WIRE_U64, 0, ended_at_ms, ended_at),
    SAME(WIRE_U32, 0, batch_index),
};
static const struct wire_shape listed_job = {
    .descriptor = &weft__wire__listed_job__descriptor, SIZES, FIELDS(listed_job_fields)};
#undef W
#undef M

#define W Weft__Wire__Listed
#define M struct msg_listed
static const struct wire_field listed_fields[] = {SAME(WIRE_ERR, 0, error),
                                                  SAME(WIRE_U64, 0, cursor)};
static const struct wire_list listed_lists[] = {
    LIST(&listed_job, MSG_LISTED_MAX, jobs, jobs, count)};
static const struct wire_shape listed = {.descriptor = &weft__wire__listed__descriptor,
                                         SIZES,
                                         FIELDS(listed_fields),
                                         LISTS(listed_lists)};
#undef W
#undef M

#define W Weft__Wire__Operate
#define M struct msg_operate
static const struct wire_field operate_fields[] = {
    SAME(WIRE_ENUM, ACT_LAST, kind),
    SAME(WIRE_ID, 0, operation_id),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, actor),
    FILTER,
    SAME(WIRE_BOOL, 0, dry_run),
    SAME(WIRE_U64, 0, cursor),
    SAME(WIRE_U32, 0, rate),
};
static const struct wire_shape operate = {
    .descriptor = &weft__wire__operate__descriptor, SIZES, FIELDS(operate_fields)};
#undef W
#undef M

#define W Weft__Wire__Operation
#define M struct msg_operation
static const struct wire_field operation_fields[] = {
    SAME(WIRE_ID, 0, operation_id), SAME(WIRE_U32, 0, wait_ms), SAME(WIRE_U32, 0, version)};
static const struct wire_shape operation = {
    .descriptor = &weft__wire__operation__descriptor, SIZES, FIELDS(operation_fields)};
#undef W
#undef M

#define W Weft__Wire__OperationIs
#define M struct msg_operation_is
static const struct wire_field operation_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_ID, 0, operation_id),
    SAME(WIRE_ENUM, ACT_LAST, kind),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, actor),
    FILTER,
    SAME(WIRE_U32, 0, version),
    SAME(WIRE_U64, 0, matched),
    SAME(WIRE_U64, 0, done),
    SAME(WIRE_U64, 0, upto),
    SAME(WIRE_U64, 0, cursor),
    SAME(WIRE_BOOL, 0, is_over),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    ROW(WIRE_U64, 0, ended_at_ms, ended_at),
    SAME(WIRE_U32, 0, rate),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, cancelled_by),
};
static const struct wire_shape operation_is = {
    .descriptor = &weft__wire__operation_is__descriptor, SIZES, FIELDS(operation_is_fields)};
#undef W
#undef M

#define W Weft__Wire__OperationList
#define M struct msg_operation_list
static const struct wire_field operation_list_fields[] = {
    ROW(WIRE_U64, 0, before_ms, before), SAME(WIRE_ID, 0, before_id), SAME(WIRE_U32, 0, limit)};
static const struct wire_shape operation_list = {
    .descriptor = &weft__wire__operation_list__descriptor, SIZES, FIELDS(operation_list_fields)};
#undef W
#undef M

#define W Weft__Wire__OperationListed
#define M struct msg_operation_listed
static const struct wire_field operation_listed_fields[] = {SAME(WIRE_ERR, 0, error),
                                                            SAME(WIRE_BOOL, 0, is_more)};
static const struct wire_list operation_listed_lists[] = {
    LIST(&operation_is, MSG_OPERATIONS_MAX, operations, operations, count)};
static const struct wire_shape operation_listed = {.descriptor =
                                                       &weft__wire__operation_listed__descriptor,
                                                   SIZES,
                                                   FIELDS(operation_listed_fields),
                                                   LISTS(operation_listed_lists)};
#undef W
#undef M

const struct wire_shape *wire_shapes_ask_of(uint32_t kind)
{
    static const struct wire_shape *const shapes[] = {
        [MSG_ACT] = &act,
        [MSG_ACTED] = &acted,
        [MSG_QUEUE_SET] = &wire_shapes_queue_set,
        [MSG_QUEUE_STATUS] = &wire_shapes_queue_status,
        [MSG_QUEUE_STATUS_IS] = &wire_shapes_queue_status_is,
        [MSG_TYPE_SET] = &wire_shapes_queue_type_set,
        [MSG_TYPE_STATUS] = &wire_shapes_queue_type_status,
        [MSG_TYPE_STATUS_IS] = &wire_shapes_queue_type_status_is,
        [MSG_SCHEDULE_SET] = &schedule_set,
        [MSG_SCHEDULE_STATUS] = &schedule_status,
        [MSG_SCHEDULE_STATUS_IS] = &schedule_status_is,
        [MSG_SCHEDULE_LIST] = &schedule_list,
        [MSG_SCHEDULE_LISTED] = &schedule_listed,
        [MSG_WORKER_LIST] = &worker_list,
        [MSG_WORKER_LISTED] = &worker_listed,
        [MSG_BATCH_SEAL] = &batch_seal,
        [MSG_LIST] = &list,
        [MSG_LISTED] = &listed,
        [MSG_OPERATE] = &operate,
        [MSG_OPERATION] = &operation,
        [MSG_OPERATION_IS] = &operation_is,
        [MSG_OPERATION_LIST] = &operation_list,
        [MSG_OPERATION_LISTED] = &operation_listed,
        [MSG_WEBHOOK_SET] = &wire_shapes_hook_set,
        [MSG_WEBHOOK_STATUS] = &wire_shapes_hook_status,
        [MSG_WEBHOOK_STATUS_IS] = &wire_shapes_hook_status_is,
    };
    return kind < COUNT(shapes) ? shapes[kind] : NULL;
}
