// The ledger and what is stored: looking up, refusing, loading.

#include "broker/core/ledger.h"

#include "tests/support/test.h"

#include <stdlib.h>

struct bench {
    struct ledger ledger;
    void *memory;
    struct job_row stored; // what the store knows, if its number is not 0
};

static bool by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    const struct bench *bench = ctx;
    if (bench->stored.no == 0 || !id_equal(&bench->stored.id, id))
        return false;
    *out_row = bench->stored;
    return true;
}

static bool by_no(void *ctx, uint64_t no, struct job_row *out_row)
{
    const struct bench *bench = ctx;
    if (no == 0 || bench->stored.no != no)
        return false;
    *out_row = bench->stored;
    return true;
}

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static struct id key_of(uint8_t number)
{
    uint8_t hash[16] = {[15] = number};
    return id_v8(0, hash);
}

static struct lane_row lane(uint16_t no)
{
    return (struct lane_row){
        .no = no, .queue = slice_of_text("q"), .type = slice_of_text(no == 0 ? "t" : "u")};
}

// A ledger with lane 0, policy 0 and batch 1 (0 is a gap), numbers below 100 given.
static struct bench *make(void)
{
    struct limits limits = {.job_count_max = 4,
                            .key_count_max = 2,
                            .tenant_count_max = 1,
                            .queue_count_max = 1,
                            .type_count_max = 2,
                            .lane_count_max = 2,
                            .concurrency_key_count_max = 4,
                            .key_running_max = 1,
                            .policy_count_max = 3,
                            .unique_count_max = 4,
                            .dependency_count_max = 4,
                            .batch_count_max = 3,
                            .schedule_count_max = 2,
                            .endpoint_count_max = 4,
                            .lease_count_max = 2,
                            .changed_count_max = 1};
    struct bench *bench = calloc(1, sizeof *bench);
    EXPECT(bench != NULL);
    bench->memory = aligned_alloc(64, ledger_size(&limits));
    EXPECT(bench->memory != NULL);
    memset(bench->memory, 0, ledger_size(&limits));
    struct known known = {.ctx = bench, .by_id = by_id, .by_no = by_no};
    ledger_init(&bench->ledger, bench->memory, &limits, &known, 1);
    struct policy policy = {.keep_s = 2, .dedup_s = 3};
    struct lane_row first = lane(0);
    struct batch_row batch = {.id = id_of(90), .no = 1};
    struct ledger_row row = {.job_no_next = 100, .epoch = 4};
    EXPECT_EQ(ledger_load_row(&bench->ledger, &row), OK);
    EXPECT_EQ(ledger_load_lane(&bench->ledger, &first), OK);
    EXPECT_EQ(policies_load(&bench->ledger.policies, 0, &policy), OK);
    EXPECT_EQ(batches_load(&bench->ledger.batches, &batch), OK);
    return bench;
}

static void drop(struct bench *bench)
{
    free(bench->memory);
    free(bench);
}

static struct job_row row_of(uint32_t number)
{
    return (struct job_row){.id = id_of(number),
                            .no = number,
                            .token = (uint64_t)3 << 40 | 7,
                            .fingerprint = 11,
                            .accepted_at = 1000,
                            .due_at = 2000,
                            .granted_at = 1500,
                            .dedup_until = 4000,
                            .version = 5,
                            .interruptions = 6,
                            .batch = 2,
                            .body_len = 8,
                            .errors = 1,
                            .crashes = 2,
                            .state = JOB_RETRYING,
                            .priority = 9,
                            .token_use = TOKEN_FINISHED};
}

TEST(ledger_store, a_loaded_row_is_read_back_as_it_was)
{
    struct bench *bench = make();
    struct job_row row = row_of(1);
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), OK);
    struct ledger_view view = ledger_lookup(&bench->ledger, &row.id);
    EXPECT(view.is_known && view.slot != JOBS_NONE);
    EXPECT_MEM(&view.row, &row, sizeof row);
    row = row_of(2);
    row.state = JOB_RUNNING;
    row.token_use = TOKEN_OPEN;
    row.worker = id_of(50);
    row.lease_ms = 30;
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), OK);
    view = ledger_lookup(&bench->ledger, &row.id);
    EXPECT_MEM(&view.row, &row, sizeof row);
    drop(bench);
}

static err load(const struct job_row *row)
{
    struct bench *bench = make();
    err loaded = ledger_load_job(&bench->ledger, row);
    EXPECT_EQ(bench->ledger.jobs.count, loaded == OK);
    drop(bench);
    return loaded;
}

#define EXPECT_REFUSED(field, value)                                                               \
    do {                                                                                           \
        struct job_row bad = row_of(1);                                                            \
        bad.field = (value);                                                                       \
        EXPECT_EQ(load(&bad), ERR_DAMAGED);                                                        \
    } while (0)

TEST(ledger_store, a_row_that_contradicts_what_was_loaded_is_damaged)
{
    struct job_row good = row_of(1);
    EXPECT_EQ(load(&good), OK);
    EXPECT_REFUSED(no, 0);
    EXPECT_REFUSED(no, 100); // never given
    EXPECT_REFUSED(lane, 1);
    EXPECT_REFUSED(policy, 1);
    EXPECT_REFUSED(batch, 1); // a gap
    EXPECT_REFUSED(batch, 3); // never given
    EXPECT_REFUSED(state, JOB_NONE);
    EXPECT_REFUSED(state, JOB_STATES);
    EXPECT_REFUSED(state, JOB_SUCCEEDED); // ended jobs are not loaded
    EXPECT_REFUSED(priority, MSG_PRIORITY_MAX + 1);
    EXPECT_REFUSED(body_len, JOB_BODY_LEN_MAX + 1); // more than a job in memory can say
    EXPECT_REFUSED(accepted_at, JOB_ACCEPTED_AT_MAX + 1);
    EXPECT_REFUSED(accepted_at, -1);
    EXPECT_REFUSED(state, JOB_RUNNING);    // its token is not open
    EXPECT_REFUSED(token_use, TOKEN_OPEN); // and it does not run
    EXPECT_REFUSED(worker, id_of(50));     // who holds it, then?
    EXPECT_REFUSED(token, 0);              // it has been granted, its counters say
    struct job_row fresh = {.id = id_of(1), .no = 1, .state = JOB_QUEUED};
    EXPECT_EQ(load(&fresh), OK);
    struct job_row running = row_of(1);
    running.state = JOB_RUNNING;
    running.token_use = TOKEN_OPEN;
    EXPECT_EQ(load(&running), ERR_DAMAGED); // nobody holds it
    running.worker = id_of(50);
    EXPECT_EQ(load(&running), OK);
    good.batch = 0;
    EXPECT_EQ(load(&good), OK);
}

TEST(ledger_store, the_same_id_twice_is_damaged)
{
    struct bench *bench = make();
    struct job_row row = row_of(1);
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), OK);
    row.no = 2;
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), ERR_DAMAGED);
    drop(bench);
}

TEST(ledger_store, more_jobs_or_leases_than_the_limits_do_not_fit)
{
    struct bench *bench = make();
    for (uint32_t number = 1; number <= 4; number++) {
        struct job_row row = row_of(number);
        EXPECT_EQ(ledger_load_job(&bench->ledger, &row), OK);
    }
    struct job_row row = row_of(5);
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), ERR_FULL);
    drop(bench);
}

TEST(ledger_store, keys_must_be_keys_of_given_numbers)
{
    struct bench *bench = make();
    struct id keyed = key_of(1);
    struct id unkeyed = id_of(1);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &unkeyed, 1), ERR_DAMAGED);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &keyed, 0), ERR_DAMAGED);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &keyed, 100), ERR_DAMAGED);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &keyed, 1), OK);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &keyed, 2), OK);
    EXPECT_EQ(ledger_load_key(&bench->ledger, &keyed, 3), ERR_FULL);
    drop(bench);
}

TEST(ledger_store, numbers_begin_at_one)
{
    struct bench *bench = make();
    struct ledger_row row = {0};
    EXPECT_EQ(ledger_load_row(&bench->ledger, &row), ERR_DAMAGED);
    EXPECT_EQ(bench->ledger.row.epoch, 4);
    drop(bench);
}

TEST(ledger_store, a_key_is_confirmed_by_the_stored_id)
{
    struct bench *bench = make();
    struct id mine = key_of(1);
    bench->stored = (struct job_row){.id = key_of(2), .no = 7, .state = JOB_DEAD};
    EXPECT_EQ(ledger_load_key(&bench->ledger, &mine, 7), OK);
    // The table of keys says 7, but number 7 has another id: a collision of hashes.
    EXPECT(!ledger_lookup(&bench->ledger, &mine).is_known);
    bench->stored.id = mine;
    EXPECT(ledger_lookup(&bench->ledger, &mine).is_known);
    EXPECT_EQ(ledger_lookup(&bench->ledger, &mine).slot, JOBS_NONE);
    bench->stored.no = 8; // the store no longer has number 7
    EXPECT(!ledger_lookup(&bench->ledger, &mine).is_known);
    drop(bench);
}

TEST(ledger_store, an_id_without_a_key_is_asked_of_the_store)
{
    struct bench *bench = make();
    struct id id = id_of(1);
    EXPECT(!ledger_lookup(&bench->ledger, &id).is_known);
    bench->stored = (struct job_row){.id = id, .no = 7, .state = JOB_DEAD};
    EXPECT_EQ(ledger_lookup(&bench->ledger, &id).row.state, JOB_DEAD);
    drop(bench);
}

TEST(ledger_store, the_overlay_is_asked_before_the_store)
{
    struct bench *bench = make();
    struct id id = id_of(1);
    bench->stored = (struct job_row){.id = id, .no = 7, .version = 3, .state = JOB_DEAD};
    struct overlay_item item = {.row = bench->stored, .batch = 1};
    item.row.state = JOB_REMOVED;
    item.row.version = 4;
    overlay_add(&bench->ledger.overlay, &item);
    EXPECT_EQ(ledger_lookup(&bench->ledger, &id).row.state, JOB_REMOVED);
    item.row.version = 5;
    item.is_gone = true;
    overlay_add(&bench->ledger.overlay, &item);
    EXPECT(!ledger_lookup(&bench->ledger, &id).is_known);
    drop(bench);
}

TEST(ledger_store, a_row_tells_when_retention_and_the_window_end)
{
    struct bench *bench = make();
    struct job_row row = row_of(1);
    EXPECT_EQ(ledger_load_job(&bench->ledger, &row), OK);
    uint32_t slot = jobs_find(&bench->ledger.jobs, &row.id);
    EXPECT_EQ(ledger_row_of(&bench->ledger, slot).remove_at, 0);
    struct job *job = jobs_at(&bench->ledger.jobs, slot);
    job_move(job, JOB_DUE);
    job_move(job, JOB_SUCCEED);
    job->at = 7000;
    struct job_row ended = ledger_row_of(&bench->ledger, slot);
    EXPECT_EQ(ended.due_at, 0);
    EXPECT_EQ(ended.ended_at, 7000);
    EXPECT_EQ(ended.remove_at, 7000 + 2 * 1000);
    EXPECT_EQ(ended.dedup_until, 1000 + 3 * 1000);
    drop(bench);
}
