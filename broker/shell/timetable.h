#pragma once

// When the schedules are due: every settled schedule with its expression, its zone and its next
// moment, the earliest first. It knows what settled batches wrote and nothing newer; the core
// sees through proposals that are out of date. The link thread owns it.

#include "broker/core/due.h"
#include "broker/core/effects.h"
#include "broker/store/store.h"

struct timetable;

// NULL when there is no memory.
struct timetable *timetable_new(uint32_t schedule_count_max, uint64_t seed);
void timetable_free(struct timetable *timetable);

// All that is stored, at start. A schedule whose expression or zone cannot be read any more is
// logged and rests.
//   ERR_FULL, and what reading says
MUST_USE err timetable_load(struct timetable *timetable, struct store_view *view);
// What a settled batch wrote: schedules; and jobs, while one is awaited.
void timetable_settled(struct timetable *timetable, const struct write *write);
// Does some held moment wait for the end of a job?
bool timetable_awaits_jobs(const struct timetable *timetable);

// Judges what a client gives, fills in defaults, fingerprint and the next moments; texts and lists
// live in `arena`. The verdict is in `set`.
//   ERR_NO_MEMORY   the arena is too small; `set` is as it was
MUST_USE err timetable_judge(struct timetable *timetable, struct msg_schedule_set *set, when_ms now,
                             struct arena *arena);

// A schedule with moments to propose.
struct timetable_due {
    uint32_t place;
    struct slice name; // borrowed until the next call that changes the table
    uint32_t generation;
    uint64_t fingerprint;
    uint64_t jitter_ms;
    bool is_held; // `due` has one moment, which waits for the job before it
    struct due due;
};
// The most urgent one; false when nothing is due.
bool timetable_take(struct timetable *timetable, when_ms now, struct timetable_due *out_due);
// The first `decided_count` of its moments are decided; what is left is proposed again at
// `again_at`.
void timetable_done(struct timetable *timetable, const struct timetable_due *due,
                    uint32_t decided_count, when_ms again_at);

// How long until something is due, WHEN_NEVER when nothing is.
when_ms timetable_wait_ms(const struct timetable *timetable, when_ms now);
