// Answers first, then jobs grouped by worker, then whoever watches.

#include "broker/shell/release.h"

#include "broker/core/job.h"
#include "broker/core/operations.h"
#include "broker/shell/events.h"
#include "broker/shell/intake.h"
#include "broker/shell/intent.h"
#include "broker/shell/publish.h"
#include "lib/base/check.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"

#define VERSION_TEXT "weft 0.1"

enum {
    JOBS_PER_MESSAGE = 256,
    INTENTS_PER_MESSAGE = 64,
    JOBS_BYTES = 1024 * 1024, // of payloads in one message, passed by one job at most
    TOLD_PER_SECOND = 10,     // lines about failed jobs
};

// Numbers are places in effects.grants plus one, so that zeroed memory means none.
struct release_room {
    uint32_t *next;  // by grant: the next one of the same worker
    uint32_t *first; // by peer
    uint32_t *last;  // by peer
    uint32_t *peers; // those that get jobs, in order of their first one
    uint32_t peer_count;
    struct msg_job jobs[JOBS_PER_MESSAGE];
    uint8_t intents[INTENTS_PER_MESSAGE][MSG_INTENT_LEN_MAX];
};

struct release_room *release_room_new(const struct limits *limits)
{
    struct release_room *room = calloc(1, sizeof *room);
    if (room == NULL)
        return NULL;
    room->next = calloc(limits->changed_count_max, sizeof *room->next);
    room->first = calloc(limits->peer_count_max, sizeof *room->first);
    room->last = calloc(limits->peer_count_max, sizeof *room->last);
    room->peers = calloc(limits->peer_count_max, sizeof *room->peers);
    if (room->next == NULL || room->first == NULL || room->last == NULL || room->peers == NULL) {
        release_room_free(room);
        return NULL;
    }
    return room;
}

void release_room_free(struct release_room *room)
{
    if (room == NULL)
        return;
    free(room->peers);
    free(room->last);
    free(room->first);
    free(room->next);
    free(room);
}

// --- answers ---

static void complete_welcome(const struct broker *broker, struct msg_welcome *welcome)
{
    welcome->broker = slice_of_text(VERSION_TEXT);
    welcome->lineage = store_lineage(broker->store);
    welcome->message_bytes_max = MSG_BYTES_MAX;
    welcome->jobs_per_message_max = MSG_JOBS_MAX;
}

static void send_answers(struct broker *broker, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->effects.send_count; i++) {
        struct send *send = &batch->effects.sends[i];
        if (send->msg.kind == MSG_WELCOME)
            complete_welcome(broker, &send->msg.welcome);
        bool is_sent = broker_send(broker, send->peer, &send->msg);
        // Others will be asked for again. Whoever asked for this one hears that the worker is gone.
        if (!is_sent && send->msg.kind == MSG_SIMULATE)
            peers_leave(broker->peers, send->peer);
    }
}

// --- jobs ---

static void sort_grants(struct release_room *room, const struct effects *effects)
{
    for (uint32_t i = 0; i < effects->grant_count; i++) {
        uint32_t peer = effects->grants[i].peer;
        room->next[i] = 0;
        if (room->first[peer] == 0) {
            room->first[peer] = i + 1;
            room->peers[room->peer_count++] = peer;
        } else {
            room->next[room->last[peer] - 1] = i + 1;
        }
        room->last[peer] = i + 1;
    }
}

// The body of a job from an earlier batch comes from the store. False when it cannot be had: the
// job is not sent, and its lease ends.
static bool complete_job(struct broker *broker, struct grant_send *grant)
{
    if (grant->has_body)
        return true;
    struct msg_submit_job stored;
    err e = store_view_body(broker_view(broker), grant->job_no, &stored);
    if (e != OK) {
        char text[ID_TEXT_LEN + 1];
        id_to_text(&grant->job.job_id, text);
        log_error("job.body_unreadable", "job=%s error=%s", text, err_slug(e));
        return false;
    }
    grant->job.payload = stored.payload;
    grant->job.traceparent = stored.traceparent;
    grant->job.after = stored.after;
    grant->job.labels = stored.labels;
    return true;
}

// These never left: they are given to somebody else as soon as the core hears of it.
static void keep_unsent(struct broker *broker, uint32_t count)
{
    for (uint32_t i = 0; i < count && broker->unsent_count < BROKER_UNSENT_MAX; i++)
        broker->unsent[broker->unsent_count++] = (struct msg_held){
            .job_id = broker->room->jobs[i].job_id, .token = broker->room->jobs[i].token};
}

static void send_jobs(struct broker *broker, uint32_t peer, uint32_t count)
{
    if (count == 0)
        return;
    struct msg msg = {.kind = MSG_JOBS, .jobs = {.jobs = broker->room->jobs, .count = count}};
    if (broker_send(broker, peer, &msg)) {
        broker->counters.jobs_sent += count;
        return;
    }
    // A connection that takes nothing more must not be given the same jobs again.
    peers_leave(broker->peers, peer);
    keep_unsent(broker, count);
}

static void send_jobs_of(struct broker *broker, struct effects *effects, uint32_t peer)
{
    struct release_room *room = broker->room;
    uint32_t count = 0;
    size_t bytes = 0;
    for (uint32_t at = room->first[peer]; at != 0; at = room->next[at - 1]) {
        struct grant_send *grant = &effects->grants[at - 1];
        if (!complete_job(broker, grant))
            continue;
        bool is_delivery = msg_hook_is_reserved(grant->job.queue);
        if (is_delivery)
            intent_give(broker_view(broker), broker->now.store, room->intents[count], &grant->job);
        room->jobs[count++] = grant->job;
        bytes += grant->job.payload.bytes.len + grant->job.labels.len;
        if (count == JOBS_PER_MESSAGE || (is_delivery && count == INTENTS_PER_MESSAGE) ||
            bytes >= JOBS_BYTES) {
            send_jobs(broker, peer, count);
            count = 0;
            bytes = 0;
        }
    }
    send_jobs(broker, peer, count);
    room->first[peer] = 0;
}

static void send_grants(struct broker *broker, struct effects *effects)
{
    struct release_room *room = broker->room;
    sort_grants(room, effects);
    for (uint32_t i = 0; i < room->peer_count; i++)
        send_jobs_of(broker, effects, room->peers[i]);
    room->peer_count = 0;
}

// --- who watches ---

static bool may_tell(struct broker *broker)
{
    if (broker->now.mono - broker->told_at >= 1000) {
        if (broker->told_count > TOLD_PER_SECOND)
            log_info("job.lines_dropped", "count=%u", broker->told_count - TOLD_PER_SECOND);
        broker->told_at = broker->now.mono;
        broker->told_count = 0;
    }
    return ++broker->told_count <= TOLD_PER_SECOND;
}

// One line per transition for whoever looks closely; else one for each job that died, and not too
// many of them.
static void log_job(struct broker *broker, const struct job_row *row)
{
    bool is_dead = row->state == JOB_DEAD;
    if (!log_is_on(LOG_LEVEL_DEBUG) && (!is_dead || !may_tell(broker)))
        return;
    char text[ID_TEXT_LEN + 1];
    id_to_text(&row->id, text);
    char event[32];
    (void)snprintf(event, sizeof event, "job.%s", job_state_name((enum job_state)row->state));
    log_line(is_dead ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, event,
             "job=%s version=%u token=%llu errors=%u crashes=%u interruptions=%u", text,
             row->version, (unsigned long long)row->token, row->errors, row->crashes,
             row->interruptions);
}

// Somebody's hand on many jobs is worth a line when it begins and when it is over,
// or somebody else's ends it.
static void log_operation(const struct operation_row *row)
{
    bool is_over = operations_is_over(row);
    if (row->version > 1 && !is_over)
        return;
    char text[ID_TEXT_LEN + 1];
    id_to_text(&row->id, text);
    bool is_cancelled = operations_is_cancelled(row);
    log_info(is_cancelled ? "operation.cancelled"
             : is_over    ? "operation.over"
                          : "operation.begun",
             "operation=%s act=%u actor=%s rate=%u matched=%llu done=%llu", text, row->kind,
             log_quote(is_cancelled ? row->cancelled_by : row->actor).text, row->rate,
             (unsigned long long)row->matched, (unsigned long long)row->done);
}

static void tell_watchers(struct broker *broker, const struct batch *batch)
{
    const struct effects *effects = &batch->effects;
    bool is_published = link_subscription_count(broker->publisher) > 0;
    for (uint32_t i = 0; i < effects->write_count; i++) {
        const struct write *write = &effects->writes[i];
        events_settled(broker, batch->number, write);
        if (write->kind == WRITE_BATCH)
            watch_changed(broker->watches, &write->batch.id);
        if (write->kind == WRITE_OPERATION) {
            watch_changed(broker->watches, &write->operation.id);
            log_operation(&write->operation);
        }
        if (write->kind == WRITE_SCHEDULE || write->kind == DROP_SCHEDULE)
            timetable_settled(broker->timetable, write);
        if (write->kind != WRITE_JOB)
            continue;
        if (timetable_awaits_jobs(broker->timetable))
            timetable_settled(broker->timetable, write);
        watch_changed(broker->watches, &write->job.row.id);
        log_job(broker, &write->job.row);
        if (is_published)
            publish_job(broker, &write->job.row);
    }
}

void release_batch(struct broker *broker, struct batch *batch)
{
    if (batch->effects.write_count > 0) // how often nothing is written depends on the clock
        failpoint_hit("broker.before_release");
    send_answers(broker, batch);
    send_grants(broker, &batch->effects);
    tell_watchers(broker, batch);
    for (uint32_t i = 0; i < batch->gone_count; i++)
        peers_drop(broker->peers, batch->gone[i]);
    if (batch->is_sweep)
        readers_swept(broker->readers, batch->has_removed);
    metrics_count_batch(broker->metrics, batch);
    intake_release(broker, batch);
    batch_reset(batch, broker->now.mono);
    CHECK(broker->spare_count < BROKER_BATCHES);
    broker->spare[broker->spare_count++] = batch;
}
