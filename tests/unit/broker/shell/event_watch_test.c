// Waiting for events: answered once, with what fits, and never at the others' cost.

#include "broker/shell/event_watch.h"
#include "tests/support/test.h"

struct scene {
    struct event_log *log;
    struct event_watches *watches;
    struct event_watch_answer answer; // the last one
    uint32_t budget;
};

static struct scene scene_of(uint32_t event_count_max, uint32_t watch_count_max)
{
    struct scene scene = {
        .log = event_log_new(&(struct event_log_options){
            .lineage = 7, .epoch = 1, .count_max = event_count_max, .lane_count_max = 2}),
        .watches = event_watch_new(watch_count_max, 1),
        .budget = EVENT_WATCH_BUDGET,
    };
    EXPECT(scene.log != NULL && scene.watches != NULL);
    for (uint16_t lane = 0; lane < 2; lane++)
        event_log_name_lane(scene.log,
                            &(struct lane_row){.no = lane,
                                               .queue = slice_of_text(lane == 0 ? "mail" : "other"),
                                               .type = slice_of_text("send")});
    return scene;
}

static void end(struct scene *scene)
{
    event_watch_free(scene->watches);
    event_log_free(scene->log);
}

static void happen(struct scene *scene, uint16_t lane, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        event_log_add(scene->log, event_log_end(scene->log) + 1,
                      &(struct job_row){.no = 1, .lane = lane, .state = JOB_QUEUED}, 1);
}

static err watch(struct scene *scene, uint64_t corr, uint32_t limit, when_ms deadline)
{
    struct event_watch_question question = {
        .peer = {.number = 1, .generation = 1},
        .corr = corr,
        .asked = {.limit = limit, .queue = slice_of_text("mail")},
        .from = event_log_end(scene->log),
    };
    return event_watch_add(scene->watches, &question, deadline);
}

// The corr of the next answer, 0 when there is none.
static uint64_t next(struct scene *scene)
{
    bool is_there = event_watch_next(scene->watches, scene->log, &scene->budget, &scene->answer);
    return is_there ? scene->answer.corr : 0;
}

TEST(event_watch, nothing_is_said_until_something_fits)
{
    struct scene scene = scene_of(16, 4);
    EXPECT_EQ(watch(&scene, 10, 8, 100), OK);
    EXPECT_EQ(next(&scene), 0);
    EXPECT(!event_watch_has_more(scene.watches, scene.log));
    happen(&scene, 1, 3);
    EXPECT(event_watch_has_more(scene.watches, scene.log));
    EXPECT_EQ(next(&scene), 0);
    EXPECT(!event_watch_has_more(scene.watches, scene.log));
    happen(&scene, 0, 2);
    EXPECT_EQ(next(&scene), 10);
    EXPECT_EQ(scene.answer.event.count, 2);
    EXPECT(!scene.answer.event.gap);
    EXPECT_EQ(scene.answer.event.events[1].position, 5);
    EXPECT_EQ(scene.answer.event.next.position, 5);
    EXPECT(!scene.answer.event.more);
    EXPECT_EQ(next(&scene), 0);
    EXPECT_EQ(event_watch_count(scene.watches), 0);
    end(&scene);
}

TEST(event_watch, no_more_events_come_than_there_is_credit_for)
{
    struct scene scene = scene_of(16, 4);
    EXPECT_EQ(watch(&scene, 10, 2, 100), OK);
    happen(&scene, 0, 5);
    EXPECT_EQ(next(&scene), 10);
    EXPECT_EQ(scene.answer.event.count, 2);
    EXPECT_EQ(scene.answer.event.next.position, 2);
    EXPECT(scene.answer.event.more);
    uint64_t from;
    EXPECT_EQ(event_log_find(scene.log, &scene.answer.event.next, &from), OK);
    EXPECT_EQ(from, 2);
    EXPECT_EQ(next(&scene), 0); // the rest has not been asked for
    end(&scene);
}

TEST(event_watch, the_deadline_ends_it_where_the_stream_is)
{
    struct scene scene = scene_of(16, 4);
    EXPECT_EQ(watch(&scene, 10, 8, 100), OK);
    EXPECT_EQ(event_watch_deadline(scene.watches), 100);
    happen(&scene, 1, 3);
    event_watch_expire(scene.watches, 99);
    EXPECT_EQ(next(&scene), 0);
    event_watch_expire(scene.watches, 100);
    EXPECT_EQ(next(&scene), 10);
    EXPECT_EQ(scene.answer.event.count, 0);
    EXPECT(!scene.answer.event.gap);
    EXPECT_EQ(scene.answer.event.next.position, 3); // others' events are passed, not missed
    EXPECT_EQ(event_watch_deadline(scene.watches), WHEN_NEVER);
    end(&scene);
}

TEST(event_watch, a_question_waits_so_long_and_no_longer)
{
    EXPECT_EQ(event_watch_until(1000, 500), 1500);
    EXPECT_EQ(event_watch_until(1000, UINT32_MAX), 1000 + EVENT_WATCH_WAIT_MS_MAX);
}

TEST(event_watch, the_same_question_is_not_taken_twice)
{
    struct scene scene = scene_of(16, 4);
    EXPECT_EQ(watch(&scene, 10, 8, 100), OK);
    EXPECT_EQ(watch(&scene, 10, 8, 200), OK);
    EXPECT_EQ(event_watch_count(scene.watches), 1);
    EXPECT_EQ(watch(&scene, 11, 8, 100), OK);
    happen(&scene, 0, 1);
    EXPECT_EQ(next(&scene), 10);
    EXPECT_EQ(next(&scene), 11);
    EXPECT_EQ(next(&scene), 0);
    end(&scene);
}

TEST(event_watch, so_many_wait_and_no_more)
{
    enum { COUNT = 3 };
    struct scene scene = scene_of(16, COUNT);
    for (uint64_t corr = 1; corr <= COUNT; corr++)
        EXPECT_EQ(watch(&scene, corr, 8, 100), OK);
    EXPECT_EQ(watch(&scene, COUNT + 1, 8, 100), ERR_FULL);
    event_watch_expire(scene.watches, 100);
    EXPECT_EQ(next(&scene), 1);
    EXPECT_EQ(watch(&scene, COUNT + 1, 8, 200), OK);
    EXPECT_EQ(watch(&scene, COUNT + 2, 8, 200), ERR_FULL);
    end(&scene);
}

TEST(event_watch, one_that_was_passed_by_is_told_of_a_gap)
{
    struct scene scene = scene_of(4, 4);
    EXPECT_EQ(watch(&scene, 10, 8, 100), OK);
    happen(&scene, 1, 2);
    EXPECT_EQ(next(&scene), 0);
    happen(&scene, 0, 5); // more than are kept
    EXPECT_EQ(next(&scene), 10);
    EXPECT(scene.answer.event.gap);
    EXPECT_EQ(scene.answer.event.count, 0);
    EXPECT_EQ(scene.answer.event.next.position, 7);
    EXPECT_EQ(scene.answer.event.oldest_position, 3);
    EXPECT_EQ(scene.answer.event.oldest_index, 1);
    end(&scene);
}

// A crowd looks at a flood: one round costs what it costs, and all get their turn.
TEST(event_watch, looking_is_paid_from_a_budget_in_turns)
{
    enum { CROWD = 64, FLOOD = 1000 };
    struct scene scene = scene_of(FLOOD, CROWD);
    for (uint64_t corr = 1; corr <= CROWD; corr++)
        EXPECT_EQ(watch(&scene, corr, 8, 100), OK);
    happen(&scene, 1, FLOOD - 1);
    happen(&scene, 0, 1);
    uint32_t rounds = 0;
    uint32_t answered = 0;
    while (event_watch_has_more(scene.watches, scene.log) && rounds < 1000) {
        scene.budget = EVENT_WATCH_BUDGET;
        while (next(&scene) != 0)
            answered++;
        rounds++;
    }
    EXPECT_EQ(answered, CROWD);
    // What all look at together, at most a round's budget at a time.
    EXPECT(rounds >= CROWD * FLOOD / EVENT_WATCH_BUDGET && rounds < 100);
    end(&scene);
}
