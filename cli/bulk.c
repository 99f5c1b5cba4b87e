// Reads the file whole, judges line by line, submits message by message.

#include "cli/bulk.h"

#include "cli/ask.h"
#include "cli/opinions.h"
#include "cli/submission.h"
#include "cli/view.h"
#include "gateway/core/answer.h"
#include "gateway/core/forecast.h"
#include "gateway/core/records.h"
#include "gateway/core/submit.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/memory.h"
#include "lib/sys/mint.h"
#include "proto/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    SCAN_NAMES_MAX = 65536,
    RECORD_LEN = 16 * 1024, // what is made of a record, besides decoded texts
};

// Decoded texts of a record are never longer than the record.
static size_t arena_len(uint32_t job_cap, size_t bytes)
{
    return (size_t)job_cap * RECORD_LEN + 2 * bytes;
}

struct bulk {
    struct ask ask;
    struct msg_submit_job defaults; // for what a record does not say
    uint8_t *file;
    size_t file_len;
    struct names_key *names;
    struct arena arena;
    uint8_t labels[MSG_LABELS_LEN_MAX];      // of the defaults
    struct hooks hooks;                      // the same
    struct hooks batch_hooks;                // of the batch
    uint8_t batch_webhook[MSG_HOOK_LEN_MAX]; // which the first line says
    uint32_t first_line;
    struct id batch_id;
    struct msg_submit_job *jobs;
    uint32_t *lines;
    uint32_t count;
    uint32_t job_cap;
    bool is_atomic; // all are stored, or none
    bool is_dry_run;
    bool is_refused;      // atomic, and a line is bad: the broker judges the others of a dry run
    uint32_t simulate_ms; // of a dry run: so long workers are asked; 0: not at all
    struct opinions opinions;
    size_t bytes; // of records in `jobs`
    uint32_t index;
    uint32_t accepted;
    uint32_t replayed;
    uint32_t rejected;
    bool wants_json;
    struct view_rejection *rejections; // for the JSON answer; BULK_REJECTIONS_MAX places
    uint32_t rejection_count;
};

static bool read_all(struct bulk *bulk, int fd, const char *name)
{
    while (bulk->file_len <= BULK_FILE_BYTES_MAX) {
        ssize_t got =
            read(fd, bulk->file + bulk->file_len, (size_t)BULK_FILE_BYTES_MAX + 1 - bulk->file_len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            command_complain("push", "%s cannot be read: %s", name, strerror(errno));
            return false;
        }
        if (got == 0)
            return true;
        bulk->file_len += (size_t)got;
    }
    command_complain("push", "%s is longer than 64 MiB; send it in parts", name);
    return false;
}

// All lines in one message, so that they see each other?
static bool is_whole(const struct bulk *bulk)
{
    return bulk->is_atomic || bulk->is_dry_run;
}

static bool read_file(struct bulk *bulk, const char *name)
{
    bulk->file = memory_reserve((size_t)BULK_FILE_BYTES_MAX + 1);
    bulk->names = malloc(SCAN_NAMES_MAX * sizeof *bulk->names);
    bulk->job_cap = is_whole(bulk) ? MSG_ATOMIC_JOBS_MAX : BULK_JOBS_MAX;
    bulk->jobs = calloc(bulk->job_cap, sizeof *bulk->jobs);
    bulk->lines = calloc(bulk->job_cap, sizeof *bulk->lines);
    size_t cap =
        arena_len(bulk->job_cap, is_whole(bulk) ? BULK_FILE_BYTES_MAX : BULK_MESSAGE_BYTES_MAX);
    bulk->arena = (struct arena){.data = memory_reserve(cap), .cap = cap};
    if (bulk->file == NULL || bulk->names == NULL || bulk->jobs == NULL || bulk->lines == NULL ||
        bulk->arena.data == NULL) {
        command_complain("push", "out of memory");
        return false;
    }
    if (strcmp(name, "-") == 0)
        return read_all(bulk, STDIN_FILENO, "standard input");
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        command_complain("push", "%s cannot be read: %s", name, strerror(errno));
        return false;
    }
    bool is_read = read_all(bulk, fd, name);
    (void)close(fd); // only read
    return is_read;
}

static void reject(struct bulk *bulk, uint32_t line, err e, struct slice detail)
{
    bulk->rejected++;
    command_complain("push", "line %" PRIu32 " is refused (%s): %.*s", line, err_slug(e),
                     (int)detail.len, detail.len > 0 ? (const char *)detail.data : "");
    if (!bulk->wants_json || bulk->rejection_count == BULK_REJECTIONS_MAX)
        return;
    char *kept = malloc(detail.len + 1);
    if (kept == NULL)
        return;                                        // it is counted and has been told
    (void)slice_to_text(detail, kept, detail.len + 1); // it fits
    bulk->rejections[bulk->rejection_count++] =
        (struct view_rejection){.line = line, .error = e, .detail = kept};
}

// With an id of the broker's time, should its clock be another: then nothing is stored under the
// one before. It concerns all of an atomic message, and of a dry run, whose lines see each other.
static bool goes_again(struct bulk *bulk, const struct msg_submitted *said, uint32_t i)
{
    bool is_minted = submission_mint_again(&bulk->jobs[i], &said->jobs[i]);
    if (!is_minted && said->jobs[i].error != ERR_ATOMIC && !bulk->is_dry_run)
        return false;
    bulk->lines[bulk->count] = bulk->lines[i];
    bulk->jobs[bulk->count++] = bulk->jobs[i];
    return true;
}

static bool is_untimely(const struct msg_submitted *said)
{
    bool is_found = false;
    for (uint32_t i = 0; i < said->count; i++)
        is_found = is_found || said->jobs[i].error == ERR_ID_TOO_OLD;
    return is_found;
}

static void take_accepted(struct bulk *bulk, uint32_t place)
{
    if (bulk->is_refused)
        return;
    bulk->accepted++;
    opinions_add(&bulk->opinions, &bulk->jobs[place], bulk->lines[place]);
}

// Submits what has been gathered. What is left goes again. False after a complaint.
static bool submit_all(struct bulk *bulk, bool may_go_again)
{
    struct msg_submit submit = {.jobs = bulk->jobs,
                                .count = bulk->count,
                                .is_atomic = bulk->is_atomic,
                                .dry_run = bulk->is_dry_run};
    if (bulk->count == 0)
        return true;
    const struct msg_submitted *said = ask_submit(&bulk->ask, &submit);
    if (said == NULL)
        return false;
    bulk->count = 0;
    may_go_again = may_go_again && is_untimely(said);
    for (uint32_t i = 0; i < said->count; i++) {
        const struct msg_submitted_job *job = &said->jobs[i];
        if (may_go_again && goes_again(bulk, said, i))
            continue;
        struct slice why = job->detail.len > 0 ? job->detail : slice_of_text(err_text(job->error));
        if (job->error == ERR_ATOMIC || (job->error == ERR_DEPENDENCY && bulk->is_refused))
            continue; // others are at fault, and told, or perhaps one of those that the broker has not seen
        if (job->error != OK)
            reject(bulk, bulk->lines[i], job->error, why);
        else if (job->replayed)
            bulk->replayed++;
        else
            take_accepted(bulk, i);
    }
    return true;
}

static bool flush(struct bulk *bulk)
{
    if (!submit_all(bulk, true) || !submit_all(bulk, false))
        return false;
    opinions_ask(&bulk->opinions, &bulk->ask, bulk->simulate_ms);
    bulk->bytes = 0;
    arena_reset(&bulk->arena);
    return true;
}

// What the first line says of the batch goes before the flags. False after a complaint.
static bool open_batch(struct bulk *bulk, struct slice record, uint32_t line)
{
    struct slice packed;
    struct submit_fault fault = {.detail = ""};
    struct doc_room room = {.keys = bulk->names, .key_cap = SCAN_NAMES_MAX, .arena = &bulk->arena};
    const struct webhook_place place = {.packed = &packed, .is_of_batch = true};
    bulk->first_line = line;
    err e = submit_read_batch((struct doc_value){DOC_JSON, record}, &room, &place, &fault);
    if (e != OK) {
        command_complain("push", "%s", fault.detail);
        bulk->ask.code = COMMAND_USAGE;
        return false;
    }
    if (packed.len == 0)
        return true;
    memcpy(bulk->batch_webhook, packed.data, packed.len);
    bulk->defaults.batch_webhook = slice_of(bulk->batch_webhook, packed.len);
    bulk->batch_hooks.secret = (struct webhook_secret){0}; // nothing is signed by it
    return true;
}

static void take_record(struct bulk *bulk, struct slice record, uint32_t line)
{
    struct doc_room room = {.keys = bulk->names, .key_cap = SCAN_NAMES_MAX, .arena = &bulk->arena};
    struct doc_value object = {.format = DOC_JSON, .raw = record};
    struct submit_fault fault = {.detail = ""};
    const char *detail = NULL;
    struct submit_options options = {
        .is_record = true, .opens_batch = line == bulk->first_line, .defaults = &bulk->defaults};
    struct msg_submit_job job;
    err e = submit_read(object, &options, &room, &job, &fault);
    if (e != OK) {
        reject(bulk, line, e, slice_of_text(fault.detail));
        return;
    }
    char *room_for_key = arena_take(&bulk->arena, MINT_CONTENT_LEN + 1);
    CHECK(room_for_key != NULL);
    submission_give_key(&job, room_for_key);
    e = check_submit_job(&job, &detail);
    if (e != OK) {
        reject(bulk, line, e, slice_of_text(detail));
        return;
    }
    job.tenant = bulk->defaults.tenant;
    job.job_id = submission_mint(&job);
    job.batch_id = bulk->batch_id;
    job.batch_index = bulk->index++;
    bulk->lines[bulk->count] = line;
    bulk->jobs[bulk->count++] = job;
    bulk->bytes += record.len;
}

static bool is_full(const struct bulk *bulk, size_t len)
{
    if (is_whole(bulk) || bulk->count == 0)
        return bulk->count == bulk->job_cap;
    return bulk->count == bulk->job_cap || bulk->bytes + len > BULK_MESSAGE_BYTES_MAX;
}

static bool make_room(struct bulk *bulk)
{
    if (!is_whole(bulk))
        return flush(bulk);
    command_complain("push", "--%s takes at most %d lines", bulk->is_atomic ? "atomic" : "dry-run",
                     MSG_ATOMIC_JOBS_MAX);
    bulk->ask.code = COMMAND_USAGE;
    return false;
}

static bool take_all(struct bulk *bulk)
{
    struct records records;
    struct slice record;
    bool more = true;
    struct scan scan = {.text = slice_of(bulk->file, bulk->file_len),
                        .keys = bulk->names,
                        .key_cap = SCAN_NAMES_MAX};
    records_init(&records, RECORDS_LINES, scan);
    while (records_next(&records, &more, &record) == OK && more) {
        if (bulk->first_line == 0 && !open_batch(bulk, record, records.line))
            return false;
        if (is_full(bulk, record.len) && !make_room(bulk))
            return false;
        take_record(bulk, record, records.line);
    }
    // Of an atomic one nothing is submitted when a line is bad; a dry run tells what the broker says of the others.
    bulk->is_refused = bulk->is_atomic && bulk->rejected > 0;
    return (bulk->is_refused && !bulk->is_dry_run) || flush(bulk);
}

static int by_line(const void *a, const void *b)
{
    uint32_t x = ((const struct view_rejection *)a)->line;
    uint32_t y = ((const struct view_rejection *)b)->line;
    return (x > y) - (x < y);
}

// All that is made for one batch is the same.
static const struct webhook_secret *made_secret(const struct bulk *bulk)
{
    return bulk->hooks.secret.is_new ? &bulk->hooks.secret : &bulk->batch_hooks.secret;
}

static void tell_json(struct bulk *bulk)
{
    const struct answer_bulk answer = {
        .batch_id = bulk->batch_id,
        .is_known = bulk->accepted > 0,
        .accepted = bulk->accepted,
        .replayed = bulk->replayed,
        .rejected = bulk->rejected,
        .secret = made_secret(bulk),
    };
    // The broker refuses later than the reader.
    if (bulk->rejection_count > 0)
        qsort(bulk->rejections, bulk->rejection_count, sizeof *bulk->rejections, by_line);
    const struct forecast_many many = {bulk->accepted, bulk->replayed, bulk->rejected,
                                       bulk->is_atomic};
    if (bulk->is_dry_run)
        view_forecasts(stdout, &many, bulk->rejections, bulk->rejection_count, &bulk->opinions);
    else
        view_bulk(stdout, &answer, bulk->rejections, bulk->rejection_count);
}

static void tell_dry(const struct bulk *bulk)
{
    (void)printf("%" PRIu32 " would be accepted, %" PRIu32 " replayed, %" PRIu32 " refused",
                 bulk->accepted, bulk->replayed, bulk->rejected);
    opinions_tell_counts(&bulk->opinions, stdout);
    (void)putchar('\n');
}

// The batch's id alone on standard output, which scripts take as it is. Without a new job there is
// no batch.
static void tell_text(const struct bulk *bulk)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&bulk->batch_id, id);
    if (bulk->accepted > 0)
        (void)printf("%s\n", id);
    command_complain("push", "%" PRIu32 " accepted, %" PRIu32 " replayed, %" PRIu32 " refused",
                     bulk->accepted, bulk->replayed, bulk->rejected);
    if (bulk->accepted > 0)
        hooks_tell(made_secret(bulk), "push");
}

static void tell(struct bulk *bulk)
{
    if (bulk->wants_json)
        tell_json(bulk);
    else if (bulk->is_dry_run)
        tell_dry(bulk);
    else
        tell_text(bulk);
}

static err take_hooks(struct bulk *bulk, struct hooks *hooks, const struct config *config,
                      char problem[HOOKS_PROBLEM_LEN])
{
    err e = hooks_read(hooks, config, &bulk->defaults, problem);
    return e == OK ? hooks_seal(hooks, config, &bulk->defaults, problem) : e;
}

// The lines without a webhook have this one, and one secret; the batch has its own.
static bool take_webhooks(struct bulk *bulk, const struct config *config)
{
    char problem[HOOKS_PROBLEM_LEN];
    bulk->defaults.batch_id = bulk->batch_id;
    bulk->batch_hooks.whose = HOOKS_OF_BATCH;
    err e = take_hooks(bulk, &bulk->hooks, config, problem);
    if (e == OK)
        e = take_hooks(bulk, &bulk->batch_hooks, config, problem);
    if (e != OK)
        command_complain("push", "%s", problem);
    return e == OK;
}

// Flags that are meant for one job cannot be meant for many.
static bool take_defaults(struct bulk *bulk, const struct config *config)
{
    const char *content = config_text(config, "content");
    submission_options(&bulk->defaults, config);
    const char *detail = NULL;
    if (submission_labels(config, bulk->labels, &bulk->defaults.labels, &detail) != OK) {
        command_complain("push", "%s", detail);
        return false;
    }
    if (config->argument_count > 0)
        bulk->defaults.type = slice_of_text(config->arguments[0]);
    const char *problem = submission_moment(&bulk->defaults, config);
    if (problem == NULL && bulk->defaults.key.len > 0)
        problem = "--key names one job; with --bulk each line may have a \"key\" of its own";
    else if (problem == NULL && strcmp(content, "auto") != 0 && strcmp(content, "json") != 0)
        problem = "the payloads of --bulk are JSON; --content says otherwise";
    else if (problem == NULL && config->argument_count > 1)
        problem = "a payload beside --bulk; each line has its own";
    if (problem != NULL)
        command_complain("push", "%s", problem);
    return problem == NULL && take_webhooks(bulk, config);
}

// False after a complaint.
static bool take_simulate(struct bulk *bulk, const struct config *config)
{
    const char *problem = NULL;
    if (!config_is_given(config, "simulate"))
        return true;
    bulk->simulate_ms = (uint32_t)config_number(config, "simulate");
    if (!bulk->is_dry_run)
        problem = "--simulate is for --dry-run; workers do real jobs anyway";
    else if (opinions_init(&bulk->opinions, MSG_ATOMIC_JOBS_MAX) != OK)
        problem = "out of memory";
    if (problem != NULL)
        command_complain("push", "%s", problem);
    return problem == NULL;
}

static int push(struct bulk *bulk, const struct config *config)
{
    struct origin origin = {slice_of_text(curve_tenant(config)), slice_of_text("default")};
    bulk->batch_id = mint_fresh(clock_wall_ms(), &origin);
    bulk->is_atomic = config_is_on(config, "atomic");
    bulk->is_dry_run = config_is_on(config, "dry-run");
    if (!take_simulate(bulk, config))
        return COMMAND_USAGE;
    if (!take_defaults(bulk, config) || !read_file(bulk, config_text(config, "bulk")))
        return COMMAND_USAGE;
    if (!ask_open(&bulk->ask, config) || !take_all(bulk))
        return bulk->ask.code;
    opinions_complain(&bulk->opinions, "push");
    tell(bulk);
    if (bulk->accepted > 0 && !bulk->is_dry_run)
        (void)ask_seal(&bulk->ask, &bulk->batch_id); // without an answer, time does the same
    return bulk->rejected == 0 ? COMMAND_SUCCEEDED : COMMAND_DEAD;
}

int bulk_push(const struct config *config)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk != NULL) {
        bulk->wants_json = command_wants_json(config);
        bulk->rejections = calloc(BULK_REJECTIONS_MAX, sizeof *bulk->rejections);
    }
    if (bulk == NULL || bulk->rejections == NULL) {
        free(bulk);
        command_complain("push", "out of memory");
        return COMMAND_UNKNOWN;
    }
    int code = push(bulk, config);
    ask_close(&bulk->ask);
    opinions_deinit(&bulk->opinions);
    for (uint32_t i = 0; i < bulk->rejection_count; i++)
        free(bulk->rejections[i].detail);
    free(bulk->rejections);
    memory_release(bulk->arena.data, bulk->arena.cap);
    free(bulk->lines);
    free(bulk->jobs);
    free(bulk->names);
    memory_release(bulk->file, (size_t)BULK_FILE_BYTES_MAX + 1);
    free(bulk);
    return code;
}
