#pragma once

// One handler process as the worker's loop sees it: its run number at the spawner and four pipes,
// read and written without waiting, into buffers of bounded size.
//
//   worker                       handler
//   input  ───── bytes ────────▶ 0   payload, or job lines
//   output ◀──── ≤ cap ───────── 1   result, or answer lines; more is thrown away and noted
//   errors ◀──── last 16 KiB ─── 2
//   words  ◀──── lines ───────── 3   progress, extend
//
// Not thread-safe.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "proto/msg.h"
#include "worker/core/control.h"
#include "worker/core/joblog.h"
#include "worker/exec/spawner.h"

enum handler_pipe { HANDLER_INPUT, HANDLER_OUTPUT, HANDLER_ERRORS, HANDLER_WORDS };

struct handler {
    uint64_t run; // 0: there is none
    int pipes[SPAWNER_DESCRIPTORS];
    uint8_t *input; // not yet taken by the handler
    size_t input_len;
    size_t input_at;
    bool input_ends; // the pipe is closed after it
    uint8_t *output;
    size_t output_len;
    size_t output_cap;
    size_t output_max;
    bool output_cut;                        // there was more than output_max
    bool output_lost;                       // there was more than there was memory for
    uint8_t tail[MSG_ERROR_DETAIL_LEN_MAX]; // a ring
    uint64_t tail_count;                    // bytes ever written
    struct joblog *log;                     // takes them line by line; the caller's, or NULL
    uint8_t words[CONTROL_LINE_LEN_MAX];
    size_t words_len;
    size_t words_at;  // what is before it has been handed out
    bool words_skips; // the rest of a line that was too long
};

// Makes the pipes: `out_far` are the handler's ends, to be closed when they have been handed on.
// Everything of an earlier run is gone before.
//   ERR_SYSTEM   errno is kept
MUST_USE err handler_open(struct handler *handler, uint64_t run, size_t output_max,
                          int out_far[SPAWNER_DESCRIPTORS]);
// Closes and frees all.
void handler_close(struct handler *handler);

// Bytes for its stdin, after those that wait there already. Copies them.
//   ERR_NO_MEMORY
MUST_USE err handler_feed(struct handler *handler, struct slice bytes);
// No more will come: its stdin ends after what waits.
void handler_end_input(struct handler *handler);
// A handler need not read its stdin: what it does not want is dropped.
void handler_drop_input(struct handler *handler);
// Writes what the pipe takes. True when something is left, to be told about by EPOLLOUT.
bool handler_write(struct handler *handler);

enum handler_more {
    HANDLER_MORE,  // there may be more at once
    HANDLER_LATER, // nothing now
    HANDLER_OVER,  // the handler has closed its end
};
// Reads once into the buffer of this pipe (not HANDLER_INPUT). A pipe that is over is closed.
// What there is no memory for is lost; see output_lost.
enum handler_more handler_read(struct handler *handler, enum handler_pipe which);

// Everything that stdout has given so far; handler_drop_output() removes from its beginning.
struct slice handler_output(const struct handler *handler);
void handler_drop_output(struct handler *handler, size_t len);

// The end of stderr as UTF-8 text, in `room`.
struct slice handler_tail(const struct handler *handler, uint8_t room[MSG_ERROR_DETAIL_LEN_MAX]);

// The next whole line of descriptor 3, borrowed until the next handler_read(). To be called until
// false after each of those, or there is no room for more. A line that is too long is left out.
bool handler_next_word(struct handler *handler, struct slice *out_line);
