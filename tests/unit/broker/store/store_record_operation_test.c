// The record of an act on many: golden bytes, what is kept, what is refused.
// links: weft_broker_store

#include "broker/store/store_record.h"
#include "tests/support/test.h"

#include <stdio.h>

static const struct id id = {.bytes = {0x31, 0x32}};

static struct slice key_of_test(void)
{
    return slice_of(id.bytes, sizeof id.bytes);
}

static struct operation_row row_of_test(void)
{
    return (struct operation_row){.id = id,
                                  .kind = ACT_PURGE,
                                  .filter = {.states = 1u << JOB_QUEUED | 1u << JOB_REMOVED,
                                             .queue = slice_of_text("mail"),
                                             .type = slice_of_text("t"),
                                             .created_after = 0x11,
                                             .created_before = 0x12,
                                             .batch_id = {.bytes = {0x13}}},
                                  .actor = slice_of_text("me"),
                                  .created_at = 0x14,
                                  .upto = 0x16,
                                  .cursor = 0x15,
                                  .matched = 0x18,
                                  .done = 0x17,
                                  .version = 0x01020304};
}

static size_t put(uint8_t *room, const struct operation_row *row)
{
    store_record_put_operation(room, key_of_test(), row);
    return store_record_operation_len(row);
}

TEST(record_operation, golden_bytes)
{
    static const char golden[] = "011200000061" // version, kind, length
                                 "07"
                                 "01020304"
                                 "0000000000000014"
                                 "0000000000000000"
                                 "0000000000000016"
                                 "0000000000000015"
                                 "0000000000000018"
                                 "0000000000000017"
                                 "0204"
                                 "0000000000000011"
                                 "0000000000000012"
                                 "13000000000000000000000000000000"
                                 "04"
                                 "01"
                                 "02"
                                 "6d61696c"
                                 "74"
                                 "6d65";
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t len = put(room, &row);
    char made[1024] = "";
    for (size_t i = 0; i < len - 4; i++)
        (void)snprintf(made + 2 * i, 3, "%02x", room[i]);
    EXPECT_STR(made, golden);
}

TEST(record_operation, a_tag_makes_another_version)
{
    uint8_t plain[512];
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t plain_len = put(plain, &row);
    row.filter.tag = slice_of_text("red");
    size_t len = put(room, &row);
    EXPECT_EQ(len, plain_len + 3);
    EXPECT_EQ(room[0], 2);
    EXPECT_MEM(room + 6, plain + 6, plain_len - 10);
    EXPECT_MEM(room + plain_len - 4, "red", 3);
    struct operation_row back;
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(slice_is_text(back.filter.tag, "red") && slice_is_text(back.actor, "me"));
    // Version 2 without one is nothing that we wrote.
    disk_seal(plain, 2, STORE_RECORD_OPERATION, key_of_test(), plain_len - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_operation(slice_of(plain, plain_len), key_of_test(), &back),
              ERR_DAMAGED);
}

TEST(record_operation, a_tenant_makes_another_version)
{
    uint8_t plain[512];
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t plain_len = put(plain, &row);
    row.tenant = slice_of_text("default"); // another word for none
    EXPECT_EQ(store_record_operation_len(&row), plain_len);
    row.tenant = slice_of_text("acme");
    size_t len = put(room, &row);
    EXPECT_EQ(len, plain_len + 5);
    EXPECT_EQ(room[0], 3);
    EXPECT_MEM(room + 6, plain + 6, plain_len - 10);
    EXPECT_MEM(room + plain_len - 4, "\4acme", 5);
    struct operation_row back;
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(slice_is_text(back.tenant, "acme") && back.filter.tag.len == 0);
    row.filter.tag = slice_of_text("red");
    len = put(room, &row);
    EXPECT_EQ(room[0], 3);
    EXPECT_MEM(room + plain_len - 4, "\4acmered", 8);
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(slice_is_text(back.tenant, "acme") && slice_is_text(back.filter.tag, "red"));
    // Version 3 of the default tenant is nothing that we wrote.
    memcpy(plain + plain_len - 4, "\0", 1);
    disk_seal(plain, 3, STORE_RECORD_OPERATION, key_of_test(), plain_len + 1 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_operation(slice_of(plain, plain_len + 1), key_of_test(), &back),
              ERR_DAMAGED);
}

TEST(record_operation, a_rate_makes_another_version)
{
    uint8_t plain[512];
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t plain_len = put(plain, &row);
    row.rate = 0x0a0b0c;
    size_t len = put(room, &row);
    EXPECT_EQ(len, plain_len + 5);
    EXPECT_EQ(room[0], 4);
    EXPECT_MEM(room + 6, plain + 6, plain_len - 10);
    EXPECT_MEM(room + plain_len - 4, "\0\0\x0a\x0b\x0c", 5);
    struct operation_row back;
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(back.rate == 0x0a0b0c && back.tenant.len == 0 && back.filter.tag.len == 0);
    row.tenant = slice_of_text("default");
    EXPECT_EQ(put(room, &row), len);
    row.tenant = slice_of_text("acme");
    row.filter.tag = slice_of_text("red");
    len = put(room, &row);
    EXPECT_MEM(room + plain_len - 4, "\4acme\0\x0a\x0b\x0cred", 12);
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(slice_is_text(back.tenant, "acme") && slice_is_text(back.filter.tag, "red"));
    EXPECT_EQ(back.rate, 0x0a0b0c);
    // The default tenant by its name, and version 4 without a rate, are nothing that we wrote.
    row.filter.tag = (struct slice){0};
    len = put(room, &row);
    memmove(room + plain_len - 4 + 8, room + plain_len - 4 + 5, 4);
    memcpy(room + plain_len - 4, "\7default", 8);
    disk_seal(room, 4, STORE_RECORD_OPERATION, key_of_test(), len + 3 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_operation(slice_of(room, len + 3), key_of_test(), &back),
              ERR_DAMAGED);
    memcpy(plain + plain_len - 4, "\0\0\0\0\0", 5);
    disk_seal(plain, 4, STORE_RECORD_OPERATION, key_of_test(), plain_len + 5 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_operation(slice_of(plain, plain_len + 5), key_of_test(), &back),
              ERR_DAMAGED);
}

TEST(record_operation, an_early_end_makes_another_version)
{
    uint8_t plain[512];
    uint8_t room[512];
    struct operation_row row = row_of_test();
    row.ended_at = 0x19; // with a cursor: cancelled there, by nobody who has a name
    size_t len = put(room, &row);
    EXPECT_EQ(room[0], 5);
    row.ended_at = 0;
    size_t plain_len = put(plain, &row);
    EXPECT_EQ(len, plain_len + 6);
    EXPECT_MEM(room + plain_len - 4, "\0\0\0\0\0\0", 6);
    struct operation_row back;
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(back.ended_at == 0x19 && back.cursor == 0x15 && back.cancelled_by.len == 0);
    row.ended_at = 0x19;
    row.cancelled_by = slice_of_text("boss");
    row.tenant = slice_of_text("acme");
    row.filter.tag = slice_of_text("red");
    row.rate = 7;
    len = put(room, &row);
    EXPECT_EQ(room[0], 5);
    EXPECT_MEM(room + plain_len - 4, "\4acme\0\0\0\7\4bossred", 17);
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(slice_is_text(back.cancelled_by, "boss") && slice_is_text(back.filter.tag, "red"));
    EXPECT(slice_is_text(back.tenant, "acme") && back.rate == 7);
    // Version 5 of one that goes on is nothing that we wrote.
    memcpy(plain + plain_len - 4, "\0\0\0\0\0\0", 6);
    disk_seal(plain, 5, STORE_RECORD_OPERATION, key_of_test(), plain_len + 6 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_operation(slice_of(plain, plain_len + 6), key_of_test(), &back),
              ERR_DAMAGED);
}

TEST(record_operation, what_was_written_is_read)
{
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t len = put(room, &row);
    struct operation_row back;
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), OK);
    EXPECT(id_equal(&back.id, &id) && back.kind == ACT_PURGE && back.version == 0x01020304);
    EXPECT(back.created_at == 0x14 && back.ended_at == 0 && back.upto == 0x16);
    EXPECT(back.cursor == 0x15 && back.matched == 0x18 && back.done == 0x17);
    EXPECT(back.filter.states == row.filter.states && back.filter.created_after == 0x11);
    EXPECT(back.filter.created_before == 0x12 && back.filter.batch_id.bytes[0] == 0x13);
    EXPECT(slice_is_text(back.filter.queue, "mail") && slice_is_text(back.filter.type, "t"));
    EXPECT(slice_is_text(back.actor, "me"));
}

static void expect_damaged(struct operation_row row)
{
    uint8_t room[512];
    struct operation_row back;
    size_t len = put(room, &row);
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back), ERR_DAMAGED);
}

TEST(record_operation, what_makes_no_sense_is_damaged)
{
    struct operation_row row = row_of_test();
    row.kind = ACT_QUIET;
    expect_damaged(row);
    row = row_of_test();
    row.filter.states = 1u << JOB_STATES;
    expect_damaged(row);
    row = row_of_test();
    row.filter.created_before = -1;
    expect_damaged(row);
    row = row_of_test();
    row.cursor = 0; // over, but when?
    expect_damaged(row);
    row = row_of_test();
    row.done = row.matched + 1;
    expect_damaged(row);
    row = row_of_test();
    row.rate = MSG_RATE_COUNT_MAX + 1;
    expect_damaged(row);
}

TEST(record_operation, a_flipped_bit_or_a_cut_is_seen)
{
    uint8_t room[512];
    struct operation_row row = row_of_test();
    size_t len = put(room, &row);
    struct operation_row back;
    for (size_t cut = 0; cut < len; cut++)
        EXPECT_EQ(store_record_get_operation(slice_of(room, cut), key_of_test(), &back),
                  ERR_DAMAGED);
    for (size_t i = 0; i < len; i++) {
        room[i] ^= 1;
        EXPECT_EQ(store_record_get_operation(slice_of(room, len), key_of_test(), &back),
                  ERR_DAMAGED);
        room[i] ^= 1;
    }
    EXPECT_EQ(store_record_get_operation(slice_of(room, len), slice_of(id.bytes, 8), &back),
              ERR_DAMAGED);
}
