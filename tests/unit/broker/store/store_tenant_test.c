// A view that shows one tenant's: all else is not found, whatever it is asked by.

#include "broker/store/store.h"
#include "broker/store/store_record.h"
#include "tests/support/hex.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack
static struct operation_step step;
static struct msg_listed_job page[8];
static struct msg_timeline_event events[STORE_EVENTS_ROOM];
static struct msg_log_line lines[MSG_LOG_LINES_MAX];
static const struct id batch_id = {.bytes = {9}};
static const struct id operation_id = {.bytes = {7}};
static const struct slice acme = {(const uint8_t *)"acme", 4};
static const struct slice nobody = {0}; // the default one

// Job 1 is nobody's, jobs 2 and 3, their batch and an act on it are acme's.
static struct store *filled(struct job_row rows[3])
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 8);
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_LANE)->lane = (struct lane_row){
        .no = 1, .tenant = acme, .queue = slice_of_text("default"), .type = slice_of_text("send")};
    for (unsigned i = 0; i < 3; i++) {
        rows[i] = batcher_submit(&batch, i == 2);
        rows[i].lane = i > 0;
        rows[i].batch = i > 0;
        batcher_put(&batch, &rows[i], true);
    }
    batcher_write(&batch, WRITE_BATCH)->batch = (struct batch_row){
        .id = batch_id, .first_no = 2, .last_no = 3, .counts = {[JOB_QUEUED] = 2}, .tenant = acme};
    batcher_write(&batch, WRITE_OPERATION)->operation =
        (struct operation_row){.id = operation_id,
                               .kind = ACT_CANCEL,
                               .tenant = acme,
                               .filter = {.states = 1u << JOB_QUEUED, .batch_id = batch_id},
                               .created_at = 1,
                               .upto = 3,
                               .cursor = 3,
                               .version = 1};
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    return store;
}

static struct store_view *view_as(struct store *store, struct slice tenant)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    store_view_as(view, tenant);
    return view;
}

static void close_all(struct store *store, struct store_view *view)
{
    store_view_close(view);
    store_close(store);
}

// By status, timeline and log, which agree.
static err told(struct store_view *view, const struct id *id)
{
    struct msg_status_is status;
    struct msg_timeline_is timeline;
    struct msg_log_is log;
    EXPECT_EQ(store_view_status(view, id, &status), OK);
    EXPECT_EQ(store_view_timeline(view, id, events, &timeline), OK);
    EXPECT_EQ(store_view_log(view, &(struct msg_log){.job_id = *id}, lines, &log), OK);
    EXPECT(timeline.error == status.error && log.error == status.error);
    if (status.error != OK)
        EXPECT(status.version == 0 && status.queue.len == 0 && timeline.event_count == 0);
    return status.error;
}

TEST(store_tenant, a_job_is_its_tenants)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    struct store_view *view = view_as(store, acme);
    EXPECT_EQ(told(view, &rows[0].id), ERR_NOT_FOUND);
    EXPECT_EQ(told(view, &rows[1].id), OK);
    EXPECT_EQ(told(view, &rows[2].id), OK);
    store_view_as(view, nobody);
    EXPECT_EQ(told(view, &rows[0].id), OK);
    EXPECT_EQ(told(view, &rows[1].id), ERR_NOT_FOUND);
    EXPECT_EQ(told(view, &rows[2].id), ERR_NOT_FOUND);
    store_view_as(view, slice_of_text("default"));
    EXPECT_EQ(told(view, &rows[0].id), OK);
    close_all(store, view);
}

TEST(store_tenant, the_core_is_shown_all)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    struct known known = store_view_known(view);
    struct job_row row;
    EXPECT(known.by_id(known.ctx, &rows[0].id, &row) && known.by_id(known.ctx, &rows[1].id, &row));
    close_all(store, view);
}

static uint32_t listed(struct store_view *view, struct msg_filter filter, err expected)
{
    struct msg_listed answer;
    uint64_t cursor = 0;
    uint64_t count = 0;
    EXPECT_EQ(
        store_view_list(view, &(struct msg_list){.filter = filter, .limit = 8}, page, &answer), OK);
    EXPECT_EQ(answer.error, expected);
    EXPECT_EQ(store_view_operation_count(view, &filter, &cursor, &count), OK);
    EXPECT_EQ(count, answer.count);
    return answer.count;
}

TEST(store_tenant, a_list_is_of_its_tenants_jobs)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    struct store_view *view = view_as(store, acme);
    EXPECT_EQ(listed(view, (struct msg_filter){0}, OK), 2);
    EXPECT_EQ(listed(view, (struct msg_filter){.batch_id = batch_id}, OK), 2);
    store_view_as(view, nobody);
    EXPECT_EQ(listed(view, (struct msg_filter){0}, OK), 1);
    EXPECT(id_equal(&page[0].job_id, &rows[0].id));
    EXPECT_EQ(listed(view, (struct msg_filter){.batch_id = batch_id}, ERR_NOT_FOUND), 0);
    close_all(store, view);
}

TEST(store_tenant, a_batch_and_an_operation_are_their_tenants)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    struct store_view *view = view_as(store, acme);
    struct msg_batch_status_is status;
    struct operation_row row;
    EXPECT_EQ(store_view_batch(view, &batch_id, &status), OK);
    EXPECT_EQ(status.error, OK);
    EXPECT_EQ(store_view_operation(view, &operation_id, &row), OK);
    store_view_as(view, nobody);
    EXPECT_EQ(store_view_batch(view, &batch_id, &status), OK);
    EXPECT(status.error == ERR_NOT_FOUND && status.counts[JOB_QUEUED] == 0);
    EXPECT_EQ(store_view_operation(view, &operation_id, &row), ERR_NOT_FOUND);
    close_all(store, view);
}

static struct batch_row batch_with(uint32_t no, struct slice tenant, uint32_t queued)
{
    return (struct batch_row){
        .id = batch_id, .no = no, .counts = {[JOB_QUEUED] = queued}, .tenant = tenant};
}

static uint32_t queued_in(struct store_view *view, struct slice tenant)
{
    struct msg_batch_status_is status;
    EXPECT_EQ(store_view_batch_of(view, tenant, &batch_id, &status), OK);
    EXPECT(status.error == OK || status.error == ERR_NOT_FOUND);
    return status.error == OK ? status.counts[JOB_QUEUED] : UINT32_MAX;
}

TEST(store_tenant, two_have_batches_with_one_id)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_BATCH)->batch = batch_with(1, nobody, 5);
    batcher_write(&batch, WRITE_BATCH)->batch = batch_with(2, slice_of_text("acme2"), 6);
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    struct store_view *view = view_as(store, acme);
    EXPECT_EQ(queued_in(view, acme), 2);
    EXPECT_EQ(queued_in(view, slice_of_text("default")), 5);
    EXPECT_EQ(queued_in(view, slice_of_text("acme2")), 6);
    EXPECT_EQ(queued_in(view, slice_of_text("acme3")), UINT32_MAX);
    store_view_end(view);
    batcher_begin(&batch);
    batcher_write(&batch, DROP_BATCH)->batch = batch_with(2, slice_of_text("acme2"), 0);
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(queued_in(view, slice_of_text("acme2")), UINT32_MAX);
    EXPECT_EQ(queued_in(view, acme), 2);
    close_all(store, view);
}

TEST(store_tenant, a_step_is_of_the_operations_tenant_whoever_asked_last)
{
    struct job_row rows[3];
    struct store *store = filled(rows);
    struct store_view *view = view_as(store, nobody);
    EXPECT_EQ(store_view_operation_step(view, &operation_id, &step), OK);
    EXPECT_EQ(step.count, 2);
    EXPECT(step.items[0].no == 3 && step.items[1].no == 2);
    close_all(store, view);
}

TEST(store_tenant, golden_bytes_of_a_batch)
{
    uint8_t room[128];
    struct disk_key number = disk_key_of(9);
    struct slice key = disk_key_slice(&number);
    struct batch_row row = {
        .id = batch_id, .no = 9, .version = 0x01020304, .tenant = slice_of_text("default")};
    EXPECT_EQ(store_record_batch_len(&row), STORE_RECORD_BATCH_LEN + DISK_SEAL_LEN);
    row.tenant = slice_of_text("acme");
    size_t len =
        STORE_RECORD_BATCH_LEN + STORE_RECORD_BATCH_TAIL_LEN + row.tenant.len + DISK_SEAL_LEN;
    EXPECT_EQ(store_record_batch_len(&row), len);
    store_record_put_batch(room, key, &row);
    EXPECT_MEM(room, "\3\x0b\0\0\0\x6c", 6);
    EXPECT_MEM(room + len - 8, "acme", 4);
    struct batch_row back;
    EXPECT_EQ(store_record_get_batch(slice_of(room, len), key, &back), OK);
    EXPECT(slice_is_text(back.tenant, "acme") && back.version == row.version);
    // Version 3 of the default tenant is nothing that we wrote.
    memcpy(room + len - 8, "default", 7);
    disk_seal(room, 3, STORE_RECORD_BATCH, key, len + 3 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_batch(slice_of(room, len + 3), key, &back), ERR_DAMAGED);
    disk_seal(room, 3, STORE_RECORD_BATCH, key, len - 4 - DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_batch(slice_of(room, len - 4), key, &back), ERR_DAMAGED);
}

TEST(store_tenant, golden_bytes_of_a_batch_with_a_fingerprint)
{
    enum {
        LEN = STORE_RECORD_BATCH_LEN + STORE_RECORD_BATCH_TAIL_LEN + STORE_RECORD_BATCH_PRINT_LEN
    };
    uint8_t room[LEN + 4 + DISK_SEAL_LEN];
    struct disk_key number = disk_key_of(9);
    struct slice key = disk_key_slice(&number);
    struct batch_row row = {.id = batch_id,
                            .no = 9,
                            .version = 1,
                            .created_at = 2,
                            .failed_removed = 0x61626364,
                            .tenant = slice_of_text("acme"),
                            .fingerprint = 0x7172737475767778,
                            .dedup_until = 0x1122334455667788};
    EXPECT_EQ(store_record_batch_len(&row), sizeof room);
    store_record_put_batch(room, key, &row);
    expect_hex(room, sizeof room,
               "04 0b 0000007c 09000000000000000000000000000000 00000001 0000000000000002"
               "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
               "00000000 00000000 0000000000000000 0000000000000000 0000000000000000"
               "0000000000000000 61626364 7172737475767778 1122334455667788 61636d65 1a575e87");
    struct batch_row back;
    EXPECT_EQ(store_record_get_batch(slice_of(room, sizeof room), key, &back), OK);
    EXPECT_EQ(back.fingerprint, row.fingerprint);
    EXPECT_EQ(back.dedup_until, row.dedup_until);
    EXPECT(slice_is_text(back.tenant, "acme"));
    row.tenant = (struct slice){0}; // "default"
    EXPECT_EQ(store_record_batch_len(&row), LEN + DISK_SEAL_LEN);
    store_record_put_batch(room, key, &row);
    struct slice record = slice_of(room, LEN + DISK_SEAL_LEN);
    EXPECT_EQ(store_record_get_batch(record, key, &back), OK);
    EXPECT_EQ(back.tenant.len, 0);
    EXPECT_EQ(back.dedup_until, row.dedup_until);
    // One of zeros is never written.
    memset(room + DISK_SEAL_HEAD_LEN + LEN - STORE_RECORD_BATCH_PRINT_LEN, 0, 8);
    disk_seal(room, 4, STORE_RECORD_BATCH, key, LEN);
    EXPECT_EQ(store_record_get_batch(record, key, &back), ERR_DAMAGED);
}
