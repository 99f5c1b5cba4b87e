// Records of the gateway's cache: the bytes as they lie there, or the same with a right seal, so that
// what is behind the checksum is reached too. What decodes must encode to the same bytes.

// links: weft_gateway_store

#include "gateway/store/cache_record.h"

#include <stdlib.h>

enum { KEY_LEN = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void judge_value(struct slice key, struct slice bytes)
{
    struct cache_record record;
    err e = cache_record_decode(bytes, key, &record);
    must(e == OK || e == ERR_DAMAGED);
    if (e != OK)
        return;
    must(cache_record_len(record.value.len) == bytes.len);
    uint8_t *again = malloc(bytes.len);
    must(again != NULL);
    cache_record_encode(&record, key, again);
    must(memcmp(again, bytes.data, bytes.len) == 0);
    free(again);
}

static void judge_place(struct slice key, struct slice bytes)
{
    struct msg_place place;
    uint8_t again[CACHE_PLACE_LEN];
    err e = cache_record_decode_place(bytes, key, &place);
    must(e == OK || e == ERR_DAMAGED);
    if (e != OK)
        return;
    must(bytes.len == CACHE_PLACE_LEN);
    cache_record_encode_place(&place, key, again);
    must(memcmp(again, bytes.data, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + KEY_LEN)
        return 0;
    struct slice key = slice_of(data + 1, KEY_LEN);
    struct slice rest = slice_of(data + 1 + KEY_LEN, size - 1 - KEY_LEN);
    uint8_t *room = malloc(rest.len + DISK_SEAL_LEN);
    must(room != NULL);
    if (rest.len > 0)
        memcpy(room + DISK_SEAL_HEAD_LEN, rest.data, rest.len);
    disk_seal(room, (uint8_t)(1 + data[0] / 128), (uint8_t)(data[0] / 2 % 4), key, rest.len);
    struct slice sealed = slice_of(room, rest.len + DISK_SEAL_LEN);
    judge_value(key, data[0] % 2 == 0 ? rest : sealed);
    judge_place(key, data[0] % 2 == 0 ? rest : sealed);
    free(room);
    return 0;
}
