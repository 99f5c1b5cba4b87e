#pragma once

// A small store with a bit of everything, ways to spoil it behind the broker's back through the
// store's own record functions, and what the auditor names then. Header only; one per program.

#include "broker/store/store_audit_private.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

enum { JOBS = 12, ROUND_STEPS_MAX = 100000 };

static struct batcher batch; // too large for a stack
static struct job_row rows[JOBS + 1];
static struct batch_row members;

static inline void fail_job(struct job_row *row, enum outcome outcome, enum job_state to)
{
    batcher_finish(&batch, row, 0);
    struct msg_finish_job *finish = &batch.finishes[batch.job_count - 1];
    finish->outcome = outcome;
    finish->error_kind = slice_of_text("test");
    row->errors++;
    batcher_move(&batch, row, to);
    if (to == JOB_DEAD)
        return;
    row->due_at = batch.now + 1000;
    row->ended_at = 0;
    row->remove_at = 0;
    row->worker = (struct id){{0}};
}

// Odd jobs have keys. 1, 2 have succeeded with a result; 3, 4 run, 3 with progress; 5 is retrying
// and has an event in its timeline,
// 6 dead, 7 and 8 are tombstones, 9 has succeeded without a result, 10 to 12 wait. 10 and
// 11 are the members of a batch.
static inline struct store *busy(void)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 100);
    batcher_begin(&batch);
    for (uint64_t no = 1; no <= JOBS; no++) {
        rows[no] = batcher_submit(&batch, no % 2 == 1);
        if (no <= 9)
            batcher_grant(&batch, &rows[no]);
        if (no == 10 || no == 11)
            rows[no].batch = 1;
    }
    for (uint64_t no = 1; no <= 9; no++) {
        if (no == 5)
            fail_job(&rows[no], OUTCOME_FAILED, JOB_RETRYING);
        else if (no == 6)
            fail_job(&rows[no], OUTCOME_DEAD, JOB_DEAD);
        else if (no != 3 && no != 4)
            batcher_finish(&batch, &rows[no], no == 9 ? 0 : 30);
    }
    struct event_row event = {.seq = 1,
                              .version = rows[5].version,
                              .at = batch.now,
                              .token = rows[5].token,
                              .state = JOB_RETRYING};
    batcher_write(&batch, WRITE_EVENT)->event = (struct write_event){.job_no = 5, .row = event};
    rows[5].event_count = 1;
    static const struct msg_log_line line = {.text = {.data = (const uint8_t *)"x", .len = 1}};
    batcher_write(&batch, WRITE_LOG)->log =
        (struct write_log){.job_no = 5, .first = 1, .count = 1, .at = batch.now, .lines = &line};
    rows[5].log_count = 1;
    for (uint64_t no = 1; no <= JOBS; no++)
        batcher_put(&batch, &rows[no], true);
    members = (struct batch_row){
        .id = batcher_id(900, false, batch.now), .version = 1, .created_at = batch.now};
    members.counts[JOB_QUEUED] = 2;
    batcher_write(&batch, WRITE_BATCH)->batch = members;
    struct msg_progress progress = {.token = rows[3].token, .done = 1, .total = 2};
    batcher_write(&batch, WRITE_PROGRESS)->progress =
        (struct write_progress){.job_no = 3, .progress = &progress};
    batcher_commit(&batch, store);
    batcher_begin(&batch);
    for (uint64_t no = 7; no <= 8; no++) {
        rows[no].ended_as = rows[no].state;
        batcher_move(&batch, &rows[no], JOB_REMOVED);
        batcher_write(&batch, DROP_BODY)->drop = rows[no];
        batcher_put(&batch, &rows[no], false);
    }
    batcher_commit(&batch, store);
    return store;
}

static inline struct violation_list round_of(struct store *store,
                                             struct store_audit_options options)
{
    struct store_audit *audit = NULL;
    bool is_over = false;
    EXPECT_EQ(store_audit_open(store, &options, &audit), OK);
    for (unsigned i = 0; i < ROUND_STEPS_MAX && !is_over; i++)
        EXPECT_EQ(store_audit_step(audit, &is_over), OK);
    EXPECT(is_over);
    struct violation_list found = *store_audit_found(audit);
    store_audit_close(audit);
    return found;
}

static inline struct violation_list look(struct store *store)
{
    return round_of(store, (struct store_audit_options){.has_keymap = true});
}

// Exactly this kind is named, once, for this number; then the store is closed.
static inline void expect_named(struct store *store, enum violation kind, uint64_t no)
{
    struct violation_list found = look(store);
    for (unsigned i = 0; i < VIOLATION_COUNT; i++) {
        if (found.of[i].count > 0 && i != kind)
            EXPECT_STR(violation_slug((enum violation)i), violation_slug(kind));
    }
    EXPECT_EQ(found.of[kind].count, 1);
    EXPECT_EQ(found.of[kind].no, no);
    store_close(store);
}

// --- corruption, through the store's own record functions ---

static inline struct disk_txn *begin(struct store *store)
{
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(store->disk, &txn), OK);
    return txn;
}

static inline void end(struct disk_txn *txn)
{
    EXPECT_EQ(disk_commit(txn), OK);
}

static inline void rewrite(struct store *store, const struct job_row *row)
{
    struct disk_key key = disk_key_of(row->no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_JOBS, disk_key_slice(&key), store_record_job_len(row), &room),
              OK);
    store_record_put_job(room, disk_key_slice(&key), row);
    end(txn);
}

static inline void drop(struct store *store, enum store_table table, uint64_t no)
{
    struct disk_key key = disk_key_of(no);
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_drop(txn, table, disk_key_slice(&key)), OK);
    end(txn);
}

static inline void drop_id(struct store *store, enum store_table table, const struct id *id)
{
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_drop(txn, table, slice_of(id->bytes, sizeof id->bytes)), OK);
    end(txn);
}

static inline void put_id(struct store *store, enum store_table table, const struct id *id,
                          uint64_t no)
{
    struct disk_key key = disk_key_of(no);
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_put(txn, table, slice_of(id->bytes, sizeof id->bytes), disk_key_slice(&key)),
              OK);
    end(txn);
}

// Puts another finish of a job down, as if it had been accepted too.
static inline void finish_again(struct store *store, uint64_t no, struct msg_finish_job finish)
{
    struct disk_key key = disk_key_of(no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_OUTCOMES, disk_key_slice(&key),
                           store_record_outcome_len(&finish), &room),
              OK);
    store_record_put_outcome(room, disk_key_slice(&key), &finish);
    end(txn);
}

static inline void put_body(struct store *store, uint64_t no, const char *type,
                            struct slice payload)
{
    struct msg_submit_job job = {.queue = slice_of_text("default"),
                                 .type = slice_of_text(type),
                                 .priority = MSG_PRIORITY_NOT_GIVEN,
                                 .payload = {.content = CONTENT_BYTES, .bytes = payload}};
    struct disk_key key = disk_key_of(no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(
        disk_reserve(txn, TABLE_BODIES, disk_key_slice(&key), store_record_body_len(&job), &room),
        OK);
    store_record_put_body(room, disk_key_slice(&key), &job);
    end(txn);
}

static inline void put_segment(struct store *store, struct store_record_segment segment)
{
    struct disk_key key = disk_key_of(0);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_SEGMENTS, disk_key_slice(&key),
                           STORE_RECORD_SEGMENT_LEN + DISK_SEAL_LEN, &room),
              OK);
    store_record_put_segment(room, disk_key_slice(&key), &segment);
    end(txn);
}

static inline void put_ledger(struct store *store, const struct ledger_row *row)
{
    struct disk_key key = disk_key_of(META_LEDGER);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_META, disk_key_slice(&key),
                           STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN, &room),
              OK);
    store_record_put_ledger(room, disk_key_slice(&key), row);
    end(txn);
}

static inline void put_batch(struct store *store, const struct batch_row *row)
{
    struct disk_key key = disk_key_of(row->no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(
        disk_reserve(txn, TABLE_BATCHES, disk_key_slice(&key), store_record_batch_len(row), &room),
        OK);
    store_record_put_batch(room, disk_key_slice(&key), row);
    end(txn);
}
