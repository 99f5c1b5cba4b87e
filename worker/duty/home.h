#pragma once

// The worker's data directory: locked by one process, and with the id that makes this worker the
// same one after a restart.
//
//   DATA/lock         the lock, and who holds it
//   DATA/worker-id    a UUID, made at the first start
//   DATA/journal/     outcomes that are not acknowledged yet (worker/journal/journal.h)
//   DATA/running      processes (worker/journal/running.h)

#include "lib/base/id.h"

struct home {
    int lock;
    struct id worker_id;
    char journal[4096];
    char running[4096];
};

enum { HOME_WHY_LEN = 4096 + 256 };

// Makes what is missing. After an error `out_why` is one sentence with the fix.
//   ERR_LOCKED, ERR_DAMAGED, ERR_DISK, ERR_SYSTEM
MUST_USE err home_open(const char *dir, struct home *out_home, char out_why[HOME_WHY_LEN]);
void home_close(struct home *home);
