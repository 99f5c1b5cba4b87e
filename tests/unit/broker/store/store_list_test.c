// Lists of jobs: filters, pages, cursors that stay good, stretches that are not read.

#include "broker/store/store.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

enum { JOBS = 12000, DEAD_EVERY = 5000 };

static struct batcher batch; // too large for a stack
static struct job_row rows[JOBS + 1];
static struct msg_listed_job page[MSG_LISTED_MAX];

static struct store *open_store(void)
{
    struct store *store = store_in(test_temp_dir());
    batcher_init(&batch, 8);
    return store;
}

// Jobs 1 … `count`, a thousand a batch; every DEAD_EVERY-th is dead, every third is in lane 1.
static void fill(struct store *store, uint64_t count)
{
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
            rows[no] = row;
            batcher_put(&batch, &row, true);
        }
        batcher_commit(&batch, store);
    }
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

static struct msg_listed ask(struct store_view *view, struct msg_list list)
{
    struct msg_listed listed = {.error = ERR_DISK};
    EXPECT_EQ(store_view_list(view, &list, page, &listed), OK);
    EXPECT_EQ(listed.error, OK);
    return listed;
}

static void close_all(struct store *store, struct store_view *view)
{
    store_view_close(view);
    store_close(store);
}

TEST(list, the_newest_come_first_and_pages_leave_nothing_out)
{
    struct store *store = open_store();
    fill(store, 2500);
    struct store_view *view = view_of(store);
    uint64_t next = 2500;
    struct msg_listed listed = {0};
    unsigned pages = 0;
    do {
        listed = ask(view, (struct msg_list){.cursor = listed.cursor, .limit = 700});
        for (uint32_t i = 0; i < listed.count; i++, next--)
            EXPECT_MEM(&page[i].job_id, &rows[next].id, sizeof page[i].job_id);
        pages++;
    } while (listed.cursor != 0);
    EXPECT_EQ(next, 0);
    EXPECT_EQ(pages, 4);
    EXPECT_EQ(ask(view, (struct msg_list){0}).count, MSG_LISTED_DEFAULT);
    close_all(store, view);
}

TEST(list, an_empty_store_has_an_empty_list)
{
    struct store *store = open_store();
    struct store_view *view = view_of(store);
    struct msg_listed listed = ask(view, (struct msg_list){0});
    EXPECT_EQ(listed.count, 0);
    EXPECT_EQ(listed.cursor, 0);
    close_all(store, view);
}

TEST(list, filters_are_joined)
{
    struct store *store = open_store();
    fill(store, 3000);
    struct store_view *view = view_of(store);
    struct msg_listed listed = ask(view, (struct msg_list){.filter.queue = slice_of_text("mail")});
    EXPECT_MEM(&page[0].job_id, &rows[3000].id, sizeof page[0].job_id);
    EXPECT_MEM(&page[1].job_id, &rows[2997].id, sizeof page[1].job_id);
    EXPECT(slice_is_text(page[0].queue, "mail") && slice_is_text(page[0].type, "send"));
    listed = ask(view, (struct msg_list){.filter.queue = slice_of_text("mail"),
                                         .filter.type = slice_of_text("x")});
    EXPECT_EQ(listed.count, 0);
    EXPECT_EQ(listed.cursor, 0);
    // The batches were accepted in three different milliseconds.
    when_ms second = rows[1500].accepted_at;
    listed = ask(view, (struct msg_list){.filter.created_after = second, .limit = 1000});
    EXPECT_EQ(listed.count, 1000);
    EXPECT_MEM(&page[999].job_id, &rows[2001].id, sizeof page[0].job_id);
    listed = ask(view, (struct msg_list){.filter.created_after = second - 1,
                                         .filter.created_before = second + 1,
                                         .filter.type = slice_of_text("send"),
                                         .limit = 1000});
    EXPECT_EQ(listed.count, 333);
    EXPECT_MEM(&page[0].job_id, &rows[1998].id, sizeof page[0].job_id);
    close_all(store, view);
}

TEST(list, jobs_with_a_tag)
{
    static const char *const labels[] = {"\x0a\3red", "\x12\5\x0a\3red", "\x0a\4blue\x0a\3red", ""};
    struct store *store = open_store();
    batcher_begin(&batch);
    for (unsigned i = 0; i < 4; i++) {
        rows[i] = batcher_submit(&batch, false);
        batch.submits[batch.job_count - 1].labels = slice_of_text(labels[i]);
        rows[i].relations = labels[i][0] != '\0' ? RELATION_LABELS : 0;
        batcher_put(&batch, &rows[i], true);
    }
    batcher_commit(&batch, store);
    struct store_view *view = view_of(store);
    struct msg_listed listed = ask(view, (struct msg_list){.filter.tag = slice_of_text("red")});
    EXPECT_EQ(listed.count, 2);
    EXPECT_MEM(&page[0].job_id, &rows[2].id, sizeof page[0].job_id);
    EXPECT_MEM(&page[1].job_id, &rows[0].id, sizeof page[1].job_id);
    EXPECT_EQ(ask(view, (struct msg_list){.filter.tag = slice_of_text("re")}).count, 0);
    struct msg_status_is status;
    EXPECT_EQ(store_view_status(view, &rows[2].id, &status), OK);
    EXPECT(slice_is_text(status.labels, labels[2]));
    close_all(store, view);
}

TEST(list, a_page_examines_so_many_and_goes_on_from_its_cursor)
{
    enum { EXAMINED_MAX = 10000 };
    struct store *store = open_store();
    fill(store, JOBS);
    struct store_view *view = view_of(store);
    // No job has this type; every segment must be read.
    struct msg_list list = {.filter.type = slice_of_text("nobody")};
    struct msg_listed listed = ask(view, list);
    EXPECT_EQ(listed.count, 0);
    EXPECT_EQ(listed.cursor, JOBS - EXAMINED_MAX);
    list.cursor = listed.cursor;
    EXPECT_EQ(ask(view, list).cursor, 0);
    close_all(store, view);
}

// EXAMINED_MAX would let one page read all of them.
TEST(list, a_page_reads_so_many_bodies_and_goes_on_from_its_cursor)
{
    enum { BODY_BYTES_MAX = 64 * 1024 * 1024, COUNT = BODY_BYTES_MAX / MSG_PAYLOAD_LEN_MAX + 6 };
    static const uint8_t payload[MSG_PAYLOAD_LEN_MAX];
    struct store *store = open_store();
    for (unsigned i = 0; i < COUNT; i++) {
        batcher_begin(&batch);
        struct job_row row = batcher_submit(&batch, false);
        struct msg_submit_job *body = &batch.submits[batch.job_count - 1];
        body->labels = slice_of_text("\x0a\4blue");
        body->payload = (struct body){CONTENT_BYTES, slice_of(payload, sizeof payload)};
        row.relations = RELATION_LABELS;
        batcher_put(&batch, &row, true);
        batcher_commit(&batch, store);
    }
    struct store_view *view = view_of(store);
    struct msg_list list = {.filter.tag = slice_of_text("red"), .limit = 100};
    struct msg_listed listed = ask(view, list);
    // Each body is a little longer than its payload, so the 64th passes the limit.
    EXPECT_EQ(listed.cursor, COUNT - BODY_BYTES_MAX / MSG_PAYLOAD_LEN_MAX);
    list.cursor = listed.cursor;
    EXPECT_EQ(ask(view, list).cursor, 0);
    list.filter.tag = slice_of_text("blue");
    list.cursor = 0;
    listed = ask(view, list);
    EXPECT_EQ(listed.count, BODY_BYTES_MAX / MSG_PAYLOAD_LEN_MAX);
    list.cursor = listed.cursor;
    EXPECT_EQ(ask(view, list).count, 6);
    close_all(store, view);
}

TEST(list, stretches_without_the_wanted_state_are_not_read)
{
    struct store *store = open_store();
    fill(store, JOBS);
    struct store_view *view = view_of(store);
    // 12,000 rows would take two pages; dead ones are in two of the three segments.
    struct msg_listed listed = ask(view, (struct msg_list){.filter.states = 1u << JOB_DEAD});
    EXPECT_EQ(listed.count, 2);
    EXPECT_EQ(listed.cursor, 0);
    EXPECT_MEM(&page[0].job_id, &rows[10000].id, sizeof page[0].job_id);
    EXPECT_EQ(page[0].state, JOB_DEAD);
    EXPECT_MEM(&page[1].job_id, &rows[5000].id, sizeof page[1].job_id);
    EXPECT_EQ(ask(view, (struct msg_list){.filter.states = 1u << JOB_RUNNING}).count, 0);
    close_all(store, view);
}

TEST(list, tombstones_are_listed_only_when_asked_for)
{
    struct store *store = open_store();
    fill(store, 3);
    batcher_begin(&batch);
    rows[2].ended_as = JOB_QUEUED;
    batcher_move(&batch, &rows[2], JOB_REMOVED);
    batcher_put(&batch, &rows[2], false);
    batcher_commit(&batch, store);
    struct store_view *view = view_of(store);
    EXPECT_EQ(ask(view, (struct msg_list){0}).count, 2);
    struct msg_listed listed = ask(view, (struct msg_list){.filter.states = 1u << JOB_REMOVED});
    EXPECT_EQ(listed.count, 1);
    EXPECT_MEM(&page[0].job_id, &rows[2].id, sizeof page[0].job_id);
    close_all(store, view);
}

// The members of batch 1 are every tenth job from 2,000 to 5,000.
static struct batch_row fill_batch(struct store *store)
{
    fill(store, JOBS);
    struct batch_row row = {.id = batcher_id(9999, false, batch.now),
                            .no = 1,
                            .version = 1,
                            .first_no = 2000,
                            .last_no = 5000};
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_BATCH)->batch = row;
    for (uint64_t no = row.first_no; no <= row.last_no; no += 10) {
        rows[no].batch = 2;
        rows[no].version++;
        batcher_put(&batch, &rows[no], false);
    }
    batcher_commit(&batch, store);
    return row;
}

TEST(list, the_members_of_a_batch_are_looked_for_between_their_numbers)
{
    struct store *store = open_store();
    struct batch_row members = fill_batch(store);
    struct store_view *view = view_of(store);
    struct msg_list list = {.filter.batch_id = members.id, .limit = 1000};
    struct msg_listed listed = ask(view, list);
    EXPECT_EQ(listed.count, 301);
    EXPECT_EQ(listed.cursor, 0); // neither the jobs above nor those below were read
    EXPECT_MEM(&page[0].job_id, &rows[5000].id, sizeof page[0].job_id);
    EXPECT_MEM(&page[300].job_id, &rows[2000].id, sizeof page[0].job_id);
    list.limit = 300;
    list.cursor = ask(view, list).cursor;
    EXPECT_EQ(ask(view, list).count, 1);
    list = (struct msg_list){.filter.batch_id = members.id, .filter.states = 1u << JOB_DEAD};
    EXPECT_EQ(ask(view, list).count, 1); // 5,000
    list.filter.batch_id = rows[1].id;
    EXPECT_EQ(store_view_list(view, &list, page, &listed), OK);
    EXPECT_EQ(listed.error, ERR_NOT_FOUND);
    close_all(store, view);
}
