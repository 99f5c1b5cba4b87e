#pragma once

// What all verbs share: reading their settings, exit codes, complaints. Not thread-safe.

#include "lib/base/id.h"
#include "lib/link/curve.h"
#include "lib/sys/config.h"

#include <stdio.h>

// The exit codes of the client verbs; docs/cli.md has the table.
enum command_code {
    COMMAND_SUCCEEDED = 0,
    COMMAND_DEAD = 1,      // the job is dead, or the broker refused: nothing was stored
    COMMAND_CANCELLED = 2, // of run, batch and acts on many
    COMMAND_EXPIRED = 3,
    COMMAND_UNKNOWN = 4, // no answer, or no such job
    COMMAND_USAGE = 64,
};

#define COMMAND_BROKER_DEFAULT "tcp://127.0.0.1:7400"

// The keys of every verb that asks a broker: which one, and on behalf of whom.
#define COMMAND_KEY_BROKER                                                                         \
    {.key = "broker",                                                                              \
     .type = CONFIG_ENDPOINT,                                                                      \
     .default_text = COMMAND_BROKER_DEFAULT,                                                       \
     .help = "the broker's ZeroMQ door"},                                                          \
        CURVE_KEYS,                                                                                \
    {                                                                                              \
        .key = "tenant", .type = CONFIG_STRING, .default_text = "default",                         \
        .help = "whose jobs, queues and the rest are meant"                                        \
    }
#define COMMAND_KEY_GIVE_UP                                                                        \
    {                                                                                              \
        .key = "give-up", .type = CONFIG_DURATION, .default_text = "10s", .min = 1,                \
        .max = 24 * 3600 * 1000, .help = "how long to repeat a question that stays unanswered"     \
    }
#define COMMAND_KEY_OUTPUT                                                                         \
    {                                                                                              \
        .key = "output", .type = CONFIG_WORD, .default_text = "text", .words = "text|json",        \
        .letter = 'o', .help = "how the answer is printed"                                         \
    }

// Of each verb that lists.
#define COMMAND_KEY_NO_HEADER                                                                      \
    {                                                                                              \
        .key = "no-header", .type = CONFIG_BOOL, .default_text = "false",                          \
        .help = "no line of names above the list"                                                  \
    }
#define COMMAND_LIST_KEYS                                                                          \
    COMMAND_KEY_NO_HEADER, COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP, COMMAND_KEY_OUTPUT

// One word of the command line and what it does; `run` gets what follows the word.
struct command_verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about; // half a sentence
};

struct command_verbs {
    const char *program; // "weft", "weft job"
    const struct command_verb *items;
    uint32_t count;
};

// Runs the verb named by the first word; --help and unknown words are answered here.
int command_dispatch(const struct command_verbs *verbs, int argc, char **argv);
// Name and half a sentence of each.
void command_list(const struct command_verbs *verbs, FILE *out);

// True when `config` holds the settings. Else the user has been told, by the help or a problem,
// and *out_code is the exit code. Call config_deinit() in both cases.
bool command_begin(struct config *config, const struct config_table *table, int argc, char **argv,
                   int *out_code);

// "weft VERB: sentence" on standard error.
void command_complain(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The first argument as an id; false after a complaint.
bool command_read_id(const struct config *config, struct id *out_id);

bool command_wants_json(const struct config *config);
// Is there a line of names above what is listed? Not in JSON, and not with --no-header.
bool command_wants_header(const struct config *config);

// Flushes standard output; an answer that could not be written must not look like a success.
int command_end(const char *program, int code);
