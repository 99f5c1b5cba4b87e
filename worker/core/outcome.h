#pragma once

// What an ended handler means for its job: exit code, signal, stdout and stderr become the words
// of a FINISH. Pure; docs/worker.md has the table for users.

#include "proto/msg.h"
#include "worker/core/slots.h"

// What will be told about one attempt. The slices are borrowed; who owns them is said where one
// is handed over.
struct outcome_report {
    struct id job_id;
    uint64_t generation;
    uint64_t token;
    uint64_t lineage; // of the broker's store that gave the token; 0: not known
    enum outcome outcome;
    struct body result;
    struct slice kind;
    struct slice message;
    struct slice detail;
    uint32_t retry_after_ms;
    // What its handler told last and the broker may not have; not journaled.
    struct msg_progress progress;
    // Its last log lines, which are not journaled.
    const struct msg_log_line *log;
    uint32_t log_count;
};

enum {
    OUTCOME_EXIT_DEAD = 65,      // EX_DATAERR: the job itself is wrong
    OUTCOME_EXIT_DEAD_TOO = 100, // qmail's word for it
    OUTCOME_EXIT_TEMPFAIL = 75,  // EX_TEMPFAIL
    OUTCOME_ROOM = MSG_ERROR_MESSAGE_LEN_MAX,
};

// How a process ended.
struct outcome_exit {
    uint8_t code;        // when it was not a signal
    uint8_t signo;       // or 0
    enum slot_stop stop; // SLOT_STOP_NONE unless a signal of ours was on its way before the end
    bool is_lines;       // a child of --lines, which should not have ended at all
    bool not_begun; // nothing was run; the code says why, OUTCOME_EXIT_TEMPFAIL: there was no room
};

struct outcome_streams {
    struct slice output; // stdout, at most MSG_RESULT_LEN_MAX bytes of it
    bool is_cut;         // there was more
    bool is_lost;        // or less of it, for want of memory
    struct slice tail;   // the last bytes of stderr, UTF-8, at most MSG_ERROR_DETAIL_LEN_MAX
};

// Fills in everything but id, generation, token and lineage. The report borrows from the streams
// and from `room`, OUTCOME_ROOM bytes for its message.
void outcome_of_exit(const struct outcome_exit *ended, const struct outcome_streams *streams,
                     uint8_t *room, struct outcome_report *out_report);

// The same for a handler that cannot be what its user meant: nothing to run. The worker goes
// quiet.
bool outcome_is_missing(const struct outcome_exit *ended);

// JSON if it parses strictly (without the blanks around it), else text if it is UTF-8, else bytes;
// nothing is none.
struct body outcome_result(struct slice output);

// An attempt that ended without a process: it was never begun, or its lease is lost.
void outcome_interrupted(const char *message, struct outcome_report *out_report);

// One that was never begun, for want of a slot, memory or descriptors: given back at once it would come
// back at once, so not before OUTCOME_PAUSE_MS, here or elsewhere. Burns no attempt.
enum { OUTCOME_PAUSE_MS = 1000 };
void outcome_put_off(const char *message, struct outcome_report *out_report);

// A handler that we have stopped, and that has not succeeded all the same. `stop` is not
// SLOT_STOP_NONE.
void outcome_stopped(enum slot_stop stop, struct outcome_report *out_report);

// Somebody asked for it.
void outcome_cancelled(struct outcome_report *out_report);

// The bytes of all slices, for a copy in one piece.
size_t outcome_size(const struct outcome_report *report);
// Moves the slices of `report` to `room` of outcome_size() bytes.
void outcome_move_to(struct outcome_report *report, uint8_t *room);
