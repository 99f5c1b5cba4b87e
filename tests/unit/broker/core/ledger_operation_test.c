// Entries of acts on many: their writes, their place in the digest, and what must not happen.

#include "tests/support/ledger_bench.h"

static struct ledger_bench *make(void)
{
    struct ledger_bench *bench = ledger_bench_make((struct limits){.job_count_max = 2,
                                                                   .key_count_max = 2,
                                                                   .tenant_count_max = 2,
                                                                   .queue_count_max = 4,
                                                                   .type_count_max = 2,
                                                                   .lane_count_max = 2,
                                                                   .policy_count_max = 2,
                                                                   .batch_count_max = 2,
                                                                   .schedule_count_max = 2,
                                                                   .endpoint_count_max = 4,
                                                                   .operation_count_max = 1,
                                                                   .unique_count_max = 2,
                                                                   .dependency_count_max = 2,
                                                                   .lease_count_max = 2});
    bench->ledger.row.job_no_next = 101;
    return bench;
}

static struct id id_of(uint8_t number)
{
    return (struct id){.bytes = {[15] = number}};
}

static void begin(struct ledger_bench *bench, uint8_t number, uint8_t dropped)
{
    struct msg_operate asked = {.kind = ACT_RETRY,
                                .operation_id = id_of(number),
                                .filter = {.states = 1u << JOB_DEAD, .queue = slice_of_text("q")},
                                .actor = slice_of_text("me")};
    struct entry entry = {.kind = ENTRY_OPERATE, .at = 10};
    entry.operate.asked = &asked;
    entry.operate.dropped = id_of(dropped);
    EXPECT_EQ(ledger_apply(&bench->ledger, &entry, &bench->fx), JOBS_NONE);
}

static void step(struct ledger_bench *bench, uint64_t cursor, uint32_t matched, uint32_t done)
{
    struct entry entry = {.kind = ENTRY_STEP, .at = 20};
    entry.step.operation = id_of(1);
    entry.step.cursor = cursor;
    entry.step.matched = matched;
    entry.step.done = done;
    (void)ledger_apply(&bench->ledger, &entry, &bench->fx);
}

static void cancel(struct ledger_bench *bench, when_ms at)
{
    struct msg_operate asked = {
        .kind = ACT_STOP, .operation_id = id_of(1), .actor = slice_of_text("boss")};
    struct entry entry = {.kind = ENTRY_HALT, .at = at};
    entry.operate.asked = &asked;
    EXPECT_EQ(ledger_apply(&bench->ledger, &entry, &bench->fx), JOBS_NONE);
}

TEST(ledger_operation, each_entry_writes_the_row)
{
    struct ledger_bench *bench = make();
    begin(bench, 1, 0);
    step(bench, 40, 3, 2);
    step(bench, 0, 1, 1);
    EXPECT_EQ(bench->fx.write_count, 3);
    const struct operation_row *row = &bench->fx.writes[0].operation;
    EXPECT(row->upto == 100 && row->cursor == 100 && row->version == 1 && row->created_at == 10);
    EXPECT(slice_is_text(row->filter.queue, "q") && slice_is_text(row->actor, "me"));
    row = &bench->fx.writes[1].operation;
    EXPECT(row->cursor == 40 && row->matched == 3 && row->done == 2 && row->ended_at == 0);
    row = &bench->fx.writes[2].operation;
    EXPECT(row->cursor == 0 && row->matched == 4 && row->done == 3 && row->ended_at == 20);
    EXPECT_EQ(row->version, 3);
    ledger_bench_drop(bench);
}

TEST(ledger_operation, cancelled_it_ends_there_and_says_by_whom)
{
    struct ledger_bench *bench = make();
    begin(bench, 1, 0);
    step(bench, 40, 3, 2);
    cancel(bench, 25);
    EXPECT_EQ(bench->fx.write_count, 3);
    const struct operation_row *row = &bench->fx.writes[2].operation;
    EXPECT(row->cursor == 40 && row->matched == 3 && row->done == 2 && row->ended_at == 25);
    EXPECT(row->version == 3 && slice_is_text(row->cancelled_by, "boss"));
    begin(bench, 2, 1); // it gives its place as any other
    EXPECT(slice_is_text(row->cancelled_by, "boss"));
    ledger_bench_drop(bench);
}

TEST(ledger_operation, one_that_is_over_gives_its_place)
{
    struct ledger_bench *bench = make();
    begin(bench, 1, 0);
    step(bench, 0, 0, 0);
    begin(bench, 2, 1);
    EXPECT_EQ(bench->fx.writes[2].kind, DROP_OPERATION);
    EXPECT_EQ(bench->fx.writes[2].operation.id.bytes[15], 1);
    // What the first one's writes borrow is theirs.
    EXPECT(slice_is_text(bench->fx.writes[1].operation.actor, "me"));
    EXPECT_EQ(bench->ledger.operations.count, 1);
    ledger_bench_drop(bench);
}

TEST(ledger_operation, the_digest_tells_them_apart)
{
    struct ledger_bench *a = make();
    struct ledger_bench *b = make();
    begin(a, 1, 0);
    begin(b, 1, 0);
    EXPECT_EQ(ledger_digest(&a->ledger), ledger_digest(&b->ledger));
    step(a, 40, 3, 2);
    step(b, 40, 3, 1);
    EXPECT(ledger_digest(&a->ledger) != ledger_digest(&b->ledger));
    struct ledger_bench *c = make();
    begin(c, 1, 0);
    step(c, 40, 3, 2);
    cancel(a, 25);
    cancel(c, 26);
    EXPECT(ledger_digest(&a->ledger) != ledger_digest(&c->ledger));
    ledger_bench_drop(c);
    ledger_bench_drop(a);
    ledger_bench_drop(b);
}

TEST(ledger_operation, entries_that_cannot_be_are_bugs)
{
    struct ledger_bench *bench = make();
    EXPECT_DIES(step(bench, 40, 0, 0)); // of none
    begin(bench, 1, 0);
    EXPECT_DIES(begin(bench, 1, 0)); // twice
    EXPECT_DIES(begin(bench, 2, 0)); // there is no room
    EXPECT_DIES(begin(bench, 2, 1)); // it goes on
    EXPECT_DIES(step(bench, 101, 0, 0));
    EXPECT_DIES(step(bench, 40, 1, 2)); // more than it met
    step(bench, 0, 0, 0);
    EXPECT_DIES(step(bench, 0, 0, 0)); // it is over
    EXPECT_DIES(cancel(bench, 30));
    ledger_bench_drop(bench);
}
