// The table of moves, and the one function that moves.

#include "broker/core/job.h"

#include "tests/support/test.h"

static unsigned edges_of(enum job_state state)
{
    unsigned count = 0;
    for (unsigned event = 0; event < JOB_EVENTS; event++)
        count += job_may(state, (enum job_event)event);
    return count;
}

TEST(job, each_state_has_the_drawn_number_of_edges)
{
    static const unsigned drawn[JOB_STATES] = {
        [JOB_NONE] = 2,    [JOB_SCHEDULED] = 4, [JOB_QUEUED] = 6,    [JOB_RUNNING] = 6,
        [JOB_DEAD] = 2,    [JOB_RETRYING] = 6,  [JOB_SUCCEEDED] = 1, [JOB_CANCELLED] = 1,
        [JOB_REMOVED] = 0, [JOB_EXPIRED] = 1};
    for (unsigned state = 0; state < JOB_STATES; state++)
        EXPECT_EQ(edges_of((enum job_state)state), drawn[state]);
}

TEST(job, a_running_job_may_end_in_six_ways)
{
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_SUCCEED), JOB_SUCCEEDED);
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_FAIL), JOB_RETRYING);
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_DIE), JOB_DEAD);
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_RETURN), JOB_QUEUED);
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_SNOOZE), JOB_SCHEDULED);
    EXPECT_EQ(job_after(JOB_RUNNING, JOB_CANCEL), JOB_CANCELLED);
}

TEST(job, no_terminal_state_is_left_but_by_removal_and_the_dead_by_a_retry)
{
    for (unsigned state = JOB_SUCCEEDED; state <= JOB_EXPIRED; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++)
            EXPECT_EQ(job_may((enum job_state)state, (enum job_event)event),
                      event == JOB_REMOVE || (state == JOB_DEAD && event == JOB_RETRY));
    EXPECT_EQ(job_after(JOB_DEAD, JOB_REMOVE), JOB_REMOVED);
}

TEST(job, nothing_leads_back_to_nothing)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++)
            if (job_may((enum job_state)state, (enum job_event)event))
                EXPECT(job_after((enum job_state)state, (enum job_event)event) != JOB_NONE);
}

TEST(job, moving_counts_the_version)
{
    struct job job = {0};
    job_move(&job, JOB_SUBMIT);
    EXPECT_EQ(job.state, JOB_QUEUED);
    EXPECT_EQ(job.version, 1);
    job_move(&job, JOB_REPORT);
    EXPECT_EQ(job.state, JOB_QUEUED);
    EXPECT_EQ(job.version, 2);
}

TEST(job, a_move_without_an_edge_stops_the_process)
{
    struct job job = {.state = JOB_QUEUED};
    EXPECT_DIES(job_move(&job, JOB_FAIL));
    job.state = JOB_REMOVED;
    EXPECT_DIES(job_move(&job, JOB_REMOVE));
    EXPECT_DIES((void)job_after(JOB_SUCCEEDED, JOB_SUCCEED));
}

TEST(job, done_are_the_terminal_states)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        EXPECT_EQ(job_is_done((enum job_state)state), state >= JOB_SUCCEEDED);
    EXPECT_DIES((void)job_is_done((enum job_state)JOB_STATES));
}

TEST(job, each_state_has_a_name_of_its_own)
{
    for (unsigned a = 0; a < JOB_STATES; a++)
        for (unsigned b = 0; b < a; b++)
            EXPECT(strcmp(job_state_name((enum job_state)a), job_state_name((enum job_state)b)) !=
                   0);
    EXPECT_STR(job_state_name(JOB_RETRYING), "retrying");
    EXPECT_DIES((void)job_state_name((enum job_state)JOB_STATES));
}
