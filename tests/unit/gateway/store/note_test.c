// The gateway's note, byte by byte.

#include "gateway/store/note.h"

#include "gateway/core/answer.h"
#include "tests/support/test.h"

static struct keys_note example(void)
{
    struct keys_note note = {
        .kind = KEYS_BATCH,
        .fingerprint = 0x1112131415161718,
        .lineage = 0x2122232425262728,
        .state = 2,
        .count = 3,
        .created_at = 0x0000019a00000000,
        .dedup_until = 0x0000019a05265c00,
    };
    for (uint8_t i = 0; i < sizeof note.id.bytes; i++)
        note.id.bytes[i] = i;
    return note;
}

// Version 1. These bytes are on somebody's disk: they never change.
static const uint8_t golden_1[] = {
    0x01, 0x02, 0x00, 0x00, 0x00, 0x2d,             // version, kind, length
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, // fingerprint
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, // lineage
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, // number
    0x02,                                           // state
    0x00, 0x00, 0x00, 0x03,                         // count
    0x00, 0x00, 0x01, 0x9a, 0x00, 0x00, 0x00, 0x00, // created at
    0x00, 0x00, 0x01, 0x9a, 0x05, 0x26, 0x5c, 0x00, // taken until
    0x0b, 0xdd, 0x28, 0x79,                         // CRC-32C, made by another implementation
};

static const uint8_t key_bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static err decode(const uint8_t *record, size_t len)
{
    struct keys_note note;
    uint64_t number = 0;
    return note_decode(slice_of(record, len), slice_of(key_bytes, 16), &note, &number);
}

TEST(note, version_one_is_written_as_it_always_was)
{
    struct keys_note note = example();
    uint8_t room[NOTE_LEN];
    EXPECT_EQ(sizeof golden_1, NOTE_LEN);
    note_encode(&note, 5, room);
    EXPECT_MEM(room, golden_1, NOTE_LEN);
}

TEST(note, version_one_is_read)
{
    struct keys_note wanted = example();
    struct keys_note note = {0};
    uint64_t number = 0;
    EXPECT_EQ(note_decode(slice_of(golden_1, NOTE_LEN), slice_of(key_bytes, 16), &note, &number),
              OK);
    EXPECT_EQ(number, 5);
    EXPECT(id_equal(&note.id, &wanted.id));
    EXPECT_EQ(note.kind, wanted.kind);
    EXPECT_EQ(note.fingerprint, wanted.fingerprint);
    EXPECT_EQ(note.lineage, wanted.lineage);
    EXPECT_EQ(note.state, wanted.state);
    EXPECT_EQ(note.count, wanted.count);
    EXPECT_EQ(note.created_at, wanted.created_at);
    EXPECT_EQ(note.dedup_until, wanted.dedup_until);
}

TEST(note, each_flipped_byte_is_damage)
{
    for (size_t i = 0; i < NOTE_LEN; i++) {
        uint8_t bytes[NOTE_LEN];
        memcpy(bytes, golden_1, NOTE_LEN);
        bytes[i] ^= 0x10;
        EXPECT_EQ(decode(bytes, NOTE_LEN), ERR_DAMAGED);
    }
    for (size_t len = 0; len < NOTE_LEN; len++)
        EXPECT_EQ(decode(golden_1, len), ERR_DAMAGED);
}

TEST(note, unknown_values_are_damage)
{
    uint8_t bytes[NOTE_LEN];
    struct keys_note note = example();
    note.state = JOB_STATES;
    note_encode(&note, 5, bytes);
    EXPECT_EQ(decode(bytes, NOTE_LEN), ERR_DAMAGED);
    note = example();
    note.kind = (enum keys_kind)3;
    note_encode(&note, 5, bytes);
    EXPECT_EQ(decode(bytes, NOTE_LEN), ERR_DAMAGED);
    memcpy(bytes, golden_1, NOTE_LEN);
    disk_seal(bytes, 2, KEYS_BATCH, slice_of(key_bytes, 16), NOTE_CONTENT_LEN);
    EXPECT_EQ(decode(bytes, NOTE_LEN), ERR_DAMAGED);
}
