// The table of moves. docs/life-of-a-job.md draws the same table; a test compares them.

#include "broker/core/job.h"

static_assert(sizeof(struct job) == 64, "docs/limits.md states the cost of a job");

// JOB_NONE (0) where there is no edge: no move leads back to nothing.
static const uint8_t job_next[JOB_STATES][JOB_EVENTS] = {
    [JOB_NONE] = {[JOB_SUBMIT] = JOB_QUEUED, [JOB_SUBMIT_LATER] = JOB_SCHEDULED},
    [JOB_SCHEDULED] = {[JOB_DUE] = JOB_QUEUED,
                       [JOB_CANCEL] = JOB_CANCELLED,
                       [JOB_EXPIRE] = JOB_EXPIRED,
                       [JOB_RUN_NOW] = JOB_QUEUED},
    [JOB_QUEUED] = {[JOB_GRANT] = JOB_RUNNING,
                    [JOB_SUCCEED] = JOB_SUCCEEDED,
                    [JOB_DIE] = JOB_DEAD,
                    [JOB_REPORT] = JOB_QUEUED,
                    [JOB_CANCEL] = JOB_CANCELLED,
                    [JOB_EXPIRE] = JOB_EXPIRED},
    [JOB_RUNNING] = {[JOB_SUCCEED] = JOB_SUCCEEDED,
                     [JOB_FAIL] = JOB_RETRYING,
                     [JOB_DIE] = JOB_DEAD,
                     [JOB_RETURN] = JOB_QUEUED,
                     [JOB_SNOOZE] = JOB_SCHEDULED,
                     [JOB_CANCEL] = JOB_CANCELLED},
    [JOB_RETRYING] = {[JOB_DUE] = JOB_QUEUED,
                      [JOB_SUCCEED] = JOB_SUCCEEDED,
                      [JOB_DIE] = JOB_DEAD,
                      [JOB_REPORT] = JOB_RETRYING,
                      [JOB_CANCEL] = JOB_CANCELLED,
                      [JOB_RUN_NOW] = JOB_QUEUED},
    [JOB_SUCCEEDED] = {[JOB_REMOVE] = JOB_REMOVED},
    [JOB_DEAD] = {[JOB_REMOVE] = JOB_REMOVED, [JOB_RETRY] = JOB_QUEUED},
    [JOB_CANCELLED] = {[JOB_REMOVE] = JOB_REMOVED},
    [JOB_EXPIRED] = {[JOB_REMOVE] = JOB_REMOVED},
};

bool job_may(enum job_state state, enum job_event event)
{
    return job_next[state][event] != JOB_NONE;
}

enum job_state job_after(enum job_state state, enum job_event event)
{
    CHECK(job_may(state, event));
    return job_next[state][event];
}

void job_move(struct job *job, enum job_event event)
{
    job->state = job_after(job->state, event) & 15u;
    job->version++;
}

bool job_is_done(enum job_state state)
{
    switch (state) {
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED:
    case JOB_REMOVED: return true;
    case JOB_NONE:
    case JOB_SCHEDULED:
    case JOB_QUEUED:
    case JOB_RUNNING:
    case JOB_RETRYING: return false;
    }
    UNREACHABLE();
}

const char *job_event_name(enum job_event event)
{
    static const char *const names[JOB_EVENTS] = {
        [JOB_SUBMIT] = "submit",   [JOB_SUBMIT_LATER] = "submit_later",
        [JOB_DUE] = "due",         [JOB_GRANT] = "grant",
        [JOB_FAIL] = "fail",       [JOB_SUCCEED] = "succeed",
        [JOB_DIE] = "die",         [JOB_RETURN] = "return",
        [JOB_SNOOZE] = "snooze",   [JOB_REPORT] = "report",
        [JOB_REMOVE] = "remove",   [JOB_CANCEL] = "cancel",
        [JOB_EXPIRE] = "expire",   [JOB_RETRY] = "retry",
        [JOB_RUN_NOW] = "run_now",
    };
    CHECK((unsigned)event < JOB_EVENTS && names[event] != NULL);
    return names[event];
}

const char *job_state_name(enum job_state state)
{
    static const char *const names[JOB_STATES] = {
        [JOB_NONE] = "none",       [JOB_SCHEDULED] = "scheduled", [JOB_QUEUED] = "queued",
        [JOB_RUNNING] = "running", [JOB_RETRYING] = "retrying",   [JOB_SUCCEEDED] = "succeeded",
        [JOB_DEAD] = "dead",       [JOB_CANCELLED] = "cancelled", [JOB_EXPIRED] = "expired",
        [JOB_REMOVED] = "removed",
    };
    CHECK((unsigned)state < JOB_STATES);
    return names[state];
}
