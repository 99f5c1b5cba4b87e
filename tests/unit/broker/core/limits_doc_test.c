// docs/limits.md states what one more place of each table costs: each figure is compared with
// core_size(), and so is the sum of the defaults.

#include "broker/core/core.h"
#include "broker/core/limits.h"

#include "tests/support/test.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW_MAX = 1024, MORE = 65536 };

struct table {
    const char *name;
    size_t place; // of the limit
};

#define TABLE(limit)                                                                               \
    {                                                                                              \
#limit, offsetof(struct limits, limit)                                                     \
    }
static const struct table tables[] = {
    TABLE(job_count_max),
    TABLE(key_count_max),
    TABLE(tenant_count_max),
    TABLE(queue_count_max),
    TABLE(type_count_max),
    TABLE(lane_count_max),
    TABLE(concurrency_key_count_max),
    TABLE(policy_count_max),
    TABLE(batch_count_max),
    TABLE(unique_count_max),
    TABLE(schedule_count_max),
    TABLE(endpoint_count_max),
    TABLE(worker_count_max),
    TABLE(dependency_count_max),
    TABLE(operation_count_max),
    TABLE(lease_count_max),
    TABLE(serve_count_max),
    TABLE(peer_count_max),
    TABLE(changed_count_max),
    TABLE(send_count_max),
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static double cost_of(const struct table *table)
{
    struct limits limits = limits_default();
    uint32_t limit;
    memcpy(&limit, (char *)&limits + table->place, sizeof limit);
    size_t before = core_size(&limits);
    limit += MORE;
    memcpy((char *)&limits + table->place, &limit, sizeof limit);
    return (double)(core_size(&limits) - before) / MORE;
}

// The fourth cell of "| `name` | flag | default | cost | …", in bytes.
static double stated(const char *row)
{
    for (unsigned cell = 0; cell < 3 && row != NULL; cell++)
        row = strchr(row + 1, '|');
    EXPECT(row != NULL);
    char *unit = NULL;
    double cost = strtod(row + 1, &unit); // "none" is 0
    return strncmp(unit, " KB", 3) == 0 ? cost * 1000 : cost;
}

static const struct table *table_of(const char *row)
{
    for (size_t i = 0; i < TABLES; i++) {
        size_t len = strlen(tables[i].name);
        if (strncmp(row, "| `", 3) == 0 && strncmp(row + 3, tables[i].name, len) == 0 &&
            row[3 + len] == '`')
            return &tables[i];
    }
    return NULL;
}

TEST(limits_doc, every_table_costs_what_the_page_says)
{
    static char row[ROW_MAX];
    unsigned seen = 0;
    FILE *page = test_open_page("limits.md");
    while (fgets(row, sizeof row, page) != NULL) {
        const struct table *table = table_of(row);
        if (table == NULL)
            continue;
        double said = stated(row);
        double is = cost_of(table);
        double slack = is / 100 + 0.5;
        if (said < is - slack || said > is + slack)
            (void)fprintf(stderr, "docs/limits.md: %s costs %.0f B, not %.0f\n", table->name, is,
                          said);
        EXPECT(said >= is - slack && said <= is + slack);
        seen++;
    }
    (void)fclose(page);
    EXPECT_EQ(seen, TABLES);
}

TEST(limits_doc, sum_is_what_the_page_says)
{
    static const char words[] = "`broker.memory`, about ";
    static char row[ROW_MAX];
    struct limits limits = limits_default();
    double is = (double)core_size(&limits) / (1u << 30);
    bool is_there = false;
    FILE *page = test_open_page("limits.md");
    while (fgets(row, sizeof row, page) != NULL) {
        const char *at = strstr(row, words);
        if (at == NULL)
            continue;
        double said = strtod(at + sizeof words - 1, NULL);
        is_there = true;
        if (said < is - 0.1 || said > is + 0.1)
            (void)fprintf(stderr, "docs/limits.md: the sum is %.1f GiB\n", is);
        EXPECT(said >= is - 0.1 && said <= is + 0.1);
    }
    (void)fclose(page);
    EXPECT(is_there);
}
