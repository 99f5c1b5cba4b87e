#pragma once

// Job, batch and worker ids: UUIDs (RFC 9562). Version 7 (time ordered) when no key was given,
// version 8 when the id is derived from (tenant, queue, key). Pure.
//
//   v7:  unix_ms 48 | 7 | slot 12 | 2 bits variant | random 62
//   v8:  slot 12, hash 36 | 8 | hash 12 | 2 bits variant | hash 62
//
// The slot (first 12 bits of BLAKE2b(tenant, queue)) names the partition.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

struct id {
    uint8_t bytes[16];
};

enum { ID_SLOT_MAX = 4095, ID_TEXT_LEN = 36 };

// `random` is 8 bytes of randomness; `unix_ms` below 2^48; `slot` at most ID_SLOT_MAX.
struct id id_v7(when_ms unix_ms, uint16_t slot, uint64_t random);

// From the first 16 bytes of a hash.
struct id id_v8(uint16_t slot, const uint8_t hash[16]);

// 7, 8, or whatever else the version nibble says.
unsigned id_version(const struct id *id);
uint16_t id_slot(const struct id *id);
// The time inside a version 7 id.
when_ms id_time(const struct id *id);

bool id_equal(const struct id *a, const struct id *b);
bool id_is_zero(const struct id *id);

// Spreads ids over tables; `seed` keeps the spread unknown to whoever chooses ids.
uint64_t id_hash(const struct id *id, uint64_t seed);

// Lower-case hexadecimal with four dashes, zero-terminated.
void id_to_text(const struct id *id, char out[ID_TEXT_LEN + 1]);

// Accepts both cases; exactly the 36 character form.
//   ERR_MALFORMED   anything else
MUST_USE err id_from_text(struct slice text, struct id *out_id);

// ERR_MALFORMED unless `bytes` is 16 long. The zero id is accepted.
MUST_USE err id_from_bytes(struct slice bytes, struct id *out_id);
