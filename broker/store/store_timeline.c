// A job's timeline and log as readers see them: the kept events between what the row tells, and what
// came of the attempts to tell of its end, which are the events of other jobs.

#include "broker/core/events.h"
#include "broker/core/job.h"
#include "broker/core/logs.h"
#include "broker/store/store_private.h"

static_assert(MSG_EVENTS_MAX >= 2 * (EVENTS_FIRST + EVENTS_LAST) + 3,
              "each event with its grant, the acceptance, the last grant and the end");
static_assert(STORE_EVENTS_ROOM >= MSG_EVENTS_MAX + 2 * (EVENTS_FIRST + EVENTS_LAST) + 3,
              "behind all that is told, all of one delivery");
static_assert(MSG_LOG_LINES_MAX >= LOGS_CHUNK_LINES * (LOGS_CHUNKS_FIRST + LOGS_CHUNKS_LAST),
              "all kept lines fit");

struct timeline {
    struct msg_timeline_event *events;
    const struct msg_timeline_event *end; // of the room
    uint32_t count;
    // The last grant that was told.
    uint64_t token;
    struct id worker;
    uint32_t attempt;
    enum job_state state; // after the last event
};

static struct msg_timeline_event *add(struct timeline *timeline, enum job_event event, when_ms at)
{
    CHECK(timeline->events + timeline->count < timeline->end);
    struct msg_timeline_event *added = &timeline->events[timeline->count++];
    // A later version may know other events; what happened to the state is told all the same.
    const char *name = (unsigned)event < JOB_EVENTS ? job_event_name(event) : "other";
    *added = (struct msg_timeline_event){.at = at, .event = slice_of_text(name)};
    return added;
}

// When the body is there it tells whether the job had to wait: for a time of its own, or for
// others. Whether these had all ended by then is not kept, and seldom so.
struct wait {
    when_ms due_at; // 0: no time of its own
    bool is_on;
};

static struct wait first_wait(struct store_view *view, const struct job_row *row)
{
    struct msg_submit_job body;
    if (store_view_body(view, row->no, &body) != OK)
        return (struct wait){0};
    when_ms due_at =
        body.run_at != 0 ? body.run_at : when_after(row->accepted_at, (when_ms)body.delay_ms);
    if (due_at <= row->accepted_at)
        due_at = 0;
    return (struct wait){.due_at = due_at, .is_on = due_at != 0 || body.after.count > 0};
}

static void add_acceptance(struct store_view *view, const struct job_row *row,
                           struct timeline *timeline)
{
    struct wait wait = first_wait(view, row);
    struct msg_timeline_event *event =
        add(timeline, wait.is_on ? JOB_SUBMIT_LATER : JOB_SUBMIT, row->accepted_at);
    event->state = wait.is_on ? JOB_SCHEDULED : JOB_QUEUED;
    event->version = 1;
    event->due_at = wait.due_at;
    timeline->state = event->state;
}

static void add_grant(struct timeline *timeline, const struct msg_timeline_event *grant)
{
    if (grant->token == 0 || grant->granted_at == 0 || grant->token == timeline->token)
        return;
    struct msg_timeline_event *event = add(timeline, JOB_GRANT, grant->granted_at);
    event->state = JOB_RUNNING;
    event->token = grant->token;
    event->worker_id = grant->worker_id;
    event->attempt = grant->attempt;
    timeline->token = grant->token;
    timeline->worker = grant->worker_id;
    timeline->attempt = grant->attempt;
    timeline->state = JOB_RUNNING;
}

static void add_event(struct timeline *timeline, const struct event_row *row)
{
    struct msg_timeline_event told = {.version = row->version,
                                      .state = (enum job_state)row->state,
                                      .token = row->token,
                                      .worker_id = row->worker,
                                      .granted_at = row->granted_at,
                                      .due_at = row->due_at,
                                      .attempt = row->attempt,
                                      .outcome = (enum outcome)row->outcome,
                                      .actor = row->actor,
                                      .reason = row->reason,
                                      .failure = {row->kind, row->message, row->detail}};
    add_grant(timeline, &told);
    // What comes late was ended by an event before, which knows who it was.
    bool is_late = told.outcome != OUTCOME_NONE && id_is_zero(&told.worker_id);
    if (is_late && told.token == timeline->token) {
        told.worker_id = timeline->worker;
        told.attempt = timeline->attempt;
    }
    struct msg_timeline_event *event = add(timeline, (enum job_event)row->event, row->at);
    told.at = event->at;
    told.event = event->event;
    *event = told;
    timeline->state = told.state;
}

// What was counted and is not there is as bad as what is broken.
static err judge(struct store_view *view, err e)
{
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) {
        atomic_fetch_add(&view->store->damaged, 1);
        return ERR_DAMAGED;
    }
    return e;
}

static err add_events(struct store_view *view, const struct job_row *row, struct timeline *timeline,
                      uint32_t *out_dropped)
{
    uint32_t kept = 0;
    uint32_t seq = ends_next(&events_ends, 0, row->event_count);
    for (; seq != 0; seq = ends_next(&events_ends, seq, row->event_count)) {
        struct history_key key = store_history_key(row->no, seq);
        struct slice record = {0};
        struct event_row event;
        err e = disk_get(view->reader, TABLE_TIMELINE, store_history_slice(&key), &record);
        if (e == OK)
            e = store_record_get_event(record, store_history_slice(&key), &event);
        if (e != OK)
            return judge(view, e);
        add_event(timeline, &event);
        kept++;
    }
    *out_dropped = row->event_count - kept;
    return OK;
}

static enum job_event end_of(enum job_state state)
{
    return state == JOB_SUCCEEDED ? JOB_SUCCEED : JOB_DIE;
}

// What the row tells that no event has told: the last grant, and success.
static void add_row(const struct job_row *row, struct timeline *timeline)
{
    const struct msg_timeline_event grant = {.token = row->token,
                                             .granted_at = row->granted_at,
                                             .worker_id = row->worker,
                                             .attempt = 1u + row->errors + row->crashes};
    add_grant(timeline, &grant);
    enum job_state state = (enum job_state)row->state;
    if (!job_is_done(state) || state == timeline->state)
        return;
    struct msg_timeline_event *event = add(timeline, end_of(state), row->ended_at);
    event->state = state;
    event->version = row->version;
    event->token = row->token;
    event->worker_id = row->worker;
    event->granted_at = row->granted_at;
    event->attempt = timeline->attempt;
    event->outcome = state == JOB_SUCCEEDED ? OUTCOME_SUCCEEDED : OUTCOME_NONE;
}

// --- what came of the attempts to tell of the end ---

struct tellings {
    struct store_view *view;
    struct timeline *timeline; // of the parent
    enum job_state state;      // of the parent
    uint32_t *dropped;
};

// By its time, behind those of the same.
static void insert(struct timeline *timeline, struct msg_timeline_event event)
{
    uint32_t at = timeline->count++;
    for (; at > 0 && timeline->events[at - 1].at > event.at; at--)
        timeline->events[at] = timeline->events[at - 1];
    timeline->events[at] = event;
}

static void tell(struct tellings *tellings, const struct id *delivery_id,
                 const struct msg_timeline_event *event)
{
    if (event->outcome == OUTCOME_NONE)
        return;
    if (tellings->timeline->count == MSG_EVENTS_MAX) {
        ++*tellings->dropped;
        return;
    }
    insert(tellings->timeline, (struct msg_timeline_event){.at = event->at,
                                                           .event = slice_of_text("deliver"),
                                                           .state = tellings->state,
                                                           .worker_id = event->worker_id,
                                                           .granted_at = event->granted_at,
                                                           .due_at = event->due_at,
                                                           .attempt = event->attempt,
                                                           .outcome = event->outcome,
                                                           .reason = event->reason,
                                                           .failure = event->failure,
                                                           .delivery_id = *delivery_id});
}

// Its own timeline is made behind that of the parent, which grows over what has been looked at.
static err add_delivery(void *ctx, const struct job_row *row, const struct lane_row *lane)
{
    (void)lane;
    struct tellings *tellings = ctx;
    struct timeline *timeline = tellings->timeline;
    struct timeline own = {.events = timeline->events + timeline->count, .end = timeline->end};
    uint32_t dropped = 0;
    err e = add_events(tellings->view, row, &own, &dropped);
    if (e != OK)
        return e;
    add_row(row, &own);
    *tellings->dropped += dropped;
    for (uint32_t i = 0; i < own.count; i++) {
        const struct msg_timeline_event event = own.events[i];
        tell(tellings, &row->id, &event);
    }
    return OK;
}

// These are told as the answer; other errors are the reader's.
static err settle(err e, err *out_told)
{
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_GONE && e != ERR_DAMAGED)
        return e;
    *out_told = e;
    return OK;
}

static err find(struct store_view *view, const struct id *id, struct job_row *out_row)
{
    err e = store_view_find(view, id, out_row);
    return e == OK && out_row->state == JOB_REMOVED ? ERR_GONE : e;
}

err store_view_timeline(struct store_view *view, const struct id *id,
                        struct msg_timeline_event *room, struct msg_timeline_is *out_timeline)
{
    struct job_row row;
    struct timeline timeline = {.events = room, .end = room + STORE_EVENTS_ROOM};
    struct msg_timeline_is is = {.job_id = *id};
    err e = find(view, id, &row);
    if (e == OK) {
        add_acceptance(view, &row, &timeline);
        e = add_events(view, &row, &timeline, &is.dropped);
    }
    if (e == OK) {
        struct tellings tellings = {.view = view,
                                    .timeline = &timeline,
                                    .state = (enum job_state)row.state,
                                    .dropped = &is.dropped};
        const struct store_told told = {
            .view = view, .of = row.id, .at = row.ended_at, .see = add_delivery, .ctx = &tellings};
        add_row(&row, &timeline);
        e = store_view_told_walk(&told);
    }
    if (e == OK) {
        is.version = row.version;
        is.state = (enum job_state)row.state;
        is.events = room;
        is.event_count = timeline.count;
    }
    e = settle(e, &is.error);
    if (e == OK)
        *out_timeline = is;
    return e;
}

// --- logs ---

static err add_chunk(struct store_view *view, const struct job_row *row, uint32_t chunk,
                     struct store_record_log *out_log)
{
    struct history_key key = store_history_key(row->no, chunk);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_LOGS, store_history_slice(&key), &record);
    if (e == OK)
        e = store_record_get_log(record, store_history_slice(&key), out_log);
    return judge(view, e);
}

static err add_lines(struct store_view *view, const struct job_row *row, uint32_t after,
                     struct msg_log_line *room, uint32_t *out_count)
{
    uint32_t chunks = row->log_count > 0 ? logs_chunk_of(row->log_count) : 0;
    uint32_t count = 0;
    uint32_t chunk = ends_next(&logs_ends, 0, chunks);
    for (; chunk != 0; chunk = ends_next(&logs_ends, chunk, chunks)) {
        if (logs_first_line(chunk + 1) <= after)
            continue;
        struct store_record_log log;
        err e = add_chunk(view, row, chunk, &log);
        if (e != OK)
            return e;
        struct msg_log_line line;
        while (store_record_next_line(&log, &line)) {
            if (line.seq > after && count < MSG_LOG_LINES_MAX)
                room[count++] = line;
        }
    }
    *out_count = count;
    return OK;
}

err store_view_log(struct store_view *view, const struct msg_log *question,
                   struct msg_log_line *room, struct msg_log_is *out_log)
{
    struct job_row row;
    struct msg_log_is is = {.job_id = question->job_id};
    err e = find(view, &question->job_id, &row);
    if (e == OK)
        e = add_lines(view, &row, question->after, room, &is.line_count);
    if (e == OK) {
        is.version = row.version;
        is.state = (enum job_state)row.state;
        is.count = row.log_count;
        is.lines = room;
    }
    e = settle(e, &is.error);
    if (e == OK)
        *out_log = is;
    return e;
}
