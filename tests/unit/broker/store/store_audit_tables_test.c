// The auditor of the indexes and side tables: what is lost, left over, or belongs to another job.

#include "broker/store/store_audit.h"

#include "tests/support/spoiler.h"

// --- indexes ---

TEST(store_audit_tables, names_a_lost_id)
{
    struct store *store = busy();
    drop_id(store, TABLE_IDS, &rows[2].id);
    expect_named(store, VIOLATION_ID_MISSING, 2);
}

TEST(store_audit_tables, names_swapped_ids)
{
    struct store *store = busy();
    put_id(store, TABLE_IDS, &rows[2].id, 4);
    put_id(store, TABLE_IDS, &rows[4].id, 2);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_ID_MISSING].count, 2);
    EXPECT_EQ(found.of[VIOLATION_ID_ORPHAN].count, 2);
    EXPECT_EQ(violation_sum(&found), 4);
    store_close(store);
}

TEST(store_audit_tables, names_an_id_too_many)
{
    struct store *store = busy();
    struct id id = batcher_id(77, false, batch.now);
    put_id(store, TABLE_IDS, &id, 99);
    expect_named(store, VIOLATION_ID_ORPHAN, 99);
}

TEST(store_audit_tables, names_a_lost_key)
{
    struct store *store = busy();
    drop(store, TABLE_KEYS, 7);
    expect_named(store, VIOLATION_KEY_MISSING, 7);
    store = busy();
    store_keymap_drop(&store->keymap, &rows[1].id, 1);
    expect_named(store, VIOLATION_KEYMAP, 1);
}

TEST(store_audit_tables, names_a_key_of_another_job)
{
    struct store *store = busy();
    struct disk_key key = disk_key_of(9);
    struct store_record_key value = {.id = rows[11].id, .fingerprint = rows[9].fingerprint};
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_KEYS, disk_key_slice(&key),
                           STORE_RECORD_KEY_LEN + DISK_SEAL_LEN, &room),
              OK);
    store_record_put_key(room, disk_key_slice(&key), &value);
    end(txn);
    expect_named(store, VIOLATION_KEY_ORPHAN, 9);
}

TEST(store_audit_tables, names_a_batch_that_its_id_does_not_find)
{
    struct store *store = busy();
    drop_id(store, TABLE_BATCH_IDS, &members.id);
    expect_named(store, VIOLATION_BATCH_INDEX, 0);
    store = busy();
    struct id id = batcher_id(901, false, batch.now);
    put_id(store, TABLE_BATCH_IDS, &id, 5);
    expect_named(store, VIOLATION_BATCH_INDEX, 5);
}

// --- what belongs to a job ---

TEST(store_audit_tables, names_bodies_lost_left_and_changed)
{
    struct store *store = busy();
    drop(store, TABLE_BODIES, 10);
    expect_named(store, VIOLATION_BODY_MISSING, 10);
    store = busy();
    put_body(store, 8, "test", slice_of_text("left"));
    expect_named(store, VIOLATION_BODY_ORPHAN, 8);
    store = busy();
    put_body(store, 50, "test", slice_of_text("left"));
    expect_named(store, VIOLATION_BODY_ORPHAN, 50);
    store = busy();
    put_body(store, 10, "test", slice_of_text("shorter"));
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
    store = busy();
    char text[BATCHER_TEXT_LEN];
    batcher_text(10, text, 100);
    put_body(store, 10, "other", slice_of(text, 100));
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
}

// A list by tag would read bodies in vain, or pass the job over.
TEST(store_audit_tables, names_labels_of_which_row_and_body_tell_otherwise)
{
    struct store *store = busy();
    rows[10].relations ^= RELATION_LABELS;
    rewrite(store, &rows[10]);
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
    store = busy();
    char text[BATCHER_TEXT_LEN];
    batcher_text(10, text, 100);
    struct msg_submit_job body = {.queue = slice_of_text("default"),
                                  .type = slice_of_text("test"),
                                  .priority = MSG_PRIORITY_NOT_GIVEN,
                                  .labels = slice_of_text("\x0a\3red"),
                                  .payload = {CONTENT_BYTES, slice_of(text, 100)}};
    struct disk_key key = disk_key_of(10);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(
        disk_reserve(txn, TABLE_BODIES, disk_key_slice(&key), store_record_body_len(&body), &room),
        OK);
    store_record_put_body(room, disk_key_slice(&key), &body);
    end(txn);
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
}

// Endpoints may want a job whose body says nothing of a webhook.
TEST(store_audit_tables, names_a_webhook_of_which_row_and_body_tell_otherwise)
{
    struct store *store = busy();
    rows[10].relations |= RELATION_HOOK | 1u << RELATION_EVENTS_SHIFT;
    rewrite(store, &rows[10]);
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
    store = busy();
    rows[10].relations |= RELATION_HOOK;
    rows[10].has_progress = true;
    rewrite(store, &rows[10]);
    expect_named(store, VIOLATION_BODY_DIFFERS, 10);
    store = busy();
    rows[10].relations |= RELATION_HOOK;
    rows[10].endpoints = 1;
    rewrite(store, &rows[10]);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}

TEST(store_audit_tables, names_a_doubled_finish)
{
    struct store *store = busy();
    // A grant that was never made has succeeded too.
    finish_again(store, 1,
                 (struct msg_finish_job){.token = rows[1].token + 1,
                                         .outcome = OUTCOME_SUCCEEDED,
                                         .result = {CONTENT_TEXT, slice_of_text("again")}});
    expect_named(store, VIOLATION_FINISH_DOUBLED, 1);
    store = busy();
    // Another worker's success, under an older token.
    finish_again(store, 2,
                 (struct msg_finish_job){.token = rows[2].token - 1,
                                         .outcome = OUTCOME_SUCCEEDED,
                                         .result = {CONTENT_TEXT, slice_of_text("again")}});
    expect_named(store, VIOLATION_FINISH_DOUBLED, 2);
    store = busy();
    // The job still runs.
    finish_again(store, 4,
                 (struct msg_finish_job){.token = rows[4].token,
                                         .outcome = OUTCOME_SUCCEEDED,
                                         .result = {CONTENT_TEXT, slice_of_text("early")}});
    expect_named(store, VIOLATION_FINISH_DOUBLED, 4);
    store = busy();
    finish_again(store, 6,
                 (struct msg_finish_job){.token = rows[6].token - 1, .outcome = OUTCOME_FAILED});
    expect_named(store, VIOLATION_FINISH_DOUBLED, 6);
}

TEST(store_audit_tables, an_older_failure_may_stay_beside_a_success_without_a_result)
{
    struct store *store = busy();
    finish_again(store, 9,
                 (struct msg_finish_job){.token = rows[9].token - 1, .outcome = OUTCOME_FAILED});
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}

TEST(store_audit_tables, names_outcomes_lost_and_left)
{
    struct store *store = busy();
    drop(store, TABLE_OUTCOMES, 6);
    expect_named(store, VIOLATION_OUTCOME_MISSING, 6);
    store = busy();
    finish_again(store, 8, (struct msg_finish_job){.token = 1, .outcome = OUTCOME_FAILED});
    expect_named(store, VIOLATION_OUTCOME_ORPHAN, 8);
}

TEST(store_audit_tables, names_progress_of_nobody)
{
    struct store *store = busy();
    struct msg_progress progress = {.token = 1};
    struct disk_key key = disk_key_of(30);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_PROGRESS, disk_key_slice(&key),
                           store_record_progress_len(&progress), &room),
              OK);
    store_record_put_progress(room, disk_key_slice(&key), &progress);
    end(txn);
    expect_named(store, VIOLATION_PROGRESS_ORPHAN, 30);
}

// --- timelines ---

static void put_event(struct store *store, uint64_t no, struct event_row event)
{
    struct history_key key = store_history_key(no, event.seq);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_TIMELINE, store_history_slice(&key),
                           store_record_event_len(&event), &room),
              OK);
    store_record_put_event(room, store_history_slice(&key), &event);
    end(txn);
}

TEST(store_audit_tables, names_a_lost_event)
{
    struct store *store = busy();
    struct history_key key = store_history_key(5, 1);
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_drop(txn, TABLE_TIMELINE, store_history_slice(&key)), OK);
    end(txn);
    expect_named(store, VIOLATION_EVENT_MISSING, 5);
}

TEST(store_audit_tables, names_events_of_nobody)
{
    struct store *store = busy();
    put_event(store, 50, (struct event_row){.seq = 1, .state = JOB_QUEUED});
    expect_named(store, VIOLATION_EVENT_ORPHAN, 50);
    store = busy();
    put_event(store, 8, (struct event_row){.seq = 1, .state = JOB_QUEUED}); // a tombstone
    expect_named(store, VIOLATION_EVENT_ORPHAN, 8);
    store = busy();
    put_event(store, 5, (struct event_row){.seq = 2, .state = JOB_QUEUED}); // not counted
    expect_named(store, VIOLATION_EVENT_ORPHAN, 5);
    store = busy();
    put_event(store, 5,
              (struct event_row){.seq = 1, .state = JOB_QUEUED, .token = rows[5].token + 1});
    expect_named(store, VIOLATION_EVENT_ORPHAN, 5);
}

// --- logs ---

static void put_lines(struct store *store, uint64_t no, uint32_t first)
{
    const struct msg_log_line line = {.text = slice_of_text("x")};
    const struct write_log write = {.first = first, .count = 1, .lines = &line};
    const struct store_record_log none = {0};
    struct history_key key = store_history_key(no, 1);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_LOGS, store_history_slice(&key),
                           store_record_log_len(&none, &write), &room),
              OK);
    store_record_put_log(room, store_history_slice(&key), &none, &write);
    end(txn);
}

TEST(store_audit_tables, names_lost_lines)
{
    struct store *store = busy();
    struct history_key key = store_history_key(5, 1);
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_drop(txn, TABLE_LOGS, store_history_slice(&key)), OK);
    end(txn);
    expect_named(store, VIOLATION_LOG_MISSING, 5);
}

TEST(store_audit_tables, names_lines_of_nobody)
{
    struct store *store = busy();
    put_lines(store, 50, 1);
    expect_named(store, VIOLATION_LOG_ORPHAN, 50);
    store = busy();
    put_lines(store, 8, 1); // a tombstone
    expect_named(store, VIOLATION_LOG_ORPHAN, 8);
    store = busy();
    put_lines(store, 5, 2); // not counted
    expect_named(store, VIOLATION_LOG_ORPHAN, 5);
}

// --- unique keys ---

static void put_unique(struct store *store, struct unique_row unique)
{
    struct disk_key key = disk_key_of(unique.no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_UNIQUES, disk_key_slice(&key),
                           STORE_RECORD_UNIQUE_LEN + DISK_SEAL_LEN, &room),
              OK);
    store_record_put_unique(room, disk_key_slice(&key), &unique);
    end(txn);
}

// Job `no` was submitted with a unique key.
static void make_unique(struct store *store, uint64_t no, uint32_t for_s, bool is_while)
{
    char text[BATCHER_TEXT_LEN];
    batcher_text(no, text, 100);
    struct msg_submit_job job = {.queue = slice_of_text("default"),
                                 .type = slice_of_text("test"),
                                 .priority = MSG_PRIORITY_NOT_GIVEN,
                                 .unique_key = slice_of_text("one"),
                                 .unique_for_s = for_s,
                                 .unique_while_unfinished = is_while,
                                 .payload = {CONTENT_BYTES, slice_of(text, 100)}};
    struct disk_key key = disk_key_of(no);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(
        disk_reserve(txn, TABLE_BODIES, disk_key_slice(&key), store_record_body_len(&job), &room),
        OK);
    store_record_put_body(room, disk_key_slice(&key), &job);
    end(txn);
    struct job_row row = rows[no];
    row.relations = RELATION_UNIQUE;
    rewrite(store, &row);
}

static void expect_nothing(struct store *store)
{
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}

TEST(store_audit_tables, names_a_unique_key_that_its_job_has_lost)
{
    struct store *store = busy();
    make_unique(store, 12, 0, true);
    expect_named(store, VIOLATION_UNIQUE_MISSING, 12);
    store = busy();
    make_unique(store, 12, 3600, false);
    expect_named(store, VIOLATION_UNIQUE_MISSING, 12);
    store = busy();
    make_unique(store, 12, 0, true);
    put_unique(store, (struct unique_row){.no = 12, .job_id = rows[12].id, .waits_end = true});
    expect_nothing(store);
    store = busy();
    make_unique(store, 9, 0, true); // it has ended
    expect_nothing(store);
}

TEST(store_audit_tables, names_a_unique_key_that_should_be_free)
{
    struct store *store = busy();
    make_unique(store, 9, 0, true);
    put_unique(store, (struct unique_row){.no = 9, .job_id = rows[9].id, .waits_end = true});
    expect_named(store, VIOLATION_UNIQUE_ORPHAN, 9);
    store = busy();
    put_unique(store, (struct unique_row){.no = 12, .job_id = rows[12].id, .waits_end = true});
    expect_named(store, VIOLATION_UNIQUE_ORPHAN, 12);
    store = busy();
    put_unique(store, (struct unique_row){.no = 40, .job_id = {{1}}, .waits_end = true});
    expect_named(store, VIOLATION_UNIQUE_ORPHAN, 40);
    store = busy();
    put_unique(store, (struct unique_row){.no = 40, .job_id = {{1}}, .until = batch.now + 9999});
    expect_nothing(store); // held for a time, and its job is gone
    store = busy();
    put_unique(store,
               (struct unique_row){.no = 12, .job_id = rows[12].id, .until = batch.now + 9999});
    expect_nothing(store); // its job lives again, without the key
}

TEST(store_audit_tables, names_dependencies_of_a_job_that_waits_for_nobody)
{
    struct store *store = busy();
    struct dep_row dep = {.no = 9,
                          .job_id = rows[9].id,
                          .on_failure = ON_FAILURE_RUN,
                          .parents = {.items = &rows[10].id, .count = 1}};
    struct disk_key key = disk_key_of(9);
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    EXPECT_EQ(disk_reserve(txn, TABLE_DEPENDENCIES, disk_key_slice(&key),
                           store_record_dep_len(&dep), &room),
              OK);
    store_record_put_dep(room, disk_key_slice(&key), &dep);
    end(txn);
    expect_named(store, VIOLATION_DEPENDENCY_ORPHAN, 9);
}

// --- operations ---

static void put_operation(struct store *store, const struct operation_row *row)
{
    uint8_t *room = NULL;
    struct disk_txn *txn = begin(store);
    struct slice key = slice_of(row->id.bytes, sizeof row->id.bytes);
    EXPECT_EQ(disk_reserve(txn, TABLE_OPERATIONS, key, store_record_operation_len(row), &room), OK);
    store_record_put_operation(room, key, row);
    end(txn);
}

TEST(store_audit_tables, names_an_operation_on_jobs_that_were_never_accepted)
{
    struct store *store = busy();
    struct operation_row row = {.id = {.bytes = {9}},
                                .kind = ACT_CANCEL,
                                .filter.states = 1u << JOB_QUEUED,
                                .created_at = 1,
                                .upto = JOBS,
                                .cursor = 3};
    put_operation(store, &row);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    row.upto = JOBS + 1;
    put_operation(store, &row);
    expect_named(store, VIOLATION_OPERATION, JOBS + 1);
}

// --- dependencies ---

TEST(store_audit_tables, names_a_job_that_has_lost_what_it_waits_for)
{
    struct store *store = busy();
    batcher_begin(&batch);
    batcher_move(&batch, &rows[12], JOB_SCHEDULED);
    rows[12].relations = RELATION_PARENTS;
    batcher_put(&batch, &rows[12], false);
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    expect_named(store, VIOLATION_DEPENDENCY_MISSING, 12);
}

// --- every table ---

// When this fails for a new table, give it a row in walks[] of store_audit_tables.c.
TEST(store_audit_tables, whatever_lies_in_whatever_table_is_looked_at)
{
    for (unsigned table = TABLE_META + 1; table < TABLE_COUNT; table++) {
        struct store *store = busy();
        struct disk_key key = disk_key_of(99);
        struct disk_txn *txn = begin(store);
        EXPECT_EQ(disk_put(txn, table, disk_key_slice(&key), slice_of_text("junk")), OK);
        end(txn);
        struct violation_list found = look(store);
        EXPECT_EQ(violation_sum(&found) > 0 ? table : 0, table);
        store_close(store);
    }
}
