#include "broker/shell/ticks.h"

#include "tests/support/bare_core.h"
#include "tests/support/test.h"

// A broker as far as ticks need one. A job is due, and nothing that has not left is known to the core.
static struct broker *broker_with_due_job(struct bare_core *bare, struct limits *limits)
{
    *limits = limits_default();
    limits->job_count_max = 100;
    limits->changed_count_max = 1024;
    bare_open(bare, limits);
    struct msg_submit_job job = {.job_id = id_v7(bare->now.store, 1, 1),
                                 .type = slice_of_text("mail"),
                                 .queue = slice_of_text("default"),
                                 .delay_ms = 1000};
    bare_say(bare, 1, &(struct msg){.kind = MSG_SUBMIT, .submit = {.jobs = &job, .count = 1}});
    bare_close(bare);
    struct broker *broker = calloc(1, sizeof *broker);
    EXPECT(broker != NULL);
    broker->core = bare->core;
    broker->is_viewing = true; // the core asks nobody
    broker->filling = batch_new(limits);
    EXPECT(broker->filling != NULL);
    broker->now = bare->now;
    broker->now.mono += 1000;
    broker->now.store += 1000;
    EXPECT_EQ(core_wait_ms(broker->core, broker->now), 0);
    return broker;
}

static void let_go(struct bare_core *bare, struct broker *broker)
{
    batch_free(broker->filling);
    free(broker);
    bare_end(bare);
}

static void next_batch(struct broker *broker)
{
    core_settled(broker->core, core_close(broker->core, broker->now, &broker->filling->effects));
    batch_reset(broker->filling, broker->now.mono);
}

TEST(ticks, have_their_room_however_many_jobs_come_back)
{
    struct bare_core bare;
    struct limits limits;
    struct broker *broker = broker_with_due_job(&bare, &limits);
    broker->unsent_count = 1024; // a batch of them
    ticks_run(broker);
    EXPECT_EQ(core_wait_ms(broker->core, broker->now), WHEN_NEVER);
    EXPECT_EQ(broker->unsent_count, 256);
    EXPECT_EQ(ticks_wait_ms(broker), WHEN_NEVER); // this batch is full
    next_batch(broker);
    EXPECT_EQ(ticks_wait_ms(broker), 0);
    ticks_run(broker);
    EXPECT_EQ(broker->unsent_count, 0);
    let_go(&bare, broker);
}

TEST(ticks, come_before_what_fills_the_next_batch)
{
    struct bare_core bare;
    struct limits limits;
    struct broker *broker = broker_with_due_job(&bare, &limits);
    struct effects *effects = &broker->filling->effects;
    effects->load = effects->changed_cap; // as messages left it
    ticks_run(broker);
    EXPECT_EQ(core_wait_ms(broker->core, broker->now), 0);
    EXPECT_EQ(ticks_wait_ms(broker), WHEN_NEVER);
    next_batch(broker);
    EXPECT_EQ(ticks_wait_ms(broker), 0);
    ticks_run(broker);
    EXPECT_EQ(core_wait_ms(broker->core, broker->now), WHEN_NEVER);
    let_go(&bare, broker);
}
