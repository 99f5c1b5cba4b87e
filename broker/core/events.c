// From an entry and the job it moved to a row of the timeline.

#include "broker/core/events.h"

#include "lib/base/check.h"

const struct ends events_ends = {.first = EVENTS_FIRST, .last = EVENTS_LAST};

bool events_are_due(const struct entry *entry, enum job_state from, enum job_event event)
{
    if (entry->actor.len > 0 || entry->reason.len > 0 || entry->kind == ENTRY_LEASE_END ||
        entry->kind == ENTRY_CANCEL || entry->kind == ENTRY_RETRY || entry->kind == ENTRY_RUN_NOW)
        return true;
    return entry->kind == ENTRY_FINISH && (event != JOB_SUCCEED || from != JOB_RUNNING);
}

static enum outcome outcome_of(const struct entry *entry)
{
    if (entry->kind == ENTRY_FINISH)
        return entry->finish.finish->outcome;
    if (entry->kind == ENTRY_LEASE_END && entry->lease_end.event == JOB_CANCEL)
        return OUTCOME_CANCELLED;
    if (entry->kind == ENTRY_LEASE_END && entry->lease_end.is_timeout)
        return OUTCOME_FAILED;
    if (entry->kind == ENTRY_LEASE_END)
        return entry->lease_end.is_crash ? OUTCOME_CRASHED : OUTCOME_INTERRUPTED;
    return OUTCOME_NONE;
}

// The end of a cancelled attempt burns nothing.
static bool burns(enum outcome outcome, enum job_event event)
{
    return event != JOB_CANCEL && (outcome == OUTCOME_FAILED || outcome == OUTCOME_DEAD ||
                                   outcome == OUTCOME_CRASHED || outcome == OUTCOME_CANCELLED);
}

// The counters have counted the attempt already. One that ended with its lease is told by that
// event; what comes late has none.
static uint32_t attempt_of(const struct past *past, enum outcome outcome, enum job_event event)
{
    if (outcome == OUTCOME_NONE || id_is_zero(&past->worker))
        return 0;
    return 1u + past->errors + past->crashes - burns(outcome, event);
}

void events_tell(const struct job *job, struct past *past, const struct entry *entry,
                 enum job_event event, struct effects *fx)
{
    enum outcome outcome = outcome_of(entry);
    bool is_attempt = outcome != OUTCOME_NONE || !id_is_zero(&past->worker);
    bool waits = job->state == JOB_RETRYING || job->state == JOB_SCHEDULED;
    CHECK_IMPLIES(entry->kind == ENTRY_LEASE_END, !id_is_zero(&past->worker));
    struct event_row row = {
        .seq = ++past->event_count,
        .version = job->version,
        .attempt = attempt_of(past, outcome, event),
        .at = entry->at,
        .granted_at = is_attempt ? past->granted_at : 0,
        .due_at = waits ? job->at : 0,
        .token = past->token,
        .worker = past->worker,
        .event = (uint8_t)event,
        .state = (uint8_t)job->state,
        .outcome = (uint8_t)outcome,
        .actor = entry->actor,
        .reason = entry->reason,
    };
    if (entry->kind == ENTRY_LEASE_END && outcome == OUTCOME_FAILED)
        row.kind = slice_of_text("timeout");
    if (entry->kind == ENTRY_LEASE_END && outcome == OUTCOME_CRASHED)
        row.kind = slice_of_text("lost");
    if (entry->kind == ENTRY_FINISH) {
        row.kind = entry->finish.finish->error_kind;
        row.message = entry->finish.finish->error_message;
        row.detail = entry->finish.finish->error_detail;
    }
    effects_write(fx, WRITE_EVENT)->event = (struct write_event){.job_no = job->no, .row = row};
}
