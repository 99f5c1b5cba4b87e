#pragma once

// One round of the auditor over a store that no broker uses, by a child process, so that pages that
// are not what they should be end or hold up the child alone. Not thread-safe.

#include "broker/core/row.h"
#include "broker/core/violation.h"
#include "lib/base/err.h"

// Shared with the child that reads: what it has found stays when it dies of the store.
struct audit_report {
    struct ledger_row ledger;
    uint64_t row_count;
    double seconds;
    struct violation_list found;
    bool has_begun; // there is something to print
    bool is_whole;  // the round was finished
    char problem[512];
};

// Runs the round and fills in `report`, which audit_round_report() has made. After OK the report
// says what came of it; reading may stand still for `patience_ms`.
//   ERR_SYSTEM   no child could be started
MUST_USE err audit_round_run(const char *dir, int patience_ms, struct audit_report *report);

// NULL when there is no memory.
struct audit_report *audit_round_report(void);
// NULL is allowed.
void audit_round_drop(struct audit_report *report);
