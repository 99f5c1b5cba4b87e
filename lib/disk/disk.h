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

struct disk_options {
    const char *dir;          // made when missing
    const char *const *tables; // names; a table's number is its place
    uint32_t table_count;
    uint64_t map_start_bytes; // size of the map at first; it grows by doubling
    uint64_t map_bytes_max;
    uint64_t ahead_bytes;     // kept allocated ahead in the data file (0: nothing)
    uint32_t reader_count_max;
    bool allow_unsafe_place;  // tmpfs and overlay are warned of anyway; network never allowed
};

//   ERR_LOCKED       another process has the directory open
//   ERR_UNSUPPORTED  the file system is not local, or the format is of another version
//   ERR_DISK         anything else of the disk
// `out_why` gets one sentence with the fix (static or inside the disk's memory), also on error.
MUST_USE err disk_open(const struct disk_options *options, struct disk **out_disk,
                       const char **out_why);
void disk_close(struct disk *disk);

// --- writing (one thread) ---

// Begins a transaction; grows the map and the allocated file first where needed.
//   ERR_DISK        no space ahead (nothing was begun): refuse new work, finish old
MUST_USE err disk_begin(struct disk *disk, struct disk_txn **out_txn);
// Ends it durably. After any error the process must end without another word.
MUST_USE err disk_commit(struct disk_txn *txn);
void disk_abort(struct disk_txn *txn);

// Keys are u64 numbers (big-endian inside, so the order is numeric) or up to 64 raw bytes.
// Values are raw; see disk_seal for records.
MUST_USE err disk_put(struct disk_txn *txn, uint32_t table, struct slice key, struct slice value);
// For keys above every key of the table: the dense, fast way. ERR_CONFLICT when it is not above.
MUST_USE err disk_append(struct disk_txn *txn, uint32_t table, struct slice key,
                         struct slice value);
// Reserves `len` bytes to be filled in before the next call: saves one copy.
MUST_USE err disk_reserve(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                          uint8_t **out_room);
// ERR_NOT_FOUND when there is none.
MUST_USE err disk_drop(struct disk_txn *txn, uint32_t table, struct slice key);
// Borrowed until the next write of the transaction.
MUST_USE err disk_txn_get(struct disk_txn *txn, uint32_t table, struct slice key,
                          struct slice *out_value);

// Bytes in use and the map's size, and the share used by live pages: for admission (75 %).
struct disk_usage {
    uint64_t used_bytes;
    uint64_t map_bytes;
    uint64_t map_bytes_max;
    uint64_t ahead_left_bytes;
};
void disk_usage(const struct disk *disk, struct disk_usage *out_usage);
// The data file, for figures.
const char *disk_path(const struct disk *disk);

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
// The first entry at or after `from`; ERR_NOT_FOUND at the end. Then the following ones.
MUST_USE err disk_seek(struct disk_reader *reader, uint32_t table, struct slice from,
                       struct slice *out_key, struct slice *out_value);
MUST_USE err disk_next(struct disk_reader *reader, struct slice *out_key,
                       struct slice *out_value);

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
enum { DISK_SEAL_LEN = 10 };
// Writes seal and content around `content_len` bytes already at room + 6.
void disk_seal(uint8_t *room, uint8_t version, uint8_t kind, struct slice key, size_t content_len);
//   ERR_DAMAGED   length or checksum do not fit
MUST_USE err disk_unseal(struct slice record, struct slice key, uint8_t *out_version,
                         uint8_t *out_kind, struct slice *out_content);
