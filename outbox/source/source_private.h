#pragma once

// What a database must do to be one of the sources.

#include "lib/base/bytes.h"
#include "outbox/source/source.h"

#include <stdio.h>
#include <stdlib.h>

struct source_kind {
    const char *name;
    bool (*is_database)(const char *database);
    err (*open)(const char *database, struct source **out_source, char *out_problem);
    void (*close)(struct source *source);
    err (*fetch)(struct source *source, const char *without, struct source_rows *rows);
    err (*settle)(struct source *source, const struct source_verdicts *verdicts);
    err (*release)(struct source *source);
    err (*wait)(struct source *source, int stop_fd, when_ms timeout_ms);
};

// The first member of each kind's own struct.
struct source {
    const struct source_kind *kind;
    char outbox_id[ROW_OUTBOX_ID_LEN_MAX + 1];
    char problem[SOURCE_PROBLEM_LEN];
    char without[3 +
                 PARKED_COUNT_MAX * (MSG_NAME_LEN_MAX + 3)]; // names of parked queues, as an array
};

extern const struct source_kind source_postgresql;
extern const struct source_kind source_sqlite;

#define SOURCE_NO_SCHEMA                                                                           \
    "there is no weft_outbox in it; make it with 'weft outbox schema %s' ('weft outbox --help')"
