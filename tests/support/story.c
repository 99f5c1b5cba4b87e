// Telling stories: commands in, lines out.

#include "tests/support/story_store.h"

#include "broker/core/job.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGED_MAX = 512, SENDS_MAX = 64, MESSAGE_BYTES = 1 << 16 };

// A line begins.
static struct tell *line(struct story *story)
{
    tell_text(&story->tell, "[%lld] ", (long long)story->now.mono);
    return &story->tell;
}

// What is said so that others may speak is not told.
static void hush(struct story *story, size_t before)
{
    story->tell.len = before;
    story->tell.text[before] = '\0';
}

const char *story_told(struct story *story)
{
    memcpy(story->told, story->tell.text, story->tell.len + 1);
    hush(story, 0);
    return story->told;
}

struct id story_id(uint32_t number)
{
    if (number < 100)
        return id_v7(STORY_EPOCH, 0, number);
    uint8_t hash[16] = {0};
    hash[14] = (uint8_t)(number >> 8);
    hash[15] = (uint8_t)number;
    return id_v8(0, hash);
}

struct id story_worker_id(uint32_t number)
{
    return id_v7(0, 0, number);
}

static unsigned number_of(void *ctx, const struct id *id)
{
    (void)ctx;
    return (unsigned)id->bytes[14] << 8 | id->bytes[15];
}

static void tell_peer(struct tell *tell, uint32_t peer)
{
    if (peer < 10)
        tell_text(tell, peer == STORY_CLIENT ? "client" : "client %u", peer);
    else if (peer < 20)
        tell_text(tell, "worker %u", peer % 10);
    else
        tell_text(tell, "worker %u (%u)", peer % 10, peer / 10);
}

uint64_t story_token(uint32_t epoch, uint64_t counter)
{
    return (uint64_t)epoch << 40 | counter;
}

struct msg_held story_held(uint32_t number, uint64_t token)
{
    return (struct msg_held){.job_id = story_id(number), .token = token};
}

static bool is_shown(const struct story *story, enum write_kind kind)
{
    if (story->only_events || story->only_logs)
        return kind == (story->only_logs ? WRITE_LOG : WRITE_EVENT);
    bool is_dull = kind == WRITE_BODY || kind == WRITE_OUTCOME || kind == WRITE_EVENT ||
                   kind == WRITE_LANE || kind == WRITE_QUEUE || kind == WRITE_POLICY ||
                   kind == WRITE_LEDGER;
    return story->shows_all || !is_dull;
}

// --- batches ---

static void give_room(struct effects *fx)
{
    fx->changed_cap = CHANGED_MAX;
    fx->changed = calloc(CHANGED_MAX, sizeof *fx->changed);
    fx->bodies = calloc(CHANGED_MAX, sizeof *fx->bodies);
    fx->write_cap = effects_write_cap(CHANGED_MAX);
    fx->writes = calloc(fx->write_cap, sizeof *fx->writes);
    fx->send_cap = SENDS_MAX;
    fx->sends = calloc(SENDS_MAX, sizeof *fx->sends);
    fx->grant_cap = SENDS_MAX;
    fx->grants = calloc(SENDS_MAX, sizeof *fx->grants);
    fx->arena = calloc(1, sizeof *fx->arena);
    CHECK(fx->arena != NULL && fx->writes != NULL);
    fx->arena->cap = effects_arena_size(CHANGED_MAX);
    fx->arena->data = calloc(1, fx->arena->cap);
}

static void settle_first(struct story *story)
{
    struct story_flight *first = &story->flights[0];
    story_store_apply(&story->store, first->writes, first->write_count);
    core_settled(story->core, first->batch);
    free(first->writes);
    memmove(first, first + 1, --story->flight_count * sizeof *first);
}

static void tell_all(struct story *story, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->write_count && !story->only_grants; i++)
        if (is_shown(story, fx->writes[i].kind)) {
            tell_write(line(story), &fx->writes[i]);
            tell_text(&story->tell, "\n");
        }
    if (story->only_events || story->only_logs)
        return;
    for (uint32_t i = 0; i < fx->send_count && !story->only_grants; i++) {
        tell_send(line(story), &fx->sends[i]);
        tell_text(&story->tell, "\n");
    }
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        tell_grant(line(story), &fx->grants[i]);
        tell_text(&story->tell, "\n");
    }
}

// The batch is closed: what it wants is told, its writes are on their way.
static void take_off(struct story *story, uint64_t batch)
{
    struct effects *fx = &story->fx;
    tell_all(story, fx);
    struct story_flight *flight = &story->flights[story->flight_count++];
    *flight = (struct story_flight){.batch = batch, .write_count = fx->write_count};
    flight->writes = calloc(fx->write_count + 1u, sizeof *fx->writes);
    CHECK(flight->writes != NULL);
    memcpy(flight->writes, fx->writes, fx->write_count * sizeof *fx->writes);
    effects_reset(fx);
    arena_reset(&story->messages);
    while (story->flight_count > story->lag)
        settle_first(story);
    core_audit(story->core);
}

void story_open(struct story *story)
{
    CHECK(!story->is_open);
    story->is_open = true;
}

void story_close(struct story *story)
{
    story->is_open = false;
    take_off(story, core_close(story->core, story->now, &story->fx));
}

void story_settle(struct story *story)
{
    while (story->flight_count > 0)
        settle_first(story);
    core_audit(story->core);
}

static void step(struct story *story, const struct command *command)
{
    core_step(story->core, story->now, command, &story->fx);
    if (!story->is_open)
        story_close(story);
}

// --- life ---

struct limits story_limits(void)
{
    return (struct limits){.job_count_max = 16,
                           .key_count_max = 8,
                           .tenant_count_max = 3,
                           .queue_count_max = 4,
                           .type_count_max = 2,
                           .lane_count_max = 4,
                           .concurrency_key_count_max = 4,
                           .key_running_max = 1,
                           .policy_count_max = 4,
                           .batch_count_max = 3,
                           .unique_count_max = 3,
                           .schedule_count_max = 2,
                           .endpoint_count_max = 4,
                           .operation_count_max = 2,
                           .dependency_count_max = 8,
                           .worker_count_max = 3,
                           .lease_count_max = 8,
                           .serve_count_max = 12,
                           .peer_count_max = 64,
                           .changed_count_max = CHANGED_MAX,
                           .send_count_max = SENDS_MAX,
                           .lease_ms = 30,
                           .batch_seal_ms = 60000,
                           .simulation_ms = 40,
                           .renew_ms = 5,
                           .deadline_grace_ms = 100,
                           .timeout_default_ms = 1000,
                           .keep_default_s = 1,
                           .dedup_window_s = 2,
                           .age_step_ms = 10};
}

static void start(struct story *story)
{
    core_start(story->core, story->now, &story->fx);
    story_close(story);
    size_t before = story->tell.len;
    story_client(story, STORY_CLIENT);
    hush(story, before);
}

static void make_core(struct story *story)
{
    free(story->memory);
    size_t size = core_size(&story->limits);
    story->memory = aligned_alloc(64, size);
    CHECK(story->memory != NULL);
    memset(story->memory, 0, size);
    struct known known = story_store_known(&story->store);
    story->core = core_init(story->memory, &story->limits, &known, 7);
}

struct story *story_new_with(const struct limits *limits)
{
    struct story *story = calloc(1, sizeof *story);
    CHECK(story != NULL);
    story->limits = *limits;
    story->tell = (struct tell){.text = calloc(1, STORY_TEXT_MAX),
                                .cap = STORY_TEXT_MAX,
                                .epoch = STORY_EPOCH,
                                .number_of = number_of,
                                .peer = tell_peer};
    story->told = calloc(1, STORY_TEXT_MAX);
    story->messages = (struct arena){.data = calloc(1, MESSAGE_BYTES), .cap = MESSAGE_BYTES};
    give_room(&story->fx);
    story_at(story, 0);
    make_core(story);
    start(story);
    return story;
}

struct story *story_new(void)
{
    struct limits limits = story_limits();
    return story_new_with(&limits);
}

void story_free(struct story *story)
{
    struct effects *fx = &story->fx;
    free(fx->arena->data);
    free(fx->arena);
    free(fx->changed);
    free(fx->bodies);
    free(fx->writes);
    free(fx->sends);
    free(fx->grants);
    for (uint32_t i = 0; i < story->flight_count; i++)
        free(story->flights[i].writes);
    free(story->messages.data);
    free(story->memory);
    free(story->tell.text);
    free(story->told);
    free(story);
}

err story_reload(struct story *story, const struct limits *limits)
{
    while (story->flight_count > 0)
        free(story->flights[--story->flight_count].writes);
    story->limits = *limits;
    story->is_open = false;
    effects_reset(&story->fx);
    make_core(story);
    err loaded = story_store_load(&story->store, story->core);
    if (loaded != OK)
        return loaded;
    start(story);
    return OK;
}

void story_restart(struct story *story)
{
    struct limits limits = story->limits;
    err loaded = story_reload(story, &limits);
    EXPECT_EQ(loaded, OK);
}

void story_at(struct story *story, when_ms moment)
{
    story->now = (struct now){.mono = moment, .store = STORY_EPOCH + moment};
}

// --- commands ---

static void *keep(struct story *story, const void *data, size_t len)
{
    void *copy = arena_take(&story->messages, len);
    CHECK(copy != NULL);
    memcpy(copy, data, len);
    return copy;
}

// As the broker's intake does.
static void name_tenant(struct msg *msg, struct slice tenant)
{
    msg->tenant = tenant;
    if (msg->kind == MSG_ACT)
        msg->act.tenant = tenant;
    if (msg->kind == MSG_OPERATE)
        msg->operate.tenant = tenant;
    for (uint32_t i = 0; msg->kind == MSG_SUBMIT && i < msg->submit.count; i++)
        msg->submit.jobs[i].tenant = tenant;
}

void story_say(struct story *story, uint32_t peer, const struct msg *msg)
{
    struct msg *kept = keep(story, msg, sizeof *msg);
    if (kept->corr == 0)
        kept->corr = ++story->corr;
    if (story->tenant.len > 0)
        name_tenant(kept, story->tenant);
    step(story, &(struct command){.kind = COMMAND_MESSAGE, .peer = peer, .msg = kept});
}

struct msg_submit_job story_job(uint32_t number)
{
    return (struct msg_submit_job){.job_id = story_id(number),
                                   .queue = slice_of_text("default"),
                                   .type = slice_of_text("mail"),
                                   .payload = {.bytes = slice_of_text("abc")},
                                   .priority = MSG_PRIORITY_NOT_GIVEN,
                                   .fingerprint = number};
}

void story_submit(struct story *story, struct msg_submit_job job)
{
    struct msg_submit submit = {.jobs = keep(story, &job, sizeof job), .count = 1};
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_SUBMIT, .submit = submit});
}

void story_submit_two(struct story *story, struct msg_submit_job a, struct msg_submit_job b)
{
    struct msg_submit_job both[] = {a, b};
    struct msg_submit submit = {.jobs = keep(story, both, sizeof both), .count = 2};
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_SUBMIT, .submit = submit});
}

void story_client(struct story *story, uint32_t peer)
{
    story_say(story, peer, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_CLIENT}});
}

static struct msg_held_list held_list(struct story *story, const struct msg_held *held)
{
    if (held == NULL)
        return (struct msg_held_list){0};
    return (struct msg_held_list){.items = keep(story, held, sizeof *held), .count = 1};
}

void story_hello(struct story *story, uint32_t peer, uint64_t session, const struct msg_held *held)
{
    story_say(story, peer,
              &(struct msg){.kind = MSG_HELLO,
                            .hello = {.role = ROLE_WORKER,
                                      .worker_id = story_worker_id(peer % 10),
                                      .session = session,
                                      .running = held_list(story, held)}});
}

void story_ready(struct story *story, uint32_t peer, const char *type, uint32_t slots)
{
    struct slice name = slice_of_text(type);
    struct msg_ready ready = {
        .types = keep(story, &name, sizeof name), .type_count = 1, .slots = slots};
    story_say(story, peer, &(struct msg){.kind = MSG_READY, .ready = ready});
}

void story_worker(struct story *story, uint32_t peer, const char *type, uint32_t slots)
{
    size_t before = story->tell.len;
    story_hello(story, peer, 1, NULL);
    story_ready(story, peer, type, slots);
    hush(story, before);
}

void story_renew(struct story *story, uint32_t peer, const struct msg_held *held)
{
    struct msg_renew renew = {.running = held_list(story, held)};
    story_say(story, peer, &(struct msg){.kind = MSG_RENEW, .renew = renew});
}

void story_progress(struct story *story, uint32_t peer, struct msg_held held, uint64_t done)
{
    struct msg_progress said = {.job_id = held.job_id, .token = held.token, .done = done};
    struct msg_renew renew = {.running = held_list(story, &held),
                              .progress = keep(story, &said, sizeof said),
                              .progress_count = 1};
    story_say(story, peer, &(struct msg){.kind = MSG_RENEW, .renew = renew});
}

void story_finish(struct story *story, uint32_t peer, struct msg_held held, enum outcome outcome)
{
    struct msg_finish_job said = {.job_id = held.job_id, .token = held.token, .outcome = outcome};
    struct msg_finish finish = {.jobs = keep(story, &said, sizeof said), .count = 1};
    story_say(story, peer, &(struct msg){.kind = MSG_FINISH, .finish = finish});
}

void story_gone(struct story *story, uint32_t peer)
{
    step(story, &(struct command){.kind = COMMAND_GONE, .peer = peer});
}

void story_unsent(struct story *story, struct msg_held held)
{
    struct msg_held_list unsent = {.items = keep(story, &held, sizeof held), .count = 1};
    step(story, &(struct command){.kind = COMMAND_UNSENT, .unsent = unsent});
}

void story_seal(struct story *story, uint32_t number)
{
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_BATCH_SEAL, .batch_seal = {.batch_id = story_id(number)}});
}

void story_act(struct story *story, enum act_kind kind, uint32_t number)
{
    struct msg msg = {
        .kind = MSG_ACT,
        .act = {.kind = kind, .job_id = story_id(number), .actor = slice_of_text("me")}};
    msg.act.act_id = id_v7(STORY_EPOCH, 0, ++story->corr);
    story_say(story, STORY_CLIENT, &msg);
}

void story_tick(struct story *story)
{
    step(story, &(struct command){.kind = COMMAND_TICK});
}

void story_remove(struct story *story, uint64_t job_no)
{
    uint64_t *kept = keep(story, &job_no, sizeof job_no);
    step(story, &(struct command){.kind = COMMAND_REMOVE, .job_nos = kept, .job_no_count = 1});
}

void story_unused(struct story *story, uint64_t settled)
{
    struct lanes_carried *carried = calloc(1, sizeof *carried);
    carried->settled = settled;
    for (uint32_t i = 0; i < story->store.job_count; i++)
        carried->bits[story->store.jobs[i].lane / 8] |=
            (uint8_t)(1u << story->store.jobs[i].lane % 8);
    step(story, &(struct command){.kind = COMMAND_UNUSED, .unused = carried});
    free(carried);
}

// --- acts on many ---

struct id story_operation_id(uint8_t number)
{
    struct id id = id_v7(STORY_EPOCH, 1, 0);
    id.bytes[15] = number;
    return id;
}

void story_operate(struct story *story, enum act_kind kind, uint8_t number,
                   struct msg_filter filter)
{
    struct msg msg = {.kind = MSG_OPERATE,
                      .operate = {.kind = kind,
                                  .operation_id = story_operation_id(number),
                                  .filter = filter,
                                  .actor = slice_of_text("me")}};
    story_say(story, STORY_CLIENT, &msg);
}

void story_step(struct story *story, uint8_t operation, uint64_t from, uint64_t next,
                const uint32_t *jobs)
{
    struct operation_step *made = arena_take(&story->messages, sizeof *made);
    CHECK(made != NULL);
    *made = (struct operation_step){
        .operation = story_operation_id(operation), .from = from, .next = next};
    for (; jobs[made->count] != 0; made->count++)
        made->items[made->count] =
            (struct operation_item){.id = story_id(jobs[made->count]), .no = jobs[made->count]};
    step(story, &(struct command){.kind = COMMAND_STEP, .step = made});
}

// --- schedules ---

static struct slice kept_name(struct story *story, const char *name)
{
    uint8_t *copy = arena_take(&story->messages, strlen(name));
    CHECK(copy != NULL);
    memcpy(copy, name, strlen(name));
    return slice_of(copy, strlen(name));
}

void story_schedule(struct story *story, enum schedule_act act, const char *name,
                    enum overlap overlap, uint64_t fingerprint)
{
    struct msg_submit_job *job = arena_take_array(&story->messages, 1, sizeof *job);
    CHECK(job != NULL);
    *job = story_job(0);
    struct msg msg = {.kind = MSG_SCHEDULE_SET,
                      .schedule_set = {.act = act,
                                       .given = {.schedule_id = kept_name(story, name),
                                                 .cron = slice_of_text("* * * * *"),
                                                 .overlap = overlap,
                                                 .jobs = job,
                                                 .job_count = 1,
                                                 .fingerprint = fingerprint}}};
    story_say(story, STORY_CLIENT, &msg);
}

static void say_moment(struct story *story, struct schedule_moment given, const char *name,
                       uint32_t number)
{
    struct schedule_moment *moment = arena_take(&story->messages, sizeof *moment);
    struct msg_submit_job *job = arena_take_array(&story->messages, 1, sizeof *job);
    CHECK(moment != NULL && job != NULL);
    *job = story_job(number);
    *moment = given;
    moment->schedule = kept_name(story, name);
    moment->fingerprint = given.generation; // schedules of stories have it so
    moment->at += STORY_EPOCH;
    moment->job = job;
    step(story, &(struct command){.kind = COMMAND_MOMENT, .moment = moment});
}

void story_moment(struct story *story, const char *name, uint32_t generation, when_ms at,
                  uint32_t number)
{
    say_moment(story, (struct schedule_moment){.generation = generation, .at = at}, name, number);
}

void story_held_moment(struct story *story, const char *name, uint32_t generation, when_ms at,
                       uint32_t number)
{
    say_moment(story, (struct schedule_moment){.generation = generation, .at = at, .is_held = true},
               name, number);
}

struct core_figures story_figures(const struct story *story)
{
    struct core_figures figures;
    core_figures(story->core, &figures);
    return figures;
}
