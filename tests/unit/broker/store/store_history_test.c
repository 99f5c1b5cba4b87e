// What the store keeps of a job's timeline and log: the first and the last ones, until retention.
// links: weft_broker_store weft_broker_core

#include "broker/core/events.h"
#include "broker/core/logs.h"
#include "broker/store/store_private.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack

static struct job_row submit(struct store *store)
{
    batcher_init(&batch, 8);
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    return row;
}

static void add_events(struct store *store, struct job_row *row, uint32_t count)
{
    batcher_begin(&batch);
    for (uint32_t i = 0; i < count; i++)
        batcher_write(&batch, WRITE_EVENT)->event =
            (struct write_event){.job_no = row->no,
                                 .row = {.seq = ++row->event_count,
                                         .version = ++row->version,
                                         .at = row->event_count,
                                         .event = JOB_RETURN,
                                         .state = JOB_QUEUED,
                                         .message = slice_of_text("again")}};
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

static bool is_kept(struct store *store, const struct job_row *job, uint32_t seq)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    struct history_key key = store_history_key(job->no, seq);
    struct slice record = {0};
    struct event_row row = {0};
    err e = disk_get(view->reader, TABLE_TIMELINE, store_history_slice(&key), &record);
    if (e == OK) {
        EXPECT_EQ(store_record_get_event(record, store_history_slice(&key), &row), OK);
        EXPECT_EQ(row.seq, seq);
        EXPECT_EQ(row.at, seq);
    }
    store_view_end(view);
    store_view_close(view);
    return e == OK;
}

TEST(store_history, long_timeline_keeps_both_ends)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    add_events(store, &row, EVENTS_FIRST + EVENTS_LAST);
    for (uint32_t seq = 1; seq <= row.event_count; seq++)
        EXPECT(is_kept(store, &row, seq));
    add_events(store, &row, 100);
    for (uint32_t seq = 1; seq <= row.event_count; seq++)
        EXPECT_EQ(is_kept(store, &row, seq),
                  seq <= EVENTS_FIRST || seq > row.event_count - EVENTS_LAST);
    store_close(store);
}

TEST(store_history, retention_takes_the_timeline_with_the_body)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    add_events(store, &row, EVENTS_FIRST + EVENTS_LAST + 3);
    uint32_t count = row.event_count;
    batcher_begin(&batch);
    batcher_move(&batch, &row, JOB_REMOVED);
    batcher_write(&batch, DROP_BODY)->drop = row;
    row.event_count = 0;
    batcher_put(&batch, &row, false);
    batcher_commit(&batch, store);
    for (uint32_t seq = 1; seq <= count; seq++)
        EXPECT(!is_kept(store, &row, seq));
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    store_close(store);
}

// --- logs ---

// Each line says its number.
static void add_lines(struct store *store, struct job_row *row, uint32_t count)
{
    static char texts[256][8];
    static struct msg_log_line lines[256];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%u", row->log_count + 1 + i);
        lines[i] = (struct msg_log_line){.token = 1, .text = slice_of_text(texts[i])};
    }
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_LOG)->log = (struct write_log){
        .job_no = row->no, .first = row->log_count + 1, .count = count, .at = 5, .lines = lines};
    row->log_count += count;
    row->version++;
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

static struct msg_log_line lines_room[MSG_LOG_LINES_MAX];

static struct msg_log_is log_after(struct store *store, const struct job_row *row, uint32_t after)
{
    struct store_view *view = NULL;
    struct msg_log_is is = {0};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(
        store_view_log(view, &(struct msg_log){.job_id = row->id, .after = after}, lines_room, &is),
        OK);
    for (uint32_t i = 0; i < is.line_count; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%u", is.lines[i].seq);
        EXPECT(slice_is_text(is.lines[i].text, text));
    }
    store_view_end(view);
    store_view_close(view);
    return is;
}

TEST(store_history, log_fills_chunk_after_chunk)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    uint32_t sizes[] = {1, 62, 1, 1, 200, 64, 3};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        add_lines(store, &row, sizes[i]);
        struct msg_log_is is = log_after(store, &row, 0);
        EXPECT_EQ(is.error, OK);
        EXPECT_EQ(is.count, row.log_count);
        EXPECT_EQ(is.version, row.version);
        EXPECT_EQ(is.line_count, row.log_count);
        EXPECT_EQ(is.lines[is.line_count - 1].seq, row.log_count);
    }
    EXPECT_EQ(log_after(store, &row, row.log_count - 5).line_count, 5);
    EXPECT_EQ(log_after(store, &row, row.log_count).line_count, 0);
    EXPECT_EQ(log_after(store, &row, UINT32_MAX).line_count, 0);
    store_close(store);
}

TEST(store_history, long_log_keeps_both_ends)
{
    enum {
        FIRST = LOGS_CHUNK_LINES * LOGS_CHUNKS_FIRST,
        LAST = LOGS_CHUNK_LINES * LOGS_CHUNKS_LAST
    };
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    for (unsigned i = 0; i < 60; i++)
        add_lines(store, &row, 50);
    struct msg_log_is is = log_after(store, &row, 0);
    EXPECT(is.line_count <= FIRST + LAST);
    EXPECT(is.line_count > FIRST + LAST - LOGS_CHUNK_LINES);
    for (uint32_t i = 0; i < FIRST; i++)
        EXPECT_EQ(is.lines[i].seq, i + 1);
    uint32_t behind = is.line_count - FIRST;
    for (uint32_t i = 0; i < behind; i++)
        EXPECT_EQ(is.lines[FIRST + i].seq, row.log_count - behind + 1 + i);
    batcher_begin(&batch);
    batcher_move(&batch, &row, JOB_REMOVED);
    batcher_write(&batch, DROP_BODY)->drop = row;
    row.log_count = 0;
    batcher_put(&batch, &row, false);
    batcher_commit(&batch, store);
    EXPECT_EQ(log_after(store, &row, 0).error, ERR_GONE);
    store_close(store);
}
