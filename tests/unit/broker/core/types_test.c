// Types with defaults: whose they are, what is full, and loading.

#include "broker/core/types.h"

#include "tests/support/test.h"

#include <stdlib.h>

static struct types types;

static void *make(void)
{
    struct limits limits = {.tenant_count_max = 2, .type_count_max = 2};
    void *memory = calloc(1, types_size(&limits));
    EXPECT(memory != NULL);
    types_init(&types, memory, &limits, test_seed());
    return memory;
}

static const struct type_row *set(const char *tenant, const char *type, uint32_t timeout_ms)
{
    const struct msg_type_set given = {.tenant = slice_of_text(tenant),
                                       .type = slice_of_text(type),
                                       .defaults = {.timeout_ms = timeout_ms}};
    return types_set(&types, &given);
}

TEST(types, an_empty_tenant_is_the_default_one)
{
    void *memory = make();
    EXPECT_EQ(types_find(&types, slice_of_text(""), slice_of_text("send")), TYPES_NONE);
    EXPECT_EQ(set("", "send", 7)->no, 0);
    uint32_t type = types_find(&types, slice_of_text("default"), slice_of_text("send"));
    EXPECT_EQ(types_defaults(&types, type)->timeout_ms, 7);
    EXPECT_EQ(types_find(&types, slice_of_text("acme"), slice_of_text("send")), TYPES_NONE);
    EXPECT_EQ(set("", "send", 8)->no, 0); // the same row
    EXPECT_EQ(types_defaults(&types, type)->timeout_ms, 8);
    free(memory);
}

TEST(types, a_full_table_is_named)
{
    void *memory = make();
    (void)set("a", "send", 1);
    (void)set("b", "send", 2);
    EXPECT_STR(types_refusal(&types, slice_of_text("b"), slice_of_text("resize")),
               "type_count_max: too many types have defaults");
    EXPECT(types_refusal(&types, slice_of_text("b"), slice_of_text("send")) == NULL);
    EXPECT_DIES((void)set("b", "resize", 3));
    free(memory);
}

TEST(types, stored_rows_come_back_under_their_numbers)
{
    void *memory = make();
    struct type_row row = {.no = 5, .type = slice_of_text("send"), .defaults = {.keep_s = 9}};
    EXPECT_EQ(types_load(&types, &row), OK);
    EXPECT_EQ(types_load(&types, &row), ERR_DAMAGED); // again
    EXPECT_EQ(set("", "resize", 1)->no, 6);
    row = (struct type_row){.no = 7, .type = slice_of_text("test")};
    EXPECT_EQ(types_load(&types, &row), ERR_FULL);
    row.type = slice_of_text("");
    EXPECT_EQ(types_load(&types, &row), ERR_DAMAGED);
    free(memory);
}

TEST(types, what_is_not_named_is_as_it_was)
{
    void *memory = make();
    struct msg_type_set given = {.type = slice_of_text("send"),
                                 .defaults = {.timeout_ms = 3, .keep_s = 4},
                                 .named = 1u << QUEUE_KEEP};
    EXPECT_EQ(types_after(&types, TYPES_NONE, &given).timeout_ms, 0);
    EXPECT_EQ(types_after(&types, TYPES_NONE, &given).keep_s, 4);
    (void)set("", "send", 7);
    EXPECT_EQ(types_after(&types, 0, &given).timeout_ms, 7);
    EXPECT_EQ(types_set(&types, &given)->defaults.timeout_ms, 7);
    EXPECT(types_is(&types, 0, &given));
    given.named = 0;
    EXPECT(!types_is(&types, 0, &given));
    EXPECT_EQ(types_after(&types, 0, &given).timeout_ms, 3);
    given.schema_hash = 6;
    EXPECT_EQ(types_schema(&types, 0), 0);
    (void)types_set(&types, &given);
    EXPECT_EQ(types_schema(&types, 0), 6);
    free(memory);
}

TEST(types, another_schema_is_another_setting)
{
    void *memory = make();
    struct msg_type_set wanted = {.type = slice_of_text("send"), .schema_hash = 7};
    struct type_row row = {.type = slice_of_text("send"), .schema_hash = 7};
    EXPECT_EQ(types_load(&types, &row), OK);
    EXPECT(types_is(&types, 0, &wanted));
    wanted.schema_hash = 8;
    EXPECT(!types_is(&types, 0, &wanted));
    EXPECT_EQ(types_set(&types, &wanted)->schema_hash, 8);
    wanted.defaults.keep_s = 1;
    EXPECT(!types_is(&types, 0, &wanted));
    free(memory);
}
