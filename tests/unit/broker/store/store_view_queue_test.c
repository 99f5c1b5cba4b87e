// Queues in the store: their rows and golden bytes, pages by name, and counts that are made anew.
// links: weft_broker_store weft_broker_core weft_disk

#include "broker/store/store.h"
#include "broker/store/store_record.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

#include <stdlib.h>

static struct batcher batch; // too large for a stack
static const char *dir;

static struct queue_row row_of(uint16_t no, const char *queue)
{
    return (struct queue_row){
        .no = no, .tenant = slice_of_text("default"), .queue = slice_of_text(queue)};
}

static void put(const struct queue_row *row)
{
    batcher_write(&batch, WRITE_QUEUE)->queue = *row;
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

// Each member has a value of its own.
static struct queue_row full_row(void)
{
    struct queue_row row = row_of(5, "mail");
    row.accepted = 9;
    row.paused = DIRECTION_OUT;
    for (unsigned state = 0; state < JOB_STATES; state++)
        row.counts[state] = state;
    row.settings = (struct msg_queue_settings){.weight = 0x11,
                                               .open_max = 0x12,
                                               .running_max = 0x13,
                                               .key_running_max = 0x14,
                                               .rate = {0x15, 0x16},
                                               .key_rate = {0x17, 0x18},
                                               .defaults = {.timeout_ms = 0x21,
                                                            .max_attempts = 0x22,
                                                            .max_crashes = 0x23,
                                                            .retry_first_ms = 0x24,
                                                            .retry_longest_ms = 0x25,
                                                            .retry_factor_milli = 0x26,
                                                            .retry_within_s = 0x27,
                                                            .keep_s = 0x28}};
    return row;
}

TEST(record_queue, golden_bytes)
{
    static const char golden[] = "010e000000a6" // version, kind, length
                                 "0000000000000009"
                                 "0000000000000000" // no job is in state 0
                                 "0000000000000001"
                                 "0000000000000002"
                                 "0000000000000003"
                                 "0000000000000004"
                                 "0000000000000005"
                                 "0000000000000006"
                                 "0000000000000007"
                                 "0000000000000008"
                                 "0000000000000009"
                                 "00000011"
                                 "00000012"
                                 "00000013"
                                 "00000014"
                                 "0000001500000016"
                                 "0000001700000018"
                                 "00000021"
                                 "00000022"
                                 "00000023"
                                 "00000024"
                                 "00000025"
                                 "00000026"
                                 "00000027"
                                 "00000028"
                                 "02"
                                 "07"
                                 "04"
                                 "64656661756c74"
                                 "6d61696c";
    struct queue_row row = full_row();
    uint8_t room[256];
    char text[2 * sizeof room + 1];
    struct disk_key number = disk_key_of(5);
    size_t len = store_record_queue_len(&row);
    EXPECT_EQ(len, (sizeof golden - 1) / 2 + 4);
    store_record_put_queue(room, disk_key_slice(&number), &row);
    for (size_t i = 0; i < len - 4; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", room[i]);
    EXPECT_STR(text, golden);
    struct queue_row read;
    EXPECT_EQ(store_record_get_queue(slice_of(room, len), disk_key_slice(&number), &read), OK);
    EXPECT_EQ(read.no, 5);
    EXPECT_EQ(read.paused, DIRECTION_OUT);
    EXPECT(slice_is_text(read.tenant, "default") && slice_is_text(read.queue, "mail"));
    EXPECT_MEM(&read.settings, &row.settings, sizeof row.settings);
    EXPECT_MEM(read.counts, row.counts, sizeof row.counts);
    struct disk_key other = disk_key_of(6);
    EXPECT_EQ(store_record_get_queue(slice_of(room, len), disk_key_slice(&other), &read),
              ERR_DAMAGED);
}

// Encoded into `room` it is these bytes, and what they are read as borrows from there.
static struct type_row as_golden(const struct type_row *row, const char *golden, uint8_t *room,
                                 size_t room_len)
{
    char text[257];
    struct disk_key number = disk_key_of(row->no);
    size_t len = store_record_type_len(row);
    EXPECT(len <= room_len && len == strlen(golden) / 2 + 4 && 2 * len < sizeof text);
    store_record_put_type(room, disk_key_slice(&number), row);
    for (size_t i = 0; i < len - 4; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", room[i]);
    EXPECT_STR(text, golden);
    struct type_row read;
    EXPECT_EQ(store_record_get_type(slice_of(room, len), disk_key_slice(&number), &read), OK);
    return read;
}

TEST(record_type, golden_bytes)
{
    static const char golden[] = "01130000002d"
                                 "0000002100000022000000230000002400000025000000260000002700000028"
                                 "07"
                                 "04"
                                 "64656661756c74"
                                 "73656e64";
    const struct type_row row = {.no = 5,
                                 .tenant = slice_of_text("default"),
                                 .type = slice_of_text("send"),
                                 .defaults = {.timeout_ms = 0x21,
                                              .max_attempts = 0x22,
                                              .max_crashes = 0x23,
                                              .retry_first_ms = 0x24,
                                              .retry_longest_ms = 0x25,
                                              .retry_factor_milli = 0x26,
                                              .retry_within_s = 0x27,
                                              .keep_s = 0x28}};
    uint8_t room[128];
    struct type_row read = as_golden(&row, golden, room, sizeof room);
    EXPECT(read.no == 5 && slice_is_text(read.tenant, "default"));
    EXPECT(slice_is_text(read.type, "send"));
    EXPECT_MEM(&read.defaults, &row.defaults, sizeof row.defaults);
}

TEST(record_type, golden_bytes_with_a_schema)
{
    static const char golden[] = "02130000002f"
                                 "0000000000000000000000000000000000000000000000000000000000000009"
                                 "00"
                                 "01"
                                 "61"
                                 "0102030405060708"
                                 "74727565";
    const struct type_row row = {.no = 6,
                                 .type = slice_of_text("a"),
                                 .defaults = {.keep_s = 9},
                                 .schema_hash = 0x0102030405060708u,
                                 .schema = slice_of_text("true")};
    uint8_t room[128];
    struct type_row read = as_golden(&row, golden, room, sizeof room);
    EXPECT(read.schema_hash == row.schema_hash && slice_is_text(read.schema, "true"));
}

TEST(store_view_queue, one_is_found_by_its_name)
{
    dir = test_temp_dir();
    struct store *store = store_in(dir);
    batcher_init(&batch, 10);
    batcher_begin(&batch);
    struct queue_row mail = row_of(0, "mail");
    struct queue_row web = row_of(1, "web");
    web.settings.weight = 7;
    put(&mail);
    put(&web);
    batcher_commit(&batch, store);
    struct store_view *view = view_of(store);
    struct queue_row row;
    EXPECT_EQ(store_view_queue(view, slice_of_text("default"), slice_of_text("web"), &row), OK);
    EXPECT_EQ(row.no, 1);
    EXPECT_EQ(row.settings.weight, 7);
    EXPECT_EQ(store_view_queue(view, slice_of_text("acme"), slice_of_text("web"), &row),
              ERR_NOT_FOUND);
    EXPECT_EQ(store_view_queue(view, slice_of_text("default"), slice_of_text("we"), &row),
              ERR_NOT_FOUND);
    store_view_close(view);
    store_close(store);
}

TEST(store_view_queue, pages_go_by_name)
{
    static const char *const names[] = {"m", "b", "z", "a", "mm", "c"};
    dir = test_temp_dir();
    struct store *store = store_in(dir);
    batcher_init(&batch, 10);
    batcher_begin(&batch);
    for (uint16_t i = 0; i < 6; i++) {
        struct queue_row row = row_of(i, names[i]);
        put(&row);
    }
    struct queue_row other = row_of(6, "b2");
    other.tenant = slice_of_text("acme");
    put(&other);
    batcher_commit(&batch, store);
    struct store_view *view = view_of(store);
    struct queue_row rows[4];
    uint32_t count = 0;
    struct store_queue_page page = {.tenant = slice_of_text("default"), .cap = 4};
    EXPECT_EQ(store_view_queue_page(view, &page, rows, &count), OK);
    EXPECT_EQ(count, 4);
    EXPECT(slice_is_text(rows[0].queue, "a") && slice_is_text(rows[1].queue, "b"));
    EXPECT(slice_is_text(rows[2].queue, "c") && slice_is_text(rows[3].queue, "m"));
    page.after = rows[3].queue;
    EXPECT_EQ(store_view_queue_page(view, &page, rows, &count), OK);
    EXPECT_EQ(count, 2);
    EXPECT(slice_is_text(rows[0].queue, "mm") && slice_is_text(rows[1].queue, "z"));
    store_view_close(view);
    store_close(store);
}

// --- loading ---

static bool knows_none(void *ctx, const struct id *id, struct job_row *out_row)
{
    (void)ctx;
    (void)id;
    (void)out_row;
    return false;
}

static bool numbers_none(void *ctx, uint64_t no, struct job_row *out_row)
{
    (void)ctx;
    (void)no;
    (void)out_row;
    return false;
}

static struct core *load(struct store *store)
{
    struct limits limits = limits_default();
    limits.job_count_max = limits.key_count_max = 64;
    limits.unique_count_max = limits.dependency_count_max = 8;
    struct known known = {.by_id = knows_none, .by_no = numbers_none};
    struct core *core = core_init(test_zeroed(core_size(&limits)), &limits, &known, 1);
    struct store_loaded loaded;
    EXPECT_EQ(store_load(store, core, &loaded), OK);
    return core;
}

// The rows that the core writes after a start.
static struct queue_row started(struct core *core, struct write *writes, uint32_t *out_count)
{
    static uint32_t changed[8];
    static uint32_t bodies[8];
    static _Alignas(16) uint8_t room[8 * 128 + 128 * 64];
    struct arena arena = {.data = room, .cap = sizeof room};
    struct effects fx = {.writes = writes,
                         .write_cap = effects_write_cap(8),
                         .changed = changed,
                         .changed_cap = 8,
                         .bodies = bodies,
                         .arena = &arena};
    struct now now = {.mono = 1, .store = batch.now};
    struct queue_row found = {0};
    core_start(core, now, &fx);
    (void)core_close(core, now, &fx);
    *out_count = 0;
    for (uint32_t i = 0; i < fx.write_count; i++) {
        if (writes[i].kind == WRITE_QUEUE) {
            found = writes[i].queue;
            ++*out_count;
        }
    }
    return found;
}

// Three jobs, one of which has ended.
static void fill(struct store *store, const struct queue_row *row)
{
    batcher_init(&batch, 10);
    batcher_begin(&batch);
    for (unsigned i = 0; i < 3; i++) {
        struct job_row job = batcher_submit(&batch, false);
        if (i == 0) {
            batcher_grant(&batch, &job);
            batcher_finish(&batch, &job, 0);
        }
        batcher_put(&batch, &job, true);
    }
    if (row != NULL)
        put(row);
    batcher_commit(&batch, store);
}

static struct queue_row counted_row(void)
{
    struct queue_row row = row_of(0, "default");
    row.settings.open_max = 77;
    row.accepted = 3;
    row.counts[JOB_QUEUED] = 2;
    row.counts[JOB_SUCCEEDED] = 1;
    return row;
}

static struct write writes[128];

TEST(store_load, counts_of_queues_are_believed_when_they_add_up)
{
    dir = test_temp_dir();
    struct store *store = store_in(dir);
    struct queue_row row = counted_row();
    fill(store, &row);
    uint32_t count = 0;
    (void)started(load(store), writes, &count);
    EXPECT_EQ(count, 0);
    store_close(store);
}

TEST(store_load, queues_of_an_older_store_are_counted)
{
    dir = test_temp_dir();
    struct store *store = store_in(dir);
    fill(store, NULL);
    uint32_t count = 0;
    struct queue_row row = started(load(store), writes, &count);
    EXPECT_EQ(count, 1);
    EXPECT(slice_is_text(row.queue, "default"));
    EXPECT_EQ(row.accepted, 3);
    EXPECT_EQ(row.counts[JOB_QUEUED], 2);
    EXPECT_EQ(row.counts[JOB_SUCCEEDED], 1);
    store_close(store);
}

TEST(store_load, counts_that_do_not_add_up_are_made_anew_and_settings_stay)
{
    dir = test_temp_dir();
    struct store *store = store_in(dir);
    struct queue_row wrong = counted_row();
    wrong.counts[JOB_DEAD] = 4;
    fill(store, &wrong);
    uint32_t count = 0;
    struct queue_row row = started(load(store), writes, &count);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(row.counts[JOB_DEAD], 0);
    EXPECT_EQ(row.counts[JOB_QUEUED], 2);
    EXPECT_EQ(row.settings.open_max, 77);
    store_close(store);
}
