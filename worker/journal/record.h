#pragma once

// One outcome as it lies in the journal: a sealed record (lib/disk/disk.h: version, kind, length,
// CRC-32C over content and key). All numbers big-endian.
//
//   key       job id 16 | generation u64 | token u64
//   content   version 1: outcome u8 | content type u8 | retry after ms u32 |
//             result u32+bytes | kind u32+bytes | message u32+bytes | detail u32+bytes
//             version 2: lineage u64, not zero, then as version 1
//
// An outcome whose lineage is not known has version 1.
//
// To change it: add a version with its own reader below, keep the old reader and its golden bytes
// (tests/unit/worker/journal/record_test.c), and say so in docs/worker.md.

#include "worker/core/outcome.h"

enum { RECORD_KEY_LEN = 32, RECORD_VERSION = 2, RECORD_KIND = 1 };

struct record_key {
    uint8_t bytes[RECORD_KEY_LEN];
};

struct record_key record_key_of(const struct id *job_id, uint64_t generation, uint64_t token);

// Length of the record, seal included.
size_t record_size(const struct outcome_report *report);
// Writes it into `room`, record_size() bytes.
void record_encode(const struct outcome_report *report, uint8_t *room);

// The slices of the report borrow from `record`.
//   ERR_DAMAGED       checksum, length or a value is wrong
//   ERR_UNSUPPORTED   of a later version
MUST_USE err record_decode(struct slice key, struct slice record,
                           struct outcome_report *out_report);
