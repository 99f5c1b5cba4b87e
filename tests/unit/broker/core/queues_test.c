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
