// Every call into the database library and to the disk fails once, at each place where it is made. Whatever was
// acknowledged before is there afterwards, nothing is there in part, and nobody goes on.

#include "broker/store/store.h"
#include "tests/support/batcher.h"
#include "tests/support/disk_faults.h"

enum { JOBS_PER_BATCH = 4, BATCHES = 3 };

static struct batcher batch;
static struct job_row rows[JOBS_PER_BATCH * BATCHES + 1];

static err open_store(const char *dir, struct store **out_store)
{
    struct store_options options = {
        .dir = dir, .map_bytes_max = UINT64_C(1) << 31, .allow_unsafe_place = true};
    const char *why = NULL;
    return store_open(&options, out_store, &why);
}

// Batch `number` takes jobs in, finishes those of the batch before, and drops those before these.
static err commit_batch(struct store *store, uint32_t number)
{
    batcher_begin(&batch);
    for (uint64_t i = 1; i <= JOBS_PER_BATCH && number > 1; i++) {
        struct job_row *row = &rows[(number - 2) * JOBS_PER_BATCH + i];
        batcher_write(&batch, DROP_JOB)->drop = *row;
        batcher_move(&batch, row, JOB_REMOVED);
    }
    for (uint64_t i = 1; i <= JOBS_PER_BATCH && number > 0; i++) {
        struct job_row *row = &rows[(number - 1) * JOBS_PER_BATCH + i];
        batcher_grant(&batch, row);
        batcher_finish(&batch, row, 10);
        batcher_put(&batch, row, false);
    }
    for (uint64_t i = 1; i <= JOBS_PER_BATCH; i++) {
        struct job_row row = batcher_submit(&batch, i % 2 == 0);
        rows[row.no] = row;
        batcher_put(&batch, &row, true);
    }
    batcher_close(&batch);
    return store_commit(store, batch.writes, batch.write_count);
}

static err read_status(struct store *store)
{
    struct store_view *view = NULL;
    struct msg_status_is status = {0};
    err e = store_view_open(store, &view);
    if (e == OK)
        e = store_view_begin(view);
    if (e == OK)
        e = store_view_status(view, &rows[1].id, &status);
    store_view_close(view);
    return e;
}

// As far as it comes; the number of batches that were acknowledged.
static uint32_t work(const char *dir, err *out_error)
{
    struct store *store = NULL;
    uint32_t settled = 0;
    err e = open_store(dir, &store);
    while (e == OK && settled < BATCHES) {
        e = commit_batch(store, settled);
        settled += e == OK;
        if (e == OK)
            e = read_status(store);
    }
    store_close(store);
    *out_error = e;
    return settled;
}

// What must be there after `settled` batches, in full.
static void expect_whole(const char *dir, uint32_t settled)
{
    struct store *store = NULL;
    EXPECT_EQ(open_store(dir, &store), OK);
    struct ledger_row ledger = {0};
    EXPECT_EQ(store_ledger(store, &ledger), OK);
    // A batch whose commit failed may have reached the disk all the same; in full or not at all.
    EXPECT(ledger.accepted == settled * JOBS_PER_BATCH ||
           ledger.accepted == (settled + 1) * JOBS_PER_BATCH);
    uint64_t batches = ledger.accepted / JOBS_PER_BATCH;
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    struct known known = store_view_known(view);
    for (uint64_t no = 1; no <= JOBS_PER_BATCH * BATCHES; no++) {
        uint64_t of = (no - 1) / JOBS_PER_BATCH;
        struct job_row row = {0};
        bool is_expected = of < batches && of + 2 >= batches;
        EXPECT_EQ(known.by_no(known.ctx, no, &row), is_expected);
        if (is_expected)
            EXPECT_EQ(row.state, of + 1 == batches ? JOB_QUEUED : JOB_SUCCEEDED);
    }
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    EXPECT_EQ(figures.damaged, 0);
    store_view_close(view);
    store_close(store);
}

TEST(store_fault, each_call_fails_once_and_nothing_acknowledged_is_lost)
{
    faults_arm(FAULTS_DISK, 0);
    err e = OK;
    batcher_init(&batch, 20);
    EXPECT_EQ(work(test_temp_dir(), &e), BATCHES);
    EXPECT_EQ(e, OK);
    uint64_t calls = atomic_load(&faults->calls);
    EXPECT(calls > 150);
    char root[256];
    (void)snprintf(root, sizeof root, "%s", test_temp_dir());
    for (uint64_t k = 1; k <= calls; k++) {
        char dir[300];
        (void)snprintf(dir, sizeof dir, "%s/%ju", root, (uintmax_t)k);
        batcher_init(&batch, 20);
        faults_arm(FAULTS_DISK, k);
        uint32_t settled = work(dir, &e);
        faults_arm(FAULTS_NONE, 0);
        // Reading the list of free pages is the one place where a failure harms nobody.
        EXPECT(e != OK || settled == BATCHES);
        EXPECT(e == OK || e == ERR_DISK);
        expect_whole(dir, settled);
    }
    print_message("%ju places\n", (uintmax_t)calls);
}

TEST(store_fault, nothing_works_after_a_failed_commit)
{
    const char *dir = test_temp_dir();
    struct store *store = NULL;
    batcher_init(&batch, 20);
    EXPECT_EQ(open_store(dir, &store), OK);
    EXPECT_EQ(commit_batch(store, 0), OK);
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    faults_in_commits = true;
    err e = commit_batch(store, 1);
    faults_in_commits = false;
    EXPECT_EQ(e, ERR_DISK);
    EXPECT(strstr(store_fault(store), "nput/output") != NULL);
    EXPECT_EQ(commit_batch(store, 2), ERR_DISK);
    EXPECT_EQ(store_view_begin(view), ERR_DISK);
    store_view_close(view);
    store_close(store);
    expect_whole(dir, 1);
}
