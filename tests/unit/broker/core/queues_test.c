// Tenants and queues: who has a queue of this name, and what is full.

#include "broker/core/queues.h"

#include "tests/support/test.h"

#include <stdlib.h>

static void *make(struct queues *queues)
{
    struct limits limits = {.tenant_count_max = 2, .queue_count_max = 3};
    void *memory = calloc(1, queues_size(&limits));
    EXPECT(memory != NULL);
    queues_init(queues, memory, &limits, test_seed());
    return memory;
}

static struct queue_name named(const char *tenant, const char *queue)
{
    return (struct queue_name){.tenant = slice_of_text(tenant), .queue = slice_of_text(queue)};
}

TEST(queues, an_empty_tenant_is_the_default_one)
{
    struct queues queues;
    void *memory = make(&queues);
    EXPECT_EQ(queues_find(&queues, named("", "mail")), QUEUES_NONE);
    EXPECT_EQ(queues_add(&queues, named("", "mail")), 0);
    EXPECT_EQ(queues_find(&queues, named("default", "mail")), 0);
    EXPECT(slice_is_text(queues_name(&queues, 0).tenant, "default"));
    free(memory);
}

TEST(queues, tenants_do_not_share_a_queue)
{
    struct queues queues;
    void *memory = make(&queues);
    EXPECT_EQ(queues_add(&queues, named("a", "mail")), 0);
    EXPECT_EQ(queues_find(&queues, named("b", "mail")), QUEUES_NONE);
    EXPECT_EQ(queues_add(&queues, named("b", "mail")), 1);
    EXPECT_EQ(queues_tenant(&queues, 0), 0);
    EXPECT_EQ(queues_tenant(&queues, 1), 1);
    EXPECT_DIES((void)queues_add(&queues, named("b", "mail")));
    free(memory);
}

TEST(queues, a_full_table_is_named)
{
    struct queues queues;
    void *memory = make(&queues);
    (void)queues_add(&queues, named("a", "x"));
    (void)queues_add(&queues, named("b", "x"));
    EXPECT_STR(queues_refusal(&queues, named("c", "x")), "tenant_count_max: too many tenants");
    EXPECT(queues_refusal(&queues, named("b", "y")) == NULL);
    (void)queues_add(&queues, named("b", "y"));
    EXPECT_STR(queues_refusal(&queues, named("b", "z")),
               "queue_count_max: too many different queues");
    EXPECT(queues_refusal(&queues, named("b", "y")) == NULL); // it is there
    EXPECT_DIES((void)queues_add(&queues, named("b", "z")));
    free(memory);
}

static void write_all(struct queues *queues)
{
    struct queue_row row;
    while (queues_collect(queues, &row))
        ;
}

TEST(queues, one_that_nothing_needs_makes_room_once_that_is_settled)
{
    struct queues queues;
    void *memory = make(&queues);
    uint32_t queue = queues_add(&queues, named("a", "x"));
    EXPECT(!queues_is_idle(&queues, queue)); // its row is not written yet
    (void)queues_add(&queues, named("b", "x"));
    (void)queues_add(&queues, named("b", "y"));
    write_all(&queues);
    queues_drop(&queues, queue, 7);
    EXPECT(!queues_is_known(&queues, queue));
    EXPECT_EQ(queues_find(&queues, named("a", "x")), QUEUES_NONE);
    EXPECT_DIES((void)queues_peek(&queues, queue));
    queues_settled(&queues, 6);
    EXPECT_STR(queues_refusal(&queues, named("b", "z")),
               "queue_count_max: too many different queues");
    queues_settled(&queues, 7);
    EXPECT_EQ(queues_add(&queues, named("c", "x")), queue); // the place of tenant a, too
    EXPECT_EQ(queues_peek(&queues, queue)->no, queue);
    EXPECT(slice_is_text(queues_name(&queues, queue).tenant, "c"));
    free(memory);
}

TEST(queues, what_is_set_or_kept_is_needed)
{
    struct queues queues;
    void *memory = make(&queues);
    uint32_t queue = queues_add(&queues, named("", "x"));
    write_all(&queues);
    EXPECT(queues_is_idle(&queues, queue));
    queues_set(&queues, queue, &(struct msg_queue_settings){.weight = 2});
    write_all(&queues);
    EXPECT(!queues_is_idle(&queues, queue));
    queues_set(&queues, queue, &(struct msg_queue_settings){0});
    queues_pause(&queues, queue, DIRECTION_IN);
    write_all(&queues);
    EXPECT(!queues_is_idle(&queues, queue));
    queues_pause(&queues, queue, DIRECTION_NONE);
    queues_move(&queues, queue, JOB_NONE, JOB_SUCCEEDED);
    write_all(&queues);
    EXPECT(!queues_is_idle(&queues, queue));
    EXPECT_DIES(queues_drop(&queues, queue, 1));
    queues_move(&queues, queue, JOB_SUCCEEDED, JOB_REMOVED);
    write_all(&queues);
    EXPECT(queues_is_idle(&queues, queue));
    free(memory);
}

TEST(queues, rows_come_back_to_their_numbers)
{
    struct queues queues;
    void *memory = make(&queues);
    struct queue_row row = {.no = 2, .tenant = slice_of_text("a"), .queue = slice_of_text("x")};
    EXPECT_EQ(queues_load(&queues, &row), OK);
    EXPECT_EQ(queues_find(&queues, named("a", "x")), 2);
    EXPECT(!queues_is_known(&queues, 0) && !queues_is_known(&queues, 1));
    row.queue = slice_of_text("y");
    EXPECT_EQ(queues_load(&queues, &row), ERR_DAMAGED); // the number is taken
    row.no = 3;
    EXPECT_EQ(queues_load(&queues, &row), ERR_FULL);
    EXPECT(queues_add(&queues, named("a", "y")) < 2);
    free(memory);
}

TEST(queues, the_fabrics_own_jobs_are_not_its_tenants)
{
    struct queues queues;
    void *memory = make(&queues);
    uint32_t own = queues_add(&queues, named("a", "x"));
    uint32_t hooks = queues_add(&queues, named("a", HOOK_QUEUE));
    struct slice a = slice_of_text("a");
    queues_move(&queues, hooks, JOB_NONE, JOB_QUEUED);
    queues_move(&queues, own, JOB_NONE, JOB_QUEUED);
    EXPECT_EQ(queues_tenant_open(&queues, a), 1);
    EXPECT_EQ(queues_open(&queues, hooks), 1);
    EXPECT(queues_agree(&queues));
    struct queues loaded;
    void *more = make(&loaded);
    EXPECT_EQ(queues_load(&loaded, queues_peek(&queues, own)), OK);
    EXPECT_EQ(queues_load(&loaded, queues_peek(&queues, hooks)), OK);
    EXPECT_EQ(queues_tenant_open(&loaded, a), 1);
    queues_uncount(&loaded);
    queues_recount(&loaded, hooks, queues_peek(&queues, hooks)->counts);
    EXPECT_EQ(queues_tenant_open(&loaded, a), 0);
    EXPECT(queues_agree(&loaded));
    free(more);
    free(memory);
}

TEST(queues, a_tenants_open_jobs_are_the_sum_of_its_queues)
{
    struct queues queues;
    void *memory = make(&queues);
    uint32_t x = queues_add(&queues, named("a", "x"));
    uint32_t y = queues_add(&queues, named("a", "y"));
    uint32_t other = queues_add(&queues, named("b", "x"));
    struct slice a = slice_of_text("a");
    uint32_t no = 9;
    uint64_t ended = 9;
    EXPECT_EQ(queues_tenant_open(&queues, slice_of_text("nobody")), 0);
    EXPECT(!queues_tenant_ended(&queues, slice_of_text("nobody"), &no, &ended));
    queues_move(&queues, x, JOB_NONE, JOB_SCHEDULED);
    queues_move(&queues, x, JOB_SCHEDULED, JOB_QUEUED);
    queues_move(&queues, y, JOB_NONE, JOB_QUEUED);
    queues_move(&queues, other, JOB_NONE, JOB_QUEUED);
    EXPECT_EQ(queues_tenant_open(&queues, a), 2);
    queues_move(&queues, x, JOB_QUEUED, JOB_RUNNING);
    queues_move(&queues, x, JOB_RUNNING, JOB_DEAD);
    EXPECT_EQ(queues_tenant_open(&queues, a), 1);
    queues_move(&queues, x, JOB_DEAD, JOB_REMOVED);
    EXPECT_EQ(queues_tenant_open(&queues, a), 1);
    EXPECT(queues_tenant_ended(&queues, a, &no, &ended));
    EXPECT_EQ(no, 0);
    EXPECT_EQ(ended, 1); // a removal is no end
    EXPECT(queues_tenant_ended(&queues, slice_of_text("b"), &no, &ended));
    EXPECT_EQ(ended, 0);
    EXPECT(queues_agree(&queues));
    const struct queue_row rows[] = {*queues_peek(&queues, x), *queues_peek(&queues, y)};
    struct queues loaded;
    void *more = make(&loaded);
    EXPECT_EQ(queues_load(&loaded, &rows[0]), OK);
    EXPECT_EQ(queues_load(&loaded, &rows[1]), OK);
    EXPECT_EQ(queues_tenant_open(&loaded, a), 1);
    queues_uncount(&loaded);
    EXPECT_EQ(queues_tenant_open(&loaded, a), 0);
    queues_recount(&loaded, x, (const uint64_t[JOB_STATES]){[JOB_RETRYING] = 3, [JOB_DEAD] = 9});
    EXPECT_EQ(queues_tenant_open(&loaded, a), 3);
    EXPECT(queues_agree(&loaded));
    loaded.tenant_open[0]--;
    loaded.tenant_open[1]++;
    EXPECT(!queues_agree(&loaded));
    free(more);
    free(memory);
}
