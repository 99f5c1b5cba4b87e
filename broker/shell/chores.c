// Chores are decided in the same batches as messages, before them.

#include "broker/shell/chores.h"

#include "broker/shell/intake.h"
#include "broker/shell/moments.h"
#include "broker/shell/ticks.h"
#include "lib/base/check.h"
#include "lib/sys/memory.h"

static void tell_of_gone(struct broker *broker)
{
    struct batch *batch = broker->filling;
    peers_leave_silent(broker->peers, broker->now.mono);
    while (batch->gone_count < BATCH_GONE_MAX && effects_has_room(&batch->effects, 1)) {
        uint32_t peer = peers_take_left(broker->peers);
        if (peer == PEERS_NONE)
            return;
        struct command command = {.kind = COMMAND_GONE, .peer = peer};
        bool done = intake_decide(broker, &command);
        CHECK(done);
        batch->gone[batch->gone_count++] = peer;
    }
}

static void remove_old(struct broker *broker)
{
    struct batch *batch = broker->filling;
    struct command command = {.kind = COMMAND_REMOVE,
                              .job_nos = broker->sweep_job_nos,
                              .job_no_count = LIMITS_STEP_RECORDS_MAX};
    // Taken only when there is room for as many as there can be; an empty batch always has it.
    if (!readers_has_sweep(broker->readers) ||
        !effects_has_room(&batch->effects, core_weight(broker->core, &command)))
        return;
    command.job_no_count = readers_take_sweep(broker->readers, broker->sweep_job_nos);
    uint32_t write_count = batch->effects.write_count;
    bool done = intake_decide(broker, &command);
    CHECK(done);
    batch->is_sweep = true;
    batch->has_removed = batch->effects.write_count > write_count;
}

// What the readers have found is decided; then they look for more, of an operation whose last step
// is settled.
static void step_operations(struct broker *broker)
{
    enum { UNREADABLE_MS = 1000 };
    const struct operation_step *step = readers_peek_step(broker->readers);
    if (step != NULL) {
        struct command command = {.kind = COMMAND_STEP, .step = step};
        if (step->from == 0)
            broker->step_again_at = broker->now.mono + UNREADABLE_MS;
        else if (!intake_decide(broker, &command))
            return; // the next batch has room
        readers_drop_step(broker->readers);
        broker->is_stepping = false;
    }
    struct id id;
    if (broker->is_stepping || broker->now.mono < broker->step_again_at ||
        !core_next_operation(broker->core, broker->now, &id))
        return;
    readers_want_step(broker->readers, &id);
    broker->is_stepping = true;
}

// Names of jobs that are gone make room for others, sooner when there is none left.
static void drop_unused(struct broker *broker)
{
    enum { HURRY_EVERY_MS = 5000 };
    const struct lanes_carried *carried = auditor_peek_lanes(broker->auditor);
    struct command command = {.kind = COMMAND_UNUSED, .unused = carried};
    if (carried != NULL && intake_decide(broker, &command))
        auditor_drop_lanes(broker->auditor);
    if (core_is_out_of_names(broker->core) && broker->now.mono >= broker->hurry_at) {
        auditor_hurry(broker->auditor);
        broker->hurry_at = broker->now.mono + HURRY_EVERY_MS;
    }
}

static when_ms trim_at(const struct broker *broker)
{
    when_ms at = WHEN_NEVER;
    for (uint32_t i = 0; i < BROKER_BATCHES; i++)
        at = when_min(at, batch_trim_at(broker->batches[i]));
    return at;
}

// What a burst has touched goes back to the system when no other one follows.
static void give_memory_back(struct broker *broker)
{
    if (broker->now.mono < trim_at(broker))
        return;
    for (uint32_t i = 0; i < BROKER_BATCHES; i++) {
        if (broker->now.mono >= batch_trim_at(broker->batches[i]))
            batch_trim(broker->batches[i]);
    }
    batch_pool_trim(broker->pool);
    memory_trim();
}

void chores_run(struct broker *broker)
{
    give_memory_back(broker);
    ticks_run(broker);
    tell_of_gone(broker);
    remove_old(broker);
    step_operations(broker);
    drop_unused(broker);
    moments_run(broker);
    watch_expire(broker->watches, broker->now.mono);
    readers_set_time(broker->readers, broker->now);
}

static when_ms until(const struct broker *broker, when_ms at)
{
    if (at == WHEN_NEVER)
        return WHEN_NEVER;
    return at > broker->now.mono ? at - broker->now.mono : 0;
}

// While jobs are looked for, the readers ring.
static when_ms step_wait_ms(const struct broker *broker)
{
    when_ms wait =
        broker->is_stepping ? WHEN_NEVER : core_operation_wait_ms(broker->core, broker->now);
    when_ms again = until(broker, broker->step_again_at);
    return wait > again ? wait : again;
}

when_ms chores_wait_ms(const struct broker *broker)
{
    when_ms wait = when_min(ticks_wait_ms(broker), until(broker, peers_deadline(broker->peers)));
    wait = when_min(wait, step_wait_ms(broker));
    wait = when_min(wait, until(broker, watch_deadline(broker->watches)));
    wait = when_min(wait, until(broker, event_watch_deadline(broker->event_watches)));
    wait = when_min(wait, until(broker, trim_at(broker)));
    if (batch_has_room(broker->filling))
        wait = when_min(wait, timetable_wait_ms(broker->timetable, broker->now.store));
    return wait;
}
