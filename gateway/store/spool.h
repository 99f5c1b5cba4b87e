#pragma once

// The gateway's spool: jobs that were accepted while no broker answered, in LMDB, in the order in
// which they came, until a broker has them; and those that a broker refused then, until somebody has
// deleted them. One thread writes, and one flush serves all that wait for it.

#include "gateway/store/spool_record.h"

struct spool;

struct spool_options {
    const char *dir;
    uint64_t bytes_max;        // of records, waiting and refused; 0: nothing new is taken
    uint64_t tenant_bytes_max; // of those of one tenant; 0: all there is
};

//   ERR_LOCKED, ERR_UNSUPPORTED, ERR_DISK, ERR_DAMAGED, ERR_NO_MEMORY, ERR_SYSTEM
// After an error `out_why` has a sentence with the fix.
MUST_USE err spool_open(const struct spool_options *options, struct spool **out_spool,
                        const char **out_why);
// Does what was asked for, answers what comes later with ERR_SHUTTING_DOWN, and ends the thread.
void spool_stop(struct spool *spool);
// Stops it unless that has been done. NULL is allowed.
void spool_close(struct spool *spool);

enum spool_act {
    SPOOL_TAKE,   // keep these jobs of one tenant, all of them or none
    SPOOL_SETTLE, // a broker has taken or refused these
    SPOOL_DELETE, // a refusal is not wanted any more
};

struct spool_item {
    // TAKE     id, fingerprint, spooled_at, tenant, envelope, block
    // SETTLE   as read from it; `place` is SPOOL_REFUSED, with error, time and detail, or else the
    //          job is forwarded
    // DELETE   id, tenant
    struct spool_record record;
    // TAKE, SETTLE of a member of a batch that has a key; all zero else.
    struct id batch_id;
    uint64_t batch_fingerprint; // of the body that it was made of
    // What came of it, when the whole is OK.
    //   TAKE     OK; ERR_KEY_REUSED: another job has this id; any other: the same job was refused
    //   DELETE   ERR_NOT_FOUND; ERR_CONFLICT: it still waits
    err error;
    bool is_known; // TAKE: it was there before; spooled_at is that time
};

struct spool_order;
// Called once, in the spool's thread, when the outcome is on the disk. Must not block.
//   ERR_SPOOL_FULL      TAKE: there is no room for all that is new
//   ERR_SPOOL_SHARE     TAKE: the tenant has no room for it
//   ERR_KEY_REUSED      TAKE: members of the batch wait, and were made of another body
//   ERR_DISK            there is no room on the disk; nothing has changed
//   ERR_SHUTTING_DOWN   TAKE, DELETE: nothing has changed
typedef void spool_done(struct spool_order *order, err e);

// What is to be done. Its owner keeps it, and all it points to, until `done` is called.
struct spool_order {
    enum spool_act act;
    struct spool_item *items;
    uint32_t count;
    spool_done *done;
    struct spool_order *next; // the spool's
};

// Any thread. May call `done` at once.
void spool_do(struct spool *spool, struct spool_order *order);

// --- reading: any thread, but not within a visit ---

// `record` is borrowed until it returns. False ends the walk.
typedef bool spool_visit(void *ctx, const struct spool_record *record);

// Visits the jobs of a place in their order, from this number on. A damaged one is skipped.
MUST_USE err spool_walk(struct spool *spool, enum spool_place place, uint64_t from,
                        spool_visit *visit, void *ctx);
// Visits this one. ERR_NOT_FOUND, ERR_DAMAGED.
MUST_USE err spool_look(struct spool *spool, const struct id *id, spool_visit *visit, void *ctx);

// Do members of this batch wait that were made of another body?
bool spool_is_other_body(struct spool *spool, const struct id *batch_id, uint64_t fingerprint);

// Does it take new jobs, as far as is known before they come?
bool spool_is_open(const struct spool *spool);
// Jobs that wait; without a look at the disk.
uint64_t spool_waiting(const struct spool *spool);
// How often jobs have left the waiting ones since the start: when it has not changed, whoever was
// not among them before is not now.
uint64_t spool_departures(const struct spool *spool);

void spool_books(struct spool *spool, struct spool_account *out_account);
uint64_t spool_bytes_max(const struct spool *spool);
