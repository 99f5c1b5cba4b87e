// The auditor names each kind of corruption, names nothing else beside it, and accuses nobody in a
// sound store, whatever is written to it meanwhile.

#include "broker/store/store_audit.h"

#include "tests/support/spoiler.h"

#include <pthread.h>
#include <stdatomic.h>

// --- sound stores ---

static void submit_many(struct store *store, unsigned count)
{
    for (unsigned i = 0; i < count; i += 1000) {
        batcher_begin(&batch);
        for (unsigned n = 0; n < 1000; n++) {
            struct job_row row = batcher_submit(&batch, n % 2 == 0);
            batcher_put(&batch, &row, true);
        }
        batcher_commit(&batch, store);
    }
}

TEST(store_audit, a_sound_store_is_not_accused)
{
    struct store *store = busy();
    struct violation_list found = look(store);
    for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++)
        EXPECT_STR(found.of[kind].count == 0 ? "" : violation_slug((enum violation)kind), "");
    store_close(store);
}

TEST(store_audit, an_empty_store_is_not_accused)
{
    struct store *store = store_in(test_temp_dir());
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}

TEST(store_audit, a_round_covers_all_segments_and_begins_anew)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 10);
    submit_many(store, 9000);
    struct store_audit *audit = NULL;
    struct store_audit_options options = {.has_keymap = true, .wants_rows = true};
    EXPECT_EQ(store_audit_open(store, &options, &audit), OK);
    for (unsigned round = 0; round < 2; round++) {
        bool is_over = false;
        uint64_t unfinished = 0;
        while (!is_over) {
            uint32_t count = 0;
            EXPECT_EQ(store_audit_step(audit, &is_over), OK);
            (void)store_audit_rows(audit, &count);
            unfinished += count;
        }
        EXPECT_EQ(store_audit_row_count(audit), 9000);
        EXPECT_EQ(unfinished, 9000);
        EXPECT_EQ(violation_sum(store_audit_found(audit)), 0);
    }
    store_audit_close(audit);
    store_close(store);
}

// The walk through a table takes so many steps; there are `jobs` without a key and with a body.
static unsigned steps_through(struct store *store, uint32_t walk)
{
    struct store_audit *audit = NULL;
    struct store_audit_options options = {.has_keymap = true};
    bool is_over = false;
    unsigned steps = 0;
    EXPECT_EQ(store_audit_open(store, &options, &audit), OK);
    while (!is_over) {
        uint32_t before = audit->walk;
        EXPECT_EQ(store_audit_step(audit, &is_over), OK);
        bool has_walked = audit->walk != before || audit->place.len > 0;
        steps += before == walk && has_walked;
    }
    store_audit_close(audit);
    return steps;
}

static void submit_with(struct store *store, unsigned count, size_t len)
{
    static const uint8_t payload[MSG_PAYLOAD_LEN_MAX];
    batcher_begin(&batch);
    for (unsigned n = 0; n < count; n++) {
        struct job_row row = batcher_submit(&batch, false);
        batch.submits[batch.job_count - 1].payload =
            (struct body){CONTENT_BYTES, slice_of(payload, len)};
        batcher_put(&batch, &row, true);
    }
    batcher_commit(&batch, store);
}

TEST(store_audit, one_step_reads_so_many_entries_of_an_index)
{
    enum { WALK_IDS = 0 };
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 10);
    for (unsigned i = 0; i < 4; i++)
        submit_with(store, STORE_AUDIT_ENTRIES_MAX / 2, 0);
    EXPECT_EQ(steps_through(store, WALK_IDS), 2);
    submit_with(store, 1, 0);
    EXPECT_EQ(steps_through(store, WALK_IDS), 3);
    store_close(store);
}

// Some 100 bytes of a body are no payload.
TEST(store_audit, one_step_reads_so_many_bytes_of_records)
{
    enum { WALK_BODIES = 2, HALF = STORE_AUDIT_BYTES_MAX / 2 };
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 10);
    submit_with(store, 6, HALF - 1024);
    EXPECT_EQ(steps_through(store, WALK_BODIES), 2); // three bodies: passed by one
    store_close(store);
    store = store_in(test_temp_dir());
    batcher_init(&batch, 10);
    submit_with(store, 6, HALF);
    EXPECT_EQ(steps_through(store, WALK_BODIES), 3);
    store_close(store);
}

TEST(store_audit, so_many_suspects_are_judged_and_the_others_found_later)
{
    enum { MORE = 7, KEYS = STORE_AUDIT_SUSPECTS_MAX + MORE };
    static struct job_row keyed[KEYS];
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 10);
    batcher_begin(&batch);
    for (unsigned i = 0; i < KEYS; i++) {
        keyed[i] = batcher_submit(&batch, true);
        batcher_put(&batch, &keyed[i], true);
    }
    batcher_commit(&batch, store);
    for (unsigned i = 0; i < KEYS; i++)
        store_keymap_drop(&store->keymap, &keyed[i].id, keyed[i].no);
    EXPECT_EQ(look(store).of[VIOLATION_KEYMAP].count, STORE_AUDIT_SUSPECTS_MAX);
    for (unsigned i = 0; i < STORE_AUDIT_SUSPECTS_MAX; i++)
        EXPECT_EQ(store_keymap_add(&store->keymap, &keyed[i].id, keyed[i].no), OK);
    EXPECT_EQ(look(store).of[VIOLATION_KEYMAP].count, MORE);
    store_close(store);
}

// --- counters ---

TEST(store_audit, names_a_wrong_counter_of_a_segment)
{
    struct store *store = busy();
    struct store_record_segment segment = store->segments.items[0].settled;
    segment.counts[JOB_QUEUED]++;
    put_segment(store, segment);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_SEGMENT_COUNTS].count, 1);
    EXPECT_EQ(found.of[VIOLATION_LEDGER_COUNTS].count, 1);
    EXPECT_EQ(violation_sum(&found), 2);
    store_close(store);
}

TEST(store_audit, names_a_wrong_counter_of_the_ledger)
{
    struct store *store = busy();
    struct ledger_row row = batch.ledger;
    row.counts[JOB_QUEUED]++;
    row.accepted++;
    put_ledger(store, &row);
    expect_named(store, VIOLATION_LEDGER_COUNTS, 0);
}

TEST(store_audit, names_a_broken_law)
{
    struct store *store = busy();
    struct ledger_row row = batch.ledger;
    row.accepted++;
    put_ledger(store, &row);
    expect_named(store, VIOLATION_LAW, 0);
}

TEST(store_audit, names_a_commit_whose_rows_moved_otherwise)
{
    struct store *store = busy();
    batcher_begin(&batch);
    batcher_move(&batch, &rows[12], JOB_SCHEDULED); // the row is not written
    batcher_commit(&batch, store);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_COMMIT_COUNTS].count, 1);
    EXPECT_EQ(found.of[VIOLATION_LEDGER_COUNTS].count, 1);
    EXPECT_EQ(violation_sum(&found), 2);
    store_close(store);
}

TEST(store_audit, names_a_wrong_counter_of_a_batch)
{
    struct store *store = busy();
    struct batch_row row = members;
    row.counts[JOB_QUEUED]--;
    row.counts[JOB_SUCCEEDED]++;
    put_batch(store, &row);
    expect_named(store, VIOLATION_BATCH_COUNTS, 0);
}

TEST(store_audit, names_a_batch_of_another_tenant)
{
    struct store *store = busy();
    struct batch_row row = members;
    row.tenant = slice_of_text("acme");
    put_batch(store, &row);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_BATCH].count, 2);       // both members
    EXPECT_EQ(found.of[VIOLATION_BATCH_INDEX].count, 2); // its id is still another's
    EXPECT_EQ(violation_sum(&found), 4);
    store_close(store);
}

TEST(store_audit, names_a_batch_whose_end_was_missed)
{
    struct store *store = busy();
    struct batch_row row = members;
    row.sealed_at = 1;
    put_batch(store, &row);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0); // it has unfinished members
    row.counts[JOB_SUCCEEDED] += row.counts[JOB_QUEUED];
    row.counts[JOB_QUEUED] = row.counts[JOB_RUNNING] = row.counts[JOB_RETRYING] = 0;
    put_batch(store, &row);
    found = look(store);
    EXPECT_EQ(found.of[VIOLATION_BATCH_STATE].count, 1);
    store_close(store);
}

TEST(store_audit, names_a_batch_whose_members_would_not_be_listed)
{
    struct store *store = busy();
    struct batch_row row = members;
    row.first_no = 10;
    row.last_no = 11;
    put_batch(store, &row);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    row.first_no = 11;
    put_batch(store, &row);
    expect_named(store, VIOLATION_BATCH_STATE, 0);
}

TEST(store_audit, names_a_job_that_the_sweeper_would_miss)
{
    struct store *store = busy();
    struct store_record_segment segment = store->segments.items[0].settled;
    segment.earliest_at = rows[1].remove_at + 1;
    put_segment(store, segment);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_SWEEP].count, 4); // 1, 2, 6, 9
    EXPECT_EQ(found.of[VIOLATION_SWEEP].no, 1);
    EXPECT_EQ(violation_sum(&found), 4);
    store_close(store);
}

// --- rows ---

TEST(store_audit, names_a_number_that_was_never_given)
{
    struct store *store = busy();
    struct ledger_row row = batch.ledger;
    row.job_no_next = 12;
    put_ledger(store, &row);
    expect_named(store, VIOLATION_NUMBER, 12);
}

TEST(store_audit, names_a_token_that_was_never_granted)
{
    struct store *store = busy();
    struct job_row row = rows[4];
    row.token++;
    row.token |= UINT64_C(9) << 40;
    rewrite(store, &row);
    expect_named(store, VIOLATION_TOKEN, 4);
}

TEST(store_audit, names_a_running_job_that_nobody_holds)
{
    struct store *store = busy();
    struct job_row row = rows[4];
    row.worker = (struct id){{0}};
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 4);
    store = busy();
    row = rows[4];
    row.token_use = TOKEN_EXPIRED;
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 4);
    store = busy();
    row = rows[12];
    row.crashes = 1;
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 12);
    store = busy();
    row = rows[7];
    row.ended_as = JOB_RUNNING; // a tombstone of what has not ended
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 7);
}

TEST(store_audit, names_a_cancel_that_cannot_be)
{
    struct store *store = busy();
    struct job_row row = rows[12];
    row.cancel = CANCEL_REQUESTED; // nobody runs it
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 12);
    store = busy();
    row = rows[1];
    row.cancel = CANCEL_FORCED; // it has succeeded
    rewrite(store, &row);
    expect_named(store, VIOLATION_STATE, 1);
    store = busy();
    row = rows[4];
    row.cancel = CANCEL_REQUESTED;
    rewrite(store, &row);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}

TEST(store_audit, names_moments_that_cannot_be)
{
    struct store *store = busy();
    struct job_row row = rows[1];
    row.remove_at = row.ended_at - 1;
    struct store_record_segment segment = store->segments.items[0].settled;
    segment.earliest_at = row.remove_at;
    put_segment(store, segment);
    rewrite(store, &row);
    expect_named(store, VIOLATION_TIMES, 1);
    store = busy();
    row = rows[12];
    row.due_at = 0;
    rewrite(store, &row);
    expect_named(store, VIOLATION_TIMES, 12);
    store = busy();
    row = rows[12];
    row.accepted_at += 1000000;
    row.dedup_until += 1000000;
    rewrite(store, &row);
    expect_named(store, VIOLATION_TIMES, 12);
}

TEST(store_audit, names_what_a_job_refers_to_in_vain)
{
    struct store *store = busy();
    struct job_row row = rows[8];
    row.lane = 7;
    rewrite(store, &row);
    expect_named(store, VIOLATION_LANE, 8);
    store = busy();
    row = rows[12];
    row.policy = 7;
    rewrite(store, &row);
    expect_named(store, VIOLATION_POLICY, 12);
    store = busy();
    row = rows[12];
    row.batch = 8;
    rewrite(store, &row);
    expect_named(store, VIOLATION_BATCH, 12);
}

TEST(store_audit, names_a_lost_row)
{
    struct store *store = busy();
    drop(store, TABLE_JOBS, 12);
    struct violation_list found = look(store);
    EXPECT_EQ(found.of[VIOLATION_SEGMENT_COUNTS].count, 1);
    EXPECT_EQ(found.of[VIOLATION_ID_ORPHAN].count, 1);
    EXPECT_EQ(found.of[VIOLATION_BODY_ORPHAN].count, 1);
    EXPECT_EQ(violation_sum(&found), 3);
    store_close(store);
}

TEST(store_audit, names_a_damaged_record_and_draws_no_sums_from_it)
{
    static const enum store_table tables[] = {TABLE_JOBS, TABLE_BODIES, TABLE_OUTCOMES};
    for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct store *store = busy();
        struct disk_key key = disk_key_of(2);
        struct disk_txn *txn = begin(store);
        struct slice record = {0};
        uint8_t copy[1024];
        EXPECT_EQ(disk_txn_get(txn, tables[i], disk_key_slice(&key), &record), OK);
        EXPECT(record.len < sizeof copy);
        memcpy(copy, record.data, record.len);
        copy[12] ^= 1;
        EXPECT_EQ(disk_put(txn, tables[i], disk_key_slice(&key), slice_of(copy, record.len)), OK);
        end(txn);
        expect_named(store, VIOLATION_DAMAGED, 2);
    }
}

// --- what memory says ---

TEST(store_audit, a_forgotten_job_counts_only_while_it_is_still_stored)
{
    struct store *store = busy();
    struct store_audit *audit = NULL;
    struct store_audit_options options = {.wants_rows = true};
    EXPECT_EQ(store_audit_open(store, &options, &audit), OK);
    bool is_over = false;
    EXPECT_EQ(store_audit_step(audit, &is_over), OK);
    store_audit_accuse(audit, VIOLATION_FORGOTTEN, &rows[12]);
    store_audit_accuse(audit, VIOLATION_FORGOTTEN, &rows[4]);
    store_audit_accuse(audit, VIOLATION_FORGOTTEN, &rows[10]);
    store_audit_accuse(audit, VIOLATION_MEMORY_DIFFERS, &rows[3]);
    // Job 4 had ended, and its batch was under way.
    batcher_begin(&batch);
    batcher_finish(&batch, &rows[4], 10);
    batcher_put(&batch, &rows[4], false);
    rows[10].version += 2; // and job 10 had died, and lives again
    batcher_put(&batch, &rows[10], false);
    batcher_commit(&batch, store);
    struct violation_list more = {0};
    violation_add(&more, VIOLATION_LEASE_LOST, 3, &rows[3].id);
    violation_add(&more, VIOLATION_LEASE_LOST, 5, NULL);
    store_audit_merge(audit, &more);
    while (!is_over)
        EXPECT_EQ(store_audit_step(audit, &is_over), OK);
    const struct violation_list *found = store_audit_found(audit);
    EXPECT_EQ(found->of[VIOLATION_FORGOTTEN].count, 1);
    EXPECT_EQ(found->of[VIOLATION_FORGOTTEN].no, 12);
    EXPECT_EQ(found->of[VIOLATION_MEMORY_DIFFERS].count, 1);
    EXPECT_EQ(found->of[VIOLATION_LEASE_LOST].count, 2);
    EXPECT_EQ(violation_sum(found), 4);
    store_audit_close(audit);
    store_close(store);
}

// --- under load ---

// What comes faster than the auditor looks is left to the next round, so each round ends.
TEST(store_audit, a_round_ends_however_fast_jobs_come)
{
    struct store *store = store_in(test_temp_dir());
    struct store_audit *audit = NULL;
    struct store_audit_options options = {.has_keymap = true};
    batcher_init(&batch, 10);
    submit_many(store, 1000);
    EXPECT_EQ(store_audit_open(store, &options, &audit), OK);
    bool is_over = false;
    for (unsigned step = 0; step < 30 && !is_over; step++) {
        EXPECT_EQ(store_audit_step(audit, &is_over), OK);
        submit_many(store, 5000);
    }
    EXPECT(is_over);
    EXPECT(store_audit_row_count(audit) < 8192);
    EXPECT_EQ(violation_sum(store_audit_found(audit)), 0);
    store_audit_close(audit);
    store_close(store);
}

static _Atomic bool is_loaded;
static struct job_row loaded[100000];

// Jobs come, run, end, become tombstones and go, in random order.
static void *load(void *ctx)
{
    struct store *store = ctx;
    struct prng prng = prng_of(test_seed());
    uint64_t oldest = 1;
    for (unsigned i = 0; i < 300; i++) {
        batcher_begin(&batch);
        for (unsigned n = 0; n < 30; n++) {
            struct job_row row = batcher_submit(&batch, prng_below(&prng, 2) == 0);
            loaded[row.no] = row;
            batcher_put(&batch, &row, true);
        }
        uint64_t end = batch.ledger.job_no_next - 30;
        for (uint64_t no = oldest; no < end && no < oldest + 200; no++) {
            struct job_row *row = &loaded[no];
            if (prng_below(&prng, 4) != 0 || row->no == 0)
                continue;
            if (row->state == JOB_QUEUED) {
                batcher_grant(&batch, row);
            } else if (row->state == JOB_RUNNING) {
                batcher_finish(&batch, row, prng_below(&prng, 2) == 0 ? 0 : 20);
            } else if (row->state == JOB_SUCCEEDED) {
                row->ended_as = row->state;
                batcher_move(&batch, row, JOB_REMOVED);
                batcher_write(&batch, DROP_BODY)->drop = *row;
            } else {
                batcher_write(&batch, DROP_JOB)->drop = *row;
                row->no = 0;
                continue;
            }
            batcher_put(&batch, row, false);
        }
        while (oldest < end && loaded[oldest].no == 0)
            oldest++;
        batcher_close(&batch);
        if (store_commit(store, batch.writes, batch.write_count) != OK)
            break;
    }
    atomic_store(&is_loaded, true);
    return NULL;
}

TEST(store_audit, nobody_is_accused_while_everything_moves)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 50);
    atomic_store(&is_loaded, false);
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, load, store), 0);
    unsigned rounds = 0;
    while (!atomic_load(&is_loaded)) {
        struct violation_list found = look(store);
        for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++)
            EXPECT_STR(found.of[kind].count == 0 ? "" : violation_slug((enum violation)kind), "");
        rounds++;
    }
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(rounds > 2);
    struct violation_list found = look(store);
    EXPECT_EQ(violation_sum(&found), 0);
    store_close(store);
}
