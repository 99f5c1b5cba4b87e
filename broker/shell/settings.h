#pragma once

// What intake judges of settings, of queues and of types, before the core sees them.

#include "proto/msg.h"

// QUEUE_SET, TYPE_SET: the verdict stands in the message, for the core to pass on.
void settings_judge(struct msg *msg);
// QUEUE_STATUS, TYPE_STATUS: OK, or what is wrong.
MUST_USE err settings_check(const struct msg *msg, const char **out_detail);
