// Bits flip on the disk. What they hit is counted and left out; it is never served and never
// guessed, and everything else goes on.

#include "broker/store/store.h"
#include "broker/store/store_record.h"
#include "tests/support/batcher.h"
#include "tests/support/small_limits.h"
#include "tests/support/test.h"

enum { JOBS = 10 };

static struct batcher batch;
static struct job_row rows[JOBS + 1];
static const char *dir;

static struct store *open_store(err expected)
{
    struct store_options options = {.dir = dir, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), expected);
    EXPECT_EQ(why == NULL, expected == OK);
    return store;
}

// Odd jobs have keys; the first three have finished with a result.
static void make_store(void)
{
    dir = test_temp_dir();
    struct store *store = open_store(OK);
    batcher_init(&batch, 100);
    batcher_begin(&batch);
    for (unsigned i = 0; i < JOBS; i++) {
        struct job_row row = batcher_submit(&batch, i % 2 == 0);
        if (i < 3) {
            batcher_grant(&batch, &row);
            batcher_finish(&batch, &row, 20);
        }
        rows[row.no] = row;
        batcher_put(&batch, &row, true);
    }
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    store_close(store);
}

static void flip(const char *table, struct slice key, size_t place)
{
    const char *const tables[] = {table};
    struct disk_options options = {.dir = dir,
                                   .tables = tables,
                                   .table_count = 1,
                                   .allow_unsafe_place = true,
                                   .name = "broker",
                                   .format = 2};
    struct disk *disk = NULL;
    struct disk_txn *txn = NULL;
    const char *why = NULL;
    struct slice value = {0};
    uint8_t copy[4096];
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    EXPECT_EQ(disk_txn_get(txn, 0, key, &value), OK);
    EXPECT(place < value.len && value.len <= sizeof copy);
    memcpy(copy, value.data, value.len);
    copy[place] ^= 0x10;
    EXPECT_EQ(disk_put(txn, 0, key, slice_of(copy, value.len)), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    disk_close(disk);
}

static void flip_number(const char *table, uint64_t number, size_t place)
{
    struct disk_key key = disk_key_of(number);
    flip(table, disk_key_slice(&key), place);
}

static err load(struct store *store, struct store_loaded *out_loaded)
{
    struct limits limits = small_limits(64);
    struct known known = {0};
    err e = store_load(store, core_init(test_zeroed(core_size(&limits)), &limits, &known, 1),
                       out_loaded);
    return e;
}

static struct msg_status_is status_of(struct store *store, uint64_t no)
{
    struct store_view *view = NULL;
    struct msg_status_is status = {0};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(store_view_status(view, &rows[no].id, &status), OK);
    store_view_close(view);
    return status;
}

static uint64_t damaged_count(const struct store *store)
{
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    return figures.damaged;
}

TEST(store_damage, damaged_row_is_left_out_and_not_served)
{
    make_store();
    flip_number("jobs", 6, 40);
    struct store *store = open_store(OK);
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded), OK);
    EXPECT_EQ(loaded.job_count, JOBS - 3 - 1);
    EXPECT_EQ(loaded.damaged_count, 1);
    EXPECT_EQ(loaded.damaged_first, 6);
    EXPECT_EQ(status_of(store, 6).error, ERR_DAMAGED);
    EXPECT_EQ(status_of(store, 6).state, JOB_NONE);
    EXPECT_EQ(status_of(store, 8).error, OK);
    EXPECT_EQ(damaged_count(store), 3);
    store_close(store);
}

TEST(store_damage, damaged_body_and_outcome_are_not_served)
{
    make_store();
    flip_number("bodies", 6, 30);
    flip_number("outcomes", 2, 30);
    struct store *store = open_store(OK);
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    struct msg_submit_job job = {0};
    EXPECT_EQ(store_view_body(view, 6, &job), ERR_DAMAGED);
    EXPECT_EQ(store_view_body(view, 7, &job), OK);
    store_view_close(view);
    EXPECT_EQ(status_of(store, 2).error, ERR_DAMAGED);
    EXPECT_EQ(status_of(store, 2).result.bytes.len, 0);
    EXPECT_EQ(damaged_count(store), 3);
    store_close(store);
}

TEST(store_damage, id_that_leads_to_another_job_is_not_believed)
{
    make_store();
    flip("ids", slice_of(rows[6].id.bytes, sizeof rows[6].id.bytes), 7);
    struct store *store = open_store(OK);
    EXPECT_EQ(status_of(store, 6).error, ERR_DAMAGED);
    store_close(store);
}

TEST(store_damage, damaged_key_is_healed_from_its_row)
{
    make_store();
    flip_number("keys", 5, 12);
    flip_number("keys", 9, 12);
    flip_number("jobs", 9, 12);
    struct store *store = open_store(OK);
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded), OK);
    EXPECT_EQ(loaded.key_count, JOBS / 2 - 1);
    EXPECT_EQ(status_of(store, 5).error, OK);
    EXPECT_EQ(status_of(store, 7).error, OK);
    EXPECT_EQ(status_of(store, 9).error, ERR_NOT_FOUND);
    EXPECT(loaded.damaged_count >= 3); // two keys and a row
    store_close(store);
}

TEST(store_damage, damaged_segment_is_counted_anew)
{
    make_store();
    flip_number("segments", 0, 8);
    struct store *store = open_store(OK);
    EXPECT_EQ(damaged_count(store), 1); // and no violation: the new count is the ledger's
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded), OK);
    EXPECT_EQ(loaded.job_count, JOBS - 3);
    store_close(store);
}

TEST(store_damage, store_without_its_own_records_is_refused)
{
    make_store();
    flip_number("meta", 2, 20);
    (void)open_store(ERR_DAMAGED);
    make_store();
    flip_number("meta", 1, 8);
    (void)open_store(ERR_DAMAGED);
    make_store();
    flip_number("lanes", 0, 8);
    struct store *store = open_store(OK);
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded), ERR_DAMAGED);
    store_close(store);
}

TEST(store_damage, row_still_in_memory_heals_what_was_damaged)
{
    make_store();
    flip_number("jobs", 6, 40);
    struct store *store = open_store(OK);
    batcher_begin(&batch);
    batcher_grant(&batch, &rows[6]);
    batcher_put(&batch, &rows[6], false);
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    EXPECT_EQ(status_of(store, 6).state, JOB_RUNNING);
    EXPECT_EQ(damaged_count(store), 1);
    store_close(store);
}

TEST(store_damage, full_map_refuses_the_batch_whole)
{
    dir = test_temp_dir();
    struct store_options options = {
        .dir = dir, .map_bytes_max = 2 << 20, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    batcher_init(&batch, 500);
    uint64_t settled = 0;
    err e = OK;
    while (e == OK && settled < 10000) {
        settled = batch.ledger.accepted;
        batcher_begin(&batch);
        for (unsigned i = 0; i < 100; i++) {
            struct job_row row = batcher_submit(&batch, false);
            batcher_put(&batch, &row, true);
        }
        batcher_close(&batch);
        e = store_commit(store, batch.writes, batch.write_count);
    }
    EXPECT_EQ(e, ERR_DISK);
    EXPECT(settled > 1000);
    store_close(store);
    store = open_store(OK); // with the usual size of map
    struct ledger_row ledger = {0};
    EXPECT_EQ(store_ledger(store, &ledger), OK);
    EXPECT_EQ(ledger.accepted, settled);
    EXPECT_EQ(damaged_count(store), 0);
    store_close(store);
}
