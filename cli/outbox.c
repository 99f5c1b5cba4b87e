// Settings of the relay; the relay itself is outbox/shell.

#include "cli/outbox.h"

#include "cli/command.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "outbox/shell/relay.h"
#include "proto/check.h"

static const struct config_key keys[] = {
    {.key = "database",
     .type = CONFIG_STRING,
     .required = true,
     .help = "sqlite:PATH, or postgresql://… or \"host=… dbname=…\" as libpq takes it"},
    {.key = "once",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "end when no open row is left"},
    {.key = "poll",
     .type = CONFIG_DURATION,
     .default_text = "1s",
     .min = 10,
     .max = 3600 * 1000,
     .help = "how often to look when the database has announced nothing"},
    {.key = "stats", .type = CONFIG_STRING, .help = "file to keep the counters in, as JSON"},
    COMMAND_KEY_BROKER,
    {.key = "give-up",
     .type = CONFIG_DURATION,
     .default_text = "10s",
     .min = 1,
     .max = 24 * 3600 * 1000,
     .help = "with --once: end without any progress for so long"},
    CONFIG_LOG_LEVEL,
};

const struct config_table outbox_table = {
    .program = "outbox",
    .usage = "weft outbox --database DATABASE [flags]\n       weft outbox schema postgresql|sqlite",
    .about =
        "Relays the rows of the table weft_outbox in your own database: each becomes a job, and "
        "is removed\nonce the job is stored; a refused one stays, with its error. 'weft outbox "
        "schema' prints the table.\nExit codes: 0 stopped when told to (--once: no open row is "
        "left), 1 there is no outbox (--once: some\nrows were refused), 4 --once: broker or "
        "database did not answer, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

const struct config_table outbox_schema_table = {
    .program = "outbox schema",
    .usage = "weft outbox schema postgresql|sqlite",
    .about = "Prints what is to be run once in your database, for example:\n  weft outbox schema "
             "sqlite | sqlite3 app.db",
    .argument_count_min = 1,
    .argument_count_max = 1,
};

static int print_schema(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &outbox_schema_table, argc, argv, &code)) {
        const struct relay_schema *schema = relay_schema(config.arguments[0]);
        if (schema != NULL) {
            (void)fwrite(schema->text, 1, *schema->len, stdout); // judged by command_end()
            code = COMMAND_SUCCEEDED;
        } else {
            command_complain("outbox schema", "\"%.40s\" is neither postgresql nor sqlite",
                             config.arguments[0]);
        }
    }
    config_deinit(&config);
    return command_end("outbox schema", code);
}

static int relay(const struct config *config)
{
    struct link_curve curve;
    bool has_curve = false;
    char problem[CURVE_PROBLEM_LEN];
    if (curve_read(config, &curve, &has_curve, problem) != OK) {
        command_complain("outbox", "%s", problem);
        return COMMAND_USAGE;
    }
    const struct relay_options options = {
        .database = config_text(config, "database"),
        .broker = config_text(config, "broker"),
        .tenant = curve_tenant(config),
        .curve = has_curve ? &curve : NULL,
        .stats = config_text(config, "stats"),
        .poll_ms = config_number(config, "poll"),
        .give_up_ms = config_number(config, "give-up"),
        .once = config_is_on(config, "once"),
    };
    enum log_level level = LOG_LEVEL_INFO;
    if (log_level_from_text(config_text(config, "log-level"), &level) == OK)
        log_set_level(level);
    if (!relay_is_database(options.database))
        command_complain("outbox",
                         "--database is sqlite:PATH, postgresql://… or \"host=… dbname=…\"");
    else if (!check_name(slice_of_text(options.tenant)))
        command_complain("outbox", "--tenant is 1 to 128 of a-z 0-9 . _ -");
    else if (failpoint_init() != OK)
        command_complain("outbox", "WEFT_FAILPOINT is name or name:count");
    else
        return relay_run(&options);
    return COMMAND_USAGE;
}

int outbox_main(int argc, char **argv)
{
    static_assert((int)RELAY_REFUSED == (int)COMMAND_DEAD, "one table of exit codes");
    static_assert((int)RELAY_UNKNOWN == (int)COMMAND_UNKNOWN, "one table of exit codes");
    struct config config;
    int code = COMMAND_USAGE;
    if (argc > 0 && strcmp(argv[0], "schema") == 0)
        return print_schema(argc - 1, argv + 1);
    process_name("weft-outbox");
    if (command_begin(&config, &outbox_table, argc, argv, &code))
        code = relay(&config);
    config_deinit(&config);
    return command_end("outbox", code);
}
