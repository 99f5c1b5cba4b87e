// Sealed records and number keys. Pure.

#include "lib/disk/disk.h"

#include "lib/base/bytes.h"
#include "lib/base/crc.h"

struct disk_key disk_key_of(uint64_t number)
{
    struct disk_key key;
    for (unsigned i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    return key;
}

uint64_t disk_key_number(struct slice key)
{
    CHECK(key.len == sizeof(struct disk_key));
    uint64_t number = 0;
    for (size_t i = 0; i < key.len; i++)
        number = number << 8 | key.data[i];
    return number;
}

static uint32_t checksum(struct slice covered, struct slice key)
{
    return crc_more(crc_of(covered), key);
}

void disk_seal(uint8_t *room, uint8_t version, uint8_t kind, struct slice key, size_t content_len)
{
    CHECK(content_len <= UINT32_MAX - DISK_SEAL_LEN);
    struct bytes_out out = {.data = room, .cap = DISK_SEAL_LEN + content_len};
    bytes_put_u8(&out, version);
    bytes_put_u8(&out, kind);
    bytes_put_u32(&out, (uint32_t)content_len);
    out.len += content_len;
    bytes_put_u32(&out, checksum(slice_of(room, out.len), key));
    CHECK(!out.full && out.len == out.cap);
}

err disk_unseal(struct slice record, struct slice key, uint8_t *out_version, uint8_t *out_kind,
                struct slice *out_content)
{
    if (record.len < DISK_SEAL_LEN)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = record};
    uint8_t version = bytes_get_u8(&in);
    uint8_t kind = bytes_get_u8(&in);
    struct slice content = bytes_get_slice(&in);
    uint32_t sum = bytes_get_u32(&in);
    if (!bytes_is_whole(&in) || sum != checksum(slice_of(record.data, record.len - 4), key))
        return ERR_DAMAGED;
    *out_version = version;
    *out_kind = kind;
    *out_content = content;
    return OK;
}
