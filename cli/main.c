// The command: one program, its verbs in one table.

#include "broker/shell/main.h"
#include "broker/shell/audit.h"
#include "broker/shell/backup.h"
#include "broker/shell/restore.h"
#include "cli/act.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/dev.h"
#include "cli/history.h"
#include "cli/jobs.h"
#include "cli/key.h"
#include "cli/many.h"
#include "cli/many_list.h"
#include "cli/mdp.h"
#include "cli/outbox.h"
#include "cli/push.h"
#include "cli/queue.h"
#include "cli/roster.h"
#include "cli/schedule.h"
#include "cli/show.h"
#include "cli/tail.h"
#include "cli/token.h"
#include "cli/type.h"
#include "cli/webhook.h"
#include "gateway/shell/main.h"
#include "lib/base/check.h"
#include "notify/main.h"
#include "worker/shell/main.h"

enum { SETTINGS_MAX = CONFIG_TABLES_MAX };

static int help_main(int argc, char **argv);

static int version_main(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--help") == 0)
        return help_main(0, argv);
    if (argc > 0) {
        command_complain("version", "\"%.60s\" is not expected here", argv[0]);
        return COMMAND_USAGE;
    }
    (void)printf("weft %s\n", WEFT_VERSION);
    return command_end("version", COMMAND_SUCCEEDED);
}

static const struct command_verb verbs[] = {
    {"dev", dev_main, "broker, gateway and sender on this machine, kept running: start here"},
    {"broker", broker_main, "keeps jobs durably and gives them to workers"},
    {"gateway", gateway_main, "the HTTP door"},
    {"worker", worker_main, "runs any program for each job of a type"},
    {"notify", notify_main, "sends webhooks"},
    {"push", push_main, "submits a job, or a file of jobs (--bulk)"},
    {"run", push_run_main, "submits a job, follows it, prints its result"},
    {"job", show_job_main, "shows a job: weft job show ID"},
    {"jobs", jobs_main, "lists jobs by filter: weft jobs list --status dead"},
    {"dead", many_dead_main, "dead jobs: weft dead list, weft dead retry --queue mail --yes"},
    {"batch", show_batch_main, "shows a batch: weft batch show ID [--wait]"},
    {"queue", queue_main, "queues and what is set for them: weft queue set NAME --weight 3"},
    {"type", type_main, "defaults for all jobs of a type: weft type set TYPE --timeout 10s"},
    {"workers", act_workers_main, "weft workers list; weft workers quiet ID, weft workers stop ID"},
    {"operations", many_list_main,
     "acts on many jobs: weft operations list, show ID [--wait], cancel ID"},
    {"schedule", schedule_main, "jobs by the clock: weft schedule set ID TYPE --cron …"},
    {"webhook", webhook_main, "who is told of ends: weft webhook set ID https://…"},
    {"tail", tail_main, "what happens to jobs, as it happens: weft tail --queue mail"},
    {"token", token_main, "who may use the HTTP door: weft token new NAME --scopes submit,read"},
    {"outbox", outbox_main, "rows of your own database become jobs: weft outbox --database …"},
    {"key", key_main, "who may use the ZeroMQ doors: weft key new NAME --scopes work"},
    {"mdp", mdp_main, "the Majordomo door: workers and clients of the ZeroMQ Guide"},
    {"audit", audit_main, "compares a stopped broker's records with its indexes"},
    {"backup", backup_main, "copies a broker's directory while it works: weft backup TARGET"},
    {"restore", restore_main, "makes a broker's directory of a backup"},
    {"completion", completion_main, "a script for bash, zsh or fish"},
    {"version", version_main, "of this program"},
    {"help", help_main, "this list, or the flags of a verb: weft help push"},
};

// Of the verbs for a broker's directory.
#define KEEPING_TABLES &audit_table, &backup_table, &restore_table

// One file serves all verbs, so each must know what is another's. A new table is one line here, also
// of a verb of two words.
static const struct config_table *settings[SETTINGS_MAX];

static void know_settings(void)
{
    const struct config_table *const all[] = {
        &dev_table,    //
        broker_table,  //
        gateway_table, //
        worker_table,  //
        notify_table,  //
        KEEPING_TABLES,
        &push_table,     //
        &push_run_table, //
        &show_job_table, //
        &history_timeline_table,
        &history_log_table,
        ACT_JOB_TABLES,
        &act_quiet_table,
        &act_stop_table,
        &roster_table,
        &show_batch_table,
        JOBS_TABLES,
        &many_batch_cancel_table,
        &many_batch_retry_table,
        &many_batch_run_now_table,
        &queue_list_table,
        &queue_show_table,
        &queue_set_table,
        &queue_pause_table,
        &queue_resume_table,
        &queue_drain_table,
        &many_cancel_table,
        &many_retry_table,
        &many_run_now_table,
        &many_delete_table,
        &many_dead_retry_table,
        &many_dead_purge_table,
        &many_purge_table,
        &many_list_table,
        &many_list_show_table,
        &many_list_cancel_table,
        &type_list_table,
        &type_show_table,
        &type_set_table,
        &schedule_set_table,
        &schedule_show_table,
        &schedule_list_table,
        &schedule_delete_table,
        &schedule_pause_table,
        &schedule_resume_table,
        &schedule_next_table,
        WEBHOOK_TABLES,
        &tail_table,
        TOKEN_TABLES,
        OUTBOX_TABLES,
        &mdp_table,
        KEY_TABLES,
    };
    static_assert(sizeof all <= sizeof settings, "room for all");
    memcpy(settings, all, sizeof all);
    config_know(settings, sizeof all / sizeof all[0]);
}

static const struct command_verbs table = {
    .program = "weft",
    .items = verbs,
    .count = sizeof verbs / sizeof verbs[0],
};

static int help_main(int argc, char **argv)
{
    static char help_flag[] = "--help";
    if (argc > 0 && strcmp(argv[0], help_flag) != 0) {
        // Of a verb of two words the second one, too.
        char *words[] = {argv[0], argc > 1 ? argv[1] : help_flag, help_flag, NULL};
        return command_dispatch(&table, argc > 1 ? 3 : 2, words);
    }
    (void)printf("Weft: durable jobs. Usage: weft VERB [flags]\n\n");
    command_list(&table, stdout);
    (void)printf(
        "\n'weft VERB --help' tells the flags of each. Every flag is also a WEFT_* variable "
        "and a line of the\nfile given with --config; flags come first, the file last.\n");
    return command_end("help", COMMAND_SUCCEEDED);
}

int main(int argc, char **argv)
{
    know_settings();
    bool asks = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    bool asks_version = argc > 1 && strcmp(argv[1], "--version") == 0;
    if (asks)
        return help_main(0, argv);
    if (asks_version)
        return version_main(0, argv);
    return command_dispatch(&table, argc - 1, argv + 1);
}
