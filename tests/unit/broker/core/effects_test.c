// The lists of a batch and their room.

#include "broker/core/effects.h"

#include "tests/support/test.h"

enum { CHANGED = 4, SENDS = 2 };

struct bench {
    struct effects fx;
    struct arena arena;
    struct write writes[CHANGED * 6 + 1];
    struct send sends[SENDS];
    struct grant_send grants[SENDS];
    uint32_t changed[CHANGED];
    uint32_t bodies[CHANGED];
    _Alignas(16) uint8_t bytes[CHANGED * EFFECTS_ANSWER_BYTES + 64 * EFFECTS_ANSWER_BYTES];
};

static void make(struct bench *bench)
{
    *bench = (struct bench){.arena = {.data = bench->bytes, .cap = sizeof bench->bytes}};
    bench->fx = (struct effects){.writes = bench->writes,
                                 .write_cap = effects_write_cap(CHANGED),
                                 .sends = bench->sends,
                                 .send_cap = SENDS,
                                 .grants = bench->grants,
                                 .grant_cap = SENDS,
                                 .changed = bench->changed,
                                 .bodies = bench->bodies,
                                 .changed_cap = CHANGED,
                                 .arena = &bench->arena};
}

TEST(effects, places_are_handed_out_in_order_and_zeroed)
{
    struct bench bench;
    make(&bench);
    struct write *first = effects_write(&bench.fx, WRITE_BODY);
    first->body.job_no = 9;
    EXPECT(effects_write(&bench.fx, DROP_JOB) == first + 1);
    struct msg *msg = effects_send(&bench.fx, 7, MSG_FINISHED, 42);
    EXPECT_EQ(msg->kind, MSG_FINISHED);
    EXPECT_EQ(msg->corr, 42);
    EXPECT_EQ(bench.fx.sends[0].peer, 7);
    EXPECT_EQ(effects_grant(&bench.fx, 8)->peer, 8);
    effects_reset(&bench.fx);
    EXPECT(effects_is_empty(&bench.fx));
    EXPECT_EQ(effects_write(&bench.fx, WRITE_BODY)->body.job_no, 0);
}

TEST(effects, any_of_the_lists_makes_a_batch_worth_sending)
{
    struct bench bench;
    make(&bench);
    EXPECT(effects_is_empty(&bench.fx));
    (void)effects_grant(&bench.fx, 1);
    EXPECT(!effects_is_empty(&bench.fx));
    effects_reset(&bench.fx);
    (void)effects_send(&bench.fx, 1, MSG_ERROR, 1);
    EXPECT(!effects_is_empty(&bench.fx));
    effects_reset(&bench.fx);
    (void)effects_write(&bench.fx, WRITE_LEDGER);
    EXPECT(!effects_is_empty(&bench.fx));
}

TEST(effects, room_is_counted_in_jobs)
{
    struct bench bench;
    make(&bench);
    EXPECT(effects_has_room(&bench.fx, CHANGED));
    EXPECT(!effects_has_room(&bench.fx, CHANGED + 1));
    bench.fx.load = 3;
    EXPECT(effects_has_room(&bench.fx, 1));
    EXPECT(!effects_has_room(&bench.fx, 2));
    effects_reset(&bench.fx);
    EXPECT(effects_has_room(&bench.fx, CHANGED));
}

TEST(effects, without_a_place_for_the_answer_there_is_no_room)
{
    struct bench bench;
    make(&bench);
    (void)effects_send(&bench.fx, 1, MSG_ERROR, 1);
    EXPECT(effects_has_room(&bench.fx, 0));
    (void)effects_send(&bench.fx, 1, MSG_ERROR, 2);
    EXPECT(!effects_has_room(&bench.fx, 0));
}

TEST(effects, without_bytes_for_the_lists_of_an_answer_there_is_no_room)
{
    struct bench bench;
    make(&bench);
    bench.arena.used = bench.arena.cap - 9 * EFFECTS_ANSWER_BYTES;
    EXPECT(effects_has_room(&bench.fx, 1));
    EXPECT(!effects_has_room(&bench.fx, 2));
}

TEST(effects, bodies_of_this_batch_are_found_by_number)
{
    struct bench bench;
    make(&bench);
    struct msg_submit_job jobs[CHANGED + 1] = {0};
    EXPECT(effects_body(&bench.fx, 0) == NULL);
    for (uint32_t i = 0; i < CHANGED; i++) {
        (void)effects_write(&bench.fx, WRITE_LANE);
        effects_write_body(&bench.fx, 70 + i, &jobs[i]);
    }
    EXPECT(effects_body(&bench.fx, 70) == &jobs[0]);
    EXPECT(effects_body(&bench.fx, 73) == &jobs[3]);
    EXPECT(effects_body(&bench.fx, 69) == NULL);
    EXPECT(effects_body(&bench.fx, 74) == NULL);
    EXPECT_DIES(effects_write_body(&bench.fx, 74, &jobs[4])); // one more than may change
    effects_reset(&bench.fx);
    EXPECT(effects_body(&bench.fx, 70) == NULL);
    effects_write_body(&bench.fx, 80, &jobs[0]);
    EXPECT_DIES(effects_write_body(&bench.fx, 82, &jobs[1])); // 81 is left out
}

TEST(effects, full_lists_stop_the_process)
{
    struct bench bench;
    make(&bench);
    for (uint32_t i = 0; i < bench.fx.write_cap; i++)
        (void)effects_write(&bench.fx, WRITE_JOB);
    EXPECT_DIES((void)effects_write(&bench.fx, WRITE_JOB));
    for (unsigned i = 0; i < SENDS; i++) {
        (void)effects_send(&bench.fx, 1, MSG_ERROR, 1);
        (void)effects_grant(&bench.fx, 1);
    }
    EXPECT_DIES((void)effects_send(&bench.fx, 1, MSG_ERROR, 1));
    EXPECT_DIES((void)effects_grant(&bench.fx, 1));
}
