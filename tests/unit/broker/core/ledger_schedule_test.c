// Entries of schedules: their writes, their place in the digest, and what must not happen.

#include "tests/support/ledger_bench.h"

static struct ledger_bench *make(void)
{
    return ledger_bench_make((struct limits){.job_count_max = 2,
                                             .key_count_max = 2,
                                             .tenant_count_max = 2,
                                             .queue_count_max = 4,
                                             .type_count_max = 2,
                                             .lane_count_max = 2,
                                             .concurrency_key_count_max = 4,
                                             .key_running_max = 1,
                                             .policy_count_max = 2,
                                             .batch_count_max = 2,
                                             .schedule_count_max = 2,
                                             .endpoint_count_max = 4,
                                             .unique_count_max = 2,
                                             .dependency_count_max = 2,
                                             .lease_count_max = 2});
}

static void change(struct ledger_bench *bench, const struct msg_schedule_set *set, when_ms at)
{
    ledger_apply(&bench->ledger,
                 &(struct entry){.kind = ENTRY_SCHEDULE, .at = at, .schedule = {.set = set}},
                 &bench->fx);
}

static void moment(struct ledger_bench *bench, when_ms at, enum moment_verdict verdict)
{
    ledger_apply(
        &bench->ledger,
        &(struct entry){
            .kind = ENTRY_MOMENT,
            .at = 1000,
            .job_id = {{(uint8_t)at}},
            .moment = {.schedule = slice_of_text("a"), .moment = at, .verdict = (uint8_t)verdict}},
        &bench->fx);
}

static const struct msg_schedule_set given = {
    .act = SCHEDULE_SET,
    .given = {.schedule_id = {(const uint8_t *)"a", 1}, .overlap = OVERLAP_QUEUE, .fingerprint = 9},
};

static const struct schedule_row *row_of(const struct ledger_bench *bench)
{
    const struct schedules *schedules = &bench->ledger.schedules;
    return schedules_peek(schedules, schedules_find(schedules, slice_of_text("a")));
}

TEST(ledger_schedule, each_entry_writes_the_row)
{
    struct ledger_bench *bench = make();
    change(bench, &given, 10);
    moment(bench, 20, MOMENT_FIRED);
    EXPECT_EQ(bench->fx.write_count, 2);
    EXPECT_EQ(bench->writes[0].kind, WRITE_SCHEDULE);
    EXPECT(bench->writes[0].schedule.given == &given.given);
    EXPECT(bench->writes[1].schedule.given == NULL);
    EXPECT_EQ(bench->writes[1].schedule.row.state.last_at, 20);
    EXPECT_EQ(bench->writes[1].schedule.row.state.fired_count, 1);
    EXPECT_EQ(bench->writes[1].schedule.row.state.last_job_id.bytes[0], 20);
    // The names do not lie in the table, which may be another's by the time they are stored.
    EXPECT(bench->writes[1].schedule.row.name.data != row_of(bench)->name.data);
    const struct msg_schedule_set end = {.act = SCHEDULE_DELETE, .given = given.given};
    change(bench, &end, 30);
    EXPECT_EQ(bench->writes[2].kind, DROP_SCHEDULE);
    EXPECT(slice_is_text(bench->writes[2].schedule.row.name, "a"));
    EXPECT_EQ(bench->ledger.schedules.count, 0);
    ledger_bench_drop(bench);
}

TEST(ledger_schedule, held_moment_goes_with_its_verdict)
{
    struct ledger_bench *bench = make();
    change(bench, &given, 10);
    moment(bench, 20, MOMENT_FIRED);
    moment(bench, 30, MOMENT_HELD);
    moment(bench, 40, MOMENT_SKIPPED);
    EXPECT_EQ(row_of(bench)->state.held_at, 30);
    moment(bench, 30, MOMENT_FIRED);
    EXPECT_EQ(row_of(bench)->state.held_at, 0);
    EXPECT_EQ(row_of(bench)->state.last_at, 40);
    EXPECT_EQ(row_of(bench)->state.fired_count, 2);
    EXPECT_EQ(row_of(bench)->state.skipped_count, 1);
    ledger_bench_drop(bench);
}

TEST(ledger_schedule, what_was_counted_outlives_a_change)
{
    struct ledger_bench *bench = make();
    change(bench, &given, 10);
    moment(bench, 20, MOMENT_FIRED);
    change(bench, &given, 50);
    const struct msg_schedule_state *state = &row_of(bench)->state;
    EXPECT_EQ(state->generation, 2);
    EXPECT_EQ(state->created_at, 10);
    EXPECT_EQ(state->since_at, 50);
    EXPECT_EQ(state->fired_count, 1);
    EXPECT_EQ(state->last_at, 20);
    ledger_bench_drop(bench);
}

TEST(ledger_schedule, digest_sees_every_entry)
{
    struct ledger_bench *bench = make();
    uint64_t digests[5];
    digests[0] = ledger_digest(&bench->ledger);
    change(bench, &given, 10);
    digests[1] = ledger_digest(&bench->ledger);
    moment(bench, 20, MOMENT_FIRED);
    digests[2] = ledger_digest(&bench->ledger);
    moment(bench, 30, MOMENT_SKIPPED);
    digests[3] = ledger_digest(&bench->ledger);
    const struct msg_schedule_set pause = {.act = SCHEDULE_PAUSE, .given = given.given};
    change(bench, &pause, 40);
    digests[4] = ledger_digest(&bench->ledger);
    for (unsigned i = 1; i < 5; i++)
        EXPECT(digests[i] != digests[i - 1]);
    ledger_bench_drop(bench);
}

TEST(ledger_schedule, impossible_entries_are_bugs)
{
    struct ledger_bench *bench = make();
    const struct msg_schedule_set end = {.act = SCHEDULE_DELETE, .given = given.given};
    const struct msg_schedule_set resume = {.act = SCHEDULE_RESUME, .given = given.given};
    EXPECT_DIES(change(bench, &end, 10));
    EXPECT_DIES(moment(bench, 20, MOMENT_FIRED));
    change(bench, &given, 10);
    EXPECT_DIES(change(bench, &resume, 10));
    EXPECT_DIES(moment(bench, 10, MOMENT_FIRED)); // not after it was set
    moment(bench, 20, MOMENT_HELD);
    EXPECT_DIES(moment(bench, 19, MOMENT_FIRED));
    EXPECT_DIES(moment(bench, 30, MOMENT_HELD));    // one waits already
    EXPECT_DIES(moment(bench, 1001, MOMENT_FIRED)); // not come yet
    ledger_bench_drop(bench);
}
