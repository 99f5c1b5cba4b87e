#pragma once

// What a handler may say on descriptor 3 while it works, one line each:
//
//     progress 40 100 resizing row 7      done, total, and an optional text
//     extend 60s                          the deadline is at least this far from now
//     log row 7 is odd                    a line of the job's log
//
// Pure.

#include "proto/msg.h"

enum { CONTROL_LINE_LEN_MAX = 512 };

enum control_kind { CONTROL_PROGRESS, CONTROL_EXTEND, CONTROL_LOG };

struct control {
    enum control_kind kind;
    uint64_t done; // of CONTROL_PROGRESS
    uint64_t total;
    // Of CONTROL_PROGRESS, at most MSG_PROGRESS_TEXT_LEN_MAX bytes of UTF-8, and of CONTROL_LOG;
    // borrowed from the line.
    struct slice text;
    when_ms extend_ms; // of CONTROL_EXTEND
};

// `line` comes without its newline; a carriage return at its end is not counted.
//   ERR_MALFORMED   none of the above
MUST_USE err control_parse(struct slice line, struct control *out_control);
