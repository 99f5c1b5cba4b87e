// What a message may say: each rule from both sides.

#include "tests/support/test.h"

#include "proto/check.h"

#include <string.h>

static char letters[2048];

static struct slice long_text(size_t len)
{
    CHECK(len <= sizeof letters);
    memset(letters, 'a', sizeof letters);
    return slice_of(letters, len);
}

static const uint8_t payload[MSG_PAYLOAD_LEN_MAX + 1];

TEST(check, names)
{
    EXPECT(check_name(slice_of_text("a")));
    EXPECT(check_name(slice_of_text("invoice.render-2_x")));
    EXPECT(check_name(long_text(MSG_NAME_LEN_MAX)));
    EXPECT(!check_name(long_text(MSG_NAME_LEN_MAX + 1)));
    EXPECT(!check_name((struct slice){0}));
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        bool fits = c != 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", (int)c) != NULL;
        EXPECT_EQ(check_name(slice_of(&byte, 1)), fits);
    }
}

TEST(check, keys)
{
    EXPECT(check_key(slice_of_text("order 1001")));
    EXPECT(check_key(long_text(MSG_KEY_LEN_MAX)));
    EXPECT(!check_key(long_text(MSG_KEY_LEN_MAX + 1)));
    EXPECT(!check_key((struct slice){0}));
    EXPECT(!check_key(slice_of_text(" a")));
    EXPECT(!check_key(slice_of_text("a ")));
    for (unsigned c = 0; c < 256; c++) {
        uint8_t bytes[3] = {'a', (uint8_t)c, 'b'};
        EXPECT_EQ(check_key(slice_of(bytes, 3)), c >= 0x20 && c <= 0x7e);
    }
}

static const struct msg_submit_job *a_job(void)
{
    static struct msg_submit_job job;
    job =
        (struct msg_submit_job){.type = slice_of_text("send"), .priority = MSG_PRIORITY_NOT_GIVEN};
    return &job;
}

static void expect_job(const struct msg_submit_job *job, err expected, const char *field)
{
    const char *detail = NULL;
    EXPECT_EQ(check_submit_job(job, &detail), expected);
    if (expected == OK) {
        EXPECT(detail == NULL);
        return;
    }
    // The detail begins with the field's name.
    EXPECT(strncmp(detail, field, strlen(field)) == 0 && detail[strlen(field)] == ':');
}

// `value` is the last that is allowed in `member`, one more is refused.
#define EXPECT_JOB_MAX(member, value, field)                                                       \
    do {                                                                                           \
        struct msg_submit_job job = *a_job();                                                      \
        job.member = (value);                                                                      \
        expect_job(&job, OK, field);                                                               \
        job.member = (value) + 1;                                                                  \
        expect_job(&job, ERR_BAD_FIELD, field);                                                    \
    } while (0)

TEST(check, numbers_of_a_submission)
{
    expect_job(a_job(), OK, "");
    EXPECT_JOB_MAX(priority, MSG_PRIORITY_MAX, "priority");
    EXPECT_JOB_MAX(delay_ms, CHECK_DELAY_MS_MAX, "delay");
    EXPECT_JOB_MAX(run_at, CHECK_RUN_AT_MAX, "run_at");
    EXPECT_JOB_MAX(timeout_ms, CHECK_TIMEOUT_MS_MAX, "timeout");
    EXPECT_JOB_MAX(max_attempts, CHECK_ATTEMPTS_MAX, "max_attempts");
    EXPECT_JOB_MAX(max_crashes, CHECK_CRASHES_MAX, "max_crashes");
    EXPECT_JOB_MAX(retry_first_ms, CHECK_RETRY_MS_MAX, "retry");
    EXPECT_JOB_MAX(retry_longest_ms, CHECK_RETRY_MS_MAX, "retry");
    EXPECT_JOB_MAX(retry_factor_milli, CHECK_FACTOR_MILLI_MAX, "retry");
    EXPECT_JOB_MAX(keep_s, CHECK_KEEP_S_MAX, "keep");
    struct msg_submit_job job = *a_job();
    job.run_at = -1;
    expect_job(&job, ERR_BAD_FIELD, "run_at");
    job.run_at = 1;
    job.delay_ms = 1;
    expect_job(&job, ERR_BAD_FIELD, "delay");
    job = *a_job();
    job.retry_factor_milli = CHECK_FACTOR_MILLI_MIN - 1;
    expect_job(&job, ERR_BAD_FIELD, "retry");
    job.retry_factor_milli = CHECK_FACTOR_MILLI_MIN;
    expect_job(&job, OK, "");
    job.retry_first_ms = 6;
    job.retry_longest_ms = 5;
    expect_job(&job, ERR_BAD_FIELD, "retry");
    job.retry_longest_ms = 6;
    expect_job(&job, OK, "");
}

TEST(check, texts_of_a_submission)
{
    struct msg_submit_job job = *a_job();
    job.type = (struct slice){0};
    expect_job(&job, ERR_BAD_FIELD, "type");
    job.type = slice_of_text("Send");
    expect_job(&job, ERR_BAD_FIELD, "type");
    job = *a_job();
    job.queue = slice_of_text("a b");
    expect_job(&job, ERR_BAD_FIELD, "queue");
    job.queue = slice_of_text("a-b");
    expect_job(&job, OK, "");
    job.key = slice_of_text("tab\t");
    expect_job(&job, ERR_BAD_FIELD, "key");
    job.key = slice_of_text("order 7");
    expect_job(&job, OK, "");
    job.traceparent = slice_of_text("00-a\n");
    expect_job(&job, ERR_BAD_FIELD, "traceparent");
    job.traceparent = long_text(MSG_TRACEPARENT_LEN_MAX + 1);
    expect_job(&job, ERR_BAD_FIELD, "traceparent");
    job.traceparent = long_text(MSG_TRACEPARENT_LEN_MAX);
    expect_job(&job, OK, "");
}

TEST(check, labels_of_a_submission)
{
    struct msg_submit_job job = *a_job();
    job.labels = slice_of_text("\x0a\1a\x0a\1a");
    expect_job(&job, ERR_BAD_FIELD, "tags");
    job.labels = slice_of_text("\x0a\1a");
    expect_job(&job, OK, "");
}

TEST(check, payload_fits_its_content_type)
{
    struct msg_submit_job job = *a_job();
    job.payload = (struct body){CONTENT_BYTES, slice_of(payload, MSG_PAYLOAD_LEN_MAX)};
    expect_job(&job, OK, "");
    job.payload.bytes.len++;
    expect_job(&job, ERR_TOO_LARGE, "payload");
    job.payload = (struct body){CONTENT_BYTES, {0}};
    expect_job(&job, OK, "");
    job.payload.content = CONTENT_TEXT;
    expect_job(&job, OK, "");
    job.payload.content = CONTENT_JSON;
    expect_job(&job, ERR_BAD_FIELD, "payload");
    job.payload.content = CONTENT_MSGPACK;
    expect_job(&job, ERR_BAD_FIELD, "payload");
    job.payload = (struct body){CONTENT_NONE, slice_of_text("x")};
    expect_job(&job, ERR_BAD_FIELD, "payload");
}

static err hello(struct msg_hello hello)
{
    const char *detail = "";
    return check_hello(&hello, &detail);
}

TEST(check, hello)
{
    struct msg_held held = {{{1}}, 1};
    EXPECT_EQ(hello((struct msg_hello){.role = ROLE_CLIENT, .session = 1}), OK);
    EXPECT_EQ(hello((struct msg_hello){.role = ROLE_NONE, .session = 1}), ERR_BAD_FIELD);
    EXPECT_EQ(hello((struct msg_hello){.role = ROLE_CLIENT}), ERR_BAD_FIELD);
    EXPECT_EQ(hello((struct msg_hello){.role = ROLE_WORKER, .session = 1}), ERR_BAD_FIELD);
    EXPECT_EQ(hello((struct msg_hello){
                  .role = ROLE_WORKER, .session = 1, .worker_id = {{1}}, .running = {&held, 1}}),
              OK);
    EXPECT_EQ(hello((struct msg_hello){.role = ROLE_CLIENT, .session = 1, .running = {&held, 1}}),
              ERR_BAD_FIELD);
}

static err ready(struct msg_ready ready)
{
    const char *detail = "";
    return check_ready(&ready, ROLE_WORKER, &detail);
}

TEST(check, simulated)
{
    const char *detail = NULL;
    struct msg_simulated said = {.ok = true};
    EXPECT_EQ(check_simulated(&said, &detail), OK);
    said.result = (struct body){.content = CONTENT_JSON, .bytes = slice_of_text("1")};
    EXPECT_EQ(check_simulated(&said, &detail), OK);
    said.failure.kind = slice_of_text("odd");
    EXPECT_EQ(check_simulated(&said, &detail), ERR_BAD_FIELD);
    EXPECT_STR(detail, "failure: only without ok");
    said.ok = false;
    EXPECT_EQ(check_simulated(&said, &detail), ERR_BAD_FIELD);
    EXPECT_STR(detail, "result: only with ok");
    said.result = (struct body){.content = CONTENT_NONE};
    EXPECT_EQ(check_simulated(&said, &detail), OK);
    static uint8_t bytes[MSG_SIMULATED_LEN_MAX + 1];
    said = (struct msg_simulated){
        .ok = true, .result = {CONTENT_BYTES, slice_of(bytes, MSG_SIMULATED_LEN_MAX)}};
    EXPECT_EQ(check_simulated(&said, &detail), OK);
    said.result.bytes.len++;
    EXPECT_EQ(check_simulated(&said, &detail), ERR_TOO_LARGE);
}

TEST(check, only_what_is_served_is_simulated)
{
    const struct slice types[] = {slice_of_text("a"), slice_of_text("b")};
    const struct slice other = slice_of_text("c");
    struct msg_ready said = {
        .types = types, .type_count = 2, .slots = 1, .simulates = types + 1, .simulate_count = 1};
    EXPECT_EQ(ready(said), OK);
    said.simulates = &other;
    EXPECT_EQ(ready(said), ERR_BAD_FIELD);
    said.simulates = types;
    said.simulation_slots = CHECK_SLOTS_MAX + 1;
    EXPECT_EQ(ready(said), ERR_BAD_FIELD);
}

TEST(check, ready)
{
    struct slice names[MSG_TYPES_MAX + 1];
    for (unsigned i = 0; i <= MSG_TYPES_MAX; i++)
        names[i] = slice_of_text("send");
    struct slice bad = slice_of_text("Send");
    EXPECT_EQ(ready((struct msg_ready){.types = names, .type_count = 1, .slots = 1}), OK);
    EXPECT_EQ(ready((struct msg_ready){.slots = 1}), ERR_BAD_FIELD);
    EXPECT_EQ(ready((struct msg_ready){.types = &bad, .type_count = 1}), ERR_BAD_FIELD);
    EXPECT_EQ(ready((struct msg_ready){.types = names, .type_count = MSG_TYPES_MAX}), OK);
    EXPECT_EQ(ready((struct msg_ready){.types = names, .type_count = MSG_TYPES_MAX + 1}),
              ERR_TOO_LARGE);
    EXPECT_EQ(ready((struct msg_ready){
                  .types = names, .type_count = 1, .queues = &bad, .queue_count = 1}),
              ERR_BAD_FIELD);
    EXPECT_EQ(
        ready((struct msg_ready){
            .types = names, .type_count = 1, .queues = names, .queue_count = MSG_TYPES_MAX + 1}),
        ERR_TOO_LARGE);
    EXPECT_EQ(ready((struct msg_ready){.types = names, .type_count = 1, .slots = CHECK_SLOTS_MAX}),
              OK);
    EXPECT_EQ(
        ready((struct msg_ready){.types = names, .type_count = 1, .slots = CHECK_SLOTS_MAX + 1}),
        ERR_BAD_FIELD);
}

static void expect_finish(struct msg_finish_job job, err expected, const char *field)
{
    const char *detail = NULL;
    EXPECT_EQ(check_finish_job(&job, &detail), expected);
    EXPECT((detail == NULL) == (expected == OK));
    if (detail != NULL)
        EXPECT(strncmp(detail, field, strlen(field)) == 0);
}

TEST(check, finish)
{
    struct msg_finish_job good = {.job_id = {{1}}, .token = 1, .outcome = OUTCOME_SUCCEEDED};
    expect_finish(good, OK, "");
    struct msg_finish_job job = good;
    job.job_id = (struct id){{0}};
    expect_finish(job, ERR_BAD_FIELD, "job_id");
    job = good;
    job.token = 0;
    expect_finish(job, ERR_BAD_FIELD, "token");
    job = good;
    job.outcome = OUTCOME_NONE;
    expect_finish(job, ERR_BAD_FIELD, "outcome");
    job.outcome = OUTCOME_SNOOZED;
    expect_finish(job, ERR_BAD_FIELD, "retry_after_ms");
    job.retry_after_ms = 1;
    expect_finish(job, OK, "");
    job = good;
    job.result = (struct body){CONTENT_TEXT, slice_of(payload, MSG_RESULT_LEN_MAX + 1)};
    expect_finish(job, ERR_TOO_LARGE, "result");
    job.result = (struct body){CONTENT_JSON, {0}};
    expect_finish(job, ERR_BAD_FIELD, "result");
    job = good;
    job.error_kind = long_text(MSG_ERROR_KIND_LEN_MAX + 1);
    expect_finish(job, ERR_TOO_LARGE, "error_kind");
    job.error_kind = long_text(MSG_ERROR_KIND_LEN_MAX);
    expect_finish(job, OK, "");
    job.error_message = long_text(MSG_ERROR_MESSAGE_LEN_MAX + 1);
    expect_finish(job, ERR_TOO_LARGE, "error_message");
    job = good;
    job.error_detail = slice_of(payload, MSG_ERROR_DETAIL_LEN_MAX + 1);
    expect_finish(job, ERR_TOO_LARGE, "error_detail");
}

static void expect_act(struct msg_act act, err expected, const char *field)
{
    const char *detail = NULL;
    EXPECT_EQ(check_act(&act, &detail), expected);
    EXPECT((detail == NULL) == (expected == OK));
    if (detail != NULL)
        EXPECT(strncmp(detail, field, strlen(field)) == 0);
}

TEST(check, act)
{
    struct msg_act good = {.kind = ACT_CANCEL, .job_id = {{1}}, .act_id = {{2}}};
    expect_act(good, OK, "");
    struct msg_act act = good;
    act.kind = ACT_NONE;
    expect_act(act, ERR_BAD_FIELD, "kind");
    act = good;
    act.job_id = (struct id){{0}};
    expect_act(act, ERR_BAD_FIELD, "job_id");
    act = (struct msg_act){.kind = ACT_QUIET, .job_id = {{1}}, .act_id = {{2}}};
    expect_act(act, ERR_BAD_FIELD, "worker_id");
    act = (struct msg_act){.kind = ACT_STOP, .worker_id = {{1}}, .act_id = {{2}}};
    expect_act(act, OK, "");
    act = good;
    act.act_id = (struct id){{0}};
    expect_act(act, ERR_BAD_FIELD, "act_id");
    act = good;
    act.actor = long_text(MSG_ACTOR_LEN_MAX + 1);
    expect_act(act, ERR_TOO_LARGE, "actor");
}

static struct msg_schedule_set a_schedule(struct msg_submit_job *job)
{
    *job = *a_job();
    return (struct msg_schedule_set){
        .act = SCHEDULE_SET,
        .given = {.schedule_id = slice_of_text("nightly"), .jobs = job, .job_count = 1}};
}

static void expect_schedule(const struct msg_schedule_set *set, const char *field)
{
    const char *detail = NULL;
    err e = check_schedule_set(set, &detail);
    if (field == NULL) {
        EXPECT_EQ(e, OK);
        return;
    }
    EXPECT_EQ(e, ERR_BAD_FIELD);
    EXPECT_EQ(strncmp(detail, field, strlen(field)), 0);
}

TEST(check, schedules)
{
    struct msg_submit_job job;
    struct msg_schedule_set set = a_schedule(&job);
    expect_schedule(&set, NULL);
    set.given.jitter_ms = CHECK_JITTER_MS_MAX;
    set.next_count = MSG_MOMENTS_MAX;
    expect_schedule(&set, NULL);
    set.given.jitter_ms++;
    expect_schedule(&set, "jitter");
    set = a_schedule(&job);
    set.next_count = MSG_MOMENTS_MAX + 1;
    expect_schedule(&set, "next");
    set = a_schedule(&job);
    set.given.schedule_id = slice_of_text("Nightly");
    expect_schedule(&set, "schedule_id");
    set = a_schedule(&job);
    set.act = SCHEDULE_NONE;
    expect_schedule(&set, "act");
    set = a_schedule(&job);
    set.given.job_count = 0;
    expect_schedule(&set, "job");
    set.act = SCHEDULE_DELETE;
    expect_schedule(&set, NULL);
}

TEST(check, job_of_a_schedule_says_not_when_and_not_which)
{
    struct msg_submit_job job;
    struct msg_schedule_set set = a_schedule(&job);
    job.key = slice_of_text("k");
    expect_schedule(&set, "job: no job_id and no key");
    set = a_schedule(&job);
    job.job_id = (struct id){{1}};
    expect_schedule(&set, "job: no job_id and no key");
    set = a_schedule(&job);
    job.delay_ms = 1;
    expect_schedule(&set, "job: no delay");
    set = a_schedule(&job);
    job.run_at = 1;
    expect_schedule(&set, "job: no delay");
    set = a_schedule(&job);
    job.batch_id = (struct id){{1}};
    expect_schedule(&set, "job: no batch");
    set = a_schedule(&job);
    job.type = slice_of_text("");
    expect_schedule(&set, "type");
}

TEST(check, settings_of_a_queue)
{
    const char *detail = NULL;
    struct msg_queue_set set = {.queue = slice_of_text("mail"),
                                .settings.weight = MSG_WEIGHT_MAX,
                                .settings.rate = {MSG_RATE_COUNT_MAX, MSG_RATE_PER_MS_MAX}};
    EXPECT_EQ(check_queue_set(&set, &detail), OK);
    set.settings.rate.count++;
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_BAD_FIELD);
    EXPECT_EQ(strncmp(detail, "rate:", 5), 0);
    set.settings.rate = (struct msg_rate){1, MSG_RATE_PER_MS_MAX + 1};
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_BAD_FIELD);
    EXPECT_EQ(strncmp(detail, "rate:", 5), 0);
    set.settings.rate.per_ms = 1;
    set.named = QUEUE_SETTINGS_ALL;
    EXPECT_EQ(check_queue_set(&set, &detail), OK);
    set.named = 1;
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_BAD_FIELD);
    EXPECT_EQ(strncmp(detail, "named:", 6), 0);
    set.named = 1u << QUEUE_KEY_RATE_COUNT;
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_BAD_FIELD);
    set.settings.weight = MSG_WEIGHT_MAX + 1;
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_BAD_FIELD);
    EXPECT_EQ(strncmp(detail, "weight:", 7), 0);
    set = (struct msg_queue_set){.queue = slice_of_text("weft.x")};
    EXPECT_EQ(check_queue_set(&set, &detail), ERR_RESERVED);
    set.queue = slice_of_text("weft");
    EXPECT_EQ(check_queue_set(&set, &detail), OK);
}

TEST(check, settings_of_a_type)
{
    const char *detail = NULL;
    struct msg_type_set set = {.type = slice_of_text("send"), .named = TYPE_SETTINGS_ALL};
    EXPECT_EQ(check_type_set(&set, &detail), OK);
    for (unsigned no = 0; no < 32; no++) {
        bool is_setting = no >= QUEUE_TIMEOUT && no <= TYPE_SCHEMA;
        set.named = 1u << no;
        EXPECT_EQ(check_type_set(&set, &detail), is_setting ? OK : ERR_BAD_FIELD);
    }
    EXPECT_EQ(strncmp(detail, "named:", 6), 0);
}

TEST(check, parents_and_cost_of_a_job)
{
    struct id parents[MSG_AFTER_MAX + 1];
    for (unsigned i = 0; i <= MSG_AFTER_MAX; i++)
        parents[i] = (struct id){{1, (uint8_t)i}};
    struct msg_submit_job job = *a_job();
    job.on_dependency_failure = ON_FAILURE_CANCEL;
    job.after = (struct msg_ids){parents, MSG_AFTER_MAX};
    expect_job(&job, OK, "");
    job.after.count++;
    expect_job(&job, ERR_TOO_LARGE, "after");
    job = *a_job();
    job.cost = MSG_COST_MAX;
    expect_job(&job, OK, "");
    job.cost++;
    expect_job(&job, ERR_BAD_FIELD, "cost");
}

static void expect_list(struct msg_list list, err expected, const char *field)
{
    const char *detail = NULL;
    EXPECT_EQ(check_list(&list, &detail), expected);
    EXPECT((detail == NULL) == (expected == OK));
    if (detail != NULL)
        EXPECT(strncmp(detail, field, strlen(field)) == 0);
}

TEST(check, submit_as_a_whole)
{
    static struct msg_submit_job jobs[MSG_ATOMIC_JOBS_MAX];
    static const uint8_t bytes[1];
    struct msg_submit submit = {.jobs = jobs, .count = MSG_JOBS_MAX};
    const char *detail = NULL;
    EXPECT_EQ(check_submit(&submit, &detail), OK);
    submit.count++;
    EXPECT_EQ(check_submit(&submit, &detail), ERR_TOO_LARGE);
    EXPECT_STR(detail, "jobs: at most 1,024, and 10,000 when atomic or a dry run");
    submit.dry_run = true;
    EXPECT_EQ(check_submit(&submit, &detail), OK);
    submit.dry_run = false;
    submit.is_atomic = true;
    submit.count = MSG_ATOMIC_JOBS_MAX;
    // Only the lengths are looked at.
    for (unsigned i = 0; i < MSG_ATOMIC_BYTES_MAX / MSG_PAYLOAD_LEN_MAX; i++)
        jobs[i * 3].payload.bytes = slice_of(bytes, MSG_PAYLOAD_LEN_MAX);
    EXPECT_EQ(check_submit(&submit, &detail), OK);
    jobs[1].payload.bytes = slice_of(bytes, 1);
    EXPECT_EQ(check_submit(&submit, &detail), ERR_TOO_LARGE);
}

TEST(check, list)
{
    expect_list((struct msg_list){0}, OK, "");
    expect_list((struct msg_list){.filter.states = 1u << JOB_REMOVED, .limit = MSG_LISTED_MAX}, OK,
                "");
    expect_list((struct msg_list){.filter.states = 1u << JOB_STATES}, ERR_BAD_FIELD, "states");
    expect_list((struct msg_list){.filter.states = 1u << JOB_NONE}, ERR_BAD_FIELD, "states");
    expect_list((struct msg_list){.filter.queue = slice_of_text("A")}, ERR_BAD_FIELD, "queue");
    expect_list((struct msg_list){.filter.type = slice_of_text("a b")}, ERR_BAD_FIELD, "type");
    expect_list((struct msg_list){.filter.created_after = -1}, ERR_BAD_FIELD, "created_after");
    expect_list((struct msg_list){.filter.tag = slice_of_text("a b")}, ERR_BAD_FIELD, "tag");
    expect_list((struct msg_list){.filter.tag = slice_of_text("a/b")}, OK, "");
    expect_list((struct msg_list){.filter.created_before = -1}, ERR_BAD_FIELD, "created_after");
    expect_list((struct msg_list){.limit = MSG_LISTED_MAX + 1}, ERR_BAD_FIELD, "limit");
}

static void expect_operate(struct msg_operate operate, err expected, const char *field)
{
    const char *detail = "";
    EXPECT_EQ(check_operate(&operate, &detail), expected);
    EXPECT_EQ(strncmp(detail, field, strlen(field)), 0);
}

TEST(check_operate, wants_a_kind_an_id_and_states_that_it_can_change)
{
    struct msg_operate good = {.kind = ACT_CANCEL, .operation_id = {{1}}};
    expect_operate(good, OK, "");
    good.filter.states = 1u << JOB_QUEUED | 1u << JOB_DEAD;
    expect_operate(good, OK, "");
    struct msg_operate operate = good;
    operate.filter.states = 1u << JOB_DEAD;
    expect_operate(operate, ERR_BAD_FIELD, "states");
    operate = good;
    operate.kind = ACT_QUIET;
    expect_operate(operate, ERR_BAD_FIELD, "kind");
    operate = good;
    operate.operation_id = (struct id){{0}};
    expect_operate(operate, ERR_BAD_FIELD, "operation_id");
    operate.dry_run = true;
    expect_operate(operate, OK, "");
    operate.filter.queue = slice_of_text("A");
    expect_operate(operate, ERR_BAD_FIELD, "queue");
    uint8_t actor[MSG_ACTOR_LEN_MAX + 1] = {0};
    operate = good;
    operate.actor = slice_of(actor, sizeof actor);
    expect_operate(operate, ERR_TOO_LARGE, "actor");
    operate = good;
    operate.rate = MSG_RATE_COUNT_MAX;
    expect_operate(operate, OK, "");
    operate.rate++;
    expect_operate(operate, ERR_BAD_FIELD, "rate");
}

TEST(check_operate, who_stops_an_operation_names_it_and_nothing_else)
{
    const struct msg_operate good = {.kind = ACT_STOP, .operation_id = {{1}}};
    expect_operate(good, OK, "");
    struct msg_operate wrong[10];
    for (unsigned i = 0; i < 10; i++)
        wrong[i] = good;
    wrong[0].filter.states = 1u << JOB_QUEUED;
    wrong[1].filter.queue = slice_of_text("q");
    wrong[2].filter.type = slice_of_text("t");
    wrong[3].filter.tag = slice_of_text("x");
    wrong[4].filter.created_after = 1;
    wrong[5].filter.created_before = 1;
    wrong[6].filter.batch_id = (struct id){{1}};
    wrong[7].rate = 1;
    wrong[8].dry_run = true;
    wrong[9].cursor = 1;
    for (unsigned i = 0; i < 10; i++)
        expect_operate(wrong[i], ERR_BAD_FIELD, "kind: who stops");
    wrong[0] = good;
    wrong[0].operation_id = (struct id){{0}};
    expect_operate(wrong[0], ERR_BAD_FIELD, "operation_id");
}

TEST(check_operate, each_kind_has_its_states)
{
    EXPECT_EQ(check_operate_states(ACT_RETRY), 1u << JOB_DEAD);
    EXPECT_EQ(check_operate_states(ACT_RUN_NOW), 1u << JOB_SCHEDULED | 1u << JOB_RETRYING);
    EXPECT_EQ(check_operate_states(ACT_CANCEL) & ~check_operate_states(ACT_PURGE),
              1u << JOB_RUNNING);
    EXPECT_EQ(check_operate_states(ACT_DELETE) & check_operate_states(ACT_CANCEL), 0);
    EXPECT_EQ(check_operate_states(ACT_DELETE) & 1u << JOB_REMOVED, 0);
    EXPECT_EQ(check_operate_states(ACT_QUIET) | check_operate_states(ACT_STOP) |
                  check_operate_states(ACT_NONE),
              0);
}

TEST(check_finish, one_bad_job_is_enough)
{
    struct msg_finish_job jobs[] = {{.job_id = {{1}}, .token = 1, .outcome = OUTCOME_SUCCEEDED},
                                    {.job_id = {{2}}, .token = 2, .outcome = OUTCOME_SUCCEEDED}};
    const struct msg_finish finish = {.jobs = jobs, .count = 2};
    const char *detail = "";
    EXPECT_EQ(check_finish(&finish, &detail), OK);
    jobs[1].token = 0;
    EXPECT_EQ(check_finish(&finish, &detail), ERR_BAD_FIELD);
    EXPECT_STR(detail, "token: as in JOBS");
}
