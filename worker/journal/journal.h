#pragma once

// The worker's journal in LMDB: outcomes that the broker has not acknowledged yet. One durable
// transaction per turn of the loop keeps all that ended in it; what was acknowledged is dropped
// along the way. Not thread-safe.

#include "worker/core/outbox.h"

struct journal;

enum { JOURNAL_WHY_LEN = 512 };

// `dir` is made when missing; `name` is whose data this is. `out_why` is a sentence after an error;
// after OK it is empty, or a warning.
//   ERR_LOCKED, ERR_UNSUPPORTED, ERR_DAMAGED, ERR_DISK   as disk_open(), with its sentence
MUST_USE err journal_open(const char *dir, const char *name, struct journal **out_journal,
                          char out_why[JOURNAL_WHY_LEN]);
void journal_close(struct journal *journal);

// How many outcomes are on disk.
//   ERR_DISK
MUST_USE err journal_count(struct journal *journal, uint32_t *out_count);

struct journal_loaded {
    uint32_t count;
    uint32_t damaged_count; // left where they are, for whoever wants to look
};
// Puts the outcomes on disk into the outbox, as far as it has room.
//   ERR_DISK, ERR_NO_MEMORY, ERR_UNSUPPORTED
MUST_USE err journal_load(struct journal *journal, struct outbox *outbox,
                          struct journal_loaded *out_loaded);

// Makes every ended outcome of the outbox durable and drops the records of the settled ones, in one
// flushed transaction; the settled ones leave the outbox and their memory is freed. Without a journal
// (NULL) the same happens to the outbox, and nothing is durable.
//   ERR_DISK, ERR_NO_MEMORY   nobody knows what is on disk now: the caller must end the process
MUST_USE err journal_flush(struct journal *journal, struct outbox *outbox);
// What the database library said of it, for people; static.
const char *journal_fault(const struct journal *journal);
