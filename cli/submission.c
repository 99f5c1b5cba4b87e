// From words on the command line to a job.

#include "cli/submission.h"

#include "gateway/core/scan.h"
#include "lib/base/check.h"
#include "lib/base/moment.h"
#include "lib/base/utf8.h"
#include "lib/link/curve.h"
#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/labels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

enum { SCAN_NAMES_MAX = 65536 };

__attribute__((format(printf, 3, 4))) static err refuse(struct submission *submission, err e,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(submission->problem, sizeof submission->problem, format, arguments);
    va_end(arguments);
    return e;
}

// --- the payload ---

static err read_stream(struct submission *submission, int fd, const char *name)
{
    submission->payload = malloc(MSG_PAYLOAD_LEN_MAX + 1);
    if (submission->payload == NULL)
        return refuse(submission, ERR_NO_MEMORY, "out of memory");
    size_t len = 0;
    while (len <= MSG_PAYLOAD_LEN_MAX) {
        ssize_t got = read(fd, submission->payload + len, MSG_PAYLOAD_LEN_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refuse(submission, ERR_SYSTEM, "%s cannot be read: %s", name, strerror(errno));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    submission->payload_len = len;
    if (len > MSG_PAYLOAD_LEN_MAX)
        return refuse(submission, ERR_TOO_LARGE,
                      "%s is longer than %d bytes; store it elsewhere and send its name", name,
                      MSG_PAYLOAD_LEN_MAX);
    return OK;
}

static err read_payload(struct submission *submission, const char *word)
{
    if (strcmp(word, "-") == 0)
        return read_stream(submission, STDIN_FILENO, "standard input");
    if (word[0] != '@') {
        submission->payload_len = strlen(word);
        submission->payload = malloc(submission->payload_len + 1);
        if (submission->payload == NULL)
            return refuse(submission, ERR_NO_MEMORY, "out of memory");
        memcpy(submission->payload, word, submission->payload_len);
        return OK;
    }
    int fd = open(word + 1, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(submission, ERR_SYSTEM, "%s cannot be read: %s", word + 1, strerror(errno));
    err e = read_stream(submission, fd, word + 1);
    (void)close(fd); // only read
    return e;
}

static bool is_json(struct slice bytes)
{
    struct scan scan = {.text = bytes, .key_cap = SCAN_NAMES_MAX};
    struct scan_value value;
    scan.keys = malloc(SCAN_NAMES_MAX * sizeof *scan.keys);
    bool is = scan.keys != NULL && bytes.len <= SCAN_TEXT_LEN_MAX &&
              scan_value(&scan, &value) == OK && scan_is_end(&scan);
    free(scan.keys);
    return is;
}

enum content submission_content(struct slice bytes)
{
    if (bytes.len == 0)
        return CONTENT_NONE;
    if (is_json(bytes))
        return CONTENT_JSON;
    return utf8_valid_len(bytes) == bytes.len ? CONTENT_TEXT : CONTENT_BYTES;
}

static err judge_content(struct submission *submission, const char *word)
{
    struct slice bytes = slice_of(submission->payload, submission->payload_len);
    enum content content = submission_content(bytes);
    if (strcmp(word, "json") == 0 && content != CONTENT_JSON)
        return refuse(submission, ERR_BAD_FIELD,
                      "the payload is not JSON (mind the quotes of a text: '\"like this\"')");
    if (strcmp(word, "text") == 0) {
        if (utf8_valid_len(bytes) != bytes.len)
            return refuse(submission, ERR_BAD_FIELD, "the payload is not UTF-8 text");
        content = CONTENT_TEXT;
    }
    if (strcmp(word, "bytes") == 0)
        content = CONTENT_BYTES;
    submission->job.payload = (struct body){.content = content, .bytes = bytes};
    return OK;
}

// --- the rest ---

static struct slice queue_of(const struct msg_submit_job *job)
{
    return job->queue.len > 0 ? job->queue : slice_of_text("default");
}

void submission_give_key(struct msg_submit_job *job, char room[MINT_CONTENT_LEN + 1])
{
    if (!job->by_content)
        return;
    mint_content(&(struct mint_content){.queue = queue_of(job),
                                        .type = job->type,
                                        .payload = job->payload.bytes,
                                        .kind = (uint8_t)job->payload.content},
                 room);
    job->key = slice_of(room, MINT_CONTENT_LEN);
}

static struct id mint(const struct msg_submit_job *job, when_ms now)
{
    struct origin origin = {.tenant = origin_tenant(job->tenant), .queue = queue_of(job)};
    if (job->key.len > 0)
        return mint_keyed(&origin, job->key);
    return mint_fresh(now, &origin);
}

struct id submission_mint(const struct msg_submit_job *job)
{
    return mint(job, clock_wall_ms());
}

bool submission_mint_again(struct msg_submit_job *job, const struct msg_submitted_job *said)
{
    if (said->error != ERR_ID_TOO_OLD || said->created_at == 0 || job->key.len > 0)
        return false;
    job->job_id = mint(job, said->created_at);
    return true;
}

static struct slice text_of(const struct config *config, const char *key)
{
    const char *text = config_text(config, key);
    return text != NULL ? slice_of_text(text) : slice_of(NULL, 0);
}

// A schedule says by itself which job it is, and when.
static void take_one(struct msg_submit_job *job, const struct config *config)
{
    if (!config_knows(config, "key"))
        return;
    job->key = text_of(config, "key");
    job->by_content = config_is_given(config, "dedup");
    job->delay_ms = (uint64_t)config_number(config, "delay");
    job->traceparent = text_of(config, "traceparent");
}

const char *submission_moment(struct msg_submit_job *job, const struct config *config)
{
    const char *text = config_knows(config, "run-at") ? config_text(config, "run-at") : NULL;
    if (text == NULL || (moment_parse(slice_of_text(text), &job->run_at) == OK && job->run_at > 0))
        return NULL;
    return "--run-at: a moment like 2026-12-01T08:00:00Z";
}

static const char *judge_one(const struct msg_submit_job *job, const struct config *config)
{
    if (!config_knows(config, "key") || !config_is_given(config, "key"))
        return NULL;
    if (job->key.len == 0)
        return "--key is empty: give 1 to 255 characters, or leave it out";
    return job->by_content ? "--key and --dedup exclude each other" : NULL;
}

void submission_options(struct msg_submit_job *job, const struct config *config)
{
    take_one(job, config);
    job->tenant = slice_of_text(curve_tenant(config));
    job->queue = text_of(config, "queue");
    job->priority = MSG_PRIORITY_NOT_GIVEN;
    if (config_is_given(config, "priority"))
        job->priority = (uint8_t)config_number(config, "priority");
    job->ttl_ms = (uint64_t)config_number(config, "ttl");
    struct msg_defaults course = course_given(config);
    job->timeout_ms = course.timeout_ms;
    job->max_attempts = course.max_attempts;
    job->max_crashes = course.max_crashes;
    job->retry_first_ms = course.retry_first_ms;
    job->retry_longest_ms = course.retry_longest_ms;
    job->retry_factor_milli = course.retry_factor_milli;
    job->retry_within_s = course.retry_within_s;
    job->keep_s = course.keep_s;
    job->concurrency_key = text_of(config, "concurrency-key");
    if (config_is_given(config, "order"))
        job->order = slice_is_text(text_of(config, "order"), "fifo") ? ORDER_FIFO : ORDER_FIFO_SKIP;
    job->cost = (uint32_t)config_number(config, "cost");
    job->unique_key = text_of(config, "unique");
    job->unique_for_s = (uint32_t)((config_number(config, "unique-for") + 999) / 1000);
    bool is_unfinished = job->unique_for_s == 0 || config_is_given(config, "unique-while");
    job->unique_while_unfinished = job->unique_key.len > 0 && is_unfinished;
}

static err take_after(struct submission *submission, const struct config *config)
{
    struct msg_submit_job *job = &submission->job;
    const char *word = config_text(config, "on-dependency-failure");
    if (word != NULL)
        job->on_dependency_failure =
            strcmp(word, "cancel") == 0 ? ON_FAILURE_CANCEL : ON_FAILURE_RUN;
    const char *at = config_text(config, "after");
    uint32_t count = 0;
    while (at != NULL) {
        const char *comma = strchr(at, ',');
        size_t len = comma != NULL ? (size_t)(comma - at) : strlen(at);
        if (count == MSG_AFTER_MAX)
            return refuse(submission, ERR_TOO_LARGE, "--after: at most %d ids", MSG_AFTER_MAX);
        if (id_from_text(slice_of(at, len), &submission->after[count]) != OK)
            return refuse(submission, ERR_BAD_FIELD, "--after: '%.*s' is not an id", (int)len, at);
        count++;
        at = comma != NULL ? comma + 1 : NULL;
    }
    job->after = (struct msg_ids){.items = submission->after, .count = count};
    return OK;
}

static bool add_tags(struct labels *labels, const char *at)
{
    while (at != NULL) {
        const char *comma = strchr(at, ',');
        if (labels->tag_count == MSG_TAGS_MAX)
            return false;
        labels->tags[labels->tag_count++] =
            slice_of(at, comma != NULL ? (size_t)(comma - at) : strlen(at));
        at = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

static bool add_pair(struct labels *labels, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || labels->pair_count == MSG_METADATA_MAX)
        return false;
    labels->pairs[labels->pair_count++] = (struct labels_pair){
        .name = slice_of(text, (size_t)(equals - text)), .value = slice_of_text(equals + 1)};
    return true;
}

err submission_labels(const struct config *config, uint8_t *room, struct slice *out_labels,
                      const char **out_detail)
{
    struct labels labels = {.tag_count = 0};
    struct bytes_out out = {.data = room, .cap = MSG_LABELS_LEN_MAX};
    const char *text = NULL;
    *out_detail = "--tag: at most 16";
    for (uint32_t i = 0; (text = config_each(config, "tag", i)) != NULL; i++)
        if (!add_tags(&labels, text))
            return ERR_TOO_LARGE;
    *out_detail = "--meta: NAME=VALUE, at most 32";
    for (uint32_t i = 0; (text = config_each(config, "meta", i)) != NULL; i++)
        if (!add_pair(&labels, text))
            return ERR_BAD_FIELD;
    labels_write(&labels, &out);
    *out_detail = "--meta: at most 4,096 bytes";
    if (out.full)
        return ERR_TOO_LARGE;
    *out_labels = slice_of(room, out.len);
    return labels_check(*out_labels, out_detail);
}

static const char *word_at(const struct config *config, uint32_t place)
{
    return place < config->argument_count ? config->arguments[place] : NULL;
}

err submission_read(struct submission *submission, const struct config *config)
{
    return submission_read_from(submission, config, 0);
}

err submission_read_from(struct submission *submission, const struct config *config, uint32_t place)
{
    *submission = (struct submission){0};
    const char *type = word_at(config, place);
    const char *payload = word_at(config, place + 1);
    if (type == NULL)
        return refuse(submission, ERR_BAD_FIELD, "a TYPE is missing: %.*s",
                      (int)strcspn(config->table->usage, "\n"), config->table->usage);
    submission_options(&submission->job, config);
    const char *fault = judge_one(&submission->job, config);
    if (fault == NULL)
        fault = submission_moment(&submission->job, config);
    if (fault != NULL)
        return refuse(submission, ERR_BAD_FIELD, "%s", fault);
    submission->job.type = slice_of_text(type);
    const char *detail = NULL;
    err e = submission_labels(config, submission->labels, &submission->job.labels, &detail);
    if (e != OK)
        return refuse(submission, e, "%s", detail);
    e = hooks_read(&submission->hooks, config, &submission->job, submission->problem);
    if (e == OK)
        e = take_after(submission, config);
    if (e == OK && payload != NULL)
        e = read_payload(submission, payload);
    if (e == OK)
        e = judge_content(submission, config_text(config, "content"));
    if (e != OK)
        return e;
    submission_give_key(&submission->job, submission->key);
    // Judged before the id is derived, because a key that is too long has no id.
    e = check_submit_job(&submission->job, &detail);
    if (e != OK)
        return refuse(submission, e, "%s", detail);
    submission->job.job_id = submission_mint(&submission->job);
    return hooks_seal(&submission->hooks, config, &submission->job, submission->problem);
}

void submission_deinit(struct submission *submission)
{
    free(submission->payload);
    submission->payload = NULL;
}
