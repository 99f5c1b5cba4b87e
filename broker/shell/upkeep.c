#include "broker/shell/upkeep.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TELL_EVERY_MS = 1000 };

int upkeep_main(const struct config_table *table, int argc, char **argv,
                int (*run)(const struct config *config))
{
    struct config config = {0};
    int code = UPKEEP_USAGE;
    err e = config_read(&config, table, argc, argv);
    if (e == OK && config.help_asked) {
        config_help(table, stdout);
        code = UPKEEP_DONE;
    } else if (e == OK && failpoint_init() != OK) {
        (void)fprintf(stderr, "weft %s: WEFT_FAILPOINT is name or name:count\n", table->program);
    } else if (e == OK) {
        code = run(&config);
    } else {
        (void)fprintf(stderr, "weft %s: %s\n", table->program, config.problem);
    }
    config_deinit(&config);
    return code;
}

int upkeep_complain(const struct config_table *table, const char *subject, const char *sentence)
{
    bool names_it = strncmp(sentence, subject, strlen(subject)) == 0;
    (void)fprintf(stderr, "weft %s: %s%s%s\n", table->program, names_it ? "" : subject,
                  names_it ? "" : ": ", sentence);
    return UPKEEP_NOT_DONE;
}

bool upkeep_path(const char *dir, const char *name, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    if (len > 0 && len < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

uint64_t upkeep_store_bytes(const char *dir)
{
    char path[PATH_MAX];
    struct stat file = {0};
    errno = ENOENT; // of an empty one
    bool is_there = upkeep_path(dir, "data.mdb", path) && stat(path, &file) == 0;
    return is_there ? (uint64_t)file.st_size : 0;
}

bool upkeep_wants_json(const struct config *config)
{
    return strcmp(config_text(config, "output"), "json") == 0;
}

void upkeep_tell(struct upkeep_progress *progress, uint64_t bytes, uint64_t bytes_expected)
{
    when_ms now = clock_mono_ms();
    if (progress->told_at == 0)
        progress->told_at = now;
    if (now < progress->told_at + TELL_EVERY_MS || isatty(STDERR_FILENO) != 1)
        return;
    progress->told_at = now;
    (void)fprintf(stderr, "weft %s: %" PRIu64 " of about %" PRIu64 " MiB\n",
                  progress->table->program, bytes >> 20,
                  (bytes_expected > bytes ? bytes_expected : bytes) >> 20);
}
