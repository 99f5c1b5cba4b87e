// What travels in one message: one tenant's jobs, the oldest question first, nobody out of order.

#include "gateway/shell/gather.h"

#include "tests/support/test.h"

enum { ASKS = 8 };

struct line {
    struct ask asks[ASKS];
    struct msg_submit_job jobs[ASKS];
    struct ask_line line;
    uint32_t count;
};

static struct ask *add(struct line *line, const char *tenant)
{
    struct ask *ask = &line->asks[line->count];
    line->jobs[line->count].batch_index = line->count;
    *ask = (struct ask){.kind = ASK_SUBMIT,
                        .tenant = slice_of_text(tenant),
                        .jobs = &line->jobs[line->count++],
                        .job_count = 1,
                        .byte_count = 10};
    ask_put(&line->line, ask);
    return ask;
}

static void expect_line(const struct ask_line *line, const struct ask *const *asks, uint32_t count)
{
    const struct ask *ask = line->first;
    for (uint32_t i = 0; i < count; i++, ask = ask->next)
        EXPECT(ask == asks[i]);
    EXPECT(ask == NULL);
    EXPECT(count > 0 ? line->last == asks[count - 1] : line->first == NULL && line->last == NULL);
}

static struct msg_submit_job room[GATHER_JOBS_MAX];

TEST(gather, one_message_has_one_tenant)
{
    struct line urgent = {0};
    struct line bulk = {0};
    struct ask_line taken = {0};
    const struct ask *acme[] = {add(&urgent, "acme"), NULL, NULL, NULL};
    const struct ask *other[] = {add(&urgent, "other"), NULL};
    acme[1] = add(&urgent, "acme");
    other[1] = add(&bulk, "other");
    acme[2] = add(&bulk, "acme");
    struct msg msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.kind, MSG_SUBMIT);
    EXPECT_EQ(msg.submit.count, 3);
    expect_line(&taken, acme, 3);
    expect_line(&urgent.line, other, 1);
    expect_line(&bulk.line, other + 1, 1);
    EXPECT_EQ(msg.submit.jobs[1].batch_index, 2);
    // Whoever waits longest is next; an ask that comes meanwhile goes to the end.
    const struct ask *late = add(&urgent, "acme");
    taken = (struct ask_line){0};
    msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.submit.count, 2);
    expect_line(&taken, other, 2);
    expect_line(&urgent.line, &late, 1);
}

TEST(gather, atomic_questions_travel_alone)
{
    struct line urgent = {0};
    struct line bulk = {0};
    struct ask_line taken = {0};
    const struct ask *first = add(&urgent, "acme");
    struct ask *atomic = add(&bulk, "acme");
    struct ask *behind = add(&bulk, "acme");
    atomic->is_atomic = true;
    struct msg msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.submit.count, 1);
    expect_line(&taken, &first, 1);
    taken = (struct ask_line){0};
    msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT(msg.submit.is_atomic);
    EXPECT(msg.submit.jobs == atomic->jobs);
    const struct ask *left = behind;
    expect_line(&bulk.line, &left, 1);
}

TEST(gather, a_message_is_filled_and_not_more)
{
    struct line urgent = {0};
    struct line bulk = {0};
    struct ask_line taken = {0};
    struct msg_submit_job many[GATHER_JOBS_MAX] = {0};
    const struct ask *first = add(&urgent, "acme");
    struct ask *large = add(&urgent, "acme");
    large->jobs = many;
    large->job_count = GATHER_JOBS_MAX;
    const struct ask *kept[] = {large, add(&urgent, "acme")};
    struct msg msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.submit.count, 1);
    expect_line(&taken, &first, 1);
    expect_line(&urgent.line, kept, 2);
    taken = (struct ask_line){0};
    msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.submit.count, GATHER_JOBS_MAX);
    expect_line(&taken, kept, 1);
    // Bytes, too: the first always goes.
    taken = (struct ask_line){0};
    urgent.line.first->byte_count = GATHER_BYTES_MAX + 1;
    const struct ask *small = add(&urgent, "acme");
    msg = gather_jobs(&urgent.line, &bulk.line, &taken, room);
    EXPECT_EQ(msg.submit.count, 1);
    expect_line(&taken, kept + 1, 1);
    expect_line(&urgent.line, &small, 1);
}

TEST(gather, only_so_many_are_looked_at)
{
    static struct ask strangers[GATHER_LOOK_MAX];
    struct line urgent = {0};
    struct line bulk = {0};
    struct ask_line taken = {0};
    struct msg_submit_job job = {0};
    const struct ask *first = add(&urgent, "acme");
    for (uint32_t i = 0; i < GATHER_LOOK_MAX; i++) {
        strangers[i] = (struct ask){
            .kind = ASK_SUBMIT, .tenant = slice_of_text("other"), .jobs = &job, .job_count = 1};
        ask_put(&urgent.line, &strangers[i]);
    }
    const struct ask *last = add(&urgent, "acme");
    (void)gather_jobs(&urgent.line, &bulk.line, &taken, room);
    expect_line(&taken, &first, 1);
    EXPECT(urgent.line.last == last);
}

// What each question was told: when its first job was made, or an error.
struct heard {
    when_ms created_at[ASKS];
    err errors[ASKS];
};

static struct heard heard;

static void note(struct ask *ask, const struct ask_result *result)
{
    uint32_t number = ask->jobs->batch_index;
    heard.errors[number] = result->error;
    heard.created_at[number] = result->error == OK ? result->jobs[0].created_at : 0;
}

TEST(gather, each_question_hears_of_its_own_jobs)
{
    struct msg_submitted_job jobs[] = {{.created_at = 10}, {.created_at = 20}, {.created_at = 30}};
    const struct msg_submitted answer = {.jobs = jobs, .count = 3};
    struct line line = {0};
    struct ask *first = add(&line, "acme");
    struct ask *second = add(&line, "acme");
    first->job_count = 2;
    first->done = note;
    second->done = note;
    gather_answer(&line.line, 3, &answer);
    EXPECT(line.line.first == NULL);
    EXPECT_EQ(heard.created_at[0], 10);
    EXPECT_EQ(heard.created_at[1], 30);
}

TEST(gather, an_answer_to_something_else_tells_nothing)
{
    struct msg_submitted_job jobs[] = {{.created_at = 10}};
    const struct msg_submitted answer = {.jobs = jobs, .count = 1};
    struct line line = {0};
    add(&line, "acme")->done = note;
    add(&line, "acme")->done = note;
    gather_answer(&line.line, 2, &answer);
    EXPECT_EQ(heard.errors[0], ERR_TIMEOUT);
    EXPECT_EQ(heard.errors[1], ERR_TIMEOUT);
}
