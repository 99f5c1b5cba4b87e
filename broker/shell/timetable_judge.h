#pragma once

// What a client gives for a schedule, judged beyond its format: the expression, the zone, the job.

#include "broker/shell/zones.h"
#include "lib/base/arena.h"
#include "proto/msg.h"

// See timetable_judge().
MUST_USE err timetable_judge_set(struct zones *zones, struct msg_schedule_set *set, when_ms now,
                                 struct arena *arena);

// The moments after `now`, at most `count`. ERR_NO_MEMORY: the arena is too small.
MUST_USE err timetable_judge_next(struct zones *zones, const struct msg_schedule *given,
                                  struct arena *arena, when_ms now, struct msg_moments *moments);
