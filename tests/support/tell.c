// Effects of the broker's core as text.

#include "tests/support/tell.h"

#include "broker/core/job.h"
#include "broker/core/simulations.h"
#include "lib/base/check.h"

#include <stdarg.h>
#include <stdio.h>

void tell_text(struct tell *tell, const char *form, ...)
{
    va_list rest;
    va_start(rest, form);
    size_t left = tell->cap - tell->len;
    int len = vsnprintf(tell->text + tell->len, left, form, rest);
    va_end(rest);
    CHECK(len >= 0 && (size_t)len < left);
    tell->len += (size_t)len;
}

static unsigned number_of(const struct tell *tell, const struct id *id)
{
    return tell->number_of(tell->ctx, id);
}

static unsigned epoch_of(uint64_t token)
{
    return (unsigned)(token >> 40);
}

static unsigned counter_of(uint64_t token)
{
    return (unsigned)(token & 0xffffffffffu);
}

// --- writes ---

static void tell_job(struct tell *tell, const char *verb, const struct job_row *row)
{
    tell_text(tell, "%s %u %s v%u", verb, number_of(tell, &row->id), job_state_name(row->state),
              row->version);
    if (row->errors + row->crashes + row->interruptions > 0)
        tell_text(tell, " e%u c%u i%u", row->errors, row->crashes, row->interruptions);
    if (row->state == JOB_SCHEDULED || row->state == JOB_RETRYING)
        tell_text(tell, " due %lld", (long long)(row->due_at - tell->epoch));
}

static void tell_batch(struct tell *tell, const struct batch_row *row)
{
    tell_text(tell, "batch %u v%u:", number_of(tell, &row->id), row->version);
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (row->counts[state] > 0)
            tell_text(tell, " %u %s", row->counts[state], job_state_name(state));
    if (row->sealed_at != 0)
        tell_text(tell, " sealed");
    if (row->finished_at != 0)
        tell_text(tell, " finished %lld", (long long)(row->finished_at - tell->epoch));
}

static void tell_slice(struct tell *tell, const char *name, struct slice text)
{
    if (text.len > 0)
        tell_text(tell, " %s \"%.*s\"", name, (int)text.len, (const char *)text.data);
}

static void tell_event(struct tell *tell, const struct write_event *event)
{
    const struct event_row *row = &event->row;
    tell_text(tell, "event %u of no %u: %s %s v%u", row->seq, (unsigned)event->job_no,
              job_event_name(row->event), job_state_name(row->state), row->version);
    if (row->token != 0)
        tell_text(tell, " token %u.%u", epoch_of(row->token), counter_of(row->token));
    if (row->outcome != OUTCOME_NONE)
        tell_text(tell, " outcome %u attempt %u since %lld", row->outcome, row->attempt,
                  (long long)(row->granted_at - tell->epoch));
    if (row->due_at != 0)
        tell_text(tell, " due %lld", (long long)(row->due_at - tell->epoch));
    tell_slice(tell, "actor", row->actor);
    tell_slice(tell, "reason", row->reason);
    tell_slice(tell, "kind", row->kind);
}

static void tell_unique(struct tell *tell, const char *verb, const struct unique_row *row)
{
    tell_text(tell, "%s unique key %u of %u", verb, row->hash.bytes[15],
              number_of(tell, &row->job_id));
    if (row->until > 0)
        tell_text(tell, " until %lld", (long long)(row->until - tell->epoch));
    if (row->waits_end)
        tell_text(tell, " while unfinished");
}

static void tell_schedule(struct tell *tell, const char *verb, const struct schedule_row *row)
{
    const struct msg_schedule_state *state = &row->state;
    tell_text(tell, "%s schedule %.*s g%u%s", verb, (int)row->name.len,
              (const char *)row->name.data, state->generation, row->is_paused ? " paused" : "");
    if (state->last_at != 0)
        tell_text(tell, " last %lld", (long long)(state->last_at - tell->epoch));
    if (state->held_at != 0)
        tell_text(tell, " held %lld", (long long)(state->held_at - tell->epoch));
    tell_text(tell, " fired %u skipped %u", (unsigned)state->fired_count,
              (unsigned)state->skipped_count);
}

static void tell_dep(struct tell *tell, const struct dep_row *row)
{
    tell_text(tell, "%u waits for", number_of(tell, &row->job_id));
    for (uint32_t i = 0; i < row->parents.count; i++)
        tell_text(tell, " %u", number_of(tell, &row->parents.items[i]));
    tell_text(tell, row->on_failure == ON_FAILURE_CANCEL ? " or is cancelled" : "");
}

static void tell_queue(struct tell *tell, struct slice name, const uint64_t counts[JOB_STATES])
{
    tell_text(tell, "queue %.*s:", (int)name.len, (const char *)name.data);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        if (counts[state] > 0)
            tell_text(tell, " %s %u", job_state_name((enum job_state)state),
                      (unsigned)counts[state]);
}

static const char *direction_name(unsigned direction)
{
    static const char *const names[] = {"nothing", "in", "out", "in and out"};
    return names[direction];
}

static void tell_settings(struct tell *tell, const struct msg_queue_settings *settings)
{
    if (settings->weight > 0)
        tell_text(tell, " weight %u", settings->weight);
    if (settings->open_max > 0)
        tell_text(tell, " open_max %u", settings->open_max);
    if (settings->running_max > 0)
        tell_text(tell, " running_max %u", settings->running_max);
    if (settings->key_running_max > 0)
        tell_text(tell, " key_running_max %u", settings->key_running_max);
    if (settings->rate.count > 0)
        tell_text(tell, " rate %u/%u ms", settings->rate.count, settings->rate.per_ms);
    if (settings->key_rate.count > 0)
        tell_text(tell, " key_rate %u/%u ms", settings->key_rate.count, settings->key_rate.per_ms);
}

static void tell_operation(struct tell *tell, const struct operation_row *row)
{
    tell_text(tell, "write operation %02x: up to %u of %u, matched %u done %u%s", row->id.bytes[15],
              (unsigned)row->cursor, (unsigned)row->upto, (unsigned)row->matched,
              (unsigned)row->done,
              row->ended_at == 0 ? ""
              : row->cursor > 0  ? " cancelled"
                                 : " over");
    if (row->rate > 0)
        tell_text(tell, " at %u/s", row->rate);
}

static void tell_endpoint(struct tell *tell, const char *what, const struct endpoint_row *row)
{
    tell_text(tell, "%s endpoint %.*s at %u%s", what, (int)row->given.webhook_id.len,
              (const char *)row->given.webhook_id.data, row->place,
              row->is_disabled ? " disabled" : "");
}

static void tell_endpoint_is(struct tell *tell, const struct msg_webhook_status_is *is)
{
    tell_text(tell, "webhook %s", err_slug(is->error));
    if (is->error != OK)
        tell_text(tell, " (%.*s)", (int)is->detail.len, (const char *)is->detail.data);
    for (uint32_t i = 0; i < is->count; i++)
        tell_text(tell, " %.*s generation %u%s%s", (int)is->webhooks[i].given.webhook_id.len,
                  (const char *)is->webhooks[i].given.webhook_id.data, is->webhooks[i].generation,
                  is->webhooks[i].disabled ? " disabled" : "", is->signs ? " signs" : "");
}

static void tell_queue_row(struct tell *tell, const struct queue_row *row)
{
    tell_queue(tell, row->queue, row->counts);
    tell_settings(tell, &row->settings);
    if (row->paused != 0)
        tell_text(tell, " paused %s", direction_name(row->paused));
}

void tell_write(struct tell *tell, const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB: tell_job(tell, "write", &write->job.row); break;
    case WRITE_BODY: tell_text(tell, "body of no %u", (unsigned)write->body.job_no); break;
    case WRITE_OUTCOME:
        tell_text(tell, "outcome %u of no %u", (unsigned)write->outcome.finish->outcome,
                  (unsigned)write->outcome.job_no);
        break;
    case WRITE_PROGRESS:
        tell_text(tell, "progress %u of no %u", (unsigned)write->progress.progress->done,
                  (unsigned)write->progress.job_no);
        break;
    case WRITE_EVENT: tell_event(tell, &write->event); break;
    case WRITE_LOG:
        tell_text(tell, "log of no %u: lines %u to %u", (unsigned)write->log.job_no,
                  write->log.first, write->log.first + write->log.count - 1);
        break;
    case DROP_LANE: tell_text(tell, "drop "); // fall through
    case WRITE_LANE:
        tell_text(tell, "lane %u %.*s/%.*s", write->lane.no, (int)write->lane.queue.len,
                  (const char *)write->lane.queue.data, (int)write->lane.type.len,
                  (const char *)write->lane.type.data);
        break;
    case WRITE_TYPE:
        tell_text(tell, "type %.*s attempts %u", (int)write->type.type.len,
                  (const char *)write->type.type.data, write->type.defaults.max_attempts);
        break;
    case DROP_QUEUE:
        tell_text(tell, "drop queue %.*s", (int)write->queue.queue.len,
                  (const char *)write->queue.queue.data);
        break;
    case WRITE_QUEUE: tell_queue_row(tell, &write->queue); break;
    case WRITE_POLICY: tell_text(tell, "policy %u", write->policy.no); break;
    case WRITE_BATCH: tell_batch(tell, &write->batch); break;
    case DROP_BATCH:
        tell_text(tell, "drop ");
        tell_batch(tell, &write->batch);
        break;
    case WRITE_LEDGER:
        tell_text(tell, "ledger epoch %u next %u", write->ledger.epoch,
                  (unsigned)write->ledger.job_no_next);
        break;
    case DROP_BODY: tell_text(tell, "drop body of %u", number_of(tell, &write->drop.id)); break;
    case DROP_JOB: tell_job(tell, "forget", &write->drop); break;
    case WRITE_UNIQUE: tell_unique(tell, "hold", &write->unique); break;
    case DROP_UNIQUE: tell_unique(tell, "give back", &write->unique); break;
    case WRITE_SCHEDULE: tell_schedule(tell, "write", &write->schedule.row); break;
    case DROP_SCHEDULE: tell_schedule(tell, "drop", &write->schedule.row); break;
    case WRITE_OPERATION: tell_operation(tell, &write->operation); break;
    case DROP_OPERATION:
        tell_text(tell, "drop operation %02x", write->operation.id.bytes[15]);
        break;
    case WRITE_ENDPOINT: tell_endpoint(tell, "write", &write->endpoint); break;
    case DROP_ENDPOINT: tell_endpoint(tell, "drop", &write->endpoint); break;
    case WRITE_DEP: tell_dep(tell, &write->dep); break;
    case DROP_DEP: tell_text(tell, "%u waits no more", number_of(tell, &write->dep.job_id)); break;
    }
}

// --- sends ---

static void tell_held(struct tell *tell, const char *word, const struct msg_held_list *lost)
{
    for (uint32_t i = 0; i < lost->count; i++)
        tell_text(tell, "%s %u@%u.%u", i == 0 ? word : "", number_of(tell, &lost->items[i].job_id),
                  epoch_of(lost->items[i].token), counter_of(lost->items[i].token));
}

static void tell_forecast(struct tell *tell, const struct msg_forecast *forecast)
{
    tell_text(tell, " forecast due %lld waits %u ahead %u paused %u left %llu",
              (long long)(forecast->due_at - tell->epoch), (unsigned)forecast->waiting_on,
              forecast->ahead, (unsigned)forecast->paused, (unsigned long long)forecast->open_left);
    if (forecast->quota_left > 0)
        tell_text(tell, " quota %llu", (unsigned long long)forecast->quota_left);
    if (forecast->starts_at != 0 && forecast->starts_at != forecast->due_at)
        tell_text(tell, " starts %lld", (long long)(forecast->starts_at - tell->epoch));
    tell_text(tell, " attempts %u", forecast->course.max_attempts);
    static const char *const words[SIMULATIONS] = {"", " ok", " failed", " late", " gone", " busy"};
    tell_text(tell, "%s", words[forecast->simulation]);
    if (forecast->simulated.bytes.len > 0)
        tell_text(tell, " (%.*s)", (int)forecast->simulated.bytes.len,
                  (const char *)forecast->simulated.bytes.data);
    if (forecast->failure.message.len > 0)
        tell_text(tell, " (%.*s)", (int)forecast->failure.message.len,
                  (const char *)forecast->failure.message.data);
}

static void tell_submitted(struct tell *tell, const struct msg_submitted *submitted)
{
    for (uint32_t i = 0; i < submitted->count; i++) {
        const struct msg_submitted_job *job = &submitted->jobs[i];
        tell_text(tell, "%s %u ", i == 0 ? "submitted" : ",", number_of(tell, &job->job_id));
        if (job->error != OK && job->detail.len > 0)
            tell_text(tell, "%s (%.*s)", err_slug(job->error), (int)job->detail.len,
                      (const char *)job->detail.data);
        else if (job->error != OK)
            tell_text(tell, "%s", err_slug(job->error));
        else
            tell_text(tell, "%s%s", job->replayed ? "replayed " : "", job_state_name(job->state));
    }
    for (uint32_t i = 0; i < submitted->forecast_count; i++)
        tell_forecast(tell, &submitted->forecasts[i]);
}

static void tell_finished(struct tell *tell, const struct msg_finished *finished)
{
    for (uint32_t i = 0; i < finished->count; i++)
        tell_text(tell, "%s %u %s", i == 0 ? "finished" : ",",
                  number_of(tell, &finished->jobs[i].job_id), err_slug(finished->jobs[i].error));
}

static const char *drain_name(enum drain drain)
{
    return drain == DRAIN_STOP ? "stop" : "quiet";
}

static void tell_acted(struct tell *tell, const struct msg_acted *acted)
{
    static const char *const cancels[] = {"", " requested", " acknowledged", " forced"};
    if (acted->error != OK)
        tell_text(tell, "acted %s (%.*s)", err_slug(acted->error), (int)acted->detail.len,
                  (const char *)acted->detail.data);
    else if (acted->drain != DRAIN_NONE)
        tell_text(tell, "acted %s", drain_name(acted->drain));
    else if (acted->state == JOB_NONE)
        tell_text(tell, "acted paused %s", direction_name(acted->paused));
    else
        tell_text(tell, "acted %s v%u%s", job_state_name(acted->state), acted->version,
                  cancels[acted->cancel]);
}

static void tell_schedule_is(struct tell *tell, const struct msg_schedule_status_is *is)
{
    tell_text(tell, "schedule %.*s ", (int)is->given.schedule_id.len,
              (const char *)is->given.schedule_id.data);
    if (is->error == OK)
        tell_text(tell, "g%u", is->is.generation);
    else
        tell_text(tell, "%s (%.*s)", err_slug(is->error), (int)is->detail.len,
                  (const char *)is->detail.data);
}

static void tell_batch_is(struct tell *tell, const struct msg_batch_status_is *is)
{
    tell_text(tell, "batch %u ", number_of(tell, &is->batch_id));
    if (is->error == OK)
        tell_text(tell, "v%u%s%s", is->version, is->is_sealed ? " sealed" : "",
                  is->finished_at != 0 ? " finished" : "");
    else
        tell_text(tell, "%s", err_slug(is->error));
}

static void tell_queue_is(struct tell *tell, const struct msg_queue_status_is *is)
{
    if (is->error != OK)
        tell_text(tell, "queue %s (%.*s)", err_slug(is->error), (int)is->detail.len,
                  (const char *)is->detail.data);
    for (uint32_t i = 0; i < is->count; i++) {
        tell_queue(tell, is->queues[i].queue, is->queues[i].counts);
        tell_settings(tell, &is->queues[i].settings);
        if (is->queues[i].paused != DIRECTION_NONE)
            tell_text(tell, " paused %s", direction_name(is->queues[i].paused));
    }
}

static void tell_operation_is(struct tell *tell, const struct msg_operation_is *is)
{
    if (is->error != OK)
        tell_text(tell, "operation %s (%.*s)", err_slug(is->error), (int)is->detail.len,
                  (const char *)is->detail.data);
    else
        tell_text(tell, "operation %02x v%u up to %u of %u%s", is->operation_id.bytes[15],
                  is->version, (unsigned)is->cursor, (unsigned)is->upto,
                  !is->is_over     ? ""
                  : is->cursor > 0 ? " cancelled"
                                   : " over");
    if (is->rate > 0)
        tell_text(tell, " at %u/s", is->rate);
}

static void tell_listed(struct tell *tell, const struct msg_worker_listed *listed)
{
    tell_text(tell, "workers");
    for (uint32_t i = 0; i < listed->count; i++) {
        const struct msg_worker_line *line = &listed->workers[i];
        tell_text(tell, " [%.*s %u/%u%s%s%s%s", (int)line->name.len, (const char *)line->name.data,
                  line->running, line->slots, line->connected ? "" : " away",
                  line->quiet ? " quiet" : "", line->drain != DRAIN_NONE ? " told " : "",
                  line->drain != DRAIN_NONE ? drain_name(line->drain) : "");
        tell_text(tell, " %.*s of %.*s]", (int)line->types.len, (const char *)line->types.data,
                  (int)line->queues.len, (const char *)line->queues.data);
    }
    if (listed->cursor != 0)
        tell_text(tell, " and more");
}

void tell_msg(struct tell *tell, const struct msg *msg)
{
    if (msg->kind == MSG_WELCOME) {
        tell_text(tell, "welcome epoch %u", msg->welcome.epoch);
        tell_held(tell, " lost", &msg->welcome.lost);
    } else if (msg->kind == MSG_RENEWED) {
        tell_text(tell, "renewed");
        tell_held(tell, " lost", &msg->renewed.lost);
        tell_held(tell, " cancel", &msg->renewed.cancel);
        if (msg->renewed.drain != DRAIN_NONE)
            tell_text(tell, " %s", drain_name(msg->renewed.drain));
    } else if (msg->kind == MSG_SIMULATE) {
        tell_text(tell, "simulate #%llu %u timeout %u wait %u",
                  (unsigned long long)(msg->corr - SIMULATIONS_NO_BASE),
                  number_of(tell, &msg->simulate.jobs->job_id), msg->simulate.jobs->timeout_ms,
                  msg->simulate.wait_ms);
    } else if (msg->kind == MSG_SUBMITTED) {
        tell_submitted(tell, &msg->submitted);
    } else if (msg->kind == MSG_ACTED) {
        tell_acted(tell, &msg->acted);
    } else if (msg->kind == MSG_FINISHED) {
        tell_finished(tell, &msg->finished);
    } else if (msg->kind == MSG_WORKER_LISTED) {
        tell_listed(tell, &msg->worker_listed);
    } else if (msg->kind == MSG_TYPE_STATUS_IS) {
        if (msg->type_status_is.error != OK)
            tell_text(tell, "type %s (%.*s)", err_slug(msg->type_status_is.error),
                      (int)msg->type_status_is.detail.len,
                      (const char *)msg->type_status_is.detail.data);
        for (uint32_t i = 0; i < msg->type_status_is.count; i++)
            tell_text(tell, "type %.*s attempts %u", (int)msg->type_status_is.types[i].type.len,
                      (const char *)msg->type_status_is.types[i].type.data,
                      msg->type_status_is.types[i].defaults.max_attempts);
    } else if (msg->kind == MSG_QUEUE_STATUS_IS) {
        tell_queue_is(tell, &msg->queue_status_is);
    } else if (msg->kind == MSG_SCHEDULE_STATUS_IS) {
        tell_schedule_is(tell, &msg->schedule_status_is);
    } else if (msg->kind == MSG_WEBHOOK_STATUS_IS) {
        tell_endpoint_is(tell, &msg->webhook_status_is);
    } else if (msg->kind == MSG_BATCH_STATUS_IS) {
        tell_batch_is(tell, &msg->batch_status_is);
    } else if (msg->kind == MSG_OPERATION_IS) {
        tell_operation_is(tell, &msg->operation_is);
    } else {
        CHECK(msg->kind == MSG_ERROR);
        tell_text(tell, "error %s (%.*s)", err_slug(msg->error.error), (int)msg->error.detail.len,
                  (const char *)msg->error.detail.data);
    }
}

void tell_send(struct tell *tell, const struct send *send)
{
    tell_text(tell, "send ");
    tell->peer(tell, send->peer);
    tell_text(tell, ": ");
    tell_msg(tell, &send->msg);
}

void tell_grant(struct tell *tell, const struct grant_send *grant)
{
    tell_text(tell, "job %u to ", number_of(tell, &grant->job.job_id));
    tell->peer(tell, grant->peer);
    tell_text(tell, " token %u.%u attempt %u", epoch_of(grant->job.token),
              counter_of(grant->job.token), grant->job.attempt);
}
