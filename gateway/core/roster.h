#pragma once

// The value that tells of workers. Pure.

#include "gateway/core/out.h"
#include "proto/msg.h"

// "serving", "quiet", "stopping", or "away": not connected, but it has jobs still. Static.
const char *roster_status(const struct msg_worker_line *line);

// 200: a page of them, and the cursor of the next.
void roster_answer(struct out *out, const struct msg_worker_listed *listed);
