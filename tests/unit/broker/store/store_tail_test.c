// What is told of few jobs only: tails of rows, and what a status reads beside them.

#include "broker/store/store.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack

static struct store *open_store(void)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 64);
    return store;
}

static struct job_row submit(struct store *store)
{
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    return row;
}

static void put(struct store *store, struct job_row *row)
{
    row->version++;
    batcher_begin(&batch);
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

static struct job_row row_of(struct store *store, uint64_t no)
{
    struct store_view *view = view_of(store);
    struct known known = store_view_known(view);
    struct job_row row = {0};
    EXPECT(known.by_no(known.ctx, no, &row));
    store_view_close(view);
    return row;
}

TEST(store_tail, a_row_grows_a_tail_and_loses_it_again_in_place)
{
    struct store *store = open_store();
    struct job_row rows[3];
    for (unsigned i = 0; i < 3; i++)
        rows[i] = submit(store);
    for (uint64_t act = 7; act < 10; act++) {
        rows[1].act = act;
        put(store, &rows[1]);
        EXPECT_EQ(row_of(store, rows[1].no).act, act);
        rows[1].act = 0;
        put(store, &rows[1]);
        EXPECT_EQ(row_of(store, rows[1].no).act, 0);
        // Its neighbours are what they were.
        EXPECT_EQ(row_of(store, rows[0].no).version, rows[0].version);
        EXPECT_EQ(row_of(store, rows[2].no).version, rows[2].version);
    }
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    EXPECT_EQ(figures.damaged, 0);
    store_close(store);
}

TEST(store_tail, status_tells_by_when_a_job_must_start)
{
    struct store *store = open_store();
    struct job_row row = submit(store);
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_POLICY)->policy =
        (struct write_policy){.no = row.policy, .policy = {.timeout_ms = 1, .ttl_ms = 5000}};
    batcher_commit(&batch, store);
    struct msg_status_is status;
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_status(view, &row.id, &status), OK);
    EXPECT_EQ(status.start_before, row.accepted_at + 5000);
    store_view_close(view);
    batcher_begin(&batch);
    batcher_grant(&batch, &row);
    batcher_put(&batch, &row, false);
    batcher_commit(&batch, store);
    view = view_of(store);
    EXPECT_EQ(store_view_status(view, &row.id, &status), OK);
    EXPECT_EQ(status.start_before, 0);
    store_view_close(view);
    store_close(store);
}
