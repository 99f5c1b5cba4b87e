#pragma once

// The spawner: a small process of our own that starts the handlers. It is forked at the very start
// of the worker, before any thread and before LMDB is opened, because neither may be carried
// across a fork. It outlives the worker by a moment: when the worker's end of the socket closes,
// however the worker died, it kills every handler with all of its process group and leaves.
//
//   worker                         spawner                       handler
//      │── run 7: environment, ──────▶│── fork, setpgid, dup2 ──────▶│ exec
//      │   4 descriptors              │                              │
//      │◀── run 7 has pid, start ─────│                              │
//      │── run 7: SIGTERM ───────────▶│── kill(-pid) ───────────────▶│
//      │◀── run 7 ended, how ─────────│◀── SIGCHLD ──────────────────┘
//
// What a handler leaves behind in its process group is killed when the handler ends. A handler
// whose spawner dies gets SIGKILL from the kernel. Not thread-safe.

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SPAWNER_RUNS_MAX = 512,      // handlers at once
    SPAWNER_VARIABLES_MAX = 16,  // of the environment of one run
    SPAWNER_MESSAGE_MAX = 40960, // bytes of all variables of one run
    SPAWNER_DESCRIPTORS = 4,     // 0 to 3 of the handler
};

struct spawner {
    int socket; // readable when spawner_receive() has something; at EOF the spawner is dead
    pid_t pid;
};

// What each process of a handler may use; 0: as much as the worker. The processor's is that of one
// process in its whole life, `process_count` that of its user.
struct spawner_limits {
    uint64_t memory_bytes; // private and writable
    uint64_t cpu_s;
    uint64_t file_count;
    uint64_t file_bytes; // of one that it writes
    uint64_t process_count;
};

// Forks. `program` is argv of the handlers, ended by NULL; it is searched along PATH. Call before
// anything is opened that a fork must not carry.
//   ERR_SYSTEM   errno is kept
MUST_USE err spawner_start(struct spawner *out_spawner, char *const *program,
                           const struct spawner_limits *limits);
// Closes the socket, by which all handlers die, and waits for the spawner to leave.
void spawner_close(struct spawner *spawner);

struct spawner_run {
    uint64_t number;               // chosen by the caller, never twice
    const struct slice *variables; // NAME=value, in place of the worker's own of that name
    uint32_t variable_count;
    int descriptors[SPAWNER_DESCRIPTORS]; // stay the caller's
};

// Asks for a handler. It answers with SPAWNER_STARTED, or SPAWNER_ENDED at once.
//   ERR_AGAIN       the socket is full: later
//   ERR_TOO_LARGE   more than SPAWNER_MESSAGE_MAX
//   ERR_SYSTEM      the spawner is dead
MUST_USE err spawner_run(struct spawner *spawner, const struct spawner_run *run);

// A signal to the process group of a run that has been asked for. Nothing happens when it has ended.
// Errors as above.
MUST_USE err spawner_kill(struct spawner *spawner, uint64_t number, int signo);

enum { SPAWNER_BUSY = 75 }; // EX_TEMPFAIL

enum spawner_kind { SPAWNER_STARTED, SPAWNER_ENDED };

struct spawner_report {
    enum spawner_kind kind;
    uint64_t number;
    pid_t pid;            // of SPAWNER_STARTED: also its process group
    uint64_t start_ticks; // with the pid a name for ever (lib/sys/process.h)
    uint8_t code;         // of SPAWNER_ENDED: exit code, when signo is 0
    uint8_t signo;
    bool signalled; // one of spawner_kill() was sent before it ended
    bool not_begun; // of SPAWNER_ENDED: nothing could be run; code says why, as every shell does,
                    // and SPAWNER_BUSY that memory, processes or descriptors were missing
};

//   ERR_AGAIN    nothing is waiting
//   ERR_SYSTEM   the spawner is dead
MUST_USE err spawner_receive(struct spawner *spawner, struct spawner_report *out_report);
