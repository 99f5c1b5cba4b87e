#pragma once

// The LMDB seam: the only includer of <lmdb.h>. A disk is one environment in one directory with
// numbered tables; the broker's, the gateway's and the worker's stores stand on it.
//
// Default sync only: a transaction that disk_commit() answered with OK is on the disk. Any error
// of a commit means memory is ahead of the disk: the caller must end the process (docs/adr). One
// open per process, never across fork. Records are sealed with version, length and CRC-32C.
//
// One thread writes; each reader belongs to one thread at a time.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct disk;
struct disk_txn;    // a write transaction
struct disk_reader; // a read snapshot, renewable

enum { DISK_TABLE_COUNT_MAX = 32, DISK_KEY_LEN_MAX = 257, DISK_WHY_LEN = 512 };

struct disk_options {
    const char *dir;           // made when missing
    const char *const *tables; // names; a table's number is its place
    uint32_t table_count;      // at most DISK_TABLE_COUNT_MAX
    uint64_t map_start_bytes;  // size of the map at first; it grows by doubling (0: 256 MiB)
    uint64_t map_bytes_max;    // (0: 64 GiB)
    uint64_t ahead_bytes;      // kept allocated ahead in the data file (0: nothing)
    uint32_t reader_count_max; // (0: 32)
    bool allow_unsafe_place;   // no warning about tmpfs and overlay; network is never allowed
    const char *name;          // whose data this is; another name is refused (NULL: any)
    uint32_t format;           // of the records; a later one than this is refused, an earlier one
                               // stays until disk_renew()
    bool allow_unready;        // opens a backup (disk_copy.h) and a directory in the making, too
    char *why;                 // DISK_WHY_LEN bytes for the sentence of disk_open(); NULL: it tells
                               // the error's own text, and no warning
};

//   ERR_LOCKED       another process has the directory open
//   ERR_UNSUPPORTED  the file system is not local, or the format is of a later version, or the
//                    directory belongs to another program, is a backup or still in the making
//   ERR_DAMAGED      the data file is not one, is cut short, or its pages contradict each other
//   ERR_DISK         anything else of the disk
// `out_why` gets one sentence with the fix, in options.why; when OK it is NULL or a warning to be
// logged.
MUST_USE err disk_open(const struct disk_options *options, struct disk **out_disk,
                       const char **out_why);
void disk_close(struct disk *disk);

// The format that the directory's mark names.
uint32_t disk_format(const struct disk *disk);
// Its mark says that nothing is to run on it.
bool disk_is_backup(const struct disk *disk);

// A directory that holds a file of this name is in the making and is opened by its maker alone.
#define DISK_UNFINISHED "unfinished"

// --- writing (one thread) ---

// Begins a transaction; grows the map and the allocated file first where needed. Growing the map
// waits for the readers that are inside disk_read_begin() … disk_read_end(), so no reader may
// wait for the writer in there.
//   ERR_DISK        the space ahead is used up, or an earlier commit failed; nothing was begun
MUST_USE err disk_begin(struct disk *disk, struct disk_txn **out_txn);
// Ends it durably.
//   ERR_FULL        as of the writes below; nothing was written
//   ERR_DISK        the process must end without another word; nothing works any more
MUST_USE err disk_commit(struct disk_txn *txn);
void disk_abort(struct disk_txn *txn);

// Keys are u64 numbers (disk_key_of: big-endian inside, so the order is numeric) or up to
// DISK_KEY_LEN_MAX raw bytes. Values are raw; see disk_seal for records.
//
// Errors of all writes, after which the transaction must be aborted:
//   ERR_FULL        the map is; the next disk_begin() makes it larger if it may grow: try again
//   ERR_DISK        anything else
MUST_USE err disk_put(struct disk_txn *txn, uint32_t table, struct slice key, struct slice value);
// For keys above every key of the table: the dense, fast way. ERR_CONFLICT when it is not above.
MUST_USE err disk_append(struct disk_txn *txn, uint32_t table, struct slice key,
                         struct slice value);
// Reserves `len` bytes to be filled in before the next call: saves one copy.
MUST_USE err disk_reserve(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                          uint8_t **out_room);
// The same for a key above every key of the table. ERR_CONFLICT when it is not above.
MUST_USE err disk_append_reserve(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                                 uint8_t **out_room);
// Changes the value that disk_txn_get() has just found in this table, without a second search:
// `len` bytes to be filled in. The old bytes may be gone; copy them first.
MUST_USE err disk_replace(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                          uint8_t **out_room);
// ERR_NOT_FOUND when there is none.
MUST_USE err disk_drop(struct disk_txn *txn, uint32_t table, struct slice key);
// The transaction has made the records those of the format of disk_options: the mark says so too.
MUST_USE err disk_renew(struct disk_txn *txn);
// The directory is a backup no more.
MUST_USE err disk_adopt(struct disk_txn *txn);
// Borrowed until the next write of the transaction.
MUST_USE err disk_txn_get(struct disk_txn *txn, uint32_t table, struct slice key,
                          struct slice *out_value);

// For admission: refuse new work above 75 % of the largest map, and while `is_short`.
struct disk_usage {
    uint64_t file_bytes; // up to the last page in use
    uint64_t used_bytes; // of these, pages that are not free for reuse
    uint64_t map_bytes;
    uint64_t map_bytes_max;
    uint64_t ahead_left_bytes; // allocated beyond file_bytes
    bool is_short;             // the file system had no room for `ahead_bytes`: ENOSPC is near
};
void disk_usage(const struct disk *disk, struct disk_usage *out_usage);
// Asks the system to read the data file into memory in large pieces, before a walk over it all.
// A file of more than a quarter of the machine's memory is left alone.
void disk_warm(struct disk *disk);
// The data file, for figures.
const char *disk_path(const struct disk *disk);
// What the library said at the last ERR_DISK, for the log; static.
const char *disk_fault(const struct disk *disk);
// For who gives up with `e`: ERR_DAMAGED instead of ERR_DISK when pages of the file contradict each
// other. Reading and writing say ERR_DISK of it, for nothing that follows can be believed, while
// ERR_DAMAGED is of one record.
err disk_verdict(const struct disk *disk, err e);

// --- reading (each reader one thread at a time) ---

MUST_USE err disk_reader_open(struct disk *disk, struct disk_reader **out_reader);
void disk_reader_close(struct disk_reader *reader);
// Takes a snapshot at or after the last commit; disk_read_end() lets it go. Keep it short: a
// held snapshot lets the file grow.
MUST_USE err disk_read_begin(struct disk_reader *reader);
void disk_read_end(struct disk_reader *reader);
// Borrowed until disk_read_end().
MUST_USE err disk_get(struct disk_reader *reader, uint32_t table, struct slice key,
                      struct slice *out_value);
// The first entry at or after `from` (the first of all when empty); ERR_NOT_FOUND at the end.
// Then the following ones; a disk_get() in the same table in between would lose the place.
MUST_USE err disk_seek(struct disk_reader *reader, uint32_t table, struct slice from,
                       struct slice *out_key, struct slice *out_value);
MUST_USE err disk_next(struct disk_reader *reader, struct slice *out_key, struct slice *out_value);
// The same backwards: the last entry at or before `upto`; then the ones before it.
MUST_USE err disk_seek_back(struct disk_reader *reader, uint32_t table, struct slice upto,
                            struct slice *out_key, struct slice *out_value);
MUST_USE err disk_prev(struct disk_reader *reader, struct slice *out_key, struct slice *out_value);

// --- records and keys (pure) ---

struct disk_key {
    uint8_t bytes[8];
};
struct disk_key disk_key_of(uint64_t number);
uint64_t disk_key_number(struct slice key); // `key` is 8 bytes
static inline struct slice disk_key_slice(const struct disk_key *key)
{
    return slice_of(key->bytes, sizeof key->bytes);
}

// A sealed record: version u8, kind u8, length u32 of the content, content, CRC-32C u32 over all
// before it and over the key, so a record under a wrong key is damaged too.
enum { DISK_SEAL_HEAD_LEN = 6, DISK_SEAL_LEN = 10 };
// Writes the seal around `content_len` bytes already at room + DISK_SEAL_HEAD_LEN.
void disk_seal(uint8_t *room, uint8_t version, uint8_t kind, struct slice key, size_t content_len);
//   ERR_DAMAGED   length or checksum do not fit
MUST_USE err disk_unseal(struct slice record, struct slice key, uint8_t *out_version,
                         uint8_t *out_kind, struct slice *out_content);
