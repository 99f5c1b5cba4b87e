#pragma once

// The records of a bulk body one by one: lines of NDJSON, or the elements of a JSON array. Pure.

#include "gateway/core/scan.h"

enum records_form { RECORDS_LINES, RECORDS_ARRAY };

struct records {
    enum records_form form;
    struct scan scan;
    bool at_start;
    uint32_t line; // of lines: the number of the last one given; of an array: its place. From 1.
};

// `body` and the room for names stay the caller's.
void records_init(struct records *records, enum records_form form, struct scan scan);

// The next record's bytes, not judged yet in the case of lines; blank lines are skipped and
// counted. `out_more` is false at the end.
//   ERR_MALFORMED, ERR_TOO_LARGE   only of an array: it cannot be read further; scan.fault, scan.at
MUST_USE err records_next(struct records *records, bool *out_more, struct slice *out_record);
