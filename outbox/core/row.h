#pragma once

// A row of the user's outbox as the job that it asks for. The job's key is made of which outbox it is
// and which row, so that whoever relays the row, and however often, asks for the same job. Pure.

#include "gateway/core/submit.h"

enum {
    ROW_OPTIONS_LEN_MAX = 16 * 1024,
    ROW_OUTBOX_ID_LEN_MAX = 64,
    ROW_KEY_LEN_MAX = 7 + ROW_OUTBOX_ID_LEN_MAX + 1 + 20, // "outbox/ID/NUMBER"
    ROW_ARENA_LEN = 48 * 1024,                            // what is made of one row, at most
};

struct row {
    int64_t row_id;
    struct slice type;
    struct slice queue;
    struct slice payload; // JSON; empty: none
    struct slice options; // JSON object; empty: none
    struct slice traceparent;
    bool is_too_long; // payload or options, which then are empty here
};

struct row_origin {
    struct slice tenant;
    struct slice outbox_id; // 1 to ROW_OUTBOX_ID_LEN_MAX bytes
};

// The job but for its id, judged by the rules of both doors. All borrows from the row and the arena.
// `out_job` is untouched on error, and `out_fault` has a sentence.
//   ERR_TOO_LARGE, and all that submit_read() and check_submit_job() may say
MUST_USE err row_read(const struct row *row, const struct row_origin *origin,
                      const struct doc_room *room, struct msg_submit_job *out_job,
                      struct submit_fault *out_fault);
