// One ACT, repeated until it is answered.

#include "cli/act.h"

#include "cli/ask.h"
#include "cli/roster.h"
#include "cli/view.h"
#include "lib/sys/blake.h"

static const struct config_key keys[] = {
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

#define TABLE(name, sentence)                                                                      \
    {                                                                                              \
        .program = "job " name, .usage = "weft job " name " ID [flags]",                           \
        .about = sentence "\nExit codes: 0 done, 1 the job's state does not allow it, 4 no such "  \
                          "job or no answer, 64 usage.",                                           \
        .keys = keys, .key_count = sizeof keys / sizeof keys[0], .argument_count_min = 1,          \
        .argument_count_max = 1,                                                                   \
    }

const struct config_table act_cancel_table =
    TABLE("cancel", "Ends a job that has not ended: a waiting one at once, a running one when its "
                    "handler has\nstopped or its lease is over.");

const struct config_table act_retry_table =
    TABLE("retry", "Makes a dead job live again, with all its attempts.");

const struct config_table act_run_now_table =
    TABLE("run-now", "Queues a job at once that is scheduled or waits for a retry. One that waits "
                     "for other jobs\n(--after) goes on waiting.");

const struct config_table act_delete_table =
    TABLE("delete", "Removes an ended job at once; its id stays taken as long as it would.");

#define WORKER_TABLE(name, sentence)                                                               \
    {                                                                                              \
        .program = "workers " name, .usage = "weft workers " name " ID [flags]",                   \
        .about = sentence "\nExit codes: 0 told, 4 no such worker or no answer, 64 usage.",        \
        .keys = keys, .key_count = sizeof keys / sizeof keys[0], .argument_count_min = 1,          \
        .argument_count_max = 1,                                                                   \
    }

const struct config_table act_quiet_table =
    WORKER_TABLE("quiet", "Tells a worker to take no more jobs.");

const struct config_table act_stop_table = WORKER_TABLE(
    "stop", "Tells a worker to leave as if by SIGTERM: its jobs are finished, or given "
            "back after its --grace.");

static bool is_for_worker(const struct msg_act *act)
{
    return act->kind == ACT_QUIET || act->kind == ACT_STOP;
}

static int act(struct ask *ask, const struct config *config, const struct msg_act *act)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    const struct msg_acted *acted = ask_act(ask, act);
    if (acted == NULL)
        return ask->code;
    view_acted(&view, is_for_worker(act) ? &act->worker_id : &act->job_id, acted);
    return COMMAND_SUCCEEDED;
}

static int act_main(const struct config_table *table, enum act_kind kind, int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    struct msg_act wanted = {.kind = kind, .actor = slice_of_text("cli")};
    int code = COMMAND_USAGE;
    blake_random(&wanted.act_id, sizeof wanted.act_id);
    if (command_begin(&config, table, argc, argv, &code) &&
        command_read_id(&config, is_for_worker(&wanted) ? &wanted.worker_id : &wanted.job_id))
        code = ask_open(&ask, &config) ? act(&ask, &config, &wanted) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

int act_cancel_main(int argc, char **argv)
{
    return act_main(&act_cancel_table, ACT_CANCEL, argc, argv);
}

int act_retry_main(int argc, char **argv)
{
    return act_main(&act_retry_table, ACT_RETRY, argc, argv);
}

int act_run_now_main(int argc, char **argv)
{
    return act_main(&act_run_now_table, ACT_RUN_NOW, argc, argv);
}

int act_delete_main(int argc, char **argv)
{
    return act_main(&act_delete_table, ACT_DELETE, argc, argv);
}

static int quiet_main(int argc, char **argv)
{
    return act_main(&act_quiet_table, ACT_QUIET, argc, argv);
}

static int stop_main(int argc, char **argv)
{
    return act_main(&act_stop_table, ACT_STOP, argc, argv);
}

int act_workers_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", roster_main, "those that are connected, or still have jobs"},
        {"quiet", quiet_main, "a worker takes no more jobs"},
        {"stop", stop_main, "a worker leaves when its jobs are done"},
    };
    static const struct command_verbs verbs = {"weft workers", items, sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}
