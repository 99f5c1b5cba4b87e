// Records of the cache: golden bytes, and what is refused.

#include "gateway/store/cache_record.h"
#include "tests/support/test.h"

static const struct disk_key key_7 = {{0, 0, 0, 0, 0, 0, 0, 7}};

TEST(cache_record, a_value_lies_as_drawn)
{
    const struct cache_record record = {
        .id = {{0x01, 0x90}}, .expires_at = 0x0102030405060708, .value = slice_of_text("abc")};
    static const uint8_t golden[] = {
        1,    1,    0,   0, 0, 27,                               // seal: version, kind, length
        0x01, 0x90, 0,   0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // id
        1,    2,    3,   4, 5, 6,  7, 8,                         // expires_at
        'a',  'b',  'c',
    };
    uint8_t room[64];
    struct cache_record back;
    EXPECT_EQ(cache_record_len(3), sizeof golden + 4);
    cache_record_encode(&record, disk_key_slice(&key_7), room);
    EXPECT_MEM(room, golden, sizeof golden);
    struct slice bytes = slice_of(room, cache_record_len(3));
    EXPECT_EQ(cache_record_decode(bytes, disk_key_slice(&key_7), &back), OK);
    EXPECT(id_equal(&back.id, &record.id) && back.expires_at == record.expires_at);
    EXPECT(slice_is_text(back.value, "abc"));
}

TEST(cache_record, a_place_lies_as_drawn)
{
    const struct msg_place place = {0x1112131415161718, 0x21222324, 0x3132333435363738, 0x41424344};
    static const uint8_t golden[] = {
        1,    2,    0,    0,    0,    24,               // seal
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, // lineage
        0x21, 0x22, 0x23, 0x24,                         // epoch
        0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, // position
        0x41, 0x42, 0x43, 0x44,                         // index
    };
    uint8_t room[CACHE_PLACE_LEN];
    struct msg_place back;
    cache_record_encode_place(&place, disk_key_slice(&key_7), room);
    EXPECT_MEM(room, golden, sizeof golden);
    struct slice bytes = slice_of(room, sizeof room);
    EXPECT_EQ(cache_record_decode_place(bytes, disk_key_slice(&key_7), &back), OK);
    EXPECT(back.lineage == place.lineage && back.epoch == place.epoch &&
           back.position == place.position && back.index == place.index);
}

TEST(cache_record, a_flipped_bit_or_another_key_is_damage)
{
    uint8_t room[64];
    uint8_t place_room[CACHE_PLACE_LEN];
    const struct disk_key key_8 = disk_key_of(8);
    const struct cache_record record = {.value = slice_of_text("abc")};
    const struct msg_place place = {1, 2, 3, 4};
    struct cache_record back;
    struct msg_place place_back;
    cache_record_encode(&record, disk_key_slice(&key_7), room);
    cache_record_encode_place(&place, disk_key_slice(&key_7), place_room);
    struct slice bytes = slice_of(room, cache_record_len(3));
    struct slice place_bytes = slice_of(place_room, sizeof place_room);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT_EQ(cache_record_decode(bytes, disk_key_slice(&key_7), &back), ERR_DAMAGED);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_EQ(cache_record_decode(bytes, disk_key_slice(&key_8), &back), ERR_DAMAGED);
    EXPECT_EQ(cache_record_decode(place_bytes, disk_key_slice(&key_7), &back), ERR_DAMAGED);
    EXPECT_EQ(cache_record_decode_place(bytes, disk_key_slice(&key_7), &place_back), ERR_DAMAGED);
    EXPECT_EQ(cache_record_decode_place(place_bytes, disk_key_slice(&key_8), &place_back),
              ERR_DAMAGED);
}
