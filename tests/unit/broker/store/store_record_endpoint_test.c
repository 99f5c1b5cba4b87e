// Golden bytes of the record of a webhook endpoint, and of a job that one wants; what is refused.

#include "broker/store/store_record.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

static struct endpoint_row endpoint_of_test(void)
{
    return (struct endpoint_row){.tenant = slice_of_text("acme"),
                                 .given = {.webhook_id = slice_of_text("ops"),
                                           .url = slice_of_text("https://a.test/"),
                                           .events = 1u << JOB_DEAD,
                                           .types = slice_of_text("t"),
                                           .tags = slice_of_text("u"),
                                           .headers = slice_of_text("x: y")},
                                 .secret = slice_of_text("new"),
                                 .secret_before = slice_of_text("old"),
                                 .reason = slice_of_text("410"),
                                 .created_at = 0x0102030405060708,
                                 .rotated_at = 0x1112131415161718,
                                 .before_until = 0x2122232425262728,
                                 .since_no = 0x3132333435363738,
                                 .generation = 0x41424344,
                                 .place = 11,
                                 .is_disabled = true};
}

TEST(record_endpoint, golden)
{
    uint8_t room[256];
    uint8_t name[STORE_RECORD_ENDPOINT_KEY_LEN_MAX];
    struct endpoint_row row = endpoint_of_test();
    struct slice key = store_record_endpoint_key(row.tenant, row.given.webhook_id, name);
    size_t len = store_record_endpoint_len(&row);
    EXPECT_EQ(len, STORE_RECORD_ENDPOINT_HEAD_LEN + 30 + DISK_SEAL_LEN);
    EXPECT(slice_is_text(key, "acme/ops"));
    store_record_put_endpoint(room, key, &row);
    expect_hex(room, len,
               "01 14 00000056 41424344 00000040 0b 01 3132333435363738 0102030405060708"
               "1112131415161718 2122232425262728 000f 0001 0001 0004 0003 0003 0003"
               "68747470733a2f2f612e746573742f 74 75 783a2079 6e6577 6f6c64 343130 6f42958e");
    struct endpoint_row back;
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), key, &back), OK);
    EXPECT(slice_equal(back.tenant, row.tenant));
    EXPECT(slice_equal(back.given.webhook_id, row.given.webhook_id));
    EXPECT(slice_equal(back.given.url, row.given.url));
    EXPECT(slice_equal(back.given.types, row.given.types));
    EXPECT(slice_equal(back.given.tags, row.given.tags));
    EXPECT(slice_equal(back.given.headers, row.given.headers));
    EXPECT(slice_equal(back.secret, row.secret));
    EXPECT(slice_equal(back.secret_before, row.secret_before));
    EXPECT(slice_equal(back.reason, row.reason));
    EXPECT_EQ(back.given.events, row.given.events);
    EXPECT_EQ(back.created_at, row.created_at);
    EXPECT_EQ(back.rotated_at, row.rotated_at);
    EXPECT_EQ(back.before_until, row.before_until);
    EXPECT_EQ(back.since_no, row.since_no);
    EXPECT_EQ(back.generation, row.generation);
    EXPECT_EQ(back.place, row.place);
    EXPECT(back.is_disabled);
}

TEST(record_endpoint, one_that_cannot_be_is_damaged)
{
    uint8_t room[256];
    struct endpoint_row row = endpoint_of_test();
    struct endpoint_row back;
    struct slice key = slice_of_text("acme/ops");
    size_t len = store_record_endpoint_len(&row);
    row.place = 12; // one more than there are
    store_record_put_endpoint(room, key, &row);
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), key, &back), ERR_DAMAGED);
    row.place = 0;
    row.generation = 0;
    store_record_put_endpoint(room, key, &row);
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), key, &back), ERR_DAMAGED);
    row.generation = 1;
    store_record_put_endpoint(room, key, &row);
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), key, &back), OK);
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), slice_of_text("ops"), &back),
              ERR_DAMAGED);
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len - 1), key, &back), ERR_DAMAGED);
    store_record_put_endpoint(room, slice_of_text("acme"), &row); // no name of an endpoint
    EXPECT_EQ(store_record_get_endpoint(slice_of(room, len), slice_of_text("acme"), &back),
              ERR_DAMAGED);
}

TEST(record_endpoint, golden_job_that_endpoints_are_told_of)
{
    enum { HOOKED_LEN = STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN };
    uint8_t room[HOOKED_LEN + STORE_RECORD_JOB_HOOK_LEN + DISK_SEAL_LEN];
    struct disk_key number = disk_key_of(7);
    struct slice key = disk_key_slice(&number);
    struct job_row row = {.no = 7, .state = JOB_RUNNING};
    row.relations = RELATION_HOOK | 2u << RELATION_EVENTS_SHIFT;
    row.endpoints = 0x0805;
    row.endpoint = 3;
    EXPECT_EQ(store_record_job_len(&row), sizeof room);
    store_record_put_job(room, key, &row);
    expect_hex(room, 6, "03 03 000000ac");
    expect_hex(room + 6 + HOOKED_LEN - 5, 8, "28 00000000 0805 03");
    struct job_row back;
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key, &back), OK);
    EXPECT_EQ(back.endpoints, row.endpoints);
    EXPECT_EQ(back.endpoint, row.endpoint);
    EXPECT_EQ(back.relations, row.relations);
    EXPECT(!back.has_progress);
    row.has_progress = true;
    store_record_put_job(room, key, &row);
    expect_hex(room + 6 + HOOKED_LEN, 3, "0805 83");
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key, &back), OK);
    EXPECT(back.has_progress && back.endpoint == row.endpoint);
    row.endpoint = 13; // a place more than there are
    store_record_put_job(room, key, &row);
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key, &back), ERR_DAMAGED);
    row = (struct job_row){.no = 7, .state = JOB_RUNNING, .has_progress = true};
    row.relations = RELATION_HOOK; // of nothing but progress, to a url
    store_record_put_job(room, key, &row);
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key, &back), OK);
    EXPECT(back.has_progress && back.endpoint == 0);
    row.endpoint = JOB_URL_GONE;
    store_record_put_job(room, key, &row);
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key, &back), OK);
    EXPECT(back.has_progress && back.endpoint == JOB_URL_GONE);
}
