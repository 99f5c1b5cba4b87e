// Timelines: each attempt that ended otherwise than by success in time has exactly one event, with
// the words of its end; so has what somebody did. Nothing else has one.

#include "tests/sim/sim.h"

static const struct job_row *row_in(const struct sim *sim, const struct effects *fx, uint64_t no)
{
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == WRITE_JOB && fx->writes[i].job.row.no == no)
            return &fx->writes[i].job.row;
    return &sim->store.rows[no];
}

static bool moves(const struct entry *entry)
{
    return entry->kind != ENTRY_PROGRESS && entry->kind != ENTRY_LOG && entry->kind != ENTRY_PASS &&
           entry->kind != ENTRY_RELEASE &&
           !(entry->kind == ENTRY_CANCEL && entry->cancel.is_request);
}

// Was the job of entry `at` running before it?
static bool was_running(const struct sim *sim, const struct effects *fx, uint32_t at)
{
    const struct id *id = &fx->entries[at].job_id;
    while (at-- > 0) {
        const struct entry *before = &fx->entries[at];
        if (!moves(before) || !id_equal(&before->job_id, id))
            continue;
        return before->kind == ENTRY_GRANT;
    }
    const struct job_row *row = model_find(&sim->store, id);
    return row != NULL && row->state == JOB_RUNNING;
}

static bool is_to_be_told(const struct sim *sim, const struct effects *fx, uint32_t at)
{
    const struct entry *entry = &fx->entries[at];
    // What is removed has no timeline any more.
    if (entry->kind == ENTRY_REMOVE || entry->kind == ENTRY_FORGET)
        return false;
    if (entry->actor.len > 0 || entry->kind == ENTRY_LEASE_END || entry->kind == ENTRY_CANCEL ||
        entry->kind == ENTRY_RUN_NOW)
        return true;
    if (entry->kind != ENTRY_FINISH)
        return entry->reason.len > 0;
    return entry->finish.finish->outcome != OUTCOME_SUCCEEDED || !was_running(sim, fx, at);
}

static void check_finish(const struct msg_finish_job *finish, const struct event_row *row)
{
    SIM_EXPECT(row->outcome == finish->outcome && row->token == finish->token,
               "an event has the outcome and the token of its finish");
    SIM_EXPECT(slice_equal(row->kind, finish->error_kind) &&
                   slice_equal(row->message, finish->error_message) &&
                   slice_equal(row->detail, finish->error_detail),
               "an event has the error of its finish");
}

static void check_event(const struct entry *entry, const struct job_row *job,
                        const struct event_row *row)
{
    SIM_EXPECT(id_equal(&job->id, &entry->job_id), "an event is of the job that it happened to");
    SIM_EXPECT(row->at == entry->at && row->version <= job->version,
               "an event has the time and the version of what happened");
    SIM_EXPECT(slice_equal(row->actor, entry->actor) && slice_equal(row->reason, entry->reason),
               "an event says who did it and why");
    SIM_EXPECT(row->token <= job->token, "an event has a token that was granted");
    if (entry->kind == ENTRY_FINISH)
        check_finish(entry->finish.finish, row);
    if (entry->kind != ENTRY_LEASE_END)
        return;
    enum outcome outcome = entry->lease_end.is_crash ? OUTCOME_CRASHED : OUTCOME_INTERRUPTED;
    if (entry->lease_end.is_timeout)
        outcome = OUTCOME_FAILED;
    if (entry->lease_end.event == JOB_CANCEL)
        outcome = OUTCOME_CANCELLED;
    SIM_EXPECT(row->outcome == outcome,
               "the end of a lease is a crash, an interruption or a cancel");
    SIM_EXPECT(!id_is_zero(&row->worker) && row->reason.len > 0,
               "the end of a lease is told with the worker and the reason");
}

static const struct write_event *next_event(const struct effects *fx, uint32_t *at)
{
    while (*at < fx->write_count) {
        const struct write *write = &fx->writes[(*at)++];
        if (write->kind == WRITE_EVENT)
            return &write->event;
    }
    return NULL;
}

void watch_history(const struct sim *sim, const struct effects *fx)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < fx->entry_count; i++) {
        if (i > 0 && fx->entries[i].kind == ENTRY_FINISH && fx->entries[i - 1].kind == ENTRY_LOG)
            watch_seen(SEEN_LOG_FINISH);
        if (!is_to_be_told(sim, fx, i))
            continue;
        const struct write_event *event = next_event(fx, &at);
        SIM_EXPECT(event != NULL, "each end of an attempt but success in time has its event");
        check_event(&fx->entries[i], row_in(sim, fx, event->job_no), &event->row);
    }
    SIM_EXPECT(next_event(fx, &at) == NULL, "plain success has no event");
}
