// Built beside its place, and moved there when it is whole.

#include "broker/shell/backup.h"

#include "broker/shell/making.h"
#include "broker/shell/upkeep.h"
#include "broker/store/store_restore.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct config_key keys[] = {
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "weft-data/broker",
     .help = "directory of the broker, which may run"},
    {.key = "keys",
     .type = CONFIG_STRING,
     .help = "the broker's directory of CURVE keys; unless given, 'keys' in its directory"},
    {.key = "output",
     .type = CONFIG_WORD,
     .default_text = "text",
     .words = "text|json",
     .letter = 'o',
     .help = "how the end is told"},
};

const struct config_table backup_table = {
    .program = "backup",
    .usage = "weft backup TARGET [flags]",
    .about =
        "Copies the store of a broker, which goes on working, and its keys into the new "
        "directory TARGET.\nNothing starts on a backup: 'weft restore TARGET --data DIR' makes "
        "a broker's directory of it.\nExit codes: 0 made, 4 not made, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

struct backup {
    const char *data;
    const char *keys;      // where the broker's keys should be
    bool is_keys_given;    // by the user: then they must be there
    char target[PATH_MAX]; // without slashes at its end
    char parent[PATH_MAX];
    char part[PATH_MAX]; // where it is built
    struct upkeep_progress progress;
    bool has_keys;
    struct store_backup store;
    double seconds;
};

static int complain(const char *subject, const char *sentence)
{
    return upkeep_complain(&backup_table, subject, sentence);
}

// --- what is asked for ---

static bool name_places(struct backup *backup, const char *target)
{
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    int target_len = snprintf(backup->target, PATH_MAX, "%.*s", (int)len, target);
    int part_len = snprintf(backup->part, PATH_MAX, "%.*s.part", (int)len, target);
    if (len == 0 || target_len >= PATH_MAX || part_len >= PATH_MAX)
        return false;
    const char *slash = strrchr(backup->target, '/');
    size_t parent_len = slash != NULL ? (size_t)(slash - backup->target) : 0;
    if (slash == NULL)
        memcpy(backup->parent, ".", sizeof ".");
    else if (parent_len == 0)
        memcpy(backup->parent, "/", sizeof "/");
    else
        (void)snprintf(backup->parent, PATH_MAX, "%.*s", (int)parent_len, backup->target);
    return true;
}

static int check_places(const struct backup *backup)
{
    struct stat file = {0};
    if (upkeep_store_bytes(backup->data) == 0)
        return complain(backup->data, errno == EACCES
                                          ? "not to be read; run this as the broker's user"
                                          : "there is no store; name a broker's directory with "
                                            "--data");
    if (lstat(backup->target, &file) == 0)
        return complain(backup->target, "it exists; name a new directory");
    // Made with its parents it would fill the wrong disk when the right one is not mounted.
    if (stat(backup->parent, &file) != 0 || !S_ISDIR(file.st_mode))
        return complain(backup->parent, "there is no such directory; make it, or mount it");
    return UPKEEP_DONE;
}

// --- the making ---

static void tell(void *ctx, uint64_t bytes, uint64_t bytes_expected)
{
    upkeep_tell(ctx, bytes, bytes_expected);
}

static int copy_store(struct backup *backup)
{
    const struct store_backup_options options = {
        .from = backup->data, .to = backup->part, .tell = tell, .ctx = &backup->progress};
    const char *why = NULL;
    err e = store_restore_backup(&options, &backup->store, &why);
    return e == OK ? UPKEEP_DONE : complain(backup->data, why);
}

static int copy_keys(struct backup *backup, const struct making *making)
{
    err e = making_copy_keys(making, backup->keys);
    backup->has_keys = e == OK;
    if (e == OK || (e == ERR_NOT_FOUND && !backup->is_keys_given))
        return UPKEEP_DONE;
    return complain(backup->keys,
                    e == ERR_NOT_FOUND
                        ? "no broker's keys are here; name their directory with --keys"
                        : strerror(errno));
}

static int put_in_place(const struct backup *backup, const struct making *making)
{
    if (making_end(making) != OK)
        return complain(backup->part, strerror(errno));
    failpoint_hit("backup.before_rename");
    if (rename(backup->part, backup->target) != 0)
        return complain(backup->target, errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                                            ? "it has come into being meanwhile; name another one"
                                            : strerror(errno));
    return file_flush_dir(backup->parent) == OK ? UPKEEP_DONE
                                                : complain(backup->parent, strerror(errno));
}

static int begin(const struct backup *backup, struct making *making)
{
    err e = making_begin(making, backup->part);
    if (e == OK)
        return UPKEEP_DONE;
    return complain(backup->part,
                    e == ERR_LOCKED || e == ERR_CONFLICT
                        ? "left by a backup that goes on or was not finished; if none "
                          "runs, remove it"
                        : strerror(errno));
}

static int make(struct backup *backup)
{
    int64_t began_us = clock_mono_us();
    struct making making = {0};
    int code = check_places(backup);
    if (code == UPKEEP_DONE)
        code = begin(backup, &making);
    if (code != UPKEEP_DONE)
        return code;
    code = copy_store(backup);
    if (code == UPKEEP_DONE)
        code = copy_keys(backup, &making);
    failpoint_hit("backup.before_end");
    if (code == UPKEEP_DONE)
        code = put_in_place(backup, &making);
    if (code != UPKEEP_DONE)
        making_undo(&making);
    backup->seconds = (double)(clock_mono_us() - began_us) / 1e6;
    return code;
}

// --- the report ---

static uint64_t unfinished(const struct ledger_row *ledger)
{
    return ledger->counts[JOB_SCHEDULED] + ledger->counts[JOB_QUEUED] +
           ledger->counts[JOB_RUNNING] + ledger->counts[JOB_RETRYING];
}

static void print_text(const struct backup *backup)
{
    const struct ledger_row *ledger = &backup->store.ledger;
    double mib = (double)backup->store.bytes / (1 << 20);
    (void)printf("backup         %s\n", backup->target);
    (void)printf("store          %.1f MiB in %.2f s, %.0f MiB/s\n", mib, backup->seconds,
                 mib / (backup->seconds > 0 ? backup->seconds : 1));
    (void)printf("jobs           %" PRIu64 " accepted, %" PRIu64 " unfinished, epoch %" PRIu32 "\n",
                 ledger->accepted, unfinished(ledger), ledger->epoch);
    (void)printf("keys           %s%s\n",
                 backup->has_keys ? "those of " : "NOT IN IT: none are in ", backup->keys);
    (void)printf("not in it      the file of --webhook-key, and what gateways and workers keep: "
                 "tokens, spools, journals\n");
}

static void print_json(const struct backup *backup)
{
    const struct ledger_row *ledger = &backup->store.ledger;
    (void)printf("{\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"accepted\":%" PRIu64
                 ",\"unfinished\":%" PRIu64 ",\"epoch\":%" PRIu32 ",\"keys\":%s}\n",
                 backup->store.bytes, backup->seconds, ledger->accepted, unfinished(ledger),
                 ledger->epoch, backup->has_keys ? "true" : "false");
}

static int run(const struct config *config)
{
    static struct backup backup;
    char keys_there[PATH_MAX];
    backup = (struct backup){.data = config_text(config, "data"),
                             .keys = config_text(config, "keys"),
                             .is_keys_given = config_text(config, "keys") != NULL,
                             .progress.table = &backup_table};
    bool is_short = upkeep_path(backup.data, "keys", keys_there);
    if (backup.keys == NULL)
        backup.keys = keys_there;
    if (!is_short || !name_places(&backup, config->arguments[0]))
        return complain(config->arguments[0], "no name of a directory");
    int code = make(&backup);
    if (code != UPKEEP_DONE)
        return code;
    if (upkeep_wants_json(config))
        print_json(&backup);
    else
        print_text(&backup);
    return fflush(stdout) == 0 ? code : complain("made", "but the report could not be written");
}

int backup_main(int argc, char **argv)
{
    return upkeep_main(&backup_table, argc, argv, run);
}
