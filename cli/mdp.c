// Settings of the front; the front itself is mdp/shell.

#include "cli/mdp.h"

#include "cli/command.h"
#include "lib/link/curve.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "mdp/shell/front.h"
#include "proto/check.h"

static const struct config_key keys[] = {
    {.key = "listen-mdp",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:5555",
     .help = "where Majordomo clients and workers connect; Majordomo knows no keys, so loopback or "
             "ipc"},
    {.key = "in-clear",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "another address than loopback all the same: whoever reaches it is the tenant"},
    COMMAND_KEY_BROKER,
    {.key = "heartbeat",
     .type = CONFIG_DURATION,
     .default_text = "2500ms",
     .min = 10,
     .max = 3600 * 1000,
     .help = "between heartbeats; an idle worker that misses three is gone"},
    {.key = "ttl",
     .type = CONFIG_DURATION,
     .default_text = "5m",
     .min = 1,
     .max = (int64_t)24 * 3600 * 1000,
     .help = "a plain request that has not started by then expires"},
    {.key = "keep",
     .type = CONFIG_DURATION,
     .default_text = "1m",
     .min = 1000,
     .max = (int64_t)CHECK_KEEP_S_MAX * 1000,
     .help = "how long a plain request stays after its end"},
    {.key = "titanic-keep",
     .type = CONFIG_DURATION,
     .default_text = "7d",
     .min = 1000,
     .max = (int64_t)CHECK_KEEP_S_MAX * 1000,
     .help = "how long a Titanic reply can be fetched unless it is closed"},
    CONFIG_LOG_LEVEL,
};

const struct config_table mdp_table = {
    .program = "mdp",
    .usage = "weft mdp [flags]",
    .about =
        "Serves Majordomo clients and workers (MDP 0.1 and 0.2, MMI, Titanic): each request is a "
        "job, each\nworker a worker of the broker.\nExit codes: 0 stopped when told to, 1 could "
        "not start, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static int serve(const struct config *config)
{
    struct link_curve curve;
    bool has_curve = false;
    char problem[CURVE_PROBLEM_LEN];
    if (curve_read(config, &curve, &has_curve, problem) != OK) {
        command_complain("mdp", "%s", problem);
        return COMMAND_USAGE;
    }
    const struct front_options options = {
        .listen = config_text(config, "listen-mdp"),
        .broker = config_text(config, "broker"),
        .tenant = curve_tenant(config),
        .curve = has_curve ? &curve : NULL,
        .heartbeat_ms = config_number(config, "heartbeat"),
        .ttl_ms = config_number(config, "ttl"),
        .keep_ms = config_number(config, "keep"),
        .titanic_ms = config_number(config, "titanic-keep"),
    };
    enum log_level level = LOG_LEVEL_INFO;
    if (log_level_from_text(config_text(config, "log-level"), &level) == OK)
        log_set_level(level);
    if (!check_name(slice_of_text(options.tenant)))
        command_complain("mdp", "--tenant is 1 to 128 of a-z 0-9 . _ -");
    else if (!link_is_local(options.listen) && !config_is_on(config, "in-clear"))
        command_complain("mdp", "--listen-mdp: Majordomo has no keys, so only loopback and ipc are "
                                "served without --in-clear");
    else
        return front_run(&options);
    return COMMAND_USAGE;
}

int mdp_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    process_name("weft-mdp");
    if (command_begin(&config, &mdp_table, argc, argv, &code))
        code = serve(&config);
    config_deinit(&config);
    return command_end("mdp", code);
}
