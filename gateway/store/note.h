#pragma once

// A note as it lies in table `keys` of the gateway's record:
//
//   id 16 → sealed (lib/disk): version 1, kind, then
//           fingerprint u64, lineage u64, number u64, state u8, count u32, created_at u64,
//           dedup_until u64
//
// Changing it means: a new version that note_encode() writes, a reader for both, new golden bytes
// beside the old ones in tests/unit/gateway/store/note_test.c. Pure.

#include "gateway/store/keys.h"
#include "lib/base/slice.h"
#include "lib/disk/disk.h"

enum { NOTE_CONTENT_LEN = 8 + 8 + 8 + 1 + 4 + 8 + 8, NOTE_LEN = DISK_SEAL_LEN + NOTE_CONTENT_LEN };

// `number`: the note's place in the order.
void note_encode(const struct keys_note *note, uint64_t number, uint8_t out_record[NOTE_LEN]);

//   ERR_DAMAGED   also of a version that is not known
MUST_USE err note_decode(struct slice record, struct slice key, struct keys_note *out_note,
                         uint64_t *out_number);
