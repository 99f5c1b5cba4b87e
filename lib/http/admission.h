#pragma once

// May a request be read at all? libmicrohttpd lets through what others read differently (two
// lengths, a length beside chunks, folded lines, bytes behind a zero), and such requests can be
// smuggled past a proxy. This rule sees the head as it was sent and refuses everything that is
// not plain. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"

// One header line. The slices must point into the head as it was received: the rule also judges
// what lies between name, value and the next line.
struct admission_line {
    struct slice name;
    struct slice value;
};

struct admission_head {
    struct slice head; // from the first byte of the method to the end of the empty line; the
                       // separators inside may have been overwritten by zeros
    struct slice method;
    struct slice target;   // as sent; may be a copy
    const void *target_at; // where it lies in the head
    struct slice version;  // "HTTP/1.1"
    const struct admission_line *lines;
    uint32_t line_count;
};

struct admission_rule {
    bool body;    // the route takes a body
    bool chunked; // also in chunks
};

struct admission_verdict {
    err error;          // OK, ERR_MALFORMED, ERR_LENGTH_REQUIRED, ERR_TOO_LARGE
    const char *detail; // static; NULL when OK
    bool chunked;
    uint64_t body_len; // when not chunked
};

enum { ADMISSION_LINES_MAX = 100 };

// The framing rules that hold for every request, whatever its route: target, version, lines.
// Later fields of the verdict are set from the lines.
struct admission_verdict admission_judge(const struct admission_head *head);

// What the route adds: no body where none is taken, a length where one is.
void admission_apply(struct admission_verdict *verdict, const struct admission_rule *rule);
