#pragma once

// How endpoints of webhooks look on a terminal, and as the JSON of docs/http-api.md. Not thread-safe.

#include "cli/view.h"
#include "gateway/core/endpoint.h"

// All of one; a secret that was made is told.
void webhook_view_one(const struct view *view, const struct endpoint_told *told);
// A line of each, below a head; as JSON the page.
void webhook_view_head(const struct view *view);
void webhook_view_lines(const struct view *view, const struct msg_webhook_status_is *is);
// The delivery that tries it.
void webhook_view_test(const struct view *view, struct slice webhook_id,
                       const struct id *delivery_id);
