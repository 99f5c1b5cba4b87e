#pragma once

// Brings the jobs of the spool to the broker: one thread, one window of jobs at a time, from the
// oldest to the newest, in messages of one tenant each. gateway/core/spool_plan.h says what may be
// sent and what comes of an answer; a window is settled on the disk before the next one is sent.

#include "lib/base/err.h"

struct gateway;
struct spool_forward;

enum {
    SPOOL_WINDOW_JOBS_MAX = 256,
    SPOOL_WINDOW_BYTES_MAX = 4 * 1024 * 1024, // of records; one alone may be larger
    SPOOL_WINDOW_LOOK_MAX = 4096,             // jobs looked at for it, those of held queues too
};

//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err spool_forward_open(const struct gateway *gateway, struct spool_forward **out_forward);
// After courier_stop(), before spool_stop(): waits for what is under way. NULL is allowed.
void spool_forward_close(struct spool_forward *forward);

// There is something new in the spool. Any thread.
void spool_forward_wake(struct spool_forward *forward);
