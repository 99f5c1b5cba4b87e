// A commit thread, status readers and the sweeper at once, while the map grows under them.

#include "broker/store/store.h"
#include "tests/support/batcher.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BATCHES = 150, BATCH_JOBS = 20, JOBS = BATCHES * BATCH_JOBS };

static struct batcher batch;
static struct job_row rows[JOBS + 1];
static struct id ids[JOBS + 1]; // written before `settled` says so
static _Atomic uint64_t settled;
static _Atomic uint32_t committed; // batches

static err commit_one(struct store *store)
{
    uint64_t done = atomic_load(&settled);
    batcher_begin(&batch);
    for (uint64_t i = 1; i <= BATCH_JOBS && done > 0; i++) {
        struct job_row *row = &rows[done - BATCH_JOBS + i];
        batcher_grant(&batch, row);
        batcher_finish(&batch, row, 30);
        batcher_put(&batch, row, false);
    }
    for (uint64_t i = 1; i <= BATCH_JOBS; i++) {
        struct job_row row = batcher_submit(&batch, i % 2 == 0);
        rows[row.no] = row;
        ids[row.no] = row.id;
        batcher_put(&batch, &row, true);
    }
    batcher_close(&batch);
    return store_commit(store, batch.writes, batch.write_count);
}

static void *commit_all(void *ctx)
{
    for (uint32_t i = 0; i < BATCHES; i++) {
        if (commit_one(ctx) != OK)
            break;
        atomic_fetch_add(&settled, BATCH_JOBS);
        atomic_fetch_add(&committed, 1);
    }
    return NULL;
}

struct reader {
    struct store *store;
    uint64_t seed;
    uint32_t seen[JOBS + 1]; // the latest version of each job that this reader saw
    uint64_t answers;
    uint64_t wrong;
};

static bool answer_is_right(struct reader *reader, struct store_view *view, uint64_t no)
{
    struct msg_status_is status;
    if (store_view_status(view, &ids[no], &status) != OK || status.error != OK)
        return false;
    bool is_newer = status.version >= reader->seen[no];
    reader->seen[no] = status.version;
    return is_newer && (status.state == JOB_QUEUED) == (status.version == 1);
}

static void *read_all(void *ctx)
{
    struct reader *reader = ctx;
    struct prng prng = prng_of(reader->seed);
    struct store_view *view = NULL;
    reader->wrong += store_view_open(reader->store, &view) != OK;
    while (reader->wrong == 0 && atomic_load(&committed) < BATCHES) {
        uint64_t known = atomic_load(&settled); // everything up to here was acknowledged
        if (known == 0)
            continue;
        if (store_view_begin(view) != OK) {
            reader->wrong++;
            break;
        }
        for (unsigned i = 0; i < 50 && reader->wrong == 0; i++) {
            uint64_t no = prng_below(&prng, known) + 1;
            reader->wrong += !answer_is_right(reader, view, no);
            reader->answers++;
        }
        store_view_end(view);
    }
    store_view_close(view);
    return NULL;
}

static void *sweep_all(void *ctx)
{
    struct reader *reader = ctx;
    struct store_view *view = NULL;
    reader->wrong += store_view_open(reader->store, &view) != OK;
    while (reader->wrong == 0 && atomic_load(&committed) < BATCHES) {
        uint64_t job_nos[64];
        uint32_t count = 0;
        if (store_view_begin(view) != OK) {
            reader->wrong++;
            break;
        }
        // Everything finished is due at the end of time; nothing else is.
        reader->wrong += store_view_sweep(view, WHEN_NEVER - 1, job_nos, 64, &count) != OK;
        for (uint32_t i = 0; i < count; i++)
            reader->wrong += job_nos[i] == 0 || job_nos[i] > JOBS;
        reader->answers += count;
        store_view_end(view);
    }
    store_view_close(view);
    return NULL;
}

TEST(store_threads, readers_see_what_was_acknowledged_and_never_go_back)
{
    struct store_options options = {.dir = test_temp_dir(),
                                    .map_start_bytes = 1 << 20,
                                    .map_bytes_max = 64 << 20,
                                    .allow_unsafe_place = true};
    const char *why = NULL;
    struct store *store = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    batcher_init(&batch, 400);
    atomic_store(&settled, 0);
    atomic_store(&committed, 0);
    static struct reader readers[3];
    pthread_t threads[4];
    for (unsigned i = 0; i < 3; i++) {
        readers[i] = (struct reader){.store = store, .seed = test_seed() + i};
        EXPECT_EQ(pthread_create(&threads[i], NULL, i < 2 ? read_all : sweep_all, &readers[i]), 0);
    }
    EXPECT_EQ(pthread_create(&threads[3], NULL, commit_all, store), 0);
    EXPECT_EQ(pthread_join(threads[3], NULL), 0);
    atomic_store(&committed, BATCHES); // also when the writer gave up
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(atomic_load(&settled), JOBS);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQ(readers[i].wrong, 0);
        EXPECT(readers[i].answers > 0);
    }
    struct store_figures figures = {0};
    store_figures(store, &figures);
    EXPECT_EQ(figures.violations, 0);
    EXPECT_EQ(figures.damaged, 0);
    EXPECT(figures.map_bytes > 1 << 20);
    store_close(store);
}
