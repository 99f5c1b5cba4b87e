// Acts on many: who is met, who is left alone, what a repeated or late step does, restarts, limits.
// links: weft_proto

#include "proto/check.h"
#include "tests/support/story.h"

static struct msg_filter all_of(enum act_kind kind)
{
    return (struct msg_filter){.states = check_operate_states(kind)};
}

static struct story *with_jobs(uint32_t count)
{
    struct story *story = story_new();
    for (uint32_t i = 1; i <= count; i++)
        story_submit(story, story_job(i));
    (void)story_told(story);
    return story;
}

TEST(operation, goes_over_the_jobs_step_by_step)
{
    struct story *story = with_jobs(3);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    EXPECT_STORY(story, "[0] write operation 07: up to 3 of 3, matched 0 done 0\n"
                        "[0] send client: operation 07 v1 up to 3 of 3\n");
    story_step(story, 7, 3, 1, (uint32_t[]){3, 2, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 1 of 3, matched 2 done 2\n"
                        "[0] write 3 cancelled v2\n"
                        "[0] write 2 cancelled v2\n");
    story_at(story, 5);
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    EXPECT_STORY(story, "[5] write operation 07: up to 0 of 3, matched 3 done 3 over\n"
                        "[5] write 1 cancelled v2\n");
    EXPECT_EQ(story_figures(story).operation_running, 0);
    EXPECT_EQ(story_figures(story).operated[1], 3);
    story_free(story);
}

TEST(operation, begun_again_it_is_the_same_one)
{
    struct story *story = with_jobs(1);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    (void)story_told(story);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    EXPECT_STORY(story, "[0] send client: operation 07 v2 up to 0 of 1 over\n");
    story_operate(story, ACT_PURGE, 7, all_of(ACT_PURGE));
    EXPECT_STORY(story, "[0] send client: operation key-reused (operation_id: of another "
                        "operation)\n");
    story_free(story);
}

TEST(operation, without_jobs_is_over_at_once)
{
    struct story *story = story_new();
    story_operate(story, ACT_DELETE, 7, all_of(ACT_DELETE));
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 0, matched 0 done 0 over\n"
                        "[0] send client: operation 07 v1 up to 0 of 0 over\n");
    story_free(story);
}

TEST(operation, a_step_said_twice_or_from_elsewhere_does_nothing)
{
    struct story *story = with_jobs(3);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 3, 2, (uint32_t[]){3, 0});
    (void)story_told(story);
    story_step(story, 7, 3, 2, (uint32_t[]){3, 0});    // again
    story_step(story, 8, 3, 2, (uint32_t[]){2, 0});    // of no operation
    story_step(story, 7, 2, 2, (uint32_t[]){0});       // that leads nowhere
    story_step(story, 7, 2, 0, (uint32_t[]){1, 2, 0}); // upwards
    story_step(story, 7, 2, 0, (uint32_t[]){3, 1, 0}); // above its cursor
    story_step(story, 7, 2, 1, (uint32_t[]){1, 0});    // below its end
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(operation, what_is_named_must_be_known)
{
    struct story *story = with_jobs(1);
    struct msg_filter filter = all_of(ACT_PURGE);
    filter.queue = slice_of_text("nowhere");
    story_operate(story, ACT_PURGE, 7, filter);
    filter = all_of(ACT_CANCEL);
    filter.batch_id = story_id(9);
    story_operate(story, ACT_CANCEL, 8, filter);
    // A list by queue is one of those that fit, be it none.
    filter = all_of(ACT_CANCEL);
    filter.queue = slice_of_text("nowhere");
    story_operate(story, ACT_CANCEL, 9, filter);
    EXPECT_STORY(story, "[0] send client: operation not-found (no job and no setting has named "
                        "this queue yet)\n"
                        "[0] send client: operation not-found (no such batch; check the id)\n"
                        "[0] write operation 09: up to 1 of 1, matched 0 done 0\n"
                        "[0] send client: operation 09 v1 up to 1 of 1\n");
    story_free(story);
}

TEST(operation, what_does_not_fit_any_more_is_counted_and_left_alone)
{
    struct story *story = with_jobs(2);
    story_operate(story, ACT_PURGE, 7, all_of(ACT_PURGE));
    story_worker(story, 11, "mail", 1);
    EXPECT_STORY(story, "[0] write operation 07: up to 2 of 2, matched 0 done 0\n"
                        "[0] send client: operation 07 v1 up to 2 of 2\n");
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 2, matched 2 done 1 over\n"
                        "[0] write 2 cancelled v2\n");
    EXPECT_EQ(story_figures(story).operated[0], 1);
    story_free(story);
}

TEST(operation, a_running_job_is_asked_to_stop)
{
    struct story *story = with_jobs(1);
    story_worker(story, 11, "mail", 1);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    (void)story_told(story);
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 1, matched 1 done 1 over\n"
                        "[0] write 1 running v3\n"
                        "[0] send worker 1: renewed cancel 1@1.1\n");
    story_free(story);
}

// A job whose number is another one's by now, because its id was used again.
TEST(operation, another_job_of_the_same_id_is_not_meant)
{
    struct story *story = with_jobs(2);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    (void)story_told(story);
    struct operation_step step = {.operation = story_operation_id(7), .from = 2, .count = 1};
    step.items[0] = (struct operation_item){.id = story_id(2), .no = 1};
    struct command command = {.kind = COMMAND_STEP, .step = &step};
    effects_reset(&story->fx);
    core_step(story->core, story->now, &command, &story->fx);
    (void)core_close(story->core, story->now, &story->fx);
    EXPECT_EQ(story->fx.writes[0].kind, WRITE_OPERATION);
    EXPECT_EQ(story->fx.writes[0].operation.matched, 1);
    EXPECT_EQ(story->fx.writes[0].operation.done, 0);
    EXPECT_EQ(story->fx.write_count, 2); // and the ledger's row
    story_free(story);
}

static struct story *with_dead(uint32_t count)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 8);
    for (uint32_t i = 1; i <= count; i++) {
        story_submit(story, story_job(i));
        story_finish(story, 11, story_held(i, story_token(1, i)), OUTCOME_DEAD);
    }
    story_hello(story, 11, 2, NULL); // takes no more
    (void)story_told(story);
    return story;
}

TEST(operation, dead_jobs_live_again_or_are_deleted)
{
    struct story *story = with_dead(2);
    story_operate(story, ACT_RETRY, 7, all_of(ACT_RETRY));
    story_step(story, 7, 2, 1, (uint32_t[]){2, 0});
    story_operate(story, ACT_DELETE, 8, all_of(ACT_DELETE));
    (void)story_told(story);
    story_step(story, 8, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[0] drop body of 1\n"
                        "[0] write 1 removed v4 e1 c0 i0\n"
                        "[0] write operation 08: up to 0 of 2, matched 2 done 1 over\n");
    story_free(story);
}

// When the operation began it did not fit; it is met, and left alone.
TEST(operation, an_end_that_is_not_settled_yet_is_too_late)
{
    struct story *story = with_dead(2);
    story_worker(story, 11, "mail", 8);
    story->lag = 2;
    story_operate(story, ACT_RETRY, 7, all_of(ACT_RETRY));
    story_settle(story);
    story_act(story, ACT_RETRY, 1);
    story_finish(story, 11, story_held(1, story_token(1, 3)), OUTCOME_DEAD);
    (void)story_told(story);
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 2, matched 2 done 1 over\n"
                        "[0] write 2 running v5\n"
                        "[0] job 2 to worker 1 token 1.4 attempt 1\n");
    story_free(story);
}

TEST(operation, goes_on_after_a_restart_where_it_was)
{
    struct story *story = with_jobs(3);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 3, 2, (uint32_t[]){3, 0});
    story->lag = 2;
    story_step(story, 7, 2, 1, (uint32_t[]){2, 0}); // is lost
    struct id id;
    EXPECT(!core_next_operation(story->core, story->now, &id));
    story_restart(story);
    story->lag = 0;
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 7);
    (void)story_told(story);
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    EXPECT_STORY(story, "");
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 3, matched 3 done 3 over\n"
                        "[0] write 2 cancelled v2\n"
                        "[0] write 1 cancelled v2\n");
    EXPECT(!core_next_operation(story->core, story->now, &id));
    story_free(story);
}

TEST(operation, a_full_table_forgets_only_what_is_over_since_an_hour)
{
    struct story *story = with_jobs(1);
    story_operate(story, ACT_CANCEL, 1, all_of(ACT_CANCEL));
    story_operate(story, ACT_RETRY, 2, all_of(ACT_RETRY));
    story_step(story, 1, 1, 0, (uint32_t[]){0});
    (void)story_told(story);
    story_operate(story, ACT_PURGE, 3, all_of(ACT_PURGE));
    EXPECT_STORY(story, "[0] send client: operation full (operation_count_max: too many operations "
                        "go on, or are over since less than an hour)\n");
    story_at(story, LIMITS_OPERATION_KEPT_MS);
    story_operate(story, ACT_PURGE, 3, all_of(ACT_PURGE));
    EXPECT_STORY(story, "[3600000] drop operation 01\n"
                        "[3600000] write operation 03: up to 1 of 1, matched 0 done 0\n"
                        "[3600000] send client: operation 03 v1 up to 1 of 1\n");
    EXPECT_EQ(story_figures(story).operation_count, 2);
    struct limits limits = story_limits();
    limits.operation_count_max = 1;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    story_free(story);
}

TEST(operation, one_that_is_ahead_of_the_ledger_is_not_loaded)
{
    struct story *story = with_jobs(1);
    story_operate(story, ACT_CANCEL, 1, all_of(ACT_CANCEL));
    story->store.operations[0].upto = 2;
    struct limits limits = story_limits();
    EXPECT_EQ(story_reload(story, &limits), ERR_DAMAGED);
    story_free(story);
}

// Whoever repeats a retry whose answer was lost may come late: after an act on many, and after the
// job has died again.
TEST(operation, a_retry_is_known_after_an_act_on_many)
{
    struct story *story = with_dead(1);
    struct msg msg = {.kind = MSG_ACT, .act = {.kind = ACT_RETRY, .job_id = story_id(1)}};
    msg.act.act_id = story_id(900);
    story_say(story, STORY_CLIENT, &msg);
    story_worker(story, 12, "mail", 1);
    story_finish(story, 12, story_held(1, story_token(1, 2)), OUTCOME_DEAD);
    story_operate(story, ACT_RETRY, 7, all_of(ACT_RETRY));
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    story_finish(story, 12, story_held(1, story_token(1, 3)), OUTCOME_DEAD);
    (void)story_told(story);
    story_say(story, STORY_CLIENT, &msg);
    EXPECT_STORY(story, "[0] send client: acted dead v9\n");
    story_free(story);
}

// --- with a rate ---

static void operate_at_rate(struct story *story, uint8_t number, uint32_t rate)
{
    struct msg msg = {.kind = MSG_OPERATE,
                      .operate = {.kind = ACT_CANCEL,
                                  .operation_id = story_operation_id(number),
                                  .filter = all_of(ACT_CANCEL),
                                  .actor = slice_of_text("me"),
                                  .rate = rate}};
    story_say(story, STORY_CLIENT, &msg);
}

TEST(operation, a_rate_begins_empty_and_lets_a_job_go_when_its_time_has_come)
{
    struct story *story = with_jobs(3);
    operate_at_rate(story, 7, 3);
    EXPECT_STORY(story, "[0] write operation 07: up to 3 of 3, matched 0 done 0 at 3/s\n"
                        "[0] send client: operation 07 v1 up to 3 of 3 at 3/s\n");
    struct id id;
    EXPECT(!core_next_operation(story->core, story->now, &id));
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 334);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0}); // proposed all the same
    story_at(story, 333);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0});
    EXPECT_STORY(story, "");
    story_at(story, 334);
    EXPECT(core_next_operation(story->core, story->now, &id));
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 0);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0});
    EXPECT_STORY(story, "[334] write operation 07: up to 2 of 3, matched 1 done 1 at 3/s\n"
                        "[334] write 3 cancelled v2\n");
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 333); // two thousandths are left
    story_at(story, 1000);
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[1000] write operation 07: up to 0 of 3, matched 3 done 3 over at 3/s\n"
                        "[1000] write 2 cancelled v2\n"
                        "[1000] write 1 cancelled v2\n");
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(operation, what_does_not_fit_any_more_counts_for_the_rate)
{
    struct story *story = with_jobs(2);
    operate_at_rate(story, 7, 1);
    story_act(story, ACT_CANCEL, 2);
    (void)story_told(story);
    story_at(story, 1000);
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "[1000] write operation 07: up to 1 of 2, matched 1 done 0 at 1/s\n");
    story_free(story);
}

TEST(operation, a_stretch_without_jobs_costs_nothing)
{
    struct story *story = with_jobs(3);
    operate_at_rate(story, 7, 1);
    story_at(story, 1000);
    story_step(story, 7, 3, 2, (uint32_t[]){0});
    struct id id;
    EXPECT(core_next_operation(story->core, story->now, &id));
    (void)story_told(story);
    story_step(story, 7, 2, 0, (uint32_t[]){1, 0});
    EXPECT_STORY(story, "[1000] write operation 07: up to 0 of 3, matched 1 done 1 over at 1/s\n"
                        "[1000] write 1 cancelled v2\n");
    story_free(story);
}

// A second's worth at most, however long nobody looked.
TEST(operation, after_a_standstill_a_second_is_caught_up)
{
    struct story *story = with_jobs(8);
    operate_at_rate(story, 7, 5);
    (void)story_told(story);
    story_at(story, 3600 * 1000);
    story_step(story, 7, 8, 0, (uint32_t[]){8, 7, 6, 5, 4, 3, 2, 1, 0});
    EXPECT_EQ(story->store.operations[0].matched, 5);
    EXPECT_EQ(story->store.operations[0].cursor, 3);
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 200);
    story_free(story);
}

TEST(operation, a_start_keeps_the_rate_and_gives_nothing_away)
{
    struct story *story = with_jobs(4);
    operate_at_rate(story, 7, 2);
    story_at(story, 1000);
    story_step(story, 7, 4, 3, (uint32_t[]){4, 0});
    story_at(story, 9000);
    story_restart(story);
    (void)story_told(story);
    EXPECT_EQ(story->store.operations[0].rate, 2);
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 500);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0});
    EXPECT_STORY(story, "");
    story_at(story, 9500);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0});
    EXPECT_STORY(story, "[9500] write operation 07: up to 2 of 4, matched 2 done 2 at 2/s\n"
                        "[9500] write 3 cancelled v2\n");
    story_free(story);
}

TEST(operation, one_with_a_rate_holds_up_no_other)
{
    struct story *story = with_jobs(4);
    operate_at_rate(story, 7, 1);
    story_at(story, 100);
    operate_at_rate(story, 8, 2);
    struct id id;
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 500);
    story_at(story, 600);
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 8);
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 8);
    story_step(story, 8, 4, 0, (uint32_t[]){4, 3, 0});
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 400);
    story_at(story, 1100);
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 7);
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 8);
    story_free(story);
}

TEST(operation, one_without_a_rate_goes_on_beside_one_that_rests)
{
    struct story *story = with_jobs(2);
    operate_at_rate(story, 7, 1);
    story_operate(story, ACT_CANCEL, 8, all_of(ACT_CANCEL));
    struct id id;
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 0);
    EXPECT(core_next_operation(story->core, story->now, &id) && id.bytes[15] == 8);
    (void)story_told(story);
    story_step(story, 8, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 1000);
    story_free(story);
}

// What is not durable yet brings its own wake-up.
TEST(operation, nothing_is_waited_for_while_a_step_is_not_settled)
{
    struct story *story = with_jobs(2);
    operate_at_rate(story, 7, 1);
    story->lag = 2;
    story_at(story, 1000);
    story_step(story, 7, 2, 1, (uint32_t[]){2, 0});
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), WHEN_NEVER);
    story_settle(story);
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), 1000);
    story_free(story);
}

TEST(operation, with_another_rate_it_is_another_one)
{
    struct story *story = with_jobs(1);
    operate_at_rate(story, 7, 5);
    (void)story_told(story);
    operate_at_rate(story, 7, 5);
    operate_at_rate(story, 7, 6);
    EXPECT_STORY(story, "[0] send client: operation 07 v1 up to 1 of 1 at 5/s\n"
                        "[0] send client: operation key-reused (operation_id: of another "
                        "operation)\n");
    story_free(story);
}

// --- cancelled ---

static void cancel(struct story *story, uint8_t number)
{
    story_operate(story, ACT_STOP, number, (struct msg_filter){0});
}

TEST(operation, cancelled_it_is_over_where_it_stands)
{
    struct story *story = with_jobs(3);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 3, 2, (uint32_t[]){3, 0});
    (void)story_told(story);
    story_at(story, 5);
    cancel(story, 7);
    EXPECT_STORY(story, "[5] write operation 07: up to 2 of 3, matched 1 done 1 cancelled\n"
                        "[5] send client: operation 07 v3 up to 2 of 3 cancelled\n");
    EXPECT_EQ(story_figures(story).operation_running, 0);
    // What the shell had looked for meanwhile is not done.
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "");
    EXPECT_EQ(story_figures(story).operated[1], 1);
    // Nor is it looked for again.
    struct id next;
    EXPECT(!core_next_operation(story->core, story->now, &next));
    EXPECT_EQ(core_operation_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(operation, cancelled_again_it_is_answered_as_it_is)
{
    struct story *story = with_jobs(2);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    cancel(story, 7);
    (void)story_told(story);
    story_at(story, 9);
    cancel(story, 7);
    // Who began it and asks again is told, too.
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    EXPECT_STORY(story, "[9] send client: operation 07 v2 up to 2 of 2 cancelled\n"
                        "[9] send client: operation 07 v2 up to 2 of 2 cancelled\n");
    story_free(story);
}

TEST(operation, what_came_to_its_end_or_never_began_is_not_cancelled)
{
    struct story *story = with_jobs(1);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 1, 0, (uint32_t[]){1, 0});
    (void)story_told(story);
    cancel(story, 7);
    cancel(story, 8);
    EXPECT_STORY(story, "[0] send client: operation conflict (the operation is over)\n"
                        "[0] send client: operation not-found (no such operation, or over since "
                        "long; check the id)\n");
    story_free(story);
}

TEST(operation, another_tenants_is_unknown_to_who_would_cancel_it)
{
    struct story *story = with_jobs(1);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    (void)story_told(story);
    story->tenant = slice_of_text("other");
    cancel(story, 7);
    EXPECT_STORY(story, "[0] send client: operation not-found (no such operation, or over since "
                        "long; check the id)\n");
    EXPECT_EQ(story_figures(story).operation_running, 1);
    story_free(story);
}

TEST(operation, no_start_goes_on_with_a_cancelled_one)
{
    struct story *story = with_jobs(3);
    story_operate(story, ACT_CANCEL, 7, all_of(ACT_CANCEL));
    story_step(story, 7, 3, 2, (uint32_t[]){3, 0});
    cancel(story, 7);
    story_restart(story);
    (void)story_told(story);
    EXPECT_EQ(story_figures(story).operation_running, 0);
    struct id next;
    EXPECT(!core_next_operation(story->core, story->now, &next));
    story_step(story, 7, 2, 0, (uint32_t[]){2, 1, 0});
    EXPECT_STORY(story, "");
    EXPECT(slice_is_text(story->store.operations[0].cancelled_by, "me"));
    story_free(story);
}
