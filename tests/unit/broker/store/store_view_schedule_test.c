// Schedules in the store: given once, changed in place, listed by name, loaded at start.
// links: weft_broker_store weft_broker_core weft_disk

#include "broker/store/store.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack

static struct msg_submit_job job = {.queue = {(const uint8_t *)"q", 1},
                                    .type = {(const uint8_t *)"t", 1},
                                    .priority = MSG_PRIORITY_NOT_GIVEN,
                                    .payload = {CONTENT_JSON, {(const uint8_t *)"{}", 2}}};

static void commit(struct store *store, enum write_kind kind, const char *name, when_ms last_at,
                   const struct msg_schedule *given)
{
    batcher_begin(&batch);
    batcher_write(&batch, kind)->schedule =
        (struct write_schedule){.row = {.name = slice_of_text(name),
                                        .state = {.generation = 1, .last_at = last_at},
                                        .overlap = OVERLAP_SKIP},
                                .given = given};
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
}

static void give(struct store *store, const char *name)
{
    struct msg_schedule given = {.schedule_id = slice_of_text(name),
                                 .cron = slice_of_text("@daily"),
                                 .zone = slice_of_text("UTC"),
                                 .jobs = &job,
                                 .job_count = 1};
    commit(store, WRITE_SCHEDULE, name, 0, &given);
}

static struct store_view *view_of(struct store *store)
{
    struct store_view *view = NULL;
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    return view;
}

TEST(store_view_schedule, moments_change_the_row_and_nothing_else)
{
    batcher_init(&batch, 10);
    struct store *store = store_in(test_temp_dir());
    give(store, "a");
    commit(store, WRITE_SCHEDULE, "a", 77, NULL);
    struct store_view *view = view_of(store);
    struct store_schedule schedule;
    EXPECT_EQ(store_view_schedule(view, slice_of_text("a"), &schedule), OK);
    EXPECT_EQ(schedule.row.state.last_at, 77);
    EXPECT(slice_is_text(schedule.given.cron, "@daily"));
    EXPECT(slice_is_text(schedule.job.type, "t"));
    EXPECT(schedule.given.jobs == &schedule.job);
    EXPECT_EQ(store_view_schedule(view, slice_of_text("b"), &schedule), ERR_NOT_FOUND);
    store_view_close(view);
    store_close(store);
}

TEST(store_view_schedule, the_longest_name_is_a_key)
{
    char name[MSG_NAME_LEN_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    name[MSG_NAME_LEN_MAX] = '\0';
    batcher_init(&batch, 10);
    struct store *store = store_in(test_temp_dir());
    give(store, name);
    struct store_view *view = view_of(store);
    struct store_schedule schedule;
    EXPECT_EQ(store_view_schedule(view, slice_of_text(name), &schedule), OK);
    EXPECT_EQ(store_view_schedule_after(view, slice_of_text("a"), &schedule), OK);
    store_view_close(view);
    store_close(store);
}

TEST(store_view_schedule, kept_copy_outlives_the_snapshot)
{
    batcher_init(&batch, 10);
    struct store *store = store_in(test_temp_dir());
    give(store, "a");
    struct store_view *view = view_of(store);
    _Alignas(16) uint8_t room[512];
    struct arena arena = {.data = room, .cap = sizeof room};
    struct store_schedule schedule;
    EXPECT_EQ(store_view_schedule_kept(view, slice_of_text("a"), &arena, &schedule), OK);
    store_view_end(view);
    EXPECT(slice_is_text(schedule.job.payload.bytes, "{}"));
    EXPECT(schedule.job.payload.bytes.data >= room);
    EXPECT_EQ(store_view_begin(view), OK);
    arena = (struct arena){.data = room, .cap = 64};
    EXPECT_EQ(store_view_schedule_kept(view, slice_of_text("a"), &arena, &schedule), ERR_NO_MEMORY);
    store_view_close(view);
    store_close(store);
}

TEST(store_view_schedule, list_goes_by_name)
{
    batcher_init(&batch, 10);
    struct store *store = store_in(test_temp_dir());
    give(store, "b");
    give(store, "a.1");
    give(store, "c");
    commit(store, DROP_SCHEDULE, "b", 0, NULL);
    commit(store, DROP_SCHEDULE, "b", 0, NULL); // it has been
    struct store_view *view = view_of(store);
    struct store_schedule schedule;
    EXPECT_EQ(store_view_schedule_after(view, (struct slice){0}, &schedule), OK);
    EXPECT(slice_is_text(schedule.row.name, "a.1"));
    EXPECT_EQ(store_view_schedule_after(view, slice_of_text("a.1"), &schedule), OK);
    EXPECT(slice_is_text(schedule.row.name, "c"));
    EXPECT_EQ(store_view_schedule_after(view, slice_of_text("c"), &schedule), ERR_NOT_FOUND);
    EXPECT_EQ(store_view_schedule_after(view, slice_of_text("b"), &schedule), OK);
    EXPECT(slice_is_text(schedule.row.name, "c"));
    store_view_close(view);
    store_close(store);
}

TEST(store_view_schedule, start_gives_them_to_the_core)
{
    batcher_init(&batch, 10);
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    give(store, "a");
    commit(store, WRITE_SCHEDULE, "a", 77, NULL);
    store_close(store);
    store = store_in(dir);
    struct limits limits = limits_default();
    limits.job_count_max = 100;
    limits.key_count_max = 100;
    void *memory = test_zeroed(core_size(&limits));
    struct store_view *view = view_of(store);
    struct known known = store_view_known(view);
    struct core *core = core_init(memory, &limits, &known, 1);
    struct store_loaded loaded;
    EXPECT_EQ(store_load(store, core, &loaded), OK);
    struct schedule_row row;
    EXPECT(core_schedule(core, slice_of_text("a"), &row));
    EXPECT_EQ(row.state.last_at, 77);
    EXPECT(!core_schedule(core, slice_of_text("b"), &row));
    store_view_close(view);
    store_close(store);
}
