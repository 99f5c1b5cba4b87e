// Which jobs come next of an act on many, how many fit, and how far one has come.

#include "broker/store/store_private.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

enum { JOBS_MANY = 12000, DEAD_EVERY = 20 };

static struct batcher batch; // too large for a stack
static struct operation_step step;
static const struct id id = {.bytes = {7}};

// Every DEAD_EVERY-th is dead, every third in queue "mail".
static struct store *filled(uint64_t count)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 8);
    uint64_t no = 0;
    while (no < count) {
        batcher_begin(&batch);
        if (no == 0)
            batcher_write(&batch, WRITE_LANE)->lane = (struct lane_row){
                .no = 1, .queue = slice_of_text("mail"), .type = slice_of_text("send")};
        for (unsigned i = 0; i < 1000 && no < count; i++) {
            struct job_row row = batcher_submit(&batch, false);
            no = row.no;
            row.lane = no % 3 == 0;
            if (no % DEAD_EVERY == 0)
                batcher_move(&batch, &row, JOB_DEAD);
            batcher_put(&batch, &row, true);
        }
        batcher_commit(&batch, store);
    }
    return store;
}

static void put(struct store *store, struct msg_filter filter, uint64_t upto, uint64_t cursor)
{
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_OPERATION)->operation =
        (struct operation_row){.id = id,
                               .kind = ACT_RETRY,
                               .filter = filter,
                               .created_at = 1,
                               .ended_at = cursor == 0 ? 2 : 0,
                               .upto = upto,
                               .cursor = cursor,
                               .version = 1};
    batcher_commit(&batch, store);
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

static void close_all(struct store *store, struct store_view *view)
{
    store_view_close(view);
    store_close(store);
}

TEST(view_operation, a_step_names_the_next_jobs_that_fit)
{
    struct store *store = filled(JOBS_MANY);
    put(store, (struct msg_filter){.states = 1u << JOB_DEAD}, JOBS_MANY, 10000);
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    EXPECT(id_equal(&step.operation, &id) && step.from == 10000);
    EXPECT_EQ(step.count, LIMITS_STEP_RECORDS_MAX);
    for (uint32_t i = 0; i < step.count; i++)
        EXPECT_EQ(step.items[i].no, 10000 - i * DEAD_EVERY);
    EXPECT(step.next < step.items[step.count - 1].no);
    EXPECT(step.next >= step.items[step.count - 1].no - DEAD_EVERY);
    close_all(store, view);
}

TEST(view_operation, a_step_that_finds_none_moves_on_and_comes_to_an_end)
{
    struct store *store = filled(JOBS_MANY);
    put(store, (struct msg_filter){.states = 1u << JOB_QUEUED, .type = slice_of_text("nobody's")},
        JOBS_MANY, JOBS_MANY);
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    EXPECT_EQ(step.count, 0);
    EXPECT_EQ(step.next, JOBS_MANY - 10000);
    store_view_close(view);
    put(store, (struct msg_filter){.states = 1u << JOB_RUNNING}, JOBS_MANY, step.next);
    view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    EXPECT(step.count == 0 && step.next == 0);
    close_all(store, view);
}

// A reader's snapshot may be ahead of what was asked: that is no error, and nothing to be done.
TEST(view_operation, one_that_was_cancelled_meanwhile_has_an_empty_step)
{
    struct store *store = filled(10);
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_OPERATION)->operation =
        (struct operation_row){.id = id,
                               .kind = ACT_RETRY,
                               .filter = {.states = 1u << JOB_DEAD},
                               .created_at = 1,
                               .ended_at = 2,
                               .upto = 10,
                               .cursor = 8,
                               .version = 2};
    batcher_commit(&batch, store);
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    EXPECT(step.from == 8 && step.next == 8 && step.count == 0);
    close_all(store, view);
}

TEST(view_operation, one_that_is_over_or_unknown_has_no_step)
{
    struct store *store = filled(10);
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), ERR_NOT_FOUND);
    store_view_close(view);
    put(store, (struct msg_filter){.states = 1u << JOB_DEAD}, 10, 0);
    view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), ERR_NOT_FOUND);
    struct operation_row row;
    EXPECT_EQ(store_view_operation(view, &id, &row), OK);
    EXPECT(row.cursor == 0 && row.upto == 10);
    store_view_close(view);
    batcher_begin(&batch);
    batcher_write(&batch, DROP_OPERATION)->operation = (struct operation_row){.id = id};
    batcher_commit(&batch, store);
    view = view_of(store);
    EXPECT_EQ(store_view_operation(view, &id, &row), ERR_NOT_FOUND);
    close_all(store, view);
}

TEST(view_operation, one_on_a_damaged_batch_comes_to_an_end)
{
    struct store *store = filled(10);
    const struct msg_filter members = {.batch_id = {{9}}, .states = 1u << JOB_QUEUED};
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_BATCH)->batch = (struct batch_row){
        .id = members.batch_id, .no = 1, .version = 1, .first_no = 1, .last_no = 10};
    batcher_commit(&batch, store);
    put(store, members, 10, 10);
    struct store_view *view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    store_view_close(view);
    struct disk_key key = disk_key_of(1);
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(store->disk, &txn), OK);
    EXPECT_EQ(disk_put(txn, TABLE_BATCHES, disk_key_slice(&key), slice_of_text("rot")), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    view = view_of(store);
    EXPECT_EQ(store_view_operation_step(view, &id, &step), OK);
    EXPECT(step.from == 10 && step.count == 0 && step.next == 0);
    close_all(store, view);
}

TEST(view_operation, counting_goes_on_from_its_cursor)
{
    struct store *store = filled(JOBS_MANY);
    struct store_view *view = view_of(store);
    struct msg_filter filter = {.states = 1u << JOB_DEAD, .queue = slice_of_text("mail")};
    uint64_t cursor = 0;
    uint64_t count = 0;
    uint64_t sum = 0;
    EXPECT_EQ(store_view_operation_count(view, &filter, &cursor, &count), OK);
    EXPECT_EQ(cursor, JOBS_MANY - 10000);
    sum += count;
    EXPECT_EQ(store_view_operation_count(view, &filter, &cursor, &count), OK);
    EXPECT_EQ(cursor, 0);
    EXPECT_EQ(sum + count, JOBS_MANY / (DEAD_EVERY * 3));
    close_all(store, view);
}
