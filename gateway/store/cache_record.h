#pragma once

// Records of the cache, as docs/disk-format.md draws them. Pure but for lib/disk's seal.

#include "gateway/core/feed.h"
#include "lib/base/id.h"
#include "lib/disk/disk.h"

// A cached value: sealed under its number.
struct cache_record {
    struct id id;
    when_ms expires_at;
    struct slice value; // what it is, the cache does not know
};

enum {
    CACHE_RECORD_HEAD_LEN = 16 + 8,
    CACHE_PLACE_CONTENT_LEN = 8 + 4 + 8 + 4,
    CACHE_PLACE_LEN = CACHE_PLACE_CONTENT_LEN + DISK_SEAL_LEN
};

// Bytes of the whole record; `room` has so many.
size_t cache_record_len(size_t value_len);
void cache_record_encode(const struct cache_record *record, struct slice key, uint8_t *room);
// The value is borrowed from `bytes`.
//   ERR_DAMAGED
MUST_USE err cache_record_decode(struct slice bytes, struct slice key,
                                 struct cache_record *out_record);

// How far the stream of removals is known.
void cache_record_encode_place(const struct msg_place *place, struct slice key,
                               uint8_t out_bytes[CACHE_PLACE_LEN]);
MUST_USE err cache_record_decode_place(struct slice bytes, struct slice key,
                                       struct msg_place *out_place);
