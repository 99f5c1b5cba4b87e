// One question; a log that is followed is asked for again with each new version of its job.

#include "cli/history.h"

#include "cli/ask.h"
#include "cli/view.h"
#include "gateway/core/answer.h"
#include "lib/base/check.h"

static const struct config_key timeline_keys[] = {
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

static const struct config_key log_keys[] = {
    {.key = "follow",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .letter = 'f',
     .help = "goes on until the job has ended"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table history_timeline_table = {
    .program = "job timeline",
    .usage = "weft job timeline ID [flags]",
    .about = "Shows what has happened to a job: every attempt with its worker and its error, and "
             "what somebody did.\nExit codes: 0 shown, 4 no such job or no answer, 64 usage.",
    .keys = timeline_keys,
    .key_count = sizeof timeline_keys / sizeof timeline_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

const struct config_table history_log_table = {
    .program = "job log",
    .usage = "weft job log ID [-f] [flags]",
    .about = "Shows what the handlers of a job wrote on standard error, all attempts together.\n"
             "Exit codes: 0 shown, 4 no such job or no answer, 64 usage.",
    .keys = log_keys,
    .key_count = sizeof log_keys / sizeof log_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static struct view view_of(const struct config *config)
{
    return (struct view){.out = stdout, .wants_json = command_wants_json(config)};
}

static int show_timeline(struct ask *ask, const struct id *id, const struct config *config)
{
    struct view view = view_of(config);
    const struct msg_timeline_is *timeline = ask_timeline(ask, &(struct msg_timeline){*id});
    if (timeline == NULL)
        return ask->code;
    view_timeline(&view, timeline);
    return COMMAND_SUCCEEDED;
}

// Until the job's version passes `version`, or for a while.
static bool wait_for_news(struct ask *ask, const struct id *id, uint32_t version)
{
    const struct msg_status question = {
        .job_id = *id, .version = version, .wait_ms = ask_wait_ms(WHEN_NEVER)};
    return ask_status(ask, &question) != NULL;
}

static int show_log(struct ask *ask, const struct id *id, const struct config *config)
{
    struct view view = view_of(config);
    struct msg_log question = {.job_id = *id};
    bool goes_on = true;
    while (goes_on) {
        const struct msg_log_is *log = ask_log(ask, &question);
        if (log == NULL)
            return ask->code;
        view_log(&view, log, question.after);
        uint32_t version = log->version;
        question.after = log->count;
        goes_on = config_is_on(config, "follow") && !answer_is_final(log->state);
        // Who reads it through a pipe wants the lines as they come.
        (void)fflush(stdout);
        if (goes_on && !wait_for_news(ask, id, version))
            return ask->code;
    }
    return COMMAND_SUCCEEDED;
}

int history_timeline_main(int argc, char **argv)
{
    return ask_about(&history_timeline_table, argc, argv, show_timeline);
}

int history_log_main(int argc, char **argv)
{
    return ask_about(&history_log_table, argc, argv, show_log);
}
