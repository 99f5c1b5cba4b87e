// Dry runs, field by field.

#include "gateway/core/forecast.h"

#include "gateway/core/course.h"
#include "lib/base/backoff.h"
#include "lib/base/duration.h"

static void put_queue(struct out *out, const struct msg_forecast *forecast)
{
    static const char *const ways[] = {
        [DIRECTION_IN] = "in", [DIRECTION_OUT] = "out", [DIRECTION_BOTH] = "both"};
    out_name(out, slice_of_text("queue_state"));
    out_open_object(out);
    if (forecast->paused != DIRECTION_NONE)
        out_put_text(out, "paused", slice_of_text(ways[forecast->paused]));
    out_put_unsigned(out, "ahead", forecast->ahead);
    if (forecast->open_left > 0)
        out_put_unsigned(out, "open_left", forecast->open_left);
    out_close(out);
}

// The pause after each attempt but the last. An id that is derived from a key is the job's own, so
// its pauses are the very ones; else they are the longest that may come, of which the job draws
// between half and the whole.
static void put_pauses(struct out *out, const struct forecast_told *told)
{
    const struct msg_defaults *course = &told->forecast->course;
    const struct backoff backoff = {course->retry_first_ms, course->retry_longest_ms,
                                    course->retry_factor_milli};
    bool is_exact = told->job->key.len > 0;
    uint64_t within_ms = (uint64_t)course->retry_within_s * 1000;
    uint64_t sum_ms = 0;
    out_put_bool(out, "retry_exact", is_exact);
    out_name(out, slice_of_text("retry_pauses"));
    out_open_array(out);
    for (uint32_t i = 1; i < course->max_attempts && i <= FORECAST_PAUSES_MAX; i++) {
        when_ms pause =
            is_exact ? backoff_ms(&backoff, &told->said->job_id, i) : backoff_whole_ms(&backoff, i);
        char text[DURATION_TEXT_LEN + 1];
        sum_ms += (uint64_t)pause;
        if (within_ms > 0 && sum_ms > within_ms)
            break;
        duration_format(pause, text);
        out_text(out, slice_of_text(text));
    }
    out_close(out);
}

static void put_forecast(struct out *out, const struct forecast_told *told)
{
    const struct msg_forecast *forecast = told->forecast;
    const char *cause = answer_waiting_on(forecast->waiting_on);
    answer_put_moment(out, "dedup_until", told->said->dedup_until);
    answer_put_moment(out, "due_at", forecast->due_at);
    if (cause != NULL)
        out_put_text(out, "waiting_on", slice_of_text(cause));
    answer_put_moment(out, "estimated_start", forecast->starts_at);
    put_queue(out, forecast);
    if (forecast->quota_left > 0)
        out_put_unsigned(out, "quota_left", forecast->quota_left);
    course_put_span(out, "timeout", forecast->course.timeout_ms);
    course_put_span(out, "keep", (uint64_t)forecast->course.keep_s * 1000);
    course_put_retry(out, &forecast->course);
    put_pauses(out, told);
    forecast_put_simulated(out, forecast, &told->simulated);
}

static void put_problem(struct out *out, const struct forecast_told *told)
{
    const struct problem problem = {.error = told->said->error,
                                    .detail = told->said->detail,
                                    .holder_id =
                                        problem_holder(told->said->error, told->job, told->said),
                                    .violations = told->violations};
    out_name(out, slice_of_text("problem"));
    out_open_object(out);
    problem_put(out, &problem);
    out_close(out);
}

static void put_verdict(struct out *out, const char *would_be)
{
    out_put_bool(out, "dry_run", true);
    out_put_text(out, "would_be", slice_of_text(would_be));
}

void forecast_put(struct out *out, const struct forecast_told *told)
{
    const struct msg_submit_job *job = told->job;
    const struct msg_submitted_job *said = told->said;
    out_open_object(out);
    put_verdict(out, said->error != OK ? "refused" : said->replayed ? "replayed" : "accepted");
    if (said->replayed)
        answer_put_id(out, "duplicate_of", &said->job_id);
    else if (job->key.len > 0)
        answer_put_id(out, "job_id", &said->job_id);
    out_put_text(out, "type", job->type);
    out_put_text(out, "queue", job->queue.len > 0 ? job->queue : slice_of_text("default"));
    if (said->error != OK)
        put_problem(out, told);
    else
        out_put_text(out, "status", slice_of_text(answer_state(said->state)));
    if (said->replayed)
        answer_put_moment(out, "created_at", said->created_at);
    if (told->forecast != NULL)
        put_forecast(out, told);
    out_close(out);
}

void forecast_put_simulated(struct out *out, const struct msg_forecast *forecast,
                            const struct answer_result *simulated)
{
    static const char *const reasons[SIMULATIONS] = {
        [SIMULATION_LATE] = "late", [SIMULATION_GONE] = "gone", [SIMULATION_BUSY] = "busy"};
    bool is_ok = forecast->simulation == SIMULATION_OK;
    if (forecast->simulation == SIMULATION_NONE)
        return;
    if (reasons[forecast->simulation] != NULL) {
        out_put_text(out, "not_simulated", slice_of_text(reasons[forecast->simulation]));
        return;
    }
    out_name(out, slice_of_text("simulated"));
    out_open_object(out);
    out_put_bool(out, "ok", is_ok);
    if (is_ok)
        answer_put_result(out, forecast->simulated.content, simulated);
    else
        answer_put_failure(out, &forecast->failure);
    out_close(out);
}

void forecast_put_record(struct out *out, const struct forecast_record *record)
{
    out_open_object(out);
    out_put_unsigned(out, "line", record->line);
    if (record->is_alone)
        out_put_text(out, "not_simulated", slice_of_text("alone"));
    else
        forecast_put_simulated(out, record->forecast, &record->simulated);
    if (record->is_left_out)
        out_put_bool(out, "left_out", true);
    out_close(out);
}

void forecast_begin(struct out *out, const struct forecast_many *many)
{
    bool is_refused =
        many->rejected > 0 && (many->is_atomic || many->accepted + many->replayed == 0);
    out_open_object(out);
    put_verdict(out, is_refused ? "refused" : many->accepted > 0 ? "accepted" : "replayed");
    out_put_unsigned(out, "accepted", many->accepted);
    out_put_unsigned(out, "replayed", many->replayed);
    out_put_unsigned(out, "rejected", many->rejected);
}
