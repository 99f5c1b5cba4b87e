// Copied byte by byte, compared record by record, and only then given a life of its own.

#define _GNU_SOURCE

#include "broker/shell/restore.h"

#include "broker/shell/audit_round.h"
#include "broker/shell/making.h"
#include "broker/shell/upkeep.h"
#include "broker/store/store_restore.h"
#include "lib/base/check.h"
#include "lib/base/moment.h"
#include "lib/disk/disk.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 4 << 20,
    PATIENCE_MS = 60 * 1000,        // of the comparison, as in `weft audit`
    BEHIND_MAX_MS = 10 * 60 * 1000, // a clock that is so far behind the copy tells nothing
};

static const struct config_key keys[] = {
    {.key = "data",
     .type = CONFIG_STRING,
     .required = true,
     .help = "the directory that the broker will run on: new or empty"},
    {.key = "lost",
     .type = CONFIG_DURATION,
     .min = 1,
     .max = INT64_C(3660) * 24 * 3600 * 1000,
     .help = "so long the original may have worked after the copy; unless given, this machine's "
             "clock tells"},
    {.key = "accept-violations",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "restores also what 'weft audit' finds fault with; what cannot be read stays away"},
    {.key = "output",
     .type = CONFIG_WORD,
     .default_text = "text",
     .words = "text|json",
     .letter = 'o',
     .help = "how the end is told"},
};

const struct config_table restore_table = {
    .program = "restore",
    .usage = "weft restore BACKUP --data DIR [flags]",
    .about = "Makes the directory of a broker out of a backup, or out of a stopped broker's "
             "directory that was\ncopied by hand: compares every record, and sees to it that "
             "nothing that was given out after the\ncopy is taken for its own. Exit codes: 0 "
             "restored, 1 violations and not restored, 4 not restored,\n64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
};

struct restore {
    const char *backup;
    const char *data;
    bool accepts_violations;
    when_ms lost_ms; // WHEN_NEVER: by the clock
    struct upkeep_progress progress;
    bool has_keys;
    uint64_t bytes;
    uint64_t violations;
    uint64_t row_count;
    double seconds;
    struct store_restored store;
};

static int complain(const char *subject, const char *sentence)
{
    return upkeep_complain(&restore_table, subject, sentence);
}

// --- what is asked for ---

static int check_backup(struct restore *restore)
{
    char path[PATH_MAX];
    restore->bytes = upkeep_store_bytes(restore->backup);
    if (restore->bytes == 0)
        return complain(restore->backup,
                        "there is no store in it; name a directory that 'weft backup' made");
    if (upkeep_path(restore->backup, DISK_UNFINISHED, path) && access(path, F_OK) == 0)
        return complain(restore->backup, "it was not finished; name another backup");
    if (file_is_held(restore->backup))
        return complain(restore->backup,
                        "a broker runs on it; 'weft backup' makes a copy that is of one moment");
    return UPKEEP_DONE;
}

static int begin(const struct restore *restore, struct making *making)
{
    uint64_t room = 0;
    err e = making_begin(making, restore->data);
    if (e == ERR_CONFLICT)
        return complain(restore->data, "it is not empty; name a new directory, or move what is in "
                                       "it away");
    if (e == ERR_LOCKED)
        return complain(restore->data,
                        "a restore into it goes on or was not finished; if none runs, "
                        "remove the directory");
    if (e != OK)
        return complain(restore->data, strerror(errno));
    if (file_free_bytes(restore->data, &room) == OK && room < restore->bytes) {
        char sentence[128];
        (void)snprintf(sentence, sizeof sentence,
                       "there is no room: %" PRIu64 " MiB are needed, %" PRIu64 " MiB are free",
                       restore->bytes >> 20, room >> 20);
        making_undo(making);
        return complain(restore->data, sentence);
    }
    return UPKEEP_DONE;
}

// --- the copy ---

static bool copy_bytes(struct restore *restore, int from, int to)
{
    uint64_t bytes = 0;
    for (;;) {
        ssize_t len = copy_file_range(from, NULL, to, NULL, PIECE_BYTES, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return false;
        if (len == 0)
            return fsync(to) == 0;
        bytes += (uint64_t)len;
        upkeep_tell(&restore->progress, bytes, restore->bytes);
    }
}

static int copy_store(struct restore *restore)
{
    char from_path[PATH_MAX];
    char to_path[PATH_MAX];
    if (!upkeep_path(restore->backup, "data.mdb", from_path) ||
        !upkeep_path(restore->data, "data.mdb", to_path))
        return complain(restore->data, strerror(ENAMETOOLONG));
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return complain(from_path, strerror(errno));
    int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_copied = to >= 0 && copy_bytes(restore, from, to);
    int code = is_copied ? UPKEEP_DONE : complain(to_path, strerror(errno));
    if (to >= 0)
        (void)close(to); // all was flushed, or it does not matter
    (void)close(from);
    return code;
}

static int copy_keys(struct restore *restore, const struct making *making)
{
    char keys_there[PATH_MAX];
    if (!upkeep_path(restore->backup, "keys", keys_there))
        return complain(restore->backup, strerror(ENAMETOOLONG));
    err e = making_copy_keys(making, keys_there);
    restore->has_keys = e == OK;
    return e == OK || e == ERR_NOT_FOUND ? UPKEEP_DONE : complain(keys_there, strerror(errno));
}

// --- the comparison ---

static int judge(struct restore *restore, const struct audit_report *report)
{
    restore->violations = violation_sum(&report->found);
    restore->row_count = report->row_count;
    if (!report->is_whole)
        return complain(restore->backup, report->problem);
    if (restore->violations == 0 || restore->accepts_violations)
        return UPKEEP_DONE;
    (void)complain(restore->backup,
                   "its records disagree: 'weft audit' names what; if there is no better backup, "
                   "--accept-violations restores it as it is");
    return UPKEEP_VIOLATED;
}

static int compare(struct restore *restore)
{
    struct audit_report *report = audit_round_report();
    if (report == NULL || audit_round_run(restore->data, PATIENCE_MS, report) != OK) {
        int code = complain(restore->data, strerror(errno));
        audit_round_drop(report);
        return code;
    }
    int code = judge(restore, report);
    audit_round_drop(report);
    return code;
}

// --- its own life ---

// When the original can have worked last, at the latest; 0 after a complaint.
static when_ms end_of_original(const struct restore *restore, const struct store *store)
{
    char sentence[256];
    char at[MOMENT_TEXT_LEN + 1];
    when_ms wall = clock_wall_ms();
    when_ms last = store_restore_last(store);
    if (restore->lost_ms != WHEN_NEVER)
        return when_after(last, restore->lost_ms);
    if (wall >= last - BEHIND_MAX_MS)
        return wall;
    moment_format(last, at);
    (void)snprintf(sentence, sizeof sentence,
                   "its last moment is %s, and this machine's clock is not there yet: set the "
                   "clock, or say by --lost how long its broker may have worked after the copy",
                   at);
    (void)complain(restore->backup, sentence);
    return 0;
}

static int begin_life(struct restore *restore)
{
    const struct store_options options = {.dir = restore->data, .allow_unready = true};
    struct store *store = NULL;
    const char *why = NULL;
    err e = store_open(&options, &store, &why);
    if (e != OK)
        return complain(restore->data, why != NULL ? why : err_text(e));
    when_ms until = end_of_original(restore, store);
    if (until != 0)
        e = store_restore(store, until, &restore->store);
    store_close(store);
    if (until == 0)
        return UPKEEP_NOT_DONE;
    if (e == OK)
        return UPKEEP_DONE;
    if (e == ERR_NOT_FOUND)
        return complain(restore->backup,
                        "no broker has ever worked on it: there is nothing to restore");
    return complain(restore->data, e == ERR_FULL
                                       ? "tokens have no numbers left for another life of "
                                         "this store: begin a new one"
                                       : err_text(e));
}

static int finish(const struct restore *restore, const struct making *making)
{
    failpoint_hit("restore.before_end");
    return making_end(making) == OK ? UPKEEP_DONE : complain(restore->data, strerror(errno));
}

static int make(struct restore *restore)
{
    int64_t began_us = clock_mono_us();
    struct making making = {0};
    int code = check_backup(restore);
    if (code == UPKEEP_DONE)
        code = begin(restore, &making);
    if (code != UPKEEP_DONE)
        return code;
    code = copy_store(restore);
    failpoint_hit("restore.after_copy");
    if (code == UPKEEP_DONE)
        code = copy_keys(restore, &making);
    if (code == UPKEEP_DONE)
        code = compare(restore);
    if (code == UPKEEP_DONE)
        code = begin_life(restore);
    if (code == UPKEEP_DONE)
        code = finish(restore, &making);
    if (code != UPKEEP_DONE)
        making_undo(&making);
    restore->seconds = (double)(clock_mono_us() - began_us) / 1e6;
    return code;
}

// --- the report ---

static void print_text(const struct restore *restore)
{
    const struct store_restored *store = &restore->store;
    (void)printf("restored       %s, %.1f MiB in %.2f s\n", restore->data,
                 (double)restore->bytes / (1 << 20), restore->seconds);
    (void)printf("records        %" PRIu64 " jobs, %" PRIu64 " violations\n", restore->row_count,
                 restore->violations);
    (void)printf("lineage        %016" PRIx64 "\n", store->lineage);
    (void)printf("epoch          %" PRIu32 ", was %" PRIu32 "\n", store->epoch,
                 store->before.epoch);
    (void)printf("next job       %" PRIu64 ", was %" PRIu64 "\n", store->job_no_next,
                 store->before.job_no_next);
    (void)printf("keys           %s\n", restore->has_keys
                                            ? "in its directory 'keys'"
                                            : "NONE: the backup has none; peers know the broker by "
                                              "them");
}

static void print_json(const struct restore *restore)
{
    const struct store_restored *store = &restore->store;
    (void)printf("{\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"records\":%" PRIu64
                 ",\"violations\":%" PRIu64 ",\"lineage\":\"%016" PRIx64 "\",\"epoch\":%" PRIu32
                 ",\"epoch_before\":%" PRIu32 ",\"generation_next\":%" PRIu64 ",\"keys\":%s}\n",
                 restore->bytes, restore->seconds, restore->row_count, restore->violations,
                 store->lineage, store->epoch, store->before.epoch, store->job_no_next,
                 restore->has_keys ? "true" : "false");
}

static int run(const struct config *config)
{
    struct restore restore = {
        .backup = config->arguments[0],
        .data = config_text(config, "data"),
        .accepts_violations = config_is_on(config, "accept-violations"),
        .lost_ms = config_is_given(config, "lost") ? config_number(config, "lost") : WHEN_NEVER,
        .progress.table = &restore_table};
    int code = make(&restore);
    if (code != UPKEEP_DONE)
        return code;
    if (upkeep_wants_json(config))
        print_json(&restore);
    else
        print_text(&restore);
    return fflush(stdout) == 0 ? code : complain("restored", "but the report could not be written");
}

int restore_main(int argc, char **argv)
{
    return upkeep_main(&restore_table, argc, argv, run);
}
