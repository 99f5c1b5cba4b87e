// The rows of messages about peers, jobs and leases. wire_shapes_ask.c has what is asked besides.

#include "proto/wire_rows.h"

#define W Weft__Wire__Held
#define M struct msg_held
static const struct wire_field held_fields[] = {SAME(WIRE_ID, 0, job_id), SAME(WIRE_U64, 0, token)};
static const struct wire_shape held = {
    .descriptor = &weft__wire__held__descriptor, SIZES, FIELDS(held_fields)};
#undef W
#undef M

#define W Weft__Wire__Hello
#define M struct msg_hello
static const struct wire_field hello_fields[] = {
    SAME(WIRE_ENUM, ROLE_LAST, role),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, name),
    SAME(WIRE_ID, 0, worker_id),
    SAME(WIRE_U64, 0, session),
};
static const struct wire_list hello_lists[] = {
    LIST(&held, MSG_HELD_MAX, running, running.items, running.count)};
static const struct wire_shape hello = {
    .descriptor = &weft__wire__hello__descriptor, SIZES, FIELDS(hello_fields), LISTS(hello_lists)};
#undef W
#undef M

#define W Weft__Wire__Welcome
#define M struct msg_welcome
static const struct wire_field welcome_fields[] = {
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, broker),
    SAME(WIRE_U64, 0, lineage),
    SAME(WIRE_U32, 0, epoch),
    SAME(WIRE_U32, 0, lease_ms),
    SAME(WIRE_U32, 0, renew_ms),
    SAME(WIRE_U32, 0, message_bytes_max),
    SAME(WIRE_U32, 0, jobs_per_message_max),
};
static const struct wire_list welcome_lists[] = {
    LIST(&held, MSG_HELD_MAX, lost, lost.items, lost.count)};
static const struct wire_shape welcome = {.descriptor = &weft__wire__welcome__descriptor,
                                          SIZES,
                                          FIELDS(welcome_fields),
                                          LISTS(welcome_lists)};
#undef W
#undef M

#define W Weft__Wire__SubmitJob
#define M struct msg_submit_job
static const struct wire_field submit_job_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_NAME, MSG_KEY_LEN_MAX, key),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_PRIORITY, 0, priority),
    SAME(WIRE_U64, 0, delay_ms),
    ROW(WIRE_U64, 0, run_at_ms, run_at),
    SAME(WIRE_U32, 0, timeout_ms),
    SAME(WIRE_U32, 0, max_attempts),
    SAME(WIRE_U32, 0, max_crashes),
    SAME(WIRE_U32, 0, retry_first_ms),
    SAME(WIRE_U32, 0, retry_longest_ms),
    SAME(WIRE_U32, 0, retry_factor_milli),
    SAME(WIRE_U32, 0, keep_s),
    SAME(WIRE_ID, 0, batch_id),
    SAME(WIRE_U32, 0, batch_index),
    SAME(WIRE_U64, 0, batch_fingerprint),
    SAME(WIRE_NAME, MSG_TRACEPARENT_LEN_MAX, traceparent),
    SAME(WIRE_NAME, MSG_KEY_LEN_MAX, unique_key),
    SAME(WIRE_U32, 0, unique_for_s),
    SAME(WIRE_BOOL, 0, unique_while_unfinished),
    SAME(WIRE_NAME, MSG_KEY_LEN_MAX, concurrency_key),
    SAME(WIRE_U32, 0, cost),
    SAME(WIRE_ENUM, ORDER_LAST, order),
    SAME(WIRE_U64, 0, ttl_ms),
    SAME(WIRE_U32, 0, retry_within_s),
    ROW(WIRE_IDS, MSG_AFTER_MAX, n_after, after),
    SAME(WIRE_ENUM, ON_FAILURE_LAST, on_dependency_failure),
    SAME(WIRE_BYTES, MSG_LABELS_LEN_MAX, labels),
    SAME(WIRE_BYTES, MSG_HOOK_LEN_MAX, webhook),
    SAME(WIRE_BYTES, MSG_HOOK_LEN_MAX, batch_webhook),
};
const struct wire_shape wire_shapes_submit_job = {.descriptor = &weft__wire__submit_job__descriptor,
                                                  SIZES,
                                                  FIELDS(submit_job_fields),
                                                  BODY(MSG_PAYLOAD_LEN_MAX, payload)};
#undef W
#undef M

#define W Weft__Wire__Submit
#define M struct msg_submit
static const struct wire_field submit_fields[] = {
    ROW(WIRE_BOOL, 0, atomic, is_atomic), SAME(WIRE_BOOL, 0, dry_run),
    SAME(WIRE_U32, 0, tenant_open_max), SAME(WIRE_BOOL, 0, spooled)};
static const struct wire_list submit_lists[] = {
    LIST(&wire_shapes_submit_job, MSG_ATOMIC_JOBS_MAX, jobs, jobs, count)};
static const struct wire_shape submit = {.descriptor = &weft__wire__submit__descriptor,
                                         SIZES,
                                         FIELDS(submit_fields),
                                         LISTS(submit_lists)};
#undef W
#undef M

#define W Weft__Wire__SubmittedJob
#define M struct msg_submitted_job
static const struct wire_field submitted_job_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_BOOL, 0, replayed),
    SAME(WIRE_ENUM, STATE_LAST, state),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    ROW(WIRE_U64, 0, dedup_until_ms, dedup_until),
    SAME(WIRE_U32, 0, retry_after_ms),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_ID, 0, holder_id),
    SAME(WIRE_TEXT, MSG_VIOLATIONS_LEN_MAX, violations),
};
static const struct wire_shape submitted_job = {
    .descriptor = &weft__wire__submitted_job__descriptor, SIZES, FIELDS(submitted_job_fields)};
#undef W
#undef M

#define W Weft__Wire__Submitted
#define M struct msg_submitted
static const struct wire_field submitted_fields[] = {SAME(WIRE_U64, 0, open_max),
                                                     SAME(WIRE_U64, 0, open_left)};
static const struct wire_list submitted_lists[] = {
    LIST(&submitted_job, MSG_ATOMIC_JOBS_MAX, jobs, jobs, count),
    LIST(&wire_shapes_queue_forecast, 1, forecasts, forecasts, forecast_count)};
static const struct wire_shape submitted = {.descriptor = &weft__wire__submitted__descriptor,
                                            SIZES,
                                            FIELDS(submitted_fields),
                                            LISTS(submitted_lists)};
#undef W
#undef M

#define W Weft__Wire__Ready
#define M struct msg_ready
static const struct wire_field ready_fields[] = {
    SAME(WIRE_U32, 0, slots),
    SAME(WIRE_U64, 0, slot_bytes),
    SAME(WIRE_BOOL, 0, quiet),
    SAME(WIRE_U32, 0, simulation_slots),
};
static const struct wire_list ready_lists[] = {
    LIST(NULL, MSG_TYPES_MAX, types, types, type_count),
    LIST(NULL, MSG_TYPES_MAX, queues, queues, queue_count),
    LIST(NULL, MSG_TYPES_MAX, simulates, simulates, simulate_count),
};
static const struct wire_shape ready = {
    .descriptor = &weft__wire__ready__descriptor, SIZES, FIELDS(ready_fields), LISTS(ready_lists)};
#undef W
#undef M

#define W Weft__Wire__Job
#define M struct msg_job
static const struct wire_field job_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_U64, 0, token),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_U32, 0, attempt),
    SAME(WIRE_U32, 0, timeout_ms),
    SAME(WIRE_NAME, MSG_TRACEPARENT_LEN_MAX, traceparent),
    SAME(WIRE_U64, 0, generation),
    SAME(WIRE_U32, 0, log_count),
    ROW(WIRE_IDS, MSG_AFTER_MAX, n_after, after),
    SAME(WIRE_BYTES, MSG_LABELS_LEN_MAX, labels),
    SAME(WIRE_BYTES, MSG_INTENT_LEN_MAX, intent),
};
static const struct wire_shape job = {.descriptor = &weft__wire__job__descriptor,
                                      SIZES,
                                      FIELDS(job_fields),
                                      BODY(MSG_PAYLOAD_LEN_MAX, payload)};
#undef W
#undef M

#define W Weft__Wire__Jobs
#define M struct msg_jobs
static const struct wire_list jobs_lists[] = {LIST(&job, MSG_JOBS_MAX, jobs, jobs, count)};
static const struct wire_shape jobs = {
    .descriptor = &weft__wire__jobs__descriptor, SIZES, LISTS(jobs_lists)};
#undef W
#undef M

#define W Weft__Wire__Simulate
#define M struct msg_simulate
static const struct wire_field simulate_fields[] = {SAME(WIRE_U32, 0, wait_ms)};
static const struct wire_list simulate_lists[] = {LIST(&job, 1, jobs, jobs, count)};
static const struct wire_shape simulate = {.descriptor = &weft__wire__simulate__descriptor,
                                           SIZES,
                                           FIELDS(simulate_fields),
                                           LISTS(simulate_lists)};
#undef W
#undef M

#define W Weft__Wire__Simulated
#define M struct msg_simulated
static const struct wire_field simulated_fields[] = {SAME(WIRE_BOOL, 0, ok),
                                                     SAME(WIRE_FAILURE, 0, failure)};
static const struct wire_shape simulated = {.descriptor = &weft__wire__simulated__descriptor,
                                            SIZES,
                                            FIELDS(simulated_fields),
                                            BODY(MSG_SIMULATED_LEN_MAX, result)};
#undef W
#undef M

#define W Weft__Wire__Progress
#define M struct msg_progress
static const struct wire_field progress_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_U64, 0, token),
    SAME(WIRE_U64, 0, done),
    SAME(WIRE_U64, 0, total),
    SAME(WIRE_TEXT, MSG_PROGRESS_TEXT_LEN_MAX, text),
    SAME(WIRE_U32, 0, extend_ms),
};
static const struct wire_shape progress = {
    .descriptor = &weft__wire__progress__descriptor, SIZES, FIELDS(progress_fields)};
#undef W
#undef M

#define W Weft__Wire__Renew
#define M struct msg_renew
static const struct wire_list renew_lists[] = {
    LIST(&held, MSG_HELD_MAX, running, running.items, running.count),
    LIST(&progress, MSG_HELD_MAX, progress, progress, progress_count),
    LIST(&wire_shapes_history_log_line, MSG_LOG_LINES_MAX, log, log, log_count),
};
static const struct wire_shape renew = {
    .descriptor = &weft__wire__renew__descriptor, SIZES, LISTS(renew_lists)};
#undef W
#undef M

#define W Weft__Wire__Renewed
#define M struct msg_renewed
static const struct wire_list renewed_lists[] = {
    LIST(&held, MSG_HELD_MAX, lost, lost.items, lost.count),
    LIST(&held, MSG_HELD_MAX, cancel, cancel.items, cancel.count),
};
static const struct wire_field renewed_fields[] = {SAME(WIRE_ENUM, DRAIN_LAST, drain)};
static const struct wire_shape renewed = {.descriptor = &weft__wire__renewed__descriptor,
                                          SIZES,
                                          FIELDS(renewed_fields),
                                          LISTS(renewed_lists)};
#undef W
#undef M

#define W Weft__Wire__FinishJob
#define M struct msg_finish_job
static const struct wire_field finish_job_fields[] = {
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_U64, 0, token),
    SAME(WIRE_ENUM, OUTCOME_LAST, outcome),
    SAME(WIRE_TEXT, MSG_ERROR_KIND_LEN_MAX, error_kind),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, error_message),
    SAME(WIRE_TEXT, MSG_ERROR_DETAIL_LEN_MAX, error_detail),
    SAME(WIRE_U32, 0, retry_after_ms),
    SAME(WIRE_BOOL, 0, resent),
    ROW(WIRE_U64, 0, progress_done, progress.done),
    ROW(WIRE_U64, 0, progress_total, progress.total),
    ROW(WIRE_TEXT, MSG_PROGRESS_TEXT_LEN_MAX, progress_text, progress.text),
};
static const struct wire_shape finish_job = {.descriptor = &weft__wire__finish_job__descriptor,
                                             SIZES,
                                             FIELDS(finish_job_fields),
                                             BODY(MSG_RESULT_LEN_MAX, result)};
#undef W
#undef M

#define W Weft__Wire__Finish
#define M struct msg_finish
static const struct wire_list finish_lists[] = {
    LIST(&finish_job, MSG_JOBS_MAX, jobs, jobs, count),
    LIST(&wire_shapes_history_log_line, MSG_LOG_LINES_MAX, log, log, log_count),
};
static const struct wire_shape finish = {
    .descriptor = &weft__wire__finish__descriptor, SIZES, LISTS(finish_lists)};
#undef W
#undef M

#define W Weft__Wire__FinishedJob
#define M struct msg_finished_job
static const struct wire_field finished_job_fields[] = {
    SAME(WIRE_ID, 0, job_id), SAME(WIRE_U64, 0, token), SAME(WIRE_ERR, 0, error)};
static const struct wire_shape finished_job = {
    .descriptor = &weft__wire__finished_job__descriptor, SIZES, FIELDS(finished_job_fields)};
#undef W
#undef M

#define W Weft__Wire__Finished
#define M struct msg_finished
static const struct wire_list finished_lists[] = {
    LIST(&finished_job, MSG_JOBS_MAX, jobs, jobs, count)};
static const struct wire_shape finished = {
    .descriptor = &weft__wire__finished__descriptor, SIZES, LISTS(finished_lists)};
#undef W
#undef M

#define W Weft__Wire__Status
#define M struct msg_status
static const struct wire_field status_fields[] = {
    SAME(WIRE_ID, 0, job_id), SAME(WIRE_U32, 0, wait_ms), SAME(WIRE_U32, 0, version)};
static const struct wire_shape status = {
    .descriptor = &weft__wire__status__descriptor, SIZES, FIELDS(status_fields)};
#undef W
#undef M

#define W Weft__Wire__StatusIs
#define M struct msg_status_is
static const struct wire_field status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_ID, 0, job_id),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, type),
    SAME(WIRE_NAME, MSG_NAME_LEN_MAX, queue),
    SAME(WIRE_ENUM, STATE_LAST, state),
    SAME(WIRE_U32, 0, version),
    SAME(WIRE_U32, 0, priority),
    SAME(WIRE_U32, 0, attempt),
    SAME(WIRE_U32, 0, errors),
    SAME(WIRE_U32, 0, crashes),
    SAME(WIRE_U32, 0, interruptions),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    ROW(WIRE_U64, 0, due_at_ms, due_at),
    ROW(WIRE_U64, 0, started_at_ms, started_at),
    ROW(WIRE_U64, 0, ended_at_ms, ended_at),
    ROW(WIRE_U64, 0, expires_at_ms, expires_at),
    ROW(WIRE_U64, 0, dedup_until_ms, dedup_until),
    SAME(WIRE_FAILURE, 0, failure),
    SAME(WIRE_ID, 0, batch_id),
    SAME(WIRE_U64, 0, progress_done),
    SAME(WIRE_U64, 0, progress_total),
    SAME(WIRE_TEXT, MSG_PROGRESS_TEXT_LEN_MAX, progress_text),
    SAME(WIRE_ENUM, WAITING_LAST, waiting_on),
    SAME(WIRE_ENUM, CANCEL_LAST, cancel),
    SAME(WIRE_NAME, MSG_KEY_LEN_MAX, concurrency_key),
    SAME(WIRE_U32, 0, cost),
    SAME(WIRE_ENUM, ORDER_LAST, order),
    SAME(WIRE_NAME, MSG_KEY_LEN_MAX, unique_key),
    ROW(WIRE_U64, 0, deadline_at_ms, deadline_at),
    SAME(WIRE_ID, 0, worker_id),
    ROW(WIRE_U64, 0, start_before_ms, start_before),
    SAME(WIRE_U32, 0, batch_index),
    ROW(WIRE_IDS, MSG_AFTER_MAX, n_after, after),
    SAME(WIRE_ENUM, ON_FAILURE_LAST, on_dependency_failure),
    SAME(WIRE_BYTES, MSG_LABELS_LEN_MAX, labels),
};
static const struct wire_shape status_is = {.descriptor = &weft__wire__status_is__descriptor,
                                            SIZES,
                                            FIELDS(status_is_fields),
                                            BODY(MSG_RESULT_LEN_MAX, result)};
#undef W
#undef M

#define W Weft__Wire__BatchStatus
#define M struct msg_batch_status
static const struct wire_field batch_status_fields[] = {
    SAME(WIRE_ID, 0, batch_id), SAME(WIRE_U32, 0, wait_ms), SAME(WIRE_U32, 0, version)};
static const struct wire_shape batch_status = {
    .descriptor = &weft__wire__batch_status__descriptor, SIZES, FIELDS(batch_status_fields)};
#undef W
#undef M

#define W Weft__Wire__BatchStatusIs
#define M struct msg_batch_status_is
static const struct wire_field batch_status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_ID, 0, batch_id),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    SAME(WIRE_U32, 0, version),
    ROW(WIRE_COUNTS, JOB_STATES, n_counts, counts),
    ROW(WIRE_U64, 0, finished_at_ms, finished_at),
    SAME(WIRE_BOOL, 0, is_sealed),
};
static const struct wire_shape batch_status_is = {
    .descriptor = &weft__wire__batch_status_is__descriptor, SIZES, FIELDS(batch_status_is_fields)};
#undef W
#undef M

#define W Weft__Wire__Error
#define M struct msg_error
static const struct wire_field error_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_U32, 0, retry_after_ms),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    ROW(WIRE_VERSIONS, 0, n_versions, error),
};
static const struct wire_shape error = {
    .descriptor = &weft__wire__error__descriptor, SIZES, FIELDS(error_fields)};
#undef W
#undef M

#define W Weft__Wire__Bye
#define M struct msg_bye
static const struct wire_field bye_fields[] = {SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, reason),
                                               SAME(WIRE_BOOL, 0, is_all)};
static const struct wire_list bye_lists[] = {
    LIST(&held, MSG_HELD_MAX, running, running.items, running.count)};
static const struct wire_shape bye = {
    .descriptor = &weft__wire__bye__descriptor, SIZES, FIELDS(bye_fields), LISTS(bye_lists)};
#undef W
#undef M

const struct wire_shape *wire_shape_of(uint32_t kind)
{
    static const struct wire_shape *const shapes[] = {
        [MSG_HELLO] = &hello,
        [MSG_WELCOME] = &welcome,
        [MSG_SUBMIT] = &submit,
        [MSG_SUBMITTED] = &submitted,
        [MSG_READY] = &ready,
        [MSG_JOBS] = &jobs,
        [MSG_RENEW] = &renew,
        [MSG_RENEWED] = &renewed,
        [MSG_FINISH] = &finish,
        [MSG_FINISHED] = &finished,
        [MSG_STATUS] = &status,
        [MSG_STATUS_IS] = &status_is,
        [MSG_BATCH_STATUS] = &batch_status,
        [MSG_BATCH_STATUS_IS] = &batch_status_is,
        [MSG_ERROR] = &error,
        [MSG_BYE] = &bye,
        [MSG_TIMELINE] = &wire_shapes_history_timeline,
        [MSG_TIMELINE_IS] = &wire_shapes_history_timeline_is,
        [MSG_LOG] = &wire_shapes_history_log,
        [MSG_LOG_IS] = &wire_shapes_history_log_is,
        [MSG_SIMULATE] = &simulate,
        [MSG_SIMULATED] = &simulated,
        [MSG_WATCH] = &wire_shapes_watch,
        [MSG_EVENT] = &wire_shapes_watch_event,
    };
    const struct wire_shape *shape = kind < COUNT(shapes) ? shapes[kind] : NULL;
    return shape != NULL ? shape : wire_shapes_ask_of(kind);
}
