// Golden bytes of every record and version, and what is refused.

#include "broker/store/store_record.h"
#include "lib/base/crc.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

#include <stdio.h>

static const uint64_t number = 0x0102030405060708;

static struct slice key_slice(struct disk_key *key, uint64_t no)
{
    *key = disk_key_of(no);
    return disk_key_slice(key);
}

static struct id id_of(uint8_t first)
{
    struct id id;
    for (unsigned i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t)(first + i);
    return id;
}

static struct job_row row_of_test(void)
{
    return (struct job_row){.id = id_of(0x10),
                            .no = number,
                            .token = 0x2122232425262728,
                            .fingerprint = 0x3132333435363738,
                            .accepted_at = 0x4142434445464748,
                            .due_at = 0x5152535455565758,
                            .granted_at = 0x6162636465666768,
                            .ended_at = 0x0172737475767778,
                            .remove_at = 0x0182838485868788,
                            .dedup_until = 0x0192939495969798,
                            .worker = id_of(0xa0),
                            .version = 0xb1b2b3b4,
                            .interruptions = 0xc1c2c3c4,
                            .batch = 0xd1d2d3d4,
                            .body_len = 0xe1e2e3e4,
                            .lease_ms = 0x01f2f3f4,
                            .errors = 0x1a1b,
                            .crashes = 0x2a2b,
                            .lane = 0x3a3b,
                            .policy = 0x4a4b,
                            .state = JOB_RUNNING,
                            .ended_as = JOB_NONE,
                            .priority = 7,
                            .token_use = TOKEN_OPEN};
}

TEST(record, golden_job)
{
    uint8_t room[STORE_RECORD_JOB_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct job_row row = row_of_test();
    store_record_put_job(room, key_slice(&key, number), &row);
    expect_hex(room, sizeof room,
               "01 03 00000080"
               "101112131415161718191a1b1c1d1e1f 2122232425262728 3132333435363738"
               "4142434445464748 5152535455565758 6162636465666768 0172737475767778"
               "0182838485868788 0192939495969798 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
               "b1b2b3b4 c1c2c3c4 d1d2d3d4 e1e2e3e4 01f2f3f4 1a1b 2a2b 3a3b 4a4b 03 00 07 01"
               "3b38e1a6");
    struct job_row back;
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key_slice(&key, number), &back),
              OK);
    EXPECT_MEM(&back.id, &row.id, sizeof row.id);
    EXPECT_MEM(&back.worker, &row.worker, sizeof row.worker);
    EXPECT_EQ(back.no, number);
    EXPECT_EQ(back.token, row.token);
    EXPECT_EQ(back.fingerprint, row.fingerprint);
    EXPECT_EQ(back.accepted_at, row.accepted_at);
    EXPECT_EQ(back.due_at, row.due_at);
    EXPECT_EQ(back.granted_at, row.granted_at);
    EXPECT_EQ(back.ended_at, row.ended_at);
    EXPECT_EQ(back.remove_at, row.remove_at);
    EXPECT_EQ(back.dedup_until, row.dedup_until);
    EXPECT_EQ(back.version, row.version);
    EXPECT_EQ(back.interruptions, row.interruptions);
    EXPECT_EQ(back.batch, row.batch);
    EXPECT_EQ(back.body_len, row.body_len);
    EXPECT_EQ(back.lease_ms, row.lease_ms);
    EXPECT_EQ(back.errors, row.errors);
    EXPECT_EQ(back.crashes, row.crashes);
    EXPECT_EQ(back.lane, row.lane);
    EXPECT_EQ(back.policy, row.policy);
    EXPECT_EQ(back.state, row.state);
    EXPECT_EQ(back.priority, row.priority);
    EXPECT_EQ(back.token_use, row.token_use);
}

// The outcome of a finished token lies above the length of its lease.
TEST(record, golden_job_that_was_finished)
{
    uint8_t room[STORE_RECORD_JOB_LEN + DISK_SEAL_LEN];
    struct slice record = slice_of(room, sizeof room);
    struct disk_key key;
    struct job_row row = row_of_test();
    struct job_row back;
    for (unsigned i = 0; i < 2 * (OUTCOME_CANCELLED + 2); i++) {
        row.token_use = i % 2 == 0 ? TOKEN_FINISHED : TOKEN_OPEN; // which has none
        row.outcome = (uint8_t)(i / 2);
        store_record_put_job(room, key_slice(&key, number), &row);
        EXPECT_EQ(room[DISK_SEAL_HEAD_LEN + 112], i / 2 << 4 | 1);
        err e = store_record_get_job(record, key_slice(&key, number), &back);
        EXPECT_EQ(e == OK, i == 1 || (i % 2 == 0 && row.outcome <= OUTCOME_CANCELLED));
        EXPECT(e != OK || (back.outcome == row.outcome && back.lease_ms == row.lease_ms));
    }
}

TEST(record, golden_job_with_its_tail)
{
    uint8_t room[STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct job_row row = row_of_test();
    EXPECT_EQ(store_record_job_len(&row), STORE_RECORD_JOB_LEN + DISK_SEAL_LEN);
    row.act = 0x0101020203030404;
    row.key_hash = 0x1112131415161718;
    row.rank = 0x2122232425262728;
    row.log_count = 0x31323334;
    row.event_count = 0x41424344;
    row.cost = 0x5152;
    row.order = 0x61;
    row.cancel = CANCEL_REQUESTED;
    row.relations = 0x72;
    row.extend_ms = 0x81828384;
    EXPECT_EQ(store_record_job_len(&row), sizeof room);
    store_record_put_job(room, key_slice(&key, number), &row);
    expect_hex(room, sizeof room,
               "02 03 000000a9"
               "101112131415161718191a1b1c1d1e1f 2122232425262728 3132333435363738"
               "4142434445464748 5152535455565758 6162636465666768 0172737475767778"
               "0182838485868788 0192939495969798 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
               "b1b2b3b4 c1c2c3c4 d1d2d3d4 e1e2e3e4 01f2f3f4 1a1b 2a2b 3a3b 4a4b 03 00 07 01"
               "0101020203030404 1112131415161718 2122232425262728 31323334 41424344 5152 61 01 72"
               "81828384 a071209b");
    struct job_row back;
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key_slice(&key, number), &back),
              OK);
    EXPECT_EQ(back.act, row.act);
    EXPECT_EQ(back.key_hash, row.key_hash);
    EXPECT_EQ(back.rank, row.rank);
    EXPECT_EQ(back.log_count, row.log_count);
    EXPECT_EQ(back.cost, row.cost);
    EXPECT_EQ(back.event_count, row.event_count);
    EXPECT_EQ(back.order, row.order);
    EXPECT_EQ(back.cancel, row.cancel);
    EXPECT_EQ(back.relations, row.relations);
    EXPECT_EQ(back.extend_ms, row.extend_ms);
    EXPECT_EQ(back.token_use, row.token_use);
}

TEST(record, golden_ledger)
{
    uint8_t room[STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct ledger_row row = {.epoch = 0x01020304,
                             .token_counter = 5,
                             .job_no_next = 6,
                             .digest = 0x1112131415161718,
                             .accepted = 7,
                             .counts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                             .store_time = 0x2021};
    store_record_put_ledger(room, key_slice(&key, 2), &row);
    expect_hex(room, sizeof room,
               "01 02 0000007c 01020304 0000000000000005 0000000000000006 1112131415161718"
               "0000000000000007 0000000000000000 0000000000000001 0000000000000002"
               "0000000000000003 0000000000000004 0000000000000005 0000000000000006"
               "0000000000000007 0000000000000008 0000000000000009 0000000000002021 e6c0f4c1");
    struct ledger_row back = {0};
    EXPECT_EQ(store_record_get_ledger(slice_of(room, sizeof room), key_slice(&key, 2), &back), OK);
    EXPECT_EQ(back.epoch, row.epoch);
    EXPECT_EQ(back.digest, row.digest);
    EXPECT_EQ(back.counts[9], 9);
    EXPECT_EQ(back.store_time, row.store_time);
}

TEST(record, golden_origin_and_key)
{
    uint8_t origin[STORE_RECORD_ORIGIN_LEN + DISK_SEAL_LEN];
    uint8_t room[STORE_RECORD_KEY_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    store_record_put_origin(origin, key_slice(&key, 1), 0x0a0b0c0d0e0f1011);
    expect_hex(origin, sizeof origin, "01 01 00000008 0a0b0c0d0e0f1011 7a56d286");
    uint64_t lineage = 0;
    EXPECT_EQ(
        store_record_get_origin(slice_of(origin, sizeof origin), key_slice(&key, 1), &lineage), OK);
    EXPECT_EQ(lineage, 0x0a0b0c0d0e0f1011);

    struct store_record_key value = {
        .id = id_of(0x30), .fingerprint = 0x4142434445464748, .dedup_until = 0x5152535455565758};
    store_record_put_key(room, key_slice(&key, number), &value);
    expect_hex(room, sizeof room,
               "01 07 00000020 303132333435363738393a3b3c3d3e3f 4142434445464748"
               "5152535455565758 08ae37d5");
    struct store_record_key back;
    EXPECT_EQ(store_record_get_key(slice_of(room, sizeof room), key_slice(&key, number), &back),
              OK);
    EXPECT_MEM(&back.id, &value.id, sizeof value.id);
    EXPECT_EQ(back.fingerprint, value.fingerprint);
    EXPECT_EQ(back.dedup_until, value.dedup_until);
}

TEST(record, golden_segment_and_policy)
{
    uint8_t room[STORE_RECORD_SEGMENT_LEN + DISK_SEAL_LEN];
    uint8_t other[STORE_RECORD_POLICY_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct store_record_segment segment = {.counts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0fff},
                                           .earliest_at = 0x0102030405060708};
    store_record_put_segment(room, key_slice(&key, 9), &segment);
    expect_hex(room, sizeof room,
               "01 08 0000001c 0000 0001 0002 0003 0004 0005 0006 0007 0008 0fff"
               "0102030405060708 f042a1a6");
    struct store_record_segment back = {0};
    EXPECT_EQ(store_record_get_segment(slice_of(room, sizeof room), key_slice(&key, 9), &back), OK);
    EXPECT_MEM(back.counts, segment.counts, sizeof segment.counts);
    EXPECT_EQ(back.earliest_at, segment.earliest_at);

    struct policy policy = {.timeout_ms = 1,
                            .retry_first_ms = 2,
                            .retry_longest_ms = 3,
                            .retry_factor_milli = 4,
                            .keep_s = 5,
                            .dedup_s = 6,
                            .max_attempts = 7,
                            .max_crashes = 8};
    store_record_put_policy(other, key_slice(&key, 3), &policy);
    expect_hex(other, sizeof other,
               "01 0a 0000001c 00000001 00000002 00000003 00000004 00000005 00000006 0007 0008"
               "d5f47ceb");
    struct policy again = {0};
    EXPECT_EQ(store_record_get_policy(slice_of(other, sizeof other), key_slice(&key, 3), &again),
              OK);
    EXPECT_MEM(&again, &policy, sizeof policy);
}

TEST(record, golden_policy_with_its_tail)
{
    uint8_t room[STORE_RECORD_POLICY_LEN + STORE_RECORD_POLICY_TAIL_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct policy policy = {.timeout_ms = 1, .retry_within_s = 0x0a0b0c0d, .ttl_ms = 0x1112};
    EXPECT_EQ(store_record_policy_len(&policy), sizeof room);
    store_record_put_policy(room, key_slice(&key, 3), &policy);
    expect_hex(room, sizeof room,
               "02 0a 00000028 00000001 00000000 00000000 00000000 00000000 00000000 0000 0000"
               "0a0b0c0d 0000000000001112 2197fd78");
    struct policy again = {0};
    EXPECT_EQ(store_record_get_policy(slice_of(room, sizeof room), key_slice(&key, 3), &again), OK);
    EXPECT_MEM(&again, &policy, sizeof policy);
}

TEST(record, golden_unique)
{
    uint8_t room[STORE_RECORD_UNIQUE_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct unique_row row = {.no = number,
                             .job_id = id_of(0x50),
                             .hash = id_of(0x60),
                             .until = 0x1112131415161718,
                             .waits_end = true};
    store_record_put_unique(room, key_slice(&key, number), &row);
    expect_hex(room, sizeof room,
               "01 0f 00000029 505152535455565758595a5b5c5d5e5f 606162636465666768696a6b6c6d6e6f"
               "1112131415161718 01 9952c9c9");
    struct unique_row back;
    struct slice record = slice_of(room, sizeof room);
    EXPECT_EQ(store_record_get_unique(record, key_slice(&key, number), &back), OK);
    EXPECT_EQ(back.no, number);
    EXPECT(id_equal(&back.job_id, &row.job_id) && id_equal(&back.hash, &row.hash));
    EXPECT(back.until == row.until && back.waits_end);
}

TEST(record, golden_dependency)
{
    uint8_t room[128];
    struct disk_key key;
    const struct id parents[] = {id_of(0x60), id_of(0x70)};
    struct dep_row row = {.no = number,
                          .job_id = id_of(0x50),
                          .on_failure = ON_FAILURE_RUN,
                          .parents = {.items = parents, .count = 2}};
    size_t len = store_record_dep_len(&row);
    store_record_put_dep(room, key_slice(&key, number), &row);
    expect_hex(room, len,
               "01 10 00000032 505152535455565758595a5b5c5d5e5f 02 02"
               "606162636465666768696a6b6c6d6e6f 707172737475767778797a7b7c7d7e7f 861ac63a");
    struct dep_row back;
    EXPECT_EQ(store_record_get_dep(slice_of(room, len), key_slice(&key, number), &back), OK);
    EXPECT_EQ(back.no, number);
    EXPECT_EQ(back.on_failure, ON_FAILURE_RUN);
    EXPECT_EQ(back.parents.count, 2);
    EXPECT_MEM(back.parents.items, parents, sizeof parents);
    // One that tells of their progress.
    row.tells = true;
    store_record_put_dep(room, key_slice(&key, number), &row);
    expect_hex(room + 22, 2, "03 02");
    EXPECT_EQ(store_record_get_dep(slice_of(room, len), key_slice(&key, number), &back), OK);
    EXPECT(back.tells && back.on_failure == ON_FAILURE_RUN);
    // Nobody to wait for, or no rule: never written.
    row.parents.count = 0;
    store_record_put_dep(room, key_slice(&key, number), &row);
    EXPECT_EQ(store_record_get_dep(slice_of(room, store_record_dep_len(&row)),
                                   key_slice(&key, number), &back),
              ERR_DAMAGED);
}

TEST(record, golden_batch_with_a_tail)
{
    uint8_t room[STORE_RECORD_BATCH_LEN + STORE_RECORD_BATCH_TAIL_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct batch_row row = {.id = id_of(0x50),
                            .no = 9,
                            .version = 1,
                            .created_at = 2,
                            .first_no = 0x2122232425262728,
                            .last_no = 0x3132333435363738,
                            .sealed_at = 0x4142434445464748,
                            .finished_at = 0x5152535455565758,
                            .failed_removed = 0x61626364};
    EXPECT_EQ(store_record_batch_len(&row), sizeof room);
    store_record_put_batch(room, key_slice(&key, 9), &row);
    expect_hex(room, sizeof room,
               "02 0b 00000068 505152535455565758595a5b5c5d5e5f 00000001 0000000000000002"
               "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
               "00000000 00000000 2122232425262728 3132333435363738 4142434445464748"
               "5152535455565758 61626364 5efb411b");
    struct batch_row back;
    EXPECT_EQ(store_record_get_batch(slice_of(room, sizeof room), key_slice(&key, 9), &back), OK);
    EXPECT_EQ(back.first_no, row.first_no);
    EXPECT_EQ(back.last_no, row.last_no);
    EXPECT_EQ(back.sealed_at, row.sealed_at);
    EXPECT_EQ(back.finished_at, row.finished_at);
    EXPECT_EQ(back.failed_removed, row.failed_removed);
    row = (struct batch_row){.no = 9, .first_no = 1};
    store_record_put_batch(room, key_slice(&key, 9), &row);
    memset(room + DISK_SEAL_HEAD_LEN + STORE_RECORD_BATCH_LEN, 0, STORE_RECORD_BATCH_TAIL_LEN);
    disk_seal(room, 2, STORE_RECORD_BATCH, key_slice(&key, 9),
              STORE_RECORD_BATCH_LEN + STORE_RECORD_BATCH_TAIL_LEN);
    EXPECT_EQ(store_record_get_batch(slice_of(room, sizeof room), key_slice(&key, 9), &back),
              ERR_DAMAGED); // a tail of zeros is never written
}

TEST(record, golden_batch_and_lane)
{
    uint8_t room[STORE_RECORD_BATCH_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct batch_row row = {.id = id_of(0x50),
                            .no = 9,
                            .version = 0x01020304,
                            .created_at = 0x1112131415161718,
                            .counts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    store_record_put_batch(room, key_slice(&key, 9), &row);
    expect_hex(room, sizeof room,
               "01 0b 00000044 505152535455565758595a5b5c5d5e5f 01020304 1112131415161718"
               "00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007"
               "00000008 00000009 95a83366");
    struct batch_row back;
    EXPECT_EQ(store_record_get_batch(slice_of(room, sizeof room), key_slice(&key, 9), &back), OK);
    EXPECT_EQ(back.no, 9);
    EXPECT_EQ(back.version, row.version);
    EXPECT_MEM(back.counts, row.counts, sizeof row.counts);
    EXPECT_EQ(store_record_batch_len(&row), sizeof room);

    struct lane_row lane = {.no = 4, .queue = slice_of_text("mail"), .type = slice_of_text("send")};
    uint8_t lane_room[64];
    EXPECT_EQ(store_record_lane_len(&lane), 19);
    store_record_put_lane(lane_room, key_slice(&key, 4), &lane);
    expect_hex(lane_room, 19, "01 09 00000009 04 6d61696c 73656e64 c54c9282");
    struct lane_row again;
    EXPECT_EQ(store_record_get_lane(slice_of(lane_room, 19), key_slice(&key, 4), &again), OK);
    EXPECT_EQ(again.no, 4);
    EXPECT(slice_is_text(again.queue, "mail") && slice_is_text(again.type, "send"));
    EXPECT_EQ(again.tenant.len, 0);
    lane.tenant = slice_of_text("default"); // another word for none
    EXPECT_EQ(store_record_lane_len(&lane), 19);

    lane.tenant = slice_of_text("acme");
    EXPECT_EQ(store_record_lane_len(&lane), 24);
    store_record_put_lane(lane_room, key_slice(&key, 4), &lane);
    expect_hex(lane_room, 24, "02 09 0000000e 04 61636d65 04 6d61696c 73656e64 4c45ac90");
    EXPECT_EQ(store_record_get_lane(slice_of(lane_room, 24), key_slice(&key, 4), &again), OK);
    EXPECT(slice_is_text(again.tenant, "acme") && slice_is_text(again.type, "send"));
}

static struct msg_submit_job full_submission(void)
{
    return (struct msg_submit_job){
        .key = slice_of_text("k"),
        .queue = slice_of_text("q"),
        .type = slice_of_text("t"),
        .payload = {.content = CONTENT_JSON, .bytes = slice_of_text("{}")},
        .priority = 3,
        .delay_ms = 1,
        .run_at = 2,
        .timeout_ms = 3,
        .max_attempts = 4,
        .max_crashes = 5,
        .retry_first_ms = 6,
        .retry_longest_ms = 7,
        .retry_factor_milli = 8,
        .keep_s = 9,
        .batch_id = id_of(0x60),
        .batch_index = 10,
        .traceparent = slice_of_text("p"),
        .ttl_ms = 11,
        .retry_within_s = 12};
}

TEST(record, golden_body_with_every_option)
{
    uint8_t room[256];
    struct disk_key key;
    struct msg_submit_job job = full_submission();
    size_t len = store_record_body_len(&job);
    store_record_put_body(room, key_slice(&key, number), &job);
    expect_hex(room, len,
               "01 04 0000005a 1bff 02 03 01 01 01 01 0000000000000001 0000000000000002 00000003"
               "00000004 00000005 00000006 00000007 00000008 00000009"
               "606162636465666768696a6b6c6d6e6f 0000000a 000000000000000b 0000000c"
               "71 74 6b 70 7b7d 0d7440bd");
    struct msg_submit_job back;
    EXPECT_EQ(store_record_get_body(slice_of(room, len), key_slice(&key, number), &back), OK);
    uint8_t again[256];
    EXPECT_EQ(store_record_body_len(&back), len);
    store_record_put_body(again, key_slice(&key, number), &back);
    EXPECT_MEM(again, room, len);
    EXPECT_EQ(back.run_at, 2);
    EXPECT_EQ(back.keep_s, 9);
    EXPECT_EQ(back.batch_index, 10);
    EXPECT_EQ(back.ttl_ms, 11);
    EXPECT_EQ(back.retry_within_s, 12);
    EXPECT(slice_is_text(back.payload.bytes, "{}"));
    EXPECT(slice_is_text(back.key, "k") && slice_is_text(back.traceparent, "p"));
}

TEST(record, golden_body_with_labels)
{
    uint8_t room[64];
    struct disk_key key;
    struct msg_submit_job job = {.queue = slice_of_text("q"),
                                 .type = slice_of_text("t"),
                                 .labels = slice_of_text("\x0a\1a"),
                                 .priority = MSG_PRIORITY_NOT_GIVEN};
    size_t len = store_record_body_len(&job);
    store_record_put_body(room, key_slice(&key, number), &job);
    expect_hex(room, len, "01 04 0000000f 8000 00 ff 01 01 00 00 0003 0a0161 71 74 87038a45");
    struct msg_submit_job back;
    EXPECT_EQ(store_record_get_body(slice_of(room, len), key_slice(&key, number), &back), OK);
    EXPECT(slice_equal(back.labels, job.labels));
}

TEST(record, golden_body_without_options)
{
    uint8_t room[64];
    struct disk_key key;
    struct msg_submit_job job = {.queue = slice_of_text("q"),
                                 .type = slice_of_text("t"),
                                 .priority = MSG_PRIORITY_NOT_GIVEN};
    size_t len = store_record_body_len(&job);
    store_record_put_body(room, key_slice(&key, number), &job);
    expect_hex(room, len, "01 04 0000000a 0000 00 ff 01 01 00 00 71 74 0a7c686b");
    struct msg_submit_job back;
    EXPECT_EQ(store_record_get_body(slice_of(room, len), key_slice(&key, number), &back), OK);
    EXPECT_EQ(back.priority, MSG_PRIORITY_NOT_GIVEN);
    EXPECT_EQ(back.payload.bytes.len, 0);
}

TEST(record, golden_outcome_and_progress)
{
    uint8_t room[128];
    struct disk_key key;
    struct msg_finish_job finish = {
        .token = 0x2122232425262728,
        .outcome = OUTCOME_FAILED,
        .resent = true,
        .result = {.content = CONTENT_TEXT, .bytes = slice_of_text("r")},
        .error_kind = slice_of_text("k"),
        .error_message = slice_of_text("mm"),
        .error_detail = slice_of_text("ddd")};
    size_t len = store_record_outcome_len(&finish);
    store_record_put_outcome(room, key_slice(&key, number), &finish);
    expect_hex(room, len,
               "01 05 00000017 02 04 01 2122232425262728 01 0002 0003 6b 6d6d 646464 72"
               "a26f88d5");
    struct msg_finish_job back;
    EXPECT_EQ(store_record_get_outcome(slice_of(room, len), key_slice(&key, number), &back), OK);
    EXPECT_EQ(back.outcome, OUTCOME_FAILED);
    EXPECT(back.resent && slice_is_text(back.error_detail, "ddd"));
    EXPECT(slice_is_text(back.result.bytes, "r"));

    struct msg_progress progress = {.token = 1, .done = 2, .total = 3, .text = slice_of_text("x")};
    len = store_record_progress_len(&progress);
    store_record_put_progress(room, key_slice(&key, number), &progress);
    expect_hex(room, len,
               "01 06 00000019 0000000000000001 0000000000000002 0000000000000003 78 894f0c6e");
    struct msg_progress seen;
    EXPECT_EQ(store_record_get_progress(slice_of(room, len), key_slice(&key, number), &seen), OK);
    EXPECT_EQ(seen.total, 3);
    EXPECT(slice_is_text(seen.text, "x"));
}

// --- what is refused ---

TEST(record, damaged_job_is_seen_whatever_bit_has_flipped)
{
    uint8_t room[STORE_RECORD_JOB_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct job_row row = row_of_test();
    store_record_put_job(room, key_slice(&key, number), &row);
    struct job_row back = {.no = 99};
    for (size_t bit = 0; bit < sizeof room * 8; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key_slice(&key, number), &back),
                  ERR_DAMAGED);
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < sizeof room; len++)
        EXPECT_EQ(store_record_get_job(slice_of(room, len), key_slice(&key, number), &back),
                  ERR_DAMAGED);
    EXPECT_EQ(store_record_get_job(slice_of(room, sizeof room), key_slice(&key, number + 1), &back),
              ERR_DAMAGED);
    EXPECT_EQ(back.no, 99);
}

// Seals content of our own making, as a writer gone wrong would.
static struct slice seal(uint8_t *room, uint8_t version, uint8_t kind, size_t content_len)
{
    struct disk_key key;
    disk_seal(room, version, kind, key_slice(&key, number), content_len);
    return slice_of(room, content_len + DISK_SEAL_LEN);
}

TEST(record, valid_seal_around_impossible_values_is_damaged)
{
    uint8_t room[STORE_RECORD_JOB_LEN + DISK_SEAL_LEN];
    struct disk_key key;
    struct job_row row = row_of_test();
    struct job_row back;
    static const struct {
        size_t place;
        uint8_t value;
    } wrong[] = {{124, JOB_STATES}, {124, JOB_NONE}, {125, JOB_STATES}, {127, 4}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        store_record_put_job(room, key_slice(&key, number), &row);
        room[DISK_SEAL_HEAD_LEN + wrong[i].place] = wrong[i].value;
        struct slice record = seal(room, 1, STORE_RECORD_JOB, STORE_RECORD_JOB_LEN);
        EXPECT_EQ(store_record_get_job(record, key_slice(&key, number), &back), ERR_DAMAGED);
    }
    store_record_put_job(room, key_slice(&key, number), &row);
    struct slice later = seal(room, 3, STORE_RECORD_JOB, STORE_RECORD_JOB_LEN);
    EXPECT_EQ(store_record_get_job(later, key_slice(&key, number), &back), ERR_DAMAGED);
    // An empty tail has another spelling: none.
    uint8_t tailed[STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN + DISK_SEAL_LEN] = {0};
    memcpy(tailed, room, STORE_RECORD_JOB_LEN + DISK_SEAL_HEAD_LEN);
    struct slice empty =
        seal(tailed, 2, STORE_RECORD_JOB, STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN);
    EXPECT_EQ(store_record_get_job(empty, key_slice(&key, number), &back), ERR_DAMAGED);
    struct slice other = seal(room, 1, STORE_RECORD_LEDGER, STORE_RECORD_JOB_LEN);
    EXPECT_EQ(store_record_get_job(other, key_slice(&key, number), &back), ERR_DAMAGED);
}

TEST(record, valid_seal_around_wrong_lengths_is_damaged)
{
    uint8_t room[256] = {0};
    struct disk_key key;
    struct msg_submit_job job = full_submission();
    struct msg_submit_job back;
    size_t content_len = store_record_body_len(&job) - DISK_SEAL_LEN;
    for (size_t len = 0; len < content_len - 2; len++) {
        store_record_put_body(room, key_slice(&key, number), &job);
        struct slice record = seal(room, 1, STORE_RECORD_BODY, len);
        EXPECT_EQ(store_record_get_body(record, key_slice(&key, number), &back), ERR_DAMAGED);
    }
    // Without its last two bytes only the payload is shorter, and that is what the seal says.
    store_record_put_body(room, key_slice(&key, number), &job);
    EXPECT_EQ(store_record_get_body(seal(room, 1, STORE_RECORD_BODY, content_len - 2),
                                    key_slice(&key, number), &back),
              OK);
    store_record_put_body(room, key_slice(&key, number), &job);
    room[DISK_SEAL_HEAD_LEN] = 0xff; // flags nobody knows
    EXPECT_EQ(store_record_get_body(seal(room, 1, STORE_RECORD_BODY, content_len),
                                    key_slice(&key, number), &back),
              ERR_DAMAGED);
}

TEST(record, sweeper_looks_at_ended_jobs_and_tombstones_only)
{
    struct job_row row = {.remove_at = 5, .dedup_until = 9};
    static const when_ms expected[JOB_STATES] = {0, WHEN_NEVER, WHEN_NEVER, WHEN_NEVER, WHEN_NEVER,
                                                 5, 5,          5,          5,          9};
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        row.state = (uint8_t)state;
        EXPECT_EQ(store_record_sweep_at(&row), expected[state]);
    }
}
