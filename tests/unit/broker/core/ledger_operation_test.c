// Entries of acts on many: their writes, their place in the digest, and what must not happen.

#include "broker/core/ledger.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { CHANGED = 8, ARENA = 8192 };

static bool knows_none(void *ctx, const struct id *id, struct job_row *out_row)
{
    (void)ctx;
    (void)id;
    (void)out_row;
    return false;
}

static bool numbers_none(void *ctx, uint64_t no, struct job_row *out_row)
{
    (void)ctx;
    (void)no;
    (void)out_row;
    return false;
}

struct bench {
    struct ledger ledger;
    void *memory;
    struct effects fx;
    struct arena arena;
    struct write writes[CHANGED * 10 + 1];
    uint32_t changed[CHANGED];
    uint32_t bodies[CHANGED];
    _Alignas(16) uint8_t room[ARENA];
};

static struct bench *make(void)
{
    struct limits limits = {.job_count_max = 2,
                            .key_count_max = 2,
                            .tenant_count_max = 2,
                            .queue_count_max = 4,
                            .type_count_max = 2,
                            .lane_count_max = 2,
                            .policy_count_max = 2,
                            .batch_count_max = 2,
                            .schedule_count_max = 2,
                            .operation_count_max = 1,
                            .unique_count_max = 2,
                            .dependency_count_max = 2,
                            .lease_count_max = 2,
                            .changed_count_max = CHANGED};
    struct bench *bench = calloc(1, sizeof *bench);
    EXPECT(bench != NULL);
    bench->memory = aligned_alloc(64, ledger_size(&limits));
    EXPECT(bench->memory != NULL);
    memset(bench->memory, 0, ledger_size(&limits));
    struct known known = {.by_id = knows_none, .by_no = numbers_none};
    ledger_init(&bench->ledger, bench->memory, &limits, &known, 1);
    bench->ledger.row.job_no_next = 101;
    bench->arena = (struct arena){.data = bench->room, .cap = ARENA};
    bench->fx = (struct effects){.writes = bench->writes,
                                 .write_cap = effects_write_cap(CHANGED),
                                 .changed = bench->changed,
                                 .changed_cap = CHANGED,
                                 .bodies = bench->bodies,
                                 .arena = &bench->arena};
    return bench;
}

static void drop(struct bench *bench)
{
    free(bench->memory);
    free(bench);
}

static struct id id_of(uint8_t number)
{
    return (struct id){.bytes = {[15] = number}};
}

static void begin(struct bench *bench, uint8_t number, uint8_t dropped)
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

static void step(struct bench *bench, uint64_t cursor, uint32_t matched, uint32_t done)
{
    struct entry entry = {.kind = ENTRY_STEP, .at = 20};
    entry.step.operation = id_of(1);
    entry.step.cursor = cursor;
    entry.step.matched = matched;
    entry.step.done = done;
    (void)ledger_apply(&bench->ledger, &entry, &bench->fx);
}

TEST(ledger_operation, each_entry_writes_the_row)
{
    struct bench *bench = make();
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
    drop(bench);
}

TEST(ledger_operation, one_that_is_over_gives_its_place)
{
    struct bench *bench = make();
    begin(bench, 1, 0);
    step(bench, 0, 0, 0);
    begin(bench, 2, 1);
    EXPECT_EQ(bench->fx.writes[2].kind, DROP_OPERATION);
    EXPECT_EQ(bench->fx.writes[2].operation.id.bytes[15], 1);
    // What the first one's writes borrow is theirs.
    EXPECT(slice_is_text(bench->fx.writes[1].operation.actor, "me"));
    EXPECT_EQ(bench->ledger.operations.count, 1);
    drop(bench);
}

TEST(ledger_operation, the_digest_tells_them_apart)
{
    struct bench *a = make();
    struct bench *b = make();
    begin(a, 1, 0);
    begin(b, 1, 0);
    EXPECT_EQ(ledger_digest(&a->ledger), ledger_digest(&b->ledger));
    step(a, 40, 3, 2);
    step(b, 40, 3, 1);
    EXPECT(ledger_digest(&a->ledger) != ledger_digest(&b->ledger));
    drop(a);
    drop(b);
}

TEST(ledger_operation, entries_that_cannot_be_are_bugs)
{
    struct bench *bench = make();
    EXPECT_DIES(step(bench, 40, 0, 0)); // of none
    begin(bench, 1, 0);
    EXPECT_DIES(begin(bench, 1, 0)); // twice
    EXPECT_DIES(begin(bench, 2, 0)); // there is no room
    EXPECT_DIES(begin(bench, 2, 1)); // it goes on
    EXPECT_DIES(step(bench, 101, 0, 0));
    EXPECT_DIES(step(bench, 40, 1, 2)); // more than it met
    step(bench, 0, 0, 0);
    EXPECT_DIES(step(bench, 0, 0, 0)); // it is over
    drop(bench);
}
