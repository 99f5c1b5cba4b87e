// Operations page by page, a line each, or the objects of the HTTP door.

#include "cli/many_list.h"

#include "cli/ask.h"
#include "cli/view.h"
#include "lib/base/when.h"
#include "lib/sys/clock.h"

enum { LIMIT_MAX = 100000 };

static const struct config_key list_keys[] = {
    COMMAND_LIST_KEYS,
    {.key = "limit",
     .type = CONFIG_INTEGER,
     .default_text = "50",
     .min = 0,
     .max = LIMIT_MAX,
     .help = "operations at most; 0: all"},
};

const struct config_table many_list_table = {
    .program = "operations list",
    .usage = "weft operations list [flags]",
    .about = "Lists acts on many jobs, the newest first: those that go on, and those over that are "
             "still known.\nWith -o json one object a line. Exit codes: 0 listed, 1 refused, "
             "4 no answer, 64 usage.",
    .keys = list_keys,
    .key_count = sizeof list_keys / sizeof list_keys[0],
};

static const struct config_key show_keys[] = {
    COMMAND_LIST_KEYS,
    {.key = "wait",
     .type = CONFIG_DURATION,
     .default_text = "0",
     .min = 0,
     .max = INT64_C(36500) * 24 * 3600 * 1000,
     .alone = "36500d",
     .help = "until it is over, at most so long; alone: for ever"},
};

const struct config_table many_list_show_table = {
    .program = "operations show",
    .usage = "weft operations show ID [flags]",
    .about = "Shows an act on many jobs: how far it is, how many were done and how many could not "
             "be.\nExit codes: 0 shown, 4 no such operation, no answer, or with --wait not over in "
             "time, 64 usage.",
    .keys = show_keys,
    .key_count = sizeof show_keys / sizeof show_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static const struct config_key cancel_keys[] = {COMMAND_LIST_KEYS};

const struct config_table many_list_cancel_table = {
    .program = "operations cancel",
    .usage = "weft operations cancel ID [flags]",
    .about = "Ends an act on many jobs where it stands: what it has done stays done, and no more "
             "is.\nExit codes: 0 it is cancelled, 1 refused, like one that was over, 4 no such "
             "operation or no answer, 64 usage.",
    .keys = cancel_keys,
    .key_count = sizeof cancel_keys / sizeof cancel_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static void print_head(const struct view *view)
{
    (void)fprintf(view->out, "%-36s %-7s %-9s %9s %9s  %-24s %s\n", "OPERATION", "ACT", "STATUS",
                  "DONE", "REFUSED", "BEGAN", "WHICH");
}

static int list(struct ask *ask, const struct config *config)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    struct msg_operation_list question = {0};
    uint64_t left = (uint64_t)config_number(config, "limit");
    bool is_bounded = left > 0;
    bool is_more = true;
    bool needs_header = command_wants_header(config);
    while (is_more && (left > 0 || !is_bounded)) {
        bool is_last_page = is_bounded && left < MSG_OPERATIONS_MAX;
        question.limit = is_last_page ? (uint32_t)left : MSG_OPERATIONS_MAX;
        const struct msg_operation_listed *listed = ask_operations(ask, &question);
        if (listed == NULL)
            return ask->code;
        if (needs_header)
            print_head(&view);
        needs_header = false;
        for (uint32_t i = 0; i < listed->count; i++)
            view_listed_operation(&view, &listed->operations[i]);
        is_more = listed->is_more && listed->count > 0;
        left -= is_bounded ? listed->count : 0;
        if (!is_more)
            continue;
        question.before = listed->operations[listed->count - 1].created_at;
        question.before_id = listed->operations[listed->count - 1].operation_id;
    }
    return COMMAND_SUCCEEDED;
}

static int list_main(int argc, char **argv)
{
    return ask_run(&many_list_table, argc, argv, list);
}

static int show(struct ask *ask, const struct id *id, const struct config *config)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    struct msg_operation question = {.operation_id = *id};
    bool waits = config_number(config, "wait") > 0;
    when_ms until = when_after(clock_mono_ms(), config_number(config, "wait"));
    const struct msg_operation_is *is = ask_operation(ask, &question);
    while (is != NULL && !is->is_over && (question.wait_ms = ask_wait_ms(until)) > 0) {
        question.version = is->version;
        is = ask_operation(ask, &question);
    }
    if (is == NULL)
        return ask->code;
    if (command_wants_header(config))
        print_head(&view);
    view_listed_operation(&view, is);
    if (!waits || is->is_over)
        return COMMAND_SUCCEEDED;
    command_complain(many_list_show_table.program, "it is not over after --wait");
    return COMMAND_UNKNOWN;
}

static int cancel(struct ask *ask, const struct id *id, const struct config *config)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    const struct msg_operate operate = {
        .kind = ACT_STOP, .operation_id = *id, .actor = slice_of_text("cli")};
    const struct msg_operation_is *is = ask_operate(ask, &operate);
    if (is == NULL)
        return ask->code;
    if (command_wants_header(config))
        print_head(&view);
    view_listed_operation(&view, is);
    return COMMAND_SUCCEEDED;
}

static int show_main(int argc, char **argv)
{
    return ask_about(&many_list_show_table, argc, argv, show);
}

static int cancel_main(int argc, char **argv)
{
    return ask_about(&many_list_cancel_table, argc, argv, cancel);
}

int many_list_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", list_main, "those that go on, and those over that are still known"},
        {"show", show_main, "how far one is; --wait for its end"},
        {"cancel", cancel_main, "one ends where it stands"},
    };
    static const struct command_verbs verbs = {"weft operations", items,
                                               sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}
