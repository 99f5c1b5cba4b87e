// Sealed records and number keys. Pure.

#include "lib/disk/disk.h"

#include "lib/base/check.h"
#include "lib/disk/disk_crc.h"

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
    return disk_crc_more(disk_crc_more(0, covered), key);
}

// Big-endian; lib/base/bytes.h would check room that is known to be there.
static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void disk_seal(uint8_t *room, uint8_t version, uint8_t kind, struct slice key, size_t content_len)
{
    CHECK(content_len <= UINT32_MAX - DISK_SEAL_LEN);
    size_t covered_len = DISK_SEAL_HEAD_LEN + content_len;
    room[0] = version;
    room[1] = kind;
    put_u32(room + 2, (uint32_t)content_len);
    put_u32(room + covered_len, checksum(slice_of(room, covered_len), key));
}

err disk_unseal(struct slice record, struct slice key, uint8_t *out_version, uint8_t *out_kind,
                struct slice *out_content)
{
    if (record.len < DISK_SEAL_LEN || get_u32(record.data + 2) != record.len - DISK_SEAL_LEN)
        return ERR_DAMAGED;
    size_t covered_len = record.len - 4;
    if (get_u32(record.data + covered_len) != checksum(slice_of(record.data, covered_len), key))
        return ERR_DAMAGED;
    *out_version = record.data[0];
    *out_kind = record.data[1];
    *out_content = slice_of(record.data + DISK_SEAL_HEAD_LEN, record.len - DISK_SEAL_LEN);
    return OK;
}
