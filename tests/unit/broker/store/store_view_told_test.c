// Who has been told of a job's end: its deliveries are found among the ids of that moment.

#include "broker/store/store_private.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack
static struct msg_listed_job listed_jobs[MSG_LISTED_MAX];

static struct store *open_store(void)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 8);
    return store;
}

// A job that has ended now.
static struct job_row ended(struct store *store)
{
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_move(&batch, &row, JOB_DEAD);
    row.ended_at = batch.now;
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    return row;
}

// What makes a job a delivery of that end; a test leaves something out.
struct made {
    const char *queue;
    struct id parent;
    when_ms at;
    uint16_t slot;
    const char *tenant; // NULL: "default"
};

static struct made delivery_of(const struct job_row *parent)
{
    return (struct made){HOOK_QUEUE, parent->id, parent->ended_at, id_slot(&parent->id), NULL};
}

static struct job_row make(struct store *store, struct made made)
{
    static uint16_t lane = 1;
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_LANE)->lane = (struct lane_row){
        .no = lane,
        .tenant = made.tenant != NULL ? slice_of_text(made.tenant) : (struct slice){0},
        .queue = slice_of_text(made.queue),
        .type = slice_of_text("webhook")};
    struct job_row row = batcher_submit(&batch, false);
    batch.submits[0].after = (struct msg_ids){.items = &made.parent, .count = 1};
    row.id = id_v7(made.at, made.slot, row.no);
    row.lane = lane++;
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    return row;
}

static struct msg_listed told_by(struct store *store, const struct msg_list *asked)
{
    struct store_view *view = NULL;
    struct msg_listed listed = {.error = ERR_DISK};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(store_view_told(view, asked, listed_jobs, &listed), OK);
    store_view_close(view);
    return listed;
}

static struct msg_listed told(struct store *store, const struct id *id)
{
    return told_by(store, &(struct msg_list){.told_of = *id});
}

TEST(store_view_told, all_deliveries_of_the_end_and_no_other_job)
{
    struct store *store = open_store();
    struct job_row parent = ended(store);
    struct job_row other = ended(store);
    struct job_row first = make(store, delivery_of(&parent));
    struct job_row second = make(store, delivery_of(&parent));
    struct made made = delivery_of(&parent);
    made.queue = "mail"; // a job of a user that waits for it
    (void)make(store, made);
    made = delivery_of(&parent);
    made.parent = other.id;
    (void)make(store, made);
    made = delivery_of(&parent);
    made.at = parent.ended_at + 1; // of another end
    (void)make(store, made);
    struct msg_listed listed = told(store, &parent.id);
    EXPECT_EQ(listed.error, OK);
    EXPECT_EQ(listed.count, 2);
    bool is_in_order = id_equal(&listed_jobs[0].job_id, &first.id);
    EXPECT(id_equal(&listed_jobs[is_in_order ? 0 : 1].job_id, &first.id));
    EXPECT(id_equal(&listed_jobs[is_in_order ? 1 : 0].job_id, &second.id));
    store_close(store);
}

TEST(store_view_told, ids_of_another_slot_are_passed_over)
{
    struct store *store = open_store();
    struct job_row parent = ended(store);
    for (uint16_t slot = 0; slot < 3; slot++) {
        struct made made = delivery_of(&parent);
        made.slot = slot; // before the job's in the order of ids
        (void)make(store, made);
    }
    struct job_row delivery = make(store, delivery_of(&parent));
    struct msg_listed listed = told(store, &parent.id);
    EXPECT_EQ(listed.count, 1);
    EXPECT(id_equal(&listed_jobs[0].job_id, &delivery.id));
    store_close(store);
}

TEST(store_view_told, those_of_a_batch_are_from_its_beginning)
{
    struct store *store = open_store();
    batcher_begin(&batch);
    struct batch_row row = {
        .id = id_v7(batch.now, 5, 6), .no = 1, .version = 1, .created_at = batch.now};
    batcher_write(&batch, WRITE_BATCH)->batch = row;
    batcher_commit(&batch, store);
    struct made made = {HOOK_QUEUE, row.id, row.created_at, id_slot(&row.id), NULL};
    struct job_row delivery = make(store, made);
    made.tenant = "acme"; // tells of another tenant's batch of the same id
    (void)make(store, made);
    made.tenant = NULL;
    made.at = row.created_at + 1; // of the batch that had this id before
    (void)make(store, made);
    const struct msg_list asked = {.told_of = row.id, .told_of_batch = true};
    struct msg_listed listed = told_by(store, &asked);
    EXPECT_EQ(listed.error, OK);
    EXPECT_EQ(listed.count, 1);
    EXPECT(id_equal(&listed_jobs[0].job_id, &delivery.id));
    // Neither is a job that has this id a batch, nor the other way round.
    EXPECT_EQ(told(store, &row.id).error, ERR_NOT_FOUND);
    const struct msg_list of_job = {.told_of = delivery.id, .told_of_batch = true};
    EXPECT_EQ(told_by(store, &of_job).error, ERR_NOT_FOUND);
    store_close(store);
}

// As no broker writes it: shorter than an id, or with something else than a number.
static void spoil_ids(struct store *store, struct slice key, struct slice value)
{
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(store->disk, &txn), OK);
    EXPECT_EQ(disk_put(txn, TABLE_IDS, key, value), OK);
    EXPECT_EQ(disk_commit(txn), OK);
}

TEST(store_view_told, damaged_ids_are_counted_and_left_out_of_deliveries_and_timeline)
{
    static struct msg_timeline_event room[STORE_EVENTS_ROOM];
    struct store *store = open_store();
    struct job_row parent = ended(store);
    (void)make(store, delivery_of(&parent));
    struct id first = id_v7(parent.ended_at, 0, 0);
    spoil_ids(store, slice_of(first.bytes, 7), slice_of_text("12345678"));
    spoil_ids(store, slice_of(first.bytes, sizeof first.bytes), slice_of_text("?"));
    struct msg_listed listed = told(store, &parent.id);
    EXPECT_EQ(listed.error, OK);
    EXPECT_EQ(listed.count, 1);
    struct store_figures figures;
    store_figures(store, &figures);
    EXPECT_EQ(figures.damaged, 2);
    struct store_view *view = NULL;
    struct msg_timeline_is timeline = {.error = ERR_DISK};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(store_view_timeline(view, &parent.id, room, &timeline), OK);
    EXPECT_EQ(timeline.error, OK);
    EXPECT(timeline.event_count > 0);
    store_view_close(view);
    store_close(store);
}

TEST(store_view_told, nobody_is_told_of_what_has_not_ended_or_is_not_known)
{
    struct store *store = open_store();
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    EXPECT_EQ(told(store, &row.id).error, OK);
    EXPECT_EQ(told(store, &row.id).count, 0);
    EXPECT_EQ(told(store, &(struct id){{1}}).error, ERR_NOT_FOUND);
    store_close(store);
}
