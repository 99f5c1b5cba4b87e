// A count first; then one OPERATE, and its progress until it is over.

#include "cli/many.h"

#include "cli/ask.h"
#include "cli/jobs.h"
#include "cli/view.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "proto/check.h"

enum { WAIT_MS = 10 * 1000, TELL_EVERY_MS = 1000 };

#define KEY_DRY_RUN                                                                                \
    {                                                                                              \
        .key = "dry-run", .type = CONFIG_BOOL, .default_text = "false",                            \
        .help = "only count the jobs that fit now"                                                 \
    }
#define KEY_YES                                                                                    \
    {                                                                                              \
        .key = "yes", .type = CONFIG_BOOL, .default_text = "false",                                \
        .help = "do it; without this the jobs are only counted"                                    \
    }
#define KEY_RATE                                                                                   \
    {                                                                                              \
        .key = "rate", .type = CONFIG_INTEGER, .default_text = "0", .min = 0,                      \
        .max = MSG_RATE_COUNT_MAX, .help = "jobs a second at most; 0: as many as the broker can"   \
    }
#define KEYS_NAMES                                                                                 \
    {.key = "queue", .type = CONFIG_STRING, .help = "only jobs of this queue"},                    \
        {.key = "type", .type = CONFIG_STRING, .help = "only jobs of this type"},                  \
        {.key = "tag", .type = CONFIG_STRING, .help = "only jobs with this tag"},                  \
        {.key = "created-after",                                                                   \
         .type = CONFIG_STRING,                                                                    \
         .help = "accepted after this moment (RFC 3339)"},                                         \
    {                                                                                              \
        .key = "created-before", .type = CONFIG_STRING, .help = "accepted before this moment"      \
    }

static const struct config_key keys[] = {
    {.key = "status",
     .type = CONFIG_STRING,
     .help = "only jobs in these states, like dead or queued,running"},
    KEYS_NAMES,
    KEY_RATE,
    KEY_DRY_RUN,
    KEY_YES,
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key dead_keys[] = {
    KEYS_NAMES,          KEY_RATE,           KEY_DRY_RUN, KEY_YES, COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP, COMMAND_KEY_OUTPUT,
};
static const struct config_key purge_keys[] = {
    KEY_RATE, KEY_DRY_RUN, KEY_YES, COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP, COMMAND_KEY_OUTPUT,
};

#define CODES                                                                                      \
    "\nExit codes: 0 done, or counted with --dry-run, 1 refused, 2 cancelled on its way, 4 no "    \
    "answer, 64 usage, also "                                                                      \
    "without --yes."
#define TABLE(name, those, sentence)                                                               \
    {                                                                                              \
        .program = (name), .usage = "weft " name " [flags]", .about = sentence CODES,              \
        .keys = (those), .key_count = sizeof(those) / sizeof *(those)                              \
    }

const struct config_table many_cancel_table =
    TABLE("jobs cancel", keys, "Ends all jobs that fit and have not ended.");
const struct config_table many_retry_table =
    TABLE("jobs retry", keys, "Makes all dead jobs that fit live again.");
const struct config_table many_run_now_table =
    TABLE("jobs run-now", keys, "Queues all jobs that fit and are scheduled or wait for a retry.");
const struct config_table many_delete_table =
    TABLE("jobs delete", keys, "Removes all ended jobs that fit.");
const struct config_table many_dead_retry_table =
    TABLE("dead retry", dead_keys, "Makes all dead jobs that fit live again.");
const struct config_table many_dead_purge_table =
    TABLE("dead purge", dead_keys, "Removes all dead jobs that fit.");
const struct config_table many_purge_table = {
    .program = "queue purge",
    .usage = "weft queue purge NAME [flags]",
    .about = "Cancels all jobs of a queue that wait; those that run go on." CODES,
    .keys = purge_keys,
    .key_count = sizeof purge_keys / sizeof purge_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

#define BATCH_TABLE(name, sentence)                                                                \
    {                                                                                              \
        .program = (name), .usage = "weft " name " ID [flags]", .about = sentence CODES,           \
        .keys = purge_keys, .key_count = sizeof purge_keys / sizeof purge_keys[0],                 \
        .argument_count_min = 1, .argument_count_max = 1                                           \
    }

const struct config_table many_batch_cancel_table =
    BATCH_TABLE("batch cancel", "Ends all jobs of a batch that have not ended.");
const struct config_table many_batch_retry_table =
    BATCH_TABLE("batch retry", "Makes all dead jobs of a batch live again.");
const struct config_table many_batch_run_now_table = BATCH_TABLE(
    "batch run-now", "Queues all jobs of a batch that are scheduled or wait for a retry.");

// --- one after the other ---

static const struct msg_operation_is *count_all(struct ask *ask, struct msg_operate operate,
                                                uint64_t *out_count)
{
    const struct msg_operation_is *is = NULL;
    operate.dry_run = true;
    *out_count = 0;
    do {
        is = ask_operate(ask, &operate);
        if (is == NULL)
            return NULL;
        *out_count += is->matched;
        operate.cursor = is->cursor;
    } while (!is->is_over);
    return is;
}

static const struct msg_operation_is *follow(struct ask *ask, const struct msg_operate *operate)
{
    const struct msg_operation_is *is = ask_operate(ask, operate);
    when_ms tell_at = clock_mono_ms() + TELL_EVERY_MS;
    while (is != NULL && !is->is_over) {
        if (clock_mono_ms() >= tell_at) {
            (void)fprintf(stderr, "weft: %s: %u %% of all records looked through, %llu jobs done\n",
                          ask->program, (unsigned)((is->upto - is->cursor) * 100 / is->upto),
                          (unsigned long long)is->done);
            tell_at += TELL_EVERY_MS;
        }
        is = ask_operation(ask, &(struct msg_operation){.operation_id = operate->operation_id,
                                                        .wait_ms = WAIT_MS,
                                                        .version = is->version});
    }
    return is;
}

static int do_it(struct ask *ask, const struct config *config, const struct msg_operate *operate)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    if (!config_is_on(config, "dry-run") && config_is_on(config, "yes")) {
        const struct msg_operation_is *is = follow(ask, operate);
        if (is == NULL)
            return ask->code;
        view_operation(&view, is);
        if (is->cursor == 0)
            return COMMAND_SUCCEEDED;
        command_complain(config->table->program, "it was cancelled before it had come to its end");
        return COMMAND_CANCELLED;
    }
    uint64_t count = 0;
    if (count_all(ask, *operate, &count) == NULL)
        return ask->code;
    view_counted(&view, count);
    if (config_is_on(config, "dry-run"))
        return COMMAND_SUCCEEDED;
    command_complain(config->table->program, "nothing was done; say --yes to do it");
    return COMMAND_USAGE;
}

// --- which jobs ---

static bool says_which(const struct msg_filter *filter)
{
    return filter->states != 0 || filter->queue.len > 0 || filter->type.len > 0 ||
           filter->tag.len > 0 || filter->created_after > 0 || filter->created_before > 0;
}

static bool read_many(const struct config *config, struct msg_operate *operate)
{
    struct msg_list list = {0};
    if (!jobs_read_filter(config, &list))
        return false;
    operate->filter = list.filter;
    if (says_which(&list.filter))
        return true;
    command_complain(config->table->program, "which jobs? say --status, --queue, --type, --tag, "
                                             "--created-after or --created-before");
    return false;
}

static bool read_dead(const struct config *config, struct msg_operate *operate)
{
    struct msg_list list = {0};
    bool is_good = jobs_read_names(config, &list);
    operate->filter = list.filter;
    operate->filter.states = 1u << JOB_DEAD;
    return is_good;
}

static bool read_batch(const struct config *config, struct msg_operate *operate)
{
    return command_read_id(config, &operate->filter.batch_id);
}

static bool read_queue(const struct config *config, struct msg_operate *operate)
{
    operate->filter.queue = slice_of_text(config->arguments[0]);
    return true;
}

struct many {
    const struct config_table *table;
    enum act_kind kind;
    bool (*read)(const struct config *config, struct msg_operate *operate);
};

static int many_main(const struct many *many, int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    struct msg_operate operate = {.kind = many->kind, .actor = slice_of_text("cli")};
    const char *detail = NULL;
    int code = COMMAND_USAGE;
    blake_random(&operate.operation_id, sizeof operate.operation_id);
    if (command_begin(&config, many->table, argc, argv, &code) && many->read(&config, &operate)) {
        operate.rate = (uint32_t)config_number(&config, "rate");
        if (check_operate(&operate, &detail) == OK)
            code = ask_open(&ask, &config) ? do_it(&ask, &config, &operate) : ask.code;
        else
            command_complain(many->table->program, "%s", detail);
    }
    ask_close(&ask);
    config_deinit(&config);
    return command_end(many->table->program, code);
}

int many_cancel_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_cancel_table, ACT_CANCEL, read_many}, argc, argv);
}

int many_retry_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_retry_table, ACT_RETRY, read_many}, argc, argv);
}

int many_run_now_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_run_now_table, ACT_RUN_NOW, read_many}, argc, argv);
}

int many_delete_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_delete_table, ACT_DELETE, read_many}, argc, argv);
}

int many_purge_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_purge_table, ACT_PURGE, read_queue}, argc, argv);
}

int many_batch_cancel_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_batch_cancel_table, ACT_CANCEL, read_batch}, argc, argv);
}

int many_batch_retry_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_batch_retry_table, ACT_RETRY, read_batch}, argc, argv);
}

int many_batch_run_now_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_batch_run_now_table, ACT_RUN_NOW, read_batch}, argc,
                     argv);
}

static int dead_retry_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_dead_retry_table, ACT_RETRY, read_dead}, argc, argv);
}

static int dead_purge_main(int argc, char **argv)
{
    return many_main(&(struct many){&many_dead_purge_table, ACT_DELETE, read_dead}, argc, argv);
}

int many_dead_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", jobs_dead_main, "dead jobs"},
        {"retry", dead_retry_main, "dead jobs live again"},
        {"purge", dead_purge_main, "dead jobs are removed"},
    };
    static const struct command_verbs verbs = {"weft dead", items, sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}
