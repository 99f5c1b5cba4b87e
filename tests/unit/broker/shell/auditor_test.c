// The auditor's thread over a store and a live core: what it names, and that a sound broker is
// left alone. The test is the link thread.

// links: weft_broker_order weft_broker_store weft_broker_core weft_disk weft_link weft_proto

#include "broker/shell/auditor.h"

#include "broker/core/core_private.h"
#include "lib/sys/clock.h"
#include "tests/support/spoiler.h"

#include <poll.h>

enum { PATIENCE_MS = 60000 };

// A broker without doors.
struct place {
    struct store *store;
    struct store_view *view;
    struct core *core;
    struct wake wake;
    struct auditor *auditor;
    struct auditor_figures figures;
    uint64_t ring_count; // of the auditor's bell
    bool is_busy;        // commits go on, but not so many that they cost time
    when_ms committed_at;
    int64_t answer_after_us; // so long the first question waits
};

static struct limits small(void)
{
    struct limits limits = limits_default();
    limits.job_count_max = 1000;
    limits.key_count_max = 1000;
    limits.lane_count_max = 8;
    limits.policy_count_max = 8;
    limits.batch_count_max = 8;
    limits.worker_count_max = 16;
    limits.lease_count_max = 64;
    limits.serve_count_max = 64;
    limits.peer_count_max = 64;
    limits.changed_count_max = 2048;
    limits.send_count_max = 64;
    return limits;
}

// A core that has just started grants nothing: there is nobody to grant to.
static void begin_epoch(struct place *place)
{
    enum { ROOM = 64 };
    struct now now = {.mono = 1, .store = batch.now + 1};
    static struct write writes[ROOM];
    static struct send sends[ROOM];
    static struct grant_send grants[ROOM];
    static uint32_t changed[ROOM];
    static uint32_t bodies[ROOM];
    static uint8_t answers[4096];
    struct arena arena = {.data = answers, .cap = sizeof answers};
    struct effects effects = {.writes = writes,
                              .write_cap = ROOM,
                              .sends = sends,
                              .send_cap = ROOM,
                              .grants = grants,
                              .grant_cap = ROOM,
                              .changed = changed,
                              .changed_cap = ROOM,
                              .bodies = bodies,
                              .arena = &arena};
    core_start(place->core, now, &effects);
    uint64_t number = core_close(place->core, now, &effects);
    EXPECT_EQ(store_commit(place->store, effects.writes, effects.write_count), OK);
    core_settled(place->core, number);
}

// A store, spoiled or not, and the core that was loaded from it.
static struct place place_with(struct store *store, struct limits limits)
{
    struct place place = {.store = store};
    struct store_loaded loaded;
    EXPECT_EQ(store_view_open(store, &place.view), OK);
    struct known known = store_view_known(place.view);
    place.core = core_init(test_zeroed(core_size(&limits)), &limits, &known, test_seed());
    EXPECT_EQ(store_load(store, place.core, &loaded), OK);
    begin_epoch(&place);
    EXPECT_EQ(wake_open(&place.wake), OK);
    return place;
}

// Of the store of busy().
static struct place place_of(struct store *store)
{
    return place_with(store, small());
}

static void leave(struct place *place)
{
    auditor_close(place->auditor);
    wake_close(&place->wake);
    store_view_close(place->view);
    store_close(place->store);
}

static void commit_now_and_then(struct place *place)
{
    when_ms now = clock_mono_ms();
    if (!place->is_busy || now - place->committed_at < 1000)
        return;
    EXPECT_EQ(store_commit(place->store, NULL, 0), OK);
    place->committed_at = now;
}

// The auditor waits meanwhile.
static void hesitate(struct place *place)
{
    int64_t until = clock_mono_us() + place->answer_after_us;
    while (clock_mono_us() < until)
        continue;
    if (place->ring_count > 1) // the first one is asked before any moment of work
        place->answer_after_us = 0;
}

static void round_over(struct place *place)
{
    struct auditor_options options = {
        .store = place->store, .wake = &place->wake, .every_ms = 3600 * 1000};
    EXPECT_EQ(auditor_open(&options, &place->auditor), OK);
    auditor_hurry(place->auditor);
    struct pollfd bell = {.fd = place->wake.fd, .events = POLLIN};
    while (place->figures.round_count == 0) {
        EXPECT_EQ(poll(&bell, 1, PATIENCE_MS), 1);
        wake_clear(&place->wake);
        place->ring_count++;
        commit_now_and_then(place);
        hesitate(place);
        auditor_serve(place->auditor, place->core);
        if (auditor_has_news(place->auditor))
            auditor_figures(place->auditor, &place->figures);
    }
}

static void audit(struct place *place)
{
    round_over(place);
    EXPECT_EQ(place->figures.row_count, JOBS);
}

// Exactly these kinds were named.
static void expect_kinds(const struct place *place, const enum violation *kinds, size_t count)
{
    for (unsigned kind = 1; kind < VIOLATION_COUNT; kind++) {
        bool is_expected = false;
        for (size_t i = 0; i < count; i++)
            is_expected = is_expected || kinds[i] == kind;
        const char *slug = violation_slug((enum violation)kind);
        bool is_named = place->figures.violations[kind] > 0;
        EXPECT_STR(is_named ? slug : "", is_expected ? slug : "");
    }
}

TEST(auditor, a_sound_broker_is_left_alone)
{
    struct place place = place_of(busy());
    audit(&place);
    expect_kinds(&place, NULL, 0);
    EXPECT(place.figures.ended_at > 0);
    EXPECT(!auditor_has_news(place.auditor));
    leave(&place);
}

TEST(auditor, a_lost_lease_is_named)
{
    struct place place = place_of(busy());
    struct worker *worker = workers_at(&place.core->workers, 0);
    leases_drop(&place.core->leases, worker->leases, &worker->leases);
    audit(&place);
    enum violation kinds[] = {VIOLATION_LEASE_LOST, VIOLATION_MEMORY_COUNTS, VIOLATION_CREDIT};
    expect_kinds(&place, kinds, 3);
    leave(&place);
}

TEST(auditor, a_job_that_memory_has_forgotten_is_named)
{
    struct place place = place_of(busy());
    struct jobs *jobs = &place.core->ledger.jobs;
    uint32_t slot = jobs_find(jobs, &rows[12].id);
    wait_leave(place.core, slot);
    jobs_drop(jobs, slot);
    place.core->ledger.row.counts[JOB_QUEUED]--;
    place.core->ledger.row.accepted--;
    struct queue_row *queue = &place.core->ledger.queues.items[0].row;
    queue->counts[JOB_QUEUED]--;
    queue->accepted--;
    place.core->ledger.queues.tenant_open[queues_tenant(&place.core->ledger.queues, 0)]--;
    audit(&place);
    enum violation kinds[] = {VIOLATION_FORGOTTEN};
    expect_kinds(&place, kinds, 1);
    leave(&place);
}

TEST(auditor, a_queue_that_counts_wrong_is_named)
{
    struct place place = place_of(busy());
    place.core->ledger.queues.items[0].row.counts[JOB_DEAD]++;
    audit(&place);
    enum violation kinds[] = {VIOLATION_QUEUE_COUNTS};
    expect_kinds(&place, kinds, 1);
    leave(&place);
}

TEST(auditor, memory_and_store_that_disagree_are_named)
{
    struct place place = place_of(busy());
    struct jobs *jobs = &place.core->ledger.jobs;
    jobs_at(jobs, jobs_find(jobs, &rows[12].id))->fingerprint++;
    audit(&place);
    enum violation kinds[] = {VIOLATION_MEMORY_DIFFERS};
    expect_kinds(&place, kinds, 1);
    leave(&place);
}

TEST(auditor, a_key_that_memory_does_not_know_is_named)
{
    struct place place = place_of(busy());
    store_keymap_drop(&place.store->keymap, &rows[1].id, 1); // as it was committed
    store_keymap_drop(&place.store->keymap, &rows[1].id, 1); // and as it was loaded
    audit(&place);
    enum violation kinds[] = {VIOLATION_KEYMAP};
    expect_kinds(&place, kinds, 1);
    leave(&place);
}

TEST(auditor, a_spoiled_store_is_named_by_the_live_broker)
{
    struct store *store = busy();
    drop_id(store, TABLE_IDS, &rows[2].id);
    drop(store, TABLE_BODIES, 10);
    struct place place = place_of(store);
    audit(&place);
    enum violation kinds[] = {VIOLATION_ID_MISSING, VIOLATION_BODY_MISSING};
    expect_kinds(&place, kinds, 2);
    leave(&place);
}

TEST(auditor, one_that_is_off_asks_nothing)
{
    struct place place = place_of(busy());
    struct auditor_options options = {.store = place.store, .wake = &place.wake};
    EXPECT_EQ(auditor_open(&options, &place.auditor), OK);
    auditor_hurry(place.auditor);
    auditor_serve(place.auditor, place.core);
    EXPECT(!auditor_has_news(place.auditor));
    leave(&place);
}

TEST(auditor, stops_while_it_waits_for_an_answer)
{
    struct place place = place_of(busy());
    struct auditor_options options = {.store = place.store, .wake = &place.wake, .every_ms = 1000};
    EXPECT_EQ(auditor_open(&options, &place.auditor), OK);
    auditor_hurry(place.auditor);
    struct pollfd bell = {.fd = place.wake.fd, .events = POLLIN};
    EXPECT_EQ(poll(&bell, 1, PATIENCE_MS), 1);
    leave(&place);
}

TEST(auditor, one_question_is_about_so_many_rows)
{
    enum { MANY = 3 * STORE_SEGMENT_JOBS };
    struct store *store = store_in(test_temp_dir());
    struct limits limits = small();
    limits.job_count_max = MANY;
    batcher_init(&batch, 100);
    for (unsigned i = 0; i < MANY; i += 1024) {
        batcher_begin(&batch);
        for (unsigned n = 0; n < 1024; n++) {
            struct job_row row = batcher_submit(&batch, false);
            batcher_put(&batch, &row, true);
        }
        batcher_commit(&batch, store);
    }
    struct place place = place_with(store, limits);
    place.is_busy = true;
    round_over(&place);
    expect_kinds(&place, NULL, 0);
    EXPECT_EQ(place.figures.row_count, MANY);
    EXPECT(place.ring_count >= 2 * MANY / AUDITOR_ASK_MAX); // of the store, and of memory
    leave(&place);
}

// A moment of work that has lasted READ_US is over, and REST_MS keep the next one away.
TEST(auditor, rests_when_its_moment_is_over)
{
    enum { READ_US = 200 * 1000, REST_MS = 4000 };
    struct place place = place_of(busy());
    place.is_busy = true;
    place.answer_after_us = READ_US + 1;
    audit(&place);
    EXPECT(place.figures.round_seconds >= REST_MS / 1000);
    leave(&place);
}
