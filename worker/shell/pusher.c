// One exchange for each slot.

#include "worker/shell/pusher.h"

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/post/post.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "proto/labels.h"
#include "worker/core/jsontext.h"
#include "worker/core/lines.h"
#include "worker/core/reply.h"
#include "worker/shell/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 10000, // name, connection and TLS
    NUMBER_LEN_MAX = 24,
    WEBHOOK_ID_LEN_MAX = ID_TEXT_LEN + NUMBER_LEN_MAX,
    TAGS_LEN_MAX = MSG_TAGS_MAX * (MSG_TAG_LEN_MAX + 1),
    AFTER_LEN_MAX = MSG_AFTER_MAX * (ID_TEXT_LEN + 1),
};
static_assert((int)LINES_METADATA_SIZE <= (int)POST_VALUE_LEN_MAX,
              "a header has room for all metadata");

struct pusher {
    struct post_pool *posts;
    struct target_rules rules;
    struct address_range
        ranges[2]; // all of IPv4 and IPv6: it is the operator who names the address
    struct secrets secrets;
    when_ms pause_ms; // 0: the service takes requests
    when_ms until;    // nothing is sent before
};

// --- what is sent ---

// The headers of one request and what they point to.
struct heads {
    struct post_header items[POST_HEADERS_MAX];
    uint32_t count;
    char webhook_id[WEBHOOK_ID_LEN_MAX];
    char job_id[ID_TEXT_LEN + 1];
    char attempt[NUMBER_LEN_MAX];
    char token[NUMBER_LEN_MAX];
    char deadline[NUMBER_LEN_MAX];
    char tags[TAGS_LEN_MAX];
    char after[AFTER_LEN_MAX];
    uint8_t metadata[LINES_METADATA_SIZE];
    uint8_t ascii[LINES_METADATA_SIZE];
    struct signature signature;
};

static void put(struct heads *heads, const char *name, struct slice value)
{
    CHECK(heads->count < POST_HEADERS_MAX);
    if (value.len > 0)
        heads->items[heads->count++] = (struct post_header){slice_of_text(name), value};
}

static void put_tags(struct heads *heads, const struct labels *labels)
{
    struct bytes_out out = {.data = (uint8_t *)heads->tags, .cap = sizeof heads->tags};
    for (uint32_t i = 0; i < labels->tag_count; i++) {
        if (i > 0)
            bytes_put_u8(&out, ' ');
        bytes_put(&out, labels->tags[i].data, labels->tags[i].len);
    }
    CHECK(!out.full);
    put(heads, "weft-job-tags", slice_of(out.data, out.len));
}

static void put_metadata(struct heads *heads, const struct labels *labels)
{
    struct bytes_out json = {.data = heads->metadata, .cap = sizeof heads->metadata};
    struct bytes_out ascii = {.data = heads->ascii, .cap = sizeof heads->ascii};
    if (labels->pair_count == 0)
        return;
    lines_metadata(labels, &json);
    CHECK(!json.full);
    jsontext_ascii(slice_of(json.data, json.len), &ascii);
    CHECK(!ascii.full);
    put(heads, "weft-job-metadata", slice_of(ascii.data, ascii.len));
}

static void put_labels(struct heads *heads, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    if (labels_read(packed, &labels, &detail) != OK)
        return; // of a broker that allows more
    put_tags(heads, &labels);
    put_metadata(heads, &labels);
}

static void put_after(struct heads *heads, const struct msg_ids *after)
{
    CHECK(after->count <= MSG_AFTER_MAX);
    char *at = heads->after;
    for (uint32_t i = 0; i < after->count; i++) {
        if (i > 0)
            *at++ = ' ';
        id_to_text(&after->items[i], at); // its end is overwritten
        at += ID_TEXT_LEN;
    }
    put(heads, "weft-job-after", slice_of(heads->after, (size_t)(at - heads->after)));
}

// A key that is used again after its window makes a new job of the same id, and that is another
// message: only the generation, a number that grows from job to job, tells them apart.
static void name_message(const struct msg_job *job, struct heads *heads)
{
    id_to_text(&job->job_id, heads->job_id);
    (void)snprintf(heads->webhook_id, sizeof heads->webhook_id, "%s.%" PRIu64, heads->job_id,
                   job->generation);
}

static void sign(const struct pusher *pusher, const struct msg_job *job, struct heads *heads)
{
    struct signature_input input = {
        .id = slice_of_text(heads->webhook_id), .at = clock_wall_ms(), .body = job->payload.bytes};
    for (uint32_t i = 0; i < SIGNATURE_KEYS_MAX; i++)
        input.keys[i] = slice_of(pusher->secrets.bytes[i], pusher->secrets.lens[i]);
    signature_make(&input, &heads->signature);
}

static void describe(const struct worker *worker, const struct msg_job *job, struct heads *heads)
{
    name_message(job, heads);
    sign(worker->pusher, job, heads);
    (void)snprintf(heads->attempt, sizeof heads->attempt, "%" PRIu32, job->attempt);
    (void)snprintf(heads->token, sizeof heads->token, "%" PRIu64, job->token);
    (void)snprintf(heads->deadline, sizeof heads->deadline, "%" PRId64,
                   (int64_t)clock_wall_ms() + job->timeout_ms);
    put(heads, "webhook-id", slice_of_text(heads->webhook_id));
    put(heads, "webhook-timestamp", slice_of_text(heads->signature.time));
    put(heads, "webhook-signature", slice_of_text(heads->signature.text));
    put(heads, "weft-job-id", slice_of_text(heads->job_id));
    put(heads, "weft-job-type", job->type);
    put(heads, "weft-job-queue", job->queue);
    put(heads, "weft-job-attempt", slice_of_text(heads->attempt));
    put(heads, "weft-job-token", slice_of_text(heads->token));
    put(heads, "weft-job-deadline", slice_of_text(heads->deadline));
    put(heads, "weft-tenant", worker->setup->tenant);
    put_after(heads, &job->after);
    put_labels(heads, job->labels);
    put(heads, "traceparent", job->traceparent);
}

static const char *content_type(enum content content)
{
    switch (content) {
    case CONTENT_NONE:
    case CONTENT_BYTES: return "application/octet-stream";
    case CONTENT_JSON: return "application/json";
    case CONTENT_MSGPACK: return "application/msgpack";
    case CONTENT_TEXT: return "text/plain; charset=utf-8";
    }
    UNREACHABLE();
}

static void interrupt(struct worker *worker, uint32_t slot, const char *why)
{
    struct outcome_report report = {0};
    outcome_interrupted(why, &report);
    duty_end(&worker->duty, slot, &report);
}

static void send(struct worker *worker, uint32_t slot)
{
    const struct msg_job *job = &worker->duty.jobs[slot].msg;
    struct heads heads = {.count = 0};
    describe(worker, job, &heads);
    const struct post_request request = {.user = slot,
                                         .url = slice_of_text(worker->setup->url),
                                         .content_type = content_type(job->payload.content),
                                         .headers = heads.items,
                                         .header_count = heads.count,
                                         .body = job->payload.bytes};
    duty_begin(&worker->duty, slot);
    if (post_start(worker->pusher->posts, &request) == OK)
        return;
    struct outcome_report report = {0};
    outcome_put_off("there is not enough memory for the request", &report);
    duty_end(&worker->duty, slot, &report);
}

// --- a service that is away ---

static bool may_send(const struct pusher *pusher, when_ms now)
{
    return pusher->pause_ms == 0 || (now >= pusher->until && post_count(pusher->posts) == 0);
}

static void put_off(struct worker *worker, uint32_t slot, const char *detail)
{
    struct outcome_report report;
    reply_put_off(slice_of_text(detail), worker->pusher->pause_ms, &report);
    duty_end(&worker->duty, slot, &report);
}

// Those that were sent together fail together: that is one reason to pause, not many.
static void take_absence(struct worker *worker, const char *why)
{
    struct pusher *pusher = worker->pusher;
    struct duty *duty = &worker->duty;
    if (duty->now < pusher->until)
        return;
    if (pusher->pause_ms == 0)
        log_warn("worker.no_service", "url=%s why=%s now=\"jobs wait\"",
                 log_quote_text(worker->setup->url).text, log_quote_text(why).text);
    pusher->pause_ms = reply_pause_ms(pusher->pause_ms);
    pusher->until = when_after(duty->now, pusher->pause_ms);
    // Another worker may reach it.
    for (uint32_t i = 0; i < duty->slots.count; i++) {
        if (duty->slots.items[i].state == SLOT_WAITING)
            put_off(worker, i, why);
    }
}

static void take_presence(struct worker *worker)
{
    struct pusher *pusher = worker->pusher;
    if (pusher->pause_ms > 0)
        log_info("worker.service_back", "url=%s", log_quote_text(worker->setup->url).text);
    pusher->pause_ms = 0;
    pusher->until = 0;
}

// --- what comes back ---

// The words of descriptor 3, in a header before the answer.
static void hear(void *ctx, uint64_t user, struct slice word)
{
    struct worker *worker = ctx;
    duty_hear(&worker->duty, (uint32_t)user, word);
}

static void take_result(struct worker *worker, struct post_result *result)
{
    uint32_t slot = (uint32_t)result->user;
    uint8_t room[OUTCOME_ROOM];
    struct outcome_report report;
    struct reply reply = {.end = result->end,
                          .status = result->status,
                          .retry_after_ms = result->retry_after_ms,
                          .body = slice_of(result->body, result->body_len),
                          .is_cut = result->is_cut,
                          .detail = slice_of_text(result->detail)};
    failpoint_hit("worker.after_answer");
    if (reply_is_away(&reply)) {
        take_absence(worker, result->detail);
        put_off(worker, slot, result->detail);
        return;
    }
    if (result->end == EXCHANGE_ANSWERED)
        take_presence(worker);
    if (result->status / 100 != 2) // it becomes a text
        utf8_repair(result->body, result->body_len);
    reply_report(&reply, room, &report);
    duty_end(&worker->duty, slot, &report);
}

void pusher_turn(struct worker *worker)
{
    struct post_result result;
    post_turn(worker->pusher->posts);
    while (post_take(worker->pusher->posts, &result)) {
        CHECK(worker->duty.slots.items[result.user].state == SLOT_RUNNING);
        take_result(worker, &result);
        free(result.body);
    }
}

void pusher_begin(struct worker *worker)
{
    struct duty *duty = &worker->duty;
    const struct pusher *pusher = worker->pusher;
    duty_advance(duty);
    for (uint32_t i = 0; i < duty->slots.count; i++) {
        if (duty_may_begin(duty, i) && may_send(pusher, duty->now))
            send(worker, i);
        else if (duty->slots.items[i].state == SLOT_WAITING && pusher->pause_ms > 0 &&
                 duty->phase.state >= PHASE_DRAINING)
            interrupt(worker, i, "the worker was stopped");
    }
}

void pusher_stop(struct worker *worker, uint32_t slot)
{
    struct outcome_report report = {0};
    (void)post_drop(worker->pusher->posts, slot); // there may be none
    outcome_stopped(worker->duty.slots.items[slot].stop, &report);
    duty_end(&worker->duty, slot, &report);
}

int pusher_fd(const struct pusher *pusher)
{
    return post_fd(pusher->posts);
}

when_ms pusher_next(const struct worker *worker)
{
    const struct pusher *pusher = worker->pusher;
    const struct duty *duty = &worker->duty;
    when_ms wait = post_wait_ms(pusher->posts);
    when_ms next = wait < 0 ? WHEN_NEVER : when_after(duty->now, wait);
    bool waits = slots_held_count(&duty->slots) > post_count(pusher->posts);
    return waits && pusher->until > duty->now ? when_min(next, pusher->until) : next;
}

// --- open and close ---

static err read_secrets(const struct worker *worker, struct secrets *out_secrets,
                        const char **out_why)
{
    static char why[PATH_MAX + 160];
    char path[PATH_MAX + sizeof "/http-secret"];
    const struct setup *setup = worker->setup;
    const char *given = setup->secret_file;
    (void)snprintf(path, sizeof path, "%s/http-secret", setup->data);
    const char *file = given != NULL ? given : path;
    const char *reason = NULL;
    err read = secret_read(file, out_secrets, &reason);
    if (read == ERR_NOT_FOUND && given == NULL) {
        err made = secret_make(file);
        if (made == OK)
            log_info("worker.secret_made", "file=%s", log_quote_text(file).text);
        read = made == OK ? secret_read(file, out_secrets, &reason) : made;
        reason = err_text(read);
    }
    if (read == OK)
        return OK;
    (void)snprintf(why, sizeof why, "%.*s: %s", PATH_MAX, file, reason);
    *out_why = why;
    return ERR_BAD_FIELD;
}

static void allow(struct pusher *pusher, const char *url)
{
    struct target target;
    const char *why = NULL;
    err read = target_read(slice_of_text(url), &target, &why);
    CHECK(read == OK); // setup.c has read it
    bool are_read = address_range_read(slice_of_text("0.0.0.0/0"), &pusher->ranges[0]) == OK &&
                    address_range_read(slice_of_text("::/0"), &pusher->ranges[1]) == OK;
    CHECK(are_read);
    pusher->rules = (struct target_rules){.allows_http = true,
                                          .ports = {target.port},
                                          .port_count = 1,
                                          .ranges = pusher->ranges,
                                          .range_count = 2};
}

err pusher_open(struct worker *worker, struct pusher **out_pusher, const char **out_why)
{
    const struct setup *setup = worker->setup;
    struct pusher *pusher = calloc(1, sizeof *pusher);
    *out_why = err_text(ERR_NO_MEMORY);
    if (pusher == NULL)
        return ERR_NO_MEMORY;
    allow(pusher, setup->url);
    const struct post_options options = {.rules = &pusher->rules,
                                         .ca_file = setup->ca_file,
                                         .agent = "weft-worker",
                                         .count_max = setup->run_count,
                                         .connect_ms = CONNECT_MS,
                                         .body_bytes_max = MSG_RESULT_LEN_MAX,
                                         .keeps_body = true,
                                         .word = "weft-word",
                                         .hear = hear,
                                         .hear_ctx = worker};
    err opened = read_secrets(worker, &pusher->secrets, out_why);
    if (opened == OK) {
        opened = post_open(&options, &pusher->posts);
        *out_why = err_text(opened);
    }
    if (opened != OK) {
        free(pusher);
        return opened;
    }
    *out_pusher = pusher;
    return OK;
}

void pusher_close(struct pusher *pusher)
{
    if (pusher == NULL)
        return;
    post_close(pusher->posts);
    free(pusher);
}
