// Queues from the command line: one question each.

#include "cli/queue.h"

#include "cli/ask.h"
#include "cli/course.h"
#include "cli/many.h"
#include "cli/named.h"
#include "cli/queue_view.h"
#include "lib/base/duration.h"
#include "lib/sys/blake.h"

#include <stdlib.h>

static const struct config_key set_keys[] = {
    {.key = "weight",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = MSG_WEIGHT_MAX,
     .help = "turns for one of a queue of weight 1"},
    {.key = "open-max",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = UINT32_MAX,
     .help = "unfinished jobs; more are refused"},
    {.key = "running-max",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = UINT32_MAX,
     .help = "running jobs"},
    {.key = "key-running-max",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = UINT32_MAX,
     .help = "running jobs of each concurrency key"},
    {.key = "rate", .type = CONFIG_STRING, .help = "starts in a time: 100/1m"},
    {.key = "key-rate", .type = CONFIG_STRING, .help = "the same for each concurrency key"},
    COURSE_KEYS,
    {.key = "unset",
     .type = CONFIG_STRING,
     .help = "settings to take away, like rate,open-max; or all"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table queue_set_table = {
    .program = "queue set",
    .usage = "weft queue set NAME [flags]",
    .about =
        "Changes what is named of a queue's settings; the others stay. --unset takes some away. "
        "--timeout to\n--keep are for jobs that do not say. Exit codes: 0 set, 1 refused, 4 no "
        "answer, 64 usage.",
    .keys = set_keys,
    .key_count = sizeof set_keys / sizeof set_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static const struct config_key plain_keys[] = {COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP,
                                               COMMAND_KEY_OUTPUT};

const struct config_table queue_show_table = {
    .program = "queue show",
    .usage = "weft queue show NAME [flags]",
    .about = "Shows what is set for a queue, and its jobs by state. Exit codes: 0 shown, 4 no such "
             "queue or no\nanswer, 64 usage.",
    .keys = plain_keys,
    .key_count = sizeof plain_keys / sizeof plain_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static const struct config_key list_keys[] = {COMMAND_LIST_KEYS};

const struct config_table queue_list_table = {
    .program = "queue list",
    .usage = "weft queue list [flags]",
    .about = "Lists all queues by name. With -o json one object for each page of 256. Exit codes: "
             "0 listed, 1 refused,\n4 no answer, 64 usage.",
    .keys = list_keys,
    .key_count = sizeof list_keys / sizeof list_keys[0],
};

static const struct config_key way_keys[] = {
    {.key = "direction",
     .type = CONFIG_WORD,
     .default_text = "both",
     .words = "in|out|both",
     .help = "jobs that come, jobs that go to workers, or both"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

#define TABLE(verb, rows, sentence)                                                                \
    {                                                                                              \
        .program = "queue " verb, .usage = "weft queue " verb " NAME [flags]",                     \
        .about = sentence "\nExit codes: 0 done, 1 refused, 4 no such queue or no answer, 64 "     \
                          "usage.",                                                                \
        .keys = (rows), .key_count = sizeof(rows) / sizeof *(rows), .argument_count_min = 1,       \
        .argument_count_max = 1,                                                                   \
    }

const struct config_table queue_pause_table =
    TABLE("pause", way_keys, "The queue takes no jobs, or gives none to workers, until resumed.");
const struct config_table queue_resume_table = TABLE("resume", way_keys, "Ends a pause.");
const struct config_table queue_drain_table =
    TABLE("drain", plain_keys, "The queue takes no jobs, and gives those it has, until resumed.");

static struct view view_of(const struct config *config)
{
    return (struct view){.out = stdout, .wants_json = command_wants_json(config)};
}

// "100/1m"
static bool rate_of(const struct config *config, const char *key, struct msg_rate *out_rate)
{
    const char *text = config_text(config, key);
    if (text == NULL)
        return true;
    char *end = NULL;
    when_ms span = 0;
    unsigned long count = strtoul(text, &end, 10);
    bool is_rate = *text >= '1' && *text <= '9' && *end == '/' && count <= MSG_RATE_COUNT_MAX &&
                   duration_parse(slice_of_text(end + 1), &span) == OK && span >= 1 &&
                   span <= MSG_RATE_PER_MS_MAX;
    if (is_rate)
        *out_rate = (struct msg_rate){.count = (uint32_t)count, .per_ms = (uint32_t)span};
    else
        command_complain("queue set", "a rate is like 100/1m: 1 to 1,000,000 in 1ms to 24h");
    return is_rate;
}

static const struct named_setting settings[] = {
    {"weight", 1u << QUEUE_WEIGHT},
    {"open-max", 1u << QUEUE_OPEN_MAX},
    {"running-max", 1u << QUEUE_RUNNING_MAX},
    {"key-running-max", 1u << QUEUE_KEY_RUNNING_MAX},
    {"rate", QUEUE_RATE},
    {"key-rate", QUEUE_KEY_RATE},
    NAMED_DEFAULTS,
};
static const struct named_settings all_settings = {
    .program = "queue set",
    .hint = "--weight 3, or --unset rate",
    .items = settings,
    .count = sizeof settings / sizeof settings[0],
    .all = QUEUE_SETTINGS_ALL,
};

static int set(struct ask *ask, const struct config *config, struct slice name)
{
    struct view view = view_of(config);
    struct msg_rate rate = {0};
    struct msg_rate key_rate = {0};
    uint32_t named = named_read(config, &all_settings);
    if (named == 0 || !rate_of(config, "rate", &rate) || !rate_of(config, "key-rate", &key_rate))
        return COMMAND_USAGE;
    const struct msg_queue_set question = {
        .queue = name,
        .named = named,
        .settings = {.weight = (uint32_t)config_number(config, "weight"),
                     .open_max = (uint32_t)config_number(config, "open-max"),
                     .running_max = (uint32_t)config_number(config, "running-max"),
                     .key_running_max = (uint32_t)config_number(config, "key-running-max"),
                     .rate = rate,
                     .key_rate = key_rate,
                     .defaults = course_given(config)}};
    const struct msg_queue *queue = ask_queue_set(ask, &question);
    if (queue == NULL)
        return ask->code;
    queue_view_one(&view, queue);
    return COMMAND_SUCCEEDED;
}

static int show(struct ask *ask, const struct config *config, struct slice name)
{
    struct view view = view_of(config);
    const struct msg_queue *queue = ask_queue(ask, name);
    if (queue == NULL)
        return ask->code;
    queue_view_one(&view, queue);
    return COMMAND_SUCCEEDED;
}

static int act(struct ask *ask, const struct config *config, struct msg_act *act)
{
    struct slice name = slice_of_text(config->arguments[0]);
    act->queue = name;
    act->actor = slice_of_text("cli");
    blake_random(&act->act_id, sizeof act->act_id);
    return ask_act(ask, act) != NULL ? show(ask, config, name) : ask->code;
}

static enum direction direction_of(const struct config *config)
{
    return DIRECTION_IN + (enum direction)config_number(config, "direction");
}

static int pause_it(struct ask *ask, const struct config *config, struct slice name)
{
    (void)name;
    return act(ask, config,
               &(struct msg_act){.kind = ACT_PAUSE, .direction = direction_of(config)});
}

static int resume(struct ask *ask, const struct config *config, struct slice name)
{
    (void)name;
    return act(ask, config,
               &(struct msg_act){.kind = ACT_RESUME, .direction = direction_of(config)});
}

static int drain(struct ask *ask, const struct config *config, struct slice name)
{
    (void)name;
    return act(ask, config, &(struct msg_act){.kind = ACT_DRAIN});
}

typedef int with_queue(struct ask *ask, const struct config *config, struct slice name);

static int with_name(const struct config_table *table, with_queue *run, int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code)) {
        struct slice name = slice_of_text(config.arguments[0]);
        if (!check_name(name))
            command_complain(table->program, "a NAME has 1 to 128 of a-z 0-9 . _ -");
        else if (!ask_open(&ask, &config))
            code = ask.code;
        else
            code = run(&ask, &config, name);
    }
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int set_main(int argc, char **argv)
{
    return with_name(&queue_set_table, set, argc, argv);
}

static int show_main(int argc, char **argv)
{
    return with_name(&queue_show_table, show, argc, argv);
}

static int pause_main(int argc, char **argv)
{
    return with_name(&queue_pause_table, pause_it, argc, argv);
}

static int resume_main(int argc, char **argv)
{
    return with_name(&queue_resume_table, resume, argc, argv);
}

static int drain_main(int argc, char **argv)
{
    return with_name(&queue_drain_table, drain, argc, argv);
}

static int list(struct ask *ask, const struct config *config)
{
    struct view view = view_of(config);
    uint8_t last[MSG_NAME_LEN_MAX];
    struct slice after = {0};
    bool needs_header = command_wants_header(config);
    for (;;) {
        const struct msg_queue_status_is *is = ask_queues(ask, after);
        if (is == NULL)
            return ask->code;
        if (needs_header)
            queue_view_head(&view);
        needs_header = false;
        queue_view_lines(&view, is);
        if (!is->is_more || is->count == 0)
            return COMMAND_SUCCEEDED;
        struct slice name = is->queues[is->count - 1].queue;
        memcpy(last, name.data, name.len); // the answer goes with the next question
        after = slice_of(last, name.len);
    }
}

static int list_main(int argc, char **argv)
{
    return ask_run(&queue_list_table, argc, argv, list);
}

int queue_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", list_main, "all of them, and their unfinished jobs"},
        {"show", show_main, "what is set for one, and its jobs by state"},
        {"set", set_main, "sets one: weight, limits, defaults for its jobs"},
        {"pause", pause_main, "it takes no jobs, or gives none, until resumed"},
        {"resume", resume_main, "ends a pause"},
        {"purge", many_purge_main, "its jobs that wait are cancelled"},
        {"drain", drain_main, "it takes no jobs, and gives those it has"},
    };
    static const struct command_verbs verbs = {"weft queue", items, sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
