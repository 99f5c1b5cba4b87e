#pragma once

// Settings from a table of keys: flags before WEFT_* variables before a ZPL file (`--config`)
// before defaults. One table gives parsing, errors and --help. Not thread-safe; read once, at
// the start of the program.
//
//   flag       --lease 30s, --lease=30s, or the key's letter: -l 30s; a bool alone means true,
//              --no-journal means false
//   variable   WEFT_LEASE=30s, WEFT_MAX_ATTEMPTS for the key "max-attempts"
//   file       lease = 30s, at the top level for every program, or in a section named after the
//              program (its first word, if it has several); what is another program's is skipped,
//              what is nobody's is refused

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <stdio.h>

enum config_type {
    CONFIG_STRING,
    CONFIG_ENDPOINT, // tcp://HOST:PORT, ipc://PATH, or HOST:PORT; port 0 to 65535
    CONFIG_INTEGER,  // within min … max
    CONFIG_DURATION, // 250ms, 30s, 5m, 2h, 7d; number is in ms, within min … max
    CONFIG_BYTES,    // 512, 64KiB, 8MiB, 2GiB, 1TiB; within min … max
    CONFIG_BOOL,     // true, false, yes, no, on, off, 1, 0
    CONFIG_WORD,     // one of `words`
};

struct config_key {
    const char *key; // lower case, words joined by '-'
    enum config_type type;
    const char *default_text; // as one would type it; NULL: no value
    const char *help;         // half a sentence
    char letter;              // of the short flag, or 0
    bool required;            // some value must be given
    bool is_many;             // a string that may be given several times: see config_each()
    int64_t min;              // of a number; both 0: 0 … INT64_MAX
    int64_t max;
    const char *words; // of CONFIG_WORD: "text|json"
    const char *alone; // what the flag means when no value of its type follows; NULL: one must
};

struct config_table {
    const char *program; // "broker": the section of the file; "job show": section job
    const char *usage;   // "weft broker [flags]"
    const char *about;   // one or more sentences for --help
    const struct config_key *keys;
    uint32_t key_count;          // at most CONFIG_KEYS_MAX
    uint32_t argument_count_min; // words without a flag in front: TYPE, FILE …
    uint32_t argument_count_max;
    bool takes_program; // what follows "--" is config->rest; otherwise it is more arguments
    // Tells an argument that begins with a dash from a flag that is not in the table; NULL: only after "--" one may.
    bool (*is_argument)(struct slice word);
};

enum {
    CONFIG_KEYS_MAX = 64,
    CONFIG_ARGUMENTS_MAX = 64,
    CONFIG_TABLES_MAX = 96,
    CONFIG_EACH_MAX = 64
};

// For every program's table: {…, CONFIG_LOG_LEVEL}.
#define CONFIG_LOG_LEVEL                                                                           \
    {                                                                                              \
        .key = "log-level", .type = CONFIG_WORD, .default_text = "info",                           \
        .words = "debug|info|warn|error", .help = "least important line to log"                    \
    }

enum config_source { CONFIG_UNSET, CONFIG_DEFAULT, CONFIG_FILE, CONFIG_VARIABLE, CONFIG_FLAG };

struct config_value {
    const char *text; // NULL when unset
    int64_t number;   // integer, ms, bytes, 0 or 1, place in `words`
    enum config_source source;
};

struct config {
    const struct config_table *table;
    struct config_value values[CONFIG_KEYS_MAX]; // in the order of the table
    const char *arguments[CONFIG_ARGUMENTS_MAX]; // words without a flag in front
    uint32_t argument_count;
    const char *each[CONFIG_EACH_MAX]; // of keys that may be given several times, as they came …
    uint32_t each_of[CONFIG_EACH_MAX]; // … and the place of each one's key in the table
    uint32_t each_count;
    char *const *rest; // of a table that takes a program: what followed "--", as in argv, or NULL
    uint32_t rest_count;
    bool help_asked;   // -h or --help: print config_help() and leave; nothing else was judged
    char problem[384]; // after an error: a sentence for the user
    const char *path;  // of the file, or NULL
    void *file;        // the parsed file; values point into it
};

// The tables of all programs that share one file; they must stay. To be called once, before any
// config_read(): without it every section and key of another program is a mistake.
void config_know(const struct config_table *const *tables, uint32_t count);

// `argv` begins after the verb. Values borrow from the table, argv, the environment and the file;
// they live until config_deinit(). Call config_deinit() also after an error.
//   ERR_BAD_FIELD   an unknown flag, key or section (the nearest name is told), a value that does not
//                   parse, a missing one, a file that cannot be read: see config->problem
MUST_USE err config_read(struct config *config, const struct config_table *table, int argc,
                         char *const *argv);
void config_deinit(struct config *config);

// The values by key; a key that is not in the table is a bug.
const char *config_text(const struct config *config, const char *key); // NULL when unset
// The value in place `i`, from 0, of a key that may be given several times; NULL behind the last.
// Without a flag it is the one of the variable or the file.
const char *config_each(const struct config *config, const char *key, uint32_t i);
int64_t config_number(const struct config *config, const char *key); // 0 when unset
bool config_is_on(const struct config *config, const char *key);
// True when a flag, a variable or the file gave it.
bool config_is_given(const struct config *config, const char *key);
// Is it a key of the table at all? The others may be asked for such only.
bool config_knows(const struct config *config, const char *key);

// Usage, about and all keys with defaults, ranges and variables.
void config_help(const struct config_table *table, FILE *out);
