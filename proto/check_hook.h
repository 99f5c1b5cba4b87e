#pragma once

// What may be said of an endpoint that webhooks go to. Pure.

#include "proto/msg.h"

enum { CHECK_HOOK_OVERLAP_S_MAX = 30 * 24 * 3600 };

// As those of proto/check.h.
MUST_USE err check_hook_set(const struct msg_webhook_set *set, const char **out_detail);
MUST_USE err check_hook_status(const struct msg_webhook_status *status, const char **out_detail);
