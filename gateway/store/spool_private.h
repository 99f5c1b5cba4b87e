#pragma once

// What spool.c, spool_batch.c and spool_read.c share.

#include "gateway/core/spool_shares.h"
#include "gateway/store/spool.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SPOOL_TABLE_WAITING,
    SPOOL_TABLE_REFUSED,
    SPOOL_TABLE_IDS,
    SPOOL_TABLE_TOTALS,
    SPOOL_TABLE_DAMAGED,
    SPOOL_TABLE_BATCHES,
};

struct spool {
    struct disk *disk;
    struct disk_reader *reader;
    uint64_t bytes_max;
    uint64_t tenant_bytes_max;
    pthread_t thread;
    pthread_mutex_t reading; // `reader`
    pthread_mutex_t lock;    // `first`, `last`, is_closing, `books`
    pthread_cond_t news;
    struct spool_order *first;
    struct spool_order *last;
    bool is_closing;
    bool is_stopped;
    struct spool_account books;   // as of the last commit
    struct spool_account account; // the thread's, with what is not yet committed
    struct spool_shares shares;   // the thread's, as `account`
    struct spool_shares before;   // this transaction; to go back to
    uint64_t number_next;         // the thread's
    uint64_t departed;            // the thread's, in this transaction
    uint8_t *room;                // the thread's, for one record
    size_t room_len;
    _Atomic uint64_t waiting;
    _Atomic uint64_t departures;
};

static inline uint32_t spool_table_of(enum spool_place place)
{
    return place == SPOOL_WAITING ? SPOOL_TABLE_WAITING : SPOOL_TABLE_REFUSED;
}

// --- spool_batch.c; each does nothing for what is no member of a batch with a key ---

// ERR_KEY_REUSED: members of its batch wait, and were made of another body.
MUST_USE err spool_batch_judge(struct disk_txn *txn, const struct spool_item *item);
// It waits from now on; and no more.
MUST_USE err spool_batch_join(struct disk_txn *txn, const struct spool_item *item);
MUST_USE err spool_batch_leave(struct disk_txn *txn, const struct spool_item *item);
// Before anything waits: what members that could not be read any more have left.
MUST_USE err spool_batch_clear(struct spool *spool);
