// Submits, and follows.

#include "cli/push.h"

#include "cli/ask.h"
#include "cli/bulk.h"
#include "cli/plain.h"
#include "cli/submission.h"
#include "cli/view.h"
#include "gateway/core/answer.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"

#include <unistd.h>

static const struct config_key push_keys[] = {
    SUBMISSION_ONE_KEYS,
    SUBMISSION_KEYS,
    {.key = "bulk",
     .type = CONFIG_STRING,
     .help =
         "file of jobs, one JSON object a line, or -; TYPE and flags hold where a line is silent"},
    {.key = "batch-webhook",
     .type = CONFIG_STRING,
     .help = "with --bulk: the URL that is told when all of them have ended"},
    {.key = "batch-webhook-endpoint",
     .type = CONFIG_STRING,
     .help = "the endpoint that is told, or whose secret signs for --batch-webhook ('default')"},
    {.key = "batch-webhook-secret",
     .type = CONFIG_STRING,
     .help = "signs what goes to --batch-webhook: whsec_…, or 'new', as --webhook-secret"},
    {.key = "atomic",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "with --bulk: all lines are stored, or none"},
    {.key = "dry-run",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "tell what would be; nothing is stored"},
    {.key = "simulate",
     .type = CONFIG_DURATION,
     .min = 1,
     .max = 3600 * 1000,
     .help = "with --bulk --dry-run: ask workers, for so long, what would become of each line"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table push_table = {
    .program = "push",
    .usage = "weft push TYPE [flags] [PAYLOAD | @FILE | -]\n       weft push [TYPE] [flags] --bulk "
             "FILE [--atomic] [--dry-run [--simulate 10s]]",
    .about =
        "Submits a job and prints its id, and nothing else on standard output, once it is "
        "stored; --bulk that of\nthe batch. Exit codes: 0 stored (or known already), 1 "
        "refused (--bulk: some lines), 4 no answer (ask\nagain with the same --key), 64 usage.",
    .keys = push_keys,
    .key_count = sizeof push_keys / sizeof push_keys[0],
    .argument_count_max = 2,
};

static const struct config_key run_keys[] = {
    SUBMISSION_ONE_KEYS,
    SUBMISSION_KEYS,
    {.key = "wait", .type = CONFIG_DURATION, .help = "follow it so long; for ever when not given"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table push_run_table = {
    .program = "run",
    .usage = "weft run TYPE [flags] [PAYLOAD | @FILE | -]",
    .about = "Submits a job, follows it and prints its result. Exit codes: 0 succeeded, 1 dead or "
             "refused,\n2 cancelled, 3 expired, 4 unknown (no answer in time; the job goes on), "
             "64 usage.",
    .keys = run_keys,
    .key_count = sizeof run_keys / sizeof run_keys[0],
    .argument_count_max = 2,
};

// The broker's verdict, or NULL after a complaint, with *out_code set.
static const struct msg_submitted_job *submit(struct ask *ask, struct msg_submit_job *job,
                                              int *out_code)
{
    struct msg_submit one = {.jobs = job, .count = 1};
    const struct msg_submitted *said = ask_submit(ask, &one);
    if (said != NULL && submission_mint_again(job, &said->jobs[0]))
        said = ask_submit(ask, &one);
    if (said == NULL) {
        *out_code = ask->code;
        return NULL;
    }
    if (said->jobs[0].error == OK)
        return &said->jobs[0];
    ask_complain_refused(ask, job, &said->jobs[0]);
    *out_code = ask->code;
    return NULL;
}

// Calls `act` with a judged submission and a client. The exit code.
static int with_job(const struct config *config,
                    int (*act)(struct ask *ask, struct submission *submission,
                               const struct config *config))
{
    struct submission submission;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    err e = submission_read(&submission, config);
    if (e != OK)
        command_complain(config->table->program, "%s", submission.problem);
    else if (ask_open(&ask, config))
        code = act(&ask, &submission, config);
    else
        code = ask.code;
    ask_close(&ask);
    submission_deinit(&submission);
    return code;
}

// --- push ---

// A refusal is told as one would be.
static int try_one(struct ask *ask, struct msg_submit_job *job, const struct view *view)
{
    struct msg_submit one = {.jobs = job, .count = 1, .dry_run = true};
    const struct msg_submitted *said = ask_submit(ask, &one);
    if (said != NULL && submission_mint_again(job, &said->jobs[0]))
        said = ask_submit(ask, &one);
    if (said == NULL)
        return ask->code;
    if (said->jobs[0].error != OK && !view->wants_json) {
        ask_complain_refused(ask, job, &said->jobs[0]);
        return ask->code;
    }
    view_forecast(view, job, said);
    return said->jobs[0].error == OK ? COMMAND_SUCCEEDED : COMMAND_DEAD;
}

static int push_one(struct ask *ask, struct submission *submission, const struct config *config)
{
    struct msg_submit_job *job = &submission->job;
    int code = COMMAND_SUCCEEDED;
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    if (config_is_on(config, "dry-run"))
        return try_one(ask, job, &view);
    const struct msg_submitted_job *said = submit(ask, job, &code);
    if (said == NULL)
        return code;
    view_submitted(&view, job, said, &submission->hooks.secret);
    if (view.wants_json)
        return code;
    if (said->replayed)
        command_complain("push", "this job was there already; it is %s", answer_state(said->state));
    hooks_tell(&submission->hooks.secret, "push");
    return code;
}

// What only many jobs can have; NULL: none of it is given.
static const char *fault_of_one(const struct config *config)
{
    static const char *const keys[] = {"batch-webhook", "batch-webhook-endpoint",
                                       "batch-webhook-secret"};
    if (config_is_on(config, "atomic"))
        return "--atomic is for the lines of --bulk; one job is stored or not";
    if (config_is_given(config, "simulate"))
        return "--simulate is for the lines of --bulk; of one job --dry-run asks a worker anyway";
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (config_is_given(config, keys[i]))
            return "--batch-webhook is for the lines of --bulk; of one job it is --webhook";
    return NULL;
}

int push_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &push_table, argc, argv, &code)) {
        const char *fault = fault_of_one(&config);
        if (config_text(&config, "bulk") != NULL)
            code = bulk_push(&config);
        else if (fault != NULL)
            command_complain("push", "%s", fault);
        else
            code = with_job(&config, push_one);
    }
    config_deinit(&config);
    return command_end("push", code);
}

// --- run ---

static int code_of(enum job_state state)
{
    switch (state) {
    case JOB_SUCCEEDED: return COMMAND_SUCCEEDED;
    case JOB_DEAD: return COMMAND_DEAD;
    case JOB_CANCELLED: return COMMAND_CANCELLED;
    case JOB_EXPIRED: return COMMAND_EXPIRED;
    case JOB_NONE:
    case JOB_SCHEDULED:
    case JOB_QUEUED:
    case JOB_RUNNING:
    case JOB_RETRYING:
    case JOB_REMOVED: return COMMAND_UNKNOWN;
    }
    UNREACHABLE();
}

// One line that is written over until the job has ended.
static void show_progress(const struct msg_status_is *status)
{
    (void)fprintf(stderr, "\r\033[K%s, attempt %u", answer_state(status->state), status->attempt);
    if (status->progress_total > 0)
        (void)fprintf(stderr, ", %llu of %llu", (unsigned long long)status->progress_done,
                      (unsigned long long)status->progress_total);
    if (status->progress_text.len > 0)
        (void)fputc(' ', stderr);
    plain_put(stderr, status->progress_text);
    if (answer_is_final(status->state))
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

// An attempt has failed and another one will come, perhaps after an hour: whoever waits knows why.
static void tell_failure(const struct msg_status_is *status, bool is_watched, uint32_t *told)
{
    if (answer_is_final(status->state) || status->errors + status->crashes <= *told)
        return;
    *told = status->errors + status->crashes;
    if (is_watched)
        (void)fputs("\r\033[K", stderr);
    view_failure(stderr, status);
}

static void complain_late(const struct ask *ask, const struct id *job_id)
{
    char id[ID_TEXT_LEN + 1];
    char broker[ASK_FLAG_LEN_MAX];
    id_to_text(job_id, id);
    ask_broker_flag(ask, broker);
    command_complain(ask->program, "not finished in time; it goes on: weft job show %s%s", id,
                     broker);
}

// The job's last status, or NULL after a complaint. `until`: then it is not waited for any longer.
static const struct msg_status_is *follow(struct ask *ask, const struct id *job_id, when_ms until)
{
    struct msg_status question = {.job_id = *job_id};
    bool is_watched = isatty(STDERR_FILENO) == 1;
    uint32_t told = 0; // of its errors and crashes
    for (;;) {
        question.wait_ms = ask_wait_ms(until);
        const struct msg_status_is *status = ask_status(ask, &question);
        if (status == NULL)
            return NULL;
        tell_failure(status, is_watched, &told);
        if (is_watched)
            show_progress(status);
        if (answer_is_final(status->state) || question.wait_ms == 0)
            return status;
        question.version = status->version;
    }
}

static int run_one(struct ask *ask, struct submission *submission, const struct config *config)
{
    struct msg_submit_job *job = &submission->job;
    int code = COMMAND_UNKNOWN;
    when_ms wait_ms = config_is_given(config, "wait") ? config_number(config, "wait") : WHEN_NEVER;
    when_ms until = when_after(clock_mono_ms(), wait_ms);
    if (submit(ask, job, &code) == NULL)
        return code;
    hooks_tell(&submission->hooks.secret, "run");
    const struct msg_status_is *status = follow(ask, &job->job_id, until);
    if (status == NULL)
        return COMMAND_UNKNOWN;
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    bool is_final = answer_is_final(status->state);
    if (!is_final)
        complain_late(ask, &job->job_id);
    if (view.wants_json)
        view_status(&view, status);
    else if (status->state == JOB_SUCCEEDED)
        view_result(stdout, &status->result);
    else if (is_final)
        view_failure(stderr, status);
    return code_of(status->state);
}

int push_run_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &push_run_table, argc, argv, &code))
        code = with_job(&config, run_one);
    config_deinit(&config);
    return command_end("run", code);
}
