// Telling stories: commands in, lines out.

#include "tests/support/story_store.h"

#include "broker/core/job.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGED_MAX = 512, SENDS_MAX = 64, MESSAGE_BYTES = 1 << 16 };

__attribute__((format(printf, 2, 3))) static void tell(struct story *story, const char *form, ...)
{
    va_list rest;
    va_start(rest, form);
    size_t left = STORY_TEXT_MAX - story->text_len;
    int len = vsnprintf(story->text + story->text_len, left, form, rest);
    va_end(rest);
    CHECK(len >= 0 && (size_t)len < left);
    story->text_len += (size_t)len;
}

static void begin(struct story *story)
{
    tell(story, "[%lld] ", (long long)story->now.mono);
}

const char *story_told(struct story *story)
{
    memcpy(story->told, story->text, story->text_len + 1);
    story->text_len = 0;
    story->text[0] = '\0';
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

static unsigned number_of(const struct id *id)
{
    return (unsigned)id->bytes[14] << 8 | id->bytes[15];
}

uint64_t story_token(uint32_t epoch, uint64_t counter)
{
    return (uint64_t)epoch << 40 | counter;
}

static unsigned epoch_of(uint64_t token)
{
    return (unsigned)(token >> 40);
}

static unsigned counter_of(uint64_t token)
{
    return (unsigned)(token & 0xffffffffffu);
}

struct msg_held story_held(uint32_t number, uint64_t token)
{
    return (struct msg_held){.job_id = story_id(number), .token = token};
}

static void tell_peer(struct story *story, uint32_t peer)
{
    if (peer < 10)
        tell(story, peer == STORY_CLIENT ? "client" : "client %u", peer);
    else if (peer < 20)
        tell(story, "worker %u", peer % 10);
    else
        tell(story, "worker %u (%u)", peer % 10, peer / 10);
}

// --- writes ---

static void tell_job(struct story *story, const char *verb, const struct job_row *row)
{
    tell(story, "%s %u %s v%u", verb, number_of(&row->id), job_state_name(row->state),
         row->version);
    if (row->errors + row->crashes + row->interruptions > 0)
        tell(story, " e%u c%u i%u", row->errors, row->crashes, row->interruptions);
    if (row->state == JOB_SCHEDULED || row->state == JOB_RETRYING)
        tell(story, " due %lld", (long long)(row->due_at - STORY_EPOCH));
}

static void tell_batch(struct story *story, const struct batch_row *row)
{
    tell(story, "batch %u v%u:", number_of(&row->id), row->version);
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (row->counts[state] > 0)
            tell(story, " %u %s", row->counts[state], job_state_name(state));
}

static void tell_write(struct story *story, const struct write *write)
{
    begin(story);
    switch (write->kind) {
    case WRITE_JOB: tell_job(story, "write", &write->job.row); break;
    case WRITE_BODY: tell(story, "body of no %u", (unsigned)write->body.job_no); break;
    case WRITE_OUTCOME:
        tell(story, "outcome %u of no %u", (unsigned)write->outcome.finish->outcome,
             (unsigned)write->outcome.job_no);
        break;
    case WRITE_PROGRESS:
        tell(story, "progress %u of no %u", (unsigned)write->progress.progress->done,
             (unsigned)write->progress.job_no);
        break;
    case WRITE_LANE:
        tell(story, "lane %u %.*s/%.*s", write->lane.no, (int)write->lane.queue.len,
             (const char *)write->lane.queue.data, (int)write->lane.type.len,
             (const char *)write->lane.type.data);
        break;
    case WRITE_POLICY: tell(story, "policy %u", write->policy.no); break;
    case WRITE_BATCH: tell_batch(story, &write->batch); break;
    case DROP_BATCH:
        tell(story, "drop ");
        tell_batch(story, &write->batch);
        break;
    case WRITE_LEDGER:
        tell(story, "ledger epoch %u next %u", write->ledger.epoch,
             (unsigned)write->ledger.job_no_next);
        break;
    case DROP_BODY: tell(story, "drop body of %u", number_of(&write->drop.id)); break;
    case DROP_JOB: tell_job(story, "forget", &write->drop); break;
    }
    tell(story, "\n");
}

static bool is_shown(const struct story *story, enum write_kind kind)
{
    bool is_dull = kind == WRITE_BODY || kind == WRITE_OUTCOME || kind == WRITE_LANE ||
                   kind == WRITE_POLICY || kind == WRITE_LEDGER;
    return story->shows_all || !is_dull;
}

// --- sends ---

static void tell_held(struct story *story, const struct msg_held_list *lost)
{
    for (uint32_t i = 0; i < lost->count; i++)
        tell(story, "%s %u@%u.%u", i == 0 ? " lost" : "", number_of(&lost->items[i].job_id),
             epoch_of(lost->items[i].token), counter_of(lost->items[i].token));
}

static void tell_submitted(struct story *story, const struct msg_submitted *submitted)
{
    for (uint32_t i = 0; i < submitted->count; i++) {
        const struct msg_submitted_job *job = &submitted->jobs[i];
        tell(story, "%s %u ", i == 0 ? "submitted" : ",", number_of(&job->job_id));
        if (job->error != OK && job->detail.len > 0)
            tell(story, "%s (%.*s)", err_slug(job->error), (int)job->detail.len,
                 (const char *)job->detail.data);
        else if (job->error != OK)
            tell(story, "%s", err_slug(job->error));
        else
            tell(story, "%s%s", job->replayed ? "replayed " : "", job_state_name(job->state));
    }
}

static void tell_finished(struct story *story, const struct msg_finished *finished)
{
    for (uint32_t i = 0; i < finished->count; i++)
        tell(story, "%s %u %s", i == 0 ? "finished" : ",", number_of(&finished->jobs[i].job_id),
             err_slug(finished->jobs[i].error));
}

static void tell_msg(struct story *story, const struct msg *msg)
{
    if (msg->kind == MSG_WELCOME) {
        tell(story, "welcome epoch %u", msg->welcome.epoch);
        tell_held(story, &msg->welcome.lost);
    } else if (msg->kind == MSG_RENEWED) {
        tell(story, "renewed");
        tell_held(story, &msg->renewed.lost);
    } else if (msg->kind == MSG_SUBMITTED) {
        tell_submitted(story, &msg->submitted);
    } else if (msg->kind == MSG_FINISHED) {
        tell_finished(story, &msg->finished);
    } else {
        CHECK(msg->kind == MSG_ERROR);
        tell(story, "error %s (%.*s)", err_slug(msg->error.error), (int)msg->error.detail.len,
             (const char *)msg->error.detail.data);
    }
}

static void tell_send(struct story *story, const struct send *send)
{
    begin(story);
    tell(story, "send ");
    tell_peer(story, send->peer);
    tell(story, ": ");
    tell_msg(story, &send->msg);
    tell(story, "\n");
}

static void tell_grant(struct story *story, const struct grant_send *grant)
{
    begin(story);
    tell(story, "job %u to ", number_of(&grant->job.job_id));
    tell_peer(story, grant->peer);
    tell(story, " token %u.%u attempt %u\n", epoch_of(grant->job.token),
         counter_of(grant->job.token), grant->job.attempt);
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

// The batch is closed: what it wants is told, its writes are on their way.
static void take_off(struct story *story, uint64_t batch)
{
    struct effects *fx = &story->fx;
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (is_shown(story, fx->writes[i].kind))
            tell_write(story, &fx->writes[i]);
    for (uint32_t i = 0; i < fx->send_count; i++)
        tell_send(story, &fx->sends[i]);
    for (uint32_t i = 0; i < fx->grant_count; i++)
        tell_grant(story, &fx->grants[i]);
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
                           .lane_count_max = 4,
                           .policy_count_max = 4,
                           .batch_count_max = 3,
                           .worker_count_max = 3,
                           .lease_count_max = 8,
                           .serve_count_max = 12,
                           .peer_count_max = 64,
                           .changed_count_max = CHANGED_MAX,
                           .send_count_max = SENDS_MAX,
                           .lease_ms = 30,
                           .renew_ms = 5,
                           .timeout_default_ms = 1000,
                           .keep_default_s = 1,
                           .dedup_window_s = 2,
                           .age_step_ms = 10};
}

// What is said so that others may speak is not told.
static void hush(struct story *story, size_t before)
{
    story->text_len = before;
    story->text[before] = '\0';
}

static void start(struct story *story)
{
    core_start(story->core, story->now, &story->fx);
    story_close(story);
    size_t before = story->text_len;
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
    story->text = calloc(1, STORY_TEXT_MAX);
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
    free(story->text);
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

void story_say(struct story *story, uint32_t peer, const struct msg *msg)
{
    struct msg *kept = keep(story, msg, sizeof *msg);
    kept->corr = ++story->corr;
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
    size_t before = story->text_len;
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

void story_tick(struct story *story)
{
    step(story, &(struct command){.kind = COMMAND_TICK});
}

void story_remove(struct story *story, uint64_t job_no)
{
    uint64_t *kept = keep(story, &job_no, sizeof job_no);
    step(story, &(struct command){.kind = COMMAND_REMOVE, .job_nos = kept, .job_no_count = 1});
}

struct core_figures story_figures(const struct story *story)
{
    struct core_figures figures;
    core_figures(story->core, &figures);
    return figures;
}
