#pragma once

// Backups of the store, and stores out of backups (docs/adr/0051). Not thread-safe.

#include "broker/store/store.h"

struct store_backup_options {
    const char *from; // a broker may have it open
    const char *to;   // a directory without a data file
    void (*tell)(void *ctx, uint64_t bytes, uint64_t bytes_expected); // NULL is allowed
    void *ctx;
};
struct store_backup {
    uint64_t bytes;
    struct ledger_row ledger; // of the moment that was copied
};
// As disk_copy(); `out_why` says what to do about an error.
MUST_USE err store_restore_backup(const struct store_backup_options *options,
                                  struct store_backup *out_backup, const char **out_why);

// What tells the restored store from all that its original became after the copy.
struct store_restored {
    uint64_t lineage;
    uint32_t epoch;       // the next start begins the one after it
    uint64_t job_no_next; // the generation of the next job
    struct ledger_row before;
};
// The store time of its last batch; 0: no broker has ever begun on it.
when_ms store_restore_last(const struct store *store);
// In one transaction: a new lineage, an epoch and job numbers above all that the original may have
// used until store time was `wall`, and the mark of a data directory. The store is to be closed then.
//   ERR_NOT_FOUND   no broker has ever begun on it
//   ERR_FULL        no epochs are left
//   ERR_DISK
MUST_USE err store_restore(struct store *store, when_ms wall, struct store_restored *out_restored);
