// The job of a moment is the schedule's, with the id that moment and schedule give it.

#include "broker/shell/moments.h"

#include "broker/core/schedules.h"
#include "broker/shell/broker.h"
#include "broker/shell/intake.h"
#include "broker/shell/space.h"
#include "broker/shell/submission.h"
#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "lib/sys/mint.h"

// A full table may have room again after this long.
enum { AGAIN_MS = 1000, TOLD_EVERY_MS = 60 * 1000 };

// What the moments of one schedule share, in the room of the batch.
struct proposal {
    struct store_schedule schedule;
    struct slice name;
};

// ERR_NO_MEMORY: the batch is full.
static err read_schedule(struct broker *broker, struct slice name,
                         const struct proposal **out_proposal)
{
    struct arena *arena = &broker->filling->decoded;
    struct proposal *proposal = arena_take(arena, sizeof *proposal);
    uint8_t *copy = arena_take(arena, name.len);
    if (proposal == NULL || copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, name.data, name.len);
    proposal->name = slice_of(copy, name.len);
    err e =
        store_view_schedule_kept(broker_view(broker), proposal->name, arena, &proposal->schedule);
    if (e == OK)
        *out_proposal = proposal;
    else if (e != ERR_NO_MEMORY)
        log_error("schedule.unreadable", "schedule=%.*s error=%s", (int)name.len,
                  (const char *)name.data, err_slug(e));
    return e;
}

static const struct msg_submit_job *job_at(struct broker *broker, const struct proposal *proposal,
                                           when_ms moment, uint64_t jitter_ms)
{
    struct msg_submit_job *job = arena_take(&broker->filling->decoded, sizeof *job);
    if (job == NULL)
        return NULL;
    *job = proposal->schedule.job;
    submission_complete(job);
    struct origin origin = {.tenant = origin_tenant(job->tenant), .queue = job->queue};
    job->job_id = mint_moment(&origin, schedules_id(proposal->name), moment);
    job->closed = space_is_short(broker) ? ERR_DISK : OK;
    if (jitter_ms > 0)
        job->run_at = moment + (when_ms)due_jitter_ms(proposal->name, moment, jitter_ms);
    return job;
}

// Has the core decided it? What it refuses for lack of room is proposed again; what is out of
// date it will never take, and what is newer comes with the batch that settles it.
static bool is_decided(const struct broker *broker, const struct schedule_moment *moment)
{
    struct schedule_row row;
    if (!core_schedule(broker->core, moment->schedule, &row) || row.is_paused ||
        row.fingerprint != moment->fingerprint || row.state.generation != moment->generation)
        return true;
    if (moment->is_held) // the end of the job it waits for is told
        return row.state.held_at != moment->at || core_schedule_is_busy(broker->core, row.name);
    return row.state.last_at >= moment->at;
}

// Of all schedules that find no room one is told, and again after a while.
static void defer(struct broker *broker, struct slice name)
{
    broker->counters.moments_deferred++;
    if (broker->deferred_told_at != 0 &&
        broker->now.mono - broker->deferred_told_at < TOLD_EVERY_MS)
        return;
    broker->deferred_told_at = broker->now.mono;
    log_warn("schedule.full", "schedule=%.*s again_ms=%d fix=%s", (int)name.len,
             (const char *)name.data, AGAIN_MS,
             log_quote_text("make room for jobs; moments that have passed count by catch_up").text);
}

// False when there is no room, in the batch or for its job.
static bool propose(struct broker *broker, const struct proposal *proposal,
                    const struct timetable_due *due, when_ms at)
{
    struct arena *arena = &broker->filling->decoded;
    struct schedule_moment *moment = arena_take(arena, sizeof *moment);
    const struct msg_submit_job *job = job_at(broker, proposal, at, due->jitter_ms);
    if (moment == NULL || job == NULL)
        return false;
    *moment = (struct schedule_moment){.schedule = proposal->name,
                                       .generation = due->generation,
                                       .fingerprint = due->fingerprint,
                                       .at = at,
                                       .is_held = due->is_held,
                                       .job = job};
    struct command command = {.kind = COMMAND_MOMENT, .moment = moment};
    if (!intake_decide(broker, &command))
        return false;
    if (is_decided(broker, moment))
        return true;
    defer(broker, proposal->name);
    return false;
}

static void propose_all(struct broker *broker, const struct timetable_due *due)
{
    const struct proposal *proposal = NULL;
    uint32_t decided = 0;
    err e = due->due.count > 0 ? read_schedule(broker, due->name, &proposal) : OK;
    // What cannot be read makes no jobs.
    if (e != OK && e != ERR_NO_MEMORY)
        decided = due->due.count;
    while (e == OK && decided < due->due.count &&
           propose(broker, proposal, due, due->due.moments[decided]))
        decided++;
    timetable_done(broker->timetable, due, decided, when_after(broker->now.store, AGAIN_MS));
}

void moments_run(struct broker *broker)
{
    struct timetable_due due;
    while (batch_has_room(broker->filling) &&
           timetable_take(broker->timetable, broker->now.store, &due))
        propose_all(broker, &due);
}
