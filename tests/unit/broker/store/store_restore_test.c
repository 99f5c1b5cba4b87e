// A restored store has a life of its own: nothing that the original gave out after the copy is its.

#include "broker/store/store_restore.h"

#include "broker/store/store_private.h"
#include "tests/support/small_limits.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

enum { JOBS = 10, SPARE = 4096 };

static struct batcher batch; // too large for a stack

static const char *original(uint32_t epoch)
{
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    batcher_init(&batch, 8);
    batch.ledger.epoch = epoch;
    batcher_begin(&batch);
    for (int i = 0; i < JOBS; i++) {
        struct job_row row = batcher_submit(&batch, i % 2 == 0);
        batcher_put(&batch, &row, true);
    }
    batcher_commit(&batch, store);
    store_close(store);
    return dir;
}

static err try_open(const char *dir, bool allow_unready, struct store **out_store)
{
    const struct store_options options = {
        .dir = dir, .allow_unsafe_place = true, .allow_unready = allow_unready};
    const char *why = NULL;
    return store_open(&options, out_store, &why);
}

static const char *backup_of(const char *from)
{
    const char *why = NULL;
    const struct store_backup_options options = {.from = from, .to = test_temp_dir()};
    struct store_backup made = {0};
    EXPECT_EQ(store_restore_backup(&options, &made, &why), OK);
    EXPECT(made.bytes > 0 && made.ledger.accepted == JOBS &&
           made.ledger.counts[JOB_QUEUED] == JOBS);
    return options.to;
}

static err restore(const char *dir, when_ms wall, struct store_restored *out_restored)
{
    struct store *store = NULL;
    EXPECT_EQ(try_open(dir, true, &store), OK);
    err e = store_restore(store, wall, out_restored);
    store_close(store);
    return e;
}

static uint64_t lineage_of(const char *dir)
{
    struct store *store = NULL;
    EXPECT_EQ(try_open(dir, true, &store), OK);
    uint64_t lineage = store_lineage(store);
    store_close(store);
    return lineage;
}

TEST(store_restore, a_backup_is_no_store_until_it_is_restored)
{
    struct store *store = NULL;
    struct store_restored restored;
    const char *from = original(3);
    const char *dir = backup_of(from);
    EXPECT_EQ(try_open(dir, false, &store), ERR_UNSUPPORTED);
    EXPECT_EQ(lineage_of(dir), lineage_of(from));
    EXPECT_EQ(restore(dir, batch.now, &restored), OK);
    EXPECT_EQ(try_open(dir, false, &store), OK);
    struct ledger_row ledger;
    EXPECT_EQ(store_ledger(store, &ledger), OK);
    EXPECT(store_lineage(store) == restored.lineage && restored.lineage != lineage_of(from));
    EXPECT(ledger.epoch == 3 + SPARE && restored.epoch == ledger.epoch);
    EXPECT(restored.before.epoch == 3 && restored.before.job_no_next == JOBS + 1);
    EXPECT(ledger.token_counter == 0 && ledger.accepted == JOBS);
    EXPECT_EQ(ledger.job_no_next, (SPARE + 1) * STORE_SEGMENT_JOBS);
    EXPECT_EQ(ledger.job_no_next, restored.job_no_next);
    EXPECT_EQ(ledger.store_time, batch.now);
    store_close(store);
}

// It is a store like any other: a core takes it, all jobs are there by their ids, new ones come behind
// the numbers that were left out.
TEST(store_restore, what_was_stored_goes_on)
{
    struct store_restored restored;
    struct store *store = NULL;
    struct store_loaded loaded;
    struct core_figures figures;
    const char *dir = backup_of(original(3));
    EXPECT_EQ(restore(dir, batch.now, &restored), OK);
    EXPECT_EQ(try_open(dir, false, &store), OK);
    const struct limits limits = small_limits(2 * JOBS);
    void *memory = malloc(core_size(&limits));
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    struct known known = store_view_known(view);
    struct core *core = core_init(memory, &limits, &known, 1);
    EXPECT_EQ(store_load(store, core, &loaded), OK);
    EXPECT(loaded.job_count == JOBS && loaded.damaged_count == 0);
    core_figures(core, &figures);
    EXPECT(figures.ledger.epoch == restored.epoch &&
           figures.ledger.job_no_next == restored.job_no_next);
    EXPECT_EQ(store_view_begin(view), OK);
    for (uint64_t no = 1; no <= JOBS; no++) {
        struct job_row row;
        struct id id = batcher_id(no, no % 2 == 1, batch.now);
        EXPECT_EQ(store_view_find(view, &id, &row), OK);
        EXPECT_EQ(row.no, no);
    }
    store_view_end(view);
    store_view_close(view);

    batch.ledger = figures.ledger;
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, true);
    EXPECT_EQ(row.no, restored.job_no_next);
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    store_close(store);
    free(memory);
}

// A broker is started once a second at most, so no epoch and no token comes twice: not from the lost
// future, and not from that of an earlier restore.
TEST(store_restore, each_second_since_the_copy_leaves_an_epoch_out)
{
    struct store_restored first;
    struct store_restored second;
    const char *from = original(7);
    const char *dir = backup_of(from);
    const char *again = backup_of(from);
    EXPECT_EQ(restore(dir, batch.now + 100000 * 1000, &first), OK);
    EXPECT_EQ(first.epoch, 7 + SPARE + 100000);
    EXPECT_EQ(restore(again, batch.now + 160000 * 1000, &second), OK);
    EXPECT_EQ(second.epoch, first.epoch + 60000);
    EXPECT(second.lineage != first.lineage);
}

TEST(store_restore, each_second_since_the_copy_leaves_a_segment_out_up_to_a_bound)
{
    struct store_restored restored;
    EXPECT_EQ(restore(backup_of(original(7)), batch.now + 1000 * 1000, &restored), OK);
    EXPECT_EQ(restored.job_no_next, (SPARE + 1000 + 1) * STORE_SEGMENT_JOBS);
    EXPECT_EQ(restore(backup_of(original(7)), batch.now + 1000000 * INT64_C(1000), &restored), OK);
    EXPECT_EQ(restored.job_no_next, (65536 + 1) * STORE_SEGMENT_JOBS);
}

TEST(store_restore, a_clock_behind_the_copy_leaves_out_what_is_always_left_out)
{
    struct store_restored restored;
    EXPECT_EQ(restore(backup_of(original(7)), 0, &restored), OK);
    EXPECT_EQ(restored.epoch, 7 + SPARE);
}

TEST(store_restore, an_old_copy_takes_a_quarter_of_the_epochs_at_most)
{
    struct store_restored restored;
    const when_ms years = INT64_C(20) * 365 * 24 * 3600 * 1000;
    EXPECT_EQ(restore(backup_of(original(7)), batch.now + years, &restored), OK);
    EXPECT_EQ(restored.epoch, 7 + (ROW_EPOCH_MAX - 7) / 4);
    uint32_t late = ROW_EPOCH_MAX - 2 * SPARE;
    EXPECT_EQ(restore(backup_of(original(late)), batch.now + years, &restored), OK);
    EXPECT_EQ(restored.epoch, late + SPARE);
}

TEST(store_restore, without_epochs_left_it_stays_a_backup)
{
    struct store *store = NULL;
    struct store_restored restored;
    const char *dir = backup_of(original(ROW_EPOCH_MAX - 2 * SPARE + 1));
    EXPECT_EQ(restore(dir, batch.now, &restored), ERR_FULL);
    EXPECT_EQ(try_open(dir, false, &store), ERR_UNSUPPORTED);
}

TEST(store_restore, a_store_on_which_nobody_has_worked_is_nothing_to_restore)
{
    struct store_restored restored;
    const char *dir = test_temp_dir();
    store_close(store_in(dir));
    EXPECT_EQ(restore(dir, 1, &restored), ERR_NOT_FOUND);
}

// The directory of a stopped broker that was copied by hand has no mark of a backup.
TEST(store_restore, a_copy_made_by_hand_is_restored_likewise)
{
    struct store_restored restored;
    const char *dir = original(3);
    uint64_t lineage = lineage_of(dir);
    EXPECT_EQ(restore(dir, batch.now, &restored), OK);
    EXPECT(lineage_of(dir) == restored.lineage && restored.lineage != lineage);
}
