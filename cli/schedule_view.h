#pragma once

// Schedules on a terminal, and as the JSON of docs/http-api.md. Not thread-safe.

#include "cli/view.h"
#include "lib/base/zone.h"

void schedule_view_one(const struct view *view, const struct msg_schedule_status_is *is,
                       bool is_dry_run);
// One line each, after a head.
void schedule_view_head(const struct view *view);
void schedule_view_lines(const struct view *view, const struct msg_schedule_listed *listed);
// Moments in UTC, and by the zone's clock.
void schedule_view_moments(const struct view *view, const struct msg_moments *moments,
                           const struct zone *zone);
