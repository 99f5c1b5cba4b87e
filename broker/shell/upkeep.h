#pragma once

// What the verbs on a broker's directory have in common: `weft audit`, `weft backup`, `weft restore`.
// Not thread-safe.

#include "lib/base/when.h"
#include "lib/sys/config.h"

#include <limits.h>

// Their exit codes; docs/cli.md has the table.
enum upkeep_code {
    UPKEEP_DONE = 0,
    UPKEEP_VIOLATED = 1, // records disagree
    UPKEEP_NOT_DONE = 4,
    UPKEEP_USAGE = 64,
};

// Reads the settings, answers --help, and leaves the rest to `run`, which gives the exit code.
int upkeep_main(const struct config_table *table, int argc, char **argv,
                int (*run)(const struct config *config));

// "weft PROGRAM: SUBJECT: SENTENCE" on standard error, the subject once if the sentence begins with
// it, as those of the disk do. UPKEEP_NOT_DONE.
int upkeep_complain(const struct config_table *table, const char *subject, const char *sentence);

// DIR/NAME; false with errno when that is too long.
bool upkeep_path(const char *dir, const char *name, char out[PATH_MAX]);

// How many bytes its store has, 0: there is none, with errno.
uint64_t upkeep_store_bytes(const char *dir);

// Is the report to be JSON?
bool upkeep_wants_json(const struct config *config);

// Who looks at a terminal is told how far a copy is, each second. Zero at first.
struct upkeep_progress {
    const struct config_table *table;
    when_ms told_at;
};
void upkeep_tell(struct upkeep_progress *progress, uint64_t bytes, uint64_t bytes_expected);
