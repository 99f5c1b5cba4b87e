// Every call into the database library fails once, at each place where it is made. Whatever was
// acknowledged before is there afterwards, nothing is there in part, and nobody goes on.

#include "broker/store/store.h"
#include "tests/support/batcher.h"
#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>

static uint64_t countdown; // 0: nothing fails; 1: the next call does
static uint64_t call_count;
static bool commit_fails;

static bool fails_now(void)
{
    call_count++;
    return countdown > 0 && --countdown == 0;
}

// These stand before the library's own, which they call unless it is their turn to fail.
#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))
#define FAULTY(name, parameters, arguments)                                                        \
    int name parameters                                                                            \
    {                                                                                              \
        return fails_now() ? EIO : REAL(name) arguments;                                           \
    }

FAULTY(mdb_env_create, (MDB_env * *env), (env))
FAULTY(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi count), (env, count))
FAULTY(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
FAULTY(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
       (env, path, flags, mode))
FAULTY(mdb_reader_check, (MDB_env * env, int *dead), (env, dead))
FAULTY(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
       (env, parent, flags, txn))
FAULTY(mdb_txn_renew, (MDB_txn * txn), (txn))
FAULTY(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *table),
       (txn, name, flags, table))
FAULTY(mdb_put, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags),
       (txn, table, key, value, flags))
FAULTY(mdb_get, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *value),
       (txn, table, key, value))
FAULTY(mdb_cursor_open, (MDB_txn * txn, MDB_dbi table, MDB_cursor **cursor), (txn, table, cursor))
FAULTY(mdb_cursor_renew, (MDB_txn * txn, MDB_cursor *cursor), (txn, cursor))
FAULTY(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
       (cursor, key, value, op))
FAULTY(mdb_cursor_put, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, unsigned flags),
       (cursor, key, value, flags))
FAULTY(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

// A failed commit has freed its transaction too.
int mdb_txn_commit(MDB_txn *txn)
{
    if (!fails_now() && !commit_fails)
        return REAL(mdb_txn_commit)(txn);
    mdb_txn_abort(txn);
    return EIO;
}

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
    countdown = 0;
    call_count = 0;
    err e = OK;
    batcher_init(&batch, 20);
    EXPECT_EQ(work(test_temp_dir(), &e), BATCHES);
    EXPECT_EQ(e, OK);
    uint64_t calls = call_count;
    EXPECT(calls > 150);
    char root[256];
    (void)snprintf(root, sizeof root, "%s", test_temp_dir());
    for (uint64_t k = 1; k <= calls; k++) {
        char dir[300];
        (void)snprintf(dir, sizeof dir, "%s/%ju", root, (uintmax_t)k);
        batcher_init(&batch, 20);
        countdown = k;
        uint32_t settled = work(dir, &e);
        countdown = 0;
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
    commit_fails = true;
    err e = commit_batch(store, 1);
    commit_fails = false;
    EXPECT_EQ(e, ERR_DISK);
    EXPECT(strstr(store_fault(store), "nput/output") != NULL);
    EXPECT_EQ(commit_batch(store, 2), ERR_DISK);
    EXPECT_EQ(store_view_begin(view), ERR_DISK);
    store_view_close(view);
    store_close(store);
    expect_whole(dir, 1);
}
