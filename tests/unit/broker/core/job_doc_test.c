// docs/life-of-a-job.md draws what broker/core/job.c does: each pair of state and event is compared
// with the page's table and with its drawing.

#include "broker/core/job.h"

#include "tests/support/test.h"

#include <stdio.h>

enum { CELL_MAX = 16, LINE_MAX_LEN = 4096 };

struct page {
    char table[JOB_STATES][JOB_EVENTS][CELL_MAX];
    bool has_row[JOB_STATES];
    bool drawn[JOB_STATES][JOB_EVENTS][JOB_STATES];
    char columns[JOB_EVENTS][CELL_MAX];
    unsigned edge_count;
};

// JOB_STATES when there is no such state.
static unsigned state_of(const char *name)
{
    unsigned state = 0;
    while (state < JOB_STATES && strcmp(job_state_name((enum job_state)state), name) != 0)
        state++;
    return state;
}

static unsigned event_of(const char *name)
{
    unsigned event = 0;
    while (event < JOB_EVENTS && strcmp(job_event_name((enum job_event)event), name) != 0)
        event++;
    return event;
}

// Copies the next cell of a row, without its spaces; false at the end of the row.
static bool take_cell(const char **at, char out[CELL_MAX])
{
    const char *end = strchr(*at, '|');
    if (end == NULL)
        return false;
    size_t len = 0;
    for (const char *c = *at; c < end; c++)
        if (*c != ' ' && len + 1 < CELL_MAX)
            out[len++] = *c;
    out[len] = '\0';
    *at = end + 1;
    return true;
}

static void read_row(struct page *page, const char *line)
{
    char cell[CELL_MAX];
    char name[CELL_MAX];
    const char *at = line + 1;
    if (line[0] != '|' || !take_cell(&at, name))
        return;
    unsigned state = state_of(name);
    bool is_head = strcmp(name, "from") == 0;
    unsigned count = 0;
    char cells[JOB_EVENTS][CELL_MAX];
    for (; count < JOB_EVENTS && take_cell(&at, cell); count++)
        memcpy(cells[count], cell, sizeof cell);
    // The page has other tables that begin with states.
    if (count != JOB_EVENTS || (!is_head && state == JOB_STATES))
        return;
    if (!is_head)
        EXPECT(!page->has_row[state]);
    memcpy(is_head ? page->columns : page->table[state], cells, sizeof cells);
    if (!is_head)
        page->has_row[state] = true;
}

static void read_edge(struct page *page, const char *line)
{
    char from[CELL_MAX];
    char to[CELL_MAX];
    char event[CELL_MAX];
    if (sscanf(line, " %15s --> %15[a-z]: %15s", from, to, event) != 3)
        return;
    unsigned before = strcmp(from, "[*]") == 0 ? JOB_NONE : state_of(from);
    unsigned after = state_of(to);
    unsigned cause = event_of(event);
    EXPECT(before < JOB_STATES && after < JOB_STATES && cause < JOB_EVENTS);
    EXPECT(!page->drawn[before][cause][after]);
    page->drawn[before][cause][after] = true;
    page->edge_count++;
}

static void read_page(struct page *page)
{
    FILE *file = test_open_page("life-of-a-job.md");
    char line[LINE_MAX_LEN];
    while (fgets(line, sizeof line, file) != NULL) {
        read_row(page, line);
        read_edge(page, line);
    }
    (void)fclose(file);
}

TEST(job_doc, the_table_has_a_column_for_each_event_and_a_row_for_each_state)
{
    struct page page = {0};
    read_page(&page);
    for (unsigned event = 0; event < JOB_EVENTS; event++)
        EXPECT_STR(page.columns[event], job_event_name((enum job_event)event));
    for (unsigned state = 0; state < JOB_STATES; state++)
        EXPECT(page.has_row[state]);
}

TEST(job_doc, the_table_says_what_the_code_does)
{
    struct page page = {0};
    read_page(&page);
    for (unsigned state = 0; state < JOB_STATES; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++) {
            bool may = job_may((enum job_state)state, (enum job_event)event);
            const char *to = may ? job_state_name(job_after(state, (enum job_event)event)) : "";
            EXPECT_STR(page.table[state][event], to);
        }
}

TEST(job_doc, the_drawing_shows_each_edge_and_no_other)
{
    struct page page = {0};
    read_page(&page);
    unsigned count = 0;
    for (unsigned state = 0; state < JOB_STATES; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++) {
            if (!job_may((enum job_state)state, (enum job_event)event))
                continue;
            EXPECT(page.drawn[state][event][job_after(state, (enum job_event)event)]);
            count++;
        }
    EXPECT_EQ(page.edge_count, count);
}
