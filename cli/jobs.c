// Lists: one LIST after the other, until there is no more or enough.

#include "cli/jobs.h"

#include "cli/ask.h"
#include "cli/many.h"
#include "cli/view.h"
#include "gateway/core/query.h"
#include "lib/base/moment.h"

#define LIST_KEYS                                                                                  \
    {.key = "limit",                                                                               \
     .type = CONFIG_INTEGER,                                                                       \
     .default_text = "50",                                                                         \
     .min = 0,                                                                                     \
     .max = INT32_MAX,                                                                             \
     .help = "jobs at most; 0: all"},                                                              \
        COMMAND_LIST_KEYS

static const struct config_key keys[] = {
    {.key = "status",
     .type = CONFIG_STRING,
     .help = "only jobs in these states, like dead or queued,running"},
    {.key = "queue", .type = CONFIG_STRING, .help = "only jobs of this queue"},
    {.key = "type", .type = CONFIG_STRING, .help = "only jobs of this type"},
    {.key = "tag", .type = CONFIG_STRING, .help = "only jobs with this tag"},
    {.key = "created-after",
     .type = CONFIG_STRING,
     .help = "accepted after this moment (RFC 3339)"},
    {.key = "created-before", .type = CONFIG_STRING, .help = "accepted before this moment"},
    LIST_KEYS,
};

const struct config_table jobs_list_table = {
    .program = "jobs list",
    .usage = "weft jobs list [flags]",
    .about = "Lists jobs, the newest first; with -o json one object a line.\nExit codes: 0 listed "
             "(also none), 1 refused, 4 no answer, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

// But for the states.
const struct config_table jobs_dead_table = {
    .program = "dead list",
    .usage = "weft dead list [flags]",
    .about = "Lists dead jobs, the newest first; with -o json one object a line.\nExit codes: 0 "
             "listed (also none), 1 refused, 4 no answer, 64 usage.",
    .keys = keys + 1,
    .key_count = sizeof keys / sizeof keys[0] - 1,
};

static const struct config_key items_keys[] = {
    {.key = "status",
     .type = CONFIG_STRING,
     .help = "only jobs in these states, like dead or queued,running"},
    LIST_KEYS,
};

const struct config_table jobs_items_table = {
    .program = "batch items",
    .usage = "weft batch items ID [flags]",
    .about = "Lists the jobs of a batch, the newest first; with -o json one object a line.\nExit "
             "codes: 0 listed (also none), 1 refused, 4 no such batch or no answer, 64 usage.",
    .keys = items_keys,
    .key_count = sizeof items_keys / sizeof items_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static const struct config_key deliveries_keys[] = {
    COMMAND_LIST_KEYS,
};

const struct config_table jobs_deliveries_table = {
    .program = "job deliveries",
    .usage = "weft job deliveries ID [flags]",
    .about = "Lists the webhooks that tell of a job's last end, and how far each is; with -o json "
             "one object a line.\nExit codes: 0 listed (also none), 1 refused, 4 no such job or no "
             "answer, 64 usage.",
    .keys = deliveries_keys,
    .key_count = sizeof deliveries_keys / sizeof deliveries_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

const struct config_table jobs_batch_deliveries_table = {
    .program = "batch deliveries",
    .usage = "weft batch deliveries ID [flags]",
    .about =
        "Lists the webhooks that tell that a batch has finished, and how far each is; with -o "
        "json one object a line.\nExit codes: 0 listed (also none), 1 refused, 4 no such batch "
        "or no answer, 64 usage.",
    .keys = deliveries_keys,
    .key_count = sizeof deliveries_keys / sizeof deliveries_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static struct slice text_of(const struct config *config, const char *key)
{
    const char *text = config_text(config, key);
    return text != NULL ? slice_of_text(text) : (struct slice){0};
}

static bool read_moment(const struct config *config, const char *key, when_ms *out_at)
{
    struct slice text = text_of(config, key);
    if (text.len == 0 || moment_parse(text, out_at) == OK)
        return true;
    command_complain(config->table->program, "--%s: a moment like 2026-12-01T08:00:00Z", key);
    return false;
}

static bool read_status(const struct config *config, struct msg_list *list)
{
    struct slice status = text_of(config, "status");
    bool is_good = status.len == 0 || query_states(status, &list->filter.states);
    char fault[QUERY_FAULT_LEN];
    if (is_good)
        return true;
    query_tell_states(status, fault);
    command_complain(config->table->program, "--%s", fault);
    return false;
}

bool jobs_read_names(const struct config *config, struct msg_list *list)
{
    list->filter.queue = text_of(config, "queue");
    list->filter.type = text_of(config, "type");
    list->filter.tag = text_of(config, "tag");
    return read_moment(config, "created-after", &list->filter.created_after) &&
           read_moment(config, "created-before", &list->filter.created_before);
}

bool jobs_read_filter(const struct config *config, struct msg_list *list)
{
    return read_status(config, list) && jobs_read_names(config, list);
}

static bool read_dead(const struct config *config, struct msg_list *list)
{
    list->filter.states = 1u << JOB_DEAD;
    return jobs_read_names(config, list);
}

static int list_all(struct ask *ask, const struct config *config, struct msg_list *list)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    uint64_t left = config_knows(config, "limit") ? (uint64_t)config_number(config, "limit") : 0;
    bool is_bounded = left > 0;
    bool needs_header = command_wants_header(config);
    do {
        list->limit = MSG_LISTED_MAX;
        if (is_bounded && left < MSG_LISTED_MAX)
            list->limit = (uint32_t)left;
        if (!id_is_zero(&list->told_of))
            list->limit = 0; // they come all at once
        const struct msg_listed *listed = ask_list(ask, list);
        if (listed == NULL)
            return ask->code;
        if (needs_header)
            view_head_of_jobs(&view);
        needs_header = false;
        for (uint32_t i = 0; i < listed->count; i++)
            view_listed_job(&view, &listed->jobs[i], !id_is_zero(&list->filter.batch_id));
        left -= is_bounded ? listed->count : 0;
        list->cursor = listed->cursor;
    } while (list->cursor != 0 && (left > 0 || !is_bounded));
    return COMMAND_SUCCEEDED;
}

static bool read_items(const struct config *config, struct msg_list *list)
{
    return command_read_id(config, &list->filter.batch_id) && read_status(config, list);
}

static bool read_told_of(const struct config *config, struct msg_list *list)
{
    return command_read_id(config, &list->told_of);
}

static bool read_told_of_batch(const struct config *config, struct msg_list *list)
{
    list->told_of_batch = true;
    return command_read_id(config, &list->told_of);
}

static int list_by(const struct config_table *table, int argc, char **argv,
                   bool (*read)(const struct config *config, struct msg_list *list))
{
    struct config config;
    struct ask ask = {0};
    struct msg_list list = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code) && read(&config, &list))
        code = ask_open(&ask, &config) ? list_all(&ask, &config, &list) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int list_main(int argc, char **argv)
{
    return list_by(&jobs_list_table, argc, argv, jobs_read_filter);
}

int jobs_dead_main(int argc, char **argv)
{
    return list_by(&jobs_dead_table, argc, argv, read_dead);
}

int jobs_items_main(int argc, char **argv)
{
    return list_by(&jobs_items_table, argc, argv, read_items);
}

int jobs_deliveries_main(int argc, char **argv)
{
    return list_by(&jobs_deliveries_table, argc, argv, read_told_of);
}

int jobs_batch_deliveries_main(int argc, char **argv)
{
    return list_by(&jobs_batch_deliveries_table, argc, argv, read_told_of_batch);
}

int jobs_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", list_main, "jobs by filter"},
        {"cancel", many_cancel_main, "all that fit and have not ended end"},
        {"retry", many_retry_main, "all dead ones that fit live again"},
        {"run-now", many_run_now_main,
         "all that fit and are scheduled or wait for a retry are queued"},
        {"delete", many_delete_main, "all ended ones that fit are removed"},
    };
    static const struct command_verbs verbs = {"weft jobs", items, sizeof items / sizeof *items};
    return command_dispatch(&verbs, argc, argv);
}
