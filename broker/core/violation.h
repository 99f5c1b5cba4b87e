#pragma once

// What the auditor may find wrong, as one table: name, stable slug (metrics, log, `weft audit`),
// what it says, what to do. docs/audit.md explains each. Adding a kind is adding a row. Pure.

#include "lib/base/id.h"

#define VIOLATION_TABLE(X)                                                                         \
    X(VIOLATION_NONE, "none", "nothing is wrong", "")                                              \
    X(VIOLATION_DAMAGED, "damaged-record", "a record fails its checksum or makes no sense",        \
      VIOLATION_RESTORE)                                                                           \
    X(VIOLATION_LAW, "ledger-law", "accepted jobs are not the sum of jobs by state",               \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_LEDGER_COUNTS, "ledger-counts", "the ledger counts other jobs than the segments",  \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_QUEUE_COUNTS, "queue-counts",                                                      \
      "the queues count other jobs than the ledger or their tenant, or than they have accepted",   \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_COMMIT_COUNTS, "commit-counts", "a commit moved rows otherwise than the counts",   \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_SEGMENT_COUNTS, "segment-counts", "a segment counts other jobs than it holds",     \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_SWEEP, "sweep-late", "a job's retention ends before its segment is looked at",     \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_NUMBER, "job-number", "a job's number was never given", VIOLATION_REPORT)          \
    X(VIOLATION_TOKEN, "job-token", "a job's token was never granted", VIOLATION_REPORT)           \
    X(VIOLATION_STATE, "job-state", "a job's state contradicts its token, worker or counters",     \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_TIMES, "job-times", "a job's moments contradict its state", VIOLATION_REPORT)      \
    X(VIOLATION_LANE, "job-lane", "a job's queue and type are not stored", VIOLATION_RESTORE)      \
    X(VIOLATION_POLICY, "job-policy", "a job's options are not stored", VIOLATION_RESTORE)         \
    X(VIOLATION_BATCH, "job-batch", "a job's batch is not stored, or is another tenant's",         \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_BATCH_STATE, "batch-state",                                                        \
      "a batch's end, or the numbers of its members, contradict its members", VIOLATION_REPORT)    \
    X(VIOLATION_ID_MISSING, "id-missing", "a job is not found by its id", VIOLATION_REPORT)        \
    X(VIOLATION_ID_ORPHAN, "id-orphan", "an id leads to no job of that id", VIOLATION_REPORT)      \
    X(VIOLATION_KEY_MISSING, "key-missing", "a keyed job has no key record", VIOLATION_REPORT)     \
    X(VIOLATION_KEY_ORPHAN, "key-orphan", "a key record belongs to no job of that id",             \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_KEYMAP, "key-unknown", "a stored key is not known in memory", VIOLATION_RESTART)   \
    X(VIOLATION_BODY_MISSING, "body-missing", "a job has lost what was submitted",                 \
      VIOLATION_RESTORE)                                                                           \
    X(VIOLATION_BODY_ORPHAN, "body-orphan", "a body belongs to no job", VIOLATION_REPORT)          \
    X(VIOLATION_BODY_DIFFERS, "body-differs", "a body contradicts its job", VIOLATION_RESTORE)     \
    X(VIOLATION_OUTCOME_MISSING, "outcome-missing", "a job's accepted outcome is not stored",      \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_OUTCOME_ORPHAN, "outcome-orphan", "an outcome belongs to no job",                  \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_FINISH_DOUBLED, "finish-doubled", "a job holds the outcome of another finish",     \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_PROGRESS_ORPHAN, "progress-orphan", "a progress belongs to no job",                \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_EVENT_MISSING, "event-missing", "an event of a job's timeline is not stored",      \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_EVENT_ORPHAN, "event-orphan", "an event belongs to no timeline", VIOLATION_REPORT) \
    X(VIOLATION_LOG_MISSING, "log-missing", "lines of a job's log are not stored",                 \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_LOG_ORPHAN, "log-orphan", "lines belong to no log", VIOLATION_REPORT)              \
    X(VIOLATION_UNIQUE_MISSING, "unique-missing", "a job has lost the unique key that it holds",   \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_UNIQUE_ORPHAN, "unique-orphan", "a unique key is held by a job that does not",     \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_DEPENDENCY_MISSING, "dependency-missing",                                          \
      "a job has lost what it waits for: it would stay", VIOLATION_REPORT)                         \
    X(VIOLATION_DEPENDENCY_ORPHAN, "dependency-orphan",                                            \
      "dependencies of a job that waits for nobody", VIOLATION_REPORT)                             \
    X(VIOLATION_OPERATION, "operation-ahead", "an operation means jobs that were never accepted",  \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_BATCH_COUNTS, "batch-counts", "a batch counts other members than it has",          \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_BATCH_INDEX, "batch-index", "a batch and its id do not lead to each other",        \
      VIOLATION_REPORT)                                                                            \
    X(VIOLATION_LEASE_LOST, "lease-lost", "a running job has no lease: nobody would end it",       \
      VIOLATION_RESTART)                                                                           \
    X(VIOLATION_LEASE_ORPHAN, "lease-orphan", "a lease belongs to no running job",                 \
      VIOLATION_RESTART)                                                                           \
    X(VIOLATION_WAITS_NOWHERE, "waits-nowhere", "a waiting job waits for nothing: it would stay",  \
      VIOLATION_RESTART)                                                                           \
    X(VIOLATION_FORGOTTEN, "job-forgotten", "an unfinished job is stored, but not in memory",      \
      VIOLATION_RESTART)                                                                           \
    X(VIOLATION_MEMORY_DIFFERS, "memory-differs", "memory and store disagree about a job",         \
      VIOLATION_RESTART)                                                                           \
    X(VIOLATION_MEMORY_INDEX, "memory-index",                                                      \
      "a job in memory is not found, or refers to nothing", VIOLATION_RESTART)                     \
    X(VIOLATION_MEMORY_COUNTS, "memory-counts",                                                    \
      "an index in memory has another size than counted", VIOLATION_RESTART)                       \
    X(VIOLATION_CREDIT, "worker-credit", "a worker's credit is not what its leases leave",         \
      VIOLATION_RESTART)

#define VIOLATION_REPORT ("keep a copy of the data directory and report it")
#define VIOLATION_RESTORE ("check the disk; restore the data directory from a backup")
#define VIOLATION_RESTART                                                                          \
    ("restart the broker, which rebuilds its memory from the store; report it")

#define VIOLATION_ENUM(name, slug, text, fix) name,
enum violation { VIOLATION_TABLE(VIOLATION_ENUM) VIOLATION_COUNT };
#undef VIOLATION_ENUM

// "lease-lost"; static, as the next two.
const char *violation_slug(enum violation kind);
// Half a sentence.
const char *violation_text(enum violation kind);
// What to do; empty for VIOLATION_NONE.
const char *violation_fix(enum violation kind);

// How often a kind was seen, and where first: a job's number and, when known, its id. Of
// segments and batches it is their number.
struct violation_tally {
    uint64_t count;
    uint64_t no;
    struct id id; // zero when not known
};

struct violation_list {
    struct violation_tally of[VIOLATION_COUNT];
};

// Nothing happens for VIOLATION_NONE. `id` may be NULL.
void violation_add(struct violation_list *list, enum violation kind, uint64_t no,
                   const struct id *id);
// All of all kinds.
uint64_t violation_sum(const struct violation_list *list);
