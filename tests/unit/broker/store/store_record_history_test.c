// Golden bytes of the records of a job's history, and what is refused.
// links: weft_broker_store

#include "broker/store/store_record.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

enum { KEY_LEN = 12, ROOM = 512 };

static const uint8_t key_bytes[KEY_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9};
static const struct slice key = {.data = key_bytes, .len = KEY_LEN};

static struct event_row event_of_test(void)
{
    struct event_row row = {.seq = 9,
                            .version = 0x11121314,
                            .attempt = 0x21222324,
                            .at = 0x3132333435363738,
                            .granted_at = 0x4142434445464748,
                            .due_at = 0x5152535455565758,
                            .token = 0x6162636465666768,
                            .event = 5,
                            .state = JOB_RETRYING,
                            .outcome = OUTCOME_FAILED,
                            .actor = slice_of_text("me"),
                            .reason = slice_of_text("why"),
                            .kind = slice_of_text("exit"),
                            .message = slice_of_text("code 1"),
                            .detail = slice_of_text("tail")};
    for (unsigned i = 0; i < sizeof row.worker.bytes; i++)
        row.worker.bytes[i] = (uint8_t)(0xa0 + i);
    return row;
}

static void expect_event(const struct event_row *a, const struct event_row *b)
{
    EXPECT_EQ(a->seq, b->seq);
    EXPECT_EQ(a->version, b->version);
    EXPECT_EQ(a->attempt, b->attempt);
    EXPECT_EQ(a->at, b->at);
    EXPECT_EQ(a->granted_at, b->granted_at);
    EXPECT_EQ(a->due_at, b->due_at);
    EXPECT_EQ(a->token, b->token);
    EXPECT(id_equal(&a->worker, &b->worker));
    EXPECT_EQ(a->event, b->event);
    EXPECT_EQ(a->state, b->state);
    EXPECT_EQ(a->outcome, b->outcome);
    EXPECT(slice_equal(a->actor, b->actor));
    EXPECT(slice_equal(a->reason, b->reason));
    EXPECT(slice_equal(a->kind, b->kind));
    EXPECT(slice_equal(a->message, b->message));
    EXPECT(slice_equal(a->detail, b->detail));
}

TEST(record_history, golden_event)
{
    uint8_t room[ROOM];
    struct event_row row = event_of_test();
    size_t len = store_record_event_len(&row);
    EXPECT_EQ(len, DISK_SEAL_LEN + 71 + 2 + 3 + 4 + 6 + 4);
    store_record_put_event(room, key, &row);
    expect_hex(room, len,
               "01 0c 0000005a 00000009 11121314 21222324 3132333435363738 4142434445464748"
               "5152535455565758 6162636465666768 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 05 04 02"
               "02 04 0003 0006 0004 6d65 65786974 776879 636f64652031 7461696c 96438b25");
    struct event_row back;
    EXPECT_EQ(store_record_get_event(slice_of(room, len), key, &back), OK);
    expect_event(&back, &row);
}

TEST(record_history, event_under_another_key_or_with_a_flipped_bit_is_damaged)
{
    uint8_t room[ROOM];
    struct event_row row = event_of_test();
    struct event_row back;
    size_t len = store_record_event_len(&row);
    store_record_put_event(room, key, &row);
    uint8_t other[KEY_LEN] = {0};
    EXPECT_EQ(store_record_get_event(slice_of(room, len), slice_of(other, KEY_LEN), &back),
              ERR_DAMAGED);
    for (size_t i = 0; i < len; i++) {
        room[i] ^= 0x10;
        EXPECT_EQ(store_record_get_event(slice_of(room, len), key, &back), ERR_DAMAGED);
        room[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < len; cut++)
        EXPECT_EQ(store_record_get_event(slice_of(room, cut), key, &back), ERR_DAMAGED);
}

static err read_sealed(uint8_t *room, size_t len)
{
    struct event_row back;
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_EVENT, key, len - DISK_SEAL_LEN);
    return store_record_get_event(slice_of(room, len), key, &back);
}

TEST(record_history, valid_seal_around_impossible_events_is_damaged)
{
    uint8_t room[ROOM];
    uint8_t *content = room + DISK_SEAL_HEAD_LEN;
    struct event_row row = event_of_test();
    size_t len = store_record_event_len(&row);
    store_record_put_event(room, key, &row);
    EXPECT_EQ(read_sealed(room, len), OK);
    EXPECT_EQ(read_sealed(room, len - 1), ERR_DAMAGED);
    content[3] = 0; // its place
    EXPECT_EQ(read_sealed(room, len), ERR_DAMAGED);
    content[3] = 9;
    content[61] = JOB_NONE;
    EXPECT_EQ(read_sealed(room, len), ERR_DAMAGED);
    content[61] = JOB_STATES;
    EXPECT_EQ(read_sealed(room, len), ERR_DAMAGED);
    content[61] = JOB_DEAD;
    content[62] = OUTCOMES;
    EXPECT_EQ(read_sealed(room, len), ERR_DAMAGED);
    content[62] = OUTCOME_DEAD;
    EXPECT_EQ(read_sealed(room, len), OK);
}

// --- logs ---

static size_t put_lines(uint8_t *room, const struct store_record_log *old)
{
    const struct msg_log_line lines[] = {
        {.token = 0x0102030405060708, .seq = 65, .at = 0x1112, .text = slice_of_text("row 1")},
        {.token = 0x0102030405060709, .seq = 66, .at = 0x3334, .text = slice_of_text("")}};
    const struct write_log write = {.first = 65, .count = 2, .at = 0x2122, .lines = lines};
    store_record_put_log(room, key, old, &write);
    return store_record_log_len(old, &write);
}

// A line that is from the future by its worker's clock is of the moment it came.
TEST(record_history, golden_log)
{
    uint8_t room[ROOM];
    size_t len = put_lines(room, &(struct store_record_log){0});
    expect_hex(room, len,
               "01 0d 0000002d 00000041 0000000000001112 0102030405060708 0005 726f772031"
               "0000000000002122 0102030405060709 0000 3a4df2d5");
    struct store_record_log log;
    struct msg_log_line line;
    EXPECT_EQ(store_record_get_log(slice_of(room, len), key, &log), OK);
    EXPECT_EQ(log.first, 65);
    EXPECT_EQ(log.count, 2);
    EXPECT(store_record_next_line(&log, &line));
    EXPECT_EQ(line.seq, 65);
    EXPECT_EQ(line.at, 0x1112);
    EXPECT_EQ(line.token, 0x0102030405060708);
    EXPECT(slice_is_text(line.text, "row 1"));
    EXPECT(store_record_next_line(&log, &line));
    EXPECT_EQ(line.seq, 66);
    EXPECT_EQ(line.at, 0x2122);
    EXPECT(!store_record_next_line(&log, &line));
}

TEST(record_history, lines_are_put_behind_those_that_are_there)
{
    uint8_t first[ROOM];
    uint8_t second[ROOM];
    struct store_record_log log;
    size_t len = put_lines(first, &(struct store_record_log){0});
    EXPECT_EQ(store_record_get_log(slice_of(first, len), key, &log), OK);
    len = put_lines(second, &log);
    EXPECT_EQ(store_record_get_log(slice_of(second, len), key, &log), OK);
    EXPECT_EQ(log.count, 4);
    EXPECT_EQ(log.first, 65);
}

TEST(record_history, damaged_log_is_seen)
{
    uint8_t room[ROOM];
    struct store_record_log log;
    size_t len = put_lines(room, &(struct store_record_log){0});
    for (size_t cut = 0; cut < len; cut++)
        EXPECT_EQ(store_record_get_log(slice_of(room, cut), key, &log), ERR_DAMAGED);
    room[20] ^= 1;
    EXPECT_EQ(store_record_get_log(slice_of(room, len), key, &log), ERR_DAMAGED);
    room[20] ^= 1;
    uint8_t *content = room + DISK_SEAL_HEAD_LEN;
    content[3] = 0; // the number of its first line
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_LOG, key, len - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_log(slice_of(room, len), key, &log), ERR_DAMAGED);
    content[3] = 65;
    content[21] = 0xff; // the length of a text
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_LOG, key, len - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_log(slice_of(room, len), key, &log), ERR_DAMAGED);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_LOG, key, 4); // no line
    EXPECT_EQ(store_record_get_log(slice_of(room, 4 + DISK_SEAL_LEN), key, &log), ERR_DAMAGED);
}
