// Rows of dependencies that the ledger could not have written.

#include "tests/support/story.h"

#include "broker/core/core_private.h"

TEST(ledger_relations, rows_that_fit_no_job_are_damaged)
{
    struct story *story = story_new();
    story_submit_two(story, story_job(1), story_job(2));
    struct ledger *ledger = &story->core->ledger;
    struct id parent = story_id(1);
    struct dep_row row = {.no = 2,
                          .job_id = story_id(2),
                          .on_failure = ON_FAILURE_RUN,
                          .parents = {.items = &parent, .count = 1}};
    struct dep_row unknown = row;
    unknown.job_id = story_id(9);
    EXPECT_EQ(ledger_load_dep(ledger, &unknown), ERR_DAMAGED);
    struct dep_row other = row;
    other.no = 1;
    EXPECT_EQ(ledger_load_dep(ledger, &other), ERR_DAMAGED);
    EXPECT_EQ(ledger_load_dep(ledger, &row), OK);
    EXPECT_EQ(ledger_load_dep(ledger, &row), ERR_DAMAGED); // twice
    story_free(story);
}

TEST(ledger_relations, a_parent_stands_where_its_job_stands)
{
    struct story *story = story_new();
    const struct ledger *ledger = &story->core->ledger;
    struct id id = story_id(1);
    EXPECT_EQ(ledger_parent(ledger, (struct slice){0}, &id), PARENT_UNKNOWN);
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    EXPECT_EQ(ledger_parent(ledger, (struct slice){0}, &id), PARENT_UNFINISHED);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    EXPECT_EQ(ledger_parent(ledger, (struct slice){0}, &id), PARENT_FAILED);
    story_settle(story);
    story_at(story, 5000);
    story_remove(story, 1);
    EXPECT_EQ(ledger_parent(ledger, (struct slice){0}, &id), PARENT_UNKNOWN);
    story_free(story);
}
