#pragma once

// Queues on a terminal, and as the JSON of docs/http-api.md. Not thread-safe.

#include "cli/view.h"

void queue_view_one(const struct view *view, const struct msg_queue *queue);
// One line each, after a head.
void queue_view_head(const struct view *view);
void queue_view_lines(const struct view *view, const struct msg_queue_status_is *is);
// Types: only what is set.
void queue_view_type(const struct view *view, const struct msg_type *type);
void queue_view_head_of_types(const struct view *view);
void queue_view_types(const struct view *view, const struct msg_type_status_is *is);
