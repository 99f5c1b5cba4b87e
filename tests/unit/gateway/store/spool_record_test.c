// The spool's records, byte by byte.

#include "gateway/store/spool_record.h"

#include "tests/support/test.h"

static struct spool_record example(void)
{
    struct spool_record record = {
        .place = SPOOL_WAITING,
        .number = 7,
        .fingerprint = 0x1112131415161718,
        .spooled_at = 0x0000019a00000000,
        .tenant = slice_of_text("acme"),
        .envelope = slice_of_text("envelope"),
        .block = slice_of_text("{\"n\":1}"),
    };
    for (uint8_t i = 0; i < sizeof record.id.bytes; i++)
        record.id.bytes[i] = i;
    return record;
}

static struct spool_record refusal(void)
{
    struct spool_record record = example();
    record.place = SPOOL_REFUSED;
    record.error = ERR_SCHEMA;
    record.refused_at = 0x0000019a05265c00;
    record.detail = slice_of_text("no");
    return record;
}

// Version 1. These bytes are on somebody's disk: they never change. The checksums were made by
// another implementation.
static const uint8_t golden_waiting_1[] = {
    0x01, 0x01, 0x00, 0x00, 0x00, 0x46,             // version, kind, length
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, // id
    0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, // fingerprint
    0x00, 0x00, 0x01, 0x9a, 0x00, 0x00, 0x00, 0x00, // spooled at
    0x00, 0x00, 0x00, 0x00,                         // error
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // refused at
    0x00, 0x00,                                     // length of detail
    0x04,                                           // length of tenant
    0x00, 0x00, 0x00, 0x08,                         // length of envelope
    0x61, 0x63, 0x6d, 0x65,                         // tenant
    0x65, 0x6e, 0x76, 0x65, 0x6c, 0x6f, 0x70, 0x65, // envelope
    0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x31, 0x7d,       // block
    0x85, 0x23, 0x0d, 0x3f,                         // CRC-32C
};
static const uint8_t golden_refused_1[] = {
    0x01, 0x02, 0x00, 0x00, 0x00, 0x48,             // version, kind, length
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, // id
    0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, // fingerprint
    0x00, 0x00, 0x01, 0x9a, 0x00, 0x00, 0x00, 0x00, // spooled at
    0x00, 0x00, 0x00, 0x22,                         // error
    0x00, 0x00, 0x01, 0x9a, 0x05, 0x26, 0x5c, 0x00, // refused at
    0x00, 0x02,                                     // length of detail
    0x04,                                           // length of tenant
    0x00, 0x00, 0x00, 0x08,                         // length of envelope
    0x6e, 0x6f,                                     // detail
    0x61, 0x63, 0x6d, 0x65,                         // tenant
    0x65, 0x6e, 0x76, 0x65, 0x6c, 0x6f, 0x70, 0x65, // envelope
    0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x31, 0x7d,       // block
    0x8f, 0x1c, 0x13, 0x73,                         // CRC-32C
};
static const uint8_t golden_id_1[] = {
    0x01, 0x02, 0x00, 0x00, 0x00, 0x08,             // version, kind, length
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, // number
    0x62, 0x4d, 0xc6, 0x3b,                         // CRC-32C
};
static const uint8_t golden_totals_1[] = {
    0x01, 0x01, 0x00, 0x00, 0x00, 0x28,             // version, kind, length
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, // accepted
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, // forwarded
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, // refused
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, // damaged
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, // deleted
    0x60, 0x46, 0x50, 0x78,                         // CRC-32C
};

static err decode(const uint8_t *bytes, size_t len)
{
    struct spool_record record;
    struct disk_key key = disk_key_of(7);
    return spool_record_decode(slice_of(bytes, len), disk_key_slice(&key), &record);
}

static void expect_written(const struct spool_record *record, const uint8_t *golden, size_t len)
{
    uint8_t room[256];
    EXPECT_EQ(spool_record_len(record), len);
    spool_record_encode(record, room);
    EXPECT_MEM(room, golden, len);
}

static void expect_read(const uint8_t *golden, size_t len, const struct spool_record *wanted)
{
    struct spool_record record = {0};
    struct disk_key key = disk_key_of(7);
    EXPECT_EQ(spool_record_decode(slice_of(golden, len), disk_key_slice(&key), &record), OK);
    EXPECT_EQ(record.place, wanted->place);
    EXPECT_EQ(record.number, 7);
    EXPECT(id_equal(&record.id, &wanted->id));
    EXPECT_EQ(record.fingerprint, wanted->fingerprint);
    EXPECT_EQ(record.spooled_at, wanted->spooled_at);
    EXPECT_EQ(record.error, wanted->error);
    EXPECT_EQ(record.refused_at, wanted->refused_at);
    EXPECT(slice_equal(record.detail, wanted->detail));
    EXPECT(slice_equal(record.tenant, wanted->tenant));
    EXPECT(slice_equal(record.envelope, wanted->envelope));
    EXPECT(slice_equal(record.block, wanted->block));
}

TEST(spool_record, version_one_is_written_as_it_always_was)
{
    struct spool_record waiting = example();
    struct spool_record refused = refusal();
    expect_written(&waiting, golden_waiting_1, sizeof golden_waiting_1);
    expect_written(&refused, golden_refused_1, sizeof golden_refused_1);
}

TEST(spool_record, version_one_is_read)
{
    struct spool_record waiting = example();
    struct spool_record refused = refusal();
    expect_read(golden_waiting_1, sizeof golden_waiting_1, &waiting);
    expect_read(golden_refused_1, sizeof golden_refused_1, &refused);
}

TEST(spool_record, ids_and_totals_are_as_they_always_were)
{
    struct spool_record record = example();
    struct slice key = slice_of(record.id.bytes, sizeof record.id.bytes);
    uint8_t id[SPOOL_ID_LEN];
    uint8_t totals[SPOOL_TOTALS_LEN];
    struct spool_mark mark;
    struct spool_account account = {
        .accepted = 9, .forwarded = 5, .refused = 2, .damaged = 1, .deleted = 1, .waiting = 77};
    struct spool_account read = {.waiting = 3};
    spool_record_encode_id((struct spool_mark){SPOOL_REFUSED, 7}, &record.id, id);
    EXPECT_EQ(sizeof golden_id_1, sizeof id);
    EXPECT_MEM(id, golden_id_1, sizeof id);
    EXPECT_EQ(spool_record_decode_id(slice_of(id, sizeof id), key, &mark), OK);
    EXPECT_EQ(mark.place, SPOOL_REFUSED);
    EXPECT_EQ(mark.number, 7);
    spool_record_encode_totals(&account, totals);
    EXPECT_EQ(sizeof golden_totals_1, sizeof totals);
    EXPECT_MEM(totals, golden_totals_1, sizeof totals);
    EXPECT_EQ(spool_record_decode_totals(slice_of(totals, sizeof totals), &read), OK);
    EXPECT_EQ(read.accepted, 9);
    EXPECT_EQ(read.forwarded, 5);
    EXPECT_EQ(read.refused, 2);
    EXPECT_EQ(read.damaged, 1);
    EXPECT_EQ(read.deleted, 1);
    EXPECT_EQ(read.waiting, 3);
}

static const uint8_t golden_batch_1[] = {
    0x01, 0x01, 0x00, 0x00, 0x00, 0x10,             // version, kind, length
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, // fingerprint
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, // waiting
    0xd1, 0x4f, 0x00, 0xa2,                         // CRC-32C
};

TEST(spool_record, batches_are_as_they_always_were)
{
    struct spool_record record = example();
    struct slice key = slice_of(record.id.bytes, sizeof record.id.bytes);
    const struct spool_batch batch = {.fingerprint = 0x2122232425262728, .waiting = 3};
    struct spool_batch back = {0};
    uint8_t room[SPOOL_BATCH_LEN];
    spool_record_encode_batch(&batch, &record.id, room);
    EXPECT_EQ(sizeof golden_batch_1, sizeof room);
    EXPECT_MEM(room, golden_batch_1, sizeof room);
    EXPECT_EQ(spool_record_decode_batch(slice_of(room, sizeof room), key, &back), OK);
    EXPECT_EQ(back.fingerprint, batch.fingerprint);
    EXPECT_EQ(back.waiting, 3);
    for (size_t i = 0; i < sizeof room; i++) {
        room[i] ^= 1;
        EXPECT_EQ(spool_record_decode_batch(slice_of(room, sizeof room), key, &back), ERR_DAMAGED);
        room[i] ^= 1;
    }
    record.id.bytes[0] ^= 1; // of another batch
    EXPECT_EQ(spool_record_decode_batch(slice_of(room, sizeof room), key, &back), ERR_DAMAGED);
}

TEST(spool_record, each_flipped_byte_is_damage)
{
    for (size_t i = 0; i < sizeof golden_refused_1; i++) {
        uint8_t bytes[sizeof golden_refused_1];
        memcpy(bytes, golden_refused_1, sizeof bytes);
        bytes[i] ^= 0x10;
        EXPECT_EQ(decode(bytes, sizeof bytes), ERR_DAMAGED);
    }
    for (size_t len = 0; len < sizeof golden_refused_1; len++)
        EXPECT_EQ(decode(golden_refused_1, len), ERR_DAMAGED);
}

// With a right seal around it.
static err decode_changed(const uint8_t *golden, size_t len, size_t at, uint8_t value)
{
    uint8_t bytes[256];
    struct disk_key key = disk_key_of(7);
    memcpy(bytes, golden, len);
    bytes[DISK_SEAL_HEAD_LEN + at] = value;
    disk_seal(bytes, 1, bytes[1], disk_key_slice(&key), len - DISK_SEAL_LEN);
    return decode(bytes, len);
}

TEST(spool_record, contradictions_are_damage)
{
    enum { ERROR = 35, REFUSED_AT = 43, DETAIL_LEN = 45, TENANT_LEN = 46, ENVELOPE_LEN = 47 };
    size_t waiting = sizeof golden_waiting_1;
    size_t refused = sizeof golden_refused_1;
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, 0, 0), OK);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, ERROR, 3), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, REFUSED_AT, 3), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, DETAIL_LEN, 1), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, TENANT_LEN, 0), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, TENANT_LEN, 200), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_waiting_1, waiting, ENVELOPE_LEN, 0x80), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_refused_1, refused, ERROR, 0), ERR_DAMAGED);
    EXPECT_EQ(decode_changed(golden_refused_1, refused, ERROR, 250), ERR_DAMAGED);
}

TEST(spool_record, unknown_versions_and_kinds_are_damage)
{
    uint8_t bytes[sizeof golden_waiting_1];
    struct disk_key key = disk_key_of(7);
    size_t len = sizeof bytes - DISK_SEAL_LEN;
    memcpy(bytes, golden_waiting_1, sizeof bytes);
    disk_seal(bytes, 2, SPOOL_WAITING, disk_key_slice(&key), len);
    EXPECT_EQ(decode(bytes, sizeof bytes), ERR_DAMAGED);
    disk_seal(bytes, 1, 3, disk_key_slice(&key), len);
    EXPECT_EQ(decode(bytes, sizeof bytes), ERR_DAMAGED);
}
