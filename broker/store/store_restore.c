// What was given out after the copy is unknown, so what could have been is left out: the broker is
// started once a second at most (RestartSec of its unit), and accepts a segment of jobs a second.

#include "broker/store/store_restore.h"

#include "broker/store/store_private.h"
#include "lib/base/check.h"
#include "lib/disk/disk_copy.h"
#include "lib/sys/blake.h"

#include <stdio.h>

enum {
    SPARE = 4096,                   // epochs, and segments of job numbers
    SEGMENTS_SKIPPED_MAX = 1 << 16, // each costs 48 bytes of memory
    EPOCHS_SHARE = 4,               // of those left, at most this part is given up
};

// --- backup ---

struct copying {
    const struct store_backup_options *options;
    struct ledger_row ledger;
    err verdict; // on the ledger's record
};

static void see_ledger(void *ctx, struct slice value)
{
    struct copying *copying = ctx;
    struct disk_key key = disk_key_of(META_LEDGER);
    copying->verdict = store_record_get_ledger(value, disk_key_slice(&key), &copying->ledger);
}

static void tell(void *ctx, uint64_t bytes, uint64_t bytes_expected)
{
    const struct copying *copying = ctx;
    if (copying->options->tell != NULL)
        copying->options->tell(copying->options->ctx, bytes, bytes_expected);
}

err store_restore_backup(const struct store_backup_options *options,
                         struct store_backup *out_backup, const char **out_why)
{
    static char why[DISK_WHY_LEN]; // one backup at a time
    struct copying copying = {.options = options};
    struct disk_key key = disk_key_of(META_LEDGER);
    const struct disk_copy_options copy = {.from = options->from,
                                           .to = options->to,
                                           .name = STORE_NAME,
                                           .format = STORE_FORMAT,
                                           .why = why,
                                           .table = "meta",
                                           .key = disk_key_slice(&key),
                                           .see = see_ledger,
                                           .tell = tell,
                                           .ctx = &copying};
    uint64_t bytes = 0;
    why[0] = '\0';
    err e = disk_copy(&copy, &bytes);
    if (e == OK && copying.verdict != OK) {
        e = copying.verdict;
        (void)snprintf(why, sizeof why, "the ledger's record is damaged; restore a backup");
    }
    *out_why = why[0] != '\0' ? why : err_text(e);
    if (e == OK)
        *out_backup = (struct store_backup){.bytes = bytes, .ledger = copying.ledger};
    return e;
}

// --- restore ---

static uint64_t seconds_since(const struct ledger_row *ledger, when_ms wall)
{
    return wall > ledger->store_time ? (uint64_t)(wall - ledger->store_time) / 1000 : 0;
}

// As if the original had been started each second since, and then some; but an old copy must not take
// all the epochs there are.
static err raise_epoch(const struct ledger_row *ledger, uint64_t seconds, uint32_t *out_epoch)
{
    uint32_t left = ledger->epoch < ROW_EPOCH_MAX ? ROW_EPOCH_MAX - ledger->epoch : 0;
    uint64_t raise = SPARE + seconds;
    if (left < 2 * SPARE)
        return ERR_FULL;
    if (raise > left / EPOCHS_SHARE)
        raise = left / EPOCHS_SHARE;
    if (raise < SPARE)
        raise = SPARE;
    *out_epoch = ledger->epoch + (uint32_t)raise;
    return OK;
}

static uint64_t raise_job_no(const struct ledger_row *ledger, uint64_t seconds)
{
    uint64_t segments = SPARE + seconds;
    if (segments > SEGMENTS_SKIPPED_MAX)
        segments = SEGMENTS_SKIPPED_MAX;
    return (ledger->job_no_next / STORE_SEGMENT_JOBS + segments + 1) * STORE_SEGMENT_JOBS;
}

static err put_origin(struct disk_txn *txn, uint64_t lineage)
{
    struct disk_key key = disk_key_of(META_ORIGIN);
    uint8_t *room = NULL;
    err e = disk_reserve(txn, TABLE_META, disk_key_slice(&key),
                         STORE_RECORD_ORIGIN_LEN + DISK_SEAL_LEN, &room);
    if (e == OK)
        store_record_put_origin(room, disk_key_slice(&key), lineage);
    return e;
}

static err put_ledger(struct disk_txn *txn, const struct ledger_row *ledger)
{
    struct disk_key key = disk_key_of(META_LEDGER);
    uint8_t *room = NULL;
    err e = disk_reserve(txn, TABLE_META, disk_key_slice(&key),
                         STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN, &room);
    if (e == OK)
        store_record_put_ledger(room, disk_key_slice(&key), ledger);
    return e;
}

static err write_restored(struct store *store, const struct store_restored *restored)
{
    struct ledger_row ledger = restored->before;
    ledger.epoch = restored->epoch;
    ledger.token_counter = 0;
    ledger.job_no_next = restored->job_no_next;
    struct disk_txn *txn = NULL;
    err e = disk_begin(store->disk, &txn);
    if (e != OK)
        return e;
    e = put_origin(txn, restored->lineage);
    if (e == OK)
        e = put_ledger(txn, &ledger);
    if (e == OK)
        e = disk_adopt(txn);
    if (e == OK)
        return disk_commit(txn);
    disk_abort(txn);
    return e;
}

when_ms store_restore_last(const struct store *store)
{
    return store->has_ledger ? store->ledger.store_time : 0;
}

err store_restore(struct store *store, when_ms wall, struct store_restored *out_restored)
{
    if (!store->has_ledger)
        return ERR_NOT_FOUND;
    uint64_t seconds = seconds_since(&store->ledger, wall);
    struct store_restored restored = {.before = store->ledger,
                                      .job_no_next = raise_job_no(&store->ledger, seconds)};
    err e = raise_epoch(&store->ledger, seconds, &restored.epoch);
    if (e != OK)
        return e;
    blake_random(&restored.lineage, sizeof restored.lineage);
    CHECK(restored.lineage != store->lineage && restored.epoch > store->ledger.epoch);
    e = write_restored(store, &restored);
    if (e == ERR_FULL)
        e = write_restored(store, &restored); // the map has grown now, if it may
    if (e == OK)
        *out_restored = restored;
    return e == ERR_FULL ? ERR_DISK : e;
}
