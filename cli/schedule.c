// Schedules from the command line: one question each; `next` works an expression out by itself.

#include "cli/schedule.h"

#include "cli/ask.h"
#include "cli/schedule_view.h"
#include "cli/submission.h"
#include "lib/base/cron.h"
#include "lib/base/moment.h"
#include "lib/sys/clock.h"
#include "lib/sys/zonefile.h"

#define KEY_ZONE                                                                                   \
    {                                                                                              \
        .key = "zone", .type = CONFIG_STRING, .default_text = "UTC",                               \
        .help = "time zone of the expression, like Europe/Berlin"                                  \
    }
#define KEY_NEXT(default_count)                                                                    \
    {                                                                                              \
        .key = "next", .type = CONFIG_INTEGER, .default_text = (default_count),                    \
        .max = MSG_MOMENTS_MAX, .help = "how many coming moments to tell"                          \
    }

static const struct config_key set_keys[] = {
    {.key = "cron",
     .type = CONFIG_STRING,
     .help = "minute hour day month weekday, or @hourly @daily @weekly @monthly @yearly",
     .required = true},
    KEY_ZONE,
    {.key = "overlap",
     .type = CONFIG_WORD,
     .default_text = "skip",
     .words = "skip|queue|allow|replace",
     .help = "while the job before is unfinished"},
    {.key = "catch-up",
     .type = CONFIG_WORD,
     .default_text = "latest",
     .words = "none|latest|all",
     .help = "what is made up for after an absence"},
    {.key = "jitter",
     .type = CONFIG_DURATION,
     .max = CHECK_JITTER_MS_MAX,
     .help = "each job is due up to so much later"},
    {.key = "paused", .type = CONFIG_BOOL, .default_text = "false", .help = "makes no jobs yet"},
    {.key = "dry-run",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "only judge it, change nothing"},
    KEY_NEXT("1"),
    SUBMISSION_KEYS,
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table schedule_set_table = {
    .program = "schedule set",
    .usage = "weft schedule set ID TYPE --cron EXPRESSION [flags] [PAYLOAD | @FILE | -]",
    .about = "Makes a schedule, or replaces it whole: at each of its moments it submits one job. "
             "The job's flags\nare those of push, but for those that name it or say when, which "
             "the schedule does. "
             "Exit codes: 0 set, 1 refused,\n4 no answer, 64 usage.",
    .keys = set_keys,
    .key_count = sizeof set_keys / sizeof set_keys[0],
    .argument_count_min = 2,
    .argument_count_max = 3,
};

static const struct config_key show_keys[] = {KEY_NEXT("5"), COMMAND_KEY_BROKER,
                                              COMMAND_KEY_GIVE_UP, COMMAND_KEY_OUTPUT};
static const struct config_key plain_keys[] = {COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP,
                                               COMMAND_KEY_OUTPUT};
static const struct config_key next_keys[] = {
    KEY_ZONE,
    {.key = "after", .type = CONFIG_STRING, .help = "RFC 3339 moment to begin after, if not now"},
    KEY_NEXT("5"),
    COMMAND_KEY_OUTPUT,
};

#define TABLE(verb, rows, sentence)                                                                \
    {                                                                                              \
        .program = "schedule " verb, .usage = "weft schedule " verb " ID [flags]",                 \
        .about = sentence "\nExit codes: 0 done, 1 refused, 4 no such schedule or no answer, 64 "  \
                          "usage.",                                                                \
        .keys = (rows), .key_count = sizeof(rows) / sizeof *(rows), .argument_count_min = 1,       \
        .argument_count_max = 1,                                                                   \
    }

const struct config_table schedule_show_table =
    TABLE("show", show_keys, "Shows a schedule, how it is doing, and its coming moments.");
const struct config_table schedule_delete_table =
    TABLE("delete", plain_keys, "Deletes a schedule. Jobs it has made stay.");
const struct config_table schedule_pause_table =
    TABLE("pause", plain_keys, "The schedule makes no jobs until it is resumed.");
const struct config_table schedule_resume_table =
    TABLE("resume", plain_keys, "Ends a pause. What passed meanwhile is not made up for.");

static const struct config_key list_keys[] = {COMMAND_LIST_KEYS};

const struct config_table schedule_list_table = {
    .program = "schedule list",
    .usage = "weft schedule list [flags]",
    .about = "Lists all schedules by id. With -o json one object for each page of 256. Exit codes: "
             "0 listed, 1 refused,\n4 no answer, 64 usage.",
    .keys = list_keys,
    .key_count = sizeof list_keys / sizeof list_keys[0],
};

const struct config_table schedule_next_table = {
    .program = "schedule next",
    .usage = "weft schedule next EXPRESSION [flags]",
    .about = "Works out the coming moments of an expression, here, without a broker. Exit codes: 0 "
             "told, 64 usage\n(also an expression or zone that is not one).",
    .keys = next_keys,
    .key_count = sizeof next_keys / sizeof next_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static struct view view_of(const struct config *config)
{
    return (struct view){.out = stdout, .wants_json = command_wants_json(config)};
}

// --- set ---

static enum overlap overlap_of(const struct config *config)
{
    return OVERLAP_SKIP + (enum overlap)config_number(config, "overlap");
}

static enum catch_up catch_up_of(const struct config *config)
{
    return CATCH_UP_NONE + (enum catch_up)config_number(config, "catch-up");
}

static int set(struct ask *ask, const struct config *config, struct msg_submit_job *job)
{
    struct view view = view_of(config);
    job->job_id = (struct id){{0}}; // the broker derives each
    struct msg_schedule given = {.schedule_id = slice_of_text(config->arguments[0]),
                                 .cron = slice_of_text(config_text(config, "cron")),
                                 .zone = slice_of_text(config_text(config, "zone")),
                                 .overlap = overlap_of(config),
                                 .catch_up = catch_up_of(config),
                                 .jitter_ms = (uint64_t)config_number(config, "jitter"),
                                 .paused = config_is_on(config, "paused"),
                                 .jobs = job,
                                 .job_count = 1};
    struct msg_schedule_set question = {.act = SCHEDULE_SET,
                                        .given = given,
                                        .dry_run = config_is_on(config, "dry-run"),
                                        .next_count = (uint32_t)config_number(config, "next")};
    const struct msg_schedule_status_is *is = ask_schedule_set(ask, &question);
    if (is == NULL)
        return ask->code;
    schedule_view_one(&view, is, question.dry_run);
    return COMMAND_SUCCEEDED;
}

static int set_main(int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    struct submission submission = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, &schedule_set_table, argc, argv, &code)) {
        err e = submission_read_from(&submission, &config, 1);
        if (e != OK)
            command_complain("schedule set", "%s", submission.problem);
        else if (ask_open(&ask, &config))
            code = set(&ask, &config, &submission.job);
        else
            code = ask.code;
    }
    ask_close(&ask);
    submission_deinit(&submission);
    config_deinit(&config);
    return command_end("schedule set", code);
}

// --- one that is there ---

static int show(struct ask *ask, const struct config *config, struct slice id)
{
    struct view view = view_of(config);
    const struct msg_schedule_status question = {
        .schedule_id = id, .next_count = (uint32_t)config_number(config, "next")};
    const struct msg_schedule_status_is *is = ask_schedule(ask, &question);
    if (is == NULL)
        return ask->code;
    schedule_view_one(&view, is, false);
    return COMMAND_SUCCEEDED;
}

static int act(struct ask *ask, const struct config *config, enum schedule_act act)
{
    struct slice id = slice_of_text(config->arguments[0]);
    const struct msg_schedule_set question = {.act = act, .given = {.schedule_id = id}};
    if (ask_schedule_set(ask, &question) == NULL)
        return ask->code;
    if (act != SCHEDULE_DELETE && command_wants_json(config)) {
        struct view view = view_of(config);
        const struct msg_schedule_status again = {.schedule_id = id, .next_count = 1};
        const struct msg_schedule_status_is *is = ask_schedule(ask, &again);
        if (is == NULL)
            return ask->code;
        schedule_view_one(&view, is, false);
        return COMMAND_SUCCEEDED;
    }
    static const char *const said[] = {
        [SCHEDULE_DELETE] = "deleted", [SCHEDULE_PAUSE] = "paused", [SCHEDULE_RESUME] = "resumed"};
    if (!command_wants_json(config))
        (void)printf("%s %s\n", config->arguments[0], said[act]);
    return COMMAND_SUCCEEDED;
}

// SCHEDULE_NONE shows it.
static int with_id(const struct config_table *table, enum schedule_act what, int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code)) {
        struct slice id = slice_of_text(config.arguments[0]);
        if (!check_name(id))
            command_complain(table->program, "an ID has 1 to 128 of a-z 0-9 . _ -");
        else if (!ask_open(&ask, &config))
            code = ask.code;
        else
            code = what == SCHEDULE_NONE ? show(&ask, &config, id) : act(&ask, &config, what);
    }
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int show_main(int argc, char **argv)
{
    return with_id(&schedule_show_table, SCHEDULE_NONE, argc, argv);
}

static int delete_main(int argc, char **argv)
{
    return with_id(&schedule_delete_table, SCHEDULE_DELETE, argc, argv);
}

static int pause_main(int argc, char **argv)
{
    return with_id(&schedule_pause_table, SCHEDULE_PAUSE, argc, argv);
}

static int resume_main(int argc, char **argv)
{
    return with_id(&schedule_resume_table, SCHEDULE_RESUME, argc, argv);
}

// --- all ---

static int list(struct ask *ask, const struct config *config)
{
    struct view view = view_of(config);
    uint8_t last[MSG_NAME_LEN_MAX];
    struct msg_schedule_list question = {0};
    bool needs_header = command_wants_header(config);
    for (;;) {
        const struct msg_schedule_listed *listed = ask_schedules(ask, &question);
        if (listed == NULL)
            return ask->code;
        if (needs_header)
            schedule_view_head(&view);
        needs_header = false;
        schedule_view_lines(&view, listed);
        if (!listed->is_more || listed->count == 0)
            return COMMAND_SUCCEEDED;
        struct slice id = listed->schedules[listed->count - 1].given.schedule_id;
        memcpy(last, id.data, id.len); // the answer goes with the next question
        question.after = slice_of(last, id.len);
    }
}

static int list_main(int argc, char **argv)
{
    return ask_run(&schedule_list_table, argc, argv, list);
}

// --- next ---

static bool read_zone(const struct config *config, struct zone *out_zone)
{
    err e = zonefile_read(slice_of_text(config_text(config, "zone")), out_zone);
    if (e != OK)
        command_complain("schedule next", "--zone %.64s: %s", config_text(config, "zone"),
                         zonefile_text(e));
    return e == OK;
}

static bool read_after(const struct config *config, when_ms *out_after)
{
    *out_after = clock_wall_ms();
    const char *text = config_text(config, "after");
    if (text == NULL || moment_parse(slice_of_text(text), out_after) == OK)
        return true;
    command_complain("schedule next", "--after must be a moment like 2026-12-01T08:00:00Z");
    return false;
}

static bool read_cron(const struct config *config, struct cron *out_cron)
{
    struct cron_problem problem;
    char text[CRON_PROBLEM_LEN];
    if (cron_parse(slice_of_text(config->arguments[0]), out_cron, &problem) == OK)
        return true;
    cron_explain(&problem, text);
    command_complain("schedule next", "%s", text);
    return false;
}

static int next(const struct config *config)
{
    struct zone zone;
    struct cron cron;
    when_ms at;
    if (!read_cron(config, &cron) || !read_zone(config, &zone) || !read_after(config, &at))
        return COMMAND_USAGE;
    struct msg_moment items[MSG_MOMENTS_MAX];
    struct msg_moments moments = {.items = items};
    struct view view = view_of(config);
    while (moments.count < (uint32_t)config_number(config, "next")) {
        at = cron_next(&cron, &zone, at);
        if (at == WHEN_NEVER)
            break;
        items[moments.count++].at = at;
    }
    schedule_view_moments(&view, &moments, &zone);
    return COMMAND_SUCCEEDED;
}

static int next_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &schedule_next_table, argc, argv, &code))
        code = next(&config);
    config_deinit(&config);
    return command_end("schedule next", code);
}

int schedule_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"set", set_main, "makes a schedule, or replaces it"},
        {"show", show_main, "a schedule, how it is doing, its coming moments"},
        {"list", list_main, "all of them"},
        {"pause", pause_main, "no jobs until resumed"},
        {"resume", resume_main, "ends a pause"},
        {"delete", delete_main, "ends it; its jobs stay"},
        {"next", next_main, "the coming moments of an expression"},
    };
    static const struct command_verbs verbs = {"weft schedule", items,
                                               sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
