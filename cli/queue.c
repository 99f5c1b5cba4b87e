// Queues from the command line: one question each.

#include "cli/queue.h"

#include "cli/ask.h"
#include "cli/course.h"
#include "cli/queue_view.h"

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
    COURSE_KEYS,
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table queue_set_table = {
    .program = "queue set",
    .usage = "weft queue set NAME [flags]",
    .about = "Sets a queue, whole: what is not given is not set any more. --timeout to --keep are "
             "for jobs that do\nnot say. Exit codes: 0 set, 1 refused, 4 no answer, 64 usage.",
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

const struct config_table queue_list_table = {
    .program = "queue list",
    .usage = "weft queue list [flags]",
    .about = "Lists all queues by name. With -o json one object for each page of 256. Exit codes: "
             "0 listed, 1 refused,\n4 no answer, 64 usage.",
    .keys = plain_keys,
    .key_count = sizeof plain_keys / sizeof plain_keys[0],
};

static struct view view_of(const struct config *config)
{
    return (struct view){.out = stdout, .wants_json = command_wants_json(config)};
}

static int set(struct ask *ask, const struct config *config, struct slice name)
{
    struct view view = view_of(config);
    const struct msg_queue_set question = {
        .queue = name,
        .settings = {.weight = (uint32_t)config_number(config, "weight"),
                     .open_max = (uint32_t)config_number(config, "open-max"),
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

static int list(struct ask *ask, const struct config *config)
{
    struct view view = view_of(config);
    uint8_t last[MSG_NAME_LEN_MAX];
    struct slice after = {0};
    queue_view_head(&view);
    for (;;) {
        const struct msg_queue_status_is *is = ask_queues(ask, after);
        if (is == NULL)
            return ask->code;
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
    struct config config;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, &queue_list_table, argc, argv, &code))
        code = ask_open(&ask, &config) ? list(&ask, &config) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end("queue list", code);
}

int queue_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", list_main, "all of them, and their unfinished jobs"},
        {"show", show_main, "what is set for one, and its jobs by state"},
        {"set", set_main, "sets one: weight, limits, defaults for its jobs"},
    };
    static const struct command_verbs verbs = {"weft queue", items, sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
