// One question, or, with --wait, the same one until all has ended.

#include "cli/show.h"

#include "cli/act.h"
#include "cli/ask.h"
#include "cli/history.h"
#include "cli/jobs.h"
#include "cli/many.h"
#include "cli/view.h"
#include "gateway/core/answer.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"

#include <unistd.h>

static const struct config_key keys[] = {
    {.key = "wait",
     .type = CONFIG_DURATION,
     .alone = "36500d",
     .help = "until it has ended, at most so long; alone: for ever"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table show_job_table = {
    .program = "job show",
    .usage = "weft job show ID [flags]",
    .about =
        "Shows one job. Exit codes: 0 shown, 1 the broker refused the question, 4 not finished "
        "within --wait,\nno such job or no answer, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

const struct config_table show_batch_table = {
    .program = "batch show",
    .usage = "weft batch show ID [flags]",
    .about =
        "Shows how many jobs of a batch are in which state. Exit codes: 0 shown; with --wait: 0 "
        "all succeeded,\n1 some are dead, 2 some were cancelled, 3 some expired; 1 also when the "
        "broker refused the question,\n4 not finished within --wait, no such batch or no answer, "
        "64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

// It was waited for in vain.
static bool is_late(const struct config *config, bool is_final)
{
    if (is_final || config_number(config, "wait") == 0)
        return false;
    command_complain(config->table->program, "not finished in time; it goes on");
    return true;
}

static int show_job(struct ask *ask, const struct id *id, const struct config *config)
{
    struct msg_status question = {.job_id = *id};
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    const struct msg_status_is *status = ask_status(ask, &question);
    when_ms until = when_after(clock_mono_ms(), config_number(config, "wait"));
    while (status != NULL && !answer_is_final(status->state) &&
           (question.wait_ms = ask_wait_ms(until)) > 0) {
        question.version = status->version;
        status = ask_status(ask, &question);
    }
    if (status == NULL)
        return ask->code;
    view_status(&view, status);
    return is_late(config, answer_is_final(status->state)) ? COMMAND_UNKNOWN : COMMAND_SUCCEEDED;
}

static void show_counts(const struct msg_batch_status_is *batch)
{
    (void)fputs("\r\033[K", stderr);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        if (batch->counts[state] > 0)
            (void)fprintf(stderr, "%s %u  ", answer_state((enum job_state)state),
                          batch->counts[state]);
    }
    if (answer_batch_is_final(batch))
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

static int code_of(const struct msg_batch_status_is *batch)
{
    if (batch->counts[JOB_DEAD] > 0)
        return COMMAND_DEAD;
    if (batch->counts[JOB_CANCELLED] > 0)
        return COMMAND_CANCELLED;
    return batch->counts[JOB_EXPIRED] > 0 ? COMMAND_EXPIRED : COMMAND_SUCCEEDED;
}

static int show_batch(struct ask *ask, const struct id *id, const struct config *config)
{
    struct msg_batch_status question = {.batch_id = *id};
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    bool waits = config_number(config, "wait") > 0;
    bool is_watched = waits && isatty(STDERR_FILENO) == 1;
    when_ms until = when_after(clock_mono_ms(), config_number(config, "wait"));
    const struct msg_batch_status_is *batch = ask_batch(ask, &question);
    while (batch != NULL && !answer_batch_is_final(batch) &&
           (question.wait_ms = ask_wait_ms(until)) > 0) {
        if (is_watched)
            show_counts(batch);
        question.version = batch->version;
        batch = ask_batch(ask, &question);
    }
    if (batch == NULL)
        return ask->code;
    if (is_watched)
        show_counts(batch);
    view.now = clock_wall_ms();
    view_batch(&view, batch);
    if (is_late(config, answer_batch_is_final(batch)))
        return COMMAND_UNKNOWN;
    return waits ? code_of(batch) : COMMAND_SUCCEEDED;
}

static int job_main(int argc, char **argv)
{
    return ask_about(&show_job_table, argc, argv, show_job);
}

static int batch_main(int argc, char **argv)
{
    return ask_about(&show_batch_table, argc, argv, show_batch);
}

int show_job_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"show", job_main, "status and result of a job"},
        {"timeline", history_timeline_main, "what has happened to a job, attempt by attempt"},
        {"deliveries", jobs_deliveries_main, "the webhooks that tell of its end"},
        {"log", history_log_main, "what its handlers wrote; -f until it has ended"},
        {"cancel", act_cancel_main, "ends a job that has not ended"},
        {"retry", act_retry_main, "makes a dead job live again"},
        {"run-now", act_run_now_main, "queues a job that is scheduled or waits for a retry"},
        {"delete", act_delete_main, "removes an ended job at once"},
    };
    static const struct command_verbs verbs = {"weft job", items, sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}

int show_batch_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"show", batch_main, "how far a batch is; --wait until it has ended"},
        {"items", jobs_items_main, "its jobs, the newest first"},
        {"deliveries", jobs_batch_deliveries_main, "the webhooks that tell of its end"},
        {"cancel", many_batch_cancel_main, "ends all its jobs that have not ended"},
        {"retry", many_batch_retry_main, "makes its dead jobs live again"},
        {"run-now", many_batch_run_now_main, "queues those that are scheduled or wait for a retry"},
    };
    static const struct command_verbs verbs = {"weft batch", items, sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}
