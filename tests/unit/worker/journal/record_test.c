// The journal's record, byte by byte.

#include "worker/journal/record.h"

#include "lib/disk/disk.h"
#include "tests/support/test.h"

static struct outcome_report example(void)
{
    struct outcome_report report = {
        .generation = 2,
        .token = 0x0000010000000007,
        .outcome = OUTCOME_FAILED,
        .result = {.content = CONTENT_JSON, .bytes = slice_of_text("{}")},
        .kind = slice_of_text("exit"),
        .message = slice_of_text("exit status 3"),
        .detail = slice_of_text("oh\n"),
        .retry_after_ms = 30000};
    for (uint8_t i = 0; i < sizeof report.job_id.bytes; i++)
        report.job_id.bytes[i] = i;
    return report;
}

static const uint8_t golden_key[RECORD_KEY_LEN] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, // job id
    0, 0, 0, 0, 0, 0, 0, 2,                               // generation
    0, 0, 1, 0, 0, 0, 0, 7,                               // token
};

// Version 1. These bytes are on somebody's disk: they never change.
static const uint8_t golden_1[] = {
    1,    1,    0,    0,    0,    44,              // version, kind, length
    2,    2,    0,    0,    0x75, 0x30,            // outcome, content, retry
    0,    0,    0,    2,    '{',  '}',             // result
    0,    0,    0,    4,    'e',  'x',  'i',  't', // kind
    0,    0,    0,    13,   'e',  'x',  'i',  't', ' ',
    's',  't',  'a',  't',  'u',  's',  ' ',  '3', // message
    0,    0,    0,    3,    'o',  'h',  '\n',      // detail
    0xf5, 0x53, 0xbf, 0x4b,                        // CRC-32C, made by another implementation
};

// Version 2: the same with a lineage, made likewise.
static const uint8_t golden_2[] = {
    2,    1,    0,    0,    0,    52,                    // version, kind, length
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,      // lineage
    2,    2,    0,    0,    0x75, 0x30,                  // outcome, content, retry
    0,    0,    0,    2,    '{',  '}',                   // result
    0,    0,    0,    4,    'e',  'x',  'i',  't',       // kind
    0,    0,    0,    13,   'e',  'x',  'i',  't',  ' ', //
    's',  't',  'a',  't',  'u',  's',  ' ',  '3',       // message
    0,    0,    0,    3,    'o',  'h',  '\n',            // detail
    0x02, 0x4c, 0x55, 0x8c,                              // CRC-32C
};

TEST(record, version_two_tells_the_lineage)
{
    struct outcome_report report = example();
    report.lineage = 0x0123456789abcdef;
    uint8_t room[sizeof golden_2];
    EXPECT_EQ(record_size(&report), sizeof golden_2);
    record_encode(&report, room);
    EXPECT_MEM(room, golden_2, sizeof golden_2);
    struct outcome_report got = {0};
    struct slice key = slice_of(golden_key, sizeof golden_key);
    EXPECT_EQ(record_decode(key, slice_of(golden_2, sizeof golden_2), &got), OK);
    EXPECT_EQ(got.lineage, report.lineage);
    EXPECT(got.outcome == OUTCOME_FAILED && slice_equal(got.detail, report.detail));
    // Without one it would have version 1.
    memset(room + DISK_SEAL_HEAD_LEN, 0, 8);
    disk_seal(room, 2, RECORD_KIND, key, sizeof room - DISK_SEAL_LEN);
    EXPECT_EQ(record_decode(key, slice_of(room, sizeof room), &got), ERR_DAMAGED);
    disk_seal(room, 3, RECORD_KIND, key, sizeof room - DISK_SEAL_LEN);
    EXPECT_EQ(record_decode(key, slice_of(room, sizeof room), &got), ERR_UNSUPPORTED);
}

TEST(record, version_one_is_written_as_it_always_was)
{
    struct outcome_report report = example();
    uint8_t room[sizeof golden_1];
    EXPECT_EQ(record_size(&report), sizeof golden_1);
    record_encode(&report, room);
    EXPECT_MEM(room, golden_1, sizeof golden_1);
    struct record_key key = record_key_of(&report.job_id, report.generation, report.token);
    EXPECT_MEM(key.bytes, golden_key, sizeof golden_key);
}

TEST(record, version_one_is_read)
{
    struct outcome_report want = example();
    struct outcome_report got = {0};
    EXPECT_EQ(record_decode(slice_of(golden_key, sizeof golden_key),
                            slice_of(golden_1, sizeof golden_1), &got),
              OK);
    EXPECT(id_equal(&got.job_id, &want.job_id));
    EXPECT_EQ(got.generation, want.generation);
    EXPECT_EQ(got.token, want.token);
    EXPECT_EQ(got.lineage, 0);
    EXPECT_EQ(got.outcome, want.outcome);
    EXPECT_EQ(got.result.content, want.result.content);
    EXPECT(slice_equal(got.result.bytes, want.result.bytes));
    EXPECT(slice_equal(got.kind, want.kind));
    EXPECT(slice_equal(got.message, want.message));
    EXPECT(slice_equal(got.detail, want.detail));
    EXPECT_EQ(got.retry_after_ms, want.retry_after_ms);
}

TEST(record, every_flipped_bit_is_noticed)
{
    for (size_t bit = 0; bit < 8 * sizeof golden_1; bit++) {
        uint8_t bytes[sizeof golden_1];
        memcpy(bytes, golden_1, sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        struct outcome_report got = {.token = 9};
        EXPECT_EQ(record_decode(slice_of(golden_key, sizeof golden_key),
                                slice_of(bytes, sizeof bytes), &got),
                  ERR_DAMAGED);
        EXPECT_EQ(got.token, 9);
    }
}

TEST(record, every_cut_and_a_wrong_key_are_noticed)
{
    struct outcome_report got;
    for (size_t len = 0; len < sizeof golden_1; len++)
        EXPECT_EQ(
            record_decode(slice_of(golden_key, sizeof golden_key), slice_of(golden_1, len), &got),
            ERR_DAMAGED);
    uint8_t key[RECORD_KEY_LEN];
    memcpy(key, golden_key, sizeof key);
    key[31]++;
    EXPECT_EQ(record_decode(slice_of(key, sizeof key), slice_of(golden_1, sizeof golden_1), &got),
              ERR_DAMAGED);
    EXPECT_EQ(record_decode(slice_of(key, 31), slice_of(golden_1, sizeof golden_1), &got),
              ERR_DAMAGED);
}
