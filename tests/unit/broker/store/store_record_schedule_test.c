// The record of a schedule: golden bytes, what is kept, what is refused.
// links: weft_broker_store

#include "broker/store/store_record.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static const struct slice name = {(const uint8_t *)"nightly", 7};

static struct msg_submit_job job = {.queue = {(const uint8_t *)"q", 1},
                                    .type = {(const uint8_t *)"t", 1},
                                    .priority = MSG_PRIORITY_NOT_GIVEN,
                                    .payload = {CONTENT_JSON, {(const uint8_t *)"{}", 2}}};

static struct msg_schedule given_of_test(void)
{
    return (struct msg_schedule){.schedule_id = name,
                                 .cron = slice_of_text("@daily"),
                                 .zone = slice_of_text("UTC"),
                                 .catch_up = CATCH_UP_ALL,
                                 .jitter_ms = 0x0102,
                                 .jobs = &job,
                                 .job_count = 1};
}

static struct schedule_row row_of_test(void)
{
    return (struct schedule_row){.name = name,
                                 .state = {.generation = 0x01020304,
                                           .created_at = 0x11,
                                           .since_at = 0x12,
                                           .last_at = 0x13,
                                           .held_at = 0x14,
                                           .last_job_id = {{0x15, 0x16}},
                                           .fired_count = 0x17,
                                           .skipped_count = 0x18},
                                 .fingerprint = 0x2122232425262728,
                                 .overlap = OVERLAP_QUEUE,
                                 .is_paused = true};
}

static size_t put(uint8_t *room)
{
    struct msg_schedule given = given_of_test();
    struct schedule_row row = row_of_test();
    store_record_put_schedule(room, name, &row, &given);
    return store_record_schedule_len(&given);
}

TEST(record_schedule, golden_bytes)
{
    static const char golden[] = "011100000078" // version, kind, length
                                 "01020304"
                                 "0000000000000011"
                                 "0000000000000012"
                                 "0000000000000013"
                                 "0000000000000014"
                                 "15160000000000000000000000000000"
                                 "0000000000000017"
                                 "0000000000000018"
                                 "2122232425262728"
                                 "02"
                                 "01" // until here each moment changes
                                 "03"
                                 "0000000000000102"
                                 "06"
                                 "03"
                                 "406461696c79"
                                 "555443";
    uint8_t room[512];
    size_t len = put(room);
    char made[1024] = "";
    for (size_t i = 0; i < (sizeof golden - 1) / 2; i++)
        (void)snprintf(made + 2 * i, 3, "%02x", room[i]);
    EXPECT_STR(made, golden);
    // Then the job, as any other body.
    uint8_t body[256];
    store_record_put_body(body, name, &job);
    size_t body_len = store_record_body_len(&job);
    EXPECT_EQ(len, (sizeof golden - 1) / 2 + body_len + 4);
    EXPECT_MEM(room + (sizeof golden - 1) / 2, body, body_len);
}

TEST(record_schedule, what_was_written_is_read)
{
    uint8_t room[512];
    size_t len = put(room);
    struct store_record_schedule back;
    EXPECT_EQ(store_record_get_schedule(slice_of(room, len), name, &back), OK);
    EXPECT_EQ(back.row.state.generation, 0x01020304);
    EXPECT_EQ(back.row.state.held_at, 0x14);
    EXPECT_EQ(back.row.state.last_job_id.bytes[1], 0x16);
    EXPECT_EQ(back.row.overlap, OVERLAP_QUEUE);
    EXPECT_EQ(back.given.overlap, OVERLAP_QUEUE);
    EXPECT(back.row.is_paused && back.given.paused);
    EXPECT_EQ(back.given.catch_up, CATCH_UP_ALL);
    EXPECT_EQ(back.given.jitter_ms, 0x0102);
    EXPECT(slice_is_text(back.given.cron, "@daily") && slice_is_text(back.given.zone, "UTC"));
    EXPECT(slice_equal(back.given.schedule_id, name));
    EXPECT_EQ(back.given.job_count, 1);
    EXPECT(back.given.jobs == &back.job && slice_is_text(back.job.type, "t"));
    EXPECT(slice_is_text(back.job.payload.bytes, "{}"));
}

TEST(record_schedule, one_of_a_tenant_is_told_by_its_id)
{
    uint8_t room[512];
    struct slice key = slice_of_text("acme/nightly");
    struct msg_schedule given = given_of_test();
    struct schedule_row row = row_of_test();
    store_record_put_schedule(room, key, &row, &given);
    struct slice record = slice_of(room, store_record_schedule_len(&given));
    struct store_record_schedule back;
    EXPECT_EQ(store_record_get_schedule(record, key, &back), OK);
    EXPECT(slice_equal(back.row.name, key) && slice_is_text(back.given.schedule_id, "nightly"));
    EXPECT(slice_is_text(back.job.tenant, "acme"));
    EXPECT_EQ(store_record_get_schedule(record, name, &back), ERR_DAMAGED);
}

TEST(record_schedule, row_changes_and_what_was_given_stays)
{
    uint8_t room[512];
    uint8_t changed[512];
    size_t len = put(room);
    struct schedule_row row = row_of_test();
    row.state.last_at = 0x99;
    row.is_paused = false;
    store_record_put_schedule_row(changed, name, &row, slice_of(room, len));
    struct store_record_schedule back;
    EXPECT_EQ(store_record_get_schedule(slice_of(changed, len), name, &back), OK);
    EXPECT_EQ(back.row.state.last_at, 0x99);
    EXPECT(!back.row.is_paused);
    EXPECT(slice_is_text(back.given.cron, "@daily") && slice_is_text(back.job.type, "t"));
}

TEST(record_schedule, every_flipped_bit_and_another_name_are_seen)
{
    uint8_t room[512];
    size_t len = put(room);
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t *exact = malloc(len);
        memcpy(exact, room, len);
        exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct store_record_schedule back;
        EXPECT_EQ(store_record_get_schedule(slice_of(exact, len), name, &back), ERR_DAMAGED);
        free(exact);
    }
    struct store_record_schedule back;
    EXPECT_EQ(store_record_get_schedule(slice_of(room, len), slice_of_text("nightlx"), &back),
              ERR_DAMAGED);
}

static err with(size_t at, uint8_t value)
{
    uint8_t room[512];
    size_t len = put(room);
    room[DISK_SEAL_HEAD_LEN + at] = value;
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_SCHEDULE, name, len - DISK_SEAL_LEN);
    struct store_record_schedule back;
    return store_record_get_schedule(slice_of(room, len), name, &back);
}

TEST(record_schedule, valid_seal_around_impossible_values_is_damaged)
{
    EXPECT_EQ(with(76, OVERLAP_REPLACE), OK);
    EXPECT_EQ(with(76, OVERLAP_REPLACE + 1), ERR_DAMAGED);
    EXPECT_EQ(with(77, 2), ERR_DAMAGED);
    EXPECT_EQ(with(78, CATCH_UP_ALL + 1), ERR_DAMAGED);
    EXPECT_EQ(with(87, 255), ERR_DAMAGED); // a longer expression than there are bytes
    EXPECT_EQ(with(19, 0xff), OK);         // the low byte of a moment
    EXPECT_EQ(with(4, 0xff), ERR_DAMAGED); // a moment before 1970
}
