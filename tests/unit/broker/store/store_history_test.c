// What the store keeps of a job's timeline: the first and the last events, until retention.
// links: weft_broker_store weft_broker_core

#include "broker/core/events.h"
#include "broker/store/store_private.h"
#include "tests/support/batcher.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack

static struct store *open_in(const char *dir)
{
    struct store_options options = {
        .dir = dir, .map_bytes_max = UINT64_C(1) << 32, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    return store;
}

static void commit(struct store *store)
{
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
}

static struct job_row submit(struct store *store)
{
    batcher_init(&batch, 8);
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    commit(store);
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
    commit(store);
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
    struct store *store = open_in(test_temp_dir());
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
    struct store *store = open_in(test_temp_dir());
    struct job_row row = submit(store);
    add_events(store, &row, EVENTS_FIRST + EVENTS_LAST + 3);
    uint32_t count = row.event_count;
    batcher_begin(&batch);
    batcher_move(&batch, &row, JOB_REMOVED);
    batcher_write(&batch, DROP_BODY)->drop = row;
    row.event_count = 0;
    batcher_put(&batch, &row, false);
    commit(store);
    for (uint32_t seq = 1; seq <= count; seq++)
        EXPECT(!is_kept(store, &row, seq));
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    store_close(store);
}
