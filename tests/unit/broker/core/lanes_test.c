// The table of lanes: types under queues, numbers in order.

#include "broker/core/lanes.h"

#include "tests/support/test.h"

#include <stdlib.h>

struct bench {
    struct queues queues;
    struct lanes lanes;
    void *queues_memory;
    void *lanes_memory;
};

static void make(struct bench *bench, uint32_t cap)
{
    struct limits limits = {.tenant_count_max = 2, .queue_count_max = 4};
    bench->queues_memory = calloc(1, queues_size(&limits));
    bench->lanes_memory = calloc(1, lanes_size(cap));
    EXPECT(bench->queues_memory != NULL && bench->lanes_memory != NULL);
    queues_init(&bench->queues, bench->queues_memory, &limits, test_seed());
    lanes_init(&bench->lanes, bench->lanes_memory, cap, &bench->queues, test_seed());
    (void)queues_add(&bench->queues, (struct queue_name){.queue = slice_of_text("mail")});
    (void)queues_add(&bench->queues, (struct queue_name){.tenant = slice_of_text("other"),
                                                         .queue = slice_of_text("mail")});
}

static void drop(struct bench *bench)
{
    free(bench->queues_memory);
    free(bench->lanes_memory);
}

TEST(lanes, a_type_is_another_lane_in_another_queue)
{
    struct bench bench;
    make(&bench, 4);
    EXPECT_EQ(lanes_find(&bench.lanes, 0, slice_of_text("send")), LANES_NONE);
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("send")), 0);
    EXPECT_EQ(lanes_find(&bench.lanes, 1, slice_of_text("send")), LANES_NONE);
    EXPECT_EQ(lanes_add(&bench.lanes, 1, slice_of_text("send")), 1);
    EXPECT_EQ(lanes_find(&bench.lanes, 0, slice_of_text("send")), 0);
    EXPECT_EQ(lanes_queue(&bench.lanes, 1), 1);
    struct lane_row row = lanes_row(&bench.lanes, 1);
    EXPECT_EQ(row.no, 1);
    EXPECT(slice_is_text(row.tenant, "other") && slice_is_text(row.queue, "mail"));
    EXPECT(slice_is_text(row.type, "send"));
    EXPECT_DIES((void)lanes_row(&bench.lanes, 2));
    EXPECT_DIES((void)lanes_add(&bench.lanes, 2, slice_of_text("send"))); // no such queue
    drop(&bench);
}

TEST(lanes, a_full_table_says_so)
{
    struct bench bench;
    make(&bench, 1);
    EXPECT(lanes_room(&bench.lanes) > 0);
    (void)lanes_add(&bench.lanes, 0, slice_of_text("a"));
    EXPECT_EQ(lanes_room(&bench.lanes), 0);
    EXPECT_DIES((void)lanes_add(&bench.lanes, 0, slice_of_text("b")));
    drop(&bench);
}

static err load(struct bench *bench, uint16_t no, struct slice type)
{
    return lanes_load(&bench->lanes, 0, &(struct lane_row){.no = no, .type = type});
}

TEST(lanes, loading_refuses_what_was_never_written)
{
    struct bench bench;
    make(&bench, 2);
    char text[MSG_NAME_LEN_MAX + 1] = {0};
    EXPECT_EQ(load(&bench, 0, (struct slice){0}), ERR_DAMAGED);
    EXPECT_EQ(load(&bench, 0, slice_of(text, sizeof text)), ERR_DAMAGED);
    EXPECT_EQ(lanes_count(&bench.lanes), 0);
    EXPECT_EQ(load(&bench, 0, slice_of_text("a")), OK);
    EXPECT_EQ(load(&bench, 0, slice_of_text("a")), ERR_DAMAGED);
    EXPECT_EQ(load(&bench, 1, slice_of_text("a")), ERR_DAMAGED); // the pair is there
    EXPECT_EQ(load(&bench, 1, slice_of_text("b")), OK);
    EXPECT_EQ(load(&bench, 2, slice_of_text("c")), ERR_FULL);
    EXPECT_EQ(lanes_find(&bench.lanes, 0, slice_of_text("b")), 1);
    EXPECT_EQ(load(&bench, 0, slice_of_text("z")), ERR_DAMAGED); // not in order
    drop(&bench);
}

TEST(lanes, a_dropped_number_is_given_again_when_its_batch_is_settled)
{
    struct bench bench;
    make(&bench, 2);
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("a")), 0);
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("b")), 1);
    lanes_accept(&bench.lanes, 1, 4);
    EXPECT_EQ(lanes_accepted_in(&bench.lanes, 1), 4);
    struct slice name = lanes_row(&bench.lanes, 0).type;
    lanes_drop(&bench.lanes, 0, 7);
    EXPECT(!lanes_is_known(&bench.lanes, 0) && lanes_is_known(&bench.lanes, 1));
    EXPECT_EQ(lanes_find(&bench.lanes, 0, slice_of_text("a")), LANES_NONE);
    lanes_settled(&bench.lanes, 6);
    EXPECT_EQ(lanes_room(&bench.lanes), 0);
    EXPECT(slice_is_text(name, "a")); // the batch that is written still has it
    lanes_settled(&bench.lanes, 7);
    EXPECT_EQ(lanes_room(&bench.lanes), 1);
    EXPECT_EQ(lanes_add(&bench.lanes, 1, slice_of_text("c")), 0);
    EXPECT_EQ(lanes_queue(&bench.lanes, 0), 1);
    drop(&bench);
}

TEST(lanes, numbers_that_no_row_has_are_given_first)
{
    struct bench bench;
    make(&bench, 4);
    EXPECT_EQ(load(&bench, 2, slice_of_text("a")), OK);
    EXPECT_EQ(lanes_room(&bench.lanes), 3);
    EXPECT(!lanes_is_known(&bench.lanes, 0));
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("b")), 1);
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("c")), 0);
    EXPECT_EQ(lanes_add(&bench.lanes, 0, slice_of_text("d")), 3);
    EXPECT_EQ(lanes_room(&bench.lanes), 0);
    drop(&bench);
}
