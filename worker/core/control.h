#pragma once

// What a handler may say on descriptor 3 while it works, one line each:
//
//     progress 40 100 resizing row 7      done, total, and an optional text
//     extend 60s                          the deadline is at least this far from now
//
// Pure.

#include "proto/msg.h"

enum { CONTROL_LINE_LEN_MAX = 512 };

enum control_kind { CONTROL_PROGRESS, CONTROL_EXTEND };

struct control {
    enum control_kind kind;
    uint64_t done; // of CONTROL_PROGRESS
    uint64_t total;
    struct slice text; // borrowed from the line; at most MSG_PROGRESS_TEXT_LEN_MAX bytes of UTF-8
    when_ms extend_ms; // of CONTROL_EXTEND
};

// `line` comes without its newline; a carriage return at its end is not counted.
//   ERR_MALFORMED   neither of the above
MUST_USE err control_parse(struct slice line, struct control *out_control);
