#pragma once

// The auditor of the store: a slow scan, independent of the core, that compares every index with
// the records. A round is many steps; each is one short read transaction, so that a running broker
// is not held up and the file does not grow. What it finds has a name (broker/core/violation.h).
//
// One thread owns an auditor; the store may be written to meanwhile. A comparison that needs more
// than one snapshot is made only of what did not change between them, so nothing sound is accused.

#include "broker/core/violation.h"
#include "broker/store/store.h"

struct store_audit;

struct store_audit_options {
    bool has_keymap; // keys were loaded into memory, so they are compared too
    bool wants_rows; // unfinished rows are kept for store_audit_rows()
};

//   ERR_NO_MEMORY, ERR_DISK
MUST_USE err store_audit_open(struct store *store, const struct store_audit_options *options,
                              struct store_audit **out_audit);
// NULL is allowed.
void store_audit_close(struct store_audit *audit);

// One step; at most STORE_SEGMENT_JOBS rows, or as many entries of an index. True at the end of
// the round; the next step begins a new one and forgets what was found.
//   ERR_DISK, ERR_NO_MEMORY
MUST_USE err store_audit_step(struct store_audit *audit, bool *out_is_over);

// What this round has found so far. Borrowed.
const struct violation_list *store_audit_found(const struct store_audit *audit);
// Rows looked at in this round.
uint64_t store_audit_row_count(const struct store_audit *audit);

// The unfinished jobs of the last step, to be compared with memory. Borrowed until the next step.
const struct job_row *store_audit_rows(const struct store_audit *audit, uint32_t *out_count);
// Memory said of `row` what is wrong. VIOLATION_FORGOTTEN counts only if the next snapshot still
// shows an unfinished job.
void store_audit_accuse(struct store_audit *audit, enum violation kind, const struct job_row *row);
// The lanes that rows of this round carry, by the bits of struct lanes_carried; at its end: all of
// those that were stored when it began, and still are. Borrowed.
const uint8_t *store_audit_lanes(const struct store_audit *audit);
// Adds what others found to this round.
void store_audit_merge(struct store_audit *audit, const struct violation_list *found);
