// Field by field.

#include "gateway/store/cache_record.h"

#include "lib/base/bytes.h"
#include "lib/base/check.h"

enum { VERSION = 1, KIND_VALUE = 1, KIND_PLACE = 2 };

size_t cache_record_len(size_t value_len)
{
    return DISK_SEAL_LEN + CACHE_RECORD_HEAD_LEN + value_len;
}

void cache_record_encode(const struct cache_record *record, struct slice key, uint8_t *room)
{
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN,
                            .cap = CACHE_RECORD_HEAD_LEN + record->value.len};
    bytes_put(&out, record->id.bytes, sizeof record->id.bytes);
    bytes_put_u64(&out, (uint64_t)record->expires_at);
    bytes_put(&out, record->value.data, record->value.len);
    CHECK(!out.full && out.len == out.cap);
    disk_seal(room, VERSION, KIND_VALUE, key, out.len);
}

err cache_record_decode(struct slice bytes, struct slice key, struct cache_record *out_record)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    err e = disk_unseal(bytes, key, &version, &kind, &content);
    if (e != OK || version != VERSION || kind != KIND_VALUE || content.len < CACHE_RECORD_HEAD_LEN)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct cache_record record = {0};
    struct slice id = bytes_get(&in, sizeof record.id.bytes);
    record.expires_at = (when_ms)bytes_get_u64(&in);
    record.value = in.left;
    if (id_from_bytes(id, &record.id) != OK)
        return ERR_DAMAGED;
    *out_record = record;
    return OK;
}

void cache_record_encode_place(const struct msg_place *place, struct slice key,
                               uint8_t out_bytes[CACHE_PLACE_LEN])
{
    struct bytes_out out = {.data = out_bytes + DISK_SEAL_HEAD_LEN, .cap = CACHE_PLACE_CONTENT_LEN};
    bytes_put_u64(&out, place->lineage);
    bytes_put_u32(&out, place->epoch);
    bytes_put_u64(&out, place->position);
    bytes_put_u32(&out, place->index);
    CHECK(!out.full && out.len == out.cap);
    disk_seal(out_bytes, VERSION, KIND_PLACE, key, out.len);
}

err cache_record_decode_place(struct slice bytes, struct slice key, struct msg_place *out_place)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    err e = disk_unseal(bytes, key, &version, &kind, &content);
    if (e != OK || version != VERSION || kind != KIND_PLACE)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct msg_place place = {0};
    place.lineage = bytes_get_u64(&in);
    place.epoch = bytes_get_u32(&in);
    place.position = bytes_get_u64(&in);
    place.index = bytes_get_u32(&in);
    if (!bytes_is_whole(&in))
        return ERR_DAMAGED;
    *out_place = place;
    return OK;
}
