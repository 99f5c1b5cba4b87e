#pragma once

// One program that `weft dev` keeps running: started by fork and exec of this very file, watched
// by its ready line and its death, started again as often as it dies. Not thread-safe.
//
//              child_start          ready line
//     ─▶ down ─────────────▶ up ─────────────────▶ ready
//          ▲                  │                      │
//          └──────────────────┴──────── child_died ──┘

#include "lib/base/err.h"
#include "lib/base/when.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    CHILD_LINE_LEN_MAX = 1024,
    CHILD_QUICK_MS = 1000,      // a life shorter than this, and not ended by SIGKILL …
    CHILD_QUICK_COUNT = 3,      // … so often in a row, and the next start waits:
    CHILD_PAUSE_FIRST_MS = 100, // so long, then twice as long, …
    CHILD_PAUSE_LONGEST_MS = 2000,
};

struct child {
    const char *name;     // of the verb: "broker"
    char *const *argv;    // all of it, NULL at the end; the caller's, read at each start
    const char *pid_path; // where the process id is written at each start; the caller's
    pid_t pid;            // 0: down
    int out_fd;           // its standard output, -1: none
    bool is_ready;
    bool was_ready; // in any of its lives
    char line[CHILD_LINE_LEN_MAX];
    size_t line_len;
    char ready_line[CHILD_LINE_LEN_MAX]; // of this life
    when_ms started_at;
    when_ms start_at; // when it is down: not before
    unsigned quick_count;
    unsigned start_count;
    int status; // of its last death, as by waitpid()
};

struct child child_of(const char *name, char *const *argv, const char *pid_path);

// Starts it and writes its process id. It dies with this process.
//   ERR_SYSTEM, ERR_DISK   errno is kept
MUST_USE err child_start(struct child *child, when_ms now);

// Takes in what it has written, without waiting; sets is_ready.
void child_read(struct child *child);

// It was found dead with `status`. Says when it may be started again.
void child_died(struct child *child, when_ms now, int status);

// Nothing when it is down.
void child_kill(const struct child *child, int number);

// Closes what is open and removes the process id.
void child_forget(struct child *child);

// "was killed by signal 9", "ended with code 1". Lives until the next call.
const char *child_death(const struct child *child);
