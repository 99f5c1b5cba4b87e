#pragma once

// What intake judges of settings, of queues and of types, before the core sees them; and the
// schemas of types, when it has.

#include "broker/shell/broker.h"

// QUEUE_SET, TYPE_SET: the verdict stands in the message, for the core to pass on.
void settings_judge(struct msg *msg);
// Takes `schema`, NULL: none. The core has just decided on `set`, or its batch had no room for it.
// Jobs that are decided from now on are held against the new schema; it is stored with them.
void settings_keep(struct broker *broker, const struct msg_type_set *set, struct schema *schema,
                   bool is_decided);
// QUEUE_STATUS, TYPE_STATUS: OK, or what is wrong.
MUST_USE err settings_check(const struct msg *msg, const char **out_detail);
