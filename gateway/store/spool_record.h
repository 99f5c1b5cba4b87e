#pragma once

// Records of the spool as they lie in its tables:
//
//   waiting   number u64 → a job, sealed (lib/disk): version 1, kind 1
//   refused   number u64 → the same, kind 2
//   ids       id 16      → where it is, sealed: version 1, kind 1 or 2, then number u64
//   totals    0 u64      → sealed: version 1, kind 1, then accepted, forwarded, refused, damaged,
//                          deleted, each u64
//   batches   id 16      → a batch with members that wait, sealed: version 1, kind 1, then the
//                          fingerprint of its body and how many wait, each u64
//
// A job is
//
//   id 16, fingerprint u64, spooled_at u64, error u32, refused_at u64,
//   lengths of detail u16, tenant u8, envelope u32; detail, tenant, envelope, block
//
// where envelope and block are the frames of a SUBMIT with this one job (docs/protocol.md), and
// error, refused_at and detail are zero and empty while it waits. `number` grows with each job that
// is taken.
//
// Changing one means: a new version that is written, a reader for both, new golden bytes beside the
// old ones in tests/unit/gateway/store/spool_record_test.c. Pure.

#include "gateway/core/spool_account.h"
#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "lib/disk/disk.h"

enum spool_place { SPOOL_WAITING = 1, SPOOL_REFUSED = 2 };

enum {
    SPOOL_TENANT_LEN_MAX = 128,
    SPOOL_DETAIL_LEN_MAX = 1024,
    SPOOL_RECORD_HEAD_LEN = 16 + 8 + 8 + 4 + 8 + 2 + 1 + 4,
    SPOOL_ID_LEN = DISK_SEAL_LEN + 8,
    SPOOL_TOTALS_LEN = DISK_SEAL_LEN + 5 * 8,
    SPOOL_BATCH_LEN = DISK_SEAL_LEN + 2 * 8,
};

// A job in the spool. The slices are borrowed.
struct spool_record {
    enum spool_place place;
    uint64_t number;
    struct id id;
    uint64_t fingerprint;
    when_ms spooled_at; // wall clock, as all here
    err error;          // of a refusal
    when_ms refused_at;
    struct slice detail;
    struct slice tenant;
    struct slice envelope;
    struct slice block;
};

// With its seal.
size_t spool_record_len(const struct spool_record *record);
// `room` has spool_record_len() bytes.
void spool_record_encode(const struct spool_record *record, uint8_t *room);
// `out_record` borrows from `bytes`.
//   ERR_DAMAGED   also of a version that is not known
MUST_USE err spool_record_decode(struct slice bytes, struct slice key,
                                 struct spool_record *out_record);

// Where the job of an id is.
struct spool_mark {
    enum spool_place place;
    uint64_t number;
};
void spool_record_encode_id(struct spool_mark mark, const struct id *id,
                            uint8_t room[SPOOL_ID_LEN]);
MUST_USE err spool_record_decode_id(struct slice bytes, struct slice key,
                                    struct spool_mark *out_mark);

// The sums of all times.
void spool_record_encode_totals(const struct spool_account *account,
                                uint8_t room[SPOOL_TOTALS_LEN]);
// What is there now stays as it is.
MUST_USE err spool_record_decode_totals(struct slice bytes, struct spool_account *account);

struct spool_batch {
    uint64_t fingerprint;
    uint64_t waiting;
};
void spool_record_encode_batch(const struct spool_batch *batch, const struct id *id,
                               uint8_t room[SPOOL_BATCH_LEN]);
MUST_USE err spool_record_decode_batch(struct slice bytes, struct slice key,
                                       struct spool_batch *out_batch);
