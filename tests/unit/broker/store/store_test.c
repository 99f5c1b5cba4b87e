// The store as the broker uses it: commit, load, views, the sweeper, the law.

#include "broker/store/store.h"
#include "lib/sys/failpoint.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

#include <sys/wait.h>
#include <unistd.h>

static struct batcher batch; // too large for a stack
static struct job_row rows[20000];

static err commit(struct store *store)
{
    batcher_close(&batch);
    return store_commit(store, batch.writes, batch.write_count);
}

// Submits `count` jobs, numbers them from rows[first number] on, and leaves them queued.
static void submit(struct store *store, uint32_t count, bool is_keyed)
{
    batcher_begin(&batch);
    for (uint32_t i = 0; i < count; i++) {
        struct job_row row = batcher_submit(&batch, is_keyed);
        rows[row.no] = row;
        batcher_put(&batch, &row, true);
    }
    EXPECT_EQ(commit(store), OK);
}

static void run(struct store *store, uint64_t no, size_t result_len)
{
    batcher_begin(&batch);
    batcher_grant(&batch, &rows[no]);
    batcher_finish(&batch, &rows[no], result_len);
    batcher_put(&batch, &rows[no], false);
    EXPECT_EQ(commit(store), OK);
}

static void remove_job(struct store *store, uint64_t no)
{
    batcher_begin(&batch);
    rows[no].ended_as = rows[no].state;
    batcher_move(&batch, &rows[no], JOB_REMOVED);
    batcher_write(&batch, DROP_BODY)->drop = rows[no];
    batcher_put(&batch, &rows[no], false);
    EXPECT_EQ(commit(store), OK);
}

static void forget_job(struct store *store, uint64_t no)
{
    batcher_begin(&batch);
    batcher_write(&batch, DROP_JOB)->drop = rows[no];
    EXPECT_EQ(commit(store), OK);
}

static struct store_figures figures_of(const struct store *store)
{
    struct store_figures figures = {0};
    store_figures(store, &figures);
    return figures;
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

static struct msg_status_is status_of(struct store_view *view, uint64_t no)
{
    struct msg_status_is status = {0};
    EXPECT_EQ(store_view_status(view, &rows[no].id, &status), OK);
    return status;
}

// --- a core to load into ---

static struct core *empty_core(struct store_view *view)
{
    struct limits limits = limits_default();
    limits.job_count_max = 20000;
    limits.key_count_max = 20000;
    limits.worker_count_max = 16;
    limits.lease_count_max = 1024;
    limits.serve_count_max = 64;
    limits.changed_count_max = 1024;
    limits.peer_count_max = 64;
    struct known known = store_view_known(view);
    return core_init(test_zeroed(core_size(&limits)), &limits, &known, 1);
}

static struct core_figures load(struct store *store, struct store_loaded *loaded)
{
    struct store_view *view = view_of(store);
    struct core *core = empty_core(view);
    EXPECT_EQ(store_load(store, core, loaded), OK);
    struct core_figures figures = {0};
    core_figures(core, &figures);
    store_view_close(view);
    return figures;
}

TEST(store, new_one_is_empty_and_keeps_its_lineage)
{
    batcher_init(&batch, 100);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    uint64_t lineage = store_lineage(store);
    struct ledger_row ledger = {.epoch = 5};
    EXPECT_EQ(store_ledger(store, &ledger), OK);
    EXPECT_EQ(ledger.epoch, 0);
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded).job_count, 0);
    EXPECT_EQ(store_commit(store, NULL, 0), OK);
    store_close(store);
    store = store_in(dir);
    EXPECT_EQ(store_lineage(store), lineage);
    EXPECT(lineage != 0);
    store_close(store);
    store = store_in(test_temp_dir());
    EXPECT(store_lineage(store) != lineage);
    store_close(store);
}

TEST(store, what_was_committed_is_loaded_after_a_restart)
{
    batcher_init(&batch, 100);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    for (unsigned i = 0; i < 10; i++)
        submit(store, 1000, i % 2 == 0);
    for (uint64_t no = 1; no <= 500; no++)
        run(store, no * 2, 10);
    EXPECT_EQ(figures_of(store).violations, 0);
    EXPECT_EQ(figures_of(store).commit_count, 510);
    store_close(store);

    store = store_in(dir);
    struct store_loaded loaded = {0};
    struct core_figures core = load(store, &loaded);
    EXPECT_EQ(loaded.job_count, 9500);
    EXPECT_EQ(loaded.key_count, 5000);
    EXPECT_EQ(loaded.damaged_count, 0);
    EXPECT_EQ(core.job_count, 9500);
    EXPECT_EQ(core.key_count, 5000);
    EXPECT_EQ(core.lane_count, 1);
    EXPECT_EQ(core.ledger.counts[JOB_SUCCEEDED], 500);
    EXPECT_EQ(core.ledger.digest, batch.ledger.digest);
    EXPECT_EQ(figures_of(store).violations, 0);
    store_close(store);
}

TEST(store, keyed_and_unkeyed_jobs_are_found_by_id_also_after_a_restart)
{
    batcher_init(&batch, 64);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    submit(store, 50, true);
    submit(store, 50, false);
    for (unsigned round = 0; round < 2; round++) {
        struct store_view *view = view_of(store);
        struct known known = store_view_known(view);
        for (uint64_t no = 1; no <= 100; no++) {
            struct job_row row = {0};
            EXPECT(known.by_id(known.ctx, &rows[no].id, &row));
            EXPECT_EQ(row.no, no);
            EXPECT(known.by_no(known.ctx, no, &row));
            EXPECT(id_equal(&row.id, &rows[no].id));
            EXPECT_EQ(status_of(view, no).state, JOB_QUEUED);
        }
        struct job_row row = {0};
        struct id strange = batcher_id(4711, round == 0, batch.now);
        EXPECT(!known.by_id(known.ctx, &strange, &row));
        EXPECT(!known.by_no(known.ctx, 101, &row));
        store_view_close(view);
        store_close(store);
        store = store_in(dir);
        struct store_loaded loaded = {0};
        (void)load(store, &loaded);
    }
    store_close(store);
}

TEST(store, body_comes_back_as_it_was_sent)
{
    batcher_init(&batch, 300);
    struct store *store = store_in(test_temp_dir());
    submit(store, 100, false);
    struct store_view *view = view_of(store);
    char expected[BATCHER_TEXT_LEN];
    for (uint64_t no = 1; no <= 100; no++) {
        struct msg_submit_job job = {0};
        EXPECT_EQ(store_view_body(view, no, &job), OK);
        batcher_text(no, expected, 300);
        EXPECT_EQ(job.payload.bytes.len, 300);
        EXPECT_MEM(job.payload.bytes.data, expected, 300);
        EXPECT(slice_is_text(job.queue, "default") && slice_is_text(job.type, "test"));
    }
    struct msg_submit_job job = {0};
    EXPECT_EQ(store_view_body(view, 101, &job), ERR_NOT_FOUND);
    store_view_close(view);
    store_close(store);
}

TEST(store, status_tells_the_whole_story)
{
    batcher_init(&batch, 64);
    struct store *store = store_in(test_temp_dir());
    submit(store, 3, false);
    run(store, 1, 20);
    run(store, 2, 0);
    struct store_view *view = view_of(store);
    struct msg_status_is status = status_of(view, 1);
    EXPECT_EQ(status.error, OK);
    EXPECT_EQ(status.state, JOB_SUCCEEDED);
    EXPECT_EQ(status.version, 3);
    EXPECT_EQ(status.attempt, 1);
    EXPECT_EQ(status.created_at, rows[1].accepted_at);
    EXPECT_EQ(status.started_at, rows[1].granted_at);
    EXPECT_EQ(status.ended_at, rows[1].ended_at);
    EXPECT_EQ(status.expires_at, rows[1].remove_at);
    EXPECT_EQ(status.dedup_until, rows[1].dedup_until);
    EXPECT(slice_is_text(status.queue, "default") && slice_is_text(status.type, "test"));
    EXPECT_EQ(status.result.bytes.len, 20);
    EXPECT_EQ(status_of(view, 2).result.content, CONTENT_NONE);
    EXPECT_EQ(status_of(view, 3).state, JOB_QUEUED);
    store_view_close(view);
    store_close(store);
}

// One outcome of job `no` by hand; the row moves to `to`.
static void finish_as(struct store *store, uint64_t no, struct msg_finish_job finish,
                      enum job_state to)
{
    batcher_begin(&batch);
    batcher_grant(&batch, &rows[no]);
    if (finish.outcome == OUTCOME_FAILED)
        rows[no].errors++;
    batch.finishes[0] = finish;
    batcher_write(&batch, WRITE_OUTCOME)->outcome =
        (struct write_outcome){.job_no = no, .finish = &batch.finishes[0]};
    batcher_move(&batch, &rows[no], to);
    batcher_put(&batch, &rows[no], false);
    EXPECT_EQ(commit(store), OK);
}

TEST(store, status_shows_the_last_failure_until_the_job_succeeds)
{
    batcher_init(&batch, 64);
    struct store *store = store_in(test_temp_dir());
    submit(store, 2, false);
    struct msg_finish_job failure = {.outcome = OUTCOME_FAILED,
                                     .error_kind = slice_of_text("exit"),
                                     .error_message = slice_of_text("code 1"),
                                     .error_detail = slice_of_text("stderr")};
    finish_as(store, 1, failure, JOB_RETRYING);
    finish_as(store, 2, failure, JOB_DEAD);
    struct store_view *view = view_of(store);
    struct msg_status_is status = status_of(view, 1);
    EXPECT(slice_is_text(status.failure.message, "code 1"));
    EXPECT(slice_is_text(status.failure.detail, "stderr"));
    EXPECT_EQ(status.attempt, 2);
    EXPECT_EQ(status_of(view, 2).attempt, 1);
    store_view_close(view);

    finish_as(store, 1, (struct msg_finish_job){.outcome = OUTCOME_SUCCEEDED}, JOB_SUCCEEDED);
    view = view_of(store);
    status = status_of(view, 1);
    EXPECT_EQ(status.failure.message.len, 0);
    EXPECT_EQ(status.result.bytes.len, 0);
    EXPECT_EQ(status.attempt, 2);
    store_view_close(view);
    store_close(store);
}

TEST(store, status_shows_progress_and_batch)
{
    batcher_init(&batch, 64);
    struct store *store = store_in(test_temp_dir());
    submit(store, 1, false);
    batcher_begin(&batch);
    struct batch_row members = {.id = batcher_id(900, false, batch.now),
                                .no = 4,
                                .version = 7,
                                .created_at = 5,
                                .counts = {[JOB_QUEUED] = 1}};
    batcher_write(&batch, WRITE_BATCH)->batch = members;
    rows[1].batch = 5;
    batcher_put(&batch, &rows[1], false);
    struct msg_progress progress = {.done = 3, .total = 9, .text = slice_of_text("third")};
    batcher_write(&batch, WRITE_PROGRESS)->progress =
        (struct write_progress){.job_no = 1, .progress = &progress};
    EXPECT_EQ(commit(store), OK);
    struct store_view *view = view_of(store);
    struct msg_status_is status = status_of(view, 1);
    EXPECT(id_equal(&status.batch_id, &members.id));
    EXPECT_EQ(status.progress_done, 3);
    EXPECT_EQ(status.progress_total, 9);
    EXPECT(slice_is_text(status.progress_text, "third"));
    struct msg_batch_status_is batch_status = {0};
    EXPECT_EQ(store_view_batch(view, &members.id, &batch_status), OK);
    EXPECT_EQ(batch_status.error, OK);
    EXPECT_EQ(batch_status.version, 7);
    EXPECT_EQ(batch_status.counts[JOB_QUEUED], 1);
    store_view_close(view);

    batcher_begin(&batch);
    batcher_write(&batch, DROP_BATCH)->batch = members;
    EXPECT_EQ(commit(store), OK);
    view = view_of(store);
    EXPECT_EQ(store_view_batch(view, &members.id, &batch_status), OK);
    EXPECT_EQ(batch_status.error, ERR_NOT_FOUND);
    status = status_of(view, 1);
    EXPECT(id_is_zero(&status.batch_id));
    store_view_close(view);
    store_close(store);
}

TEST(store, tombstone_is_gone_and_then_unknown)
{
    for (unsigned is_keyed = 0; is_keyed < 2; is_keyed++) {
        batcher_init(&batch, 64);
        const char *dir = test_temp_dir();
        struct store *store = store_in(dir);
        submit(store, 1, is_keyed == 1);
        run(store, 1, 20);
        remove_job(store, 1);
        struct store_view *view = view_of(store);
        EXPECT_EQ(status_of(view, 1).error, ERR_GONE);
        EXPECT_EQ(status_of(view, 1).state, JOB_REMOVED);
        EXPECT_EQ(status_of(view, 1).result.bytes.len, 0);
        struct msg_submit_job job = {0};
        EXPECT_EQ(store_view_body(view, 1, &job), ERR_NOT_FOUND);
        store_view_close(view);
        forget_job(store, 1);
        view = view_of(store);
        EXPECT_EQ(status_of(view, 1).error, ERR_NOT_FOUND);
        store_view_close(view);
        EXPECT_EQ(figures_of(store).violations, 0);
        store_close(store);
        store = store_in(dir);
        struct store_loaded loaded = {0};
        EXPECT_EQ(load(store, &loaded).ledger.counts[JOB_REMOVED], 1);
        EXPECT_EQ(loaded.key_count, 0);
        EXPECT_EQ(figures_of(store).violations, 0);
        store_close(store);
    }
}

TEST(store, job_dropped_without_a_tombstone_counts_as_removed)
{
    batcher_init(&batch, 64);
    struct store *store = store_in(test_temp_dir());
    submit(store, 1, false);
    run(store, 1, 20);
    batcher_begin(&batch);
    batcher_write(&batch, DROP_JOB)->drop = rows[1];
    batcher_move(&batch, &rows[1], JOB_REMOVED);
    EXPECT_EQ(commit(store), OK);
    EXPECT_EQ(figures_of(store).violations, 0);
    struct store_view *view = view_of(store);
    struct msg_submit_job job = {0};
    EXPECT_EQ(store_view_body(view, 1, &job), ERR_NOT_FOUND);
    store_view_close(view);
    store_close(store);
}

// --- the law ---

TEST(store, ledger_that_counts_wrong_is_seen)
{
    batcher_init(&batch, 64);
    struct store *store = store_in(test_temp_dir());
    submit(store, 10, false);
    EXPECT_EQ(figures_of(store).violations, 0);
    // A job changes its state and the ledger does not know.
    batcher_begin(&batch);
    rows[3].state = JOB_DEAD;
    batcher_put(&batch, &rows[3], false);
    EXPECT_EQ(commit(store), OK);
    EXPECT_EQ(figures_of(store).violations, 1);
    // The ledger counts a job that is not there.
    batcher_begin(&batch);
    batch.ledger.counts[JOB_QUEUED]++;
    batch.ledger.accepted++;
    EXPECT_EQ(commit(store), OK);
    EXPECT_EQ(figures_of(store).violations, 2);
    // Accepted and the sum of the states part.
    batcher_begin(&batch);
    batch.ledger.accepted++;
    EXPECT_EQ(commit(store), OK);
    EXPECT_EQ(figures_of(store).violations, 3);
    // A batch that writes without saying what the ledger has become.
    batcher_begin(&batch);
    batcher_put(&batch, &rows[4], false);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
    EXPECT_EQ(figures_of(store).violations, 4);
    store_close(store);
}

TEST(store, ledger_that_disagrees_with_the_segments_is_seen_at_start)
{
    batcher_init(&batch, 64);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    submit(store, 10, false);
    batcher_begin(&batch);
    batch.ledger.counts[JOB_QUEUED]--;
    batch.ledger.counts[JOB_DEAD]++;
    EXPECT_EQ(commit(store), OK);
    store_close(store);
    store = store_in(dir);
    EXPECT_EQ(figures_of(store).violations, 1);
    store_close(store);
}

TEST(store, batch_larger_than_the_map_is_tried_again_in_a_larger_one)
{
    const char *dir = test_temp_dir();
    struct store_options options = {.dir = dir,
                                    .map_start_bytes = 1 << 20,
                                    .map_bytes_max = 64 << 20,
                                    .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    batcher_init(&batch, BATCHER_TEXT_LEN);
    submit(store, 1900, true); // about 1.5 MB, twice
    submit(store, 1900, false);
    EXPECT_EQ(figures_of(store).violations, 0);
    EXPECT_EQ(figures_of(store).commit_count, 2);
    EXPECT(figures_of(store).map_bytes > 2 << 20);
    struct store_view *view = view_of(store);
    EXPECT_EQ(status_of(view, 1900).error, OK);
    EXPECT_EQ(status_of(view, 3800).error, OK);
    store_view_close(view);
    store_close(store);
    store = store_in(dir);
    struct store_loaded loaded = {0};
    EXPECT_EQ(load(store, &loaded).job_count, 3800);
    EXPECT_EQ(loaded.key_count, 1900);
    store_close(store);
}

// --- the sweeper ---

static uint32_t sweep_all(struct store *store, when_ms now, uint64_t *job_nos, uint32_t cap)
{
    struct store_view *view = view_of(store);
    uint32_t total = 0;
    uint32_t count = 1;
    while (count > 0 && total < cap) {
        uint32_t room = cap - total < 64 ? cap - total : 64;
        EXPECT_EQ(store_view_sweep(view, now, job_nos + total, room, &count), OK);
        total += count;
    }
    store_view_close(view);
    return total;
}

TEST(store, sweeper_finds_what_is_due_and_nothing_else)
{
    batcher_init(&batch, 16);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    for (unsigned i = 0; i < 10; i++)
        submit(store, 1000, false);
    static uint64_t found[10000];
    EXPECT_EQ(sweep_all(store, WHEN_NEVER - 1, found, 10000), 0);
    for (uint64_t no = 100; no <= 9900; no += 100)
        run(store, no, 0);
    when_ms first = rows[100].remove_at;
    when_ms last = rows[9900].remove_at;
    for (unsigned round = 0; round < 2; round++) {
        EXPECT_EQ(sweep_all(store, first - 1, found, 10000), 0);
        EXPECT_EQ(sweep_all(store, first, found, 10000), 1);
        EXPECT_EQ(found[0], 100);
        EXPECT_EQ(sweep_all(store, last, found, 10000), 99);
        for (uint64_t i = 0; i < 99; i++)
            EXPECT_EQ(found[i], (i + 1) * 100);
        store_close(store);
        store = store_in(dir);
    }
    for (uint64_t no = 100; no <= 9900; no += 100)
        remove_job(store, no);
    EXPECT_EQ(sweep_all(store, last, found, 10000), 0);
    EXPECT_EQ(sweep_all(store, rows[9900].dedup_until, found, 10000), 99);
    for (uint64_t no = 100; no <= 9900; no += 100)
        forget_job(store, no);
    EXPECT_EQ(sweep_all(store, WHEN_NEVER - 1, found, 10000), 0);
    EXPECT_EQ(figures_of(store).violations, 0);
    store_close(store);
}

TEST(store, sweeper_that_looked_too_early_looks_again)
{
    batcher_init(&batch, 16);
    struct store *store = store_in(test_temp_dir());
    submit(store, 3, false);
    run(store, 1, 0);
    uint64_t found[4] = {0};
    struct store_view *view = view_of(store);
    uint32_t count = 9;
    // Walked and found nothing: the moment is raised to that of job 1 …
    EXPECT_EQ(store_view_sweep(view, rows[1].remove_at - 1, found, 4, &count), OK);
    EXPECT_EQ(count, 0);
    // … but a commit after the snapshot brings job 2, due earlier.
    batcher_begin(&batch);
    batcher_grant(&batch, &rows[2]);
    batcher_finish(&batch, &rows[2], 0);
    rows[2].remove_at = rows[1].remove_at - 1000;
    batcher_put(&batch, &rows[2], false);
    EXPECT_EQ(commit(store), OK);
    EXPECT_EQ(store_view_sweep(view, rows[2].remove_at, found, 4, &count), OK);
    EXPECT_EQ(count, 0); // not in this snapshot
    store_view_close(view);
    EXPECT_EQ(sweep_all(store, rows[2].remove_at, found, 4), 1);
    EXPECT_EQ(found[0], 2);
    store_close(store);
}

// --- crashes ---

TEST(store, killed_in_the_middle_of_a_commit_keeps_every_settled_batch)
{
    for (unsigned point = 0; point < 2; point++) {
        const char *dir = test_temp_dir();
        pid_t child = fork(); // this process has no store open
        EXPECT(child >= 0);
        if (child == 0) {
            (void)setenv("WEFT_FAILPOINT",
                         point == 0 ? "store.before_commit:4" : "store.after_commit:4", 1);
            err e = failpoint_init();
            batcher_init(&batch, 100);
            struct store_options options = {.dir = dir, .allow_unsafe_place = true};
            struct store *store = NULL;
            const char *why = NULL;
            if (e != OK || store_open(&options, &store, &why) != OK)
                _exit(1);
            for (unsigned i = 0; i < 10; i++)
                submit(store, 100, false);
            _exit(2);
        }
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct store *store = store_in(dir);
        struct store_loaded loaded = {0};
        EXPECT_EQ(load(store, &loaded).ledger.accepted, point == 0 ? 300 : 400);
        EXPECT_EQ(loaded.job_count, point == 0 ? 300 : 400);
        EXPECT_EQ(figures_of(store).violations, 0);
        store_close(store);
    }
}

TEST(store, recovery_twice_is_recovery_once)
{
    batcher_init(&batch, 64);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    submit(store, 500, true);
    store_close(store);
    uint64_t digest = 0;
    for (unsigned round = 0; round < 3; round++) {
        store = store_in(dir);
        struct store_loaded loaded = {0};
        struct core_figures core = load(store, &loaded);
        EXPECT_EQ(loaded.job_count, 500);
        EXPECT(round == 0 || core.ledger.digest == digest);
        digest = core.ledger.digest;
        store_close(store);
    }
}
