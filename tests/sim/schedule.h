#pragma once

// Schedules in the simulator: the shell's part of them, and the clients'.

#include "broker/core/due.h"
#include "proto/msg.h"

struct effects;
struct entry;
struct sim;
struct sim_batch;

// What was found due of this schedule after this moment.
struct sim_due {
    const struct msg_schedule *given;
    when_ms after;
    struct due due;
};

void schedule_turn(struct sim *sim, uint32_t client);
void schedule_propose(struct sim *sim, struct sim_batch *batch);
bool schedule_is_held(const struct sim *sim); // a moment waits
struct id schedule_job_id(struct slice name, when_ms moment);
// Every expression of the simulator is by this zone.
const struct zone *schedule_zone(void);
struct cron schedule_cron(const struct msg_schedule *given);

// watch_schedule.c: an entry of a schedule. Does one cancel this job? Then a moment replaced it.
void watch_schedule(struct sim *sim, const struct entry *entry, const struct effects *fx);
void watch_schedule_start(struct sim *sim);
bool watch_schedule_replaced(struct sim *sim, const struct entry *entry);
