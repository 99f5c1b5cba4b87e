// A job's timeline as a reader sees it: what its row tells around the events.
// links: weft_broker_store weft_broker_core

#include "broker/core/job.h"
#include "broker/store/store.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack
static struct msg_timeline_event room[STORE_EVENTS_ROOM];

static struct job_row submit(struct store *store)
{
    batcher_init(&batch, 8);
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    return row;
}

static void grant(struct store *store, struct job_row *row)
{
    batcher_begin(&batch);
    batcher_grant(&batch, row);
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

// The attempt ends with its lease: back to the queue.
static void end_lease(struct store *store, struct job_row *row)
{
    batcher_begin(&batch);
    row->crashes++;
    row->token_use = TOKEN_EXPIRED;
    batcher_move(&batch, row, JOB_QUEUED);
    batcher_write(&batch, WRITE_EVENT)->event =
        (struct write_event){.job_no = row->no,
                             .row = {.seq = ++row->event_count,
                                     .version = row->version,
                                     .attempt = row->crashes,
                                     .at = batch.now,
                                     .granted_at = row->granted_at,
                                     .token = row->token,
                                     .worker = row->worker,
                                     .event = JOB_RETURN,
                                     .state = JOB_QUEUED,
                                     .outcome = OUTCOME_CRASHED,
                                     .reason = slice_of_text("the lease passed")}};
    row->worker = (struct id){{0}};
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

// What comes late has an event without a worker.
static void succeed_late(struct store *store, struct job_row *row)
{
    batcher_begin(&batch);
    batcher_finish(&batch, row, 0);
    batcher_write(&batch, WRITE_EVENT)->event =
        (struct write_event){.job_no = row->no,
                             .row = {.seq = ++row->event_count,
                                     .version = row->version,
                                     .at = batch.now,
                                     .granted_at = row->granted_at,
                                     .token = row->token,
                                     .event = JOB_SUCCEED,
                                     .state = JOB_SUCCEEDED,
                                     .outcome = OUTCOME_SUCCEEDED}};
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

static void succeed(struct store *store, struct job_row *row)
{
    batcher_begin(&batch);
    batcher_finish(&batch, row, 0);
    batcher_put(&batch, row, false);
    batcher_commit(&batch, store);
}

static struct msg_timeline_is timeline_of(struct store *store, const struct id *id)
{
    struct store_view *view = NULL;
    struct msg_timeline_is is = {0};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(store_view_timeline(view, id, room, &is), OK);
    store_view_end(view);
    store_view_close(view);
    return is;
}

// The events by name, one word each.
static const char *names_of(const struct msg_timeline_is *is)
{
    static char text[512];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < is->event_count; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i > 0 ? " " : "",
                             (int)is->events[i].event.len, (const char *)is->events[i].event.data);
    return text;
}

TEST(store_timeline, plain_course_is_told_by_the_row)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit");
    EXPECT_EQ(is.events[0].at, row.accepted_at);
    EXPECT_EQ(is.state, JOB_QUEUED);
    grant(store, &row);
    is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant");
    EXPECT_EQ(is.events[1].at, row.granted_at);
    EXPECT_EQ(is.events[1].token, row.token);
    EXPECT_EQ(is.events[1].attempt, 1);
    EXPECT(id_equal(&is.events[1].worker_id, &row.worker));
    succeed(store, &row);
    is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant succeed");
    EXPECT_EQ(is.events[2].at, row.ended_at);
    EXPECT_EQ(is.events[2].state, JOB_SUCCEEDED);
    EXPECT_EQ(is.events[2].outcome, OUTCOME_SUCCEEDED);
    EXPECT_EQ(is.version, row.version);
    EXPECT_EQ(is.dropped, 0);
    store_close(store);
}

TEST(store_timeline, each_attempt_is_told_with_its_grant)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    grant(store, &row);
    end_lease(store, &row);
    grant(store, &row);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant return grant");
    EXPECT(slice_is_text(is.events[2].reason, "the lease passed"));
    EXPECT(is.events[1].token < is.events[3].token);
    EXPECT_EQ(is.events[3].attempt, 2);
    succeed(store, &row);
    is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant return grant succeed");
    store_close(store);
}

TEST(store_timeline, late_success_is_told_once_and_by_whom)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    grant(store, &row);
    struct id worker = row.worker;
    end_lease(store, &row);
    succeed_late(store, &row);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant return succeed");
    EXPECT(id_equal(&is.events[3].worker_id, &worker));
    EXPECT_EQ(is.events[3].attempt, 1);
    store_close(store);
}

TEST(store_timeline, long_one_says_how_much_is_left_out)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    for (unsigned i = 0; i < 100; i++) {
        grant(store, &row);
        end_lease(store, &row);
    }
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_EQ(is.dropped, 36);
    EXPECT_EQ(is.event_count, 1 + 2 * 64);
    store_close(store);
}

TEST(store_timeline, unknown_and_removed_jobs_have_none)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    EXPECT_EQ(timeline_of(store, &(struct id){{1}}).error, ERR_NOT_FOUND);
    grant(store, &row);
    succeed(store, &row);
    batcher_begin(&batch);
    batcher_move(&batch, &row, JOB_REMOVED);
    batcher_write(&batch, DROP_BODY)->drop = row;
    batcher_put(&batch, &row, false);
    batcher_commit(&batch, store);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_EQ(is.error, ERR_GONE);
    EXPECT_EQ(is.event_count, 0);
    store_close(store);
}

// A job that tells of the end of `parent`, with `ends` attempts that failed.
static void deliver(struct store *store, const struct job_row *parent, uint32_t ends)
{
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_LANE)->lane = (struct lane_row){
        .no = 1, .queue = slice_of_text(HOOK_QUEUE), .type = slice_of_text("webhook")};
    struct job_row row = batcher_submit(&batch, false);
    struct msg_submit_job *body = &batch.submits[0];
    body->after = (struct msg_ids){.items = &parent->id, .count = 1};
    row.id = id_v7(parent->ended_at, id_slot(&parent->id), row.no);
    row.lane = 1;
    batcher_put(&batch, &row, true);
    batcher_commit(&batch, store);
    for (uint32_t i = 0; i < ends; i++) {
        grant(store, &row);
        end_lease(store, &row);
    }
}

TEST(store_timeline, attempts_to_tell_of_the_end_stand_behind_it)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    grant(store, &row);
    succeed(store, &row);
    deliver(store, &row, 2);
    deliver(store, &row, 1);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_STR(names_of(&is), "submit grant succeed deliver deliver deliver");
    for (uint32_t i = 3; i < is.event_count; i++) {
        EXPECT_EQ(is.events[i].outcome, OUTCOME_CRASHED);
        EXPECT_EQ(is.events[i].state, JOB_SUCCEEDED);
        EXPECT(is.events[i].at >= is.events[i - 1].at);
        EXPECT(!id_is_zero(&is.events[i].delivery_id));
    }
    EXPECT(id_equal(&is.events[3].delivery_id, &is.events[4].delivery_id));
    EXPECT(!id_equal(&is.events[4].delivery_id, &is.events[5].delivery_id));
    EXPECT_EQ(is.dropped, 0);
    store_close(store);
}

TEST(store_timeline, what_there_is_no_place_for_is_counted)
{
    struct store *store = store_in(test_temp_dir());
    struct job_row row = submit(store);
    grant(store, &row);
    succeed(store, &row);
    for (uint32_t i = 0; i < 5; i++)
        deliver(store, &row, 60);
    struct msg_timeline_is is = timeline_of(store, &row.id);
    EXPECT_EQ(is.event_count, MSG_EVENTS_MAX);
    EXPECT_EQ(is.event_count + is.dropped, 3 + 5 * 60);
    store_close(store);
}
