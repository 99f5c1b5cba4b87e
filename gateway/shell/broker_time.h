#pragma once

// What time it is at the broker, as near as its answers tell: fresh ids are judged by that time, not
// by this machine's. Any thread.

#include "lib/base/when.h"
#include "proto/msg.h"

#include <stdatomic.h>

struct broker_time {
    _Atomic(when_ms) ahead; // of the clock that counts since boot; 0: nothing was heard yet
};

// The broker has said this of a job just now.
void broker_time_hear(struct broker_time *broker_time, const struct msg_submitted_job *said);

// This machine's time until something was heard.
when_ms broker_time_now(const struct broker_time *broker_time);
