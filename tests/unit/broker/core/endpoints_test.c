// The table of endpoints: places, limits, who wants which job.
// links: weft_broker_core

#include "broker/core/endpoints.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 14 };

struct table {
    struct endpoints endpoints;
    void *memory;
};

static struct table table_of(uint32_t cap)
{
    size_t size = (endpoints_size(cap) + 15) / 16 * 16;
    struct table table = {.memory = calloc(1, size)};
    EXPECT(table.memory != NULL);
    endpoints_init(&table.endpoints, table.memory, cap, 7);
    return table;
}

static struct endpoint_row row_of(const char *tenant, const char *id)
{
    return (struct endpoint_row){.tenant = slice_of_text(tenant),
                                 .given = {.webhook_id = slice_of_text(id),
                                           .url = slice_of_text("https://a.test/"),
                                           .events = 1u << JOB_DEAD},
                                 .secret = slice_of_text("sealed"),
                                 .generation = 1};
}

static uint32_t add(struct endpoints *endpoints, const char *tenant, const char *id)
{
    struct endpoint_row row = row_of(tenant, id);
    return endpoints_add(endpoints, &row);
}

static uint16_t wanting(const struct endpoints *endpoints, const char *tenant, const char *type,
                        struct slice labels)
{
    const struct msg_submit_job job = {
        .tenant = slice_of_text(tenant), .type = slice_of_text(type), .labels = labels};
    return endpoints_wanting(endpoints, &job, HOOK_ENDS);
}

TEST(endpoints, each_has_a_place_among_its_tenants_and_gives_it_back)
{
    struct table table = table_of(CAP);
    struct endpoints *endpoints = &table.endpoints;
    uint32_t a = add(endpoints, "", "a");
    uint32_t b = add(endpoints, "default", "b");
    uint32_t other = add(endpoints, "acme", "a");
    EXPECT_EQ(endpoints_at(endpoints, a)->place, 0);
    EXPECT_EQ(endpoints_at(endpoints, b)->place, 1);
    EXPECT_EQ(endpoints_at(endpoints, other)->place, 0);
    EXPECT_EQ(endpoints_find(endpoints, slice_of_text("default"), slice_of_text("a")), a);
    EXPECT_EQ(endpoints_find(endpoints, slice_of_text("acme"), slice_of_text("b")), ENDPOINTS_NONE);
    EXPECT_EQ(endpoints->most, 2);
    endpoints_drop(endpoints, a);
    EXPECT_EQ(endpoints->most, 1);
    EXPECT_EQ(endpoints_find(endpoints, slice_of_text(""), slice_of_text("a")), ENDPOINTS_NONE);
    EXPECT_EQ(endpoints_told(endpoints, slice_of_text(""), 0, 9), ENDPOINTS_NONE);
    EXPECT_EQ(endpoints_at(endpoints, add(endpoints, "", "c"))->place, 0);
    endpoints_drop(endpoints, other);
    EXPECT_EQ(endpoints_told(endpoints, slice_of_text("acme"), 0, 9), ENDPOINTS_NONE);
    EXPECT_EQ(endpoints->count, 2);
    free(table.memory);
}

TEST(endpoints, a_job_from_before_is_none_of_its_business)
{
    struct table table = table_of(CAP);
    struct endpoint_row row = row_of("", "a");
    row.since_no = 5;
    uint32_t no = endpoints_add(&table.endpoints, &row);
    EXPECT_EQ(endpoints_told(&table.endpoints, slice_of_text(""), 0, 4), ENDPOINTS_NONE);
    EXPECT_EQ(endpoints_told(&table.endpoints, slice_of_text(""), 0, 5), no);
    free(table.memory);
}

TEST(endpoints, both_limits_are_told)
{
    struct table table = table_of(CAP);
    struct endpoints *endpoints = &table.endpoints;
    char id[] = "a";
    for (; id[0] < 'a' + ENDPOINTS_OF_TENANT_MAX; id[0]++)
        (void)add(endpoints, "", id);
    EXPECT(strstr(endpoints_refusal(endpoints, slice_of_text("")), "at most 12") != NULL);
    EXPECT(endpoints_refusal(endpoints, slice_of_text("acme")) == NULL);
    (void)add(endpoints, "acme", "a");
    (void)add(endpoints, "acme", "b");
    EXPECT(strstr(endpoints_refusal(endpoints, slice_of_text("acme")), "endpoint_count_max") !=
           NULL);
    free(table.memory);
}

TEST(endpoints, type_and_tags_choose_and_events_are_needed)
{
    static const struct slice billing = {.data = (const uint8_t *)"\x0a\x07"
                                                                  "billing",
                                         .len = 9};
    struct table table = table_of(CAP);
    struct endpoints *endpoints = &table.endpoints;
    struct endpoint_row row = row_of("", "any");
    (void)endpoints_add(endpoints, &row);
    row = row_of("", "types");
    row.given.types = slice_of_text("send,resize");
    (void)endpoints_add(endpoints, &row);
    row = row_of("", "tags");
    row.given.tags = slice_of_text("ops,billing");
    (void)endpoints_add(endpoints, &row);
    row = row_of("", "none");
    row.given.events = 0;
    (void)endpoints_add(endpoints, &row);
    EXPECT_EQ(wanting(endpoints, "", "send", (struct slice){0}), 3);
    EXPECT_EQ(wanting(endpoints, "", "resize", billing), 7);
    EXPECT_EQ(wanting(endpoints, "", "sen", (struct slice){0}), 1);
    EXPECT_EQ(wanting(endpoints, "", "other", billing), 5);
    EXPECT_EQ(wanting(endpoints, "acme", "send", billing), 0);
    free(table.memory);
}

TEST(endpoints, each_hears_of_what_it_wants)
{
    struct table table = table_of(CAP);
    struct endpoints *endpoints = &table.endpoints;
    (void)add(endpoints, "", "ends");
    struct endpoint_row row = row_of("", "batches");
    row.given.events = WEBHOOK_BATCH_FINISHED;
    (void)endpoints_add(endpoints, &row);
    const struct msg_submit_job job = {.type = slice_of_text("send")};
    EXPECT_EQ(endpoints_wanting(endpoints, &job, HOOK_ENDS), 1);
    EXPECT_EQ(endpoints_wanting(endpoints, &job, WEBHOOK_BATCH_FINISHED), 2);
    EXPECT_EQ(endpoints_hearing(endpoints, slice_of_text("default"), WEBHOOK_BATCH_FINISHED), 1);
    EXPECT_EQ(endpoints_hearing(endpoints, slice_of_text(""), WEBHOOK_BATCH_FINISHED | HOOK_ENDS),
              2);
    EXPECT_EQ(endpoints_hearing(endpoints, slice_of_text("acme"), HOOK_ENDS), 0);
    free(table.memory);
}

TEST(endpoints, a_change_keeps_texts_of_its_own)
{
    struct table table = table_of(CAP);
    struct endpoints *endpoints = &table.endpoints;
    uint8_t memory[ENDPOINTS_TEXT_LEN_MAX + 16];
    struct arena arena = {.data = memory, .cap = sizeof memory};
    uint32_t no = add(endpoints, "", "a");
    struct endpoint_row row = *endpoints_at(endpoints, no);
    row.given.headers = slice_of_text("x: y");
    row.generation = 2;
    struct endpoint_row kept = endpoints_copy(&row, &arena);
    endpoints_put(endpoints, no, &kept);
    memset(memory, 'x', sizeof memory);
    EXPECT(slice_is_text(endpoints_at(endpoints, no)->given.headers, "x: y"));
    EXPECT(slice_is_text(endpoints_at(endpoints, no)->given.url, "https://a.test/"));
    EXPECT_EQ(endpoints_at(endpoints, no)->generation, 2);
    free(table.memory);
}

TEST(endpoints, only_sound_rows_are_loaded)
{
    struct table table = table_of(2);
    struct endpoints *endpoints = &table.endpoints;
    struct endpoint_row row = row_of("", "a");
    row.place = 3;
    EXPECT_EQ(endpoints_load(endpoints, &row), OK);
    EXPECT_EQ(endpoints_told(endpoints, slice_of_text(""), 3, 1), 0);
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_DAMAGED);
    row.given.webhook_id = slice_of_text("b"); // at the place of another
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_DAMAGED);
    row.place = ENDPOINTS_OF_TENANT_MAX;
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_DAMAGED);
    row.place = 4;
    row.secret.len = 0;
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_DAMAGED);
    row = row_of("", "b");
    EXPECT_EQ(endpoints_load(endpoints, &row), OK);
    row = row_of("", "c");
    row.place = 7;
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_FULL);
    row.given.webhook_id.len = 0;
    EXPECT_EQ(endpoints_load(endpoints, &row), ERR_DAMAGED);
    free(table.memory);
}
