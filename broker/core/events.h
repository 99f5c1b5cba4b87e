#pragma once

// A job's timeline, as far as its row does not tell it. Accepted, granted, succeeded: these three
// are in the row and cost nothing here. Every other end of an attempt is an event, and so is what
// somebody did to the job. Grants have no events of their own: the end of an attempt says when it
// began, and the last one is in the row. Nor has the moment at which a job becomes due again: the
// event before says it. Pure.

#include "broker/core/effects.h"
#include "broker/core/ends.h"
#include "broker/core/entry.h"
#include "broker/core/job.h"
#include "broker/core/pasts.h"

// Of the events of one job so many are kept.
enum { EVENTS_FIRST = 8, EVENTS_LAST = 56 };
extern const struct ends events_ends;

// Does a move from `from` by `event` become one?
bool events_are_due(const struct entry *entry, enum job_state from, enum job_event event);

// Tells it: counts it in the job's past and writes it. The job has moved already, its holder is
// still in its past.
void events_tell(const struct job *job, struct past *past, const struct entry *entry,
                 enum job_event event, struct effects *effects);
