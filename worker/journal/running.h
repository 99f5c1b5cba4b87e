#pragma once

// Which processes the worker has: DATA/running, so that the next start can kill what outlived this
// one (worker/exec/leftover.h). Written without a flush, because a machine that loses its memory
// has lost the processes too; the pages survive the death of the worker. One place for each slot:
//
//   head    "WEFTRUN1" | session u64 | place count u32 | zero u32 | CRC-32C u32 | zero u32
//   place   pid u32 | zero u32 | start ticks u64 | zero u32 | CRC-32C u32, over place number too
//
// Not thread-safe.

#include "lib/base/err.h"

#include <stdint.h>
#include <sys/types.h>

enum { RUNNING_PLACES_MAX = 256 };

struct running_process {
    pid_t pid; // 0: none
    uint64_t start_ticks;
};

struct running_last {
    uint64_t session; // 0: there was no file
    uint32_t count;
    struct running_process processes[RUNNING_PLACES_MAX];
};

struct running {
    int fd;
};

// What the last worker on this directory had running. A file that is damaged reads as empty.
//   ERR_SYSTEM, ERR_DISK
MUST_USE err running_read(const char *path, struct running_last *out_last);

// Begins a new file for `session`.
//   ERR_SYSTEM, ERR_DISK
MUST_USE err running_open(const char *path, uint64_t session, uint32_t place_count,
                          struct running *out_running);
void running_close(struct running *running);

// The process of this place; one with pid 0 when it has ended.
//   ERR_DISK
MUST_USE err running_set(struct running *running, uint32_t place,
                         const struct running_process *process);
