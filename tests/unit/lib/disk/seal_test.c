// Sealed records: golden bytes, and every way of being damaged.

#include "lib/disk/disk.h"
#include "tests/support/test.h"

// The checksum was computed by an independent implementation of CRC-32C.
static const uint8_t golden[] = {0x01, 0x02, 0x00, 0x00, 0x00, 0x03, 'a',
                                 'b',  'c',  0x30, 0x82, 0x31, 0x5c};

static err unseal(struct slice record, uint64_t number)
{
    struct disk_key key = disk_key_of(number);
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content = {0};
    err e = disk_unseal(record, disk_key_slice(&key), &version, &kind, &content);
    if (e == OK) {
        EXPECT_EQ(version, 1);
        EXPECT_EQ(kind, 2);
        EXPECT(slice_is_text(content, "abc"));
    }
    return e;
}

TEST(seal, golden_bytes)
{
    uint8_t room[sizeof golden] = {0};
    struct disk_key key = disk_key_of(0x0102030405060708);
    EXPECT_EQ(key.bytes[0], 1);
    EXPECT_EQ(key.bytes[7], 8);
    EXPECT_EQ(disk_key_number(disk_key_slice(&key)), 0x0102030405060708);
    memcpy(room + DISK_SEAL_HEAD_LEN, "abc", 3);
    disk_seal(room, 1, 2, disk_key_slice(&key), 3);
    EXPECT_MEM(room, golden, sizeof golden);
    EXPECT_EQ(unseal(slice_of(golden, sizeof golden), 0x0102030405060708), OK);
}

TEST(seal, every_flipped_bit_is_seen)
{
    for (size_t bit = 0; bit < sizeof golden * 8; bit++) {
        uint8_t copy[sizeof golden];
        memcpy(copy, golden, sizeof golden);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        EXPECT_EQ(unseal(slice_of(copy, sizeof copy), 0x0102030405060708), ERR_DAMAGED);
    }
}

TEST(seal, record_under_another_key_is_damaged)
{
    EXPECT_EQ(unseal(slice_of(golden, sizeof golden), 0x0102030405060709), ERR_DAMAGED);
}

TEST(seal, short_and_long_records_are_damaged)
{
    for (size_t len = 0; len < sizeof golden; len++)
        EXPECT_EQ(unseal(slice_of(golden, len), 0x0102030405060708), ERR_DAMAGED);
    uint8_t longer[sizeof golden + 1] = {0};
    memcpy(longer, golden, sizeof golden);
    EXPECT_EQ(unseal(slice_of(longer, sizeof longer), 0x0102030405060708), ERR_DAMAGED);
}
